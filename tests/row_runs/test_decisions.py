"""Tests of what a run asks and what not: stale rows, rows in doubt, equal rows, limits of cost and time, retries."""

import sqlite3
from contextlib import closing

import pytest
from fake_server import FakeServer, Script, event, finish, gate, hang_up, text
from rows_stage import ask_rows, asked_texts, refused, results, start_asking, statuses, table

from gemini_magic.errors import OptionError, RowsError, StoreError
from gemini_magic.row_runs import leader
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.values import Grant, Wanted

HELLO = (text("Hello"), finish())


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")
    monkeypatch.setattr(leader, "_BACKOFF", (0.01, 0.02))


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("m", *HELLO)
        yield running


@pytest.fixture
def store(tmp_path):
    return tmp_path / "t.rows.sqlite"


# ------------------------------------------------------------------------------------- stale rows


def test_rows_with_an_answer_to_another_request_stop_the_run_before_anything_is_sent(server, store):
    ask_rows(server, table(4), store=store)
    with pytest.raises(OptionError, match=r"4 rows have answers to another request \(.T-0.") as caught:
        ask_rows(server, table(4), store=store, temperature=0.5)
    assert "temperature: None -> 0.5" in caught.value.message
    assert 'stale="again"' in caught.value.remedy
    assert len(server.requests) == 4


def test_stale_rows_keep_their_answers_or_are_asked_again(server, store):
    ask_rows(server, table(2), store=store)
    kept = ask_rows(server, table(3), store=store, temperature=0.5, stale="keep")
    assert len(server.requests) == 3
    assert statuses(kept) == ["stale", "stale", "complete"]
    assert [row.text for row in results(kept)] == ["Hello"] * 3
    assert kept.progress.unasked == {"stale": 2}
    again = ask_rows(server, table(3), store=store, temperature=0.5, stale="again")
    assert len(server.requests) == 5
    assert statuses(again) == ["complete"] * 3


def test_going_back_to_the_first_prompt_costs_nothing(server, store):
    ask_rows(server, table(3), store=store)
    ask_rows(server, table(3), "Other: {{ row.text }}", store=store, stale="again")
    back = ask_rows(server, table(3), store=store)
    assert len(server.requests) == 6
    assert back.progress.unasked == {"done": 3}


def test_rows_in_another_order_get_their_answers_without_cost(server, store):
    ask_rows(server, table(3), store=store, id="position")
    run = ask_rows(server, table(3)[::-1], store=store, id="position")
    assert len(server.requests) == 3
    assert statuses(run) == ["complete"] * 3


def test_keys_that_stand_for_other_texts_are_described(server, store):
    ask_rows(server, table(3), store=store, id="position")
    with pytest.raises(OptionError, match="is the position a real key"):
        ask_rows(server, table(3, first=10), store=store, id="position")


# ---------------------------------------------------------------------------------- rows in doubt


def doubtful(server, store, data):
    """A store whose first row was sent when its process ended."""
    run = start_asking(server, data, store=store)
    server.wait_for_requests(1)
    run.stop(now=True)
    run.wait(60)
    opened = Store.open(store)
    row = next(opened.results())[0]
    opened.begin_run(opened.runs()[-1])
    opened.sent([Grant(row.request, row.attempts + 1, Wanted(0, row.key, b"h"))])
    opened.close()


def test_rows_in_doubt_stop_the_run_with_the_keyword_to_write(server, store):
    server.model("m", gate("never"), *HELLO)
    doubtful(server, store, table(1))
    server.model("m", *HELLO)
    before = len(server.requests)
    with pytest.raises(OptionError, match="1 row was sent before an earlier run ended") as caught:
        ask_rows(server, table(3), store=store)
    assert 'in_doubt="again"' in caught.value.remedy
    assert len(server.requests) == before
    skipped = ask_rows(server, table(3), store=store, in_doubt="skip")
    assert statuses(skipped) == ["in_doubt", "complete", "complete"]
    assert skipped.progress.unasked == {"in_doubt": 1}
    with pytest.raises(RowsError, match="1 of 3 rows failed"):
        skipped.raise_for_status()
    again = ask_rows(server, table(3), store=store, in_doubt="again")
    assert statuses(again) == ["complete"] * 3
    assert len(server.requests) == before + 3


