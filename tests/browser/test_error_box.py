"""The error of an answer that the page lost is added without the kernel."""

from __future__ import annotations

import pytest
from modules_page import call, modules_page
from view_fixtures import clock, stage
from view_stage import finished

from gemini_magic.views.html import HtmlView
from gemini_magic.views.static import bundle

__all__ = ["clock", "stage"]
ATTACK = "<img src=x onerror='window.pwned = 1'> `<b>x</b>` $\\alpha$"
ADD = "return m.withErrorBox(a)"


@pytest.fixture
def page(_context):
    page = modules_page(_context)
    yield page
    page.close()


@pytest.fixture
def output(stage):
    """The output of a failed answer as the kernel displays it when its error follows."""
    failure = {"message": f"The model is overloaded. {ATTACK}", "code": 503, "status": "UNAVAILABLE"}
    view = HtmlView(finished("one two\n\n```python\nx\n```\n", finish=None, failure=failure))
    view.close(error_follows=True)
    return {"data": stage.displays[-1][0], "metadata": {"gemini_magic": stage.states[-1]}}


def test_the_kernels_words_are_added_to_every_representation(page, output):
    found = call(page, "lab/error_box.js", ADD, output)
    for kind in ("text/html", "text/plain"):
        assert "overloaded" not in output["data"][kind]
        assert "The model is overloaded." in found["data"][kind]
    before = output["data"]["text/html"]
    at = before.index("<style>")
    assert found["data"]["text/html"].startswith(
        before[:at] + '<div class="gm-box gm-bad" role="note"><span>'
    )
    assert found["data"]["text/html"].endswith("</span></div>" + before[at:])
    shown = page.evaluate(
        """html => {
            document.body.innerHTML = html;
            return document.querySelector(".gm-box").innerText;
        }""",
        found["data"]["text/html"],
    )
    assert shown.startswith(
        "This answer is incomplete. 503 UNAVAILABLE: The model is overloaded. <img src=x onerror="
    )
    assert page.evaluate("() => window.pwned ?? null") is None
    assert "<img" not in found["data"]["text/markdown"]
    assert "$" not in found["data"]["text/markdown"]
    assert found["data"]["text/plain"].splitlines()[-1] == output["data"]["text/plain"].splitlines()[-1]
    assert set(found["metadata"]["gemini_magic"]) == {"id", "state"} | (
        {"kernel"} & set(output["metadata"]["gemini_magic"])
    )


def test_metadata_of_any_file_adds_text_only(page, output):
    own = output["metadata"]["gemini_magic"]
    for error in (None, [], "x", {}, {"lines": "x"}, {"lines": [1, "", "x" * 5_000]}):
        changed = {**output, "metadata": {"gemini_magic": own | {"error": error}}}
        assert call(page, "lab/error_box.js", ADD, changed) is None
    error = {"lines": [ATTACK] * 50, "tone": '" onclick="x'}
    found = call(
        page, "lab/error_box.js", ADD, {**output, "metadata": {"gemini_magic": own | {"error": error}}}
    )
    assert found["data"]["text/html"].count("&lt;img") == 10
    assert 'class="gm-box gm-bad"' in found["data"]["text/html"]
    assert "<img" not in found["data"]["text/html"]


def test_the_box_of_the_kernel_has_the_same_words(page, output, stage):
    failure = {"message": f"The model is overloaded. {ATTACK}", "code": 503, "status": "UNAVAILABLE"}
    complete = bundle(finished("one two\n\n```python\nx\n```\n", finish=None, failure=failure))
    words = "html => { document.body.innerHTML = html; return document.querySelector('.gm-box').innerText; }"
    found = call(page, "lab/error_box.js", ADD, output)
    shown = [page.evaluate(words, each["text/html"]) for each in (found["data"], complete)]
    assert shown[0] == shown[1]
