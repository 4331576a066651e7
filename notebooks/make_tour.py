"""Writes the notebooks of the tour, without outputs, from the cells below, so that changes are readable as text.

``ruff format`` also checks notebooks: format the code cells as it would.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

FIRST = [
    (
        "markdown",
        """\
# The first cell

`%%gemini` streams an answer into this page while the model writes it, and keeps every chunk.

**Everything in this tour is replayed from recordings** that come with the package (`--replay builtin:tour`). It uses no key
and sends nothing, and no model was asked: the answers were written for the tour, in the API's wire format and with the
timing of a real stream. With your own key, leave out `--replay`. Without a key and without `--replay`, `%%gemini` reports an
error.

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
## Stop an answer

The next answer is long. Press **Stop** next to its status line when you have seen enough: the cell succeeds, and queued cells
run. (The ■ in the toolbar also cancels queued cells.) The text received so far stays on the page and in the response. You can
also let it run to its end.""",
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
## What did the server send?

`story` (the name given with `--out`) holds every chunk as received, with its arrival time. Any DataFrame library takes the
table directly.""",
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

Connections break. The cell then fails, so that *Run All* and CI stop, and the text received so far is kept.""",
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
## A hostile answer

Model output can contain scripts, tracking images and disguised buttons. They remain text.""",
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

`%gemini` shows the current state, and `%gemini help` lists the commands. Save this notebook and open it again, even without a
kernel: the answers are still there.""",
    ),
    ("code", "%gemini"),
    (
        "markdown",
        "**Next**: what the server sent, chunk by chunk, in [02-inspect.ipynb](02-inspect.ipynb).",
    ),
]

INSPECT = [
    (
        "markdown",
        """\
# Inspect a stream

This notebook looks behind an answer: every chunk that the server sent, when it arrived, what it cost, and what was unusual
about it. It takes ten minutes and needs no key: the answers are recordings.""",
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
The line above the answer shows how it ended, how long it took and how many tokens it used. If there is room, small bars at its
right end show when the chunks arrived. Everything else is in `r`.

## Three tables

**Chunks** are the JSON values as received, one in each row. `t` is the time in seconds since the request was sent, `gap` the time
since the previous chunk, `size` the number of bytes.""",
    ),
    ("code", "r.chunks"),
    (
        "markdown",
        """\
This is a preview. Any DataFrame library takes the table directly: `pd.DataFrame(r.chunks)`, `pl.DataFrame(r.chunks)`,
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
**Events** are what the chunks contain: text, a thought, a usage report, a finish reason. One chunk often contains several
events.""",
    ),
    ("code", 'pd.DataFrame(r.events)[["chunk", "t", "kind", "text"]].tail(4)'),
    (
        "markdown",
        """\
**Usage** is a running total: only the last row counts, and adding the rows up would count most tokens many times. The `_delta`
columns show what each report added.""",
    ),
    (
        "code",
        'pd.DataFrame(r.usage_history)[["t", "prompt", "output", "thoughts", "total", "output_delta"]].tail(4)',
    ),
    (
        "markdown",
        """\
## Select rows

`where` selects rows by column, by a condition as text (`=`, `!=`, `<`, `>`, and `~` for a regular expression), or by a function of
the row. It returns a table.""",
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
A dotted path leads into the JSON of each row, so you can use any field, even one without a column. `%gemini events r --where
"kind=finish"` does the same without Python.""",
    ),
    ("code", 'r.chunks.where("candidates.0.content.parts.0.text ~ STOP")'),
    (
        "markdown",
        """\
## Timing

These times are in seconds, taken when the socket delivered the bytes:""",
    ),
    ("code", "r.timing"),
    (
        "markdown",
        """\
The timeline shows them as a picture. Each bar is a chunk; its height is the square root of its size, so that one large chunk
does not flatten the others. The wait for the first byte is grey, and the tokens so far are below. It also works while an answer
is still arriving.""",
    ),
    ("code", "r.timeline()"),
    (
        "markdown",
        """\
It is an SVG. If you save it and open it in a browser, each bar shows its chunk's number, time and size as a tooltip.
`%gemini timeline` shows the timeline of the last answer, and `print(r.timeline())` draws it with characters.""",
    ),
    ("code", 'r.timeline().save("timeline.svg")'),
    (
        "markdown",
        """\
## Notes about the stream

Servers and gateways deviate from the protocol. This one deviates a lot, and its answer is still readable:""",
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
Each note has a severity. The long gap is easier to see in the timeline:""",
    ),
    ("code", "%gemini timeline odd"),
    (
        "markdown",
        """\
## JSON and bytes

`r.raw` holds the JSON values exactly as received, as plain dicts, and `r.raw_chunks` their bytes. Both include fields that this
version does not know.""",
    ),
    ("code", 'next(value for value in odd.raw if "weather" in value)'),
    ("code", "odd.raw_chunks[-1].raw"),
    (
        "markdown",
        """\
## The inspector

Below the answer is a bar that opens the inspector: chunks that you can filter and expand, an interactive timeline, the request,
the notes, and a replay that shows the answer at any moment. It also works in the saved notebook without a kernel.""",
    ),
    ("code", "odd.inspect()"),
    (
        "markdown",
        """\
## Cost, and the same request in a terminal

`r.cost` is None, never 0, if the price is not known, as for this recording. `r.curl()` returns the request as a shell command
that takes the key from a variable.""",
    ),
    ("code", "print(r.cost)"),
    ("code", "print(r.curl())"),
    (
        "markdown",
        """\
## Your turn

Find the chunk of `r` that contains the first word of the answer, and how many thinking tokens had been used by then.
(`r.timing.first_text` is its time; `r.usage_history` has the tokens.)

**Next**: save an answer, replay it, and compare two, in
[03-record-replay-compare.ipynb](03-record-replay-compare.ipynb).""",
    ),
]

