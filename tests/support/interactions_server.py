"""A server on 127.0.0.1 with the Interactions API, which stores interactions and replays their streams, for tests.

It is the fake server of `fake_server` with five more requests: create (stream, unary, background), get (also as a
stream after `last_event_id`), cancel, delete. Streams have the wire format of the recorded ones: LF, an `event:` and a
`data:` line, `[DONE]` at the end. It imports nothing from gemini_magic.

    with InteractionsServer() as server:
        server.plan(answer(thought("Hm."), text("Hello, ", "world.")), cuts=(4,), ids=3)
        ...     # the first create is cut after four events, a GET with stream=true replays the rest

Each create takes the next plan; without one, `server.default`. A queued `script` answers a create before any plan, for
responses that are wrong on purpose; nothing is stored then.
"""

from __future__ import annotations

import copy
import json
import re
import socket
import struct
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import fake_server
from fake_server import Exchange, FakeServer, Recorded, Script, Step, _EndConnection, status

Event = dict[str, Any]
End = Literal["close", "end", "done", "reset", "stall"]

USAGE: Final = {
    "total_tokens": 40,
    "total_input_tokens": 10,
    "total_output_tokens": 20,
    "total_thought_tokens": 5,
    "total_tool_use_tokens": 5,
    "total_cached_tokens": 0,
}
_ENDED = (
    "completed",
    "failed",
    "cancelled",
    "incomplete",
    "requires_action",
    "requires_continuation",
    "budget_exceeded",
)
_FIELDS = frozenset(
    [
        "model",
        "agent",
        "agent_config",
        "input",
        "system_instruction",
        "generation_config",
        "response_format",
        "tools",
        "previous_interaction_id",
        "store",
        "stream",
        "background",
        "service_tier",
        "continuation_token",
        "safety_settings",
        "labels",
        "webhook_config",
        "environment",
        "cached_content",
        "response_mime_type",
        "response_modalities",
    ]
)
_PIECES = {
    "text": "text",
    "thought_summary": "text",
    "arguments_delta": "arguments",
}  # deltas that come in pieces


# ------------------------------------------------------------------------------------------- answers


def step(kind: str, *deltas: Event, **fields: Any) -> list[Event]:
    """A step: its start with these fields, its deltas, its stop. Its index is set by `answer`."""
    return [
        {"event_type": "step.start", "step": {"type": kind, **fields}},
        *({"event_type": "step.delta", "delta": delta} for delta in deltas),
        {"event_type": "step.stop"},
    ]


def text(*pieces: str, start: str = "", cites: Sequence[Event] = ()) -> list[Event]:
    """A step of the model's output; `start` is text inside its `step.start`, `cites` are its annotations."""
    deltas: list[Event] = [{"type": "text", "text": piece} for piece in pieces]
    if cites:
        deltas.append({"type": "text_annotation_delta", "annotations": list(cites)})
    fields = {"content": [{"type": "text", "text": start}]} if start else {}
    return step("model_output", *deltas, **fields)


def thought(*pieces: str, signature: str = "c2ln") -> list[Event]:
    """A thought with its summary in pieces and its signature."""
    deltas: list[Event] = [
        {"type": "thought_summary", "content": {"type": "text", "text": piece}} for piece in pieces
    ]
    return step("thought", *deltas, {"type": "thought_signature", "signature": signature})


def call(name: str, arguments: Mapping[str, Any], *, id: str = "call_1", size: int = 6) -> list[Event]:  # noqa: A002 - the wire's word
    """A function call whose arguments come in pieces of `size` characters."""
    whole = json.dumps(arguments)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    deltas: list[Event] = [{"type": "arguments_delta", "arguments": piece} for piece in pieces]
    return step("function_call", *deltas, id=id, name=name, arguments={})


