"""Decodes the Interactions API: one event of a stream, or a whole interaction, becomes events of an answer.

An interaction consists of steps. A step begins with ``step.start``, which may hold content already, grows by ``step.delta``
and ends with ``step.stop``; everything is keyed by the index of the step, because steps may be interleaved.
``interaction.completed`` ends the stream and says by its status how, but repeats no step. Both protocol revisions are
read: of 2026-05-20 and the preview before it (``interaction.start``, ``content.*``, ``interaction.complete``).
Unknown events, steps and deltas are kept, with a note.

Reference: ai.google.dev/gemini-api/docs/interactions, google-genai's types of the API, and recorded streams.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ..content import Opaque, Part, Text, Thought
from ..events import Decoded, Delta, Event, Failure, Note, StepStart, StepStop, UsageReport
from ..text import SurrogateJoiner, json_safe
from .backend import Decoder
from .http_errors import message_failure
from .interactions_errors import (
    BAD_ENDINGS,
    CANCELLED,
    RUNNING,
    status_finish,
    step_failure,
    stream_failure,
)
from .interactions_events import COMPLETED, event_name, step_of_content
from .interactions_evidence import citation_key, citations, tool_evidence
from .interactions_state import stored_id, stream_cursor
from .interactions_steps import MEDIA, OpenStep, is_step_type, step_of_delta
from .interactions_usage import interactions_usage
from .wire_values import list_of, object_of, objects_of, read_value, text_of

__all__ = ["InteractionDecoder", "interactions_decoder"]

_NOT_JSON: Final = Note("not-json", "A chunk is not valid JSON; its bytes are kept.", "error")
_NO_OBJECT: Final = Note("unexpected-shape", "A chunk is not a JSON object; it is kept in `raw`.", "warning")
_OTHER_API: Final = Note(
    "other-api",
    "This is an answer of generateContent, which the backend `gemini` reads (--backend gemini).",
    "warning",
)
_EMPTY_ERROR: Final = Note("empty-error", "An error event without an error arrived; it was ignored.", "info")
_INTERLEAVED: Final = Note(
    "interleaved-steps",
    "Pieces of several steps with text arrived by turns; the text of the answer has them in the order of arrival.",
    "warning",
)
_QUOTED: Final = 60  # characters of a name that a note quotes
_MOST_NAMES: Final = 100  # unknown names that are noted
_LARGEST_INDEX: Final = 2**31 - 1  # of a step, so that it fits into a table
_LIFE: Final = "interaction."  # how the names of events about the whole interaction begin
# Statuses in the names of events that have none; see the migration guide.
_NAMED_STATUSES: Final = RUNNING | BAD_ENDINGS | {"requires_action"}
_EXTRAS: Final = {
    "service_tier": "serviceTier",
    "created": "createTime",
    "environment_id": "environment_id",
    "status": "status",
}


class InteractionDecoder:
    """The decoder of one answer; a caller may keep it over the exchanges that continue the answer.

    The pieces of a call, and its place among the calls, are kept until the step ends: calls are in the order in which they
    began.
    """

    def __init__(self) -> None:
        self._open: dict[int, OpenStep] = {}
        self._newest: OpenStep | None = None  # of all steps
        self._last_text: OpenStep | None = None  # the last step with text of the answer
        # In the order in which they began; None while it is open.
        self._calls: dict[OpenStep, Part | None] = {}
        self._begun = 0  # steps
        self._bytes = 0  # of the answer
        self._halves = SurrogateJoiner()
        self._cited: set[int] = set()
        self._noted: set[Note] = set()
        self._names: set[str] = set()  # unknown ones that were noted
        self._failure: Failure | None = None  # of a step
        self._events: list[Event] = []
        self._held = False

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode one JSON text; never raises."""
        try:
            value = read_value(raw)
        except ValueError:
            return Decoded([_NOT_JSON], lost="a chunk is not valid JSON")
        if not isinstance(value, dict):
            return Decoded([_NO_OBJECT])
        return self.read(event_name(value, event), value)

    def read(self, name: str, value: dict[str, Any]) -> Decoded:
        """Decode one event.

        Args:
            name: what :func:`event_name` returns for it.
            value: its JSON object.
        """
        self._events, self._held = [], False
        whole: dict[str, Any] = {}
        if name == "step.delta":
            self._read_delta(value)
            return Decoded(self._events, cursor=stream_cursor(value.get("event_id")), held=self._held)
        if name == "step.start":
            self._read_start(value)
        elif name == "step.stop":
            self._read_stop(value)
        elif name == "error":
            self._read_error(value)
        elif name == "interaction":
            whole = value
            self._read_whole(value)
        elif name.startswith(_LIFE):
            whole = object_of(value.get("interaction")) or value
            self._read_life(name, value, whole)
        else:
            self._read_unknown(name, value)
        return self._decoded(value, whole)

    def _decoded(self, value: dict[str, Any], whole: dict[str, Any]) -> Decoded:
        ident = text_of(whole.get("id")) or text_of(whole.get("interaction_id"))
        model = text_of(whole.get("model")) or text_of(whole.get("agent"))
        token = text_of(whole.get("continuation_token"))
        extras = {own: json_safe(text) for name, own in _EXTRAS.items() if (text := text_of(whole.get(name)))}
        if counts := object_of(whole.get("usage")).get("grounding_tool_count"):
            extras["grounding_tool_count"] = json_safe(counts)
        return Decoded(
            self._events,
            json_safe(model),
            json_safe(ident),
            json_safe(token),
            extras or None,
            cursor=stream_cursor(value.get("event_id")),
            held=self._held,
            stored_id=stored_id(ident),
        )

    # -- events

    def _read_start(self, value: dict[str, Any]) -> None:
        step = object_of(value.get("step"))
        if not step:  # the preview has the content, or only its type, beside the index
            step = step_of_content(value)
        self._begin(self._index_of(value, new=True), step, text_of(step.get("type")) or "model_output", step)

    def _begin(self, index: int, raw: dict[str, Any], kind: str, received: dict[str, Any]) -> OpenStep:
        """Begin a step; one with the same index that is open ends."""
        if (before := self._open.get(index)) is not None:
            self._end(before)
        step = OpenStep(self._begun, index, raw, json_safe(kind))
        self._open[index] = self._newest = step
        self._begun += 1
        if step.is_call:
            self._calls[step] = None
        ident = text_of(raw.get("id")) or text_of(raw.get("call_id"))
        name = text_of(raw.get("name"))
        self._events.append(
            StepStart(index, step.type, json_safe(received), json_safe(ident), json_safe(name))
        )
        if step.type in ("model_output", "user_input"):
            for block in list_of(raw.get("content")):
                step.end_text()
                self._read_block(step, block)
        elif step.type == "thought":
            for block in list_of(raw.get("summary")):
                step.end_text()
                self._read_summary(step, block)
        if (failure := step_failure(raw.get("error"))) is not None:
            self._failure = self._failure or failure
            self._note(Note("step-failed", f"A step failed: {failure.message}", "warning"))
        return step

    def _read_delta(self, value: dict[str, Any]) -> None:
        delta = object_of(value.get("delta"))
        kind = text_of(delta.get("type")) or ("text" if "text" in delta else "")
        index = self._index_of(value)
        step = self._open.get(index)
        if step is None:
            last = self._last_text
            if kind.startswith("text_annotation") and last is not None and last.index == index:
                step = last  # it has ended
            else:
                step = self._begin(index, {}, step_of_delta(kind), {})
        self._apply(step, kind, delta)
        if (usage := interactions_usage(object_of(value.get("metadata")).get("total_usage"))) is not None:
            self._events.append(UsageReport(usage))

    def _apply(self, step: OpenStep, kind: str, delta: dict[str, Any]) -> None:
        """Add a delta to its step."""
        if kind == "text" and isinstance(delta.get("text"), str):
            if step.type == "thought":
                self._read_summary(step, delta)
            else:
                self._read_block(step, delta)
        elif kind == "thought_summary":
            self._read_summary(step, delta.get("content"))
        elif kind == "thought_signature":
            step.update({"signature": delta.get("signature")})
        elif kind == "arguments_delta" or (kind == "arguments" and "partial_arguments" in delta):
            piece = delta.get("arguments", delta.get("partial_arguments"))
            if isinstance(piece, str):
                step.add_arguments(piece)
            elif piece is not None:
                step.update({"arguments": piece})
                self._held = True
        elif kind in ("text_annotation_delta", "text_annotation"):
            self._cite(step, list_of(delta.get("annotations")), step.annotate)
        elif kind in MEDIA:
            self._read_block(step, delta)
        elif kind == step.type:
            step.update(
                {name: field for name, field in delta.items() if name != "type" and field is not None}
            )
            self._held = True
        elif is_step_type(kind):  # in the preview, a step begins as any content
            self._begin(step.index, delta, kind, {})
        else:
            self._note_name("delta", kind)
            self._add_part(Opaque(json_safe(delta)))

    def _read_stop(self, value: dict[str, Any]) -> None:
        index = self._index_of(value)
        if (usage := interactions_usage(value.get("usage"))) is not None:
            self._events.append(UsageReport(usage))
        step = self._open.get(index)
        if step is not None:
            self._end(step, value.get("step_usage"))

    def _read_life(self, name: str, value: dict[str, Any], whole: dict[str, Any]) -> None:
        """Read an event about the whole interaction."""
        named = name.removeprefix(_LIFE)
        status = text_of(whole.get("status")) or text_of(value.get("status"))
        if status is None and named in _NAMED_STATUSES:
            status = named
        if status is None and name not in ("interaction.created", "interaction.status_update", COMPLETED):
            self._note_name("event", name)
        if (usage := interactions_usage(whole.get("usage"))) is not None:
            self._events.append(UsageReport(usage))
        for step in objects_of(whole.get("steps")):
            self._read_step(self._begun, step)
        if name == COMPLETED:
            self._finish(status or "completed", whole)
        elif status in BAD_ENDINGS:
            self._finish(status, whole, last=False)

    def _read_whole(self, value: dict[str, Any]) -> None:
        """Read an interaction that is no event of a stream."""
        steps = value.get("steps")
        if steps is None:  # the preview
            steps = [step_of_content({"content": each}) for each in objects_of(value.get("outputs"))]
        for index, step in enumerate(objects_of(steps)):
            self._read_step(index, step)
        if (usage := interactions_usage(value.get("usage"))) is not None:
            self._events.append(UsageReport(usage))
        self._finish(text_of(value.get("status")) or "", value)

    def _read_step(self, index: int, step: dict[str, Any]) -> None:
        """Read a whole step."""
        kind = text_of(step.get("type")) or "model_output"
        self._end(self._begin(index, step, kind, step))

    def _read_error(self, value: dict[str, Any]) -> None:
        failure = stream_failure(value.get("error")) or message_failure(value)
        if failure is None:
            self._note(_EMPTY_ERROR)
        elif failure.status == CANCELLED:
            finish = status_finish(CANCELLED, failure.message, last=False)
            self._events += [] if finish is None else [finish]
        else:
            self._events.append(failure)

    def _read_unknown(self, name: str, value: dict[str, Any]) -> None:
        failure = None if name else message_failure(value)
        if failure is not None:
            self._events.append(failure)
        elif "candidates" in value:
            self._note(_OTHER_API)
        else:
            self._note_name("event", name)

    def _finish(self, status: str, whole: dict[str, Any], *, last: bool = True) -> None:
        """End the interaction with a status: the steps that are still open end first."""
        if status not in RUNNING:
            for step in list(self._open.values()):
                self._end(step)
        errors = [failure for each in list_of(whole.get("errors")) if (failure := step_failure(each))]
        failure = errors[0] if errors else self._failure
        if failure is not None and status == "failed":
            self._events.append(failure)
        else:
            for each in errors:
                self._note(Note("interaction-error", f"The server reports: {each.message}", "warning"))
        if (finish := status_finish(json_safe(status), last=last)) is not None:
            self._events.append(finish)

    # -- steps

    def _end(self, step: OpenStep, usage: Any = None) -> None:
        """End a step: its part, what it shows about sources, and the whole step."""
        self._open.pop(step.index, None)
        self._add_parts(step.flush_media())
        whole = step.whole()
        part = step.part(whole)
        for note in step.notes:
            self._note(note)
        if isinstance(part, Opaque):
            self._note_name("step", step.type)
        if step.is_call:
            self._calls[step] = part
            self._release_calls()
        elif part is not None:
            self._add_part(part)
        for event in tool_evidence(whole):
            if isinstance(event, Note):
                self._note(event)
            else:
                self._events.append(event)
        self._events.append(StepStop(step.index, interactions_usage(usage), whole))

    def _release_calls(self) -> None:
        """Add the calls that have ended and before which no other call is open."""
        while self._calls:
            step, part = next(iter(self._calls.items()))
            if part is None:
                return
            del self._calls[step]
            self._add_part(part)

    def _read_block(self, step: OpenStep, block: Any) -> None:
        """Add a block of content to the answer; what the user asked belongs to its step only."""
        if step.type == "user_input":
            step.add_input(block)
            return
        if not isinstance(block, dict):
            self._add_part(Opaque({"content": json_safe(block)}) if block is not None else None)
            return
        kind = str(block.get("type", "text"))
        if kind == "text" and isinstance(text := block.get("text"), str):
            if self._last_text is not step:
                if self._last_text is not None and step.place.size:
                    self._note(_INTERLEAVED)
                self._last_text = step
            before, whole = step.place.size, self._halves.add(text)  # a piece may end with half a character
            size = len(whole) if whole.isascii() else len(whole.encode())
            step.add_text(text, size, block, self._bytes)
            self._bytes += size
            self._events.append(Delta(Text(text)))
            annotations = list_of(block.get("annotations"))
            if annotations:
                self._cite(step, annotations, step.annotate, before)
        elif kind in MEDIA:
            self._add_parts(step.add_media(block))
        else:
            self._note_name("content", kind)
            step.add_block(block)
            self._add_part(Opaque(json_safe(block)))

    def _read_summary(self, step: OpenStep, block: Any) -> None:
        """Add a block of the summary of a thought."""
        block = {"text": block} if isinstance(block, str) else object_of(block)
        kind = str(block.get("type", "text"))
        if kind == "text" and isinstance(text := block.get("text"), str):
            step.add_summary(text, block)
            self._events.append(Delta(Thought(text)))
        elif kind in MEDIA:
            self._add_parts(step.add_media(block))
        elif block:
            self._note_name("content", kind)
            step.add_block(block)

    def _cite(
        self, step: OpenStep, annotations: list[Any], keep: Callable[[list[Any]], None], offset: int = 0
    ) -> None:
        """Add annotations to a step, and those that were not sent before to the evidence.

        Args:
            step: the step.
            annotations: as sent.
            keep: adds them to the step.
            offset: bytes of the step before the text in which they count.
        """
        sent = [json_safe(each) for each in annotations if isinstance(each, dict)]
        keep(sent)
        new = []
        for each in sent:
            key = hash((*citation_key(step.number, each), offset))  # a number takes less memory
            if key not in self._cited:
                self._cited.add(key)
                new.append(each)
        if not new:
            return
        place = step.place
        if offset and place.start is not None:
            place = place._replace(start=place.start + offset, size=place.size - offset)
        self._events += citations(new, place)

    def _add_parts(self, parts: list[Part]) -> None:
        self._events += [Delta(part) for part in parts]

    def _add_part(self, part: Part | None) -> None:
        if part is not None:
            self._events.append(Delta(part))

    # -- names and notes

    def _index_of(self, value: dict[str, Any], *, new: bool = False) -> int:
        """The index of an event; without a usable one, that of the newest step, or the next one for a new step."""
        index = value.get("index")
        if isinstance(index, str) and len(index) < 11 and index.isdecimal():  # noqa: PLR2004 - digits of the largest
            with suppress(ValueError):
                index = int(index)
        if isinstance(index, float) and index.is_integer():
            index = int(index)
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index <= _LARGEST_INDEX:
            return index
        if index is not None:
            self._note(
                Note(
                    "bad-index",
                    "The index of a step is not a valid number, so the event was read as part of the newest step.",
                )
            )
        if new or self._newest is None:
            return self._begun
        return self._newest.index

    def _note(self, note: Note) -> None:
        if note not in self._noted and len(self._noted) < _MOST_NAMES:
            self._noted.add(note)
            self._events.append(note)

    def _note_name(self, what: str, name: str) -> None:
        """Note an unknown name once."""
        shown = json_safe(name[:_QUOTED])
        key = f"{what} {shown}"
        if key in self._names or len(self._names) >= _MOST_NAMES:
            return
        self._names.add(key)
        label = {"event": "An event", "step": "A step", "delta": "A delta", "content": "Content"}[what]
        message = f"{label} of an unknown type arrived: {shown!r}. It is kept as received."
        self._events.append(Note(f"unknown-{what}", message, "info"))


def interactions_decoder() -> Decoder:
    """The decoder of one answer."""
    return InteractionDecoder()
