import datetime as dt
import json
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gemini_magic.errors import OptionError, PromptError, StoreError
from gemini_magic.options import Options
from gemini_magic.row_runs import result_frames
from gemini_magic.row_runs.plan import prepare
from gemini_magic.row_runs.results import RowResults
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_values import RunRecord
from gemini_magic.row_runs.values import Attempted, Grant
from gemini_magic.schema import as_schema

RECORDS = [
    {"id": "T-1", "text": "broken"},
    {"id": "T-2", "text": None},
    {"id": "T-3", "text": "broken"},
    {"id": "T-4", "text": "nice"},
]
SCHEMA = as_schema("label bug|praise, urgency int, tags list[str], about {x int}")


def answer(text):
    return json.dumps(
        {
            "label": "bug" if text == "broken" else "praise",
            "urgency": 3,
            "tags": ["a", text],
            "about": {"x": 1},
        }
    )


def answered(data, template="{{ row.text }}", limit=None, schema=SCHEMA, text_of=answer, **arguments):
    """The results of a run whose rows are answered, and its plan."""
    plan = prepare(template, data, options=Options(schema=schema), **arguments)
    store = Store.open(None)
    store.begin_run(RunRecord("1", "gemini", "host", "m", template or ""))
    wanted = [each for batch in plan.batches() for each in batch][:limit]
    for row, request in zip(wanted, store.add(wanted), strict=True):
        if request is None or store.match([row])[0].attempts:
            continue
        store.sent([Grant(request, 1, row)])
        text = text_of(row.parts[-1].text)
        done = Attempted(
            request, 1, "complete", "eof", text=text, cost=0.25, tokens_in=5, tokens_out=2, model="m-1"
        )
        store.commit(done=[done])
    return RowResults(store, plan, schema, lambda _row, request: SimpleNamespace(request=request)), plan


def test_the_results_of_a_frame_of_pandas_have_its_index():
    frame = pd.DataFrame(RECORDS, index=[7, 8, 9, 9])
    results, _ = answered(frame, id="id")
    found = results.df
    assert found.index.equals(frame.index)
    assert list(found.columns) == results.names
    assert found["label"].tolist()[0::2] == ["bug", "bug"]
    assert found["urgency"].dtype == "Int64" and found["urgency"].isna().tolist() == [
        False,
        True,
        False,
        False,
    ]
    assert found["tags"].tolist()[3] == ["a", "nice"]
    assert found["about"].tolist()[0] == '{"x": 1}'
    assert found["_status"].tolist() == ["complete", "skipped", "complete", "complete"]
    assert found["_tokens"].tolist()[0] == 7
    assert frame.assign(label=results.column("label"))["label"].tolist()[3] == "praise"


def test_a_shared_answer_costs_nothing_and_names_the_row_that_asked():
    found = answered(pd.DataFrame(RECORDS), id="id")[0].df
    assert found["_cost"].tolist()[0::2] == [0.25, 0.0]
    assert found["_shared"].tolist()[2] == "T-1"
    assert found["_cost"].sum() == 0.5


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pl.DataFrame, pl.DataFrame),
        (pl.LazyFrame, pl.DataFrame),
        (pa.Table.from_pylist, pa.Table),
        (lambda rows: pa.Table.from_pylist(rows).to_reader(), pa.Table),
        (lambda rows: duckdb.from_arrow(pa.Table.from_pylist(rows)), duckdb.DuckDBPyRelation),
        (list, pd.DataFrame),
        (iter, pd.DataFrame),
    ],
)
def test_results_are_in_the_library_of_the_input_with_the_keys_first(make, kind):
    found = answered(make(RECORDS), id="id")[0].df
    assert isinstance(found, kind)
    rows = (
        found.to_dicts()
        if kind is pl.DataFrame
        else found.to_pylist()
        if kind is pa.Table
        else found.to_dict("records")
        if kind is pd.DataFrame
        else found.to_arrow_table().to_pylist()
    )
    assert [row["id"] for row in rows] == ["T-1", "T-2", "T-3", "T-4"]
    assert next(iter(rows[0])) == "id"
    assert [row["label"] for row in rows if isinstance(row["label"], str)] == ["bug", "bug", "praise"]
    assert list(rows[3]["tags"]) == ["a", "nice"]


def test_rows_beyond_the_limit_are_waiting_and_keep_their_keys():
    found = answered(pl.DataFrame(RECORDS), id="id", limit=1)[0].df
    assert found["_status"].to_list() == ["complete", "waiting", "waiting", "waiting"]
    found = answered(RECORDS, id="id", limit=1)[0].df
    assert found["id"].tolist() == ["T-1", "T-2", "T-3", "T-4"]


