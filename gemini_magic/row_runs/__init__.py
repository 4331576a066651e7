"""One prompt over many rows: what is asked, what is stored, and who asks it."""

from __future__ import annotations

__all__: list[str] = []
