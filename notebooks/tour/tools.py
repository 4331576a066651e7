"""Notebook 07: functions that the model calls, and the recordings "tools" and "chart"."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from gemini_magic.backends import Endpoint
from gemini_magic.config import resolve
from gemini_magic.content import Call, CallResult, Text, Turn
from gemini_magic.prompts import build_request
from gemini_magic.tools import tools_from

from .recording_lines import GEMINI, pieces, tokens, usage_metadata

NAME = "07-tools"

TEMPERATURE = """\
CITIES = {"Oslo": 14, "Paris": 21, "Rome": 27}


def temperature(city: str) -> str:
    \"\"\"The temperature in a city at noon.

    Args:
        city: The name of the city.
    \"\"\"
    print("looking up", city)
    return f"{CITIES[city]} °C\""""

CHART = """\
import matplotlib.pyplot as plt


def chart(cities: list[str]):
    \"\"\"Draws the temperatures of some cities.\"\"\"
    figure, axes = plt.subplots(figsize=(4, 1.8), layout="constrained")
    axes.barh(cities, [CITIES[city] for city in cities], color="#d97742")
    axes.set_xlabel("°C")
    return figure"""

BOOK = """\
@gemini_magic.tool(confirm=True)
def book(restaurant: str, people: int, hour: int) -> str:
    \"\"\"Books a table.\"\"\"
    return f"a table for {people} at {restaurant}, {hour}:00\""""

WARMER = "Is it warmer in Paris or in Rome?"
DRAW = "Draw the temperatures of Oslo, Paris and Rome."
DINNER = "Book a table for two at Da Enzo in Rome, at eight in the evening."

CELLS = [
    (
        "markdown",
        """\
# Functions that the model calls

The model can call Python functions of yours: it decides when, and with which arguments; your kernel runs them, and the model gets
their results. This notebook needs no key: its answers come from recordings and from `echo`, a backend that plays the model. It takes
ten minutes.""",
    ),
    (
        "code",
        f"""\
%load_ext gemini_magic
import gemini_magic

{TEMPERATURE}""",
    ),
    (
        "markdown",
        """\
## Ask

`-T NAME` offers a function; its signature and its docstring describe to the model what it does. (`-T` can be repeated.)""",
    ),
    (
        "code",
        f"""\
%%gemini -T temperature --replay builtin:tools --out warmer
{WARMER}""",
    ),
    (
        "markdown",
        """\
Each call is one line of the answer, in order with its text. Click it: it opens to the arguments, the result, and what the function
printed. The results were sent in a second request, before the last sentence: the answer took two *rounds*.""",
    ),
    ("code", "warmer.rounds"),
    ("code", "[(run.call.args, run.result, run.stdout) for run in warmer.tool_runs]"),
    ("code", "warmer.timeline()"),
    (
        "markdown",
        """\
## Pictures

A replay shows the recorded results and runs no function. `--run-tools` runs them. A figure that a function returns is sent
to the model as a picture, and is shown in the opened line. (`--replay-any`, because no two versions of matplotlib draw the same bytes.)""",
    ),
    ("code", CHART),
    (
        "code",
        f"""\
%%gemini -T chart --replay builtin:chart --replay-any --run-tools
{DRAW}""",
    ),
    (
        "markdown",
        """\
## What can go wrong

An exception is sent to the model, and the line shows it. A call whose arguments do not fit is not run: the model receives the reason
and can call again.
Here `echo` calls with `@call NAME ARGUMENTS`, once for an unknown city and once without one.""",
    ),
    (
        "code",
        """\
%%gemini --backend echo -T temperature
@call temperature {"city": "Atlantis"}
@call temperature {"town": "Oslo"}
No luck:""",
    ),
    (
        "markdown",
        """\
A function can also refuse a call with `raise gemini_magic.ToolRefused("why")`.

## Confirmation

`confirm=True` asks you before each call. The cell shows the complete arguments and the buttons *Run*, *Skip*, *Stop* and *Always for
this tool in this session*. In this recording the call was confirmed; add `--run-tools` to the cell and run it again to decide
yourself.""",
    ),
    ("code", BOOK),
    (
        "code",
        f"""\
%%gemini -T book --replay builtin:tools --out dinner
{DINNER}""",
    ),
    ("code", "[(run.state, run.approved) for run in dinner.tool_runs]"),
    (
        "markdown",
        """\
`--confirm all` asks before every call of any function. Where you cannot be asked, as in `jupyter execute`, such a cell is an error
before anything is sent.

In Python it is `gemini_magic.ask("…", tools=[temperature])`; the page *Tools* of the documentation has all options.""",
    ),
]

