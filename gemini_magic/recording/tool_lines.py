"""The lines of a recording that hold the calls of functions: a record as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias, get_args

from ..content import Blob, Call, CallResult, ResultMedia
from ..ledger import OPEN_STATES, ToolRun, ToolState
from ..media import StoredMedia

__all__ = ["ToolLine", "tool_line", "tool_run"]

ToolLine: TypeAlias = Mapping[str, Any]
_TEXTS = ("message", "stdout", "stderr", "approved")
_FLAGS = ("still_running", "in_thread")


def tool_line(run: ToolRun) -> dict[str, Any]:
    """The JSON object of a call that has ended; what is empty is left out."""
    call, sent = run.call, run.sent
    fields = {
        "number": run.number,
        "name": call.name,
        "args": call.args,
        "id": call.id,
        "state": run.state,
        "started": None if run.started is None else round(run.started, 6),
        "seconds": None if run.seconds is None else round(run.seconds, 6),
        "response": None if sent is None else sent.response,
        "media": None if sent is None else [_reference(each) for each in sent.media] or None,
        "displays": list(run.displays) or None,
        **{name: getattr(run, name) or None for name in (*_TEXTS, *_FLAGS)},
    }
    return {name: value for name, value in fields.items() if value is not None}


def _reference(media: ResultMedia) -> dict[str, Any]:
    part = media.part
    kind = {"name": media.name, "type": part.mime_type}
    return {**kind, "digest": part.digest} if isinstance(part, Blob) else {**kind, "uri": part.uri}


def tool_run(line: Any, round_number: int, media: Mapping[str, StoredMedia]) -> ToolRun | None:
    """The record of a call; None if the line is not valid.

    Args:
        line: the object in the recording.
        round_number: the round whose answer contains the call.
        media: the media of the recording by their digest.
    """
    if not isinstance(line, Mapping):
        return None
    state, name, args = line.get("state"), line.get("name"), line.get("args", {})
    if state not in get_args(ToolState) or state in OPEN_STATES or not isinstance(args, dict):
        return None
    call = Call(name if isinstance(name, str) else None, args, _text(line.get("id")) or None)
    response = line.get("response")
    sent = None
    found = tuple(_media(each, media) for each in line.get("media", ()) if isinstance(each, dict))
    if isinstance(response, dict):
        sent = CallResult(call.name or "", response, call.id, media=tuple(each for each in found if each))
    displays = line.get("displays", ())
    return ToolRun(
        number=0,  # the ledger numbers the calls of an answer
        round=round_number,
        call=call,
        state=state,  # type: ignore[arg-type] # it was checked
        started=_seconds(line.get("started")),
        seconds=_seconds(line.get("seconds")),
        result=response.get("output") if isinstance(response, dict) and state == "done" else None,
        displays=tuple(each for each in displays if isinstance(each, dict)),
        media=tuple(each.part for each in found if each is not None and isinstance(each.part, Blob)),
        sent=sent,
        message=_text(line.get("message")),
        stdout=_text(line.get("stdout")),
        stderr=_text(line.get("stderr")),
        approved=_text(line.get("approved")),
        still_running=line.get("still_running") is True,
        in_thread=line.get("in_thread") is True,
    )


def _media(value: Mapping[str, Any], media: Mapping[str, StoredMedia]) -> ResultMedia | None:
    stored = media.get(str(value.get("digest")))
    if stored is None or stored.data is None:
        return None
    return ResultMedia(_text(value.get("name")), Blob(_text(value.get("type")), stored.data))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if number else None
