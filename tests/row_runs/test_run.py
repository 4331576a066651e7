"""Tests of a run over rows, end to end against a fake server."""

import json
import resource

import pandas as pd
import pytest
from client_stage import until
from fake_server import FakeServer, Script, cut, finish, gate, raw, text
from interaction_bodies import completed, created, start, stop, stream
from interaction_bodies import text as piece
from rows_stage import ask_rows, asked_texts, refused, results, start_asking, statuses, table

import gemini_magic as gm
from gemini_magic.errors import OptionError, PromptError, RowsError, StoreError
from gemini_magic.row_runs import leader
from gemini_magic.row_runs.store import Store

HELLO = (text("Hel"), text("lo"), finish())


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("m", *HELLO)
        yield running


def test_every_row_is_asked_once_and_its_answer_is_stored(server):
    run = ask_rows(server, table(30))
    assert [row.text for row in results(run)] == ["Hello"] * 30
    assert sorted(asked_texts(server)) == sorted(f"Classify: text {number}" for number in range(30))
    progress = run.progress
    assert (progress.state, progress.total, progress.counts) == ("complete", 30, {"complete": 30})
    assert progress.requests == 30
    assert run.raise_for_status() is run


def test_a_list_of_prompts_needs_no_template(server):
    run = gm.rows(["one", "two"], model="m", key_env="TEST_KEY", base_url=server.base_url, show=False)
    assert statuses(run) == ["complete", "complete"]
    assert sorted(asked_texts(server)) == ["one", "two"]


