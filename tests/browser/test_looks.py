"""Screenshots of a long answer, live and finished, for people to look at, with checks of its layout."""

from __future__ import annotations

from browser_stage import wait_steady
from fake_server import finish, gate, pause, text
from lab import cells

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


STATUS = """() => {
    const line = document.querySelector(".jp-OutputArea .gm-status");
    const root = line.closest(".gemini-magic");
    const facts = [...line.querySelectorAll(".gm-fact")].filter((f) => f.offsetTop < 40);
    const right = Math.max(...facts.map((f) => f.getBoundingClientRect().right));
    return [line.offsetHeight, right - line.getBoundingClientRect().right, root.scrollWidth - root.clientWidth];
}"""


def steps(content, every=0.01, size=60):
    return [
        step for at in range(0, len(content), size) for step in (text(content[at : at + size]), pause(every))
    ]


def status(notebook):
    """The height of the status line, and by how many pixels its facts and the output are too wide."""
    return notebook.page.evaluate(STATUS)


def take_screenshots(notebook, folder, name):
    """Save screenshots of the output in both themes and several widths; return the height of the status line by width."""
    heights = {}
    for theme, widths in (("Dark", WIDTHS[:2]), ("Light", WIDTHS)):
        notebook.theme(f"JupyterLab {theme}")
        for width in widths:
            notebook.page.set_viewport_size({"width": width, "height": 1000})
            wait_steady(notebook.page, STATUS)
            notebook.screenshot(folder / f"{name}-{theme.lower()}-{width}.png", 1)
            heights[width], beyond, wide = status(notebook)
            assert beyond <= 0
            assert wide <= 0
    return heights


def test_a_long_answer_fits_the_page_live_and_finished_in_both_themes_and_all_widths(
    lab, notebook, server, screenshots
):
    usage = {
        "promptTokenCount": 1234,
        "candidatesTokenCount": 5678,
        "thoughtsTokenCount": 900,
        "totalTokenCount": 7812,
    }
    thinking, with_usage = text(THOUGHTS, thought=True), text(" answer", usageMetadata=usage)
    server.script(
        thinking,
        pause(1.2),
        *steps(FIRST),
        with_usage,
        gate("looked at"),
        *steps(REST),
        finish(usageMetadata=usage),
    )
    notebook.open(
        lab.write("looks.ipynb", cells("%load_ext gemini_magic", "%%gemini -m sorting\nHow do I sort?"))
    )
    notebook.collapse_left_area()
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "last 2 lines of a longer")
    live = take_screenshots(notebook, screenshots, "long-live")
    assert live == {1200: 24, 500: 42, 400: 42}
    server.open("looked at")
    notebook.wait_output(1, "answer complete")
    finished = take_screenshots(notebook, screenshots, "long-finished")
    # Facts that do not fit into the live status line of a narrow page have separate lines at the end.
    assert all(
        0 <= finished[width] - live[width] <= most for width, most in ((1200, 0), (500, 18), (400, 36))
    )


PARAGRAPH = "A paragraph of an open block, with $x^2$ in it.\n\n"
EXTRAS = (
    """# Tags, directions and more

Water is H<sub>2</sub>O, area is m<sup>2</sup>; press <kbd>Ctrl</kbd>+<kbd>C</kbd>. <u>Underlined</u>, <mark>marked **bold**</mark>.<br>
A new line. <!-- a comment --> See https://example.org/a_b, (http://example.org) and [Intro](#introduction).

**注意：**正文，含**「重点」**内容，~~删除。~~正文。

| key | meaning |
|:--|:--|
| <kbd>j</kbd> | down<br>one line |

\\begin{align}
a_1 &= b \\\\
c &= d
\\end{align}

Inside text: \\begin{equation} x^2 \\end{equation} and after it.

מה שלומך **היום**?

1. אחת
2. שתיים
   - [x] שלוש

<details>
<summary>More *about* it</summary>

A paragraph.

- an item

</details>

<details open>
<summary>Open</summary>

"""
    + PARAGRAPH * 12
    + """</details>

```markdown
# A file

```python
print(1)
```

The end of the file.
```

```mermaid
graph TD
A-->B
```

The end."""
)


def test_tags_directions_details_and_environments_are_shown(lab, notebook, server, screenshots):
    cut = EXTRAS.index("</details>\n\n```markdown")
    begun = cut - 12 * len(PARAGRAPH)  # inside the open block, whose text arrives in parts
    parts = [EXTRAS[at : at + 3 * len(PARAGRAPH)] for at in range(begun, cut, 3 * len(PARAGRAPH))]
    server.script(
        *steps(EXTRAS[:begun]),
        *[step for n, part in enumerate(parts) for step in (gate(f"part {n}"), text(part))],
        gate("looked at"),
        *steps(EXTRAS[cut:]),
        finish(),
    )
    notebook.open(lab.write("extras.ipynb", cells("%load_ext gemini_magic", "%%gemini -m extras\nShow all.")))
    notebook.run(0)
    notebook.run(1, wait=False)
    for n in range(len(parts)):
        server.open(f"part {n}")
        notebook.wait_output(1, "of an open block.*" * (3 * n + 3))
    notebook.page.wait_for_selector(".gm-run-details")
    notebook.page.set_viewport_size({"width": 1200, "height": 2400})
    notebook.screenshot(screenshots / "extras-live.png", 1)
    folding = """() => {
        const output = document.querySelector(".gm-run-details");
        const shown = () => [...output.querySelectorAll("p")].filter((p) => p.checkVisibility()).length;
        const before = shown();
        const first = [...output.querySelectorAll("details")].find((block) => block.checkVisibility());
        first.open = false;
        const folded = shown();
        first.open = true;
        return [before, folded, shown(), output.querySelectorAll(".widget-html").length];
    }"""
    before, folded, after, pieces = notebook.page.evaluate(folding)
    assert before == after > 5
    assert folded == 0
    assert pieces > 1
    server.open("looked at")
    notebook.wait_output(1, "answer complete")
    notebook.page.wait_for_selector(".jp-OutputArea .gmi-output")
    notebook.page.wait_for_function(
        "() => document.querySelectorAll('.jp-OutputArea .gemini-magic mjx-container').length >= 2"
    )
    wait_steady(
        notebook.page,
        "() => document.querySelector('.jp-OutputArea .gemini-magic').getBoundingClientRect().height",
    )
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"extras-{theme.lower()}.png", 1)
    found = notebook.page.evaluate("""() => {
        const output = document.querySelector(".jp-OutputArea .gemini-magic");
        const style = (selector) => getComputedStyle(output.querySelector(selector));
        const rtl = [...output.querySelectorAll("ol")].find((list) => list.innerText.includes("אחת"));
        return {
            direction: getComputedStyle(rtl).direction,
            padding: [getComputedStyle(rtl).paddingLeft, parseFloat(getComputedStyle(rtl).paddingRight) > 0],
            errors: output.querySelectorAll("mjx-merror").length,
            formulas: output.querySelectorAll("mjx-container").length,
            open: [...output.querySelectorAll("details:not([class])")].map((block) => block.open),
            links: [...output.querySelectorAll("a")].map((link) => link.getAttribute("href")),
            code: [...output.querySelectorAll("pre > code")].map((code) => code.className),
        };
    }""")
    assert found["direction"] == "rtl"
    assert found["padding"] == ["0px", True]
    assert found["errors"] == 0
    assert found["formulas"] >= 2
    assert found["open"] == [False, True]
    assert found["links"][:2] == ["https://example.org/a_b", "http://example.org"]
    assert found["code"] == ["language-markdown", "language-mermaid"]
