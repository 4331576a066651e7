"""gemini_magic: ask Gemini in a notebook cell, watch the answer, inspect every chunk, replay it."""

__version__ = "0.1.0"
