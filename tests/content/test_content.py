"""Parts that arrive in pieces: texts, thoughts, and function calls with streamed arguments."""

from __future__ import annotations

import json

import pytest

from gemini_magic import Response
from gemini_magic.backends import backend
from gemini_magic.backends.gemini import part_to_json
from gemini_magic.content import Call, Text, Thought, Turn, join_parts
from gemini_magic.conversation import answer_turn
from gemini_magic.events import Delta
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.views.status import status_line


def piece(path, **value):
    return {"jsonPath": path, **value}


def test_adjacent_texts_and_thoughts_are_joined():
    parts = [Thought("a"), Thought("b"), Text("c"), Text(""), Text("d", "s"), Text("e"), Text("f")]
    assert join_parts(parts) == (Thought("ab"), Text("c"), Text("d", "s"), Text("ef"))


def test_a_million_texts_are_joined_in_linear_time():
    assert len(join_parts([Text("0123456789")] * 1_000_000)[0].text) == 10_000_000


# As Vertex AI sends two parallel calls.
WEATHER = [
    {"functionCall": {"name": "getWeather", "willContinue": True}, "thoughtSignature": "c2ln"},
    {"functionCall": {"partialArgs": [piece("$.location", stringValue="Bos", willContinue=True)], "willContinue": True}},
    {"functionCall": {"partialArgs": [piece("$.location", stringValue="ton", willContinue=True)], "willContinue": True}},
    {"functionCall": {"partialArgs": [piece("$.location", stringValue="")], "willContinue": True}},
    {"functionCall": {}},
    {"functionCall": {"name": "getWeather", "willContinue": True}},
    {"functionCall": {"partialArgs": [piece("$.location", stringValue="San Francisco")], "willContinue": True}},
    {"functionCall": {}},
]  # fmt: skip
BOTH = [
    Call("getWeather", {"location": "Boston"}, None, "c2ln"),
    Call("getWeather", {"location": "San Francisco"}),
]


def answer(pieces, *, finish="STOP"):
    ledger, decode = Ledger(), backend("vertex").decoder()
    for at, one in enumerate(pieces):
        candidate = {"content": {"role": "model", "parts": [one]}}
        if at == len(pieces) - 1 and finish:
            candidate["finishReason"] = finish
        raw = json.dumps({"candidates": [candidate]}).encode()
        ledger.add(raw, float(at), decode(raw))
    ledger.close("end")
    return Response(ledger)


@pytest.mark.parametrize("count", [len(WEATHER), len(WEATHER) - 1])  # one recorded stream has no closing part
def test_streamed_arguments_make_one_call(count):
    response = answer(WEATHER[:count])
    assert response.calls == BOTH
    assert "2 function calls" in status_line(response.ledger)
    pieces = [event.part for event in response.ledger.events if isinstance(event, Delta)]
    assert len(pieces) == count
    turn = answer_turn(response.ledger.parts[0])
    assert [part_to_json(part) for part in join_parts(turn.parts)] == [
        {"functionCall": {"name": "getWeather", "args": {"location": "Boston"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "getWeather", "args": {"location": "San Francisco"}}},
    ]


def call(*pieces, **fields):
    parts = [
        Call("f", will_continue=True),
        *[Call(None, partial_args=[one], will_continue=True) for one in pieces],
    ]
    return join_parts([*parts, Call(None, **fields)])[0]


def test_nested_paths_numbers_booleans_and_null():
    found = call(
        piece("$.recipe.name", stringValue="Soup"),
        piece("$.recipe.ingredients[0].amount", numberValue=2.5),
        piece("$.recipe.ingredients[1]['a.b']", boolValue=False),
        piece('$["x\\"y"]', nullValue="NULL_VALUE"),
        piece("$.rows[0][1]", numberValue=7),
    )
    assert found == Call(
        "f",
        {
            "recipe": {"name": "Soup", "ingredients": [{"amount": 2.5}, {"a.b": False}]},
            'x"y': None,
            "rows": [[None, 7]],
        },
    )


def test_a_string_continues_only_while_its_path_does():
    first, second = (
        piece("$.a", stringValue="1", willContinue=True),
        piece("$.b", stringValue="2", willContinue=True),
    )
    ends = (piece("$.a", stringValue="x"), piece("$.b", stringValue=""))
    assert call(first, second, *ends).args == {"a": "1x", "b": "2"}
    assert call(piece("$.a", stringValue="1"), piece("$.a", stringValue="2")).args == {"a": "2"}


@pytest.mark.parametrize(
    "path",
    [
        "$.a[999999999]",
        "$.a[100001]",
        "a",
        "$",
        "$[0]",
        "$..a",
        "$.a[*]",
        "$.__proto__.x",
        "$.known.x",
        "$" + ".a" * 65,
        "$" + "[0]" * 5000,
        3,
        None,
    ],
)
def test_a_piece_that_cannot_be_applied_is_kept(path):
    odd = piece(path, stringValue="x")
    found = call(piece("$.known", numberValue=1), odd)
    assert (found.args, found.partial_args) == ({"known": 1}, [odd])


def test_the_gaps_of_all_arrays_of_a_call_are_bounded():
    far = [piece(f"$.a{n}[100000]", numberValue=1) for n in range(200)]
    near = piece("$.b[0]", numberValue=2)
    found = call(*far, near)
    assert sum(map(len, found.args.values())) < 200_000
    assert found.args["b"] == [2]
    assert found.partial_args == far[1:]


def test_whole_arguments_at_the_end_win():
    assert call(piece("$.a", numberValue=1), args={"a": 2}).args == {"a": 2}


def test_a_named_part_begins_another_call_unless_it_has_the_same_id():
    parts = [Call("f", id="1", will_continue=True), Call("f", {"a": 1}, id="1"), Call("f", {"a": 2}, id="2")]
    assert join_parts(parts) == (Call("f", {"a": 1}, "1"), Call("f", {"a": 2}, "2"))


def test_a_whole_call_and_the_text_between_pieces_are_left_as_they_are():
    parts = [Call("f", {"a": 1}), Call("g", will_continue=True), Text("x"), Call(None, {"b": 2})]
    assert join_parts(parts) == (Call("f", {"a": 1}), Call("g", {"b": 2}), Text("x"))
    assert Turn("model", join_parts(parts)).text == "x"


def test_a_long_argument_is_joined_in_linear_time():
    pieces = [piece("$.a", stringValue="0123456789", willContinue=True)] * 100_000
    parts = [
        Call("f", will_continue=True),
        *[Call(None, partial_args=[one], will_continue=True) for one in pieces],
    ]
    assert len(join_parts(parts)[0].args["a"]) == 1_000_000
