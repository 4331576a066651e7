"""Answers that no server has to give: a response read from bodies, as if they had been recorded."""

from __future__ import annotations

import json

from gemini_magic.backends import backend
from gemini_magic.client import read_exchanges
from gemini_magic.exchange import Exchange
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response

GOOGLE = (
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
)


def said(*parts, finish=None, usage=None, **more):
    """One chunk: parts as JSON, or texts."""
    candidate = {"content": {"parts": [{"text": part} if isinstance(part, str) else part for part in parts]}}
    if finish:
        candidate["finishReason"] = finish
    found = {"candidates": [candidate], **more}
    return found | ({"usageMetadata": usage} if usage else {})


def counts(prompt, output, **more):
    total = prompt + output + sum(n for name, n in more.items() if name != "cachedContentTokenCount")
    return {"promptTokenCount": prompt, "candidatesTokenCount": output, "totalTokenCount": total, **more}


def heard(*chunks, url=GOOGLE, dialect="gemini", every=0.1, ask="hi", status=200, end="eof"):
    """A response; chunks are values or the bytes of a piece, ``every`` seconds apart."""
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": ask}]}]}).encode()
    exchange = Exchange("POST", url, (("content-type", "application/json"),), body)
    exchange.status, exchange.end, exchange.backend = status, end, dialect
    for number, chunk in enumerate(chunks, 1):
        piece = chunk if isinstance(chunk, bytes) else b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"
        exchange.pieces.append((number * every, piece))
    ledger = Ledger(None, backend=dialect)
    read_exchanges([exchange], backend(dialect), ledger)
    return Response(ledger)
