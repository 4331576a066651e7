"""Rows in JupyterLab: the live table, Stop, the saved file, a kernel that ends first, and values that attack the page."""

from __future__ import annotations

import json

from html_audit import payloads
from playwright.sync_api import expect

SETUP = "%load_ext gemini_magic\n%config GeminiMagics.backend = 'echo'"
SLOW = """rows = [{"id": f"T-{n}", "text": f"text {n}"} for n in range(200)]"""
CELL = "%%gemini --rows rows --id id --concurrency 2 --store {store} -o run\n@wait 0.2\nClassify: {{{{ row.text }}}}"
HOSTILE = """%%gemini --rows rows --id id --concurrency 4 -o run
@wait 0.1
{{ row.text }}"""


def page_is_final(notebook):
    """Wait until the finished table has replaced the widgets."""
    notebook.page.wait_for_selector(".gm-live", state="detached")


def html_of(output):
    return "".join(output["data"]["text/html"])


def test_the_table_grows_stops_and_is_saved_without_widgets(lab, notebook, screenshots, tmp_path):
    page = notebook.page
    cell = CELL.format(store=tmp_path / "a.rows.sqlite")
    notebook.open(lab.write("rows.ipynb", [f"{SETUP}\n{SLOW}", cell, "run.progress.state"]))
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, r"T-8\s.*Classify: text 8")
    expect(page.locator(".gm-progress[role=progressbar]")).to_have_count(1)
    expect(page.locator(".gm-live .gm-run-rows tbody tr")).to_have_count(8)  # the newest rows only
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        notebook.screenshot(screenshots / f"rows-live-{theme.split()[-1].lower()}.png")
    notebook.wait_kept("Classify: text")
    notebook.save()
    [output] = notebook.saved_outputs(1)  # saved in the middle of the run
    assert output["metadata"]["gemini_magic"]["state"] == "partial"
    assert "Classify: text" in html_of(output)
    notebook.click_stop(1)
    page.wait_for_selector(".gm-live", state="detached")
    shown = notebook.wait_output(1, r"stopped after \d+ of 200 rows")
    assert "The same cell continues where this run ended" in shown
    page.wait_for_function(
        "() => /^Stopped after \\d+ of 200 rows$/.test(document.querySelector('.gm-announcer').innerText)"
    )
    notebook.run(2)
    notebook.wait_output(2, "stopped")
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert set(output["data"]) == {"text/html", "text/markdown", "text/plain"}
    assert output["metadata"]["gemini_magic"]["state"] == "final"
    assert "widgets" not in notebook.saved()["metadata"]
    notebook.open("rows.ipynb", no_kernel=True)
    assert "Classify: text 3" in notebook.wait_output(1, "stopped after")
    assert not notebook.log.errors


def test_a_kernel_that_ends_first_leaves_the_rows_and_says_how_to_continue(lab, notebook, tmp_path):
    cell = CELL.format(store=tmp_path / "b.rows.sqlite")
    notebook.open(lab.write("rows-restart.ipynb", [f"{SETUP}\n{SLOW}", cell]))
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "Classify: text 8")
    notebook.wait_kept("Classify: text")
    notebook.restart_kernel()
    shown = notebook.wait_output(1, "The kernel ended before the run did: it was restarted")
    assert "Classify: text" in shown
    assert "the same cell continues" in shown
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert output["metadata"]["gemini_magic"]["state"] == "cut"
    notebook.run(0)
    notebook.run(1, wait=False)
    assert "--in-doubt again" in notebook.wait_output(1, "in-doubt")


def test_values_that_attack_the_page_are_text(lab, notebook):
    attacks = sorted(set(payloads()), key=len)[::3][:120]
    rows = [{"id": f"{n} {attack}", "text": f"{attack} {n}"} for n, attack in enumerate(attacks)]
    data = f"import json\nrows = json.loads({json.dumps(json.dumps(rows))})"
    notebook.open(lab.write("rows-attacks.ipynb", [f"{SETUP}\n{data}", HOSTILE]))
    notebook.run(0)
    notebook.run(1)
    notebook.wait_output(1, f"{len(rows)} rows done")
    page_is_final(notebook)
    elements = notebook.output(1).locator(
        "script, img, iframe, object, embed, form, input, link, [onerror], [onload], [href], [src]"
    )
    assert elements.count() == 0
    notebook.save()
    notebook.open("rows-attacks.ipynb", no_kernel=True)
    notebook.wait_output(1, f"{len(rows)} rows done")
    assert notebook.log.dialogs == []
    assert notebook.log.requests_beyond(lab.url) == set()
