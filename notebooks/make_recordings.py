"""Writes the recordings that the tour replays, such as ``tour`` and ``odd``, into ``gemini_magic/data``.

The answers do not come from a model: their texts are below. This script converts them to the wire format of the API
with the pace of a real stream, so that a replay uses the real parser, ledger, renderer and endings. Run the script
again after a change of a prompt here or in a notebook, because a replay matches the exact request.
"""

from __future__ import annotations

import base64
import json
import math
import random
import re
from pathlib import Path

from part_answers import ANSWERS

from gemini_magic.prompts import build_request
from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import Text
from gemini_magic.config import resolve
from gemini_magic.wire import httprr

DATA = Path(__file__).parent.parent / "gemini_magic" / "data"
GEMINI = backend("gemini")

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

FIGURE = """\
The curve follows the seasons, with the usual noise of a degree or two. **Two places are not weather:**

| when | what the plot shows | likely cause |
|:--|:--|:--|
| from late July to mid-August | a perfectly flat line for three weeks | the sensor hung and repeated its last value |
| end of October | a single point far above its neighbours | one disturbed reading |

Real air is never flat for five days, and it does not warm by nineteen degrees for one day. Both rules fit into two lines:

```python
flat = temperature.celsius.diff().eq(0).rolling(5).sum().ge(5)
spike = (temperature.celsius - temperature.celsius.rolling(7, center=True).median()).abs().gt(10)
```

`temperature[flat | spike]` lists the days. I would drop them rather than interpolate: three weeks are too long for that.
"""

ATTACHED = """\
**The sound** is a steady tone of one second at 440 Hz, the A that orchestras tune to. It fades neither in nor out.

**The file** `readings.csv` has a header and 31 rows, one for each day of January 2025. The values swing by a few degrees from
day to day without a trend, as they should in winter.

The two have nothing to do with each other, unless the sensor sings.
"""

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


def pieces(text: str, chance: random.Random) -> list[str]:
    """The text in pieces of one to five words, like the chunks of a model."""
    words = re.findall(r"\s*\S+|\s+$", text)
    split = []
    while words:
        count = chance.randint(1, 5)
        split.append("".join(words[:count]))
        words = words[count:]
    return split


def tokens(text: str) -> int:
    """The approximate number of tokens of a text."""
    return max(1, round(len(text) / 4))


def event(
    part: dict,
    finish_reason: str | None,
    usage: dict,
    response_id: str,
    model: str,
    extra: dict | None = None,
) -> dict:
    """The JSON value of one event."""
    candidate = {"content": {"parts": [part], "role": "model"}}
    if finish_reason:
        candidate["finishReason"] = finish_reason
    candidate["index"] = 0
    origin = {"modelVersion": model, "responseId": response_id}
    return {"candidates": [candidate], "usageMetadata": usage, **origin, **(extra or {})}


def usage_metadata(prompt: int, answer: int, thoughts: int) -> dict:
    """The usage so far: tokens of the prompt, the answer and the thoughts."""
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": answer,
        "totalTokenCount": prompt + answer + thoughts,
    }
    return {**usage, "thoughtsTokenCount": thoughts} if thoughts else usage