def test_batches_have_the_columns_of_the_whole():
    frame = pd.DataFrame(RECORDS, index=list("abcd"))
    results, _ = answered(frame, id="id")
    batches = list(results.batches(3))
    assert [len(batch) for batch in batches] == [3, 1]
    pd.testing.assert_frame_equal(pd.concat(batches), results.df)
    with pytest.raises(OptionError, match="size=0"):
        results.batches(0)


def test_an_empty_input_has_empty_results():
    found = answered(pd.DataFrame({"id": [], "text": []}), id="id")[0].df
    assert found.shape[0] == 0 and "_status" in found


def test_samples_are_lines_with_their_number():
    results, _ = answered(pd.DataFrame(RECORDS[:1], index=["x"]), id="id", repeat=2)
    found = results.df
    assert found.index.tolist() == ["x", "x"] and found["_sample"].tolist() == [0, 1]
    assert results.at["T-1", 1].request != results.at["T-1"].request
    assert results.iat[0, 1].request == results.at["T-1", 1].request
    found = answered(pl.DataFrame(RECORDS[:1]), id="id", repeat=2)[0].df
    assert found["id"].to_list() == ["T-1", "T-1"]


def test_responses_are_found_by_key_and_by_position():
    results, _ = answered(pd.DataFrame(RECORDS), id="id")
    assert results.at["T-4"].request == results.iat[3].request == results.iat[-1].request
    with pytest.raises(KeyError, match="no row with the key 'T-9'"):
        results.at["T-9"]
    with pytest.raises(IndexError, match="no row at position 4"):
        results.iat[4]
    with pytest.raises(StoreError, match="Row 'T-2' has no response: skipped"):
        results.at["T-2"]
    results, _ = answered(RECORDS, id="id", limit=1)
    with pytest.raises(StoreError, match="Row 3 has no response: waiting"):
        results.iat[3]


def test_a_key_of_several_columns_is_a_tuple_also_with_samples():
    rows = [{"a": "x", "b": 1, "text": "t"}]
    assert answered(rows, id=["a", "b"])[0].at["x", 1].request
    results, _ = answered(rows, id=["a", "b"], repeat=2)
    assert results.at["x", 1].request != results.at[("x", 1), 1].request


@pytest.mark.parametrize("make", [list, pl.DataFrame, pa.Table.from_pylist])
def test_a_key_column_with_the_name_of_a_result_is_renamed(make):
    rows = [{"label": "T-1", "text": "broken"}]
    found = answered(make(rows), id="label")[0].df
    assert list(found["label_key"].to_pylist() if isinstance(found, pa.Table) else found["label_key"]) == [
        "T-1"
    ]
    assert list(found["label"].to_pylist() if isinstance(found, pa.Table) else found["label"]) == ["bug"]


def test_levels_of_an_index_without_a_name_have_names_in_a_parquet_file(tmp_path):
    index = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])
    results, _ = answered(pd.DataFrame({"text": ["a", "b"]}, index=index))
    table = pq.read_table(results.to_parquet(tmp_path / "out.parquet"))
    assert table["level_0"].to_pylist() == ["x", "y"] and table["level_1"].to_pylist() == [1, 2]


def test_a_key_of_another_type_is_named():
    results, _ = answered([{"id": 17, "text": "a"}], id="id")
    assert results.at[17.0].request
    with pytest.raises(KeyError, match="one with the key 17, which has another type"):
        results.at["17"]


def test_results_are_joined_by_key_whatever_the_order_of_the_frame():
    frame = pd.DataFrame(RECORDS)
    results, _ = answered(frame, id="id")
    joined = results.join(frame)
    assert joined["label"].tolist()[0] == "bug" and joined["label"].tolist()[3] == "praise"
    other = pd.concat([frame.iloc[::-1], pd.DataFrame([{"id": "new"}])], ignore_index=True)
    joined = results.join(other)
    assert joined["_status"].tolist()[:4] == ["complete", "complete", "skipped", "complete"]
    assert joined["label"].tolist()[0] == "praise" and joined["_status"].isna().tolist()[4]
    turned = results.join(pl.DataFrame(RECORDS).reverse(), suffix="_llm")
    assert turned["label_llm"].to_list() == ["praise", "bug", None, "bug"]
    turned = results.join(pa.Table.from_pylist(RECORDS[::-1]))
    assert turned["label"].to_pylist() == ["praise", "bug", None, "bug"]


def test_a_join_refuses_equal_names_and_frames_without_the_keys():
    frame = pd.DataFrame(RECORDS).assign(label="mine", _cost=1)
    results, _ = answered(frame, id="id")
    with pytest.raises(OptionError, match="also have: label, _cost") as caught:
        results.join(frame)
    assert 'suffix="_llm"' in caught.value.remedy
    assert results.join(frame, suffix="_llm")["label_llm"].tolist()[0] == "bug"
    with pytest.raises(OptionError, match="no column 'id'"):
        results.join(frame.drop(columns=["id", "label", "_cost"]))
    with pytest.raises(PromptError, match="cannot be joined to a LazyFrame"):
        results.join(pl.LazyFrame(RECORDS))


