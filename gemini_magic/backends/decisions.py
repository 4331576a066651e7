"""Decisions of the Gemini Developer API: questions about one input, answered with probabilities. Experimental.

Reference: ``CreateDecisionRequest`` and ``CreateDecisionResponse`` as google-genai 3.6 declares them (``types/decisions``); the
API has no public page yet. The server answers with one JSON object. Its text here is a flat JSON object: for a question with
yes or no, the field of its id is whether the probability of yes is at least one half. ``r.raw`` is what the server sent. No
I/O, no key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from msgspec.structs import replace

from ..content import Blob, File, LocalFile, Part, Request, RequestSettings, Text, deep_merge, join_parts
from ..errors import OptionError
from ..events import Decoded, Delta, Event, Finish, Note, Usage, UsageReport
from ..schema import decision_schema
from ..text import MAX_DEPTH, json_safe, read_json, short_line
from .auth import Auth
from .backend import Backend, Decoder, Endpoint, HttpRequest, SentRequest
from .gemini import GOOGLE_HOSTS, GOOGLE_KEYS, GOOGLE_STYLES, json_request, model_path, too_large_inline
from .gemini_files import FILES, gemini_base
from .gemini_finish import block_reason
from .gemini_resources import resource_number
from .gemini_schema import MOST_COUNT
from .http_errors import failure_of, http_failure, message_failure
from .urls import checked_model

__all__ = ["DECISIONS"]

_MODEL: Final = "gemini-decision-1"  # reported by users, and not verified
_COUNTS: Final = {
    "prompt": "total_input_tokens",
    "cached": "total_cached_tokens",
    "output": "total_output_tokens",
    "thoughts": "total_thought_tokens",
    "tool": "total_tool_use_tokens",
    "total": "total_tokens",
}
_HALF: Final = 0.5
# Settings of a request that a decision does not have, with their options.
_UNSUPPORTED: Final = {
    "temperature": "--temperature",
    "top_p": "--top-p",
    "top_k": "--top-k",
    "max_tokens": "--max-tokens",
    "seed": "--seed",
    "candidates": "--candidates",
    "logprobs": "--logprobs",
    "stop": "--stop",
    "thinking": "--thinking",
    "tools": "--search, --code-execution, --url-context and --maps",
    "file_search": "--file-search",
    "mcp_servers": "--remote-mcp",
    "functions": "functions",
    "tool_choice": "--tool-choice",
    "safety": "--safety",
    "service_tier": "--service-tier",
}
_DEFAULTS: Final = RequestSettings()


# ------------------------------------------------------------------------------ requests


def _url(model: str, endpoint: Endpoint) -> str:
    checked_model(model)
    return f"{gemini_base(endpoint)}/decisions"


def _refuse(what: str) -> NoReturn:
    raise OptionError(f"A decision does not have {what}.", remedy="Leave this out, or ask without --decide.")


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The HTTP request for a decision, without a key.

    Raises:
        OptionError: there are no questions, or the request has what a decision does not have.
    """
    settings = request.settings
    for name, option in _UNSUPPORTED.items():
        if getattr(settings, name) != getattr(_DEFAULTS, name):
            _refuse(option)
    if request.system:
        _refuse("a system instruction")
    if len(request.turns) > 1:
        _refuse("earlier turns")
    body: dict[str, Any] = {
        "model": model_path(request.model),
        "input": _input(request.turns[-1].parts),
        **({"questions": settings.questions} if settings.questions else {}),
    }
    body = deep_merge(deep_merge(body, request.params), request.body, drop_null=True)
    if not body.get("questions"):
        raise OptionError(
            "A decision needs questions.", remedy="Write --decide 'Is this spam?', or call decide(…)."
        )
    return json_request(_url(request.model, endpoint), body)


