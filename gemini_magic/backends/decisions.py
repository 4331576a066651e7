"""Decisions of the Gemini Developer API: questions about one input, answered with probabilities. Experimental.

Reference: ``CreateDecisionRequest`` and ``CreateDecisionResponse`` as google-genai 3.6 declares them (``types/decisions``); the
API has no public page yet. The server answers with one JSON object. Its text here is a flat JSON object: for a question with
yes or no, the field of its id is whether the probability of yes is at least one half. ``r.raw`` is what the server sent. No
I/O, no key.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from ..content import Blob, File, LocalFile, Part, Request, RequestSettings, Text, deep_merge, join_parts
from ..errors import OptionError
from ..events import Decoded, Delta, Event, Finish, Note, UsageReport
from ..schema import decision_schema
from ..text import MAX_DEPTH, json_safe, read_json, short_line
from .auth import Auth
from .backend import Backend, Decoder, Endpoint, HttpRequest, SentRequest
from .gemini import GOOGLE_HOSTS, GOOGLE_KEYS, GOOGLE_STYLES, json_request, model_path
from .gemini_files import FILES, gemini_base
from .gemini_finish import block_reason
from .gemini_schema import MOST_COUNT
from .http_errors import message_failure
from .interactions_errors import interactions_failure, stream_failure
from .interactions_input import content_of
from .interactions_usage import interactions_token_details, interactions_usage
from .urls import checked_model

__all__ = ["DECISIONS"]

_MODEL: Final = "gemini-decision-1"  # reported by users, and not verified
_HALF: Final = 0.5
_KNOWN: Final = (
    "questions",
    "schema",
    "json_output",
)  # settings that a decision has, or that have no meaning for it
# What other settings are called in messages, where that is not the name of their option.
_NAMED: Final = {
    "tools": "--search, --code-execution, --url-context and --maps",
    "mcp_servers": "--remote-mcp",
    "functions": "functions",
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
        OptionError: the request has what a decision does not have.
    """
    settings = request.settings
    for name in settings.__struct_fields__:
        if name not in _KNOWN and getattr(settings, name) != getattr(_DEFAULTS, name):
            _refuse(_NAMED.get(name, f"--{name.replace('_', '-')}"))
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
    return json_request(_url(request.model, endpoint), body)


def _input(parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
    """The input: a text, or a list of texts and media."""
    joined = join_parts(parts)
    if len(joined) == 1 and isinstance(joined[0], Text):
        return joined[0].text
    return [_content(part) for part in joined]


def _content(part: Part) -> dict[str, Any]:
    if not isinstance(part, Text | Blob | File | LocalFile):
        _refuse(f"input of the type {type(part).__name__}")
    return content_of(part)


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
    if (usage := interactions_usage(value.get("usage"))) is not None:
        events.append(UsageReport(usage))
    events.append(_end(value, event, answered=isinstance(answers, dict) and bool(answers)))
    return Decoded(events)


def _end(value: dict[str, Any], event: str | None, *, answered: bool) -> Event:
    """Why the answer ended: an error, a block, or that all questions are answered."""
    if error := value.get("error"):
        failure = stream_failure(error)
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
    failure=interactions_failure,
    normal_anomalies=("json-object",),
    token_details=interactions_token_details,
    files=FILES,
    read_request=_read_request,
    decisions="decisions",
)
