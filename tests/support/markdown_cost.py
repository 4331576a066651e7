"""Counts what a growing view costs: characters parsed, characters of HTML sent."""

from __future__ import annotations

import random

from gemini_magic.markdown import Renderer
from gemini_magic.markdown import parser as parser_module


def pieces_of(text):
    chance = random.Random(3)
    at = 0
    while at < len(text):
        size = chance.randint(20, 60)
        yield text[at : at + size]
        at += size


def parsed_characters(monkeypatch, text, *, heal):
    """Stream a text; return how many characters the block parser was given in all."""
    given = 0
    original = parser_module.MD.block.parse

    def counting(source, *rest):
        nonlocal given
        given += len(source)
        return original(source, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(parser_module.MD.block, "parse", counting)
        renderer = Renderer(heal=heal)
        for piece in pieces_of(text):
            renderer.feed(piece)
        renderer.close()
    return given


def sent(renderer, pieces):
    return sum(len(op.html) for piece in pieces for op in renderer.feed(piece))
