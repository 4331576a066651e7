"""Measures the cost of a growing view: how many characters are parsed and how much HTML is html_length."""

from __future__ import annotations

import random

from gemini_magic.markdown import Renderer
from gemini_magic.markdown import parser as parser_module


def pieces_of(text):
    """Yield a text in pieces of 20 to 60 characters."""
    chance = random.Random(3)
    at = 0
    while at < len(text):
        size = chance.randint(20, 60)
        yield text[at : at + size]
        at += size


def parsed_characters(monkeypatch, text, *, heal):
    """Stream a text and return how many characters the block parser receives in all."""
    total = 0
    original = parser_module.MD.block.parse

    def counting(source, *rest):
        nonlocal total
        total += len(source)
        return original(source, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(parser_module.MD.block, "parse", counting)
        renderer = Renderer(heal=heal)
        for piece in pieces_of(text):
            renderer.feed(piece)
        renderer.close()
    return total


def html_length(renderer, pieces):
    """Feed the pieces and return the length of the HTML in all operations."""
    return sum(len(op.html) for piece in pieces for op in renderer.feed(piece))
