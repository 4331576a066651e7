"""The open fence: its complete lines are frozen; their highlighting may change until the fence is closed.

The parser decides where a fence ends; this module handles the code inside.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from markdown_it.token import Token

from .highlight import highlight, language_of, split_lines
from .invisible import mark_invisible
from .open_block import OpenBlock, line_after
from .token_html import is_open_fence

if TYPE_CHECKING:
    from collections.abc import Callable

    from .fences import FenceState
    from .highlight_live import LiveHighlighter

__all__ = ["OpenFence"]

_PART_SIZE: Final = 1000  # characters of code in one part, about


def _split_parts(code: str) -> list[str]:
    """Split code between lines into parts of about ``_PART_SIZE`` characters."""
    parts: list[str] = []
    size = _PART_SIZE
    for line in split_lines(code):
        if size >= _PART_SIZE:
            parts.append("")
            size = 0
        parts[-1] += line
        size += len(line)
    return parts


class OpenFence(OpenBlock):
    """A fence whose complete lines are frozen.

    While the fence is open its code is highlighted line by line if there is a highlighter, plain otherwise.
    When the closing line arrives, all of its code is highlighted at once.

    Args:
        prefix: the opening line without the info string.
        info: the info string.
        make_highlighter: makes a highlighter for a language; None shows open code plain.
    """

    kind = "code"
    restyles = True
    _closing = "</code></pre>\n"

    def __init__(
        self, prefix: str, info: str, make_highlighter: Callable[[str], LiveHighlighter] | None = None
    ) -> None:
        super().__init__()
        self.prefix = prefix
        self._language = language_of(info)
        attribute = f' class="language-{self._language}"' if self._language else ""
        self._opening = f"<pre><code{attribute}>"
        self._highlighter = make_highlighter(self._language) if make_highlighter and self._language else None
        self._frozen_code: list[str] = []  # one string for each commit
        self._frozen_lines = 0  # how many lines it has
        self._open_code = ""  # the code that is not frozen
        self._open_state: FenceState | None = None
        self._closed = False
        self._provisional = False  # whether the closing line may turn out to be code
        self._highlighted: list[str] = []  # HTML of each line of the closed fence

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """Return the code element around some parts; it names the language only with the first part."""
        opening = "<pre><code>" if first else self._opening
        return f"{opening}{''.join(parts)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """Return the unfrozen code in parts of about 1000 characters, and the tokens that follow the fence."""
        self._open_code = tokens[0].content
        self.end_line = line_after(tokens)
        self._closed = not is_open_fence(tokens[0])
        self._provisional = bool(tokens[0].meta.get("provisional"))
        self._open_state = tokens[0].meta.get("state")
        parts = []
        line = self._frozen_lines
        for code in _split_parts(self._open_code):
            parts.append([Token("lines", "", 0, content=code, meta={"line": line})])
            line += code.count("\n")
        return parts, tokens[1:]

    def finished_parts(self, parts: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Return all parts, and the line after the code if it is not certain that the next one closes the fence."""
        return parts, self.end_line - self._provisional

    def commit(self) -> None:
        """Freeze the lines that were split last."""
        self._frozen_code.append(self._open_code)
        self._frozen_lines += self._open_code.count("\n")
        self.fence_state = self._open_state
        if self._highlighter is not None:
            self._highlighter.feed(self._open_code)

    def has_ended(self, text: str) -> bool:
        """Return whether the closing line is there."""
        return self._closed and not self._provisional

    def current_style(self, *, closed: bool) -> str:
        """Return ``plain``, ``live`` (highlighted line by line) or ``whole`` (highlighted with all of the code known)."""
        if not self._closed:
            return (
                "live"
                if self._highlighter is not None and self._highlighter.active and not closed
                else "plain"
            )
        code = "".join(self._frozen_code) + ("" if closed else self._open_code)
        self._highlighted = split_lines(highlight(code, self._language))
        return "whole"

    def is_outdated(self, part: list[Token]) -> bool:
        """Return whether the highlighting of a part has changed."""
        return self.style == "live" and self._code_html(part) != part[0].meta.get("raw")

    def to_html(self, part: list[Token]) -> str:
        """Return the safe HTML of some lines."""
        raw = self._code_html(part)
        meta = part[0].meta
        if meta.get("raw") != raw:
            meta["raw"], meta["html"] = raw, self._sanitize(mark_invisible(raw, in_code=True))
        return str(meta["html"])

    def _code_html(self, part: list[Token]) -> str:
        """Return the HTML of some lines in the current style, not yet sanitized."""
        code, line = part[0].content, part[0].meta["line"]
        end = line + code.count("\n") + (not code.endswith("\n"))
        if self.style == "whole":
            return "".join(self._highlighted[line:end])
        if self.style == "plain" or self._highlighter is None:
            return escape(code, quote=False)
        if line < self._frozen_lines:
            return "".join(self._highlighter.lines[line:end])
        lines = self._highlighter.preview(self._open_code)
        return "".join(lines[line - self._frozen_lines : end - self._frozen_lines])
