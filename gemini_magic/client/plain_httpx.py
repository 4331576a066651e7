"""httpx without its command-line client, which imports click, rich and pygments where they are installed (10 ms).

``httpx`` imports the module ``httpx._main`` and does without it where its packages are missing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

__all__ = ["httpx"]

_COMMAND_LINE = "httpx._main"


def _import_httpx() -> Any:
    modules: dict[str, Any] = sys.modules
    # The entry None makes the import fail; it is removed again, so that other code can import the module.
    modules.setdefault(_COMMAND_LINE, None)
    try:
        import httpx as found  # noqa: PLC0415 - while the entry is there
    finally:
        if modules.get(_COMMAND_LINE) is None:
            modules.pop(_COMMAND_LINE, None)
    return found


if not TYPE_CHECKING:
    httpx = _import_httpx()
