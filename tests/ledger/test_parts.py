"""The parts and the text of a growing answer: joined as a whole answer is, and cheap to read again and again."""

from __future__ import annotations

import pickle
import random
import time

from gemini_magic.content import Call, Opaque, Text, Thought, encodable, join_parts
from gemini_magic.events import Decoded, Delta
from gemini_magic.ledger import Ledger
from gemini_magic.ledger.parts import Parts, TextPieces
from gemini_magic.response import Response


def piece(value, *, name=None, more=True):
    return Call(name, {}, None, None, [{"jsonPath": "$.a", "stringValue": value, "willContinue": more}], more)


KINDS = [
    lambda: Text("word "),
    lambda: Text("\ud83d"),
    lambda: Text("\ude00"),
    lambda: Thought("thought "),
    lambda: Text("signed", "c2ln"),
    lambda: Opaque({"a": 1}),
    lambda: Call("f", {"a": 1}),
    lambda: piece("x", name="g"),
    lambda: piece("y"),
    lambda: piece("z", more=False),
]


def test_parts_read_at_any_time_equal_those_joined_at_once():
    chance = random.Random(5)
    for _ in range(300):
        parts, received = Parts(), []
        for _ in range(chance.randint(1, 25)):
            part = chance.choice(KINDS)()
            received.append(part)
            parts.append(part)
            if chance.random() < 0.4:
                assert parts.joined() == encodable(join_parts(received))
        assert parts.joined() == encodable(join_parts(received))
        assert pickle.loads(pickle.dumps(parts)).joined() == parts.joined()


def test_nothing_is_joined_again_when_nothing_was_added():
    parts, pieces = Parts(), TextPieces()
    assert (parts.joined(), pieces.text) == ((), "")
    for _ in range(3):
        parts.append(Text("some text"))
        pieces.append("some text")
        assert parts.joined() is parts.joined()
        assert pieces.text is pieces.text
    assert pieces.text == "some text" * 3


def test_the_parts_of_16_000_chunks_are_read_in_less_than_a_second_while_they_arrive():
    ledger = Ledger()
    response = Response(ledger)
    spent = 0.0
    for number in range(16_000):
        ledger.add(b"{}", number / 100, Decoded([Delta(Text("x" * 1_000)), Delta(Call("f", {"a": 1}))]))
        if number % 320 == 0:
            began = time.process_time()
            assert len(response.parts) == 2 * (number + 1)
            assert len(response.calls) == number + 1
            assert not response.images
            assert len(response.candidates[0].text) == len(response.text) == 1_000 * (number + 1)
            spent += time.process_time() - began
    assert spent < 3
