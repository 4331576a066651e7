"""Transforms a ``%%gemini`` cell, or a cell with only a command that shows a growing answer, into a call of the magic.

In a kernel the call is awaited, so that widgets and the Stop button work while the answer streams.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from IPython.core.inputtransformer2 import make_tokens_by_line

from .kernel import code_of, has_kernel, message_of

__all__ = ["AWAITED", "CellTransformer"]

AWAITED = "await get_ipython().find_cell_magic('gemini').__self__.awaited"
_MAGIC = re.compile(r"[ \t]*%%gemini(?=\s|$)")
_QUESTION = re.compile(r"([ \t]*)%gemini[ \t]+(\S.*\?)\s*")
_WATCHED = re.compile(r"[ \t]*%gemini[ \t]+((?:resume|last|interactions[ \t]+follow)(?:[ \t].*)?)")


class CellTransformer:
    """An input transformer for the first position in ``input_transformers_cleanup``.

    IPython's own transformers strip ``>>> `` and common indentation, which would change a prompt.
    """

    # Excludes it from completeness checks while the user types (IPython, "Custom input transformation").
    has_side_effects = True

    def __init__(self, shell: Any, magics: Any) -> None:
        self.shell = shell
        self.magics = magics
        self._awaited: str | None = None

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of the transformed cell."""
        command = _watched_command(lines)
        if command is not None and self._is_registered() and self._can_await("".join(lines)):
            return [f"{AWAITED}_command({command!r})\n"]
        if any(map(_QUESTION.fullmatch, lines)) and self._is_registered():
            lines = _with_questions_called(lines)
        start = _magic_line(lines)
        if start is None or not self._is_registered():
            return lines
        if any(line.strip() for line in lines[:start]):
            return [f"get_ipython().find_cell_magic('gemini').__self__.report_misplaced({start + 1})\n"]
        line = lines[start].strip().removeprefix("%%gemini").strip()
        body = "".join(lines[start + 1 :])
        if self._can_await("".join(lines)):
            return [f"{AWAITED}({line!r}, {body!r})\n"]
        if not body:  # IPython refuses a cell magic without a body, such as `%%gemini -h`
            return [f"get_ipython().find_cell_magic('gemini').__self__.gemini({line!r}, '')\n"]
        return [f"get_ipython().run_cell_magic('gemini', {line!r}, {body!r})\n"]

    def _is_registered(self) -> bool:
        """Whether these magics are still the ones behind ``%%gemini``."""
        return getattr(self.shell.find_cell_magic("gemini"), "__self__", None) is self.magics

    def _can_await(self, source: str) -> bool:
        """Whether this source is the cell that the kernel is about to run, and the kernel can await it.

        The same source can be transformed again while the cell runs, for example by ``run_cell``. Only the first
        time for an execute request counts.
        """
        shell = self.shell
        if not (has_kernel(shell) and shell.autoawait):
            return False
        loop_runner = getattr(shell, "loop_runner_map", {}).get("asyncio", (None,))[0]
        if loop_runner is None or shell.loop_runner is not loop_runner:
            return False  # for example %autoawait trio
        code, message = code_of(shell), message_of(shell)
        if code is None or message is None or message == self._awaited or source not in (code, f"{code}\n"):
            return False
        asyncio = sys.modules.get("asyncio")  # if it is not imported, no event loop is running
        try:
            if asyncio is None or asyncio.get_running_loop() is None:
                return False
        except RuntimeError:
            return False
        self._awaited = message
        return True


def _magic_line(lines: list[str]) -> int | None:
    """The index of the line with ``%%gemini`` if only blank lines and comments precede it."""
    for number, line in enumerate(lines):
        if _MAGIC.match(line):
            return number
        if line.strip() and not line.lstrip().startswith("#"):
            return None
    return None


def _with_questions_called(lines: list[str]) -> list[str]:
    """The lines with each ``%gemini …?`` as a call of the magic. IPython would look for help on its last word."""
    if lines[0].startswith("%%"):
        return lines
    starts = {
        next((token.start[0] for token in tokens if token.string.strip()), 0) - 1
        for tokens in make_tokens_by_line(lines)
    }
    return [
        f"{found[1]}get_ipython().run_line_magic('gemini', {found[2]!r})\n"
        if number in starts and (found := _QUESTION.fullmatch(line))  # not within a string of several lines
        else line
        for number, line in enumerate(lines)
    ]


def _watched_command(lines: list[str]) -> str | None:
    """The command of a cell that contains only a command that can show a growing answer, and comments; otherwise None."""
    found = _single_line(lines, _WATCHED)
    return None if found is None or found.endswith(("?", "\\")) else found


def _single_line(lines: list[str], pattern: re.Pattern[str]) -> str | None:
    """Group 1 of the match with the only line of code in a cell; None if there are other lines or it does not match."""
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    found = pattern.fullmatch(code[0].rstrip()) if len(code) == 1 else None
    return None if found is None else found[1]