def test_a_join_by_position_needs_as_many_rows():
    results, _ = answered(pd.DataFrame(RECORDS), id="position")
    assert results.join(pd.DataFrame(RECORDS))["label"].tolist()[3] == "praise"
    with pytest.raises(OptionError, match="another number of rows"):
        results.join(pd.DataFrame(RECORDS[:2]))


def test_a_join_to_an_index():
    frame = pd.DataFrame(RECORDS).set_index("id")
    results, _ = answered(frame)
    joined = results.join(frame.iloc[::-1])
    assert joined.index.tolist() == ["T-4", "T-3", "T-2", "T-1"]
    assert joined["label"].tolist()[0] == "praise"


def test_results_are_written_to_a_parquet_file(tmp_path, monkeypatch):
    results, _ = answered(pd.DataFrame(RECORDS), id="id")
    path = results.to_parquet(tmp_path / "out.parquet")
    table = pq.read_table(path)
    assert table["id"].to_pylist() == ["T-1", "T-2", "T-3", "T-4"]
    assert table["tags"].to_pylist()[0] == ["a", "broken"]
    monkeypatch.setattr(result_frames, "_is_installed", lambda name: name == "polars")
    assert pq.read_table(results.to_parquet(path)).to_pylist() == table.to_pylist()
    monkeypatch.setattr(result_frames, "_is_installed", lambda name: False)
    with pytest.raises(OptionError, match="needs pyarrow or polars"):
        results.to_parquet(path)
    assert [each.name for each in tmp_path.iterdir()] == ["out.parquet"]


def test_rows_that_repeat_a_key_have_the_result_of_the_first():
    frame = pd.DataFrame([RECORDS[0], RECORDS[3], RECORDS[0]])
    results, plan = answered(frame, id="id", duplicates="first")
    assert plan.repeats == {2: 0}
    found = results.df
    assert found["label"].tolist() == ["bug", "praise", "bug"]
    assert found["_cost"].tolist() == [0.25, 0.25, 0.0] and found["_shared"].tolist()[2] == "T-1"
    assert results.iat[2].request == results.iat[0].request


def test_keys_keep_their_types():
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    rows = [{"a": 1, "b": 1.5, "c": True, "d": dt.date(2026, 1, 2), "e": moment, "f": "x", "text": "t"}]
    found = answered(iter(rows), id=["a", "b", "c", "d", "e", "f"])[0].to_parquet
    frame = answered(rows, id=["a", "b", "c", "d", "e", "f"])[0].df
    assert found
    assert frame["a"].tolist() == [1] and frame["d"].tolist() == [dt.date(2026, 1, 2)]
    assert frame["e"].tolist() == [pd.Timestamp(moment)]
    mixed = answered([{"a": 1, "text": "x"}, {"a": "x", "text": "y"}], id="a")[0].df
    assert mixed["a"].tolist() == ["1", "x"]


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[1]", '{"label": 5, "urgency": 1e400}', '{"urgency": 99999999999999999999}']
)
def test_answers_that_do_not_fit_leave_their_columns_empty(text):
    found = answered(pd.DataFrame(RECORDS[:1]), id="id", text_of=lambda _: text)[0].df
    assert found["urgency"].isna().tolist() == [True]
    assert found["_text"].tolist() == [text]


@pytest.mark.parametrize(
    "text", ['```json\n{"label": "bug"}\n```', 'Here: {"label": "bug"}', '{"label": "bug", "x": "\\ud800"}']
)
def test_an_answer_is_read_as_a_single_answer_is(text):
    assert answered(pd.DataFrame(RECORDS[:1]), id="id", text_of=lambda _: text)[0].df["label"].tolist() == [
        "bug"
    ]


def test_a_field_of_the_schema_cannot_replace_a_column_of_the_run():
    schema = as_schema(
        {"type": "object", "properties": {"_status": {"type": "string"}, "x": {"type": "integer"}}}
    )
    results, _ = answered(
        pd.DataFrame(RECORDS[:1]), id="id", schema=schema, text_of=lambda _: '{"_status": "mine", "x": 4}'
    )
    assert results.df["_status"].tolist() == ["complete"] and results.df["x"].tolist() == [4]
    assert results.names.count("_status") == 1


def test_a_column_that_does_not_exist_is_refused():
    results, _ = answered(pd.DataFrame(RECORDS), id="id")
    with pytest.raises(OptionError, match="no column 'lable'"):
        results.column("lable")


def test_values_of_numpy_are_keys():
    found = answered([{"id": np.int64(4), "text": "x"}], id="id")[0]
    assert found.at[4].request
