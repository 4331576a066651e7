"""Writes the notebooks of the tour without outputs, from the cells below; kept as text so that changes can be read.

``ruff format`` reads notebooks, too: write the cells as it would.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

FIRST = [
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
    (
        "markdown",
        "**Next**: what the server really sent, chunk by chunk, in [02-inspect.ipynb](02-inspect.ipynb).",
    ),
]

INSPECT = [
    (
        "markdown",
        """\
# Inspect: what the stream really was

An answer on the page is the end of a story. Here you look at the story: every piece the server sent, when it came, what
it cost, and what was odd about it. Ten minutes, no key: the answers are recordings.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
import pandas as pd""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:tour --thinking on --speed 3 --out r
How does a streamed answer reach my notebook? Give me a short overview
with a table and a few lines of Python.""",
    ),
    (
        "markdown",
        """\
The line above the answer says how it ended and what it took; where there is room, small bars at its right end show when the
pieces came. Everything else is in `r`.

## Three tables

**Chunks** are the JSON values as they came, one a row. `t` is in seconds since the request was sent, `gap` since the
chunk before, `size` in bytes.""",
    ),
    ("code", "r.chunks"),
    (
        "markdown",
        """\
That was a preview. Any DataFrame library takes the table as it is: `pd.DataFrame(r.chunks)`, `pl.DataFrame(r.chunks)`,
`pa.table(r.chunks)`; in DuckDB write `select t, text from chunks` after `chunks = r.chunks`.""",
    ),
    (
        "code",
        """\
chunks = pd.DataFrame(r.chunks)
chunks.groupby("kind").agg(
    chunks=("size", "count"), bytes=("size", "sum"), first=("t", "min"), last=("t", "max")
)""",
    ),
    (
        "markdown",
        """\
**Events** are what the chunks mean: a piece of text, a thought, a token count, a reason to end. One chunk often carries
several.""",
    ),
    ("code", 'pd.DataFrame(r.events)[["chunk", "t", "kind", "text"]].tail(4)'),
    (
        "markdown",
        """\
**Usage** is a running total: the last row counts, and adding the rows up would bill you many times over. The `_delta`
columns say what each report added.""",
    ),
    (
        "code",
        'pd.DataFrame(r.usage_history)[["t", "prompt", "output", "thoughts", "total", "output_delta"]].tail(4)',
    ),
    (
        "markdown",
        """\
## Find something

`where` keeps the rows you ask for: by column, by a condition in words (`=`, `!=`, `<`, `>`, and `~` for a regular
expression), or by a function of the row. What it returns is a table again.""",
    ),
    ("code", 'r.events.where(kind="finish")'),
    (
        "code",
        """\
waited = r.chunks.where("gap > 0.075")
pd.DataFrame(waited)[["index", "t", "gap", "kind", "text"]]""",
    ),
    (
        "markdown",
        """\
A dotted path goes into the JSON of each row, so you can ask for any field, also one that no column holds.
`%gemini events r --where "kind=finish"` does the same without Python.""",
    ),
    ("code", 'r.chunks.where("candidates.0.content.parts.0.text ~ STOP")'),
    (
        "markdown",
        """\
## Where did the time go?

In figures, in seconds, from the stamps of the socket:""",
    ),
    ("code", "r.timing"),
    (
        "markdown",
        """\
And as a picture. Each bar is a chunk, the taller the more bytes (the root of them, so that one large chunk does not
flatten the others); grey is the wait for the first byte; below are the tokens so far. It works on an answer that still
runs, too.""",
    ),
    ("code", "r.timeline()"),
    (
        "markdown",
        """\
It is an SVG. Saved and opened in a browser, each bar tells its chunk's number, time and size under the mouse.
`%gemini timeline` shows it for the last answer, and `print(r.timeline())` draws it with letters.""",
    ),
    ("code", 'r.timeline().save("timeline.svg")'),
    (
        "markdown",
        """\
## What was odd?

Servers and gateways bend the protocol. This one bends it a lot, and its answer still reads well:""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:odd --speed 4 --out odd
What can be odd about a stream?""",
    ),
    ("code", "%gemini notes odd"),
    ("code", "odd.notes"),
    (
        "markdown",
        """\
Each note says how serious it is. The long silence is easier to see:""",
    ),
    ("code", "%gemini timeline odd"),
    (
        "markdown",
        """\
## To the bytes

`r.raw` holds the JSON values exactly as received, as plain dicts; `r.raw_chunks` the bytes they came in. Fields this
version does not know are in both.""",
    ),
    ("code", 'next(value for value in odd.raw if "weather" in value)'),
    ("code", "odd.raw_chunks[-1].raw"),
    (
        "markdown",
        """\
## All of it, to click through

Below the answer is a bar. Open it: chunks to filter and to unfold, the time line under the mouse, the request, the
notes, and a player that shows the answer at any moment. It works in the saved notebook, too, without a kernel.""",
    ),
    ("code", "odd.inspect()"),
    (
        "markdown",
        """\
## What did it cost, and how would I ask without a notebook?

`r.cost` is None where the price is not known, as for this recording, and never 0. `r.curl()` is the request for a
terminal; the key is a variable in it.""",
    ),
    ("code", "print(r.cost)"),
    ("code", "print(r.curl())"),
    (
        "markdown",
        """\
## Your turn