REPLAY = [
    (
        "markdown",
        """\
# Record, replay, compare

A recorded stream can be replayed offline and in CI, without a key and with its original timing. This notebook takes ten
minutes. Instead of a model, the first cells use `echo`, a backend that repeats the prompt and needs no network; with your own
key, leave out `--backend echo`.""",
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

`--record FILE` appends the request and the response to a file. (`@wait` tells the echo backend to wait this many seconds before each
word.)""",
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
The file is plain text with one JSON object in each line: the request (without a key), the status and headers of the response,
each piece of its body with its time, and the end. If the kernel is killed, the file is valid up to its last line.""",
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
waiting. The times in the tables are those of the recording.""",
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
A request that was not recorded is an error, which shows how the most similar recorded request differs. Nothing is sent.
(`--replay-any` plays the recorded answers in order, whatever the request.)""",
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
## Save an answer

You can save any answer afterwards. A `.jsonl` file holds everything, and a loaded response behaves like a new one.""",
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
An `.sse` file holds only the body, as other tools write it. It has no arrival times, and the timeline says so:""",
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

The same prompt for two models (both invented for this tour, as are their answers):""",
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

If you did not name a response, or closed the tab, `%gemini last` shows the newest answer again and `%gemini last 2` the one before.""",
    ),
    ("code", "%gemini last 2"),
    (
        "markdown",
        """\
Answers from a server are also kept in a journal on your machine, without keys, so that they outlive the kernel (replayed answers
are not, because they are in a file already). `%gemini journal list` lists them with their numbers, `%gemini journal search scatter*`
searches them, `%gemini show N` shows one again, and `%gemini journal forget N` removes it.""",
    ),
    ("code", "%gemini journal"),
    (
        "markdown",
        """\
## In CI

Commit a recording next to its notebook and use `--replay` in its cells; then `jupyter execute notebook.ipynb` runs it anywhere. If an
answer ends badly, the cell fails and so does the run. This is how the tour is tested.

**Next**: figures, pictures, sound and files in a prompt, in [04-send-anything.ipynb](04-send-anything.ipynb).""",
    ),
]

