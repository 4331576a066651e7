"""The commands of ``%gemini``: ``dispatch`` has the table of all commands; each other module implements one group."""
