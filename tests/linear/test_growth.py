"""Twice the input takes at most 2.5 times the time, for hostile and looping texts in everything that reads or shows them.

`texts_*.py` has adversarial Markdown, `bodies.py` adversarial response bodies. The end of the run prints the worst
ratios.
"""

from __future__ import annotations

import time

import pytest
from growth import LIMIT, measure_growth, record
from linear_texts import BODIES, TEXTS
from view_stage import feed, new_ledger

from gemini_magic.backends import backend
from gemini_magic.ledger import Exchange, Ledger
from gemini_magic.markdown import Renderer, defang_markdown, render
from gemini_magic.pipeline import Pipeline
from gemini_magic.response import Response
from gemini_magic.views import bundle
from gemini_magic.views.live import LiveView
from gemini_magic.wire import Reader

CHUNK = 40  # characters
PAUSE = 0.05  # seconds between two chunks, half as long as the view waits between two paints


def check(request, name, prepare, smallest, largest, **more):
    growth = measure_growth(prepare, smallest, largest, **more)
    record(request.node, name, growth)
    assert growth.ratio <= LIMIT, f"{name}: {growth}"


# -- texts


def one_shot(text):
    return lambda: render(text, ended=True)


def one_picture(text):
    """The first update of a live view that gets the whole text at once."""
    renderer = Renderer(heal=True)

    def run():
        renderer.feed(text)
        renderer.close(ended=True)

    return run


def defanged(text):
    return lambda: defang_markdown(text)


def static(text):
    ledger = feed(new_ledger(), text, finish="STOP")
    ledger.close("end", t=1.0)
    return lambda: bundle(ledger)


SHOWN = {"render": one_shot, "picture": one_picture, "defang": defanged, "static": static}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("shown", SHOWN)
def test_showing_a_text_takes_linear_time(request, shown, text):
    # Below the budget for links that repeat a definition, such a text grows with the square of its length.
    smallest = 16_000 if text.startswith("one long") else 2_000
    check(request, f"{shown}: {text}", lambda n: SHOWN[shown](TEXTS[text](n)), smallest, 64_000)


# The texts whose live view takes the most time; they are always tested.
COSTLY = dict.fromkeys(
    (
        "quote and list in turn",
        "open comments",
        "comments that open",
        "destinations with text",
        "destinations that open",
        "footnotes that open",
        "quote with a lazy paragraph",
        "images with data that open",
        "environments that open",
    )
)


class Arrival:
    """A clock that a stream moves on, by the time between its chunks and by the time that the view takes."""

    def __init__(self):
        self.arrived = 0.0

    def __call__(self):
        return self.arrived + time.process_time()


def pytest_generate_tests(metafunc):
    """A live view renders a text a hundred times, so not all texts are tested without ``--long``."""
    if metafunc.function is test_a_live_view_takes_linear_time:
        whole = metafunc.config.getoption("--long")
        metafunc.parametrize("text", list(TEXTS) if whole else [*COSTLY, *sorted(TEXTS.keys() - COSTLY)[::8]])


def test_a_live_view_takes_linear_time(request, stage, text):
    def prepare(n):
        whole = TEXTS[text](n)
        pieces = [whole[at : at + CHUNK] for at in range(0, len(whole), CHUNK)]
        stage.messages.clear()
        stage.displays.clear()

        def run():
            ledger, clock = new_ledger(), Arrival()
            view = LiveView(ledger, stop=lambda: None, clock=clock)
            view.open()
            for piece in pieces:
                clock.arrived += PAUSE
                feed(ledger, piece, t=clock.arrived)
                view.update()
            ledger.close("end", t=clock.arrived)
            view.close()

        return run

    # Up to some thousand characters a view renders everything with each paint, so that the ratio of some texts approaches
    # that of one rendering only at larger sizes.
    check(request, f"live: {text}", prepare, 4_000, 4_000, certain=4.0)


# -- bodies


def in_pieces(body, size=4_096):
    return [body[at : at + size] for at in range(0, len(body), size)]


def reading(body):
    pieces = in_pieces(body)

    def run():
        reader = Reader()
        for piece in pieces:
            reader.feed(piece)
        reader.close()

    return run


def read_into(body, ledger):
    exchange = Exchange("POST", "https://a.b/c", {}, b"{}")
    ledger.begin(exchange)
    dialect = backend("gemini")
    pipeline = Pipeline(exchange, ledger, dialect, dialect.decoder(), max_event=64 * 2**20, share=True)
    for number, piece in enumerate(in_pieces(body)):
        exchange.pieces.append((number / 100, piece))
        pipeline.feed(number / 100, piece)
    pipeline.close(1.0)
    ledger.close("end", t=1.0)


def filling(body):
    return lambda: read_into(body, Ledger())


def everything_of(response):
    """Read whatever a response offers."""
    for name in (
        "text",
        "thoughts",
        "whole",
        "parts",
        "calls",
        "images",
        "code_blocks",
        "citations",
        "grounding",
    ):
        getattr(response, name)
    for candidate in response.candidates[:50]:
        candidate.text, candidate.thoughts, repr(candidate)
    for name in (
        "chunks",
        "events",
        "parts_table",
        "usage_history",
        "usage_by_modality",
        "notes",
        "attempts",
        "sources",
        "url_context",
        "safety",
        "logprobs",
        "transcript",
    ):
        table = getattr(response, name)
        list(table), repr(table), table._repr_html_()
    response.usage, response.timing, response.cost, response.raw, response.raw_chunks, repr(response)


def exploring(body):
    ledger = Ledger()
    read_into(body, ledger)
    return lambda: everything_of(Response(ledger))


def saving(body):
    ledger = Ledger()
    read_into(body, ledger)
    return lambda: bundle(ledger)


EXPLORED = {"read": reading, "fill": filling, "explore": exploring, "save": saving}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("explored", EXPLORED)
def test_a_body_is_read_and_explored_in_linear_time(request, explored, body):
    check(request, f"{explored}: {body}", lambda n: EXPLORED[explored](BODIES[body](n)), 16_000, 1_000_000)


def test_there_are_about_a_hundred_adversarial_inputs():
    assert len(TEXTS) + len(BODIES) >= 100