def search(query: str, *, id: str = "search_1") -> list[Event]:  # noqa: A002 - the wire's word
    """A search of the server: its call and its result, as two steps."""
    result = [{"search_suggestions": "<div>chips</div>"}]
    return [
        *step("google_search_call", {"type": "google_search_call", "arguments": {"queries": [query]}}, id=id),
        *step("google_search_result", {"type": "google_search_result", "result": result}, call_id=id),
    ]


def picture(data: str, mime: str = "image/png") -> list[Event]:
    """A step with one picture, as base64."""
    return step("model_output", {"type": "image", "mime_type": mime, "data": data})


def answer(
    *steps: Sequence[Event], status: str = "completed", usage: Event | None = None, **last: Any
) -> list[Event]:
    """The events of a whole stream with these steps.

    Args:
        steps: what `text`, `thought`, `call`, `search`, `picture` or `step` return.
        status: how the interaction ends.
        usage: the final usage; `USAGE` if it is None.
        last: more fields of the interaction in the last event, such as `continuation_token`.
    """
    events: list[Event] = [
        {
            "event_type": "interaction.created",
            "interaction": {"status": "in_progress", "object": "interaction"},
        },
        {"event_type": "interaction.status_update", "status": "in_progress"},
    ]
    index = -1
    for each in steps:
        for event in each:
            index += event["event_type"] == "step.start"
            events.append({**event, "index": index})
    interaction = {"status": status, "usage": usage or dict(USAGE), "object": "interaction", **last}
    return [*events, {"event_type": "interaction.completed", "interaction": interaction}]


def stream_of(events: Sequence[Event], *, done: bool = True) -> bytes:
    """The body of these events as the server sends it."""
    return b"".join(map(sse, events)) + (DONE if done else b"")


def sse(event: Event) -> bytes:
    """One event as the server sends it."""
    data = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    name = event.get("event_type")
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


DONE: Final = b"event: done\ndata: [DONE]\n\n"


def refusal(code: int, word: str, message: str) -> Step:
    """An error in the shape of this API: a word as its code, no status and no details."""
    return status(code, {"Content-Type": "application/json"}, _error(word, message))


def _error(word: str, message: str) -> bytes:
    return json.dumps({"error": {"message": message, "code": word}}).encode()


# -------------------------------------------------------------------------------------------- server


@dataclass
class Plan:
    """How one interaction goes.

    Attributes:
        events: its stream; the server adds ids, the model and the times.
        ids: every so many events have an `event_id`; 0: no event has one.
        cuts: after how many events of each response with a stream the connection ends: the create, then each get. A
            response beyond them is whole.
        end: how a cut ends the connection: `close` in mid-event, `end` the body properly, `done` the same with `[DONE]`,
            `reset`, or `stall` until the client leaves.
        tail: steps that end the connection in place of `end`.
        pieces: a replay cuts text and arguments into pieces of so many characters; 0: as in the first stream.
        starts: a replay puts the first text of a step into its `step.start`.
        echo: a replay from the beginning has the user's input as its step 0, and the other steps move.
        unrepeated: numbers of events that a replay leaves out, such as an error of the first connection.
        states: the status at each look before the last one of a background interaction.
        gates: gates for which an event waits, by its number; `server.open(name)` opens one.
        id: the id; None for the next one.
        steps: the steps of the unary form; None: those of the events.
        model: the model whose create it answers; None for any.
    """

    events: Sequence[Event]
    ids: int = 1
    cuts: Sequence[int] = ()
    end: End = "close"
    tail: Sequence[Step] = ()
    pieces: int = 0
    starts: bool = False
    echo: bool = False
    unrepeated: Sequence[int] = ()
    states: Sequence[str] = ("in_progress",)
    gates: Mapping[int, str] = field(default_factory=dict)
    id: str | None = None
    steps: list[Event] | None = None
    model: str | None = None


