"""Replays of a stored stream bring nothing twice and nothing less, however the server repeats it."""

from __future__ import annotations

import base64
import itertools
import json
import random

import pytest
from growth import LIMIT, measure_growth
from interactions_server import (
    Plan,
    _stamped,
    answer,
    call,
    folded,
    picture,
    replayed,
    search,
    step,
    text,
    thought,
)

from gemini_magic.backends.interactions_decode import interactions_decoder
from gemini_magic.backends.interactions_replay import ResumedInteraction, resumed_interaction
from gemini_magic.events import Decoded
from gemini_magic.ledger import Ledger

PCM = bytes(range(48))
STEPS = (
    thought("Let me ", "see. ", "Yes."),
    text(
        "Hello, ",
        "wörld ",
        "😀😀",
        "aaaa",
        "aaaa",
        "aaaa",
        cites=[{"type": "url_citation", "url": "https://a.example", "start_index": 0, "end_index": 4}],
    ),
    search("q"),
    call("look", {"where": "hier drüben", "n": [1, 2, 3]}),
    picture("AAAA"),
    picture("AAAA"),
    step(
        "model_output",
        *(
            {"type": "audio", "mime_type": "audio/l16", "data": base64.b64encode(PCM[n : n + 16]).decode()}
            for n in (0, 16, 32)
        ),
    ),
    text("The ", "end.", start="Text in the start. "),
)


class Collected:
    """A decoder that only keeps what it is given."""

    def __init__(self):
        self.events = []

    def __call__(self, raw, event=None):
        return Decoded([])

    def read(self, name, value):
        self.events.append(value)
        return Decoded([])


def stamped(steps=STEPS, *, ids=1, **how):
    plan = Plan(answer(*steps), ids=ids, **how)
    return plan, _stamped(plan, "v1_x", {"model": "m"})


def content(events):
    """The steps of a stream, with the pieces of audio joined."""
    steps = folded([event for event in events if event["event_type"].startswith("step.")])
    for each in steps:
        audio = [block for block in each.get("content", ()) if block["type"] == "audio"]
        if audio:
            each["content"] = [b"".join(base64.b64decode(block["data"]) for block in audio)]
    return steps


def begun(events):
    """A decoder that has read these events, and what resumes it."""
    collected = Collected()
    for event in events:
        collected.read("", event)
    resumed = ResumedInteraction(collected)
    resumed.learn(json.dumps(event).encode() for event in events)
    return collected, resumed


def play(resumed, events):
    notes = []
    for event in events:
        notes += resumed(json.dumps(event).encode()).events
    return notes


def rest_after(events, cursor):
    numbers = [n for n, event in enumerate(events) if cursor is not None and event.get("event_id") == cursor]
    return events[numbers[0] + 1 :] if numbers else events


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("pieces", [0, 1, 3, 100])
@pytest.mark.parametrize("ids", [1, 3, 0])
def test_a_stream_that_is_cut_after_any_event_is_read_as_if_it_were_whole(ids, pieces, starts):
    plan, events = stamped(ids=ids, pieces=pieces, starts=starts)
    for cut in range(1, len(events)):
        collected, resumed = begun(events[:cut])
        assert resumed.id == "v1_x"
        resumed.begin(resumed.cursor)
        notes = play(resumed, replayed(rest_after(events, resumed.cursor), plan))
        assert content(collected.events) == content(events), cut
        assert notes == []
        assert resumed.ended


@pytest.mark.parametrize("ids", [1, 3, 0])
def test_a_replay_that_is_cut_as_well_is_resumed(ids):
    plan, events = stamped(ids=ids, pieces=2)
    for first, second in itertools.product(range(1, len(events), 3), range(0, 30, 4)):
        collected, resumed = begun(events[:first])
        resumed.begin(resumed.cursor)
        again = replayed(rest_after(events, resumed.cursor), plan)
        play(resumed, again[:second])
        resumed.begin(resumed.cursor)
        notes = play(resumed, rest_after(events, resumed.cursor))
        assert content(collected.events) == content(events), (first, second)
        assert notes == []


def test_a_server_that_ignores_the_cursor_and_begins_at_the_beginning_is_understood():
    _, events = stamped()
    for cut in range(1, len(events)):
        collected, resumed = begun(events[:cut])
        resumed.begin(resumed.cursor)
        play(resumed, events)
        assert content(collected.events) == content(events), cut


