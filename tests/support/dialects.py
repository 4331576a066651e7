"""The same content in the bytes of every dialect: what a server of each sends for text, a call or an error.

Written from the documentation of the APIs, independently of gemini_magic.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from fake_server import FakeServer, Script, Step, google_error, raw, status

PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")
SIGNATURE = "c2lnbmF0dXJlL18rLw=="
CALL = {"name": "look", "args": {"where": ["here", {"deep": 1.5}]}, "id": "call-1"}
CITATION = {"startIndex": 3, "endIndex": 9, "uri": "https://example.com/a", "title": "A", "license": "MIT"}
GROUNDING = {"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "https://example.com/b"}}]}
UNKNOWN = {"hologram": {"depth": 3}}
REFUSED = "You may not."
BROKEN = "It broke."

KINDS = (
    "text",
    "thought",
    "call",
    "code",
    "blob",
    "citation",
    "grounding",
    "usage",
    "unknown",
    "blocked",
    "unfinished",
    "stream-error",
    "http-error",
)

# Kinds of content that a dialect does not have.
CANNOT: dict[str, set[str]] = {
    "gemini": set(),
    "interactions": {"citation"},
    "vertex": set(),
    "vertex-interactions": {"citation"},
    "adaptive": set(),
    "gateway": {"call", "code", "citation", "grounding", "blocked"},
    "echo": {"code", "blob", "citation", "grounding", "unknown", "http-error"},
}
# Dialects whose answers are lists of steps, with the path of their requests.
STEPS = {"interactions": "/v1beta/interactions", "vertex-interactions": "/v1beta1/interactions"}
# Kinds that it does not have in a whole answer, which is never unfinished.
CANNOT_AT_ONCE: dict[str, set[str]] = {"gateway": {"unfinished"}}
FORMS = {
    "gemini": ("sse", "json", "whole"),
    "interactions": ("sse", "whole"),
    "vertex": ("sse", "json", "whole"),
    "vertex-interactions": ("sse", "whole"),
    "adaptive": ("sse", "whole"),
    "gateway": ("sse", "whole"),
    "echo": ("sse",),
}


def _parts(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **more}]}


_USAGE = {
    "promptTokenCount": 10,
    "cachedContentTokenCount": 4,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 5,
    "toolUsePromptTokenCount": 2,
    "totalTokenCount": 37,
}
_STOP = {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}

GEMINI: dict[str, list[dict[str, Any]]] = {
    "text": [_parts({"text": "Hello, "}), _parts({"text": "wörld 😀."})],
    "thought": [
        _parts({"text": "Let me ", "thought": True}),
        _parts({"text": "see.", "thought": True, "thoughtSignature": SIGNATURE}),
    ],
    "call": [_parts({"functionCall": CALL, "thoughtSignature": SIGNATURE})],
    "code": [
        _parts({"executableCode": {"language": "PYTHON", "code": "print(6*7)"}}),
        _parts({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}),
    ],
    "blob": [_parts({"inlineData": {"mimeType": "image/gif", "data": base64.b64encode(PICTURE).decode()}})],
    "citation": [_parts({"text": "quoted"}, citationMetadata={"citationSources": [CITATION]})],
    "grounding": [_parts({"text": "found"}, groundingMetadata=GROUNDING)],
    "usage": [{"usageMetadata": _USAGE, "modelVersion": "m-001", "responseId": "r1"}],
    "unknown": [_parts(UNKNOWN)],
    "blocked": [{"promptFeedback": {"blockReason": "SAFETY"}}],
    "unfinished": [_parts({"text": "half"})],
    "stream-error": [_parts({"text": "half"}), google_error(500, BROKEN, "INTERNAL")],
}
VERTEX = {
    **GEMINI,
    "citation": [_parts({"text": "quoted"}, citationMetadata={"citations": [CITATION]})],
    "usage": [
        {"usageMetadata": {"trafficType": "ON_DEMAND"}},
        {
            "usageMetadata": {**_USAGE, "trafficType": "ON_DEMAND"},
            "modelVersion": "m-001",
            "responseId": "r1",
        },
    ],
}
ADAPTIVE = {
    kind: [value if "error" in value else {**value, "provider": "google"} for value in values]
    for kind, values in GEMINI.items()
}


def _item(content: object, **more: Any) -> dict[str, Any]:
    item = {
        "type": "text",
        "name": "output",
        "content": content,
        "done": False,
        "index": 0,
        "is_final": False,
    }
    return item | more


GATEWAY: dict[str, list[dict[str, Any]]] = {
    "text": [_item("Hello, ", index=1), _item("wörld 😀.", index=1, done=True)],
    "thought": [_item("Let me ", name="thinking"), _item("see.", name="thinking", done=True)],
    "blob": [_item(base64.b64encode(PICTURE).decode(), type="image", index=2, done=True)],
    "usage": [{"usage": {"input_tokens": 10, "output_tokens": 20, "total_tokens": 37}}],
    "unknown": [_item(UNKNOWN, type="hologram", name="hologram", index=3)],
    "unfinished": [_item("half")],
    "stream-error": [_item("half"), {"error": {"code": 500, "message": BROKEN, "status": "INTERNAL"}}],
}
_STEP_USAGE = {
    "total_input_tokens": 10,
    "total_cached_tokens": 4,
    "total_output_tokens": 20,
    "total_thought_tokens": 5,
    "total_tool_use_tokens": 2,
    "total_tokens": 37,
}
_ANNOTATION = {
    "type": "url_citation",
    "url": "https://example.com/b",
    "title": "B",
    "start_index": 0,
    "end_index": 5,
}


def _thought_text(text: str) -> dict[str, Any]:
    return {"type": "thought_summary", "content": {"type": "text", "text": text}}


# Each step as it opens, with its deltas; and the same step in a whole answer.
_OUTPUT: dict[str, Any] = {"type": "model_output"}
_IMAGE = {"type": "image", "mime_type": "image/gif", "data": base64.b64encode(PICTURE).decode()}
_FUNCTION = {"type": "function_call", "id": CALL["id"], "name": CALL["name"], "signature": SIGNATURE}
_CODE = {"type": "code_execution_call", "arguments": {"language": "python", "code": "print(6*7)"}}
_CODE_RESULT = {"type": "code_execution_result", "result": "42\n", "is_error": False}
_ARGUMENTS = json.dumps(CALL["args"])
Steps = list[tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]]
INTERACTIONS: dict[str, Steps] = {
    "text": [
        (
            {**_OUTPUT, "content": [{"type": "text", "text": "Hello, "}]},
            [{"type": "text", "text": "wörld 😀."}],
            {**_OUTPUT, "content": [{"type": "text", "text": "Hello, wörld 😀."}]},
        )
    ],
    "thought": [
        (
            {"type": "thought"},
            [
                _thought_text("Let me "),
                _thought_text("see."),
                {"type": "thought_signature", "signature": SIGNATURE},
            ],
            {
                "type": "thought",
                "summary": [{"type": "text", "text": "Let me see."}],
                "signature": SIGNATURE,
            },
        )
    ],
    "call": [
        (
            {**_FUNCTION, "arguments": {}},
            [
                {"type": "arguments_delta", "arguments": _ARGUMENTS[:9]},
                {"type": "arguments_delta", "arguments": _ARGUMENTS[9:]},
            ],
            {**_FUNCTION, "arguments": CALL["args"]},
        )
    ],
    "code": [
        ({"type": "code_execution_call", "id": "c1"}, [_CODE], {**_CODE, "id": "c1"}),
        (
            {"type": "code_execution_result", "call_id": "c1"},
            [_CODE_RESULT],
            {**_CODE_RESULT, "call_id": "c1"},
        ),
    ],
    "blob": [(_OUTPUT, [_IMAGE], {**_OUTPUT, "content": [_IMAGE]})],
    "grounding": [
        (
            _OUTPUT,
            [
                {"type": "text", "text": "found"},
                {"type": "text_annotation_delta", "annotations": [_ANNOTATION]},
            ],
            {**_OUTPUT, "content": [{"type": "text", "text": "found", "annotations": [_ANNOTATION]}]},
        )
    ],
    "usage": [],
    "unknown": [({"type": "hologram", **UNKNOWN}, [], {"type": "hologram", **UNKNOWN})],
    "blocked": [],
    "unfinished": [
        (
            _OUTPUT,
            [{"type": "text", "text": "half"}],
            {**_OUTPUT, "content": [{"type": "text", "text": "half"}]},
        )
    ],
    "stream-error": [
        (
            _OUTPUT,
            [{"type": "text", "text": "half"}],
            {**_OUTPUT, "content": [{"type": "text", "text": "half"}]},
        )
    ],
}
ECHO = {
    "text": "@chunk 7\nHello, wörld 😀.",
    "thought": "@think Let me see.\nok",
    "call": f"@call {CALL['name']} {json.dumps(CALL['args'])}",
    "usage": "one two three",
    "blocked": "@block SAFETY",
    "unfinished": "@finish NONE\nhalf",
    "stream-error": f"@error 500 {BROKEN}\nhalf",
}
SAMPLES: dict[str, dict[str, Any]] = {
    "gemini": GEMINI,
    "interactions": INTERACTIONS,
    "vertex-interactions": INTERACTIONS,
    "vertex": VERTEX,
    "adaptive": ADAPTIVE,
    "gateway": GATEWAY,
    "echo": ECHO,
}
_ENDLESS = ("blocked", "unfinished", "stream-error")  # these have no mark of the end


def _values(dialect: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    values = [value for kind in kinds for value in SAMPLES[dialect][kind]]
    if set(kinds) & set(_ENDLESS):
        return values
    return [*values, {"final": True, "warnings": []} if dialect == "gateway" else _STOP]


def _whole(dialect: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    """The same values in one answer, as sent without streaming."""
    found: dict[str, Any] = {}
    if dialect == "gateway":
        items = [value for value in values if "content" in value]
        for value in values:
            found |= {name: value[name] for name in value if name not in _item("")}
        found.pop("final", None)
        return {
            "output": [{name: item[name] for name in ("type", "name", "content")} for item in items],
            **found,
        }
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": []}}
    for value in values:
        for each in value.get("candidates", ()):
            candidate["content"]["parts"] += each["content"].get("parts", ())
            candidate |= {name: field for name, field in each.items() if name != "content"}
        found |= {name: field for name, field in value.items() if name != "candidates"}
    return {
        **({"candidates": [candidate]} if any("candidates" in value for value in values) else {}),
        **found,
    }


def _interaction(kinds: tuple[str, ...], *, whole: bool) -> bytes:
    """An answer of the Interactions API: named events, or the whole object."""
    steps = [step for kind in kinds for step in INTERACTIONS[kind]]
    about = {"id": "r1", "model": "m-001", "object": "interaction"} if "usage" in kinds else {"id": ""}
    error = {"code": "safety", "message": "Blocked."} if "blocked" in kinds else None
    if "stream-error" in kinds:
        error = {"code": 500, "message": BROKEN}
    end = {**about, "status": "completed", **({"usage": _STEP_USAGE} if "usage" in kinds else {})}
    if "unfinished" in kinds:
        end["status"] = "requires_continuation"
    if error is not None:
        end |= {"status": "failed", "errors": [error]}
    if whole:
        return json.dumps({**end, "steps": [step for _, _, step in steps]}, indent=2).encode()
    events: list[tuple[str, dict[str, Any]]] = [
        ("interaction.created", {"interaction": {**about, "status": "in_progress"}})
    ]
    for index, (opened, deltas, _) in enumerate(steps):
        events.append(("step.start", {"index": index, "step": opened}))
        events += [("step.delta", {"index": index, "delta": delta}) for delta in deltas]
        if "unfinished" not in kinds:
            events.append(("step.stop", {"index": index}))
    if error is not None:
        events.append(("error", {"error": error}))
    elif "unfinished" not in kinds:
        events.append(("interaction.completed", {"interaction": end}))
    lines = [
        f"event: {name}\ndata: {json.dumps({**value, 'event_type': name}, ensure_ascii=False)}\n\n"
        for name, value in events
    ]
    done = [] if "unfinished" in kinds else ["event: done\ndata: [DONE]\n\n"]
    return "".join([*lines, *done]).encode()


def body(dialect: str, form: str, *kinds: str) -> bytes:
    """The body of an answer with content of these kinds."""
    if dialect in STEPS:
        return _interaction(kinds, whole=form == "whole")
    values = _values(dialect, kinds)
    if form == "whole":
        return json.dumps(_whole(dialect, values), indent=2).encode() + b"\n"
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    if form == "json":
        return ("[" + "\n,\r\n".join(texts) + "\n]\n").encode()
    end = "\n\n" if dialect == "gateway" else "\r\n\r\n"
    return "".join(f"data: {text}{end}" for text in texts).encode()


def refusal(dialect: str) -> Step:
    """The HTTP error of a server of the dialect."""
    if dialect == "gateway":
        return status(403, body={"detail": REFUSED})
    return status(403, body=google_error(403, REFUSED, "PERMISSION_DENIED"))


def answer(server: FakeServer, dialect: str, form: str, *steps: Step) -> dict[str, Any]:
    """Make the server answer with these steps; returns the options of the request."""
    if dialect == "gateway":
        path = "/api/v1/generate" + ("" if form == "whole" else "/stream")
        server.route(path, Script(steps))
    elif dialect in STEPS:
        server.route(STEPS[dialect], Script(steps))
    elif dialect != "echo":
        server.model("m", *steps)
    base = server.base_url + ("/api/v1beta" if dialect == "adaptive" else "")
    return {
        "backend": dialect,
        "model": "m",
        "base_url": base,
        "retries": 0,
        **({"alt": "json"} if form == "json" else {}),
        **({"no_stream": True} if form == "whole" else {}),
    }


def serve(server: FakeServer, dialect: str, form: str, *kinds: str) -> tuple[str, dict[str, Any]]:
    """Make the server send content of these kinds; returns the prompt and the options of the request."""
    if dialect == "echo":
        return ECHO[kinds[0]], answer(server, dialect, form)
    if kinds == ("http-error",):
        return "hi", answer(server, dialect, form, refusal(dialect))
    return "hi", answer(server, dialect, form, raw(body(dialect, form, *kinds)))
