"""Notebook 05: pictures, speech, code and sources in an answer, and the recordings "parts" and "sources"."""

from __future__ import annotations

import json
import math
import random
import re

from .pictures import RATE, chart, inline, png, sea, speech, stamp
from .recording_lines import event, pieces, request_and_head, tokens, usage_metadata

NAME = "05-what-came-back"

CODE = """\
import matplotlib.pyplot as plt

words, hours = [98, 143, 400], [16, 10, 65]
speed = [round(w / h, 1) for w, h in zip(words, hours)]
print("words an hour:", speed)
plt.bar(["Queen", "President", "today"], speed)
plt.show()
"""

DRAWN = [
    "Here is the ship that laid the cable, at night:\n\n",
    inline("image/png", png(480, 270, sea)),
    "The cable rises **two miles** from the sea floor to the ship. And a stamp for the first telegram:\n\n",
    inline("image/png", png(180, 220, stamp)),
    "Both are drawn with a few formulas, no camera was there.\n",
]

COMPUTED = [
    "I compute the speed of each message.\n\n",
    {"executableCode": {"id": "run1", "language": "PYTHON", "code": CODE}},
    {
        "codeExecutionResult": {
            "id": "run1",
            "outcome": "OUTCOME_OK",
            "output": "words an hour: [6.1, 14.3, 6.2]\n",
        }
    },
    inline("image/png", png(420, 240, chart)),
    "The President's reply was the **fastest**: 14.3 words an hour, ",
    "more than twice the speed of the Queen's greeting.\n",
]

SPOKEN = [inline(f"audio/L16;codec=pcm;rate={RATE}", piece) for piece in speech()]

CALLED = [
    {"functionCall": {"id": "a1", "name": "find_ship", "args": {"name": "Agamemnon", "year": 1858}}},
    {
        "functionCall": {
            "id": "b2",
            "name": "measure_cable",
            "args": {"unit": "km", "from": "Valentia", "to": "Newfoundland"},
        }
    },
    {"shipLog": {"entries": 3, "language": "en"}},
]

ANSWERS = [
    ("Draw the ship that laid the first cable, and a stamp for it.", {}, DRAWN, 0.25),
    (
        "How many words an hour did the cable carry? Compute it, with a chart.",
        {"code_execution": True},
        COMPUTED,
        0.4,
    ),
    ("Say it as a short melody.", {}, SPOKEN, 0.2),
    ("Which ship was it, and how long was the cable?", {}, CALLED, 0.3),
]

# The recording "sources". A passage in double brackets is supported by the sources whose positions follow it.
GROUNDED = """\
## The first transatlantic cable

[[The cable was finished on **5 August 1858**.]](0,1) [[The Queen's greeting of 98 words took sixteen hours.]](1) That is about
*one word in ten minutes*.

- [[It worked for some three weeks.]](0)
- [[The chief electrician had raised the voltage to about 2,000 volts.]](2)

| cable | words a minute |
|:--|--:|
| 1858 | 0.1 |
| 1866 | [[8]](1,2) |

[[A clerk wrote that the light seemed to “tremble” for days.]](2)
"""

SEARCHED = ["first transatlantic telegraph cable speed", "1858 cable failure voltage"]

WEB = [
    ("https://cables.example/1858", "cables.example"),
    ("https://museum.example/atlantic-telegraph", "museum.example"),
    ("https://letters.example/whitehouse", "letters.example"),
]

# The form in which Google sends its search suggestions: a style sheet with general names, a logo, and links.
SUGGESTIONS = """\
<style>
.container { align-items: center; border-radius: 8px; display: flex; font-family: Google Sans, Roboto, sans-serif; font-size: 14px; \
padding: 8px 12px; }
.chip { border: solid 1px; border-radius: 16px; display: inline-block; margin: 0 8px; padding: 5px 16px; text-decoration: none; }
.carousel { overflow: auto; white-space: nowrap; }
@media (prefers-color-scheme: light) {
  .container { background-color: #fafafa; }
  .chip { background-color: #ffffff; border-color: #d2d2d2; color: #5e5e5e; }
}
@media (prefers-color-scheme: dark) {
  .container { background-color: #1f1f1f; }
  .chip { background-color: #2c2c2c; border-color: #3c4043; color: #fff; }
}
</style>
<div class="container">
  <svg width="18" height="18" viewBox="0 0 18 18" xmlns="http://www.w3.org/2000/svg"><circle cx="8" cy="8" r="6" fill="none" \
stroke="#4285F4" stroke-width="2"/><path d="M12 12L17 17L16 18L11 13Z" fill="#EA4335"/></svg>
  <div class="carousel">CHIPS</div>
</div>
"""

READ = """\
The page describes the second cable: [[it was laid by one ship, the *Great Eastern*,]](0) and \
[[carried eight words a minute.]](0) The other page could not be read.
"""

PAGES = {
    "https://museum.example/great-eastern": "URL_RETRIEVAL_STATUS_SUCCESS",
    "https://archive.example/paywalled": "URL_RETRIEVAL_STATUS_PAYWALL",
}

