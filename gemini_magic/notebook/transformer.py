"""Turns a ``%%gemini`` cell (and ``%gemini resume``) into a call before IPython's own clean-up touches the prompt.

In a kernel the call is awaited, so that widgets and the Stop button live while the answer streams. It knows the
cell's source and nothing of what the line means.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from .kernel import code_of, has_kernel, message_of

__all__ = ["AWAITED", "CellTransformer"]

AWAITED = "await get_ipython().find_cell_magic('gemini').__self__.awaited"
_MAGIC = re.compile(r"[ \t]*%%gemini(?=\s|$)")
_RESUME = re.compile(r"[ \t]*%gemini[ \t]+(resume(?:[ \t].*)?)")


class CellTransformer:
    """An input transformer for the head of ``input_transformers_cleanup``.

    Later stages strip ``>>> `` and common indentation, which would change a prompt.
    """

    # Not run by completeness checks while a user types (IPython, "Custom input transformation").
    has_side_effects = True

    def __init__(self, shell: Any, magics: Any) -> None:
        self.shell = shell
        self.magics = magics
        self._taken: str | None = None

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines IPython should go on with."""
        word = _only_resume(lines)
        if word is not None and self._ours() and self._can_await("".join(lines)):
            return [f"{AWAITED}_word({word!r})\n"]
        start = _first(lines)
        if start is None or not self._ours():
            return lines
        if any(line.strip() for line in lines[:start]):
            return [f"get_ipython().find_cell_magic('gemini').__self__.not_first({start + 1})\n"]
        line = lines[start].strip().removeprefix("%%gemini").strip()
        body = "".join(lines[start + 1 :])
        if self._can_await("".join(lines)):
            return [f"{AWAITED}({line!r}, {body!r})\n"]
        if not body:  # IPython refuses a cell magic without a body, and with it `%%gemini -h`
            return [f"get_ipython().find_cell_magic('gemini').__self__.gemini({line!r}, '')\n"]
        return [f"get_ipython().run_cell_magic('gemini', {line!r}, {body!r})\n"]

    def _ours(self) -> bool:
        return getattr(self.shell.find_cell_magic("gemini"), "__self__", None) is self.magics

    def _can_await(self, source: str) -> bool:
        """Whether this source is the very cell the kernel is about to run, and it can be awaited.

        The same text may come again while the cell runs (``run_cell``, a notebook it runs): a request is taken once.
        """
        shell = self.shell
        if not (has_kernel(shell) and shell.autoawait):
            return False
        runner = getattr(shell, "loop_runner_map", {}).get("asyncio", (None,))[0]
        if runner is None or shell.loop_runner is not runner:
            return False  # %autoawait trio and the like
        code, message = code_of(shell), message_of(shell)
        if code is None or message is None or message == self._taken or source not in (code, f"{code}\n"):
            return False
        asyncio = sys.modules.get("asyncio")  # not imported: then no loop of it runs either
        try:
            if asyncio is None or asyncio.get_running_loop() is None:
                return False
        except RuntimeError:
            return False
        self._taken = message
        return True


def _first(lines: list[str]) -> int | None:
    """The line of ``%%gemini`` when only blank lines and comments come before it."""
    for number, line in enumerate(lines):
        if _MAGIC.match(line):
            return number
        if line.strip() and not line.lstrip().startswith("#"):
            return None
    return None


def _only_resume(lines: list[str]) -> str | None:
    """What follows ``%gemini`` when that is ``resume`` and the cell says nothing else, but for comments."""
    said = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    found = _RESUME.fullmatch(said[0].rstrip()) if len(said) == 1 else None
    return None if found is None or found[1].endswith(("?", "\\")) else found[1]
