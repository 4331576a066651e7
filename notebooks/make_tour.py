"""Writes ``01-first-cell.ipynb`` without outputs, from the cells below; kept as text so that changes can be read."""

from __future__ import annotations

from pathlib import Path

import nbformat

CELLS = [
    (
        "markdown",
        """\
# The first cell

`%%gemini` streams an answer into this page while it is being written, and keeps every piece of it.

**Everything in this tour is replayed from recordings** that come with the package (`--replay builtin:tour`). No key is
used, nothing leaves your machine, and no model was asked: the answers were written for the tour, in the API's
wire format and with the pace of a real stream. With a key of your own, leave `--replay` out; without a key and
without `--replay`, `%%gemini` tells you so instead of pretending.

Run the cells one by one with **Shift+Enter**.""",
    ),
    ("code", "%load_ext gemini_magic"),
    (
        "code",
        """\
%%gemini --replay builtin:tour --thinking on
How does a streamed answer reach my notebook? Give me a short overview
with a table and a few lines of Python.""",
    ),
    (
        "markdown",
        """\
## Stop one in the middle

The next answer is long. Press **Stop** beside its status line whenever you have seen enough: the cell ends well and
what is queued goes on. (The ■ in the toolbar stops what is queued, too.) What had arrived stays in the page and in the
object. If you let it run to its end, that is fine as well.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:tour --out story
Tell me, at some length, how the first transatlantic cable
taught us to write things down.""",
    ),
    (
        "markdown",
        """\
## What did the server really send?

`story` (the name given with `--out`) holds every chunk as it came, with its arrival time. Any DataFrame library takes
it as it is.""",
    ),
    (
        "code",
        """\
import pandas as pd

pd.DataFrame(story.chunks)[["t", "gap", "size", "kind", "text", "output_tokens"]].head(8)""",
    ),
    ("code", "story.status, story.usage, story.timing"),
    ("code", "story.raw[0]  # the JSON, exactly as received"),
    (
        "markdown",
        """\
## An answer that ends in the middle

Connections break. Then the cell fails, so that *Run All* and CI notice, and what arrived is kept.""",
    ),
    (
        "code!",
        """\
%%gemini --replay builtin:tour
Why do some answers end in the middle? Three reasons.""",
    ),
    ("code", "_gemini.status, _gemini.text"),
    (
        "markdown",
        """\
## An answer that means harm

Model output can carry scripts, tracking pictures and disguised buttons. They stay text.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:tour
Show me what a hostile answer might contain.""",
    ),
    (
        "markdown",
        """\
## Your own questions

Set a key from [Google AI Studio](https://aistudio.google.com/apikey) in the environment variable `GEMINI_API_KEY` (or in
a `.env` file beside the notebook) and restart the kernel. Then:

```
%%gemini
Your question. Python values go in double braces: {{ 6 * 7 }}.
```

`%gemini` alone shows the state, `%gemini help` everything else. Save this notebook and open it again, even without a
kernel: the answers are still there.""",
    ),
    ("code", "%gemini"),
]


def main() -> None:
    """Write the notebook."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, (kind, source) in enumerate(CELLS):
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(source, id=f"tour-{number:02d}")
        if kind == "code!":
            cell.metadata["tags"] = ["raises-exception"]
        notebook.cells.append(cell)
    target = Path(__file__).parent / "01-first-cell.ipynb"
    nbformat.write(notebook, target)
    print(f"{target.name}: {len(CELLS)} cells")


if __name__ == "__main__":
    main()