SEND = [
    (
        "markdown",
        """\
# Send anything

A prompt can contain figures, pictures, tables, sound, video, files and addresses. This notebook needs matplotlib and takes ten
minutes. It uses no key and sends nothing: the answers are recordings that were written for it.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import gemini_magic""",
    ),
    (
        "markdown",
        """\
## A figure in the middle of a sentence

A sensor on a roof recorded the temperature of every day of a year:""",
    ),
    (
        "code",
        """\
random = np.random.default_rng(3)
celsius = 9 + 9 * np.sin((np.arange(365) - 110) / 58) + random.normal(0, 1.6, 365)
celsius[205:226] = celsius[204]
celsius[300] += 19
days = pd.date_range("2025-01-01", periods=365)
temperature = pd.DataFrame({"day": days, "celsius": celsius.round(1)})

fig, ax = plt.subplots(figsize=(8, 3))
ax.plot(temperature.day, temperature.celsius, linewidth=1)
ax.set(title="Roof sensor, 2025", ylabel="°C")
plt.show()""",
    ),
    (
        "markdown",
        """\
`{{ fig }}` in a prompt becomes a picture at that place, between the text around it. The status line of the answer says what was
sent.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:figure --out r
What is wrong with the sensor behind this plot? {{ fig }}
Give me a table of what you see, and two lines of pandas that find these days in `temperature`.""",
    ),
    ("markdown", "The two lines, run as they are:"),
    (
        "code",
        """\
flat = temperature.celsius.diff().eq(0).rolling(5).sum().ge(5)
spike = (temperature.celsius - temperature.celsius.rolling(7, center=True).median()).abs().gt(10)
temperature[flat | spike].iloc[[0, -2, -1]]""",
    ),
    (
        "markdown",
        """\
Axes and what is drawn on them work like the figure. So do plots of seaborn, charts of plotly and altair (with the package that
exports their images), pictures of Pillow, arrays in the shape of a picture, `IPython.display` objects, bytes, paths, and any
object that shows itself as PNG or JPEG.

## Attachments

`-a` attaches a file, a pattern such as `plots/*.png`, an address, or a variable. It can be repeated.""",
    ),
    (
        "code",
        """\
from IPython.display import Audio

temperature.head(31).to_csv("readings.csv", index=False)
tone = Audio(np.sin(2 * np.pi * 440 * np.arange(8000) / 8000), rate=8000)
tone""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:attached -a tone -a readings.csv
What do you hear, and what is in the file?""",
    ),
    (
        "markdown",
        """\
A text file is sent as text with its name. What a file contains decides what it is, not its name.

## See it before you send it

`--dry-run` lists the parts with thumbnails. A large picture is sent as JPEG, which a message says. `gemini_magic.attach` sets
what an option cannot say: which pages of a document, or which section of a video.""",
    ),
    (
        "code",
        """\
x, y = np.meshgrid(np.linspace(-2, 0.6, 4000), np.linspace(-1, 1, 3000))
colors = np.stack([np.hypot(x, y) * 90, 120 + 80 * np.sin(9 * x * y), 160 - 50 * y], axis=-1)
photo = colors.astype("uint8")

clip = gemini_magic.attach("https://youtu.be/dQw4w9WgXcQ", start="10s", end="30s", fps=2)
clip""",
    ),
    (
        "code",
        """\
%%gemini --dry-run
Compare {{ ax }} with {{ photo }}, and sum up this section: {{ clip }}""",
    ),
    (
        "markdown",
        """\
## Tables

A DataFrame in `{{ }}` becomes a Markdown table. `gemini_magic.table` chooses the number of rows and the format.""",
    ),
    ("code", 'print(gemini_magic.table(temperature, rows=3, format="csv"))'),
    (
        "markdown",
        """\
## From Python

`ask` takes a list of texts and objects, and `attach=`. `stream` and `count_tokens` do, too.""",
    ),
    (
        "code",
        """\
answer = gemini_magic.ask(
    ["What is wrong here?", fig, temperature.tail(3)], attach="readings.csv", replay="builtin:figure", speed=0
)
[type(part).__name__ for part in answer.request.turns[-1].parts]""",
    ),
    (
        "markdown",
        """\
## Mistakes cost nothing

What cannot be sent is an error before anything is sent, with a way out.""",
    ),
    ("code!", 'gemini_magic.attach("reading.csv")'),
    ("code!", 'gemini_magic.attach(Path("readings.csv"), pages=(3, 9))'),
    ("code!", 'gemini_magic.ask(["Look:", plt.figure()], replay="builtin:figure")'),
    (
        "markdown",
        """\
## Your turn

With your own key, leave out `--replay`, and let a model explain the last figure that you made.

**Next**: pictures, speech, code and sources in an answer, in [05-what-came-back.ipynb](05-what-came-back.ipynb).""",
    ),
]

