"""Tests of the results of a run, end to end against a fake server."""

import gc
import hashlib
import os

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_server import FakeServer, Script, event, finish, text
from rows_stage import ask_rows, asked_texts, refused, statuses, table

import gemini_magic as gm
from gemini_magic.errors import OptionError, PromptError, StoreError
from gemini_magic.row_runs import identity

ANSWER = (text('{"label": "bug", '), text('"urgency": 3}'), finish())
SCHEMA = "label: bug|idea|praise, urgency: int"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("m", *ANSWER)
        yield running


def test_a_frame_of_pandas_gets_its_answers(server, tmp_path):
    frame = pd.DataFrame([*table(3), {"id": "T-9", "text": None}], index=list("wxyz"))
    run = ask_rows(server, frame, schema=SCHEMA)
    assert run.df.index.tolist() == ["w", "x", "y", "z"]
    assert run.df["label"].tolist()[:3] == ["bug"] * 3 and run.df["_status"].tolist()[3] == "skipped"
    assert run.column("urgency").tolist()[:3] == [3, 3, 3]
    assert list(run.join(frame).columns[:4]) == ["id", "text", "label", "urgency"]
    assert sum(len(batch) for batch in run.batches(2)) == 4
    assert pq.read_table(run.to_parquet(tmp_path / "out.parquet"))["id"].to_pylist()[3] == "T-9"


def test_the_response_of_a_row_has_every_chunk(server):
    run = ask_rows(server, table(3), schema=SCHEMA)
    response = run.at["T-1"]
    assert response.text == '{"label": "bug", "urgency": 3}'
    assert len(response.chunks) == 3
    assert response.parsed == {"label": "bug", "urgency": 3}
    assert run.iat[1].text == response.text
    with pytest.raises(KeyError, match="no row with the key 'T-7'"):
        run.at["T-7"]


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, pa.Table.from_pylist, iter])
def test_other_inputs_get_their_answers(server, make):
    run = ask_rows(server, make(table(3)), schema=SCHEMA)
    assert list(run.column("label")) == ["bug"] * 3 or run.column("label").to_pylist() == ["bug"] * 3


def test_a_list_of_prompts_has_results_with_positions(server):
    run = gm.rows(["one", "two"], model="m", key_env="TEST_KEY", base_url=server.base_url, show=False)
    assert run.df["_position"].tolist() == [0, 1] and run.at[1].text == run.iat[1].text


