"""The lines of a recording: texts in the wire format of the API with the pace of a real stream."""

from __future__ import annotations

import json
import random
import re

from gemini_magic.backends import Endpoint, backend
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.prompts import build_request
from gemini_magic.schema import requested_schema

GEMINI = backend("gemini")


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
    options.schema, options.schema_multi = requested_schema(options.schema, options.schema_multi), None
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
