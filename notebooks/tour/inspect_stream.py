"""Notebook 02: inspect a stream, and the recording "odd"."""

from __future__ import annotations

import base64
import json

from .recording_lines import event, request_and_head, tokens, usage_metadata

NAME = "02-inspect"

# The text of each chunk of the stream "odd"; odd_events adds the anomalies.
ODD_THOUGHT = "This stream will misbehave. I had better say so myself."

ODD = [
    "This answer is ",
    "perfectly readable, and ",
    "its stream is **odd**:\n\n",
    "- a comment came first, to keep the connection open,\n",
    "- one `data:` has no space after it,\n",
    "- every chunk says `STOP`, long before the end,\n",
    "- the token count went *down* once,\n",
    "- a field nobody has heard of came along,\n",
    "- this dinosaur 🦕 was cut in two on the wire,\n",
    "- nothing came for three seconds,\n",
    "- this line came twice,\n",
    "- this line came twice,\n",
    "",
    "- and `[DONE]` stands at the end, which is another company's habit.\n",
]

CELLS = [
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


def odd_events() -> list[tuple[float, bytes]]:
    """A readable answer in a stream with many anomalies: pairs of arrival time in seconds and bytes."""

    def event_json(part: dict, finish_reason: str | None, count: int, extra: dict) -> str:
        usage = usage_metadata(9, count, 15)
        value = event(part, finish_reason, usage, "odd", "another-recording", extra)
        return json.dumps(value, ensure_ascii=False)

    thought = event_json({"text": ODD_THOUGHT, "thought": True}, None, 0, {})
    timed = [(0.3, b": keep-alive\n\n"), (0.6, f"event: message\ndata: {thought}\n\n".encode())]
    t, count = 0.6, 0
    for number, text in enumerate(ODD):
        count += tokens(text) if text else 0
        part = {"text": text} if text else {"text": "", "thoughtSignature": "c2lnbmVkIGJ5IG5vYm9keQ=="}
        extra = {"weather": {"mood": "sunny"}} if "nobody has heard" in text else {}
        value = event_json(part, "STOP", count - 20 if "went *down*" in text else count, extra)
        line = f"data:{'' if 'no space' in text else ' '}{value}\n\n".encode()
        t += 3.0 if "three seconds" in text else 0.12 + 0.03 * (number % 3)
        middle = line.find("🦕".encode()) + 2  # of the four bytes of the character
        if middle > 1:
            timed.append((t, line[:middle]))
            t, line = t + 0.05, line[middle:]
        timed.append((t, line))
    return [*timed, (t + 0.1, b"data: [DONE]\n\n")]


def odd_lines() -> list[dict]:
    """The lines of the recording "odd"."""
    recording = request_and_head(0, "What can be odd about a stream?", {})
    for t, piece in odd_events():
        try:
            data = {"text": piece.decode()}
        except UnicodeDecodeError:
            data = {"b64": base64.b64encode(piece).decode()}
        recording.append({"exchange": 0, "t": round(t, 4), **data})
    return [*recording, {"exchange": 0, "end": "eof"}]


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {"odd": odd_lines()}
