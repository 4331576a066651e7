"""The commands of ``%gemini``, one module for each family."""
