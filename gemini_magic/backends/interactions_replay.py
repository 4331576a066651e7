"""Continues a stored stream of the Interactions API: removes from a replay what was received before the cut.

A replay begins after the event that the client names, or at the beginning. Only some events have an id, so a replay usually
repeats events; and it may cut text, arguments and audio into other pieces than the first stream. So neither ids nor
whole events can be compared. Per step and kind of content, as much is skipped as was received since the event from which
the replay begins: text, arguments and audio by their amount, everything else by equality. No I/O.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import blake2b
from itertools import product
from typing import Any, Final

import msgspec

from ..events import Decoded, Note
from ..text import read_json
from .backend import Decoder

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

    def __init__(self, decode: Decoder) -> None:
        self.id = ""
        self.ended = False
        self.repeated = self.new = 0
        self._decode = decode
        self._amounts: dict[tuple[int | None, str | bytes], _Amount] = {}
        self._types: dict[int, str] = {}  # of the steps
        self._cursor: str | None = None
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
                self._advance(value, raw)

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
        found = self._advance(value, raw)
        if found == [raw]:
            self.new += 1
            decoded = self._decode(raw, event)
        elif not found:
            self.repeated += 1
            decoded = Decoded([])
        else:
            self.new += 1
            decoded = _merged([self._decode(each, event) for each in found])
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

    def _advance(self, value: Value, raw: bytes) -> list[bytes]:
        """What is new in an event, as JSON texts of events; the event itself if all is new."""
        if isinstance(value.get("steps"), list) and "index" not in value:
            return self._whole(value)
        ident, is_first = value.get("event_id"), self._is_first
        self._is_first = False
        if is_first and not self._from_start and ident is not None and ident == self._cursor:
            return []  # the replay begins with the event, not after it
        found = self._new_of(value, raw)
        if isinstance(ident, str) and ident:
            # Some servers write the same text into every event.
            self._reliable = self._reliable and ident != self._cursor
            self._cursor = ident
            self._epoch += 1
        return found

    def _new_of(self, value: Value, raw: bytes) -> list[bytes]:
        kind = _kind_of(value)
        if kind in ("created", "completed", "status"):
            return self._new_of_interaction(kind, value, raw)
        index = _index(value)
        if kind == "start" and self._is_input(index, value):
            self._input.add(index)
            return []
        if index in self._input:
            return []
        if self._moved and index is not None and kind != "other":
            index -= self._moved
            value = {**value, "index": index}
            raw = _dumped(value)
        match kind:
            case "start":
                return self._new_of_start(index or 0, value, raw)
            case "delta":
                return self._new_of_delta(index or 0, value, raw)
            case "stop":
                return [raw] if self._is_new(index, "stop") else []
        named = {name: each for name, each in value.items() if name != "event_id"}
        return [raw] if self._is_new(None, _digest(named)) else []

    def _new_of_interaction(self, kind: str, value: Value, raw: bytes) -> list[bytes]:
        interaction = value.get("interaction")
        ident = interaction.get("id") if isinstance(interaction, dict) else value.get("interaction_id")
        if isinstance(ident, str):
            self.id = self.id or ident
        if kind == "created":
            if self._replaying and not self._from_start:  # the server did not take the cursor
                self._restart()
            return [raw] if self._is_new(None, "created") else []
        if kind == "completed":
            self.ended = True
            # Events that belong to no step, such as signs of life, need not be repeated.
            missing = (n is not None and each.sent < each.have for (n, _), each in self._amounts.items())
            self._differs = self._differs or (self._replaying and any(missing))
        return [raw]

    def _new_of_start(self, index: int, value: Value, raw: bytes) -> list[bytes]:
        step = value.get("step")
        step = step if isinstance(step, dict) else {}
        is_new = self._is_new(index, "start")
        if is_new:
            self._types[index] = str(step.get("type"))
        deltas = self._new_content(index, step)
        return [raw] if is_new else [_delta_event(index, each) for each in deltas]

    def _new_of_delta(self, index: int, value: Value, raw: bytes) -> list[bytes]:
        delta = value.get("delta")
        if not isinstance(delta, dict):
            return [raw] if self._is_new(index, _digest(delta)) else []
        found = self._new_delta(index, delta)
        if found is delta:
            return [raw]
        return [] if found is None else [_dumped({**value, "delta": found})]

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
        new = self._new_bytes(index, kind, data)
        if new == len(data):
            return holder
        return {**holder, name: data[len(data) - new :].decode(_TEXT, "surrogatepass")} if new else None

    def _new_audio(self, index: int, delta: Value) -> Value | None:
        try:
            data = b64decode(delta.get("data") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            data = b""
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
            for block in step.get(name) or () if isinstance(step.get(name), list) else ():
                if isinstance(block, dict):
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

    def _is_input(self, index: int | None, value: Value) -> bool:
        """Whether a step of a replay is the user's input, which the first stream does not have."""
        step = value.get("step")
        if not (self._from_start and isinstance(step, dict) and step.get("type") == "user_input"):
            return False
        known = self._types.get((index or 0) - self._moved)
        if known == "user_input":
            return False
        self._moved += known is not None
        return True

    # -- an answer without a stream

    def _whole(self, value: Value) -> list[bytes]:
        """What is new in an answer that has all steps at once, as events."""
        if not self._replaying:
            self.ended = True
            return []
        if not self._from_start:
            self._restart()
        steps = [
            each for each in value["steps"] if isinstance(each, dict) and each.get("type") != "user_input"
        ]
        known = sorted(self._types)
        found: list[bytes] = []
        for number, step in enumerate(steps):
            after = number - len(known)
            index = known[number] if after < 0 else (known[-1] + 1 if known else 0) + after
            found += self._whole_step(index, step)
        self.ended = True
        rest = {name: each for name, each in value.items() if name != "steps"}
        return [*found, _dumped({"event_type": "interaction.completed", "interaction": rest})]

    def _whole_step(self, index: int, step: Value) -> list[bytes]:
        if self._is_new(index, "start"):
            self._is_new(index, "stop")
            start = {"event_type": "step.start", "index": index, "step": step}
            return [_dumped(start), _dumped({"event_type": "step.stop", "index": index})]
        deltas = self._new_content(index, step)
        found: list[bytes] = []
        if self._is_new(index, "stop"):
            deltas += self._rest_of_call(index, step)
            found = [_dumped({"event_type": "step.stop", "index": index})]
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


