"""Completions in JupyterLab: each has its description on its own line."""

from __future__ import annotations

import pytest
from lab import cells

ROWS = """() => [...document.querySelectorAll(".jp-Completer-item")].map(item => {
    const [name, description] = [".jp-Completer-match", ".jp-Completer-typeExtended"].map(
        part => item.querySelector(part));
    const [row, popup] = [item, item.closest(".jp-Completer")].map(node => node.getBoundingClientRect());
    const range = document.createRange();
    range.selectNodeContents(description);
    const lines = new Set([...range.getClientRects()].map(({top}) => Math.round(top)));
    const {right} = description.getBoundingClientRect();
    return {name: name.innerText, description: description.innerText, lines: lines.size, inside: right <= popup.right,
        apart: description.getBoundingClientRect().left >= name.getBoundingClientRect().right, height: row.height};
})"""


@pytest.mark.parametrize(
    ("line", "name", "description"),
    [
        ("%%gemini --t", "--temperature", "sampling temperature"),
        ("%gemini ", "state", "show the model"),
        ("%gemini journal ", "forget", "delete"),
    ],
)
def test_each_completion_has_its_description_on_one_line(lab, notebook, screenshots, line, name, description):
    notebook.open(lab.write("complete.ipynb", cells("%load_ext gemini_magic", "")))
    notebook.run(0)
    page = notebook.page
    page.locator(".jp-Cell").nth(1).locator(".cm-content").click()
    page.keyboard.type(line)
    page.keyboard.press("Tab")
    page.wait_for_selector(".jp-Completer-item")
    # The rows in view have their descriptions after the completer has its final size.
    page.wait_for_function(
        f"() => {{ const rows = ({ROWS})(); return Math.max(...rows.map(row => row.lines)) === 1; }}"
    )
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"completion-{name.strip('-')}-{theme.lower()}.png")
    rows = page.evaluate(ROWS)
    [found] = [row for row in rows if row["name"] == name]
    assert found["description"].replace("\u00a0", " ").replace("\u2011", "-").startswith(description)
    assert max(row["lines"] for row in rows) == 1  # a row that is not rendered yet has none
    assert all(row["inside"] and row["apart"] for row in rows)
    assert len({round(row["height"]) for row in rows}) == 1
