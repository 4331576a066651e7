"""Which source of a growing answer is finished: blocks, and the parts of the one that is open.

It knows source and tokens; what they look like and what the view is told is decided elsewhere.

Why a block may be frozen: CommonMark decides block structure line by line, so complete lines can
change only the last block that is open (CommonMark 0.31, appendix "A parsing strategy", phase 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .highlight_live import Colours
from .images import size_of
from .open_block import OpenBlock, after_line, is_final, line_start, top_level
from .open_blocks import TextFrame, opened
from .paragraph_cut import LONG, is_firm, paragraph_line, quiet_cut
from .parser import Refs, blocks_of

if TYPE_CHECKING:
    from markdown_it.token import Token

    from .images import Images

__all__ = ["Part", "Freezer"]


class Part(NamedTuple):
    """Something that is being frozen: a block, or a part of a frame."""

    frame: OpenBlock | None
    tokens: list[Token]


class Freezer:
    """The source that is not frozen yet.

    Attributes:
        text: it itself.
        open_block: the block of which parts are frozen, if there is one; the text goes on inside it.
        settled: the definitions in frozen source.
        fresh: the labels settled since somebody cleared it.
        images: those that frames may show.
    """

    def __init__(self, *, coloured: bool, images: Images) -> None:
        self.images = images
        self.text = ""
        self.open_block: OpenBlock | None = None
        self.settled: dict[str, Any] = {}
        self.fresh: set[str] = set()
        self._colours = Colours if coloured else None
        self._complete = 0  # how much of the text, up to a line end, was searched for finished parts
        self._patience = LONG  # how much of it is read again and again before a paragraph is cut

    @property
    def led(self) -> str:
        """The text behind what stands for the frozen parts of the open block."""
        return self.open_block.lead + self.text if self.open_block else self.text

    def read(self) -> tuple[Refs, list[Token]]:
        """Parse what is not frozen, the unfinished line too."""
        passing = Refs(self.settled)
        if self.open_block is None:
            return passing, blocks_of(self.text, passing)
        tokens = blocks_of(self.led, passing, self.open_block.spent)
        self.open_block.split(tokens)
        if not self.open_block.void:
            return passing, tokens
        self._withdraw()
        return self.read()

    def _withdraw(self) -> None:
        """Read the source of a frame anew: it was no such block."""
        if self.open_block is not None:
            self.text = "".join([*self.open_block.source, self.text])
            self._complete = 0
            self.open_block = None

    def freeze(self, end: int | None = None) -> list[Part]:
        """Cut finished parts off the complete lines, or off so many characters; settle the definitions among them."""
        end = self.text.rfind("\n") + 1 if end is None else end
        if end <= self._complete:
            return []
        self._complete = end
        frame = self.open_block
        lead = frame.lead if frame else ""
        text = lead + self.text[:end]
        refs = Refs(self.settled)
        tokens = blocks_of(text, refs, frame.spent if frame else 0)
        new: list[Part] = []
        line = 0
        if frame is not None:
            children, tokens = frame.split(tokens)
            if frame.void:
                self._withdraw()
                return self.freeze()
            frame.settle()
            if tokens or frame.ended(text):
                self.open_block = None
                line = frame.end
            else:
                children, line = frame.finished(children)
                frame.consume(text[len(lead) : line_start(text, line)])
            new = [Part(frame, child) for child in children]
        blocks, after = self._finished(top_level(tokens), text)
        # Not where the last block begins: definitions in between make no token and can still grow.
        self._cut(text, max(line, after), refs, len(lead), self.text[end:])
        return new + blocks

    def _cut(self, text: str, line: int, refs: Refs, lead: int, behind: str) -> None:
        """Drop a parsed text up to a line, and settle the definitions before it."""
        cut = line_start(text, line)
        if cut <= lead:
            return
        for label, definition in refs.items():
            if definition["map"][1] <= line:
                self.settled[label] = definition
                self.fresh.add(label)
        self.text = text[cut:] + behind
        self._complete = len(text) - cut

    def _finished(self, blocks: list[list[Token]], text: str) -> tuple[list[Part], int]:
        """Return the finished ones of blocks, the last one's finished parts too, and the line after them."""
        if not blocks:
            return [], 0
        last = blocks[-1]
        done = blocks if is_final(last, text) else blocks[:-1]
        new = [Part(None, block) for block in done]
        line = after_line(done[-1]) if done else 0
        found = None if len(done) == len(blocks) else opened(last, text, self.settled, self._colours)
        if found is not None:
            self.open_block, parts, line = found
            self.open_block.images = self.images
            new += [Part(self.open_block, part) for part in parts]
        return new, line

    def shorten(self, tokens: list[Token]) -> list[Part]:
        """Freeze the beginning of a long paragraph at the very end, and all that stands before it."""
        if len(self.text) <= self._patience:
            return []
        self._patience = len(self.text) + max(LONG, size_of(self.text)) // 4
        new: list[Part] = []
        frame = self.open_block
        if not isinstance(frame, TextFrame):
            if len(top_level(tokens)) > 1 and is_firm(self.text, tokens):
                new = self.freeze(len(self.text))
            refs, tokens = self.read()
            line = paragraph_line(self.text, tokens) if self.open_block is None else -1
            if line < 0:
                return new
            self._cut(self.text, line, refs, 0, "")
            frame = TextFrame()
            frame.images = self.images
        lead = frame.lead if frame.source else ""
        text = lead + self.text
        begin = len(text) - len(text.lstrip(" "))
        content = tokens[1].content
        cut = quiet_cut(content) if text.startswith(content, begin) else 0
        if cut:
            self.open_block = frame
            new.append(Part(frame, [frame.piece(content[:cut], led=bool(lead))]))
            frame.source.append(text[len(lead) : begin + cut])
            self.text = text[begin + cut :]
            self._complete = max(0, self._complete - (begin + cut - len(lead)))
            self._patience = LONG
        return new

    def finish(self, tokens: list[Token]) -> list[Part]:
        """Freeze everything that is left."""
        new: list[Part] = []
        frame, self.open_block = self.open_block, None
        if frame is not None:
            children, tokens = frame.split(tokens)
            frame.settle()
            new = [Part(frame, child) for child in children]
        self.text = ""
        return new + [Part(None, block) for block in top_level(tokens)]
