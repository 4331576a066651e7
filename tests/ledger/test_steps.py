"""The steps of an answer: their log, their table, and the turn that sends them back."""

from __future__ import annotations

import json

import duckdb
import polars as pl
import pytest
from interaction_bodies import completed, created, delta, ledger_of, start, step, stop, stream, text
from step_stage import SEARCHED, step_ledger

from gemini_magic import Response
from gemini_magic.content import Text, Thought
from gemini_magic.ledger import answer_turns
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.prices import TokenPrice
from gemini_magic.response_stream import Callbacks
from gemini_magic.tables import Rows


def usage(total, **counts):
    return {"total_tokens": total, **{f"total_{name}_tokens": count for name, count in counts.items()}}


def agent():
    """An answer in four steps of one second each, of which the third calls a tool of an MCP server."""
    return [
        created(),
        start(0, "thought"),
        stop(0, usage=usage(10, input=4, thought=6)),
        start(1),
        text(1, "Hello"),
        stop(1, usage=usage(18, input=4, thought=6, output=8)),
        *step(2, "mcp_server_tool_call", id="c", name="look", server_name="srv", arguments={"a": 1}),
        start(3),
        text(3, ", world"),
        stop(3, step_usage=usage(5, input=2, output=3)),
        completed(),
    ]


def test_the_table_has_type_times_tokens_and_the_step_as_received():
    ledger = ledger_of(*agent())
    ledger.price = TokenPrice(1.0, 2.0)
    steps = Response(ledger).steps
    assert isinstance(steps, Rows)
    assert list(steps["type"]) == ["thought", "model_output", "mcp_server_tool_call", "model_output"]
    assert list(steps["name"]) == [None, None, "look", None]
    assert list(zip(steps["begins"], steps["ends"], strict=True)) == [(1, 2), (3, 5), (6, 7), (8, 10)]
    # The growth of the running total; what the server reports for one step goes first.
    assert list(steps["tokens"]) == [10, 8, None, 5]
    assert list(steps["chars"]) == [0, 5, 0, 7]
    assert list(steps["chunk"]) == [1, 3, 6, 8]
    assert steps[3].cost == pytest.approx((2 * 1.0 + 3 * 2.0) / 1e6)
    assert steps[2].cost is None
    assert json.loads(steps[2].json)["arguments"] == {"a": 1}
    assert [row.tokens for row in steps.where("type=model_output")] == [8, 5]


def test_the_table_is_a_data_frame_also_without_rows():
    some_steps, none = Response(ledger_of(*agent())).steps, Response(Ledger()).steps
    assert pl.DataFrame(some_steps).schema == pl.DataFrame(none).schema
    assert list(some_steps.to_pandas().columns) == list(some_steps.columns)
    found = duckdb.sql("select type, tokens from some_steps where ends - begins = 2").fetchall()
    assert found == [("model_output", 8), ("model_output", 5)]
    assert "<table>" in some_steps._repr_html_()


def test_the_table_has_no_bytes_of_media():
    picture = {"kind": "image", "data": "AAAA", "mime_type": "image/png"}
    [row] = Response(ledger_of(*step(0, "model_output", {"kind": "text", "text": "a"}, picture))).steps
    assert json.loads(row.json)["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image", "mime_type": "image/png"},
    ]


def test_a_running_answer_has_open_steps_without_costs():
    ledger = Ledger()
    assert list(Response(ledger).steps) == []
    ledger = ledger_of(created(), start(0, "thought"), stop(0), start(1), text(1, "ab"), cause="cut")
    first, second = ledger.steps.all()
    assert (first.ended, second.ended, ledger.steps.running) == (2.0, None, second)
    assert list(Response(ledger).steps["ends"]) == [2.0, None]
    assert list(Response(ledger).steps["chars"]) == [0, 2]


