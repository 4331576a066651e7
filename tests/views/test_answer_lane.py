"""A growing answer with pictures, code runs and calls in widgets and in replaced HTML: in order, once, and at a bounded rate."""

from __future__ import annotations

import pytest
from media_samples import add_part, end, picture, sound
from view_stage import feed, new_ledger

from gemini_magic.content import Blob, Call, Code, CodeResult, Opaque
from gemini_magic.media import PcmFormat, wav_bytes
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import LiveView


@pytest.fixture
def ledger():
    made = new_ledger()
    made.set_phase("streaming")
    return made


@pytest.fixture
def view(ledger, stage, clock):
    made = LiveView(ledger, clock=clock)
    made.open()
    yield made
    made.close()


def shown(stage):
    """What the page shows of the answer in order: the HTML of each widget, or the bytes of a picture or of audio."""

    def walk(comm_id):
        state = stage.state[comm_id]
        if state.get("_model_name") in ("ImageModel", "AudioModel"):
            return [state["value"]]
        if "children" in state:
            return [each for child in stage.children(comm_id) for each in walk(child)]
        return [state.get("value", "")]

    return [each for each in walk(stage.root()) if each]


def places(found, *pieces):
    at = [
        next(n for n, each in enumerate(found) if piece in each) for piece in pieces if isinstance(piece, str)
    ]
    assert at == sorted(at)
    return at


def test_a_picture_is_sent_as_bytes_with_its_size_between_the_text(ledger, view, stage, clock):
    part = picture(640, 480)
    for each in ("Before **it**.", part, "After it."):
        add_part(ledger, each)
        clock.now += 1
        view.update()
    found = [
        each for each in shown(stage) if each == part.data or "Before" in str(each) or "After" in str(each)
    ]
    assert [type(each) for each in found] == [str, bytes, str]
    [state] = [each for each in stage.state.values() if each.get("_model_name") == "ImageModel"]
    assert (state["format"], state["width"], state["height"]) == ("png", "640", "480")
    assert not any("base64" in each for each in shown(stage) if isinstance(each, str))


def test_text_after_an_item_is_a_document_of_its_own_and_text_before_it_is_finished(
    ledger, view, stage, clock
):
    add_part(ledger, "A *half")
    view.update(final=True)
    add_part(ledger, Call("f", {"x": 1}))
    add_part(ledger, "- item")
    clock.now += 1
    view.update(final=True)
    html = "".join(each for each in shown(stage) if isinstance(each, str))
    assert "A *half" in html
    assert html.index("A *half") < html.index("Function call") < html.index("<li>item")


def test_a_code_run_is_shown_while_it_runs_and_gets_its_output(ledger, view, stage, clock):
    add_part(ledger, Code("print(6 * 7)", "PYTHON"))
    view.update(final=True)
    assert any("Code run 1: Python, running" in each for each in shown(stage))
    add_part(ledger, CodeResult("OUTCOME_OK", "42"))
    clock.now += 1
    view.update(final=True)
    found = [each for each in shown(stage) if "Code run 1" in each]
    assert len(found) == 1
    assert "Python, OK" in found[0]
    assert "42" in found[0]


def test_audio_grows_as_one_line_and_its_player_is_in_the_finished_answer(ledger, view, stage, clock):
    for part in sound(2.0, pieces=8):
        add_part(ledger, part)
        clock.now += 0.3
        view.update()
    assert [each for each in shown(stage) if "Audio 1: 2.00 s" in each]
    assert not any("<audio" in each for each in shown(stage))
    end(ledger)
    view.close()
    assert "<audio controls" in stage.displays[-1][0]["text/html"]