def _input(parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
    """The input: a text, or a list of texts and media."""
    joined = join_parts(parts)
    if len(joined) == 1 and isinstance(joined[0], Text):
        return joined[0].text
    return [_content(part) for part in joined]


def _content(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Blob(mime_type=kind):
            return _media(part, {"data": part, "mime_type": kind})  # which `json_request` encodes
        case File(uri=uri, mime_type=kind):
            return _media(part, {"uri": uri, **({"mime_type": kind} if kind else {})})
        case LocalFile():
            raise too_large_inline(part)
        case _:
            _refuse(f"input of the type {type(part).__name__}")


def _media(part: Blob | File, fields: dict[str, Any]) -> dict[str, Any]:
    """A medium as content; of the settings of media, a decision has the resolution of pictures and videos only."""
    kind = (part.mime_type or "").partition("/")[0]
    kind = kind if kind in ("image", "audio", "video") else "document"
    media = part.media
    if media is not None:
        if replace(media, resolution=None) != type(media)():
            _refuse("sections, pages or fps of media")
        if media.resolution is not None:
            fields = {**fields, "resolution": media.resolution}
    return {"type": kind, **fields}


def _read_request(url: str, body: bytes) -> SentRequest:  # noqa: ARG001 - the model is in the body
    """The request in a body; the last part of ``rest`` is what is not recognised. Never raises."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    rest: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    questions, model = rest.get("questions"), rest.pop("model", None)
    return SentRequest(
        model=model.removeprefix("models/") if isinstance(model, str) else None,
        question=rest.pop("input", None),
        turns_before=0,
        rest=rest,
        schema=decision_schema(questions) if isinstance(questions, dict) and questions else None,
    )


# ------------------------------------------------------------------------------ answers


def _decode(raw: bytes, event: str | None = None) -> Decoded:
    """Decode the JSON object of an answer; never raises."""
    try:
        value = json_safe(read_json(raw, max_depth=MAX_DEPTH))
    except ValueError:
        note = Note("not-json", "The answer is not valid JSON; its bytes are kept.", "error")
        return Decoded([note], lost="the answer is not valid JSON")
    if not isinstance(value, dict):
        return Decoded([Note("unexpected-shape", "The answer is not a JSON object.", "warning")])
    events: list[Event] = []
    answers = value.get("answers")
    if isinstance(answers, dict) and answers:
        fields: dict[str, Any] = {}
        unknown: list[str] = []
        for key, answer in answers.items():
            if (found := _fields(key, answer)) is None:
                unknown.append(key)
            fields |= {key: answer} if found is None else found
        events.append(Delta(Text(json.dumps(fields, ensure_ascii=False))))
        if unknown:
            events.append(_unknown(unknown))
    elif answers is not None and not isinstance(answers, dict):
        events.append(Note("unexpected-shape", "The answers are not a JSON object.", "warning"))
    if (usage := _usage(value.get("usage"))) != Usage():
        events.append(UsageReport(usage))
    events.append(_end(value, event, answered=isinstance(answers, dict) and bool(answers)))
    return Decoded(events)


def _end(value: dict[str, Any], event: str | None, *, answered: bool) -> Event:
    """Why the answer ended: an error, a block, or that all questions are answered."""
    if error := value.get("error"):
        failure = failure_of(error)
    elif event == "error" or (not answered and value.keys() & {"detail", "message", "errors"}):
        failure = message_failure(value)
    else:
        failure = None
    if failure is not None:
        return failure
    feedback = value.get("prompt_feedback")
    if isinstance(feedback, dict):
        named, message = feedback.get("block_reason"), feedback.get("block_reason_message")
        if isinstance(named, str | int) and (reason := block_reason(named)) is not None:
            return Finish(reason, message if isinstance(message, str) else None, 0, True, "blocked")
    if not answered:
        return Finish("NO_ANSWERS", "The server answered no question.", outcome="error")
    return Finish("final", outcome="complete")


def _unknown(keys: list[str]) -> Note:
    """The note about answers that are kept as received."""
    more = f" and {len(keys) - 1:,} more" if len(keys) > 1 else ""
    return Note(
        "unknown-answer",
        f"The answer to {short_line(keys[0], 60)}{more} has another form; it is kept.",
        "warning",
    )


def _fields(key: str, answer: Any) -> dict[str, Any] | None:
    """The fields of the answer to a question; None for an answer of another form."""
    form = answer.get("type") if isinstance(answer, dict) else None
    value = answer.get(form) if isinstance(form, str) else None
    if form == "noul" and isinstance(value, int | float) and _is_number(value) and 0 <= value <= 1:
        found: dict[str, Any] = {key: value >= _HALF, f"{key}_probability": value}
    elif (form == "choice" and isinstance(value, str)) or (form == "score" and _is_number(value)):
        found = {key: value}
    else:
        return None
    if (confidence := answer.get("confidence")) is not None:
        found[f"{key}_confidence"] = confidence
    if (probabilities := answer.get("probabilities")) is not None:
        found[f"{key}_probabilities"] = probabilities
    return found


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a column can hold."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_COUNT


def _usage(counts: Any) -> Usage:
    found: Mapping[str, Any] = counts if isinstance(counts, dict) else {}
    return Usage(**{field: resource_number(found.get(name)) for field, name in _COUNTS.items()})


def _decoder() -> Decoder:
    return _decode


DECISIONS = Backend(
    name="decisions",
    default_model=_MODEL,
    auth=Auth(
        "x-goog-api-key",
        (*GOOGLE_STYLES, "x-api-key", "api-key"),
        GOOGLE_KEYS,
        GOOGLE_HOSTS,
        "aistudio.google.com/apikey",
    ),
    url=_url,
    encode=_encode,
    decoder=_decoder,
    failure=http_failure,
    normal_anomalies=("json-object",),
    files=FILES,
    read_request=_read_request,
    decisions="decisions",
)
