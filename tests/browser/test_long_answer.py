"""The end of a long answer: the page lays out the finished answer in a task of its own, and nothing moves."""

from __future__ import annotations

import pytest
from browser_stage import SAMPLER, SETUP, count_steady_heights
from lab import cells

KINDS = {
    "paragraphs": "@. Some *words* of a paragraph that has a few of them, and `code`.\\n\\n",
    "list": "- Item @ with some *words* in it\\n",
    "table": "| cell @ | **another** cell |\\n",
    "code": "value_@ = function(@, 'text')  # a comment\\n",
}
HEADS = {"table": "| a | b |\\n|---|---|\\n", "code": "```python\\n"}
SIZE = 60_000

RUN = """
from pathlib import Path

def start(head, line):
    global ledger, view
    ledger = new_ledger()
    view = select_view(ledger, display="live", shell=get_ipython(), allow_stdin=True, stop=lambda: None)
    view.open()
    # Other words in each line: the model does not repeat itself, which would be a note.
    lines = (line.replace("@", f"{number * 7919 % 9973:x}") for number in range({size} // len(line)))
    return head + "".join(lines)

async def grow(text):
    for start in range(0, len(text), 3000):
        feed(ledger, text[start : start + 3000])
        view._next = 0.0
        view.update(final=True)
        await asyncio.sleep(0.02)
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    feed(ledger, finish="STOP")
    view.update(final=True)
    await asyncio.sleep(0.5)  # the page shows the last words
    ledger.close("end", t=3.0)
    view.close()
"""

# Runs in the page: the height of the output, and whether the answer is in it, when the finished output has replaced the
# live one, and in the next frame. The callback for that frame runs after the one that shows the answer.
WATCH = """() => {
    const area = window.jupyterapp.shell.currentWidget.content.widgets[1].outputArea.node;
    const note = () => [area.getBoundingClientRect().height, !!area.querySelector(".gm-answer")];
    window.changes = [];
    const observer = new MutationObserver(() => {
        if (area.querySelector(".gmi-output")) {
            observer.disconnect();
            window.changes.push(note());
            requestAnimationFrame(() => window.changes.push(note()));
        }
    });
    observer.observe(area, {childList: true, subtree: true});
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_answer_is_laid_out_in_the_next_frame_and_keeps_its_height(lab, notebook, kind):
    go = lab.root / "go"
    go.unlink(missing_ok=True)
    head, line = HEADS.get(kind, ""), KINDS[kind]
    answer = f'await grow(start("{head}", "{line}"))'
    notebook.open(lab.write("long.ipynb", cells(SETUP + RUN.replace("{size}", str(SIZE)), answer)))
    notebook.run(0)
    notebook.run(1, wait=False)
    page = notebook.page
    page.wait_for_function("() => document.querySelector('.gm-answer')?.textContent.length > 30000")
    page.wait_for_timeout(1000)
    page.evaluate(SAMPLER, 1)
    page.evaluate(WATCH)
    page.wait_for_timeout(200)
    go.touch()
    page.wait_for_selector(".gmi-output .gm-answer")
    page.wait_for_timeout(300)
    (empty, early), (height, shown) = page.evaluate("window.changes")
    assert (early, shown) == (False, True)
    assert abs(height - empty) <= 2
    assert count_steady_heights(page) >= 1
    # The answer is rendered at once when it did not stream in this page.
    notebook.save()
    notebook.reload()
    notebook.wait_output(1, "answer complete")
    assert abs(notebook.output_height(1) - height) <= 2
