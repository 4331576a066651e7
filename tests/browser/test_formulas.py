"""Formulas, footnotes and images in JupyterLab: live, finished, and in a saved, untrusted notebook."""

from __future__ import annotations

from attack_media import data_url, png
from browser_stage import SAMPLER, SETUP, count_steady_heights
from markdown_answers_written import WRITTEN
from playwright.sync_api import expect

ANSWER = f"""{WRITTEN[-1]}

![a chart]({data_url(png(300, 100))})

Refused: $\\href{{https://evil.test}}{{x}}$.

{"".join(f"{n}. item{chr(10)}" for n in range(9900, 10_000))}
The end, without a formula.
"""
ROOT = ".jp-OutputArea .gemini-magic.mathjax_ignore"
MEASURE = """(root) => {
    const node = document.querySelector(root);
    const image = node.querySelector("img");
    const list = node.querySelector("ol");
    const marker = document.createElement("span");
    marker.textContent = "9999. ";
    list.firstElementChild.append(marker);
    const width = marker.getBoundingClientRect().width;
    marker.remove();
    return {
        formulas: node.querySelectorAll("mjx-container").length,
        elsewhere: node.querySelectorAll(":not(.mathjax_process) > mjx-container").length,
        waiting: [...node.querySelectorAll(".mathjax_process")].filter(e => !e.querySelector("mjx-container")).length,
        broken: node.querySelectorAll("mjx-merror, .mathjax_process a").length,
        image: [image.naturalWidth, image.width, image.height],
        marker: parseFloat(getComputedStyle(list).paddingLeft) - width,
    };
}"""


def measure(notebook, root=ROOT):
    """Counts and sizes in the page after all formulas are typeset."""
    notebook.page.wait_for_function(
        "root => document.querySelectorAll(`${root} mjx-container`).length >= 15", arg=root
    )
    notebook.page.locator(f"{root} img").first.scroll_into_view_if_needed()
    notebook.page.wait_for_function(
        "root => document.querySelector(`${root} img`).naturalWidth > 0", arg=root
    )
    return notebook.page.evaluate(MEASURE, root)


def test_formulas_are_typeset_live_finished_and_in_a_saved_notebook(notebook, lab):
    warm = "from IPython.display import HTML, display\ndisplay(HTML('$x$ \\\\[y\\\\]'))"  # loads the fonts of the page
    cells = [
        f"await show({ANSWER!r}, pause=0.5, step=60, stop=lambda: None)",
        f"await show({ANSWER!r}, display='html', step=600)",
    ]
    notebook.open(lab.write("formulas.ipynb", [SETUP, warm, *cells]))
    page = notebook.page
    assert notebook.run(0)
    assert notebook.run(1)
    page.wait_for_selector(".jp-OutputArea mjx-container[display=true]")
    page.wait_for_timeout(300)
    page.evaluate(SAMPLER, 2)
    notebook.run(2, wait=False)
    page.wait_for_selector(".gm-answer .widget-htmlmath mjx-container")
    expect(page.locator(".gm-answer [aria-busy] mjx-container")).to_have_count(0)
    notebook.wait_done(2)
    page.wait_for_selector(ROOT)
    found = measure(notebook)
    page.wait_for_timeout(200)
    assert count_steady_heights(page) >= 5
    assert found == found | {"formulas": 15, "elsewhere": 0, "waiting": 0, "broken": 0}
    assert found["image"] == [300, 300, 100]
    assert found["marker"] >= 0
    content = page.locator(ROOT).first.text_content()
    assert "$1,051.16 with" in content
    assert "it costs $5 a month or $50 a year" in content
    assert notebook.run(3)
    notebook.save()
    notebook.reload(no_kernel=True)
    again = measure(notebook)
    assert not notebook.trusted()
    assert again == again | {
        "formulas": 15,
        "elsewhere": 0,
        "waiting": 0,
        "broken": 0,
        "image": [300, 300, 100],
    }
    assert not notebook.log.requests_beyond(lab.url)
