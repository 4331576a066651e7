"""A trace of Go's ``httprr`` package, for tests and as an example of a foreign recording."""

from __future__ import annotations

import json

from gemini_magic.wire import httprr


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