@dataclass
class Interaction:
    """A stored interaction.

    Attributes:
        id: its id; empty if it is not stored.
        request: the body of its create.
        plan: how it goes.
        events: the events of its stream, with ids.
        responses: how many responses with its stream have begun.
        looks: how often its state was read without a stream.
        cancelled: whether it was cancelled before its end.
        followed: whether a stream of it has been sent to its end.
    """

    id: str
    request: dict[str, Any]
    plan: Plan
    events: list[Event]
    responses: int = 0
    looks: int = 0
    cancelled: bool = False
    followed: bool = False

    @property
    def background(self) -> bool:
        return bool(self.request.get("background"))

    @property
    def status(self) -> str:
        """The status that a look shows now."""
        if self.cancelled:
            return "cancelled"
        if self.background and not self.followed and self.looks <= len(self.plan.states):
            return self.plan.states[max(0, self.looks - 1)]
        return self.final["status"]

    @property
    def final(self) -> dict[str, Any]:
        """The interaction of the last event."""
        return next(
            (event["interaction"] for event in reversed(self.events) if "interaction" in event),
            {"status": "failed"},
        )

    def value(self) -> dict[str, Any]:
        """The unary form of the interaction as it is now."""
        now = self.status
        ended = now in _ENDED
        value: dict[str, Any] = {**self.final, "status": now, **self._names()}
        if not ended:
            value.pop("usage", None)
        if not self.id:
            del value["id"]
        value["steps"] = (self.plan.steps or folded(self.events)) if ended and not self.cancelled else []
        return value

    def _names(self) -> dict[str, Any]:
        named = {key: self.request[key] for key in ("model", "agent") if key in self.request}
        times = {"created": "2026-11-29T10:00:00Z", "updated": "2026-11-29T10:00:05Z"}
        return {**({"id": self.id} if self.id else {}), "object": "interaction", **named, **times}

    def after(self, cursor: str | None) -> int | None:
        """The number of the first event of a replay; None for a cursor that is not known."""
        if not cursor:
            return 0
        found = [n for n, event in enumerate(self.events) if event.get("event_id") == cursor]
        return found[-1] + 1 if found else None