def resumed_interaction(decode: Decoder) -> ResumedInteraction:
    """A decoder for the replays of a stream that another decoder has begun to read."""
    return ResumedInteraction(decode)


def _parsed(raw: bytes) -> Value | None:
    """The JSON object of an event; None for anything else."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            value = read_json(raw)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


_KINDS: Final = {
    "interaction.created": "created",
    "interaction.start": "created",
    "interaction.completed": "completed",
    "interaction.complete": "completed",
    "interaction.status_update": "status",
    "interaction.in_progress": "status",
    "interaction.requires_action": "status",
    "step.start": "start",
    "content.start": "start",
    "step.delta": "delta",
    "content.delta": "delta",
    "step.stop": "stop",
    "content.stop": "stop",
}


def _kind_of(value: Value) -> str:
    """What an event is about, by its name, or by its fields if it has no name."""
    name = value.get("event_type") or value.get("type")
    if name is not None:
        return _KINDS.get(name, "other") if isinstance(name, str) else "other"
    if isinstance(value.get("delta"), dict):
        return "delta"
    if isinstance(value.get("step"), dict):
        return "start"
    if isinstance(interaction := value.get("interaction"), dict):
        return "created" if interaction.get("status") == "in_progress" else "completed"
    return "other"


def _index(value: Value) -> int | None:
    index = value.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _digest(value: Any) -> bytes:
    """Bytes that are equal for equal JSON values, also if their fields are in another order."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (RecursionError, TypeError):
        text = "nested too deeply"
    return blake2b(text.encode(), digest_size=16).digest()


def _delta_event(index: int, delta: Value) -> bytes:
    return _dumped({"event_type": "step.delta", "index": index, "delta": delta})


def _dumped(value: Value) -> bytes:
    """A JSON text; half characters are escaped."""
    return json.dumps(value).encode()


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
