r"""Decides which source of a growing text is finished and freezes it: whole blocks, and parts of the one open block.

Terms:

* A block is a top-level Markdown block: a heading, paragraph, list, table, fence, quote, rule, formula or details
  block.
* Frozen source is parsed and rendered once and never parsed again. The freezer hands it out as ``FrozenPart``
  objects and keeps only the rest of the text.
* The open block is a list, table, fence, paragraph or details block that may still grow and of which some parts are frozen.
* The tail is what follows the open block (or all that is not frozen, if there is no open block).

When a block is frozen. CommonMark builds blocks line by line, and a complete line can change only the last
block that is open (CommonMark 0.31, appendix "A parsing strategy", phase 1). So the freezer parses complete
lines only. All blocks but the last are final. The last one is final, too, if nothing can continue it: a rule,
a formula block, a closed fence or details block, a heading that cannot be a table's header, or a paragraph, table or quote
with a blank line after it (``open_block.is_final``). Frozen blocks can still change in one way: a link
definition that arrives later can turn ``[label]`` into a link. The renderer handles that; here, the
definitions in frozen source are collected in ``Freezer.definitions``.

When a part of the open block is frozen. If the last block is not final but is a list with two or more items,
a table with rows, a fence with lines or a details block with blocks inside, it becomes the open block: every item
and inner block but the last, every complete row and every complete line is frozen. The text then continues inside that block: each parse begins with the
block's prefix, which stands in for its frozen parts (see ``open_block``). The block stops being open when
other tokens follow it or when it can no longer grow.

A long paragraph is the exception to "complete lines only", because a model may write a thousand characters
without a line end. ``Freezer.cut_paragraph`` freezes its beginning up to a space at which no inline markup is
open (``paragraph_cut``). Rarely such a block turns out not to be a paragraph: its last line becomes the
header of a table. Then the block is invalid, its source is put back and parsed again.

The freezer knows source and tokens. It does not make HTML and does not know the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .highlight_live import LiveHighlighter
from .images import length_without_data
from .open_block import OpenBlock, is_final, line_after, line_start, split_top_level
from .open_blocks import OpenParagraph, begin_open_block
from .paragraph_cut import LONG, is_paragraph_text, paragraph_cut, paragraph_line
from .parser import References, parse_blocks

if TYPE_CHECKING:
    from markdown_it.token import Token

    from .images import Images

__all__ = ["Freezer", "FrozenPart"]


class FrozenPart(NamedTuple):
    """What is being frozen: a whole block, or a part of the open block."""

    block: OpenBlock | None
    tokens: list[Token]


class Freezer:
    """Holds the source that is not frozen yet and freezes what is finished.

    Args:
        live_highlight: whether the code of an open fence is highlighted.
        images: the images that open blocks may show.

    Attributes:
        text: the source that is not frozen.
        open_block: the block of which parts are frozen, if there is one; ``text`` continues inside it.
        definitions: the link definitions in frozen source, by normalized label.
        new_labels: the labels added to ``definitions`` since the caller last cleared this set.
        images: the images that open blocks may show.
    """

    def __init__(self, *, live_highlight: bool, images: Images) -> None:
        self.images = images
        self.text = ""
        self.open_block: OpenBlock | None = None
        self.definitions: dict[str, Any] = {}
        self.new_labels: set[str] = set()
        self._make_highlighter = LiveHighlighter if live_highlight else None
        self._searched = 0  # how much of the text, up to a line end, was searched for finished parts
        self._cut_length = LONG  # a longer text is searched for a paragraph that can be cut

    @property
    def prefixed_text(self) -> str:
        """The unfrozen source behind the prefix that stands in for the frozen parts of the open block."""
        return self.open_block.prefix + self.text if self.open_block else self.text

    def parse(self) -> tuple[References, list[Token]]:
        """Parse what is not frozen, including the incomplete last line.

        Returns:
            The link definitions in it, and its block tokens.
        """
        references = References(self.definitions)
        if self.open_block is None:
            return references, parse_blocks(self.text, references)
        tokens = self.parse_prefixed(self.prefixed_text, references)
        self.open_block.split(tokens)
        if not self.open_block.invalid:
            return references, tokens
        self._unfreeze()
        return self.parse()

    def parse_prefixed(self, text: str, references: References) -> list[Token]:
        """Return the block tokens of a text behind the prefix of the open block, if there is one.

        Args:
            text: the prefix and the complete or incomplete lines.
            references: new link definitions are added to it.
        """
        block = self.open_block
        if block is None:
            return parse_blocks(text, references)
        return parse_blocks(text, references, block.table_rows, block.fence_state)

    def _unfreeze(self) -> None:
        """Put the source of an invalid open block back, so that it is parsed again."""
        if self.open_block is not None:
            self.text = "".join([*self.open_block.frozen_source, self.text])
            self._searched = 0
            self.open_block = None

    def freeze(self, end: int | None = None) -> list[FrozenPart]:
        """Freeze what is finished in the complete lines, and keep the link definitions in it.

        Args:
            end: freeze what is finished in so many characters instead.
        """
        end = self.text.rfind("\n") + 1 if end is None else end
        if end <= self._searched:
            return []
        self._searched = end
        open_block = self.open_block
        prefix = open_block.prefix if open_block else ""
        text = prefix + self.text[:end]
        references = References(self.definitions)
        tokens = self.parse_prefixed(text, references)
        new: list[FrozenPart] = []
        line = 0
        if open_block is not None:
            parts, tokens = open_block.split(tokens)
            if open_block.invalid:
                self._unfreeze()
                return self.freeze()
            open_block.commit()
            if tokens or open_block.has_ended(text):
                self.open_block = None
                line = open_block.end_line
            else:
                parts, line = open_block.finished_parts(parts)
                open_block.freeze_source(text[len(prefix) : line_start(text, line)])
            new = [FrozenPart(open_block, part) for part in parts]
        blocks, blocks_end = self._freeze_blocks(split_top_level(tokens), text)
        # Drop the source up to the end of what is frozen, not up to the start of the last block: definitions
        # in between make no token and can still grow.
        self._drop(text, max(line, blocks_end), references, len(prefix), self.text[end:])
        return new + blocks

    def _drop(self, text: str, line: int, references: References, prefix: int, unparsed: str) -> None:
        """Drop a parsed text up to a line, and keep the definitions before that line.

        Args:
            text: what was parsed.
            line: the first line to keep.
            references: the definitions in the text.
            prefix: the length of the prefix that the text begins with.
            unparsed: the source after the text.
        """
        start = line_start(text, line)
        if start <= prefix:
            return
        for label, definition in references.items():
            if definition["map"][1] <= line:
                self.definitions[label] = definition
                self.new_labels.add(label)
        self.text = text[start:] + unparsed
        self._searched = len(text) - start

    def _freeze_blocks(self, blocks: list[list[Token]], text: str) -> tuple[list[FrozenPart], int]:
        """Return the final blocks, the finished parts of the last one too, and the line after them."""
        if not blocks:
            return [], 0
        last = blocks[-1]
        final = blocks if is_final(last, text) else blocks[:-1]
        new = [FrozenPart(None, block) for block in final]
        line = line_after(final[-1]) if final else 0
        opened = None
        if len(final) < len(blocks):
            opened = begin_open_block(last, text, self.definitions, self._make_highlighter)
        if opened is not None:
            self.open_block, parts, line = opened
            self.open_block.images = self.images
            new += [FrozenPart(self.open_block, part) for part in parts]
        return new, line

    def cut_paragraph(self, tokens: list[Token]) -> list[FrozenPart]:
        """Freeze the beginning of a long paragraph at the very end, and everything before it.

        Args:
            tokens: the result of ``parse``.
        """
        if len(self.text) <= self._cut_length:
            return []
        self._cut_length = len(self.text) + max(LONG, length_without_data(self.text)) // 4
        new: list[FrozenPart] = []
        block = self.open_block
        if not isinstance(block, OpenParagraph):
            if len(split_top_level(tokens)) > 1 and is_paragraph_text(self.text, tokens):
                new = self.freeze(len(self.text))
            references, tokens = self.parse()
            line = paragraph_line(self.text, tokens) if self.open_block is None else -1
            if line < 0:
                return new
            self._drop(self.text, line, references, 0, "")
            block = OpenParagraph()
            block.images = self.images
        prefix = block.prefix if block.frozen_source else ""
        text = prefix + self.text
        begin = len(text) - len(text.lstrip(" "))
        content = tokens[1].content
        cut = paragraph_cut(content) if text.startswith(content, begin) else 0
        if cut:
            self.open_block = block
            new.append(FrozenPart(block, [block.piece_token(content[:cut], prefixed=bool(prefix))]))
            block.frozen_source.append(text[len(prefix) : begin + cut])
            self.text = text[begin + cut :]
            self._searched = max(0, self._searched - (begin + cut - len(prefix)))
            self._cut_length = LONG
        return new

    def freeze_all(self, tokens: list[Token]) -> list[FrozenPart]:
        """Freeze everything that is left: nothing follows.

        Args:
            tokens: the result of ``parse``.
        """
        new: list[FrozenPart] = []
        block, self.open_block = self.open_block, None
        if block is not None:
            parts, tokens = block.split(tokens)
            block.commit()
            new = [FrozenPart(block, part) for part in parts]
        self.text = ""
        return new + [FrozenPart(None, block) for block in split_top_level(tokens)]