def test_counts_of_tokens_that_no_column_holds_are_null(server):
    counts = {"promptTokenCount": 2**63 - 1, "candidatesTokenCount": 2**63 - 1}
    answer = {"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}
    server.model("m", event({"candidates": [answer], "usageMetadata": counts}))
    assert ask_rows(server, pd.DataFrame(table(1))).df["_tokens"].isna().all()
    assert ask_rows(server, pl.DataFrame(table(1))).df["_tokens"].to_list() == [None]


def test_rows_of_other_inputs_find_the_answers_of_the_store(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    ask_rows(server, pd.DataFrame(table(4)), store=store)
    pd.DataFrame(table(4)).to_csv(tmp_path / "rows.csv", index=False)
    for data in (
        table(4),
        pl.LazyFrame(table(4)),
        pa.Table.from_pylist(table(4)).to_reader(),
        tmp_path / "rows.csv",
    ):
        run = ask_rows(server, data, store=store)
        assert statuses(run) == ["complete"] * 4
    assert len(server.requests) == 4


def test_a_frame_that_was_sorted_and_numbered_again_keeps_its_answers(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    server.answers("m", *(Script((text(each), finish())) for each in "cab"))
    frame = pd.DataFrame({"text": list("cab")})
    ask_rows(server, frame, "{{ row.text }}", id="position", store=store, concurrency=1)
    again = frame.sort_values("text", ignore_index=True)
    run = ask_rows(server, again, "{{ row.text }}", id="position", store=store)
    assert run.df["_text"].tolist() == list("abc") and len(server.requests) == 3


def test_keys_that_stand_for_other_texts_stop_with_a_hint(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    ask_rows(server, pd.DataFrame({"text": list("abc")}), id="position", store=store)
    with pytest.raises(OptionError, match="these keys now stand for other texts: is the position a real key"):
        ask_rows(server, pd.DataFrame({"text": list("bcd")}), id="position", store=store)
    assert len(server.requests) == 3


def test_a_renamed_column_asks_nothing_again(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    frame = pd.DataFrame(table(3))
    ask_rows(server, frame, store=store)
    ask_rows(server, frame.rename(columns={"text": "body"}), "Classify: {{ row.body }}", store=store)
    assert len(server.requests) == 3


def test_another_temperature_stops_with_what_has_changed(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    ask_rows(server, table(3), store=store)
    with pytest.raises(OptionError, match=r"temperature: None -> 0\.2"):
        ask_rows(server, table(3), store=store, temperature=0.2)
    run = ask_rows(server, table(3), store=store, temperature=0.2, stale="keep")
    assert run.df["_status"].tolist() == ["stale"] * 3


def test_values_are_never_interpolated_and_paths_are_never_read(server, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    rows = [{"id": 1, "text": "{{ 1 + 1 }}"}, {"id": 2, "text": str(secret)}]
    ask_rows(server, rows)
    assert sorted(asked_texts(server)) == sorted(["Classify: {{ 1 + 1 }}", f"Classify: {secret}"])


def test_a_failed_row_has_its_error_beside_the_answers(server):
    server.answers("m", Script(ANSWER), Script((refused(400, "INVALID_ARGUMENT"),)))
    run = ask_rows(server, table(2), schema=SCHEMA, retries=0)
    found = run.df
    assert found["_status"].tolist() == ["complete", "error"]
    assert "no" in found["_error"].tolist()[1] and found["label"].isna().tolist() == [False, True]


def test_samples_share_nothing(server):
    run = ask_rows(server, table(2), repeat=2)
    assert run.df["_sample"].tolist() == [0, 1, 0, 1]
    assert len(server.requests) == 4
    assert run.at["T-1", 1].text


def test_equal_rows_of_one_key_are_asked_once(server):
    data = [*table(2), *table(1)]
    run = ask_rows(server, data, duplicates="first")
    assert run.df["id"].tolist() == ["T-0", "T-1", "T-0"]
    assert run.df["_text"].notna().all() and len(server.requests) == 2


def test_results_can_be_read_while_the_run_goes_on_and_after_its_store_was_closed(server):
    run = ask_rows(server, table(2))
    gc.collect()
    assert run.done and run.df["_status"].tolist() == ["complete"] * 2


def test_a_row_that_was_not_asked_has_no_response(server):
    run = ask_rows(server, table(3), limit=1)
    assert run.df["_status"].tolist() == ["complete", "waiting", "waiting"]
    with pytest.raises(StoreError, match="has no response: waiting"):
        run.iat[2]


def test_an_unchanged_picture_is_not_read_again_to_find_its_answer(server, tmp_path, monkeypatch):
    png = b"\x89PNG\r\n\x1a\n" + bytes(40)
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(png + name.encode())
        os.utime(tmp_path / f"{name}.png", ns=(10**18, 10**18))
    rows = [{"id": name, "path": f"{name}.png"} for name in "ab"]
    given = {"folder": tmp_path, "store": tmp_path / "t.rows.sqlite"}
    run = ask_rows(server, rows, "Look: {{ image(row.path) }}", **given)
    assert statuses(run) == ["complete"] * 2
    parts = server.requests[0].body["contents"][-1]["parts"]
    assert parts[1]["inlineData"]["mimeType"] == "image/png"
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert statuses(ask_rows(server, rows, "Look: {{ image(row.path) }}", **given)) == ["complete"] * 2
    assert len(server.requests) == 2


def test_a_version_with_another_form_of_the_hash_finds_the_answers_of_the_old_one(
    server, tmp_path, monkeypatch
):
    store = tmp_path / "t.rows.sqlite"
    ask_rows(server, table(2), store=store)
    new_form = {**identity._FORMS, 2: lambda asked: b"2" + identity._first_form(asked)}
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_FORMS", new_form)
        patch.setattr(identity, "FORM", 2)
        ask_rows(server, table(3), store=store)
        assert len(server.requests) == 3
        ask_rows(server, table(1), store=tmp_path / "new.rows.sqlite")
    with pytest.raises(OptionError, match="form 2, which this version does not know") as caught:
        ask_rows(server, table(1), store=tmp_path / "new.rows.sqlite")
    assert "Update gemini_magic" in caught.value.remedy


def test_with_missing_error_an_expression_that_fails_ends_the_run_and_keeps_what_was_answered(server):
    def checked(value):
        if value == "text 550":
            raise ValueError("no such thing")
        return value

    run = ask_rows(
        server, table(600), "{{ checked(row.text) }}", variables={"checked": checked}, missing="error"
    )
    assert run.progress.state == "error"
    found = statuses(run)  # rows that were read and not asked wait
    assert found.count("complete") == len(server.requests) and {*found} <= {"complete", "waiting"}
    with pytest.raises(PromptError, match=r"Row 'T-550': the prompt, line 1.*ValueError: no such thing"):
        run.raise_for_status()


@pytest.mark.parametrize("option", [{"compare": "m,n"}, {"sweep": ["temperature=0,1"]}])
def test_comparisons_are_refused_with_another_way(server, option):
    with pytest.raises(OptionError, match="each time with another store"):
        ask_rows(server, table(1), **option)
    assert not server.requests
