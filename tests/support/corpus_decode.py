"""Reads recorded bodies into ledgers, and states what a ledger contains as the index of the corpus does."""

from __future__ import annotations

from gemini_magic.backends import backend
from gemini_magic.content import Call, kind_of
from gemini_magic.events import Usage
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.wire import Reader

GEMINI = backend("gemini")
decode = GEMINI.decoder()
COUNTS = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "totalTokenCount",
)
KINDS = {
    "functionCall": "call",
    "functionResponse": "call_result",
    "executableCode": "code",
    "codeExecutionResult": "result",
    "inlineData": "blob",
    "fileData": "file",
    "toolCall": "tool_call",
    "toolResponse": "tool_result",
    "text": "text",
    "thought": "thought",
}


def read(pieces, status):
    ledger, reader, body = Ledger(), Reader(), []
    for piece in pieces:
        body.append(piece)
        for item in reader.feed(piece):
            ledger.add(item.raw, 0.0, decode(item.raw))
    for item in reader.close():
        ledger.add(item.raw, 0.0, decode(item.raw))
    if status >= 400 and ledger.failure is None:
        ledger.failure = GEMINI.failure(status, b"".join(body))
    ledger.close("end")
    return ledger


def decoded(ledger):
    parts = ledger.parts.get(0, [])
    return {
        "documents": len(ledger.raw),
        "text": "".join(ledger.answer),
        "thought": "".join(ledger.thoughts),
        "part_kinds": [kind_of(part) for part in parts],
        "function_calls": [(part.name, part.args) for part in parts if isinstance(part, Call)],
        "finish_reason": ledger.finish.reason if ledger.finish else None,
        "usage": ledger.usage,
        "block_reason": ledger.blocked.reason if ledger.blocked else None,
        "error": (ledger.failure.code, ledger.failure.message) if ledger.failure else None,
        "model_version": ledger.model_version,
        "response_id": ledger.response_id,
    }


def normalized(expected):
    usage, error = expected["usage"], expected["error"]
    return expected | {
        "part_kinds": [KINDS.get(kind, "other") for kind in expected["part_kinds"]],
        "function_calls": [(call["name"], call.get("args") or {}) for call in expected["function_calls"]],
        "usage": Usage(*(usage.get(count) for count in COUNTS)) if usage else None,
        "error": (error.get("code"), " ".join(error["message"].split())) if error else None,
    }
