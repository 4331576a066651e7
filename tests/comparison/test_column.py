"""The columns of a comparison run functions and ask again, each by itself."""

from __future__ import annotations

import asyncio
import threading

import pytest
from fake_server import Script, event, finish, gate, text

import gemini_magic
from gemini_magic import Comparison, compare
from gemini_magic.errors import Interrupted, OptionError
from gemini_magic.tools import confirm_prompt

WRONG, RIGHT = Script([text('{"n": "x"}'), finish()]), Script([text('{"n": 7}'), finish()])


def call(name, **arguments):
    part = {"functionCall": {"name": name, "args": arguments}}
    return event({"candidates": [{"content": {"role": "model", "parts": [part]}}]})


def calling(name="weather", **arguments):
    return Script([text("Let me see."), call(name, **arguments), finish()])


def answering(piece):
    return Script([text(piece), finish()])


def weather(city: str) -> str:
    """The weather of a city."""
    return f"21 °C in {city}"


def asked(server, prompt="hi", **options):
    defaults = {"models": ["a-1", "b-1"], "journal": False, "retries": 0}
    return compare(prompt, base_url=server.base_url, **defaults | options)


def two_callers(server):
    server.answers("a-1", calling(city="Paris"), answering("Warm."))
    server.answers("b-1", calling(city="Rome"), calling(city="Oslo"), answering("Cold."))


# ------------------------------------------------------------------------------ functions


def test_each_column_has_its_own_rounds(fake_server):
    two_callers(fake_server)
    c = asked(fake_server, tools=[weather], price="1,2")
    assert [each.status for each in c] == ["complete", "complete"]
    assert [[run.result for run in each.tool_runs] for each in c] == [
        ["21 °C in Paris"],
        ["21 °C in Rome", "21 °C in Oslo"],
    ]
    assert [len(each.rounds) for each in c] == [2, 3]
    assert c[0].text.endswith("Warm.")
    assert [row.tokens for row in c.table] == [
        sum(own.usage.total for own in each.ledger.rounds) for each in c
    ]
    assert c.table[1].cost == c[1].cost.amount > c.table[0].cost
    for shown in c._repr_mimebundle_().values():
        assert "Oslo" in shown
        assert "21 °C in Rome" in shown


def test_plain_functions_of_all_columns_run_on_the_calling_thread_one_at_a_time(fake_server):
    seen, inside = [], []

    def look(city: str) -> str:
        """Look at a city."""
        inside.append(city)
        seen.append((threading.get_ident(), len(inside)))
        inside.remove(city)
        return city

    for name in ("a-1", "b-1"):
        fake_server.answers(name, calling("look", city="Paris"), answering("done"))
    assert asked(fake_server, tools=[look]).ok
    assert seen == [(threading.get_ident(), 1)] * 2


def test_async_functions_of_several_columns_run_at_the_same_time(fake_server):
    both = threading.Barrier(2, timeout=60)

    async def meet() -> str:
        """Meet the other column."""
        await asyncio.to_thread(both.wait)
        return "met"

    for name in ("a-1", "b-1"):
        fake_server.answers(name, calling("meet"), answering("done"))
    assert [each.tool_runs[0].result for each in asked(fake_server, tools=[meet])] == ["met", "met"]


def test_a_column_whose_rounds_are_used_up_leaves_the_others(fake_server):
    two_callers(fake_server)
    c = asked(fake_server, tools=[weather], max_rounds=2)
    assert [each.status for each in c] == ["complete", "truncated"]


def test_a_function_that_is_confirmed_is_asked_about_with_the_label_of_its_column(
    fake_server, monkeypatch, capsys
):
    two_callers(fake_server)
    monkeypatch.setattr(confirm_prompt, "_can_answer", lambda: True)
    monkeypatch.setattr(confirm_prompt, "_allowed", set())
    monkeypatch.setattr("builtins.input", lambda _: "a")
    c = asked(fake_server, tools=[weather], confirm="all")
    assert c.ok
    assert {run.approved for each in c for run in each.tool_runs} == {"always"}
    shown = capsys.readouterr().out
    assert shown.count("Run weather for ") == 1
    assert "with these arguments?" in shown


def test_a_question_that_cannot_be_asked_is_an_error_before_anything_is_sent(fake_server):
    two_callers(fake_server)
    with pytest.raises(OptionError, match="you cannot be asked here"):
        asked(fake_server, tools=[weather], confirm="all")
    assert fake_server.requests == []


def test_an_interrupt_of_a_function_stops_all_columns(fake_server):
    def stop() -> str:
        """Interrupt."""
        raise KeyboardInterrupt

    fake_server.answers("a-1", calling("stop"), answering("never"))
    fake_server.model("b-1", text("half"), gate("never"))
    with pytest.raises(Interrupted) as caught:
        asked(fake_server, tools=[stop])
    c = caught.value.comparison
    assert [each.status for each in c] == ["interrupted", "interrupted"]
    assert c[0].tool_runs[0].state == "stopped"
    assert len(fake_server.requests_for("a-1")) == 1


