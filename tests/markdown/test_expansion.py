"""A link definition that is used very often does not make an answer a thousand times longer."""

from __future__ import annotations

import random
import re
import time

import pytest
from view_stage import finished

from gemini_magic.markdown import FinishedBlocks, Renderer, expansion, render
from gemini_magic.markdown.expansion import NOTICE
from gemini_magic.views import bundle

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
BOMB = f"[a]: https://x.y/{'z' * 10_000}\n\n" + "[a]" * 50_000


def live(text, sizes):
    """The view after each piece, and its renderer."""
    renderer, at = Renderer(), 0
    while at < len(text):
        size = next(sizes)
        renderer.feed(text[at : at + size])
        at += size
        yield text[:at], renderer.html
    renderer.close()
    yield text, renderer.html


def test_a_long_address_used_very_often_becomes_a_bounded_multiple_of_the_text():
    began = time.process_time()
    html = render(BOMB)
    assert len(html) < 4 * len(BOMB)
    assert time.process_time() - began < 5
    assert html.count("<a ") == 49
    assert html.count(NOTICE) == 1
    assert html.index(NOTICE) > html.rindex("<a ")
    assert re.sub("<.*?>", "", html).count("a") > 24_900


@pytest.mark.parametrize("use", ["![a]", f"![b]({PIXEL}) ![a]", "[![a]](https://x.y)", '[a]: /u "x"\n[a]'])
def test_pictures_and_titles_count_too(use):
    text = f"[a]: {PIXEL} '{'t' * 9_000}'\n\n" + f"{use}\n\n" * 2_000
    assert len(render(text)) < 20 * len(text)


def test_a_long_answer_with_a_thousand_ordinary_references_keeps_them_all():
    definitions = "".join(f"[{k}]: https://example.org/{'page/' * 40}{k}\n" for k in range(100))
    text = "A sentence with a source [1][17].\n\n" * 2_000 + definitions
    assert render(text).count("<a ") == 2_000
    assert NOTICE not in render(text)


SHAPES = {
    "paragraph": "word [a] word [b][a] ![a] ",
    "paragraphs": "word [a]\n\n",
    "list": "- [a] and [b]\n",
    "table": "| [a] | ![b] |\n",
    "quote": "> [a] ![b]\n",
    "headings": "# [a]\n",
    "definitions between": "[a] [b]\n\n[b]: https://x.y/b 'title'\n\n",
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_view_equals_the_rendering_at_every_prefix(monkeypatch, shape, late):
    """Also with the crossing of the budget in any block, and with definitions that arrive last."""
    chance = random.Random(f"{shape} {late}")
    definitions = "[a]: https://x.y/aaaa\n[b]: https://x.y/b 'title'\n\n"
    begin = "| h | h |\n|---|---|\n" if shape == "table" else ""
    for budget in (0, 90, 333):
        monkeypatch.setattr(expansion, "BUDGET", budget)
        body = begin + SHAPES[shape] * chance.randint(4, 30)
        text = body + "\n\n" + definitions + "tail [a]" if late else definitions + body + "\n\ntail [a]"
        sizes = iter(lambda: chance.choice((1, 2, 5, 17)), None)
        for prefix, html in live(text, sizes):
            assert html == render(prefix), (budget, prefix)


def test_a_definition_that_moves_the_crossing_changes_earlier_and_later_blocks(monkeypatch):
    monkeypatch.setattr(expansion, "BUDGET", 100)
    renderer = Renderer()
    begin = "[a]: https://x.y/aaaaaaaaaaa\n\n" + "[b] [a]\n\n" * 5
    renderer.feed(begin)
    before = renderer.html
    renderer.feed(f"[b]: https://x.y/{'b' * 60}\n\n")
    assert before.count("<a ") == 4
    assert renderer.html.count("<a ") == 2
    assert renderer.html.count(NOTICE) == 1
    text = f"{begin}[b]: https://x.y/{'b' * 60}\n\n"
    assert renderer.html == render(text)


def test_the_saved_output_is_bounded_and_says_so():
    data = bundle(finished(BOMB))
    assert len(data["text/html"]) < 4 * len(BOMB)
    assert NOTICE in data["text/html"]


def test_a_terminal_gets_a_bounded_text_too():
    blocks = FinishedBlocks()
    source = blocks.feed(BOMB) + blocks.close()
    tokens = [child for token in blocks.tokens(source) for child in token.children or ()]
    shown = sum(len(str(token.attrs.get("href", ""))) + len(token.content) for token in tokens)
    assert shown < 4 * len(BOMB)
    assert sum(NOTICE in token.content for token in tokens) == 1
