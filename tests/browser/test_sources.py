"""Sources and log probabilities in JupyterLab: live, finished, and in a saved notebook that is not trusted."""

from __future__ import annotations

from fake_server import event, pause
from grounded_answers import GROUNDING, PAGES, TEXT, chunk
from lab import cells

SHADOW = """() => {
    const box = document.querySelector('.jp-OutputArea .gm-queries .gmi-suggestions');
    const root = box?.firstChild.shadowRoot;
    return root ? [root.querySelectorAll('a').length, Math.round(box.getBoundingClientRect().height)] : null;
}"""
MARKS = "() => Array.from(document.querySelectorAll('.jp-OutputArea .gm-cite'), each => each.textContent)"
# JupyterLab removes the label of the region in a notebook that is not trusted, but not the shades.
SHADES = """() => Array.from(document.querySelectorAll('.jp-OutputArea span[style*="background"]'),
    each => getComputedStyle(each).backgroundColor)"""


def scored(text):
    """A chunk whose tokens have log probabilities: every third one is improbable."""
    words = [f"{word} " for word in text.split(" ")]
    words[-1] = words[-1][:-1]
    values = [(-0.002, -0.4, -2.6)[at % 3] for at in range(len(words))]
    chosen = [{"token": word, "logProbability": value} for word, value in zip(words, values, strict=True)]
    top = [{"candidates": [each, {"token": "other", "logProbability": -1.7}]} for each in chosen]
    return {"logprobsResult": {"chosenCandidates": chosen, "topCandidates": top}}


def test_sources_and_log_probabilities_look_right_live_saved_and_untrusted(
    lab, notebook, server, screenshots
):
    half = TEXT.index("It is")
    first, rest = TEXT[:half], TEXT[half:]
    end = {"finishReason": "STOP", "groundingMetadata": GROUNDING, "urlContextMetadata": PAGES}
    server.script(
        event(chunk({"text": first}, **scored(first))),
        pause(0.3),
        event(chunk({"text": rest}, **scored(rest), **end)),
    )
    sources = (
        "%load_ext gemini_magic",
        "%%gemini -m lake --search -o lake\nHow large is it?",
        "%gemini logprobs lake",
    )
    notebook.open(lab.write("sources.ipynb", cells(*sources)))
    notebook.collapse_left_area()
    notebook.run_all()
    notebook.wait_output(1, "Zürichsee")
    notebook.wait_value(MARKS, ["2", "2 3", "1"])
    notebook.page.wait_for_function(f"() => ({SHADOW})()?.[1] > 30")
    links, height = notebook.page.evaluate(SHADOW)
    assert links == 2
    assert 30 < height < 100
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"sources-{theme.lower()}.png", 1)
        notebook.screenshot(screenshots / f"logprobs-{theme.lower()}.png", 2)
    notebook.page.wait_for_function(
        f"() => new Set(({SHADES})()).size === 7"
    )  # of the tokens and of the legend
    colors = set(notebook.page.evaluate(SHADES))
    notebook.save()
    copy = lab.without_kernel("sources.ipynb", "sources-copy.ipynb")
    notebook.open(copy, no_kernel=True)
    assert not notebook.trusted()
    notebook.wait_value(MARKS, ["2", "2 3", "1"])
    notebook.wait_value(f"() => ({SHADOW})()?.[0]", 2)
    notebook.wait_value(f"() => [...new Set(({SHADES})())].sort()", sorted(colors))
    notebook.screenshot(screenshots / "sources-untrusted.png")