def test_a_server_that_repeats_the_event_of_the_cursor_is_understood():
    _, events = stamped()
    for cut in range(1, len(events)):
        collected, resumed = begun(events[:cut])
        resumed.begin(resumed.cursor)
        play(resumed, events[cut - 1 :])
        assert content(collected.events) == content(events), cut


def test_an_id_that_several_events_have_is_no_cursor():
    _, events = stamped(ids=0)
    events = [{**event, "event_id": "EVENT_ID"} for event in events]
    assert begun(events[:1])[1].cursor == "EVENT_ID"
    assert begun(events[:2])[1].cursor is None


def test_the_input_of_the_user_in_a_replay_does_not_move_the_steps():
    _, events = stamped(ids=0)
    moved = [{**event, "index": event["index"] + 1} if "index" in event else event for event in events]
    given = {"type": "user_input", "content": [{"type": "text", "text": "hi"}]}
    moved[2:2] = [
        {"event_type": "step.start", "index": 0, "step": given},
        {"event_type": "step.stop", "index": 0},
    ]
    for cut in range(4, len(events)):
        collected, resumed = begun(events[:cut])
        resumed.begin(None)
        play(resumed, moved)
        assert content(collected.events) == content(events), cut


def test_an_answer_without_a_stream_brings_the_rest():
    _, events = stamped(STEPS[:6], ids=0)
    given = {"type": "user_input", "content": [{"type": "text", "text": "hi"}]}
    whole = {"id": "v1_x", "status": "completed", "steps": [given, *folded(events)]}
    for cut in range(3, len(events)):
        collected, resumed = begun(events[:cut])
        resumed.begin(None)
        assert play(resumed, [whole]) == []
        assert content(collected.events) == content(events), cut
        assert collected.events[-1]["event_type"] == "interaction.completed"


def test_half_a_character_before_the_cut_is_completed():
    halves = json.dumps("😀")[1:-1]
    first = b'{"event_type":"step.delta","index":0,"delta":{"type":"text","text":"%b"}}' % halves[:6].encode()
    collected = Collected()
    resumed = ResumedInteraction(collected)
    resumed.learn([first])
    resumed.begin(None)
    play(resumed, [{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "😀!"}}])
    assert collected.events[0]["delta"]["text"] == "\ude00!"


def test_other_content_than_before_the_cut_is_noted_once():
    _, events = stamped((text("Hello, ", "world."),), ids=0)
    _, other = stamped((text("Goodbye, ", "world."),), ids=0)
    _, resumed = begun(events[:5])
    resumed.begin(None)
    notes = play(resumed, other)
    assert [note.kind for note in notes] == ["resumed-differs"]


def test_less_content_than_before_the_cut_is_noted():
    _, events = stamped((text("Hello, ", "world."),), ids=0)
    _, shorter = stamped((text("Hello"),), ids=0)
    _, resumed = begun(events[:5])
    resumed.begin(None)
    assert [note.kind for note in play(resumed, shorter)] == ["resumed-differs"]


@pytest.mark.parametrize(
    "raw",
    [
        b"[1]",
        b"{",
        b'{"event_type":"step.delta","index":"x","delta":7}',
        b'{"event_type":"step.start","index":-1,"step":[]}',
        b'{"event_type":"step.delta","index":99999999999999999999,"delta":{"type":"text","text":5}}',
        b'{"event_type":"step.delta","delta":{"type":"audio","data":"!"}}',
        b'{"event_type":{},"step":{"content":[1,{"text":2}]}}',
        b'{"steps":[1,{"type":7}],"status":3}',
        b'{"event_id":7,"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"event_type":"interaction.created","interaction":7}',
        b'{"steps":[],"status":{"a":1}}',
        b'{"interaction":{"status":[1]}}',
        b'{"event_id":"\\ud800","event_type":"step.stop","index":0}',
    ],
)
def test_events_of_any_form_are_read_without_an_error(raw):
    resumed = resumed_interaction(interactions_decoder())
    resumed.learn([raw])
    for cursor in (resumed.cursor, None):
        resumed.begin(cursor)
        resumed(raw)
        resumed(raw)


