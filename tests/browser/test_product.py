"""What a user of JupyterLab sees of ``%%gemini``: live text, both ways to stop, saved answers, and harmless content."""

import json
import re
import threading
from itertools import pairwise

import pytest
from browser_stage import wait_steady
from calibration import soon
from fake_server import FORTY_WORDS, finish, gate, text, words
from playwright.sync_api import expect
from surroundings import CANARY

LOAD = "%load_ext gemini_magic"
STATIC = {"application/vnd.gemini-stream+json", "text/html", "text/markdown", "text/plain"}


def opened(lab, notebook, name, *cells, app="lab"):
    notebook.open(lab.write(name, [LOAD, *cells]), app=app)
    assert notebook.run(0) is True
    return notebook


def assert_only_static(notebook, i):
    bundles = [output["data"] for output in notebook.saved_outputs(i) if "data" in output]
    assert len(bundles) == 1
    assert set(bundles[0]) == STATIC
    assert "widgets" not in notebook.saved()["metadata"]
    return bundles[0]


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_text_appears_while_it_streams_and_the_saved_answer_needs_no_kernel(lab, notebook, server, app):
    server.script(
        *words(FORTY_WORDS[: FORTY_WORDS.index("word30")], 0.1), gate("seen"), text("word40"), finish()
    )
    opened(lab, notebook, f"live-{app}.ipynb", "%%gemini -m slow\nTalk slowly.", app=app)
    notebook.run(1, wait=False)
    early = notebook.wait_output(1, r"word3")
    assert notebook.cell_status(1) == "[*]"
    assert "word40" not in early
    expect(notebook.output(1).locator(".gm-stop")).to_be_visible()
    server.open("seen")
    notebook.wait_done(1)
    final = notebook.wait_output(1, "complete.*word40")
    notebook.wait_buttons(1, [])
    assert "fake_server" not in final
    notebook.save()
    assert_only_static(notebook, 1)
    notebook.open(notebook.name, no_kernel=True, app=app)
    notebook.wait_output(1, "complete.*word40")


def test_the_stop_button_ends_the_cell_and_the_next_cell_runs(lab, notebook, server):
    opened(
        lab,
        notebook,
        "stop.ipynb",
        "%%gemini -m slow --out kept\nTalk slowly.",
        "print(kept.status, len(kept.text))",
    )
    notebook.run_all(wait=False)
    notebook.wait_output(1, "word3")
    with soon(2):
        notebook.click_stop(1)
        notebook.wait_output(2, r"interrupted \d+")
    server.wait_for_disconnect()
    notebook.wait_output(1, "([Ii]nterrupted|[Ss]topped).*word3")
    assert "word40" not in notebook.output_text(1)
    assert "Interrupted:" not in notebook.output_text(1)
    notebook.save()
    assert_only_static(notebook, 1)


def test_an_interrupt_stops_a_silent_stream_with_a_short_error_and_queued_cells_do_not_run(
    lab, notebook, server
):
    opened(
        lab,
        notebook,
        "silent.ipynb",
        "%%gemini -m stall\nStall.",
        "print('next')",
        "_gemini.status, _gemini.text",
    )
    notebook.run_all(wait=False)
    notebook.wait_output(1, "word10")  # the server is silent now
    with soon(2):
        notebook.interrupt()
        notebook.wait_idle()
    server.wait_for_disconnect()
    shown = notebook.wait_output(1, "word10.*Stopped after 60 characters")
    assert "Traceback" not in shown
    assert notebook.output_text(2) == ""
    notebook.save()
    errors = [output for output in notebook.saved_outputs(1) if output["output_type"] == "error"]
    assert len(errors) == 1
    assert len(errors[0]["traceback"]) <= 3
    assert_only_static(notebook, 1)
    notebook.run(3)
    notebook.wait_output(3, r"\('interrupted', 'word1 word2")


# The icons of our own copy buttons are the only SVG images.
HARMFUL = ".jp-OutputArea-output :is(script, img, iframe, svg:not(.gmi-copy *), [onerror], [data-commandlinker-command])"


def test_an_interrupt_stops_a_stream_that_sends_text(lab, notebook, server):
    is_sending = threading.Event()
    later = FORTY_WORDS.index("word9")
    first, rest = words(FORTY_WORDS[:later], 0.1), words(FORTY_WORDS[later:], 0.1)
    server.model("sends", *first, lambda _: is_sending.set(), *rest, *rest, finish())
    opened(lab, notebook, "busy.ipynb", "%%gemini -m sends\nTalk on.")
    for _ in range(6):
        notebook.run(1, wait=False)
        assert is_sending.wait(60)  # without queries to the page, which would change the timing
        is_sending.clear()
        with soon(1.5):
            notebook.interrupt()
            notebook.wait_done(1)
        assert "interrupted" in notebook.wait_output(1, "Stopped after")


