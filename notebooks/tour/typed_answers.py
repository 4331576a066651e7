"""Notebook 06: answers that fit a schema, items while they stream, and the recording "typed"."""

from __future__ import annotations

import json

from .recording_lines import lines

NAME = "06-typed-answers"

FIELDS = "year int, ship, kind laid|broke|message|repair, km int|null, note: one short sentence"
LOG = "Write the log of the Atlantic telegraph cable from 1857 to 1866, one entry for each event."

ENTRIES = [
    (1857, "Niagara", "laid", 8, "The shore end is landed at Valentia, and the line parts on the first day."),
    (1857, "Niagara", "broke", 620, "The brake jams in a swell and the cable is lost in two miles of water."),
    (
        1858,
        "Agamemnon",
        "broke",
        5,
        "The two halves are spliced in mid-ocean and break after five kilometres.",
    ),
    (1858, "Niagara", "broke", 75, "The current stops on both ships within a minute, and nobody learns why."),
    (1858, "Agamemnon", "broke", 234, "A damaged stretch gives way at the stern in the middle of the night."),
    (1858, "Niagara", "laid", 1910, "The western half reaches Trinity Bay in Newfoundland."),
    (1858, "Agamemnon", "laid", 1880, "The eastern half reaches Valentia a few hours later."),
    (1858, "Agamemnon", "message", None, "The Queen's greeting of 98 words takes sixteen hours."),
    (
        1858,
        "Agamemnon",
        "broke",
        None,
        "Two thousand volts destroy the insulation, and the line falls silent.",
    ),
    (1865, "Great Eastern", "laid", 1220, "The largest ship of the world carries the whole cable."),
    (1865, "Great Eastern", "broke", 2230, "The end slips over the bow and sinks four kilometres deep."),
    (1866, "Great Eastern", "laid", 3050, "The new cable reaches Heart's Content without a single fault."),
    (
        1866,
        "Great Eastern",
        "repair",
        970,
        "The cable of the year before is hooked, raised, spliced and completed.",
    ),
    (1866, "Great Eastern", "message", None, "Two cables are in service, at six words a minute each."),
]
KEYS = ("year", "ship", "kind", "km", "note")

MESSAGE = '''\
from dataclasses import dataclass


@dataclass
class Message:
    """A message of the first days of the cable."""

    sender: str
    words: int
    hours: float

    @property
    def speed(self) -> float:
        return self.words / self.hours'''

MESSAGES = [
    {"sender": "Queen Victoria", "words": 98, "hours": 16.0},
    {"sender": "President Buchanan", "words": 143, "hours": 10.0},
    {"sender": "The directors in London", "words": 31, "hours": 2.5},
    {"sender": "The Admiralty", "words": 62, "hours": 4},
]
FIRST = "Which messages were sent over the cable of 1858, and how long did each take?"

SHIP = "name, launched int, tons int, paddles bool"
GREAT = "Which ship laid the cable of 1866?"

LATER = "Continue the log from 1869 to 1874."
LATER_TEXT = """\
[
  {"year": 1869, "ship": "Great Eastern", "kind": "laid", "km": 4780, "note": "France gets a cable, from Brest to St. Pierre."},
  {"year": 1870, "ship": "Great Eastern", "kind": "laid", "km": "about 5,000", "note": "From Bombay to Aden."},
  {"year": 1873, "ship": "Hibernia", "kind": "repair", "km": null, "note": "The line of 1865 is given up after many repairs."},
  {"year": 1874, "ship": "Faraday", "kind": "laid", "km": 2600, "note": "A ship that was built to lay"""

CELLS = [
    (
        "markdown",
        """\
# Typed answers

An answer can be data: objects of a type that you choose, checked, and usable while they arrive. This notebook needs pandas and
takes ten minutes. It uses no key and sends nothing: the answers are recordings that were written for it.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
import pandas as pd

import gemini_magic""",
    ),
    (
        "markdown",
        """\
## A table that grows

`--schema` describes one object, and `--schema-multi` an array of them. In the short form, a type follows the name of a field, `|`
separates choices, and a description follows a colon. The row that is still arriving is grey.""",
    ),
    (
        "code",
        f"""\
%%gemini --schema-multi "{FIELDS}" --replay builtin:typed --out log
{LOG}""",
    ),
    (
        "markdown",
        """\
`items` is a sequence of the objects, and `items_table` a table with a typed column for each field, which every DataFrame library
takes.""",
    ),
    ("code", "log.items[3]"),
    (
        "code",
        """\
frame = log.items_table.to_pandas()
frame.groupby(["ship", "kind"]).km.agg(["count", "sum"])""",
    ),
    (
        "markdown",
        """\
## Your own types, one object after another

A dataclass, a TypedDict, a NamedTuple, an Enum or a pydantic model is a schema as well, and the items are its instances. Iterating
over the items of a stream gives each one as soon as it is complete, long before the answer ends.""",
    ),
    ("code", MESSAGE),
    (
        "code",
        f"""\
stream = gemini_magic.stream(
    "{FIRST}",
    schema=list[Message],
    replay="builtin:typed",
)
for message in stream.items:
    print(f"{{message.speed:4.1f}} words an hour  {{message.sender}}")""",
    ),
    (
        "markdown",
        "`async for message in stream.items` works as well. Plain iteration of a stream still gives its events.",
    ),
    (
        "markdown",
        """\
## One object

Without an array, `parsed` is the object, and `json()` the plain JSON value.""",
    ),
    (
        "code",
        f"""\
%%gemini --schema "{SHIP}" --replay builtin:typed --out ship
{GREAT}""",
    ),
    ("code", 'ship.parsed["tons"] / 1000'),
    (
        "markdown",
        """\
## When something does not fit

A model that stops in the middle, or writes text where a number belongs, affects one row and not the table. Such a row shows its line
number and the problem, and its text when you unfold it. The complete rows stay.""",
    ),
    (
        "code",
        f"""\
later = gemini_magic.ask(
    "{LATER}",
    schema_multi="{FIELDS}",
    replay="builtin:typed",
    speed=0,
)
later""",
    ),
    (
        "code",
        """\
print(later.status, later.items)
for row in later.items.invalid:
    print(row.problems)""",
    ),
    (
        "markdown",
        """\
The whole text is still there, as it was sent: in `later.text`, and in the inspector below the answer.

A schema that cannot describe an answer is an error before anything is sent:""",
    ),
    ("code!", 'gemini_magic.ask("How old is he?", schema="name, age integr", replay="builtin:typed")'),
    (
        "markdown",
        """\
## Your turn

With your own key, leave out `--replay`. Which table have you copied by hand from a text lately?

**Next**: functions that the model may call, in [07-tools.ipynb](07-tools.ipynb).""",
    ),
]


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    log = json.dumps([dict(zip(KEYS, entry, strict=True)) for entry in ENTRIES], ensure_ascii=False, indent=2)
    namespace: dict = {}
    exec(MESSAGE, namespace)  # noqa: S102 - the class of the notebook
    ship = {"name": "Great Eastern", "launched": 1858, "tons": 18915, "paddles": True}
    exchanges = [
        (LOG, {"schema_multi": FIELDS}, "", log, 0.025, "STOP"),
        (FIRST, {"schema": list[namespace["Message"]]}, "", json.dumps(MESSAGES, indent=2), 0.05, "STOP"),
        (GREAT, {"schema": SHIP}, "", json.dumps(ship), 0.05, "STOP"),
        (LATER, {"schema_multi": FIELDS}, "", LATER_TEXT, 0.02, None),
    ]
    return {"typed": lines(exchanges, "typed", 1866)}