def test_running_again_with_the_same_store_asks_nothing_that_is_done(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    ask_rows(server, table(5), store=store)
    run = ask_rows(server, table(8), store=store)
    assert len(server.requests) == 8
    assert run.progress.unasked == {"done": 5}
    assert statuses(run) == ["complete"] * 8


def test_the_first_row_goes_alone(server):
    server.model("m", gate("first"), *HELLO)
    run = start_asking(server, table(10))
    server.wait_for_requests(1)
    assert run.progress.requests == 0
    assert len(server.requests) == 1
    server.open("first")
    assert run.wait(60)
    assert len(server.requests) == 10


def test_a_concurrency_that_the_user_gives_is_reached_in_fewer_answers_than_the_default(server, monkeypatch):
    made = []
    at_once = leader.AtOnce
    monkeypatch.setattr(
        leader, "AtOnce", lambda *given, **named: made.append(at_once(*given, **named)) or made[-1]
    )
    ask_rows(server, table(11), concurrency=40)
    ask_rows(server, table(11))
    assert [each.limit for each in made] == [40, 8]


def test_a_stored_answer_is_a_whole_response(server):
    run = ask_rows(server, table(1))
    response = run.response(results(run)[0].request)
    assert response.text == "Hello"
    assert len(response.chunks) == 3
    assert response.status == "complete"


def test_rows_are_asked_over_the_interactions_api(server, tmp_path):
    body = stream(created(ident=""), start(0), piece(0, "Hello"), stop(0), completed(id=""))
    server.route("/v1beta/interactions", Script((raw(body),)))
    run = ask_rows(server, table(2), backend="interactions", store=tmp_path / "t.rows.sqlite", seed=3)
    assert [each.text for each in results(run)] == ["Hello", "Hello"]
    sent = [request.body for request in server.requests]
    assert [each["generation_config"] for each in sent] == [{"seed": 3}] * 2
    assert len({each["input"] for each in sent}) == 2
    assert all(each["store"] is False for each in sent)
    response = run.response(results(run)[0].request)
    assert (response.text, response.usage.total, response.ledger.backend) == ("Hello", 20, "interactions")


def test_limit_asks_only_the_first_rows(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    run = ask_rows(server, table(50), limit=4, store=store)
    assert len(server.requests) == 4
    assert run.progress.total == 4
    ask_rows(server, table(50), store=store)
    assert len(server.requests) == 50


def test_an_option_that_rows_do_not_support_is_refused_before_anything_is_sent(server):
    for options in (
        {"tool": ["f"]},
        {"chat": "c"},
        {"replay": "builtin:tour"},
        {"repair": 1},
        {"compare": "a,b"},
        {"agent": "deep-research-preview-04-2026"},
        {"server_background": True},
    ):
        with pytest.raises(OptionError, match="Rows do not support"):
            ask_rows(server, table(2), **options)
    assert not server.requests


@pytest.mark.parametrize(
    "argument",
    [
        {"stale": "ask"},
        {"in_doubt": 1},
        {"wait": "hour"},
        {"limit": 0},
        {"concurrency": 501},
        {"concurrency": True},
        {"max_cost": 0},
        {"max_seconds": "10"},
        {"store": 3},
        {"store": ""},
        {"folder": 3},
        {"dedupe": "no"},
    ],
)
def test_a_value_that_is_not_valid_is_refused(server, argument):
    with pytest.raises(OptionError, match=next(iter(argument))):
        ask_rows(server, table(2), **argument)


@pytest.mark.parametrize(
    "option",
    [
        {"server_background": True},
        {"agent": "deep-research-1"},
        {"body": {"background": True, "store": True}},
    ],
)
def test_answers_in_the_background_are_refused_before_anything_is_sent(interactions_server, option):
    where = {"backend": "interactions", "base_url": interactions_server.base_url, "key_env": "TEST_KEY"}
    with pytest.raises(OptionError, match=r"Rows do not support (agents|answers .*in the background)"):
        gm.rows("Q {{ row.x }}", [{"x": 1}], id="position", **where, **option)
    assert interactions_server.requests == []


def test_a_store_is_used_by_one_run_at_a_time(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    server.model("m", gate("go"), *HELLO)
    run = start_asking(server, table(3), store=store)
    server.wait_for_requests(1)
    with pytest.raises(StoreError, match="is in use"):
        ask_rows(server, table(3), store=store)
    server.open("go")
    assert run.wait(60)
    assert len(server.requests) == 3


# -------------------------------------------------------------------------------------- refusals


def test_a_revoked_key_costs_one_request(server):
    server.model("m", refused(401, "UNAUTHENTICATED", "The key was revoked."))
    run = ask_rows(server, table(100))
    assert len(server.requests) == 1
    assert run.progress.state == "stopped"
    assert "first row was refused" in run.progress.ending
    with pytest.raises(RowsError, match="revoked"):
        run.raise_for_status()
    server.model("m", *HELLO)


def test_rows_that_were_refused_because_of_the_key_are_asked_when_it_is_valid_again(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    server.model("m", refused(403, "PERMISSION_DENIED"))
    ask_rows(server, table(3), store=store)
    server.model("m", *HELLO)
    assert statuses(ask_rows(server, table(3), store=store)) == ["complete"] * 3


def test_equal_refusals_stop_the_run(server):
    server.model("m", refused(400, "INVALID_ARGUMENT", "bad schema"))
    run = ask_rows(server, table(100))
    assert len(server.requests) == 5
    assert "5 rows were refused for the same reason" in run.progress.ending
    assert run.progress.failures[0].rows == 5
    assert run.progress.failures[0].permanent


def test_a_refusal_that_passes_is_asked_again_by_the_runner_and_by_nothing_else(server, monkeypatch):
    monkeypatch.setattr(leader, "_BACKOFF", (0.01, 0.02))
    server.answers("m", Script(HELLO), Script((refused(503, "UNAVAILABLE"),)), Script(HELLO))
    run = ask_rows(server, table(4))
    assert statuses(run) == ["complete"] * 4
    assert len(server.requests) == 5
    assert run.progress.requests == 5
    assert sorted(row.attempts for row in results(run)) == [1, 1, 1, 2]


def test_a_row_is_forgotten_with_every_trace_and_asked_again_later(server, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    run = ask_rows(server, table(3), store=path)
    assert run.forget("T-1") == 1
    assert b"T-1" not in path.read_bytes()
    with pytest.raises(StoreError, match="no row with this key"):
        run.forget("T-1")
    assert statuses(ask_rows(server, table(3), store=path)) == ["complete"] * 3
    assert asked_texts(server)[3:] == ["Classify: text 1"]


def test_a_copy_of_a_temporary_store_stays_and_is_resumed(server, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    assert ask_rows(server, table(3)).copy(path) == path
    assert statuses(ask_rows(server, table(3), store=path)) == ["complete"] * 3
    assert len(server.requests) == 3


def test_a_row_is_not_forgotten_while_the_run_goes_on(server, tmp_path):
    server.model("m", gate("go"), *HELLO)
    run = start_asking(server, table(2), store=tmp_path / "t.rows.sqlite")
    with pytest.raises(OptionError, match="has not ended"):
        run.forget("T-0")
    server.open("go")
    assert run.wait(60)
    assert run.forget("T-0") == 1


def test_answers_of_two_models_in_one_store_are_mentioned(server, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    server.model("m", text("a", modelVersion="flash-001"), finish(modelVersion="flash-001"))
    assert ask_rows(server, table(2), store=path).progress.notices == ()
    server.model("m", text("a", modelVersion="flash-002"), finish(modelVersion="flash-002"))
    notices = ask_rows(server, table(5), store=path).progress.notices
    assert notices == (
        "The answers are of 2 models and may not be comparable: flash-002 (3 rows), flash-001 (2 rows).",
    )


def test_a_full_disk_ends_the_run_and_no_row_is_paid_twice(server, tmp_path):
    path = tmp_path / "t.rows.sqlite"
    server.model("m", gate("go"), *HELLO)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    run = start_asking(server, table(30), store=path)
    until(lambda: server.requests)  # the first row goes alone
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, hard))
    try:
        server.open("go")
        until(lambda: run.store.held and run._leader.problem)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run.wait(60)
    with pytest.raises(StoreError, match="cannot be written"):
        run.raise_for_status()
    assert any("kept in memory, and writing them is tried again" in notice for notice in run.progress.notices)
    counts = run.store.counts()
    assert counts["complete"] == len(server.requests)
    assert "in_doubt" not in counts
    again = ask_rows(server, table(30), store=path)
    assert statuses(again) == ["complete"] * 30
    assert len(server.requests) == 30


def test_a_response_has_its_request_while_the_input_has_the_same_row(server):
    rows = table(3)
    run = ask_rows(server, rows, repeat=2)
    response = run.at["T-1", 1]
    exchange = response.ledger.exchanges[-1]
    assert response.request.turns[-1].text == "Classify: text 1"
    sent = next(
        each for each in server.requests if each.body["contents"][-1]["parts"][0]["text"].endswith("1")
    )
    assert json.loads(exchange.body) == sent.body
    assert exchange.url == f"{server.base_url}/v1beta/models/m:streamGenerateContent?alt=sse"
    assert "AIzaCANARY" not in repr(exchange.headers)
    rows[1]["text"] = "changed since"
    assert run.at["T-1", 1].request.turns == ()
    assert run.at["T-1", 1].text == "Hello"
    once = ask_rows(server, iter(table(500)), limit=2)
    assert (once.iat[1].request.turns, once.iat[1].text) == ((), "Hello")


@pytest.mark.parametrize(
    ("template", "data", "message"),
    [
        ("Classify: {{ row.text }}", [{"id": n, "text": "a"} for n in range(20)], "first 20 rows are equal"),
        ("Classify: {{ row.text.x }}", table(3), "no attribute 'x'"),
        ("Classify: {{ row }}", table(3), "is a whole row"),
    ],
)
def test_a_run_that_is_refused_before_anything_is_sent_raises_its_error(server, template, data, message):
    with pytest.raises(PromptError, match=message):
        ask_rows(server, data, template)
    assert not server.requests


def test_an_unexpected_exception_of_the_store_ends_the_run(server, monkeypatch):
    def commit(self, **given):
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(Store, "commit", commit)
    run = start_asking(server, table(5))
    assert run.wait(60)
    assert (run.progress.state, server.requests) == ("error", [])
    assert "Internal error: ZeroDivisionError: bug" in run.progress.ending


def test_a_row_that_is_not_valid_after_others_were_sent_ends_the_run_and_keeps_their_answers(server):
    rows = iter([*table(1500), {"id": "T-1500", "text": 7}])
    run = ask_rows(server, rows, "{{ row.text[:9] }}", missing="error")
    assert run.progress.state == "error"
    assert "'int' object is not subscriptable" in run.progress.ending
    assert run.progress.counts["complete"] >= 500


def test_retry_refuses_what_is_not_a_status(server):
    run = ask_rows(server, table(2))
    with pytest.raises(OptionError, match="'failed' is not a status of a row") as refused_status:
        run.retry(status=["error", "failed"])
    for status, message in (
        ([True, None], "neither True nor False"),
        ([True], "The mask has 1 values, and the results have 2 rows"),
        ({"error": True}, "not dict"),
        (7, "not int"),
        ([None], "status=None is not a status"),
    ):
        with pytest.raises(OptionError, match=message) as caught:
            run.retry(status)
        assert caught.value.remedy
    assert len(server.requests) == 2
    assert "stalled" in refused_status.value.remedy


def test_a_limit_hides_no_answer_of_an_earlier_run(server, tmp_path):
    given = {"store": tmp_path / "t.rows.sqlite"}
    ask_rows(server, table(6), **given)
    run = ask_rows(server, table(8), limit=3, **given)
    expected = ["complete"] * 6 + ["waiting"] * 2
    assert list(run.df["_status"]) == expected
    assert run.at["T-5"].text == run.iat[5].text == "Hello"
    for find in (lambda: run.at["T-7"], lambda: run.iat[7]):
        with pytest.raises(StoreError, match="has no response: waiting"):
            find()
    with pytest.raises(KeyError):
        _ = run.at["T-8"]
    assert (run.progress.total, run.progress.unasked) == (3, {"done": 3})
    changed = [{**row, "text": f"{row['text']}!"} if row["id"] == "T-4" else row for row in table(8)]
    run = ask_rows(server, changed, limit=1, **given)
    assert list(run.df["_status"]) == ["complete"] * 4 + ["waiting", "complete", "waiting", "waiting"]
    run = ask_rows(server, table(8), "Other: {{ row.text }}", limit=1, stale="keep", **given)
    assert list(run.df["_status"]) == ["stale"] + ["waiting"] * 7  # the answers are to another prompt
    several = ask_rows(server, table(3), repeat=2, store=tmp_path / "s.rows.sqlite")
    several = ask_rows(server, table(3), repeat=2, limit=1, store=tmp_path / "s.rows.sqlite")
    assert list(several.df["_status"]) == ["complete"] * 6
    assert several.at["T-2", 1].text == "Hello"


def test_keep_text_stores_no_responses(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    server.model("m", text("Hel SECRET"), text("lo"), finish())
    run = ask_rows(server, table(3), store=store, keep="text")
    assert list(run.df["_text"]) == ["Hel SECRETlo"] * 3
    assert run.df["_tokens"].notna().all() == ask_rows(server, table(3)).df["_tokens"].notna().all()
    for find in (lambda: run.at["T-0"], lambda: run.iat[0], lambda: run.response(results(run)[0].request)):
        with pytest.raises(StoreError, match="Only the text of this response was stored") as caught:
            find()
        assert caught.value.remedy
    assert run.store.attempts(results(run)[0].request)[0].ended == "not kept"
    again = ask_rows(server, table(4), store=store)
    assert (len(server.requests), again.at["T-3"].text) == (7, "Hel SECRETlo")
    server.model("m", refused(400, "INVALID_ARGUMENT"))
    failed = ask_rows(server, table(1), store=tmp_path / "f.rows.sqlite", keep="text")
    assert statuses(failed) == ["error"]
    with pytest.raises(OptionError, match="keep='all' is not valid"):
        ask_rows(server, table(1), keep="all")


def test_a_mask_selects_the_rows_that_are_asked_again(server):
    data = [*table(4), table(1)[0]]
    run = ask_rows(server, pd.DataFrame(data), duplicates="first")
    server.model("m", text("Again"), finish())
    again = run.retry(run.df["_status"].index == 2)
    assert list(again.df["_text"]) == ["Hello", "Hello", "Again", "Hello", "Hello"]
    again = run.retry(pd.Series([False] * 4 + [True]))  # the same answer as the first row
    assert list(again.df["_text"]) == ["Again", "Hello", "Again", "Hello", "Again"]
    assert len(server.requests) == 6
    several = ask_rows(server, table(2), repeat=2)
    again = several.retry([False, True, False, False], max_tokens=9)
    assert len(server.requests) == 11
    assert [row.attempts for row in results(again)] == [1, 2, 1, 1]
    assert again.retry([False] * 4).progress.requests == 0


@pytest.mark.parametrize(
    ("name", "own"), [("key", "id"), ("tier", "service_tier"), ("on", "cluster"), ("max_rows", "limit")]
)
def test_keywords_of_other_libraries_name_the_argument(server, name, own):
    with pytest.raises(OptionError, match=f"Unknown setting: '{name}'") as found:
        ask_rows(server, table(2), **{name: 1})
    assert found.value.remedy == f"Use {own}=."


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("max_tokns", "Did you mean 'max_tokens'?"),
        ("stail", "Did you mean 'stale'?"),
        ("zzz", "Rows have the settings id"),
    ],
)
def test_an_unknown_keyword_names_a_setting_of_rows(server, name, remedy):
    with pytest.raises(OptionError, match=f"Unknown setting: '{name}'") as found:
        ask_rows(server, table(2), **{name: 1})
    assert found.value.remedy.startswith(remedy)
    assert "dry_run" not in found.value.remedy


def test_a_prompt_without_rows_is_refused():
    with pytest.raises(PromptError, match="The rows are missing"):
        gm.rows("Classify: {{ row.text }}", id="id")


def test_the_error_of_a_row_says_what_does_not_fit_and_names_no_command_for_cells(server):
    run = ask_rows(server, table(1), schema="label a|b")
    [row] = results(run)
    assert row.status == "mismatch"
    assert "JSON" in row.error
    server.model("m", text("Hel"), cut())
    [row] = results(ask_rows(server, table(1)))
    assert row.error == "The connection was lost after 3 characters."
    server.model("m", text("Hel", finish="SAFETY"))
    [row] = results(ask_rows(server, table(1)))
    assert (row.status, row.reason) == ("blocked", "blocked")


def test_a_column_of_rows_without_columns_is_an_error_that_names_the_row_itself(server):
    with pytest.raises(PromptError) as caught:
        gm.rows(
            "Classify: {{ row.text }}",
            ["one", "two"],
            base_url=server.base_url,
            key_env="TEST_KEY",
            show=False,
        )
    assert caught.value.remedy == "These rows have no columns: write {{ row }}."
    assert not server.requests


def test_an_expression_that_fails_in_a_later_row_does_not_claim_that_nothing_was_sent(server):
    rows = [{"id": n, "divisor": 30 - n} for n in range(600)]
    with pytest.raises(PromptError) as caught:
        ask_rows(server, rows, "{{ 1 / row.divisor }}", missing="error")
    assert caught.value.remedy == "Fix the expression."


def test_a_row_whose_prompt_cannot_be_made_is_skipped_and_says_why(server, tmp_path):
    rows = [{"id": n, "divisor": 3 - n} for n in range(6)]
    given = {"store": tmp_path / "t.rows.sqlite"}
    run = ask_rows(server, rows, "{{ 1 / row.divisor }}", **given)
    assert statuses(run) == ["complete"] * 3 + ["skipped"] + ["complete"] * 2
    assert run.progress.unasked == {"skipped": 1}
    why = run.df[3]["_error"] if isinstance(run.df, list) else run.df["_error"].tolist()[3]
    assert why.startswith("Row 3: the prompt, line 1, column 1: ")
    assert "ZeroDivisionError" in why
    assert run.progress.notices == (
        f"Rows whose prompt cannot be made are skipped, and `_error` says why. The first: {why}",
    )
    assert run.raise_for_status() is run
    with pytest.raises(StoreError, match="Row 3 has no response: skipped"):
        run.at[3]
    again = ask_rows(server, rows, "{{ 1 / row.divisor }}", **given)
    assert (again.progress.unasked, len(server.requests)) == ({"done": 5, "skipped": 1}, 5)
    rows[3]["divisor"] = 7
    assert statuses(ask_rows(server, rows, "{{ 1 / row.divisor }}", **given)) == ["complete"] * 6
