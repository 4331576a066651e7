"""Pictures of a long answer, live and finished, to be looked at; and what of its looks can be asserted."""

from __future__ import annotations

import pytest
from browser.lab import cells
from fake_server import finish, gate, pause, text

THOUGHTS = (
    "**Weighing it.** The reader wants an overview, so headings, a table and code in three languages. " * 4
)
FIRST = """# Sorting, in three languages

Sorting is **stable** when equal items keep their order. That matters more often than one thinks, *say* for a table that is
sorted by one column after the other, and `sorted` promises it.

## What there is

- Comparison sorts
  - merge sort, which is stable
    1. split
    2. merge
  - heap sort, which is not
- Others
  - [x] counting sort
  - [ ] radix sort

> Premature optimisation is the root of all evil. Measure first, and then
> sort only what is shown.

| algorithm | best | worst | stable |
|:--|--:|--:|:-:|
| merge sort | n log n | n log n | yes |
| heap sort | n log n | n log n | no |
| counting sort | n + k | n + k | yes |

### Python

```python
def merge(left: list[int], right: list[int]) -> list[int]:
    \"\"\"Merge two sorted lists.\"\"\"
    merged = []
    while left and right:
        merged.append((left if left[0] <= right[0] else right).pop(0))  # the left one first: stable
    return merged + left + right
```

### JavaScript

```js
const merged = (a, b) => {
  // the last 2 lines of a longer
"""
REST = """  const all = [...a, ...b];
  return all.sort((x, y) => x.key - y.key || `${x}`.localeCompare(y));
};
```

### SQL

```sql
SELECT name, count(*) AS many FROM items WHERE price > 10.5 GROUP BY name ORDER BY many DESC; -- a plan may sort
```

A link to [the documentation](https://docs.python.org/3/howto/sorting.html), and the end.
"""
WIDTHS = (1200, 500, 400)


def steps(said, every=0.01, size=60):
    return [step for at in range(0, len(said), size) for step in (text(said[at : at + size]), pause(every))]


@pytest.fixture
def picture(notebook, screenshots):
    """Takes a picture of the window and of the whole output in each width and theme."""

    def taken(name):
        for theme in ("Light", "Dark"):
            notebook.theme(f"JupyterLab {theme}")
            for width in WIDTHS:
                notebook.page.set_viewport_size({"width": width, "height": 1000})
                notebook.page.wait_for_timeout(150)
                notebook.screenshot(screenshots / f"{name}-{theme.lower()}-{width}.png", 1)

    return taken


def status(notebook):
    """Height of the status line and by how much its facts, and the output, are wider than there is room for."""
    return notebook.page.evaluate("""() => {
        const line = document.querySelector(".jp-OutputArea .gm-status");
        const root = line.closest(".gemini-magic");
        const facts = [...line.querySelectorAll(".gm-fact")].filter((f) => f.offsetTop < 40);
        const right = Math.max(...facts.map((f) => f.getBoundingClientRect().right));
        return [line.offsetHeight, right - line.getBoundingClientRect().right, root.scrollWidth - root.clientWidth];
    }""")


def test_a_long_answer_looks_well_live_and_finished_light_and_dark_wide_and_narrow(
    lab, notebook, server, picture
):
    usage = {
        "promptTokenCount": 1234,
        "candidatesTokenCount": 5678,
        "thoughtsTokenCount": 900,
        "totalTokenCount": 7812,
    }
    server.script(
        text(THOUGHTS, thought=True),
        pause(1.2),
        *steps(FIRST),
        text(" answer", usageMetadata=usage),
        gate("looked at"),
        *steps(REST),
        finish(usageMetadata=usage),
    )
    notebook.open(
        lab.write("looks.ipynb", cells("%load_ext gemini_magic", "%%gemini -m sorting\nHow do I sort?"))
    )
    notebook.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "last 2 lines of a longer")
    picture("long-live")
    heights = {}
    for width in WIDTHS:
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        notebook.page.wait_for_timeout(600)  # two status lines later
        heights[width], beyond, wide = status(notebook)
        assert beyond <= 0
        assert wide <= 0
    assert heights == {1200: 24, 500: 42, 400: 42}
    server.open("looked at")
    notebook.wait_output(1, "answer complete")
    picture("long-finished")
    for width in WIDTHS:
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        notebook.page.wait_for_timeout(150)
        height, beyond, wide = status(notebook)
        assert (
            0 <= height - heights[width] <= {1200: 0, 500: 18, 400: 36}[width]
        )  # what was not seen gets a line
        assert beyond <= 0
        assert wide <= 0
