"""SQLite, or a clear error: a Python can be built without it."""

from __future__ import annotations

from ..errors import StoreError

try:
    import sqlite3
except ImportError as problem:
    raise StoreError(
        f"Rows need a store, and this Python has no SQLite ({problem}).",
        remedy="Use a Python with the module sqlite3. Nothing was sent.",
    ) from None

__all__ = ["sqlite3"]
