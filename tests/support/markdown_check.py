"""Plays a renderer's operations the way a view would, and compares the view with a one-shot render."""

from __future__ import annotations

from itertools import groupby

from gemini_magic.markdown import Renderer, render


class Played:
    """A view that knows nothing but the operations it was told."""

    def __init__(self, renderer):
        self.parts, self.frames = [], []
        self.open, self.tail = (None, ""), ""
        self._renderer = renderer

    def see(self, ops):
        """Apply operations."""
        for op in ops:
            if op.kind == "append":
                assert op.id == len(self.parts)
                self.parts.append(op.html)
                self.frames.append(op.block)
            elif op.kind == "replace":
                assert self.parts[op.id] != op.html
                assert self.frames[op.id] is op.block
                self.parts[op.id] = op.html
            elif op.kind == "open":
                assert op.block is self._renderer.open_block
                self.open = (op.block, op.html)
            elif op.kind == "tail":
                self.tail = op.html
            else:
                assert op.kind == "rewrap"
                assert op.block in self.frames

    @property
    def html(self):
        """What is shown."""
        pieces = []
        for frame, parts in groupby(zip(self.frames, self.parts, strict=True), lambda part: part[0]):
            html = [part for _, part in parts]
            rest = self.open[1] if self.open[0] is frame else ""
            pieces.append(frame.wrap(html, rest=rest) if frame else "".join(html))
        return "".join([*pieces, self.tail])


def healed(text):
    """What is shown of a text whose end is being typed."""
    renderer = Renderer(heal=True)
    renderer.feed(text)
    return renderer.html


def check(pieces, label, *, heal=False, every=1):
    """Assert that the view is exact after each piece (of which every n-th is compared), and when it is closed."""
    renderer = Renderer(heal=heal)
    played, text = Played(renderer), ""
    for number, piece in enumerate(pieces):
        text += piece
        played.see(renderer.feed(piece))
        assert played.html == renderer.html, (label, text)
        if not heal and number % every == 0:
            assert renderer.html == render(text), (label, text)
    played.see(renderer.close())
    assert renderer.open == renderer.tail == ""
    assert played.html == renderer.html == render(text), (label, text)
    return True