def test_audio_has_a_player_as_soon_as_something_else_follows(ledger, view, stage, clock):
    for part in (*sound(1.0, pieces=4), "And **then**"):
        assert not any(isinstance(each, bytes) for each in shown(stage))
        add_part(ledger, part)
        clock.now += 1
        view.update()
    (data,) = (each for each in shown(stage) if isinstance(each, bytes))
    assert data[:4] == b"RIFF"
    assert len(data) == 48_044
    state = next(each for each in stage.state.values() if each.get("_model_name") == "AudioModel")
    assert (state["autoplay"], state["loop"], state["controls"], state["format"]) == (
        False,
        False,
        True,
        "wav",
    )
    assert sum("Audio 1: 1.00 s" in str(each) for each in shown(stage)) == 1


def test_audio_that_arrives_as_one_file_has_a_player_at_once(ledger, view, stage, clock):
    add_part(ledger, Blob("audio/wav", wav_bytes(PcmFormat(24_000, 1), [b"\0\1" * 100])))
    clock.now += 1
    view.update()
    assert sum(isinstance(each, bytes) for each in shown(stage)) == 1


def test_replaced_html_has_a_player_as_soon_as_something_else_follows(ledger, stage, clock):
    view = HtmlView(ledger, clock=clock)
    view.open()
    for part, count in (*((each, 0) for each in sound(1.0, pieces=2)), ("And then", 1)):
        add_part(ledger, part)
        clock.now += 5
        view.update()
        assert stage.displays[-1][0]["text/html"].count("<audio controls") == count


def test_the_finished_answer_equals_the_one_that_is_rendered_at_once(ledger, view, stage, clock):
    from gemini_magic.views import bundle  # noqa: PLC0415

    for each in (
        "# One\n\n- a\n- b",
        picture(40, 30),
        "```python\nx = 1\n",
        Opaque({"novelty": 1}),
        "End *here*.",
    ):
        add_part(ledger, each)
        clock.now += 1
        view.update()
    end(ledger)
    view.close()
    assert stage.displays[-1][0]["text/html"] == bundle(ledger)["text/html"]


def test_many_items_stay_within_forty_messages_a_second(ledger, view, stage, clock):
    for n in range(90):
        add_part(ledger, Call(f"f{n}") if n % 3 else f"Text {n}.\n\n")
        if n % 10 == 9:
            clock.now += 0.1
            view.update()
    opened = [t for t, kind, *_ in stage.messages if kind != "close"]
    assert max(sum(start <= t < start + 1 for t in opened) for start in opened[20:]) <= 48
    for _ in range(200):
        clock.now += 0.2
        view.update()
    html = "".join(each for each in shown(stage) if isinstance(each, str))
    assert all(f"f{n}()" in html.replace("<dfn>", "").replace("</dfn>", "") for n in (1, 50, 89))


def test_html_that_is_replaced_has_the_items_in_order_and_only_small_pictures(ledger, stage, clock):
    view = HtmlView(ledger, clock=clock)
    view.open()
    for each in ("One.", picture(40, 30), picture(800, 600, size=400_000), Code("1 + 1"), "Two."):
        add_part(ledger, each)
    clock.now += 1
    view.update(final=True)
    html = stage.displays[-1][0]["text/html"]
    order = [
        html.index(piece)
        for piece in ("One.", "40×30", "is shown when the answer is complete", "Code run 1", "Two.")
    ]
    assert order == sorted(order)
    assert len(html) < 40_000
    end(ledger)
    view.close()
    assert len(stage.displays[-1][0]["text/html"]) > 400_000


def test_a_partial_answer_has_the_items_in_order(ledger, view, stage, clock):
    for each in ("One.", picture(40, 30), "Two."):
        add_part(ledger, each)
    for _ in range(5):
        clock.now += 1
        view.update()
    html = stage.partials[-1][0]["text/html"]
    assert html.index("One.") < html.index("40×30") < html.index("Two.")


def test_an_answer_that_begins_with_a_picture_continues_with_text(ledger, view, stage, clock):
    add_part(ledger, picture())
    view.update(final=True)
    feed(ledger, "Then text.")
    clock.now += 1
    view.update(final=True)
    found = shown(stage)
    assert found.index(picture().data) < next(
        n for n, each in enumerate(found) if isinstance(each, str) and "Then text" in each
    )
