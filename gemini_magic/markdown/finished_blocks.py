"""Cuts a growing answer into passages of whole blocks, each handed out once, as soon as nothing can change it.

For places where what is printed stays, such as a terminal: they draw tokens themselves. It makes no HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .freezer import Freezer
from .images import DATA_ONLY
from .open_block import line_start, top_level
from .parser import Refs, blocks_of, inline
from .sanitize import Newlines, reveal

if TYPE_CHECKING:
    from markdown_it.token import Token

    from .open_block import OpenBlock

__all__ = ["FinishedBlocks"]


class FinishedBlocks:
    """The finished and the unfinished blocks of a growing text.

    Attributes:
        rest: the source that is not handed out yet.
    """

    def __init__(self) -> None:
        self.rest = ""
        self._newlines = Newlines()
        self._freezer = Freezer(coloured=False, images=DATA_ONLY)
        self._frame: OpenBlock | None = None

    def feed(self, text: str) -> str:
        """Take more text; returns the source of the blocks that are finished now, which may be none."""
        text = self._newlines(text)
        self.rest += text
        self._freezer.text += text
        self._freezer.freeze()
        before, self._frame = self._frame, self._freezer.open_block
        if self._frame is not None and self._frame is before:
            return ""
        done = self.rest[: len(self.rest) - len(self._freezer.text)]
        if self._frame is not None:  # parts of a long block are frozen, but it goes on
            *_, last = top_level(blocks_of(done, Refs()))
            done = done[: line_start(done, (last[0].map or [0])[0])]
        self.rest = self.rest[len(done) :]
        return done

    def close(self) -> str:
        """Nothing follows: the source of all that is left."""
        done, self.rest = self.rest, ""
        self._freezer, self._frame = Freezer(coloured=False, images=DATA_ONLY), None
        return done

    def tail(self, most: int) -> str:
        """The unfinished source; of a longer one than ``most`` characters the end, so begun that it reads alike."""
        if len(self.rest) <= most:
            return self.rest
        cut = len(self.rest) - most
        cut = self.rest.find("\n", cut) + 1 or cut
        lead = self._frame.lead if self._frame is not None and self._frame.kind in ("code", "table") else ""
        return lead + self.rest[cut:]

    def tokens(self, source: str) -> list[Token]:
        """Parse a source for a printer that shows text as it is: nothing in a token can move a cursor or hide.

        Links and images that may not be followed, and links that show their address already, are text.
        """
        refs = Refs(self._freezer.settled)
        tokens = blocks_of(source, refs)
        inline(tokens, refs)
        for token in tokens:
            if token.children:
                token.children = _plain(token.children)
            for each in (token, *(token.children or ())):
                each.content = reveal(each.content)
                each.info = reveal(each.info)
                each.attrs = {name: reveal(str(value)) for name, value in each.attrs.items()}
        return tokens


def _plain(children: list[Token]) -> list[Token]:
    """Inline tokens of the kinds every printer knows."""
    kept: list[Token] = []
    for at, token in enumerate(children):
        if token.type == "task":
            token.type = "text"
        elif token.type == "image":
            address = str(token.attrGet("src") or "")
            token.type, token.tag, token.children = "text", "", None
            token.content = (
                f"[image: {token.content or 'no description'}{f' ({address})' if address else ''}]"
            )
        elif token.type == "nothing" or (token.type.startswith("link_") and _says_its_address(children, at)):
            continue
        kept.append(token)
    return kept


def _says_its_address(children: list[Token], at: int) -> bool:
    """Whether this is the opening or the closing token of a link whose text is where it leads."""
    start = at if children[at].nesting == 1 else at - 2
    if start < 0 or len(children) < start + 3:
        return False
    opening, text, closing = children[start : start + 3]
    address = str(opening.attrGet("href") or "")
    return closing.type == "link_close" and text.content in (address, address.removeprefix("mailto:"))