def test_a_row_in_doubt_after_three_attempts_is_asked_only_when_it_is_named(server, store):
    server.model("m", gate("never"), *HELLO)
    doubtful(server, store, table(1))
    with closing(sqlite3.connect(store)) as base, base:
        base.execute("UPDATE request SET attempts = 3")
    server.model("m", *HELLO)
    before = len(server.requests)
    run = ask_rows(server, table(2), store=store, in_doubt="again")
    assert statuses(run) == ["in_doubt", "complete"]
    assert [each for each in run.progress.notices if "in doubt after 3 attempts" in each]
    with pytest.raises(RowsError) as failed:
        run.raise_for_status()
    assert 'run.retry(status="in_doubt")' in failed.value.remedy
    assert len(server.requests) == before + 1
    assert statuses(run.retry(status="in_doubt")) == ["complete", "complete"]


def test_a_row_in_doubt_is_retried_when_it_is_named(server, store):
    server.model("m", gate("never"), *HELLO)
    doubtful(server, store, table(1))
    server.model("m", *HELLO)
    run = ask_rows(server, table(1), store=store, in_doubt="skip")
    before = len(server.requests)
    assert statuses(run.retry()) == ["in_doubt"]
    assert len(server.requests) == before
    assert statuses(run.retry(status="in_doubt")) == ["complete"]
    assert len(server.requests) == before + 1


# -------------------------------------------------------------------------------------- equal rows


def test_equal_prompts_are_asked_once_and_share_the_answer(server):
    data = [{"id": number, "text": f"text {number % 3}"} for number in range(30)]
    run = ask_rows(server, data)
    assert len(server.requests) == 3
    assert statuses(run) == ["complete"] * 30
    assert run.progress.unasked == {"shared": 27}
    assert [row.shared is None for row in results(run)].count(True) == 3
    apart = ask_rows(server, data, dedupe=False)
    assert len(server.requests) == 33
    assert apart.progress.counts == {"complete": 30}


def test_repeat_asks_each_row_several_times(server):
    run = ask_rows(server, table(4), repeat=3)
    assert len(server.requests) == 12
    assert [(row.position, row.sample) for row in results(run)][:4] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert run.progress.total == 12


def test_rows_without_a_value_are_skipped(server):
    run = ask_rows(server, [{"id": 1, "text": None}, {"id": 2, "text": " "}, {"id": 3, "text": "x"}])
    assert statuses(run) == ["skipped", "skipped", "complete"]
    assert run.progress.unasked == {"skipped": 2}


def test_a_row_beyond_the_quota_of_a_minute_is_not_sent(server):
    data = [{"id": 1, "text": "x" * 5000}, {"id": 2, "text": "x"}]
    run = ask_rows(server, data, tpm=1000)
    assert statuses(run) == ["too_long", "complete"]
    assert len(server.requests) == 1


# ------------------------------------------------------------------------------- kept and retried


def test_truncated_blocked_and_mismatching_rows_are_not_asked_again(server, store):
    blocked = Script((lambda exchange: exchange.send_json({"promptFeedback": {"blockReason": "SAFETY"}}),))
    server.answers(
        "m",
        Script((text('{"label": "bug"}'), finish())),
        Script((text('{"label'), finish("MAX_TOKENS"))),
        Script((text('{"label": "nothing"}'), finish())),
        blocked,
    )
    asked = {"store": store, "schema": "label bug|idea", "concurrency": 1}
    run = ask_rows(server, table(4), **asked)
    assert statuses(run) == ["complete", "truncated", "mismatch", "blocked"]
    again = ask_rows(server, table(4), **asked)
    assert len(server.requests) == 4
    assert again.progress.unasked == {"done": 4}


