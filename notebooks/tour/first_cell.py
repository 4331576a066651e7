"""Notebook 01: the first cell, and the recording "tour"."""

from __future__ import annotations

from .recording_lines import lines

NAME = "01-first-cell"


STREAM = """\
## From the model to your cell

A streamed answer is **not one message** but many small ones. The server keeps a single HTTP response open and
writes an event each time it has a few more words.

| stage | what it does | what can go wrong |
|:--|:--|:--|
| server | writes `data: {…}` lines | says `STOP` too early |
| network | cuts the bytes anywhere | closes in the middle |
| reader | puts events together again | an *emoji* 🦕 split in two |
| renderer | turns Markdown into HTML | half a `**bold` at the end |

Reading such a stream takes only a few lines:

```python
import json

def events(lines):
    for line in lines:
        if line.startswith(b"data:"):
            yield json.loads(line[5:])

text = ""
for event in events(response):
    for part in event["candidates"][0]["content"]["parts"]:
        text += part.get("text", "")
```

...and it is wrong in at least three ways:

1. A *keep-alive comment* or a missing space breaks many readers.
2. The stream may **end without a finish reason**; then the answer is only half there.
3. Usage counts are running totals:
   - the last one counts,
   - adding them up charges you ten times over.

> Keep what arrived, say how it ended, and show both.

That is what you are watching now. It costs about $5 and $6 of attention, and no dollar sign was hurt.
"""

THOUGHT = """\
**Planning the answer**

The question is about streaming into a notebook. A short overview first, then a table of the stages, then a few \
lines of Python, and finally the pitfalls. I should keep it brief.
"""

STORY = """\
# The word that crossed the sea

On the night of 5 August 1858 a clerk in a hut on Valentia Island wrote down what a spot of light on a wall was
telling him. The spot moved a finger's width to the left, a finger's width to the right, and each movement was
a part of a letter that had left Newfoundland two seconds earlier.

## The cable

It had taken four attempts. Two ships met in the middle of the Atlantic, tied their halves of the cable together
and sailed apart, paying out a line no thicker than a thumb:

* seven strands of copper in the middle,
* three coats of gutta-percha around it,
* tarred hemp, and eighteen strands of iron wire outside.

The first time the cable broke after five kilometres. The second time it broke after a hundred. The third time
it broke after four hundred. Then, at last, it did not break.

## The pace

The Queen's greeting of ninety-eight words took **sixteen hours**. Operators repeated every word, asked for it
again, lost it, found it, and sent it once more. A message of today's length would have taken a week:

| message | words | hours |
|:--|--:|--:|
| the Queen's greeting | 98 | 16 |
| the President's reply | 143 | 10 |
| a long answer to a short question | 400 | 65 |

## The end of the first cable

To hurry the signal along, the chief electrician raised the voltage to two thousand volts. It was the end of the
insulation. For some days the spot of light still trembled, as if it were trying to say something. Then it stood
still, twenty days after it had begun.

Nobody had kept a record of what had arrived in between. There were the clerks' notebooks, full of half words,
and a long list of questions:

1. When did the signal grow weak?
2. Which words had come through twice?
3. What had the last message been, before the silence?

## What they learned

Eight years later a larger ship laid a better cable. It carried eight words a minute, and it went on for years.
The difference was not only the copper. This time every signal was written down as it came, with its hour, by an
instrument that drew a fine ink line on a moving strip of paper. When something went wrong, one could go back
along the strip and see.

> A stream that nobody writes down has not been received; it has only passed by.

The strip is still there, in a drawer, in a museum by the sea. If you hold it to the light you can see the place
where the clerk fell asleep: the line goes on, quite straight, for eleven minutes, and then somebody in
Newfoundland asks, letter by letter, whether anyone is there.
"""

CUT = """\
Three reasons why answers end in the middle:

1. the **token limit** was reached,
2. the connection was closed by a proxy that had waited long enough,
3. the server
"""

HOSTILE = """\
Here is everything a page should never run:

<script>document.title = "owned"</script>
<img src="x" onerror="alert('owned')">

[a harmless looking link](javascript:alert(1)) and ![a picture](https://tracker.invalid/pixel.png?secret=42)

<button data-commandlinker-command="help:about" data-commandlinker-args="{}">click me</button>

It is all just text now, and the picture was not fetched.
"""

EXCHANGES = [
    # (prompt, options, thought, answer, seconds per chunk, finish reason)
    (
        "How does a streamed answer reach my notebook? Give me a short overview\nwith a table and a few lines of Python.",
        {"thinking": "on"},
        THOUGHT,
        STREAM,
        0.05,
        "STOP",
    ),
    (
        "Tell me, at some length, how the first transatlantic cable\ntaught us to write things down.",
        {},
        "",
        STORY,
        0.09,
        "STOP",
    ),
    ("Why do some answers end in the middle? Three reasons.", {}, "", CUT, 0.05, None),
    ("Show me what a hostile answer might contain.", {}, "", HOSTILE, 0.04, "STOP"),
]

CELLS = [
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


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {"tour": lines(EXCHANGES, "tour", 1858)}