class InteractionsServer(FakeServer):
    """See the module; a context manager.

    Attributes:
        default: the plan of a create for which no plan is queued.
        interactions: the stored interactions by id.
        made: all interactions in the order of their creation, also those that are not stored.
        deleted, cancelled: the ids that were deleted or cancelled, in order.
        ignores_cursor: a get replays from the beginning, whatever its `last_event_id` is.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.default = Plan(answer(text("Hello", ", world.")))
        self.interactions: dict[str, Interaction] = {}
        self.made: list[Interaction] = []
        self.deleted: list[str] = []
        self.cancelled: list[str] = []
        self.ignores_cursor = False
        self._plans: deque[Plan] = deque()
        self._faults: dict[str, deque[Script]] = {}

    # -- called by tests

    def plan(self, events: Sequence[Event], **how: Any) -> None:
        """How the next interaction goes: its events, and fields of `Plan`. Several calls are for those after it."""
        with self._changed:
            self._plans.append(Plan(events, **how))

    def fail(self, request: str, *steps: Step, times: int = 1) -> None:
        """Answer the next requests of a kind with these steps in place of the right answer.

        Args:
            request: `create`, `get` (a look), `stream` (a get with a stream), `cancel` or `delete`.
            steps: for instance `refusal(503, "service_unavailable", "Busy.")` or `hang_up()`.
            times: how many requests fail.
        """
        with self._changed:
            self._faults.setdefault(request, deque()).extend([Script(steps)] * times)

    def asked(self, request: str) -> list[Recorded]:
        """The requests of a kind so far; the kinds are those of `fail`."""
        return [each for each in list(self.requests) if kind_of(each) == request]

    def requests_for(self, name: str) -> list[Recorded]:
        """The requests for this model so far, whether the path or the body names it."""
        asked = [each for each in list(self.requests) if kind_of(each) == "create"]
        return [
            *super().requests_for(name),
            *(each for each in asked if (each.body or {}).get("model") == name),
        ]

    def forget_all(self) -> None:
        super().forget_all()
        with self._changed:
            for each in (
                self.interactions,
                self.made,
                self.deleted,
                self.cancelled,
                self._plans,
                self._faults,
            ):
                each.clear()
            self.ignores_cursor = False

    # -- answers

    def _select_script(self, request: Recorded) -> Script:
        kind = kind_of(request)
        if kind is None:
            return super()._select_script(request)
        if faults := self._faults.get(kind):
            return faults.popleft()
        if kind == "create":
            if self._queue:
                return self._sse(self._queue.popleft())
            if scripts := self._models.get((request.body or {}).get("model")):
                return self._sse(scripts.popleft() if len(scripts) > 1 else scripts[0])
            return self._create(request)
        found = self.interactions.get(_id_of(request))
        if found is None:
            return Script([refusal(404, "not_found", "Interaction not found.")])
        return getattr(self, f"_{kind}")(found, request)

    @staticmethod
    def _sse(script: Script) -> Script:
        def prepare(exchange: Exchange) -> None:
            exchange.array = False

        return Script([prepare, *script.steps], **{k: v for k, v in vars(script).items() if k != "steps"})

    def _create(self, request: Recorded) -> Script:
        body = request.body
        problem = self._problem(body)
        if problem is not None:
            return Script([problem])
        plan = next((each for each in self._plans if each.model in (None, body.get("model"))), self.default)
        if plan is not self.default:
            self._plans.remove(plan)
        stored = body.get("store", True)
        ident = (plan.id or f"v1_{len(self.made) + 1:024d}") if stored else ""
        interaction = Interaction(ident, body, plan, _stamped(plan, ident, body))
        self.made.append(interaction)
        if stored:
            self.interactions[ident] = interaction
        if body.get("stream"):
            return self._streamed(interaction, interaction.events)
        return _json(interaction.value())

    def _problem(self, body: Any) -> Step | None:
        """Why the request is not valid, as a refusal."""
        if not isinstance(body, dict):
            return refusal(400, "invalid_request", "The request is not a JSON object.")
        if unknown := sorted(set(body) - _FIELDS):
            return refusal(400, "parameter_unknown", f"Unknown parameter: '{unknown[0]}'.")
        if ("model" in body) == ("agent" in body):
            return refusal(400, "invalid_request", "Exactly one of 'model' and 'agent' is required.")
        if "input" not in body and "continuation_token" not in body:
            return refusal(400, "invalid_request", "'input' is required.")
        if body.get("background") and body.get("store") is False:
            return refusal(400, "invalid_request", "'background' requires 'store'.")
        previous = body.get("previous_interaction_id")
        if previous is None:
            return None
        if previous not in self.interactions:
            return refusal(404, "not_found", "Previous interaction not found.")
        if self.interactions[previous].status not in _ENDED:
            return refusal(400, "invalid_request", "The previous interaction is in progress.")
        return None

    def _get(self, interaction: Interaction, request: Recorded) -> Script:
        interaction.looks += 1
        value = interaction.value()
        if value["steps"]:
            value["steps"] = [_user_input(interaction), *value["steps"]]
        return _json(value)

    def _stream(self, interaction: Interaction, request: Recorded) -> Script:
        cursor = None if self.ignores_cursor else request.query.get("last_event_id")
        first = interaction.after(cursor)
        if first is None:
            return Script([refusal(400, "invalid_request", f"Invalid last_event_id: '{cursor}'.")])
        left = [
            each
            for n, each in enumerate(interaction.events)
            if n >= first and n not in interaction.plan.unrepeated
        ]
        events = replayed(left, interaction.plan)
        if first == 0 and interaction.plan.echo:
            events = _with_input(events, interaction)
        return self._streamed(interaction, events)

    def _cancel(self, interaction: Interaction, request: Recorded) -> Script:
        self.cancelled.append(interaction.id)
        interaction.cancelled = interaction.cancelled or not interaction.followed
        for connection in list(self._connections):
            connection.wake()
        return _json(interaction.value())

    def _delete(self, interaction: Interaction, request: Recorded) -> Script:
        self.deleted.append(interaction.id)
        del self.interactions[interaction.id]
        return _json({})

    def _streamed(self, interaction: Interaction, events: Sequence[Event]) -> Script:
        plan, number = interaction.plan, interaction.responses
        interaction.responses += 1
        limit = plan.cuts[number] if number < len(plan.cuts) else None
        gates = {id(interaction.events[n]): name for n, name in plan.gates.items()}

        def run(exchange: Exchange) -> None:
            exchange.array = False
            exchange.send_head()
            for sent, event in enumerate(events):
                if limit is not None and sent >= limit:
                    for step in plan.tail:
                        step(exchange)
                    if not plan.tail:
                        _cut(exchange, plan.end, event)
                    return
                self._await(exchange, interaction, gates.get(event.get("was", id(event))))
                if interaction.cancelled:
                    last = {**interaction.final, "status": "cancelled", "id": interaction.id}
                    exchange.send(sse({"event_type": "interaction.completed", "interaction": last}) + DONE)
                    return
                exchange.send(sse({key: value for key, value in event.items() if key != "was"}))
            interaction.followed = True
            exchange.send(DONE)

        return Script([run], content_type=fake_server.SSE)

    def _await(self, exchange: Exchange, interaction: Interaction, gate: str | None) -> None:
        if gate is not None:
            exchange.connection.wait(lambda: self.is_open(gate) or interaction.cancelled, None)


def kind_of(request: Recorded) -> str | None:
    """The kind of a request for interactions: create, get, stream, cancel or delete; None for another one."""
    found = re.search(r"/interactions(?:/([^/:]+)(?:[/:](cancel))?)?$", request.path)
    if found is None:
        return None
    if found[1] is None:
        return "create" if request.method == "POST" else None
    if found[2]:
        return "cancel"
    if request.method == "DELETE":
        return "delete"
    return "stream" if request.query.get("stream") == "true" else "get"


def _id_of(request: Recorded) -> str:
    return re.sub(r"^.*/interactions/|[/:]cancel$", "", request.path)


def _json(value: object) -> Script:
    return Script([status(200, {"Content-Type": "application/json"}, json.dumps(value).encode())])


def _cut(exchange: Exchange, end: End, event: Event) -> None:
    """End a response before this event."""
    if end == "end":
        return
    if end == "done":
        exchange.send(DONE)
        return
    if end == "stall":
        exchange.wait(None)
    if end == "reset":
        exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _EndConnection
    part = sse(event)
    part = part[: len(part) * 2 // 3]
    exchange.socket.sendall(b"%x\r\n%b" % (len(part) + 999, part))
    raise _EndConnection


def _stamped(plan: Plan, ident: str, body: dict[str, Any]) -> list[Event]:
    """The events of a plan with the interaction's id, its model and the ids of events."""
    named = {key: body[key] for key in ("model", "agent") if key in body}
    events = copy.deepcopy(list(plan.events))
    for n, event in enumerate(events):
        if "interaction" in event:
            event["interaction"] = {"id": ident, **named, **event["interaction"]}
        if event["event_type"] == "interaction.status_update":
            event["interaction_id"] = ident
        if plan.ids and n % plan.ids == plan.ids - 1 and "event_id" not in event:
            event["event_id"] = f"evt_{n:06d}"
    return events