# Each recorded answer: prompt, functions, the text and the calls of the first round with their results, and the last text.
ANSWERS = [
    (
        WARMER,
        "temperature",
        "I look up both cities.",
        [
            (Call("temperature", {"city": "Paris"}, "call-1"), "21 °C", "looking up Paris\n", ""),
            (Call("temperature", {"city": "Rome"}, "call-2"), "27 °C", "looking up Rome\n", ""),
        ],
        "It is warmer in **Rome**: 27 °C at noon, six degrees more than in Paris.",
    ),
    (
        DINNER,
        "book",
        "",
        [
            (
                Call("book", {"restaurant": "Da Enzo", "people": 2, "hour": 20}, "call-3"),
                "a table for 2 at Da Enzo, 20:00",
                "",
                "you",
            )
        ],
        "Done: a table for two at *Da Enzo*, at eight this evening.",
    ),
]
PICTURE = [(Call("chart", {"cities": ["Oslo", "Paris", "Rome"]}, "call-4"), None, "", "")]


def _names() -> dict:
    """The functions of the notebook."""
    names: dict = {"gemini_magic": __import__("gemini_magic")}
    exec(f"{TEMPERATURE}\n\n\n{BOOK}", names)
    return names


class _Writer:
    """Writes the lines of a recording."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.chance = random.Random(seed)
        self.lines: list[dict] = []
        self.number = 0

    def exchange(self, sent: dict, start: float, round_number: int, parts: list[dict]) -> float:
        """Write a request and its answer; returns the time of the last piece."""
        number = self.number
        self.number += 1
        began = {"round": round_number, "started": round(start, 3)} if round_number else {}
        self.lines.append({"v": 1, "exchange": number, "request": sent, **began})
        self.lines.append(
            {"exchange": number, "status": 200, "headers": {"content-type": "text/event-stream"}}
        )
        t, written = 0.55, 0
        for place, part in enumerate(parts):
            t += self.chance.uniform(0.02, 0.06)
            written += tokens(json.dumps(part))
            candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
            if place == len(parts) - 1:
                candidate["finishReason"] = "STOP"
            value = {
                "candidates": [candidate],
                "usageMetadata": usage_metadata(tokens(sent["body"]) if sent["body"] else 90, written, 0),
                "modelVersion": f"{self.name}-recording",
                "responseId": f"{self.name}-{number}",
            }
            text = f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n"
            self.lines.append({"exchange": number, "t": round(t, 4), "text": text})
        self.lines.append({"exchange": number, "end": "eof"})
        return start + t

    def text(self, text: str) -> list[dict]:
        """Text as parts."""
        return [{"text": piece} for piece in pieces(text, self.chance)]


def _call_part(call: Call, place: int) -> dict:
    part = {"functionCall": {"name": call.name, "args": call.args, "id": call.id}}
    return part if place else {**part, "thoughtSignature": "dG91cg=="}


def _answers() -> Iterator[dict]:
    """The lines of the answers whose requests are known."""
    names, writer = _names(), _Writer("tools", 2027)
    for prompt, function, text, calls, last in ANSWERS:
        options, _ = resolve({"tool": [function]})
        functions = [tool.declaration for tool in tools_from([function], names)]
        question = Text(prompt)

        def sent(turns: tuple[Turn, ...], parts=(question,), options=options, functions=functions) -> dict:
            request = GEMINI.encode(build_request(parts, options, turns, functions), Endpoint())
            return {
                "method": request.method,
                "url": request.url,
                "headers": dict(request.headers),
                "body": request.body.decode(),
            }

        parts = writer.text(text) + [_call_part(call, place) for place, (call, *_) in enumerate(calls)]
        first = writer.number
        t = writer.exchange(sent(()), 0.0, 0, parts)
        results = []
        for place, (call, value, printed, approved) in enumerate(calls):
            line = {"number": place, "name": call.name, "args": call.args, "id": call.id, "state": "done"}
            line |= {"started": round(t, 3), "seconds": 0.21, "response": {"output": value}}
            line |= {name: each for name, each in (("stdout", printed), ("approved", approved)) if each}
            writer.lines.append({"v": 3, "exchange": first, "tool": line})
            results.append(CallResult(call.name or "", {"output": value}, call.id))
            t += 0.22
        model = [Text(text)] if text else []
        model += [
            Call(call.name, call.args, call.id, None if place else "dG91cg==")
            for place, (call, *_) in enumerate(calls)
        ]
        turns = (Turn("user", (question,)), Turn("model", tuple(model)))
        writer.exchange(sent(turns, tuple(results)), t, 1, writer.text(last))
    return writer.lines


def _chart() -> list[dict]:
    """The lines of an answer to any request, whose function runs."""
    writer = _Writer("chart", 2028)
    any_request = {"method": "POST", "url": "", "headers": {}, "body": ""}
    t = writer.exchange(any_request, 0.0, 0, [_call_part(PICTURE[0][0], 0)])
    writer.exchange(
        any_request, t + 0.5, 1, writer.text("Rome is the warmest of the three, Oslo the coolest.")
    )
    return writer.lines


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {"tools": list(_answers()), "chart": _chart()}
