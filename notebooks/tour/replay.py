"""Notebook 03: record, replay and compare, and the recording "compare"."""

from __future__ import annotations

from .recording_lines import lines

NAME = "03-record-replay-compare"

QUICK = """\
Sunlight is a mix of all colours. Air scatters the short waves far more than the long ones, so **blue** light reaches your
eye from every side.

- scattering grows with the *fourth power* of the frequency,
- violet is scattered even more, but there is less of it, and your eye sees it less.
"""

DEEP_THOUGHT = """\
**Weighing the explanations**

Rayleigh scattering is the core. I should say why the sky is not violet, and why the evening is red, and keep it short.
"""

DEEP = """\
Sunlight is a mix of all colours. Molecules of air are much smaller than its waves, and such particles scatter light with
the *fourth power* of its frequency (Rayleigh, 1871):

| colour | wavelength | scattered, red = 1 |
|:--|--:|--:|
| red | 700 nm | 1 |
| green | 530 nm | 3 |
| **blue** | 460 nm | 5 |
| violet | 400 nm | 9 |

Violet should win. It does not, for three reasons: the sun sends less of it, the upper air keeps some, and our eyes see it
badly. In the evening the light has come a long way through the air, the blue is gone, and what is left is **red**.
"""

SKY = "Why is the sky blue? Two short paragraphs."

COMPARED = [
    (SKY, {"model": "sprinter"}, "", QUICK, 0.02, "STOP"),
    (SKY, {"model": "scholar", "thinking": "on"}, DEEP_THOUGHT, DEEP, 0.03, "STOP"),
]

CELLS = [
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


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {"compare": lines(COMPARED, "compare", 1871)}
