"""A ledger with several rounds: ranges of each round, sums over all, and the records of the calls."""

from __future__ import annotations

import pickle

from msgspec.structs import replace

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Call, Code, Text
from gemini_magic.events import Citation, Decoded, Delta, Evidence, Usage, UsageReport
from gemini_magic.ledger import (
    CallItem,
    Candidate,
    Exchange,
    Ledger,
    TextStretch,
    answer_sources,
    paragraph_gap,
)
from gemini_magic.schema import as_schema
from gemini_magic.tables import Rows


def begun(ledger: Ledger, number: int, t: float = 0.0, attempt: int = 0) -> None:
    ledger.begin(Exchange("POST", "http://x", (), b"", round=number, attempt=attempt))
    ledger.request_sent(t, delay=0.0)


def answered(ledger: Ledger, t: float, *events) -> None:
    ledger.add(b"{}", t, Decoded(list(events)))


def two_rounds() -> Ledger:
    ledger = Ledger()
    begun(ledger, 0)
    first = Usage(10, None, 5, None, None, 15)
    calls = Delta(Call("weather", {"city": "Paris"}, "a1")), Delta(Call("now"))
    answered(ledger, 0.1, Delta(Text("Let me look.")), *calls, UsageReport(first), finish_of("STOP"))
    assert ledger.end_round("end", t=0.2)
    begun(ledger, 1, 1.0)
    answered(
        ledger, 1.1, Delta(Text("21 °C.")), UsageReport(Usage(30, 4, 7, None, None, 37)), finish_of("STOP")
    )
    ledger.close("end", t=1.2)
    return ledger


def test_each_round_has_its_ranges_calls_usage_and_times():
    first, second = two_rounds().rounds
    assert [call.name for call in first.calls] == ["weather", "now"]
    assert (first.number, first.exchanges, first.chunks, first.parts, first.chars) == (
        0,
        (0, 1),
        (0, 1),
        (0, 3),
        (0, 12),
    )
    assert (second.number, second.exchanges, second.chunks, second.parts) == (1, (1, 2), (1, 2), (3, 4))
    assert (first.started, first.ended, second.started, second.ended) == (0.0, 0.2, 1.0, 1.2)
    assert (first.usage.total, second.usage.total, second.first_call) == (15, 37, 2)
    assert (first.finish_reason, second.finish_reason) == ("STOP", "STOP")


def test_usage_adds_up_over_the_rounds_and_the_history_starts_again_in_each():
    ledger = two_rounds()
    assert ledger.usage == Usage(40, 4, 12, None, None, 52)
    assert Rows(ledger.usage_columns)["total_delta"] == [15, 37]
    assert Rows(ledger.chunk_columns)["round"] == [0, 1]


def test_the_texts_of_two_rounds_are_two_paragraphs():
    ledger = two_rounds()
    assert ledger.answer.text == "Let me look.\n\n21 °C."
    assert ledger.chars == len(ledger.answer.text)
    assert Candidate(ledger, 0).text == ledger.answer.text
    assert [type(item) for item in Candidate(ledger, 0).items] == [
        TextStretch,
        CallItem,
        CallItem,
        TextStretch,
    ]
    assert [part.text for part in Candidate(ledger, 0).parts if isinstance(part, Text)] == [
        "Let me look.",
        "21 °C.",
    ]
    assert [paragraph_gap(*texts) for texts in (("a\n", "b"), ("a", "\n\nb"), ("a\n\n", "b"), ("", "b"))] == [
        "\n",
        "",
        "",
        "",
    ]


def test_texts_of_two_rounds_are_not_joined_to_one_part():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Call("now")), Delta(Text("one")), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    begun(ledger, 1)
    answered(ledger, 1.1, Delta(Text("two")), finish_of("STOP"))
    parts = ledger.parts[0]
    assert parts.joined() == (Call("now"), Text("one"), Text("two"))
    assert pickle.loads(pickle.dumps(parts)).joined() == parts.joined()


