"""Notebook 09: several answers side by side, and the recording "columns"."""

from __future__ import annotations

import json

from .recording_lines import lines, request_and_head

NAME = "09-compare"

QUESTION = "Why did the Atlantic cable of 1858 fall silent after three weeks? End with a table of the causes."
QUICK = """\
It was **damaged by high voltage**. The electrician, Whitehouse, used 2,000 volts to push signals through a cable that was badly
made and badly stored.

| cause | weight |
|:--|--:|
| voltage | high |
| insulation | high |
| storage | low |
"""
CAREFUL_THOUGHT = "The cable worked from 16 August to early September. I should separate what is proven from what is only likely.\n"
CAREFUL = """\
Three causes came together, and most books name only the last one:

1. **Manufacture.** The gutta-percha was not centred around the copper, so the insulation was thin on one side.
2. **Storage.** The cable lay in the open for a summer, and the gutta-percha softened.
3. **Operation.** Whitehouse drove it with induction coils of about 2,000 V. Thomson's mirror galvanometer needed a few volts.

The speed of a signal falls with the *square* of the length, $t \\propto RC\\,\\ell^2$, which more voltage cannot change.

| cause | when | could it be seen? |
|:--|:--|:--|
| insulation off centre | 1857 | yes, by testing under water |
| stored in the sun | 1857–58 | yes |
| 2,000 V | August 1858 | only afterwards |
"""

MOTTO = "Suggest a motto for the telegraph company."
MOTTOES = {
    0: "Two continents, one moment.",
    0.8: "Yesterday's ocean, today's whisper.",
    1.6: "Copper dreams hum where whales once kept the only news.",
}

SHIP = "ship, year int"
WHICH = "Which ship laid the first cable that lasted?"
SHIPS = [("Great Eastern", 1866), ("Great Eastern", 1866), ("Agamemnon", 1858)]

RETIRED = {"error": {"code": 404, "message": "models/retired-1 is not found.", "status": "NOT_FOUND"}}

CELLS = [
    (
        "markdown",
        """\
# Compare

One question, several answers side by side: from several models, with several values of an option, or simply asked again. This
notebook takes five minutes. It uses no key and sends nothing: the answers are recordings that were written for it, and the models
`quick-1` and `careful-1` do not exist.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
from collections import Counter

import gemini_magic""",
    ),
    (
        "markdown",
        """\
## Two models

`--compare` sends the question to each model at the same time. Each column has its own status line and its own Stop button. A narrow
page shows the columns one below the other.""",
    ),
    (
        "code",
        f"""\
%%gemini --compare quick-1,careful-1 --replay builtin:columns -o cable
{QUESTION}""",
    ),
    (
        "markdown",
        """\
The result is a `Comparison`. Each of its answers is a whole `Response`, by its place or by its label: its chunks, its timing and its
inspector are there.""",
    ),
    ("code", 'cable["careful-1"].timing'),
    ("code", "cable.table.to_dicts()"),
    ("code", "cable.diff(0, 1)"),
    (
        "markdown",
        """\
## Values of an option

`--sweep` asks once for each value of an option. Several `--sweep` options ask for every combination, at most 16 columns together.""",
    ),
    (
        "code",
        f"""\
%%gemini -m quick-1 --sweep temperature=0,0.8,1.6 --replay builtin:columns
{MOTTO}""",
    ),
    (
        "markdown",
        """\
## The same question again

`--repeat` asks the same question several times, here for answers that fit a schema. Counting them shows how sure the model is.""",
    ),
    (
        "code",
        f"""\
%%gemini -m quick-1 --repeat 3 --schema "{SHIP}" --replay builtin:columns -o votes
{WHICH}""",
    ),
    ("code", 'Counter(vote.parsed["ship"] for vote in votes)'),
    (
        "markdown",
        """\
## A column that fails

An answer that fails leaves the others. The cell raises an error only if no column has an answer.""",
    ),
    (
        "code",
        f"""\
%%gemini --compare quick-1,retired-1 --replay builtin:columns --retries 0 -o both
{MOTTO}""",
    ),
    ("code", "both.ok, [answer.status for answer in both]"),
    (
        "markdown",
        """\
## In Python, and in a file

`gemini_magic.compare` does the same without a cell. `save` writes all columns into one recording, as `--record` does, and
`Comparison.load` reads it. `cable.replay(speed=4)` shows the answers arriving once more.""",
    ),
    (
        "code",
        f"""\
mottoes = gemini_magic.compare(
    "{MOTTO}",
    model="quick-1",
    sweep={{"temperature": [0, 0.8, 1.6]}},
    replay="builtin:columns",
    speed=0,
)
mottoes.save("mottoes.jsonl")
[answer.text for answer in gemini_magic.Comparison.load("mottoes.jsonl")]""",
    ),
    (
        "markdown",
        """\
**Next**: answers in steps, a stream that is resumed, and an agent, in [10-steps-agents-resuming.ipynb](10-steps-agents-resuming.ipynb).""",
    ),
]


def recordings() -> dict[str, list[dict]]:
    """The recording by its name."""
    quick = {"model": "quick-1"}
    exchanges: list[tuple] = [
        (QUESTION, quick, "", QUICK, 0.12, "STOP"),
        (QUESTION, {"model": "careful-1"}, CAREFUL_THOUGHT, CAREFUL, 0.11, "STOP"),
        *((MOTTO, {**quick, "temperature": heat}, "", text, 0.15, "STOP") for heat, text in MOTTOES.items()),
        *(
            (WHICH, {**quick, "schema": SHIP}, "", json.dumps({"ship": ship, "year": year}), 0.2, "STOP")
            for ship, year in SHIPS
        ),
        (MOTTO, quick, "", "The sea has a voice.", 0.15, "STOP"),
    ]
    recorded = lines(exchanges, "columns", 9)
    number = len(exchanges)
    request, head = request_and_head(number, MOTTO, {"model": "retired-1"})
    refused = {**head, "status": 404, "headers": {"content-type": "application/json"}}
    body = {"exchange": number, "t": 0.4, "text": json.dumps(RETIRED)}
    return {"columns": [*recorded, request, refused, body, {"exchange": number, "end": "eof"}]}