def test_a_retry_with_other_options_does_not_make_its_rows_stale(server, store):
    server.answers("m", Script(HELLO), Script((text("He"), finish("MAX_TOKENS"))), Script(HELLO))
    run = ask_rows(server, table(2), store=store, max_tokens=10, concurrency=1)
    assert statuses(run) == ["complete", "truncated"]
    retried = run.retry(status="truncated", max_tokens=4096)
    assert statuses(retried) == ["complete", "complete"]
    assert server.requests[-1].body["generationConfig"]["maxOutputTokens"] == 4096
    same = ask_rows(server, table(2), store=store, max_tokens=10, concurrency=1)
    assert len(server.requests) == 3
    assert statuses(same) == ["complete", "complete"]


def test_a_retry_asks_only_failures_that_may_pass_by_default(server):
    server.answers(
        "m",
        Script(HELLO),
        Script((hang_up(),)),
        Script((refused(400, "INVALID_ARGUMENT"),)),
        Script(HELLO),
    )
    run = ask_rows(server, table(4), concurrency=1)
    assert statuses(run) == ["complete", "error", "error", "complete"]
    retried = run.retry()
    assert statuses(retried) == ["complete", "complete", "error", "complete"]
    assert len(server.requests) == 5


def test_a_retry_of_an_iterator_is_refused(server):
    run = ask_rows(server, iter(table(500)), limit=2)
    with pytest.raises(OptionError, match="only once"):
        run.retry()


def test_a_request_that_got_no_answer_is_not_sent_again(server):
    server.answers("m", Script(HELLO), Script((hang_up(),)))
    run = ask_rows(server, table(20))
    assert len(server.requests) == 20
    assert sorted(set(asked_texts(server))) == sorted(asked_texts(server))
    assert run.progress.counts == {"complete": 1, "error": 19}
    with pytest.raises(RowsError, match="19 of 20 rows failed, most often: connection lost"):
        run.raise_for_status()
    run.raise_for_status(max_failed=0.95)
    run.raise_for_status(max_failed=19)


# ------------------------------------------------------------------------------ money, time, stop


def test_max_cost_without_a_known_price_is_refused(server):
    with pytest.raises(OptionError, match="no price is known for m"):
        ask_rows(server, table(2), max_cost=1)
    assert not server.requests


def test_max_cost_counts_for_the_store_and_not_for_the_run(server, store):
    data = table(100)
    price = {
        "price": "1000,1000",
        "max_cost": 0.1,
        "store": store,
        "concurrency": 2,
    }  # a row costs about 2 cents
    first = ask_rows(server, data, **price)
    assert first.progress.state == "stopped"
    assert "max_cost" in first.progress.ending
    spent, asked = first.progress.cost, len(server.requests)
    assert 0.05 < spent <= 0.14
    for _ in range(4):
        run = ask_rows(server, data, **price)
        assert run.progress.requests <= 1
        assert run.progress.spent_before == pytest.approx(spent, rel=0.5)
    assert len(server.requests) <= asked + 1


def test_max_cost_counts_answers_of_earlier_runs_whose_cost_is_not_known(server, store):
    content = {"parts": [{"text": "Hello"}]}
    server.model("m", event({"candidates": [{"content": content, "finishReason": "STOP"}]}))
    given = {"price": "1000,1000", "max_cost": 0.1, "max_tokens": 20, "store": store, "concurrency": 2}
    first = ask_rows(server, table(100), **given)
    assert "max_cost" in first.progress.ending
    asked = len(server.requests)
    assert 0 < asked < 10
    again = ask_rows(server, table(100), **given)
    assert len(server.requests) <= asked + 1
    assert f"{asked} requests whose cost is not known" in again.progress.ending