def test_a_call_in_pieces_does_not_continue_in_the_next_round():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Call("one", will_continue=True)), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    begun(ledger, 1)
    piece = Call(None, partial_args=[{"jsonPath": "$.a", "numberValue": 1}])
    answered(ledger, 1.1, Delta(piece), finish_of("STOP"))
    assert [part.name for part in ledger.parts[0].joined()] == ["one", None]
    assert [item.call.name for item in Candidate(ledger, 0).items] == ["one", None]
    assert [len(each.calls) for each in ledger.rounds] == [1, 1]


def test_a_round_ends_only_if_its_answer_is_complete_and_calls_a_function():
    for events in (
        [Delta(Text("hi")), finish_of("STOP")],
        [Delta(Call("now")), finish_of("MAX_TOKENS")],
        [Delta(Call("now"))],
    ):
        ledger = Ledger()
        begun(ledger, 0)
        answered(ledger, 0.1, *events)
        assert not ledger.end_round("end", t=0.2)
        assert not ledger.end_round("cut", t=0.2)
        assert (ledger.status, ledger.phase) == ("running", "waiting")


def test_a_request_of_a_later_round_may_be_retried_before_its_own_content():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Code("1")), Delta(Call("now")), finish_of("STOP"))
    assert (ledger.has_content, ledger.finished) == (True, False)
    ledger.end_round("end", t=0.2)
    begun(ledger, 1)
    assert not ledger.has_content
    begun(ledger, 1, attempt=1)
    answered(ledger, 1.1, Delta(Text("t")))
    answered(ledger, 1.2, finish_of("STOP"))
    assert (ledger.has_content, ledger.finished, len(ledger.rounds)) == (True, True, 2)
    assert ledger.rounds[1].exchanges == (1, 3)


def test_the_record_of_a_call_is_replaced_and_shown_at_its_item():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Call("one")), Delta(Call("two")), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    runs = [ledger.add_tool_run(call) for call in ledger.rounds[-1].calls]
    assert [(run.number, run.round, run.state, run.is_open) for run in runs] == [
        (0, 0, "queued", True),
        (1, 0, "queued", True),
    ]
    version = ledger.version

    done = ledger.set_tool_run(replace(runs[1], state="done", result=3))
    assert ledger.version == version + 1
    assert ledger.tool_runs == [runs[0], done]
    assert ledger.exchanges[0].tool_runs[1] is done
    assert [item.run for item in Candidate(ledger, 0).items] == [runs[0], done]
    begun(ledger, 1)
    answered(ledger, 1.1, Delta(Call("three")), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    assert ledger.add_tool_run(Call("three")).number == 2
    assert [item.run.number for item in Candidate(ledger, 0).items] == [0, 1, 2]


def test_passages_of_a_later_round_count_from_the_beginning_of_the_answer():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Text("é Let me look.")), Delta(Call("now")), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    begun(ledger, 1)
    citation = Citation(0, 5, "https://a.example", "A", None)
    answered(ledger, 1.1, Delta(Text("Paris is big.")), Evidence("citation", {}, citations=(citation,)))
    passage = answer_sources(ledger).sources[0].passages[0]
    assert passage.text == "Paris"
    assert ledger.answer.text[passage.start : passage.end] == "Paris"


def test_the_value_of_an_answer_is_in_its_last_round():
    ledger = Ledger(schema=as_schema("temperature int"))
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Text('{"temperature": 1}')), Delta(Call("weather")), finish_of("STOP"))
    assert ledger.end_round("end", t=0.2)
    begun(ledger, 1, 1.0)
    answered(ledger, 1.1, Delta(Text('{"temperature": 21}')), finish_of("STOP"))
    ledger.close("end", t=1.2)
    value = ledger.answer_value()
    assert (value.parsed, value.error, value.notes) == ({"temperature": 21}, None, ())


def test_the_value_of_an_answer_is_read_from_its_last_round():
    ledger = Ledger()
    begun(ledger, 0)
    answered(ledger, 0.1, Delta(Text("I look it up.")), Delta(Call("now")), finish_of("STOP"))
    ledger.end_round("end", t=0.2)
    begun(ledger, 1)
    answered(ledger, 1.1, Delta(Text('{"a": 1}')), finish_of("STOP"))
    ledger.close("end", t=1.2)
    assert ledger.answer_value().json == {"a": 1}