Find the chunk of `r` that carries the first word of the answer, and how many tokens had gone into thinking by then.
(`first_text` of `r.timing` is its time; `r.usage_history` knows the tokens.)

**Next**: keep an answer, play it again, and compare two, in
[03-record-replay-compare.ipynb](03-record-replay-compare.ipynb).""",
    ),
]

REPLAY = [
    (
        "markdown",
        """\
# Record, replay, compare

A recorded stream runs again offline, in CI and on a plane, without a key and with its own pace. Ten minutes. Instead of a
model the first cells ask `echo`, a backend that repeats the prompt and needs no network; with a key of your own leave
`--backend echo` out.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
from gemini_magic import Response""",
    ),
    (
        "markdown",
        """\
## Record

`--record FILE` appends what goes over the wire. (`@wait` is for the echo: so many seconds before each word.)""",
    ),
    (
        "code",
        """\
%%gemini --backend echo --record mine.jsonl --out first
@wait 0.04
Whatever a model says today it may say differently tomorrow.
A recording says it the same way **every time**, with every pause it made.""",
    ),
    (
        "markdown",
        """\
The file is plain text, a line for each thing that happened: the request (without a key), the head of the answer, each
piece with its time, the end. It is whole up to its last line even if the kernel is killed.""",
    ),
    (
        "code",
        """\
with open("mine.jsonl", encoding="utf-8") as file:
    for line in file.readlines()[:4]:
        print(line[:100].rstrip())""",
    ),
    (
        "markdown",
        """\
## Replay

The same cell with `--replay` takes its answer from the file. `--speed 4` plays it four times as fast, `--speed 0` without
waiting; the times in the tables stay those of the recording.""",
    ),
    (
        "code",
        """\
%%gemini --backend echo --replay mine.jsonl --speed 4 --out again
@wait 0.04
Whatever a model says today it may say differently tomorrow.
A recording says it the same way **every time**, with every pause it made.""",
    ),
    ("code", "again.text == first.text, again.timing.first_text, first.timing.first_text"),
    (
        "markdown",
        """\
A request that was never recorded is an error, and the error says how the nearest one differs. Nothing is sent instead.
(`--replay-any` plays the answers in order, whatever is asked.)""",
    ),
    (
        "code!",
        """\
%%gemini --backend echo --replay mine.jsonl
Whatever a model says today it will say tomorrow.""",
    ),
    (
        "markdown",
        """\
## Keep one answer

Every answer can be saved afterwards, too. A `.jsonl` holds all of it, and a loaded answer is like a fresh one.""",
    ),
    (
        "code",
        """\
first.save("first.jsonl")
Response.load("first.jsonl")""",
    ),
    (
        "markdown",
        """\
An `.sse` file holds the bare body, as other tools write it. It has no times, and says so:""",
    ),
    (
        "code",
        """\
first.save("first.sse")
Response.load("first.sse").timeline()""",
    ),
    (
        "markdown",
        """\
## Compare

The same question to two models (both made up for this tour, as are their answers):""",
    ),
    (
        "code",
        """\
%%gemini -m sprinter --replay builtin:compare --out quick
Why is the sky blue? Two short paragraphs.""",
    ),
    (
        "code",
        """\
%%gemini -m scholar --thinking on --replay builtin:compare --out deep
Why is the sky blue? Two short paragraphs.""",
    ),
    (
        "code",
        """\
quick.diff(deep)""",
    ),
    ("code", "quick.timeline()"),
    ("code", "deep.timeline()"),
    (
        "markdown",
        """\
## Earlier answers

Nothing was named, the tab was closed? `%gemini last` shows the newest answer again, `%gemini last 2` the one before.""",
    ),
    ("code", "%gemini last 2"),
    (
        "markdown",
        """\
What a server answers is also kept in a journal on your machine, without keys, so that it survives the kernel (replayed
answers are not: they are in their files). `%gemini journal list` shows what is in it, each with its number,
`%gemini journal search scatter*` finds words, `%gemini show N` brings an answer back, `%gemini journal forget N` lets it go.""",
    ),
    ("code", "%gemini journal"),
    (
        "markdown",
        """\
## In CI

Commit a recording beside its notebook, write `--replay` into its cells, and `jupyter execute notebook.ipynb` runs it
anywhere: a bad ending fails the cell, and so the run. That is how this tour is tested.

That was the tour. [01-first-cell.ipynb](01-first-cell.ipynb) is where it began; `%gemini help` lists what else there is.""",
    ),
]

NOTEBOOKS = {"01-first-cell": FIRST, "02-inspect": INSPECT, "03-record-replay-compare": REPLAY}


def notebook(name: str, cells: list[tuple[str, str]]) -> nbformat.NotebookNode:
    """A notebook of these cells, ``code!`` being one that is expected to fail."""
    made = nbformat.v4.new_notebook()
    made.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, (kind, source) in enumerate(cells):
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(source, id=f"{name}-{number:02d}")
        if kind == "code!":
            cell.metadata["tags"] = ["raises-exception"]
        made.cells.append(cell)
    return made


def main() -> None:
    """Write the notebooks."""
    for name, cells in NOTEBOOKS.items():
        target = Path(__file__).parent / f"{name}.ipynb"
        nbformat.write(notebook({"01-first-cell": "tour"}.get(name, name[3:]), cells), target)
        print(f"{target.name}: {len(cells)} cells")


if __name__ == "__main__":
    main()