def test_max_seconds_stops_the_run(server):
    server.answers("m", Script(HELLO), Script((gate("never"), *HELLO)))
    run = start_asking(server, table(9), max_seconds=0.2)
    server.wait_for_requests(2)
    while run.progress.state == "running":
        run.wait_change(run.progress.version, 0.1)
    assert "max_seconds" in run.progress.ending
    run.stop(now=True)
    assert run.wait(60)
    assert run.progress.state == "stopped"
    with pytest.raises(RowsError, match="max_seconds"):
        run.raise_for_status()


def test_stop_lets_the_rows_in_flight_end_and_a_second_one_ends_them(server, store):
    server.answers("m", Script(HELLO), Script((gate("go"), *HELLO)))
    run = start_asking(server, table(50), store=store)
    server.wait_for_requests(3)
    run.stop()
    server.open("go")
    assert run.wait(60)
    asked = len(server.requests)
    assert run.progress.state == "stopped"
    assert run.progress.counts == {"complete": asked}
    server.close_gates()
    server.answers("m", Script(HELLO), Script((gate("go"), *HELLO)))
    run = start_asking(server, table(50), store=store)
    server.wait_for_requests(asked + 3)
    run.stop(interrupted=True)
    run.stop(now=True, interrupted=True)
    assert run.wait(60)
    assert run.progress.state == "interrupted"
    server.model("m", *HELLO)
    again = ask_rows(server, table(50), store=store)
    assert again.progress.unasked["done"] >= asked
    assert set(asked_texts(server)) == {f"Classify: text {number}" for number in range(50)}


def test_max_cost_needs_a_price_at_another_host_than_the_providers(server):
    with pytest.raises(OptionError, match=r"no price is known for gemini-2.5-flash at 127\.0\.0\.1"):
        ask_rows(server, table(2), model="gemini-2.5-flash", max_cost=1)
    with pytest.raises(OptionError, match=r"for gemini-2.5-flash in the tier priority\."):
        ask_rows(server, table(2), model="gemini-2.5-flash", max_cost=1, service_tier="priority")
    assert not server.requests


def test_small_amounts_are_written_without_an_exponent(server, store):
    ask_rows(server, table(2), store=store)
    with pytest.raises(OptionError, match=r"costs about \$0\.0000\d+\. Nothing was sent") as stale:
        ask_rows(server, table(2), "Other: {{ row.text }}", store=store, price="0.3,2.5")
    assert "e-0" not in stale.value.message


def test_keys_that_stand_for_other_texts_are_reported_as_a_question(server, store):
    ask_rows(server, table(2), id="position", store=store)
    with pytest.raises(OptionError, match=r"numbered again\? No price is known"):
        ask_rows(server, table(2, first=7), id="position", store=store)


def test_rows_in_doubt_have_no_response_and_say_how_to_ask_them(server, store):
    ask_rows(server, table(3), store=store)
    with closing(sqlite3.connect(store)) as base, base:
        base.execute("UPDATE request SET state = 1, status = NULL WHERE id = 2")
        base.execute("UPDATE raw SET pieces = NULL WHERE request = 2")
    run = ask_rows(server, table(3), store=store, in_doubt="skip")
    assert statuses(run) == ["complete", "in_doubt", "complete"]
    with pytest.raises(StoreError, match="was sent, and the process ended") as found:
        _ = run.iat[1]
    assert 'in_doubt="again"' in found.value.remedy
    with pytest.raises(RowsError, match="1 of 3 rows failed, 1 of them in doubt") as failed:
        run.raise_for_status()
    assert 'in_doubt="again"' in failed.value.remedy


def test_a_row_beyond_the_limit_is_waiting_and_not_unknown(server):
    run = ask_rows(server, table(5), limit=2)
    with pytest.raises(StoreError, match="Row 'T-4' has no response: waiting"):
        _ = run.at["T-4"]
    with pytest.raises(KeyError):
        _ = run.at["T-9"]


def test_rows_that_break_off_for_the_same_reason_have_failed_and_were_not_refused(server):
    server.model("m", hang_up())
    run = ask_rows(server, table(20))
    assert run.progress.ending.startswith("5 rows failed for the same reason: The connection was lost")