def test_events_and_chunks_name_steps():
    response = Response(ledger_of(*agent()))
    kinds = [(row.kind, row.text) for row in response.events if row.kind.startswith("step")]
    assert kinds[:2] == [("step", "thought"), ("step_end", None)]
    assert response.chunks[1].kind == "step"
    assert response.events.where("kind=step_end")[3].json.count("world") == 1


def test_a_turn_has_the_steps_as_received_without_the_question():
    ledger = ledger_of_request(
        *step(0, "user_input", content=[{"type": "text", "text": "Q"}]),
        *step(1, "thought", {"kind": "thought_signature", "signature": "s"}, novelty=1),
        *step(2, "model_output", {"kind": "text", "text": "A"}),
        completed(),
    )
    [turn] = answer_turns(ledger)
    assert turn.text == "A"
    assert turn.steps == (
        {"type": "thought", "novelty": 1, "signature": "s"},
        {"type": "model_output", "content": [{"type": "text", "text": "A"}]},
    )


def test_a_turn_of_an_answer_that_was_cut_off_has_its_text_but_no_half_call():
    ledger = ledger_of_request(
        *step(0, "thought", {"kind": "thought_signature", "signature": "s"}),
        start(1),
        text(1, "Half "),
        text(1, "an ans"),
        start(2, "function_call", id="c", name="f"),
        delta(2, "arguments_delta", arguments='{"x"'),
    )
    [turn] = answer_turns(ledger)
    assert turn.steps == (
        {"type": "thought", "signature": "s"},
        {"type": "model_output", "content": [{"type": "text", "text": "Half an ans"}]},
    )


def test_a_turn_with_thoughts_only_is_sent_back_as_steps():
    ledger = ledger_of_request(
        *step(0, "thought", {"kind": "thought_signature", "signature": "s"}), completed()
    )
    [turn] = answer_turns(ledger)
    assert (turn.parts, turn.steps) == ((), ({"type": "thought", "signature": "s"},))


def test_the_first_step_counts_as_content_so_that_no_retry_asks_twice():
    ledger = ledger_of_request(created())
    assert not ledger.has_content
    assert ledger_of_request(created(), start(0, "thought")).has_content


def ledger_of_request(*values):
    """A ledger with one exchange, whose answer these events are."""
    made = ledger_of(*values)
    made.exchanges.append(Exchange("POST", "https://example.test/v1beta/interactions", (), b"{}"))
    return made


@pytest.mark.parametrize("body", [stream(*agent()), stream(*agent()).replace(b"event: ", b"id: 1\nevent: ")])
def test_a_body_without_a_backend_is_read_as_an_interaction(tmp_path, body):
    path = tmp_path / "answer.sse"
    path.write_bytes(body)
    response = Response.load(path)
    assert (response.text, response.status, len(response.steps)) == ("Hello, world", "complete", 4)


def test_each_thought_is_a_paragraph():
    steps = [
        ("thought", None, 0.5, 1.0, None, Thought("First.")),
        ("thought", None, 1.0, 1.5, None, Thought("Second.\n")),
        ("google_search_call", "g1", 1.5, 2.0, None, SEARCHED),
        ("thought", None, 2.0, 2.5, None, Thought("\nThird.")),
        ("thought", None, 2.5, 3.0, None, None),
        ("model_output", None, 4.0, 6.0, None, Text("It was ")),
        ("model_output", None, 6.0, 6.1, None, Text("slow.")),
    ]
    ledger = step_ledger(steps)
    assert "".join(ledger.thoughts) == "First.\n\nSecond.\n\nThird."
    assert "".join(ledger.answer) == "It was slow."
    handed: list[str] = []
    callbacks = Callbacks(None, handed.append, None)
    for position, event in enumerate(ledger.events):
        callbacks.handle(position, event, Response(ledger))
    assert "".join(handed) == "".join(ledger.thoughts)
    assert "".join(Rows(ledger.chunk_columns)["thought"]) == "".join(ledger.thoughts)
