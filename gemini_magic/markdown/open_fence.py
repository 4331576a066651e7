"""The open fence: its complete lines are frozen, its colours may change until it is closed.

It knows code and no Markdown; where a fence ends is for the parser to say.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from markdown_it.token import Token

from .highlight import highlight, language_of, lines_of
from .open_block import OpenBlock, after_line
from .token_html import is_open_fence

if TYPE_CHECKING:
    from collections.abc import Callable

    from .highlight_live import Colours

__all__ = ["FenceFrame"]

_LINES: Final = 1000  # characters of code in one part, about


def _chunks(code: str) -> list[str]:
    """Cut code between lines."""
    chunks: list[str] = []
    size = _LINES
    for line in lines_of(code):
        if size >= _LINES:
            chunks.append("")
            size = 0
        chunks[-1] += line
        size += len(line)
    return chunks


class FenceFrame(OpenBlock):
    """A fence whose complete lines are frozen. Open code is plain, or coloured line by line with ``colours``."""

    kind = "code"
    changeable = True
    _closing = "</code></pre>\n"

    def __init__(self, lead: str, info: str, colours: Callable[[str], Colours] | None = None) -> None:
        super().__init__()
        self.lead = lead
        self._language = language_of(info)
        attribute = f' class="language-{self._language}"' if self._language else ""
        self._opening = f"<pre><code{attribute}>"
        self._colours = colours(self._language) if colours and self._language else None
        self._text: list[str] = []  # of the frozen parts
        self._frozen = 0  # their lines
        self._rest = ""  # the text that is not frozen
        self._closed = False
        self._coloured: list[str] = []  # the lines of the closed fence

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """As in any frame; the language is named once, with the first part."""
        opening = "<pre><code>" if first else self._opening
        return f"{opening}{''.join(parts)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """As in any frame; its parts are about 1000 characters long."""
        self._rest = tokens[0].content
        self.end = after_line(tokens)
        self._closed = not is_open_fence(tokens[0])
        parts = []
        line = self._frozen
        for chunk in _chunks(self._rest):
            parts.append([Token("lines", "", 0, content=chunk, meta={"line": line})])
            line += chunk.count("\n")
        return parts, tokens[1:]

    def settle(self) -> None:
        """Freeze the lines that were just split."""
        self._text.append(self._rest)
        self._frozen += self._rest.count("\n")
        if self._colours is not None:
            self._colours.grow(self._rest)

    def ended(self, text: str) -> bool:
        """The closing line ends it."""
        return self._closed

    def looks(self, *, closed: bool) -> str:
        """``plain``, ``live`` while colours are guessed, ``whole`` when all of the code is known."""
        if not self._closed:
            return "live" if self._colours is not None and self._colours.alive and not closed else "plain"
        code = "".join(self._text) + ("" if closed else self._rest)
        self._coloured = lines_of(highlight(code, self._language))
        return "whole"

    def stale(self, part: list[Token]) -> bool:
        """Whether a part's colours have changed."""
        return self.mode == "live" and self._raw(part) != part[0].meta.get("raw")

    def draw(self, part: list[Token]) -> str:
        """Return the HTML of some lines."""
        raw = self._raw(part)
        meta = part[0].meta
        if meta.get("raw") != raw:
            meta["raw"], meta["html"] = raw, self._cleaned(raw)
        return str(meta["html"])

    def _raw(self, part: list[Token]) -> str:
        code, line = part[0].content, part[0].meta["line"]
        after = line + code.count("\n") + (not code.endswith("\n"))
        if self.mode == "whole":
            return "".join(self._coloured[line:after])
        if self.mode == "plain" or self._colours is None:
            return escape(code, quote=False)
        if line < self._frozen:
            return "".join(self._colours.lines[line:after])
        return "".join(self._colours.peek(self._rest)[line - self._frozen : after - self._frozen])