def folded(events: Sequence[Event]) -> list[Event]:
    """The steps of a stream as an answer without streaming has them."""
    steps: dict[int, Event] = {}
    joined: dict[int, str] = {}
    for event in events:
        index = event.get("index", 0)
        if event["event_type"] == "step.start":
            steps[index] = copy.deepcopy(event["step"])
        elif event["event_type"] == "step.delta":
            _fold(steps.setdefault(index, {"type": "model_output"}), event["delta"], joined, index)
    for index, whole in joined.items():
        steps[index]["arguments"] = json.loads(whole)
    return [steps[index] for index in sorted(steps)]


def _fold(into: Event, delta: Event, joined: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text":
            content = into.setdefault("content", [])
            if content and content[-1]["type"] == "text":
                content[-1]["text"] += delta["text"]
            else:
                content.append(dict(delta))
        case "thought_summary":
            summary = into.setdefault("summary", [dict(delta["content"]) | {"text": ""}])
            summary[-1]["text"] += delta["content"]["text"]
        case "thought_signature":
            into["signature"] = delta["signature"]
        case "arguments_delta":
            joined[index] = joined.get(index, "") + delta["arguments"]
        case "text_annotation_delta":
            into["content"][-1].setdefault("annotations", []).extend(delta["annotations"])
        case "image" | "audio" | "video" | "document":
            into.setdefault("content", []).append(dict(delta))
        case _:
            into |= {key: value for key, value in delta.items() if key != "type"}


def replayed(events: Sequence[Event], plan: Plan) -> list[Event]:
    """The events as a replay sends them: in other pieces if the plan says so. Ids keep their place."""
    found = _recut(events, plan.pieces) if plan.pieces else list(events)
    return _started(found) if plan.starts else found


def _recut(events: Sequence[Event], size: int) -> list[Event]:
    found: list[Event] = []
    held: list[Event] = []

    def release() -> None:
        if held:
            found.extend(_pieces(held, size))
            held.clear()

    for event in events:
        kind = _piece_kind(event)
        if held and (kind is None or (kind, event["index"]) != (_piece_kind(held[-1]), held[-1]["index"])):
            release()
        if kind is None:
            found.append(event)
            continue
        held.append(event)
        if "event_id" in event:
            release()
    release()
    return found


def _piece_kind(event: Event) -> str | None:
    kind = event.get("delta", {}).get("type")
    return kind if kind in _PIECES else None


def _pieces(held: Sequence[Event], size: int) -> list[Event]:
    kind = _piece_kind(held[0])
    assert kind is not None
    whole = "".join(_text_of(event["delta"]) for event in held)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)] or [""]
    found: list[Event] = []
    for piece in pieces:
        event = copy.deepcopy({key: value for key, value in held[-1].items() if key != "event_id"})
        _set_text(event["delta"], piece)
        event["was"] = id(held[-1])
        found.append(event)
    if "event_id" in held[-1]:
        found[-1]["event_id"] = held[-1]["event_id"]
    return found