CAME_BACK = [
    (
        "markdown",
        """\
# What came back

An answer can contain pictures, speech, code that the server ran, sources and function calls. Each is shown where it arrived, live and
in the saved notebook, and each is data in the response. Like the whole tour, this notebook uses no key and sends nothing: the
answers are recordings that were written for it.""",
    ),
    ("code", "%load_ext gemini_magic"),
    (
        "markdown",
        """\
## Pictures

A click on a picture shows it in its real size.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:parts --out drawn
Draw the ship that laid the first cable, and a stamp for it.""",
    ),
    (
        "markdown",
        """\
`drawn.images` holds them. They can be saved, displayed, and put into a prompt with `{{ drawn.images[0] }}`. The notebook stores 4 MB
of media for each answer (`%config GeminiMagics.media_size`); a larger picture keeps its place, and `%gemini show picture 1` shows
it again.""",
    ),
    ("code", "drawn.images[1]"),
    ("code", "drawn.images, drawn.images[0].save()"),
    (
        "markdown",
        """\
## Code that the server ran

The block with the code and its output is folded; the chart that the code drew is not.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:parts --code-execution --out computed
How many words an hour did the cable carry? Compute it, with a chart.""",
    ),
    (
        "code",
        """\
run = computed.code_runs[0]
print(run.code)
run.ok, run.output, run.images""",
    ),
    (
        "markdown",
        """\
## Speech

Speech arrives in pieces of raw samples. They become one file with a player. (This is not a voice but a melody.)""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:parts --out spoken
Say it as a short melody.""",
    ),
    ("code", 'spoken.audio[0].seconds, spoken.audio[0].save("melody.wav")'),
    (
        "markdown",
        """\
## Function calls, and parts of unknown kinds

A call is shown as Python writes it. A part of an unknown kind is named with its size; the inspector and `r.parts` have its JSON.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:parts --out called
Which ship was it, and how long was the cable?""",
    ),
    ("code", "[(call.name, call.args) for call in called.calls]"),
    (
        "markdown",
        """\
## Sources

An answer with a web search has numbers at the passages that a source supports, and a list of the sources below. The server requires
that its search suggestions are shown with it.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:sources --search --out found
How fast was the first transatlantic telegraph cable, and why did it fail?""",
    ),
    ("code", "found.sources"),
    (
        "code",
        """\
%%gemini --replay builtin:sources --url-context --out read
What do these pages say about the second cable?
https://museum.example/great-eastern
https://archive.example/paywalled""",
    ),
    ("code", "read.url_context"),
    (
        "markdown",
        """\
## How sure was the model?

With `--logprobs`, the server reports how likely each token was, and which others it considered.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:sources --logprobs 3 --out scored
What is the capital of Australia? One sentence.""",
    ),
    ("code", "scored.logprobs"),
    (
        "markdown",
        """\
This is the end of the tour, which starts at [01-first-cell.ipynb](01-first-cell.ipynb). `%gemini help` lists all commands.""",
    ),
]

NOTEBOOKS = {
    "01-first-cell": FIRST,
    "02-inspect": INSPECT,
    "03-record-replay-compare": REPLAY,
    "04-send-anything": SEND,
    "05-what-came-back": CAME_BACK,
}


def notebook(name: str, cells: list[tuple[str, str]]) -> nbformat.NotebookNode:
    """Return a notebook of these cells; a ``code!`` cell is expected to fail."""
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
