"""The echo backend: its answers and its directives."""

from __future__ import annotations

import json

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.tables import Rows
from gemini_magic.wire import Reader

ECHO = backend("echo")


def run(prompt):
    made = ECHO.encode(Request(model="echo", turns=(Turn("user", (Text(prompt),)),)), Endpoint())
    ledger, reader, waits = Ledger(), Reader(), []
    for wait, piece in ECHO.local(made):
        waits.append(wait)
        for item in reader.feed(piece):
            ledger.add(item.raw, 0.0, ECHO.decoder()(item.raw))
    ledger.close("end")
    return ledger, waits


def test_it_answers_with_the_words_of_the_prompt():
    ledger, waits = run("# A title\n\nTwo  words.\n")
    assert "".join(ledger.answer) == "# A title\n\nTwo  words.\n"
    assert len(ledger.raw) > 3
    assert set(waits) == {0.0}
    assert ledger.status == "complete"
    assert ledger.usage.total == ledger.usage.prompt + ledger.usage.output


def test_directives_change_the_answer():
    ledger, waits = run("@chunk 2\n@wait 0.5\n@think let me see\nabcdef")
    assert Rows(ledger.chunk_columns)["text"] == ["", "ab", "cd", "ef"]
    assert ledger.thoughts == ["let me see"]
    assert set(waits) == {0.5}
    assert run("x\n@finish MAX_TOKENS")[0].status == "truncated"
    assert run("x\n@finish NONE")[0].status == "truncated"
    assert run("x\n@block SAFETY")[0].status == "blocked"
    failed = run("some words\n@error 503 busy")[0]
    assert (failed.status, failed.failure.message, "".join(failed.answer)) == (
        "error",
        "busy",
        "some words\n",
    )
    assert run("x\n@usage off")[0].usage is None


def test_invalid_directives_are_ignored_and_a_prompt_of_directives_gives_an_empty_answer():
    assert "".join(run("@chunk many\n@wait -1\nhello")[0].answer) == "hello"
    assert run("@chunk 3")[0].status == "complete"
    assert json.loads(run("hi")[0].raw[0].raw)["modelVersion"] == "echo"
