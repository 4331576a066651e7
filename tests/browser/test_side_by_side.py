"""Answers side by side in JupyterLab: columns with buttons, hostile text that stays in its column, and the saved file."""

from __future__ import annotations

import os
import re
import signal

from fake_server import finish, gate, text
from lab import cells
from playwright.sync_api import expect

WIDE = (
    "W" * 400 + "\n\n| a | b |\n|---|---|\n| " + "x" * 300 + " | y |\n\n$$" + "+".join(["x"] * 200) + "$$\n\n"
)
CODE = "```\n" + "a long line " * 60 + "\n```\n\n"
ATTACK = (
    "</div></div></div><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    "<div style='position:fixed;inset:0;background:red'>x</div>\n\n[x](javascript:window.hacked=1)\n\nend of it"
)

# Runs in the page: whether the columns stand one below the other.
STACKED = """
new Set([...document.querySelectorAll(".gm-column")].map((each) => each.getBoundingClientRect().left)).size === 1
"""
# Runs in the page: the boxes of the columns, and the elements in a column that are wider than it without a scroll bar.
BOXES = """() => [...document.querySelectorAll(".gm-column")].map(column => {
    const box = column.getBoundingClientRect();
    const clipped = node => {
        for (let at = node.parentElement; at && at !== column; at = at.parentElement) {
            if (getComputedStyle(at).overflowX !== "visible") return true;
        }
        return false;
    };
    const out = [...column.querySelectorAll("*")].filter(node => {
        const own = node.getBoundingClientRect();
        return own.width && (own.right > box.right + 1 || own.left < box.left - 17) && !clipped(node);
    });
    return {left: Math.round(box.left), top: Math.round(box.top), width: Math.round(box.width),
            out: out.map(node => node.outerHTML.slice(0, 80))};
})"""
OUT = f"() => ({BOXES})().map(box => box.out)"
LOAD = "%load_ext gemini_magic"


def test_columns_stream_stop_and_stay_in_the_file(lab, notebook, server, screenshots):
    server.model("plain", text("plain so far"), gate("plain"), text(" and done"), finish())
    server.model("wide", text(WIDE + CODE), gate("wide"), text(ATTACK), finish())
    server.model("other", text("other"), gate("other"), finish())
    source = "%%gemini --compare plain,wide,other -o c\nhi"
    notebook.open(lab.write("columns.ipynb", cells(LOAD, source, "[r.status for r in c]")))
    notebook.collapse_left_area()
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "plain so far")
    page = notebook.page
    expect(page.locator(".gm-column .gm-answer").last).to_contain_text("other")
    expect(page.locator(".gm-column pre")).to_contain_text("a long line")
    notebook.wait_buttons(1, ["Stop all", "Stop", "Stop", "Stop"])
    page.wait_for_function("document.querySelectorAll('.gm-column .gm-table').length === 1")
    notebook.wait_value(OUT, [[], [], []])
    live = page.evaluate(BOXES)
    assert len({box["top"] for box in live}) == 1
    assert len({box["width"] for box in live}) == 1
    assert [box["out"] for box in live] == [[], [], []]
    notebook.screenshot(screenshots / "columns-live.png", 1)
    server.open("plain")
    notebook.wait_output(1, "and done")
    page.wait_for_function("document.querySelectorAll('.gm-column .gm-stop').length === 2")
    page.locator(".gm-column .gm-stop").last.click()
    notebook.wait_output(1, "stopped")
    server.open("wide")
    notebook.wait_done(1)
    notebook.run(2)
    notebook.wait_output(2, r"\['complete', 'complete', 'interrupted'\]")
    page.wait_for_function(
        "document.querySelector('.gm-columns + .gm-table') && !document.querySelector('.gm-live')"
    )
    expect(page.locator(".gm-announcer")).to_have_text(
        re.compile("^Comparison ended, 2 of 3 answers complete")
    )
    notebook.wait_output(1, "end of it")
    notebook.wait_value(OUT, [[], [], []])
    ended = page.evaluate(BOXES)
    assert [box["out"] for box in ended] == [[], [], []]
    assert [(box["left"], box["width"]) for box in ended] == [(box["left"], box["width"]) for box in live]
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('.gm-column script, .gm-column img').length") == 0
    notebook.screenshot(screenshots / "columns.png", 1)
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_function(STACKED)
    notebook.wait_value(OUT, [[], [], []])
    narrow = page.evaluate(BOXES)
    assert len({box["left"] for box in narrow}) == 1
    assert len({box["top"] for box in narrow}) == 3
    assert [box["out"] for box in narrow] == [[], [], []]
    page.set_viewport_size({"width": 1400, "height": 1000})
    notebook.save()
    [saved] = notebook.saved_outputs(1)
    assert set(saved["data"]) == {"text/html", "text/markdown", "text/plain"}
    assert saved["metadata"]["gemini_magic"]["state"] == "final"
    assert "first text (s)" in "".join(saved["data"]["text/markdown"])
    notebook.reload()
    notebook.wait_output(1, "plain so far and done")
    expect(page.locator(".gm-column")).to_have_count(3)


def test_the_columns_so_far_stay_when_the_kernel_is_killed(lab, notebook, server):
    server.model("plain", text("the first answer"), finish())
    server.model("other", text("half of the second"), gate("never"))
    notebook.open(
        lab.write(
            "killed-columns.ipynb",
            cells(LOAD, "import os; os.getpid()", "%%gemini --compare plain,other\nhi"),
        )
    )
    notebook.run(0)
    notebook.run(1)
    process = int(notebook.wait_output(1, r"\d+").split()[-1])
    notebook.run(2, wait=False)
    notebook.wait_output(2, "half of the second")
    page = notebook.page
    notebook.wait_kept("half of the second")
    notebook.save()
    [saved] = notebook.saved_outputs(2)
    assert "half of the second" in "".join(saved["data"]["text/html"])
    assert not any("widget" in kind for kind in saved["data"])
    notebook.reload(busy=True)
    notebook.wait_output(2, "half of the second")
    page.wait_for_function("document.querySelectorAll('.gm-column.gm-live .gm-stop').length === 1")
    os.kill(process, signal.SIGKILL)
    page.wait_for_function("document.querySelector('.jp-OutputArea .gm-box')", timeout=60_000)
    for part in ("the first answer", "half of the second", "crashed or was killed"):
        notebook.wait_output(2, part)
    expect(page.locator(".gm-column .gm-mark.gm-busy")).to_have_count(0)
    expect(page.locator(".gm-stop")).to_have_count(0)
    expect(page.locator(".gm-column")).to_have_count(2)
    notebook.save()
    [saved] = notebook.saved_outputs(2)
    assert saved["metadata"]["gemini_magic"]["state"] == "cut"
    assert "half of the second" in "".join(saved["data"]["text/html"])
    assert "half of the second" in "".join(saved["data"]["text/plain"])