ENDINGS = [
    ("cut", "%%gemini -m cut", "truncated", "going to be longer", False),
    ("error-mid", "%%gemini -m error-mid", "cancelled", "Half of the answer is here", False),
    ("blocked", "%%gemini -m blocked", "blocked", "SAFETY", False),
    ("stall", "%%gemini -m stall --stall-timeout 0.5", "stalled", "word10", False),
    ("dribble", "%%gemini -m dribble", "complete", "naïve 😀 bytes", True),
]


def test_the_status_shows_how_the_answer_ended_and_an_incomplete_answer_fails_the_cell(
    lab, notebook, screenshots
):
    cells = [f"{line}\nGo on." for _, line, *_ in ENDINGS]
    opened(lab, notebook, "endings.ipynb", *cells)
    for i, (_, _, status, content, good) in enumerate(ENDINGS, 1):
        assert notebook.run(i) is good
        notebook.output(i).locator(".gmi-output").wait_for()
        shown = notebook.wait_output(i, re.escape(content))
        assert status in shown.lower()
        assert "Traceback" not in shown
    notebook.screenshot(screenshots / "endings.png")
    notebook.save()
    for i in range(1, len(ENDINGS) + 1):
        assert_only_static(notebook, i)


def test_a_hostile_answer_has_no_effect_live_or_saved(lab, notebook, server):
    opened(lab, notebook, "hostile.ipynb", "%%gemini -m xss\nDo your worst.")
    notebook.page.evaluate("() => { window.pwned = null; }")
    title = notebook.page.title()
    notebook.run(1, wait=False)
    notebook.wait_output(1, "Before")
    send_events(notebook)  # while it streams
    notebook.wait_done(1)
    notebook.wait_output(1, "After")
    send_events(notebook)
    assert_harmless(notebook, lab, server, title)
    notebook.save()
    bundle = assert_only_static(notebook, 1)
    assert "<img" not in bundle["text/html"]
    notebook.reload()
    notebook.wait_output(1, "After")
    send_events(notebook)
    assert_harmless(notebook, lab, server, title)
    notebook.open(notebook.name, no_kernel=True)
    notebook.wait_output(1, "After")
    send_events(notebook)
    assert_harmless(notebook, lab, server, None)


def send_events(notebook):
    """Send clicks and other events to all elements of the answer, except links to other sites."""
    notebook.page.evaluate(
        """(node) => {
            for (const each of node.querySelectorAll("*")) {
                if (each.closest("a[href^='http']") || each.closest("button.jupyter-button")) continue;
                for (const kind of ["mouseover", "click", "focus", "error", "load", "toggle"])
                    each.dispatchEvent(new Event(kind, {bubbles: true}));
            }
        }""",
        notebook.output(1).element_handle(),
    )
    wait_steady(notebook.page, "() => document.title")  # what the events started has run


def assert_harmless(notebook, lab, server, title):
    assert notebook.page.evaluate("() => window.pwned ?? null") is None
    assert notebook.log.dialogs == []
    assert server.leaks() == []
    assert notebook.log.requests_beyond(lab.url) == set()
    assert notebook.output(1).locator(HARMFUL).count() == 0
    hrefs = notebook.page.evaluate(
        "(node) => Array.from(node.querySelectorAll('a')).map(a => a.getAttribute('href'))",
        notebook.output(1).element_handle(),
    )
    assert all(re.match(r"https?://[^/\\\s]", href) for href in hrefs)
    assert title is None or notebook.page.title() == title


def test_the_output_does_not_shrink_while_an_answer_streams(lab, notebook, screenshots):
    opened(lab, notebook, "markdown.ipynb", "%%gemini -m markdown\nShow me everything.")
    notebook.page.evaluate(
        """(node) => {
            const heights = window.heights = [];
            const sample = () => {
                heights.push(node.getBoundingClientRect().height);
                if (window.heights === heights) requestAnimationFrame(sample);
            };
            sample();
        }""",
        notebook.output(1).element_handle(),
    )
    began = len(notebook.log.frames)
    notebook.run(1)
    notebook.wait_output(1, "complete")
    wait_steady(notebook.page, "() => window.heights.at(-1)")
    heights = notebook.page.evaluate("() => window.heights")
    drops = [early - late for early, late in pairwise(heights) if early - late > 2]
    print(f"height drops: {drops}; messages: {len(notebook.log.frames) - began}")
    assert max(drops, default=0) <= 4
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        notebook.screenshot(screenshots / f"markdown-{theme[-5:].strip().lower()}.png", 1)


def test_the_saved_notebook_contains_no_key(lab, notebook):
    opened(
        lab,
        notebook,
        "canary.ipynb",
        "%%gemini -m quick\nHi.",
        "%gemini",
        "%%gemini -m quick --dry-run\nHi.",
        "_gemini",
    )
    for i in range(1, 5):
        assert notebook.run(i) is True
    notebook.save()
    assert CANARY not in json.dumps(notebook.saved())