def _text_of(delta: Event) -> str:
    return delta["content"]["text"] if delta["type"] == "thought_summary" else delta[_PIECES[delta["type"]]]


def _set_text(delta: Event, piece: str) -> None:
    if delta["type"] == "thought_summary":
        delta["content"]["text"] = piece
    else:
        delta[_PIECES[delta["type"]]] = piece


def _started(events: Sequence[Event]) -> list[Event]:
    """Put the first piece of text of each step into its start, unless an id is between."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else {}
        begins = (
            last.get("event_type") == "step.start"
            and "event_id" not in last
            and not last["step"].get("content")
        )
        if begins and event.get("delta", {}).get("type") == "text" and last["index"] == event["index"]:
            start = copy.deepcopy(last)
            start["step"]["content"] = [{"type": "text", "text": event["delta"]["text"]}]
            found[-1] = start | ({"event_id": event["event_id"]} if "event_id" in event else {})
        else:
            found.append(event)
    return found


def _user_input(interaction: Interaction) -> Event:
    given = interaction.request.get("input", "")
    content = given if isinstance(given, list) else [{"type": "text", "text": given}]
    return {"type": "user_input", "content": content}


def _with_input(events: Sequence[Event], interaction: Interaction) -> list[Event]:
    """A replay in which the user's input is step 0 and each other step has the next index."""
    head = [event for event in events[:2] if "index" not in event]
    moved = [
        {**event, "index": event["index"] + 1, "was": event.get("was", id(event))}
        if "index" in event
        else event
        for event in events[len(head) :]
    ]
    given = [{"event_type": "step.start", "index": 0, "step": _user_input(interaction)}]
    return [*head, *given, {"event_type": "step.stop", "index": 0}, *moved]
