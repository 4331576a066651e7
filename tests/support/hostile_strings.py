"""Streams in which every string that a server chooses obeys a terminal, and a check of printed text."""

from __future__ import annotations

import json
import re
from typing import Any

from fake_server import Step, event, raw

# Window title, clipboard (OSC 52), link (OSC 8), colours and cursor (CSI), a device request, the same with C1 controls, a
# lone carriage return, backspaces, a bell, a bidi override and isolate, tag characters, NUL, and a lone surrogate.
ESCAPES = (
    "\x1b]0;title\x07\x1b]52;c;cHduZWQ=\x1b\\\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\\x1b[31m\x1b[2J\x1b[1A\x1b[c"
    "\x9b2J\x9d0;x\x9c\x90q\x9c\rover\x08\x08\x7f\x0e\x0f\x05\u202eexe.txt\u202c\u2066i\u2069\U000e0041\U000e0042\x00"
)
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\ud800-\udfff]"
)


def bad(word: str = "x") -> str:
    """A string with every escape, that begins and ends with a word."""
    return f"{word}{ESCAPES}{word}"


def assert_printable(text: str, where: str) -> None:
    """Fail if a printed text has a character that a terminal obeys or that reorders or hides text."""
    found = _OBEYED.search(text)
    assert found is None, f"{where}: {found[0]!r} in {text[max(0, found.start() - 60) : found.end() + 20]!r}"


def _parts() -> list[dict[str, Any]]:
    return [
        {"text": bad("answer "), "thoughtSignature": bad()},
        {"text": bad("thought "), "thought": True},
        {"functionCall": {"name": bad("f"), "args": {bad("k"): bad("v")}, "id": bad("id")}},
        {"functionResponse": {"name": bad("f"), "response": {bad("k"): bad("v")}}},
        {"executableCode": {"language": bad("PYTHON"), "code": bad("print()")}},
        {"codeExecutionResult": {"outcome": bad("OUTCOME_OK"), "output": bad("out")}},
        {"inlineData": {"mimeType": bad("image/png"), "data": "aGk="}},
        {"inlineData": {"mimeType": bad("audio/x"), "data": "aGk="}},
        {"inlineData": {"mimeType": bad("video/x"), "data": "aGk="}},
        {"fileData": {"mimeType": bad("a/b"), "fileUri": bad("https://h.example/")}},
        {bad("unknownPart"): bad()},
        {
            "audioTranscription": {
                "text": bad("said"),
                "speakerLabel": bad("A"),
                "languageCode": bad("en"),
                "words": [{bad(): bad()}],
            }
        },
    ]


def hostile_steps() -> list[Step]:
    """The steps of an answer of the fake server with escapes in every string."""
    grounding = {
        "webSearchQueries": [bad("query")],
        "groundingChunks": [{"web": {"uri": bad("https://h.example/"), "title": bad("title")}}],
        "groundingSupports": [{"segment": {"text": bad("s"), "endIndex": 3}, "groundingChunkIndices": [0]}],
        "searchEntryPoint": {"renderedContent": bad("<b>")},
    }
    citations = {
        "citationSources": [{"uri": bad("https://h.example/"), "title": bad("t"), "license": bad("l")}]
    }
    usage = {
        "promptTokenCount": 3,
        "totalTokenCount": 5,
        "promptTokensDetails": [{"modality": bad("TEXT"), "tokenCount": 3}],
        bad("newCount"): 7,
    }
    identity = {"modelVersion": bad("model"), "responseId": bad("id"), bad("field"): bad("value")}
    return [
        raw(f": {bad('comment').replace(chr(13), '')}\n\nevent: {bad('e').replace(chr(13), '')}\n".encode()),
        *(
            event({"candidates": [{"content": {"parts": [part], "role": bad("model")}}], **identity})
            for part in _parts()
        ),
        raw(
            b"data: "
            + json.dumps(
                {"candidates": [{"content": {"parts": [{"text": bad("raw")}]}}]}, ensure_ascii=False
            ).encode()
            + b"\n\n"
        ),
        event(
            {
                "candidates": [
                    {"index": 1, "content": {"parts": [{"text": bad("second")}]}, "finishReason": bad("WHY")}
                ]
            }
        ),
        event(
            {
                "candidates": [{"groundingMetadata": grounding, "citationMetadata": citations}],
                "serviceTier": bad("tier"),
            }
        ),
        event(
            {
                "candidates": [
                    {
                        "urlContextMetadata": {
                            "urlMetadata": [
                                {"retrievedUrl": bad("https://h.example/"), "urlRetrievalStatus": bad("S")}
                            ]
                        },
                        "safetyRatings": [
                            {"category": bad("C"), "probability": bad("P"), "severity": bad("S")}
                        ],
                        "logprobsResult": {
                            "chosenCandidates": [{"token": bad("t"), "logProbability": -1}],
                            "topCandidates": [{"candidates": [{"token": bad("u"), "logProbability": -2}]}],
                        },
                    }
                ]
            }
        ),
        event({"promptFeedback": {"safetyRatings": [{"category": bad("C"), "probability": bad("P")}]}}),
        event(
            {
                "candidates": [{"finishReason": bad("NEW_REASON"), "finishMessage": bad("because")}],
                "usageMetadata": usage,
                **identity,
            }
        ),
    ]


def hostile_error() -> dict[str, Any]:
    """The body of an HTTP error with escapes in every string."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": bad("REASON"), "domain": bad("d")}
    ]
    return {"error": {"code": 400, "message": bad("no"), "status": bad("STATUS"), "details": details}}
