"""Continues a stored stream of the Interactions API: removes from a replay what was received before the cut.

A replay begins after the event that the client names, or at the beginning. Only some events have an id, so a replay usually
repeats events; and it may cut text, arguments and audio into other pieces than the first stream. So neither ids nor
whole events can be compared. Per step and kind of content, as much is skipped as was received since the event from which
the replay begins: text, arguments and audio by their amount, everything else by equality. No I/O.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from hashlib import blake2b
from itertools import product
from typing import Any, Final

from ..events import Decoded, Note
from .interactions_decode import InteractionDecoder
from .interactions_errors import RUNNING
from .interactions_events import event_name
from .interactions_state import stored_id, stream_cursor
from .wire_values import base64_bytes, object_of, objects_of, read_value, text_of

__all__ = ["ResumedInteraction", "resumed_interaction"]

_DIFFERS: Final = Note(
    "resumed-differs",
    "The server repeated the answer with other content than before the connection was lost, so the two parts may not fit "
    "together.",
    "warning",
)
_TEXT: Final = "utf-16-le"  # a piece may end with half a character, which is one unit there
_CONTENT: Final = ("content", "summary")  # of a step, in its start and in an answer without a stream

Value = dict[str, Any]


class _Amount:
    """How much of one kind of content was received, and how much of it the present stream has sent.

    Attributes:
        data: the content as bytes; empty for content that is counted only.
        have: bytes, or number of equal values, that were received.
        sent: how much of that the present stream has sent; ``mark``: the same at its newest event with an id, where
            ``epoch`` is the number of that event.
    """

    __slots__ = ("data", "epoch", "have", "mark", "sent")

    def __init__(self) -> None:
        self.data = bytearray()
        self.have = self.sent = self.mark = 0
        self.epoch = -1

    def advance(self, amount: int, epoch: int) -> int:
        """The stream sends so much more; returns how much of it is new."""
        if self.epoch != epoch:
            self.epoch, self.mark = epoch, self.sent
        self.sent += amount
        new = max(0, self.sent - self.have)
        self.have = max(self.have, self.sent)
        return new


class ResumedInteraction:
    """Decodes the replays of one stored stream as if they were its continuation.

    It is made when a stream was cut: :meth:`learn` is called with the events received so far, and :meth:`begin` before
    each replay.

    Args:
        decode: the decoder of the first stream, which goes on with what is new.

    Attributes:
        id: the id of the interaction; empty until an event had one.
        ended: whether the last event of the interaction was received.
        repeated: events of the present replay that brought nothing new; ``new``: those that did.
    """

    def __init__(self, decode: InteractionDecoder) -> None:
        self.id = ""
        self.ended = False
        self.repeated = self.new = 0
        self._decode = decode
        self._amounts: dict[tuple[int | None, str | bytes], _Amount] = {}
        self._types: dict[int, str] = {}  # of the steps
        self._cursor: str | None = None
        self._newest: Value = {}  # the event with it
        self._reliable = True  # ids identify events
        self._epoch = 0  # number of the newest event with an id
        self._replaying = self._from_start = self._is_first = self._differs = False
        self._moved = 0  # steps that a replay has before ours
        self._input: set[int] = set()  # steps of the user in a replay, as the server numbers them
        self._noted = False

    @property
    def cursor(self) -> str | None:
        """The id of the newest event that has one; None if the server can only begin at the beginning."""
        return self._cursor if self._reliable else None

    def learn(self, events: Iterable[bytes]) -> None:
        """Read the JSON texts of events that were decoded before, in order."""
        for raw in events:
            if (value := _parsed(raw)) is not None:
                self._advance(event_name(value), value)

    def begin(self, cursor: str | None) -> None:
        """A replay begins.

        Args:
            cursor: the event after which it begins; None for the beginning.
        """
        self.repeated = self.new = 0
        self._replaying = self._is_first = True
        if cursor is None or cursor != self._cursor:
            self._restart()
            return
        self._from_start = False
        for amount in self._amounts.values():
            if amount.epoch == self._epoch:
                amount.sent = amount.mark

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode the new content of one event; never raises."""
        value = _parsed(raw)
        if value is None:
            return self._decode(raw, event)
        name = event_name(value, event)
        found = self._advance(name, value)
        self.new += bool(found)
        self.repeated += not found
        if not found:
            decoded = Decoded([], cursor=self._cursor)
        elif found[0] is value:
            decoded = self._decode.read(name, value)
        else:
            decoded = _merged([self._decode.read(event_name(each, event), each) for each in found])
        if self._differs and not self._noted:
            self._noted = True
            decoded.events.append(_DIFFERS)
        return decoded

    # -- events

    def _restart(self) -> None:
        """The stream begins at the beginning again."""
        self._cursor = None
        self._epoch += 1
        self._moved = 0
        self._input.clear()
        self._from_start = True
        for amount in self._amounts.values():
            amount.sent = 0

    def _advance(self, name: str, value: Value) -> list[Value]:
        """What is new in an event, as events; the event itself if all is new."""
        if name == "interaction":
            return self._whole(value)
        ident, is_first = value.get("event_id"), self._is_first
        self._is_first = False
        begins = name == "interaction.created"  # the stream: such a replay does not begin at the cursor
        if is_first and not self._from_start and ident is not None and value == self._newest and not begins:
            return []  # the replay begins with the event, not after it
        found = self._new_of(name, value)
        if (cursor := stream_cursor(ident)) is not None:
            # Some servers write the same text into every event.
            self._reliable = self._reliable and cursor != self._cursor
            self._cursor, self._newest = cursor, value
            self._epoch += 1
        return found

    def _new_of(self, name: str, value: Value) -> list[Value]:
        if name.startswith("interaction."):
            return self._new_of_interaction(name, value)
        index = _index(value)
        if name == "step.start" and self._is_input(index, value):
            self._input.add(index)
            self._reliable = False  # after an id, the steps may have the numbers of the first stream again
            return []
        if index in self._input and name.startswith("step."):
            return []
        if self._moved and name.startswith("step."):
            index -= self._moved
            value = {**value, "index": index}
        match name:
            case "step.start":
                return self._new_of_start(index, value)
            case "step.delta":
                return self._new_of_delta(index, value)
            case "step.stop":
                return [value] if self._is_new(index, "stop") else []
        named = {key: each for key, each in value.items() if key != "event_id"}
        return [value] if self._is_new(None, _digest(named)) else []

    def _new_of_interaction(self, name: str, value: Value) -> list[Value]:
        interaction = value.get("interaction")
        ident = interaction.get("id") if isinstance(interaction, dict) else value.get("interaction_id")
        self.id = self.id or stored_id(ident) or ""
        if name == "interaction.created":
            if self._replaying and not self._from_start:  # the server did not take the cursor
                self._restart()
            return [value] if self._is_new(None, "created") else []
        if name == "interaction.completed":
            self.ended = True
            # Events that belong to no step, such as signs of life, need not be repeated.
            missing = (n is not None and each.sent < each.have for (n, _), each in self._amounts.items())
            self._differs = self._differs or (self._replaying and any(missing))
        return [value]

    def _new_of_start(self, index: int, value: Value) -> list[Value]:
        step = object_of(value.get("step"))
        is_new = self._is_new(index, "start")
        if is_new:
            self._types[index] = str(step.get("type"))
        deltas = self._new_content(index, step)
        return [value] if is_new else [_delta_event(index, each) for each in deltas]

    def _new_of_delta(self, index: int, value: Value) -> list[Value]:
        delta = value.get("delta")
        if not isinstance(delta, dict):
            return [value] if self._is_new(index, _digest(delta)) else []
        found = self._new_delta(index, delta)
        if found is delta:
            return [value]
        return [] if found is None else [{**value, "delta": found}]

    def _new_delta(self, index: int, delta: Value) -> Value | None:
        """What is new in a delta: the delta itself, a part of it, or None."""
        match delta.get("type"):
            case "text":
                return self._new_text(index, "text", delta, "text")
            case "thought_summary" if isinstance(content := delta.get("content"), dict) and "text" in content:
                found = self._new_text(index, "summary", content, "text")
                return delta if found is content else None if found is None else {**delta, "content": found}
            case "arguments_delta":
                return self._new_text(index, "arguments", delta, "arguments")
            case "audio":
                return self._new_audio(index, delta)
            case "text_annotation_delta" | "text_annotation" if isinstance(delta.get("annotations"), list):
                given = delta["annotations"]
                new = [each for each in given if self._is_new(index, _digest(each))]
                return delta if len(new) == len(given) else {**delta, "annotations": new} if new else None
        return delta if self._is_new(index, _digest(delta)) else None

    def _new_text(self, index: int, kind: str, holder: Value, name: str) -> Value | None:
        text = holder.get(name)
        if not isinstance(text, str):
            return holder if self._is_new(index, _digest(holder)) else None
        data = text.encode(_TEXT, "surrogatepass")
        if not data:  # it has no amount; in a step that has ended, it would begin another one
            amount, stop = self._amount(index, kind), self._amount(index, "stop")
            return holder if amount.sent >= amount.have and not stop.have else None
        new = self._new_bytes(index, kind, data)
        if new == len(data):
            return holder
        return {**holder, name: data[len(data) - new :].decode(_TEXT, "surrogatepass")} if new else None

    def _new_audio(self, index: int, delta: Value) -> Value | None:
        given = delta.get("data")
        data = base64_bytes(given) if isinstance(given, str) else None
        if not data:
            return delta if self._is_new(index, _digest(delta)) else None
        new = self._new_bytes(index, f"audio {delta.get('mime_type')}", data)
        if new == len(data):
            return delta
        return {**delta, "data": b64encode(data[len(data) - new :]).decode()} if new else None

    def _new_bytes(self, index: int, kind: str, data: bytes) -> int:
        """How many bytes at the end of a piece are new."""
        amount = self._amount(index, kind)
        start = amount.sent
        new = amount.advance(len(data), self._epoch)
        repeated = len(data) - new
        if repeated and amount.data[start : start + repeated] != data[:repeated]:
            self._differs = True
        amount.data += data[repeated:]
        return new

    def _new_content(self, index: int, step: Value) -> list[Value]:
        """What is new in the content and the summary of a step, as deltas."""
        found: list[Value] = []
        for name in _CONTENT:
            for block in objects_of(step.get(name)):
                found += self._new_block(index, name, block)
        return found

    def _new_block(self, index: int, name: str, block: Value) -> list[Value]:
        if not isinstance(block.get("text"), str):
            delta = block if name == "content" else {"type": "thought_summary", "content": block}
            new = self._new_delta(index, delta)
            return [] if new is None else [new]
        kind = "text" if name == "content" else "summary"
        text = self._new_text(index, kind, {"text": block["text"]}, "text")
        found: list[Value] = []
        if text is not None:
            content = {"type": "text", **text}
            found.append(content if name == "content" else {"type": "thought_summary", "content": content})
        annotations = block.get("annotations")
        if isinstance(annotations, list):
            new = self._new_delta(index, {"type": "text_annotation_delta", "annotations": annotations})
            found += [] if new is None else [new]
        return found

    def _is_new(self, index: int | None, kind: str | bytes) -> bool:
        """Whether an event of a kind that is not divided was not received before."""
        return self._amount(index, kind).advance(1, self._epoch) > 0

    def _amount(self, index: int | None, kind: str | bytes) -> _Amount:
        key = (index, kind)
        found = self._amounts.get(key)
        if found is None:
            found = self._amounts[key] = _Amount()
        return found

    def _is_input(self, index: int, value: Value) -> bool:
        """Whether a step of a replay is the user's input, which the first stream does not have."""
        if not self._from_start or object_of(value.get("step")).get("type") != "user_input":
            return False
        known = self._types.get(index - self._moved)
        if known == "user_input":
            return False
        self._moved += known is not None
        return True

    # -- an answer without a stream

    def _whole(self, value: Value) -> list[Value]:
        """What is new in an answer that has all steps at once, as events. The server may still be working on it."""
        ident, ended = value.get("id"), text_of(value.get("status")) not in RUNNING
        self.id = self.id or stored_id(ident) or ""
        steps = [each for each in objects_of(value.get("steps")) if each.get("type") != "user_input"]
        if not self._replaying:
            self.ended = ended
            for index, step in enumerate(steps):
                self._whole_step(index, step, ended=True)
            return [value]
        if not self._from_start:
            self._restart()
        known = sorted(self._types)
        found: list[Value] = []
        for number, step in enumerate(steps):
            after = number - len(known)
            index = known[number] if after < 0 else (known[-1] + 1 if known else 0) + after
            found += self._whole_step(index, step, ended=ended)
        self.ended = ended
        rest = {name: each for name, each in value.items() if name != "steps"}
        name = "interaction.completed" if ended else "interaction.status_update"
        return [*found, {"event_type": name, "interaction": rest}]

    def _whole_step(self, index: int, step: Value, *, ended: bool) -> list[Value]:
        """What is new in a step, as events; a step of an answer that has not ended stays open."""
        stop = [{"event_type": "step.stop", "index": index}]
        if self._is_new(index, "start"):
            self._new_content(index, step)
            start = {"event_type": "step.start", "index": index, "step": step}
            return [start, *(stop if ended and self._is_new(index, "stop") else [])]
        deltas = self._new_content(index, step)
        found: list[Value] = []
        if ended and self._is_new(index, "stop"):
            deltas += self._rest_of_call(index, step)
            found = stop
        return [*(_delta_event(index, each) for each in deltas), *found]

    def _rest_of_call(self, index: int, step: Value) -> list[Value]:
        """The fields of a step that was not received to its end, as deltas."""
        fields = {name: each for name, each in step.items() if name not in _CONTENT}
        received = self._amounts.get((index, "arguments"))
        if received is None:
            signature = fields.get("signature")
            if step.get("type") == "thought":
                return [{"type": "thought_signature", "signature": signature}] if signature else []
            return [] if step.get("type") == "model_output" else [fields]
        start = bytes(received.data).decode(_TEXT, "surrogatepass")
        for separators, ascii_only in product(((", ", ": "), (",", ":")), (True, False)):
            text = json.dumps(fields.get("arguments"), ensure_ascii=ascii_only, separators=separators)
            if text.startswith(start):
                received.sent = received.have
                return [{"type": "arguments_delta", "arguments": text[len(start) :]}]
        self._differs = True
        return []


def resumed_interaction(decode: InteractionDecoder) -> ResumedInteraction:
    """A decoder for the replays of a stream that another decoder has begun to read."""
    return ResumedInteraction(decode)


def _parsed(raw: bytes) -> Value | None:
    """The JSON object of an event; None for anything else."""
    try:
        value = read_value(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _index(value: Value) -> int:
    """The index of the step of an event; -1 if it has none."""
    index = value.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) else -1


def _digest(value: Any) -> bytes:
    """Bytes that are equal for equal JSON values, also if their fields are in another order."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (RecursionError, TypeError):
        text = "nested too deeply"
    return blake2b(text.encode(), digest_size=16).digest()


def _delta_event(index: int, delta: Value) -> Value:
    return {"event_type": "step.delta", "index": index, "delta": delta}


def _merged(decoded: list[Decoded]) -> Decoded:
    """Several decoded events as one."""
    found = Decoded([])
    for each in decoded:
        found.events += each.events
        for name in ("model_version", "response_id", "continuation", "cursor"):
            if (value := getattr(each, name, None)) is not None:
                setattr(found, name, value)
        if each.extras is not None:
            found.extras = {**(found.extras or {}), **each.extras}
        found.lost = found.lost or each.lost
    return found
