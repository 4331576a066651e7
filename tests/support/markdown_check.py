"""Applies a renderer's operations as a view does, and compares the result with a one-shot render."""

from __future__ import annotations

from itertools import groupby

from gemini_magic.markdown import Renderer, render


class View:
    """A view that is built from operations alone."""

    def __init__(self, renderer):
        self.parts, self.blocks = [], []
        self.open, self.tail = (None, ""), ""
        self._renderer = renderer

    def apply(self, ops):
        """Apply operations."""
        for op in ops:
            if op.kind == "append":
                assert op.id == len(self.parts)
                self.parts.append(op.html)
                self.blocks.append(op.block)
            elif op.kind == "replace":
                assert self.parts[op.id] != op.html
                assert self.blocks[op.id] is op.block
                self.parts[op.id] = op.html
            elif op.kind == "open":
                assert op.block is self._renderer.open_block
                self.open = (op.block, op.html)
            elif op.kind == "tail":
                self.tail = op.html
            else:
                assert op.kind == "rewrap"
                assert op.block in self.blocks

    @property
    def html(self):
        """The HTML of the view."""
        pieces = []
        for block, parts in groupby(zip(self.blocks, self.parts, strict=True), lambda part: part[0]):
            html = [part for _, part in parts]
            rest = self.open[1] if self.open[0] is block else ""
            pieces.append(block.wrap(html, rest=rest) if block else "".join(html))
        return "".join([*pieces, self.tail])


def without_direction(html):
    """Return HTML without the attribute that most blocks have and that most tests do not mention."""
    return html.replace(' dir="auto"', "")


def rendered(text):
    """Return the HTML of a text, without directions."""
    return without_direction(render(text))


def healed(text):
    """Return the HTML of a text whose end is healed, without directions."""
    renderer = Renderer(heal=True)
    renderer.feed(text)
    return without_direction(renderer.html)


def check(pieces, label, *, heal=False, every=1):
    """Assert that the view is exact after each piece, of which every n-th is compared, and after close."""
    renderer = Renderer(heal=heal)
    view, text = View(renderer), ""
    for number, piece in enumerate(pieces):
        text += piece
        view.apply(renderer.feed(piece))
        assert view.html == renderer.html, (label, text)
        if not heal and number % every == 0:
            assert renderer.html == render(text), (label, text)
    view.apply(renderer.close())
    assert renderer.open == renderer.tail == ""
    assert view.html == renderer.html == render(text), (label, text)
    return True
