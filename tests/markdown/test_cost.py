"""The cost of a growing view is linear in the length of the text and a small multiple of one render."""

from __future__ import annotations

import subprocess
import sys

import pytest
from calibration import assert_ratio_below
from markdown_answers import answer
from markdown_cost import html_length, parsed_characters, pieces_of

from gemini_magic.markdown import Renderer, render
from gemini_magic.markdown.highlight import highlight


def test_parsed_characters_are_linear_in_the_length(monkeypatch):
    for heal, formulas in ((False, False), (True, False), (True, True)):
        short, long = (answer(size, formulas=formulas) for size in (10_000, 100_000))
        ratios = [parsed_characters(monkeypatch, text, heal=heal) / len(text) for text in (short, long)]
        print(
            f"characters parsed per character, heal={heal}, formulas={formulas}: {ratios[0]:.1f} at 10k, {ratios[1]:.1f} at 100k"
        )
        assert ratios[1] < 1.3 * ratios[0]
        assert ratios[1] < 12


@pytest.mark.parametrize("formulas", [False, True])
def test_operations_send_few_characters(formulas):
    text = answer(50_000, formulas=formulas)
    pieces = list(pieces_of(text))
    paints = [
        "".join(pieces[at : at + 12]) for at in range(0, len(pieces), 12)
    ]  # ten updates a second, one chunk every 8 ms
    ratios = [html_length(Renderer(heal=True), each) / len(text) for each in (pieces, paints)]
    print(f"HTML html_length per character: {ratios[0]:.1f} for chunks, {ratios[1]:.1f} for paints")
    assert ratios[0] < 8
    assert ratios[1] < 3


LONG = {
    "list": "- An item with **some** words and `code`, no. {n}\n",
    "table": "| {n} | some words in a cell |\n",
    "code": "for i in range({n}):\n    print(i, 'and more')  # {n}\n",
    "paragraph": "Words that go **on and on** with `code`, {n}. ",
}
HEADS = {"table": "| a | b |\n|---|---|\n", "code": "```python\n"}


def long_block(kind, length):
    text = HEADS.get(kind, "") + "".join(LONG[kind].format(n=n) for n in range(length // len(LONG[kind]) + 1))
    return text + "```\n" if kind == "code" else text


@pytest.mark.parametrize("kind", LONG)
def test_one_long_block_costs_a_small_multiple_of_one_render(kind):
    text = long_block(kind, 60_000)
    render(long_block(kind, 1000))
    whole = render(text)
    characters = []

    def stream():
        highlight.cache_clear()
        renderer = Renderer(heal=True)
        characters.append(html_length(renderer, pieces_of(text)))
        renderer.close()
        assert renderer.html == whole

    def once():
        highlight.cache_clear()
        render(text)

    ratio = assert_ratio_below(stream, once, 30)
    print(f"{kind}: streamed {ratio:.1f} times one render, HTML {characters[0] / len(text):.1f} n")
    assert max(characters) < 10 * len(text)


@pytest.mark.parametrize("formulas", [False, True])
def test_streaming_costs_a_small_multiple_of_one_render(formulas):
    text = answer(100_000, formulas=formulas)
    pieces = list(pieces_of(text))
    render(text[:5000])

    def stream():
        highlight.cache_clear()
        renderer = Renderer(heal=True)
        for piece in pieces:
            renderer.feed(piece)
        renderer.close()

    def once():
        highlight.cache_clear()
        render(text)

    print(f"streamed {assert_ratio_below(stream, once, 12):.1f} times one render")


def test_importing_the_package_loads_no_heavy_library():
    code = "import sys, gemini_magic.markdown; print([m for m in ('pygments', 'IPython', 'ipywidgets', 'httpx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
