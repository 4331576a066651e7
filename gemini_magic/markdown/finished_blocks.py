"""Splits a growing text into source of whole blocks, each returned once, as soon as nothing can change it.

For output that cannot be changed once it is printed, such as a terminal. The caller renders the tokens
itself; this module makes no HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown_it.token import Token

from ..text import reveal
from .expansion import NOTICE, is_limited, limit_references
from .freezer import Freezer
from .images import DATA_ONLY
from .math import formula_source
from .open_block import line_start, split_top_level
from .parser import References, parse_blocks, parse_inline
from .sanitize import NewlineNormalizer

if TYPE_CHECKING:
    from .open_block import OpenBlock

__all__ = ["FinishedBlocks"]


class FinishedBlocks:
    """The finished and the unfinished blocks of a growing text.

    Attributes:
        rest: the source that was not returned yet.
    """

    def __init__(self) -> None:
        self.rest = ""
        self._newlines = NewlineNormalizer()
        self._freezer = Freezer(live_highlight=False, images=DATA_ONLY)
        self._open_block: OpenBlock | None = None
        self._spent = 0  # what the links of finished blocks have used of the budget for definitions

    def feed(self, text: str) -> str:
        """Add text and return the source of the blocks that are finished now; it may be empty."""
        text = self._newlines(text)
        self.rest += text
        self._freezer.text += text
        self._freezer.freeze()
        before, self._open_block = self._open_block, self._freezer.open_block
        if self._open_block is not None and self._open_block is before:
            return ""
        finished = self.rest[: len(self.rest) - len(self._freezer.text)]
        if self._open_block is not None:  # parts of it are frozen, but the block continues
            *_, last = split_top_level(parse_blocks(finished, References()))
            finished = finished[: line_start(finished, (last[0].map or [0])[0])]
        self.rest = self.rest[len(finished) :]
        return finished

    def close(self) -> str:
        """Return the source of everything that is left: nothing follows."""
        finished, self.rest = self.rest, ""
        self._freezer, self._open_block = Freezer(live_highlight=False, images=DATA_ONLY), None
        return finished

    def tail(self, limit: int) -> str:
        """Return the unfinished source.

        Of a source longer than ``limit`` characters only the end is returned, about that long. The prefix of
        an open fence or table is put in front, so that the end is parsed as code or rows.
        """
        if len(self.rest) <= limit:
            return self.rest
        cut = len(self.rest) - limit
        cut = self.rest.find("\n", cut) + 1 or cut
        block = self._open_block
        prefix = block.prefix if block is not None and block.kind in ("code", "table") else ""
        return prefix + self.rest[cut:]

    def tokens(self, source: str, *, finished: bool = True) -> list[Token]:
        """Parse a source for a terminal: no text in the tokens can move the cursor or hide.

        A summary becomes a paragraph, and a formula its source. Images and tags such as ``<sub>`` become text; so do links inside links, links whose
        text is their URL, and links beyond the budget for definitions.

        Args:
            source: the source.
            finished: whether these blocks are finished, so that their links count for the blocks that follow.
        """
        references = References(self._freezer.definitions)
        tokens = parse_blocks(source, references)
        parse_inline(tokens, references)
        spent = limit_references(tokens, self._spent)
        self._spent = spent if finished else self._spent
        tokens = [token for token in tokens if token.tag != "details"]
        for token in tokens:
            if token.type == "formula_block":
                token.type, token.tag, token.content = "code_block", "code", f"{formula_source(token)}\n"
            if token.tag == "summary":
                token.type, token.tag = token.type.replace("summary", "paragraph"), "p"
            if token.children:
                token.children = _standard_tokens(token.children)
            for each in (token, *(token.children or ())):
                each.content = reveal(each.content)
                each.info = reveal(each.info)
                each.attrs = {name: reveal(str(value)) for name, value in each.attrs.items()}
        return tokens


def _standard_tokens(children: list[Token]) -> list[Token]:
    """Return inline tokens of the types that every Markdown printer knows."""
    kept: list[Token] = []
    for at, token in enumerate(children):
        if token.meta.get("limit") == "first" and token.nesting >= 0:
            kept.append(Token("text", "", 0, content=f"[{NOTICE}] "))
        if token.type == "task":
            token.type = "text"
        elif token.type == "formula":
            token.type, token.content = "text", formula_source(token)
        elif token.type == "footnote_reference":
            token.type, token.content = "text", f"[^{token.content}]{token.markup}"
        elif token.type == "inline_tag":  # a terminal has neither subscripts nor keys
            token.type, token.tag, token.nesting = "text", "", 0
        elif token.type == "image":
            url = "" if is_limited(token) else str(token.attrGet("src") or "")
            token.type, token.tag, token.children = "text", "", None
            token.content = f"[image: {token.content or 'no description'}{f' ({url})' if url else ''}]"
        elif token.type in {"nothing", "comment"} or (
            token.type.startswith("link_") and (is_limited(token) or _is_link_to_its_text(children, at))
        ):
            continue
        kept.append(token)
    return kept


def _is_link_to_its_text(children: list[Token], at: int) -> bool:
    """Return whether this is the opening or closing token of a link whose text is its URL."""
    start = at if children[at].nesting == 1 else at - 2
    if start < 0 or len(children) < start + 3:
        return False
    opening, text, closing = children[start : start + 3]
    url = str(opening.attrGet("href") or "")
    return closing.type == "link_close" and text.content in (url, url.removeprefix("mailto:"))