# Tokens with their probabilities in percent, and the alternatives.
SCORED = [
    ("The", 97, [("It", 2), ("Its", 1)]),
    (" capital", 99, [(" Australian", 1)]),
    (" of", 100, []),
    (" Australia", 100, []),
    (" is", 99, [("'s", 1)]),
    (" **", 71, [(" Canberra", 28)]),
    ("Canberra", 99, [("Sydney", 1)]),
    ("**", 98, [(",", 2)]),
    (",", 44, [(".", 53), (" since", 3)]),
    (" not", 38, [(" a", 31), (" which", 22)]),
    (" Sydney", 87, [(" Melbourne", 11)]),
    (" or", 35, [(",", 33), (".", 30)]),
    (" Melbourne", 96, [(" Perth", 2)]),
    (";", 9, [(".", 88), (",", 3)]),
    (" it", 41, [(" the", 36), (" they", 8)]),
    (" was", 68, [(" is", 17)]),
    (" founded", 22, [(" chosen", 58), (" built", 12)]),
    (" as", 33, [(" in", 61)]),
    (" a", 83, [(" the", 15)]),
    (" compromise", 72, [(" capital", 9), (" planned", 8)]),
    (".", 94, [(" between", 5)]),
]

CELLS = [
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
**Next**: answers that fit a type of yours, in [06-typed-answers.ipynb](06-typed-answers.ipynb).""",
    ),
]


def supported(template: str) -> tuple[str, list[dict]]:
    """The text of a template, and the passages in brackets as ``groundingSupports`` with their places in bytes."""
    text, supports = "", []
    for before, passage, positions in re.findall(
        r"(.*?)(?:\[\[(.+?)\]\]\(([\d,]+)\)|\Z)", template, re.DOTALL
    ):
        text += before
        if passage:
            start = len(text.encode())
            text += passage
            segment = {"startIndex": start, "endIndex": len(text.encode()), "text": passage}
            indices = [int(position) for position in positions.split(",")]
            supports.append({"segment": segment, "groundingChunkIndices": indices})
    return text, supports


def sources_lines() -> list[dict]:
    """The lines of the recording "sources": an answer with a web search, one that read pages, one with log probabilities."""
    chance = random.Random(1866)
    grounded, supports = supported(GROUNDED)
    read, read_supports = supported(READ)
    chips = "".join(
        f'<a class="chip" href="https://www.google.com/search?q={query.replace(" ", "+")}">{query}</a>'
        for query in SEARCHED
    )
    search = {
        "webSearchQueries": SEARCHED,
        "searchEntryPoint": {"renderedContent": SUGGESTIONS.replace("CHIPS", chips)},
        "groundingChunks": [{"web": {"uri": uri, "title": title}} for uri, title in WEB],
        "groundingSupports": supports,
    }
    first = next(iter(PAGES))
    pages = {
        "groundingChunks": [{"web": {"uri": first, "title": "The Great Eastern"}}],
        "groundingSupports": read_supports,
    }
    status = [{"retrievedUrl": url, "urlRetrievalStatus": outcome} for url, outcome in PAGES.items()]
    end = {"finishReason": "STOP"}
    exchanges = [
        (
            "How fast was the first transatlantic telegraph cable, and why did it fail?",
            {"search": True},
            [(piece, {}) for piece in pieces(grounded, chance)],
            {**end, "groundingMetadata": search},
        ),
        (
            f"What do these pages say about the second cable?\n{chr(10).join(PAGES)}",
            {"url_context": True},
            [(piece, {}) for piece in pieces(read, chance)],
            {**end, "groundingMetadata": pages, "urlContextMetadata": {"urlMetadata": status}},
        ),
        (
            "What is the capital of Australia? One sentence.",
            {"logprobs": 3},
            [(token, scores(token, percent, others)) for token, percent, others in SCORED],
            end,
        ),
    ]
    recording = []
    for number, (prompt, options, parts, last) in enumerate(exchanges):
        recording += request_and_head(number, prompt, options)
        t, count = 0.6, 0
        for place, (text, more) in enumerate(parts):
            count += tokens(text)
            value = event(
                {"text": text},
                None,
                usage_metadata(tokens(prompt), count, 0),
                f"sources-{number}",
                "sources-recording",
            )
            value["candidates"][0].update({**more, **(last if place == len(parts) - 1 else {})})
            t += chance.uniform(0.4, 1.6) * 0.05
            data = f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n"
            recording.append({"exchange": number, "t": round(t, 4), "text": data})
        recording.append({"exchange": number, "end": "eof"})
    return recording


def scores(token: str, percent: int, others: list[tuple[str, int]]) -> dict:
    """The log probabilities of one token and its alternatives, as a candidate has them."""
    found = [
        {"token": each, "logProbability": round(math.log(min(chance, 99.99) / 100), 6)}
        for each, chance in [(token, percent), *others]
    ]
    top = sorted(found, key=lambda each: -each["logProbability"])
    return {"logprobsResult": {"chosenCandidates": found[:1], "topCandidates": [{"candidates": top[:3]}]}}


def parts_lines() -> list[dict]:
    """The lines of the recording "parts": answers with pictures, code and its results, audio, and function calls."""
    chance, recording = random.Random(1857), []
    for number, (prompt, options, answer, pace) in enumerate(ANSWERS):
        recording += request_and_head(number, prompt, options)
        texts = [
            {"text": piece} if isinstance(part, str) else part
            for part in answer
            for piece in (pieces(part, chance) if isinstance(part, str) else [""])
        ]
        t, count = 0.6, 0
        for place, part in enumerate(texts):
            count += tokens(part["text"]) if "text" in part else 25
            reason = "STOP" if place == len(texts) - 1 else None
            usage = usage_metadata(tokens(prompt), count, 0)
            value = event(part, reason, usage, f"parts-{number}", "parts-recording")
            t += chance.uniform(0.4, 1.6) * (0.04 if "text" in part else pace)
            data = f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n"
            recording.append({"exchange": number, "t": round(t, 4), "text": data})
        recording.append({"exchange": number, "end": "eof"})
    return recording


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {"sources": sources_lines(), "parts": parts_lines()}