def test_rounds_are_recorded_saved_and_replayed_in_their_columns(fake_server, tmp_path, capsys):
    def number() -> int:
        """A number that differs from call to call."""
        calls.append(1)
        return len(calls)

    calls = []
    for _ in range(2):
        fake_server.answers("a-1", calling("number"), calling("number"), answering("done"), answering("done"))
    path = tmp_path / "columns.jsonl"
    options = {"models": [], "model": "a-1", "repeat": 2, "tools": [number]}
    c = asked(fake_server, **options, record=str(path))
    found = [[run.result for run in each.tool_runs] for each in c]
    assert sorted(result for own in found for result in own) == list(range(1, len(calls) + 1))
    again = asked(fake_server, **options, replay=str(path), speed=0)
    for other in (again, Comparison.load(path), Comparison.load(c.save(tmp_path / "saved.jsonl"))):
        by_label = dict(zip(other.labels, other, strict=True))
        assert [[run.result for run in by_label[label].tool_runs] for label in c.labels] == found
    assert len(calls) == sum(map(len, found))
    c.replay(0)
    assert "number()" in capsys.readouterr().out


# ------------------------------------------------------------------------------ asking again


def test_a_column_asks_again_for_an_answer_that_does_not_fit(fake_server):
    fake_server.answers("a-1", WRONG, RIGHT)
    fake_server.answers("b-1", RIGHT)
    c = asked(fake_server, schema="n int", repair=2, price="1,2")
    assert [each.parsed for each in c] == [{"n": 7}, {"n": 7}]
    assert [len(each.repaired_from) for each in c] == [1, 0]
    assert any("Asked again (1 of 2)" in note.message for note in c[0].ledger.notes)
    [first, second] = fake_server.requests_for("a-1")
    assert second.body["contents"][: len(first.body["contents"])] == first.body["contents"]
    assert 'n: expected integer, got "x"' in second.body["contents"][-1]["parts"][0]["text"]
    before = c[0].repaired_from[0]
    row = c.table[0]
    assert row.tokens == before.usage.total + c[0].usage.total
    assert row.cost == pytest.approx(before.cost.amount + c[0].cost.amount)
    assert row.total == pytest.approx(before.timing.total + c[0].timing.total)
    shown = c._repr_mimebundle_()
    for value in shown.values():
        assert "Answer 1, which did not fit its schema" in value
    assert shown["text/html"].count('<details class="gm-tool gm-before">') == 1


def test_a_column_asks_again_at_most_as_often_as_the_option_says(fake_server):
    fake_server.answers("a-1", WRONG)
    fake_server.answers("b-1", RIGHT)
    c = asked(fake_server, schema="n int", repair=2)
    assert len(fake_server.requests_for("a-1")) == 3
    assert [each.parse_error is None for each in c] == [False, True]
    assert len(c[0].repaired_from) == 2


def test_an_answer_with_rounds_can_be_requested_again(fake_server):
    fake_server.answers("a-1", calling(city="Paris"), WRONG, calling(city="Rome"), RIGHT)
    fake_server.answers("b-1", RIGHT)
    c = asked(fake_server, schema="n int", repair=1, tools=[weather])
    assert [each.result for each in c[0].tool_runs] == ["21 °C in Rome"]
    assert [each.result for each in c[0].repaired_from[0].tool_runs] == ["21 °C in Paris"]
    assert c[0].text.endswith('{"n": 7}')


@pytest.mark.parametrize("any_order", [False, True])
def test_answers_that_were_requested_again_are_replayed_and_loaded(fake_server, tmp_path, any_order):
    path = tmp_path / "columns.jsonl"
    fake_server.answers("a-1", WRONG, RIGHT)
    fake_server.answers("b-1", RIGHT)
    options = {"schema": "n int", "repair": 1}
    asked(fake_server, **options, record=str(path))
    sent = len(fake_server.requests)
    again = asked(fake_server, **options, replay=str(path), replay_any=any_order, speed=0)
    for other in (again, Comparison.load(path), Comparison.load(again.save(tmp_path / "saved.jsonl"))):
        assert [other[label].json() for label in ("a-1", "b-1")] == [{"n": 7}, {"n": 7}]
        assert [each.text for each in other["a-1"].repaired_from] == ['{"n": "x"}']
        assert other["b-1"].repaired_from == ()
    assert len(fake_server.requests) == sent


def test_a_request_that_asks_again_and_fails_leaves_the_other_columns(fake_server):
    fake_server.answers("a-1", WRONG, Script([event({"error": {"code": 500, "message": "no"}})]))
    fake_server.answers("b-1", RIGHT)
    c = asked(fake_server, schema="n int", repair=1)
    assert [each.status for each in c] == ["error", "complete"]


def test_a_stopped_column_does_not_ask_again(fake_server):
    fake_server.answers("a-1", WRONG)
    fake_server.answers("b-1", WRONG)
    c = asked(fake_server, schema="n int")
    sent = []
    again = Comparison(c.responses, c.labels, [sent.append, sent.append])
    assert again.status == "running"
    again.cancel()
    again.wait()
    assert (again.status, sent) == ("complete", [])


# ------------------------------------------------------------------------------ media


def test_the_columns_share_the_size_of_media_that_a_notebook_stores():
    c = compare("hi", backend="echo", repeat=4, media_size=2.0)
    assert [each.ledger.display.media_size for each in c] == [0.5] * 4
    assert gemini_magic.ask("hi", backend="echo", media_size=2.0).ledger.display.media_size == 2.0