def sse_events(
    prompt: str,
    thought: str,
    answer: str,
    finish_reason: str | None,
    chance: random.Random,
    response_id: str,
    model: str,
) -> list[str]:
    """The SSE events of a stream."""
    prompt_tokens, thought_tokens, answer_tokens, events = tokens(prompt), 0, 0, []
    parts = [(piece, True) for piece in pieces(thought, chance)] + [
        (piece, False) for piece in pieces(answer, chance)
    ]
    for number, (piece, is_thought) in enumerate(parts):
        if is_thought:
            thought_tokens += tokens(piece)
        else:
            answer_tokens += tokens(piece)
        part = {"text": piece, **({"thought": True} if is_thought else {})}
        reason = finish_reason if number == len(parts) - 1 else None
        usage = usage_metadata(prompt_tokens, answer_tokens, thought_tokens)
        value = event(part, reason, usage, response_id, model)
        events.append(f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n")
    return events


def request_and_head(number: int, prompt: str, chosen: dict) -> list[dict]:
    """Two lines of a recording: the request of a cell with these options, and the head of the response."""
    options, _ = resolve(chosen)
    request = GEMINI.encode(build_request([Text(prompt)], options), Endpoint())
    sent = {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": request.body.decode(),
    }
    head = {"exchange": number, "status": 200, "headers": {"content-type": "text/event-stream"}}
    return [{"v": 1, "exchange": number, "request": sent}, head]


def any_request_and_head(number: int) -> list[dict]:
    """The same for an answer to any request: the bytes of a figure depend on the version of matplotlib."""
    recorded = request_and_head(number, "any", {})
    recorded[0]["request"] = {"method": "POST", "url": "", "headers": {}, "body": ""}
    return recorded


def lines(exchanges: list[tuple], name: str, seed: int) -> list[dict]:
    """The lines of a recording, one dict each. An exchange whose prompt is empty answers any request."""
    chance = random.Random(seed)
    recording = []
    for number, (prompt, options, thought, answer, pace, finish_reason) in enumerate(exchanges):
        recording += request_and_head(number, prompt, options) if prompt else any_request_and_head(number)
        t, model = 0.6, options.get("model", f"{name}-recording")
        asked = prompt or "an image or a sound" * 60
        for text in sse_events(asked, thought, answer, finish_reason, chance, f"{name}-{number}", model):
            t += chance.uniform(0.4, 1.6) * pace
            recording.append({"exchange": number, "t": round(t, 4), "text": text})
        recording.append({"exchange": number, "end": "eof" if finish_reason else "closed in the middle"})
    return recording


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


def capital() -> bytes:
    """The two-event answer of gemini-2.0-flash to a question about France, as a Go httprr trace.

    The source is a published description of ``TestModel_GenerateStream_ok.httprr`` (google/adk-go, Apache-2.0).
    Later versions of that file have a different answer.
    """
    origin = {"modelVersion": "gemini-2.0-flash", "responseId": "wzCjaPa4As7shMIP2Mei0AI"}
    prompt = [{"modality": "TEXT", "tokenCount": 11}]
    values = [
        {
            "candidates": [{"content": {"parts": [{"text": "Paris"}], "role": "model"}}],
            "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11, "promptTokensDetails": prompt},
            **origin,
        },
        {
            "candidates": [{"content": {"parts": [{"text": "\n"}], "role": "model"}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 10,
                "candidatesTokenCount": 2,
                "totalTokenCount": 12,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
                "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
            },
            **origin,
        },
    ]
    question = {
        "contents": [{"parts": [{"text": "What is the capital of France? One word."}], "role": "user"}],
        "generationConfig": {"temperature": 0},
    }
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse"
    request = json.dumps(question, separators=(",", ":")).encode()
    events = [f"data: {json.dumps(value, separators=(',', ':'))}\r\n\r\n" for value in values]
    exchange = httprr.TraceExchange(
        method="POST",
        url=url,
        request_headers=(("Content-Type", "application/json"),),
        request_body=request,
        status=200,
        reason="OK",
        http_version="HTTP/2.0",
        headers=(
            ("Connection", "close"),
            ("Content-Disposition", "attachment"),
            ("Content-Type", "text/event-stream"),
            ("Date", "Mon, 18 Aug 2025 13:55:15 GMT"),
        ),
        body="".join(events).encode(),
    )
    return httprr.render_trace([exchange])


def main() -> None:
    """Write the recordings."""
    trace = DATA / "capital.httprr"
    trace.write_bytes(capital())
    print(f"{trace.name}: {trace.stat().st_size:,} bytes")
    for name, recording in {
        "tour": lines(EXCHANGES, "tour", 1858),
        "odd": odd_lines(),
        "compare": lines(COMPARED, "compare", 1871),
        "figure": lines([("", {}, "", FIGURE, 0.04, "STOP")], "figure", 1786),
        "attached": lines([("", {}, "", ATTACHED, 0.04, "STOP")], "attached", 1834),
        "sources": sources_lines(),
        "parts": parts_lines(),
    }.items():
        target = DATA / f"{name}.jsonl"
        target.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in recording), encoding="utf-8"
        )
        print(f"{target.name}: {len(recording)} lines, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
