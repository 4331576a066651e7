"""Four times the input takes four times the time, not sixteen times, for hostile and looping texts in what reads or shows them.

`texts_*.py` has adversarial Markdown, `bodies.py` adversarial response bodies. The end of the run prints the worst
ratios.
"""

from __future__ import annotations

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
PAINTS = 8  # of a live view
PAINT_PAUSE = 0.1  # seconds that the view waits between two paints


def check(request, name, prepare, smallest, largest):
    growth = measure_growth(prepare, smallest, largest)
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


def test_showing_a_text_takes_linear_time(request, shown, text):
    # Below the budget for links that repeat a definition, such a text grows with the square of its length.
    smallest = 16_000 if text.startswith("one long") else 500
    check(request, f"{shown}: {text}", lambda n: SHOWN[shown](TEXTS[text](n)), smallest, 32_000)


# The texts whose live view takes the most time, and those that take longer than others below some size; they are always tested.
COSTLY = dict.fromkeys(
    ("labels of brackets", "open labels", "footnotes that open", "brackets inside brackets"), 500
)
COSTLY |= dict.fromkeys(
    (
        "table of short rows",
        "quote and list in turn",
        "quote of many paragraphs",
        "destinations with text",
        "definitions of one label",
    ),
    1_500,
)
COSTLY |= dict.fromkeys(
    (
        "images inside images",
        "nested groups of a formula",
        "fractions of fractions",
        "images with data that open",
        "details inside details",
        "environments that open",
    ),
    3_000,
)
# Texts whose blocks are soon finished, so that a paint does not render them again.
FINISHED = [
    "letters",
    "loose list",
    "many small tables",
    "table of many rows",
    "open fence",
    "lists that a comment separates",
]


def streaming(text, pause=None):
    """A live view of a text in small chunks; without a pause between them, as many paints for a long text as for a short one."""
    pieces = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    pause = pause or PAINTS * PAINT_PAUSE / len(pieces)

    def run():
        now = 0.0
        ledger = new_ledger()
        view = LiveView(ledger, stop=lambda: None, clock=lambda: now)
        view.open()
        for piece in pieces:
            now += pause
            feed(ledger, piece, t=now)
            view.update()
        ledger.close("end", t=now)
        view.close()

    return run


def pytest_generate_tests(metafunc):
    """Without ``--long``, every eighth text is tested in a live view, and the costly ones, because it renders a text several times.

    Rendering a text once is part of making the static bundle, so that it is measured alone only with ``--long``.
    """
    whole = metafunc.config.getoption("--long")
    if metafunc.function is test_showing_a_text_takes_linear_time:
        metafunc.parametrize("text", TEXTS)
        metafunc.parametrize("shown", [each for each in SHOWN if whole or each != "render"])
    if metafunc.function is test_a_live_view_takes_linear_time:
        metafunc.parametrize("text", list(TEXTS) if whole else [*COSTLY, *sorted(TEXTS.keys() - COSTLY)[::8]])


def test_a_live_view_takes_linear_time(request, stage, text):
    """The number of paints is the same for all sizes. A slow answer is painted less often, see `tests/views/test_live.py`."""

    def prepare(n):
        stage.messages.clear()
        stage.displays.clear()
        return streaming(TEXTS[text](n))

    size = COSTLY.get(text, 1_500)
    check(request, f"live: {text}", prepare, size, size)


@pytest.mark.parametrize("text", FINISHED)
def test_a_live_view_does_not_render_finished_blocks_again(request, stage, text):
    def prepare(n):
        stage.messages.clear()
        stage.displays.clear()
        return streaming(TEXTS[text](n), PAINT_PAUSE / 2)

    check(request, f"slowly: {text}", prepare, 4_000, 4_000)


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
        "steps",
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
    check(request, f"{explored}: {body}", lambda n: EXPLORED[explored](BODIES[body](n)), 4_000, 500_000)


def test_there_are_about_a_hundred_adversarial_inputs():
    assert len(TEXTS) + len(BODIES) >= 100