@pytest.mark.parametrize("ident", ["\ud800", "x" * 3_000_000, "", 7, ["a"], {"a": 1}])
def test_an_id_with_which_nothing_can_be_asked_for_is_none(ident):
    resumed = resumed_interaction(interactions_decoder())
    stop = json.dumps({"event_type": "step.stop", "index": 0, "event_id": ident}).encode()
    created = json.dumps({"event_type": "interaction.created", "interaction": {"id": ident}}).encode()
    for raw in (stop, created):
        resumed.learn([raw])
        assert (resumed.cursor, resumed.id) == (None, "")
        decoded = interactions_decoder()(raw)
        assert (decoded.cursor, decoded.stored_id) == (None, None)


def test_reading_a_replay_takes_time_in_proportion_to_its_length():
    def prepare(size):
        _, events = stamped((text(*["word "] * size),), ids=2)
        raws = [json.dumps(event).encode() for event in events]

        def read():
            resumed = resumed_interaction(interactions_decoder())
            resumed.learn(raws)
            resumed.begin(None)
            for raw in raws:
                resumed(raw)

        return read

    assert measure_growth(prepare, 250, 4000).ratio < LIMIT


def interleaved(chance, steps):
    """Events of steps that arrive by turns."""
    left = [[{**event, "index": index} for event in each] for index, each in enumerate(steps)]
    found, begun = [], 0
    while any(left):
        each = chance.choice([events for index, events in enumerate(left) if events and index <= begun])
        found.append(each.pop(0))
        begun = max(begun, found[-1]["index"] + 1)
    return found


def random_steps(chance):
    def pieces():
        return [
            "".join(chance.choices("ab😀ü ", k=chance.randint(0, 5))) for _ in range(chance.randint(0, 5))
        ]

    kinds = (
        lambda: text(*pieces(), start="".join(pieces()) if chance.random() < 0.3 else ""),
        lambda: thought(*pieces()),
        lambda: call("f", {"x": "".join(pieces())}, id=f"c{chance.randint(0, 3)}"),
        lambda: search("q")[:3],
        lambda: picture("AAAA"),
    )
    return [chance.choice(kinds)() for _ in range(chance.randint(1, 4))]


def add(ledger, decoder, events):
    for event in events:
        raw = json.dumps({name: value for name, value in event.items() if name != "was"}).encode()
        ledger.add(raw, 0.0, decoder(raw))


def read_state(ledger):
    steps = sorted(
        (step.index, step.type, json.dumps(step.raw, sort_keys=True)) for step in ledger.steps.all()
    )
    return steps, ledger.chars, len("".join(ledger.thoughts)), ledger.finish, ledger.usage


@pytest.mark.parametrize("seed", range(40))
def test_interleaved_steps_that_are_cut_again_and_again_are_whole(seed):
    chance = random.Random(seed)
    head = answer()
    events = [*head[:2], *interleaved(chance, random_steps(chance)), *head[2:]]
    plan = Plan(
        events,
        ids=chance.choice([0, 1, 2, 3]),
        pieces=chance.choice([0, 0, 1, 2]),
        starts=chance.random() < 0.3,
    )
    stream = _stamped(plan, "v1_x", {"model": "m"})
    uncut = Ledger(backend="interactions")
    add(uncut, interactions_decoder(), stream)
    cut = chance.randint(1, len(stream) - 1)
    ledger, decoder = Ledger(backend="interactions"), interactions_decoder()
    add(ledger, decoder, stream[:cut])
    resumed = resumed_interaction(decoder)
    resumed.learn(chunk.raw for chunk in ledger.raw)
    while not resumed.ended:
        resumed.begin(resumed.cursor)
        rest = rest_after(stream, resumed.cursor)
        rest = replayed(rest, plan) if chance.random() < 0.7 else rest
        add(ledger, resumed, rest if chance.random() < 0.4 else rest[: chance.randint(0, len(rest))])
    assert read_state(ledger) == read_state(uncut)
    assert not ledger.notes.has("resumed-differs")


def test_an_empty_piece_of_a_step_that_has_ended_begins_no_other_step():
    _, stream = stamped((text("Hello", "", "!"), thought("", "Hm."), text("", "Bye.")), ids=0)
    uncut = Ledger(backend="interactions")
    add(uncut, interactions_decoder(), stream)
    for cut in range(1, len(stream)):
        ledger, decoder = Ledger(backend="interactions"), interactions_decoder()
        add(ledger, decoder, stream[:cut])
        resumed = resumed_interaction(decoder)
        resumed.learn(chunk.raw for chunk in ledger.raw)
        resumed.begin(None)
        add(ledger, resumed, stream)
        assert read_state(ledger) == read_state(uncut), cut
