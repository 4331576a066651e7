import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gemini_magic.content import Text
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.options import Options
from gemini_magic.row_runs.keys import key_value
from gemini_magic.row_runs.plan import prepare

RECORDS = [{"id": f"T-{number}", "text": f"text {number}", "n": number} for number in range(30)]


def planned(template, data, size=500, **arguments):
    return [wanted for batch in prepare(template, data, **arguments).batches(size) for wanted in batch]


def texts(*arguments, **options):
    return ["".join(part.text for part in wanted.parts) for wanted in planned(*arguments, **options)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    pd.DataFrame(RECORDS).to_csv(folder / "rows.csv", index=False)
    pq.write_table(pa.Table.from_pylist(RECORDS), folder / "rows.parquet")
    return folder


def inputs(folder):
    frame = pd.DataFrame(RECORDS)
    table = pa.Table.from_pylist(RECORDS)
    return {
        "list of dicts": RECORDS,
        "iterator": iter(RECORDS),
        "pandas": frame,
        "pandas with an index": frame.set_index("id"),
        "polars": pl.DataFrame(RECORDS),
        "lazy frame": pl.LazyFrame(RECORDS),
        "Arrow table": table,
        "Arrow reader": table.to_reader(),
        "Arrow batch": table.to_batches()[0],
        "relation": duckdb.from_arrow(table),
        "CSV": folder / "rows.csv",
        "CSV as text": str(folder / "rows.csv"),
        "Parquet": folder / "rows.parquet",
    }


def test_every_kind_of_input_gives_the_same_keys_and_hashes(files):
    found = {
        name: planned("Classify {{ row.n }}: {{ row['text'] }}", data, id="id", size=7)
        for name, data in inputs(files).items()
    }
    assert [key_value(wanted.key) for wanted in found["pandas"]] == [record["id"] for record in RECORDS]
    assert found["pandas"][3].parts == (Text("Classify 3: text 3"),)
    for name, rows in found.items():
        assert rows == found["pandas"], name


def test_batches_have_the_size_that_was_asked_for(files):
    sizes = [len(batch) for batch in prepare("{{ row.text }}", RECORDS, id="id").batches(7)]
    assert sizes == [7, 7, 7, 7, 2]


def test_a_list_of_prompts_needs_no_id_and_its_text_is_not_interpolated():
    rows = planned(None, ["Why {{ row.x }}?", "How?"])
    assert [key_value(row.key) for row in rows] == [0, 1]
    assert rows[0].parts == (Text("Why {{ row.x }}?"),)


def test_values_are_data_and_are_not_interpolated_again():
    assert texts("Say {{ row.a }}", [{"id": 1, "a": "{{ row.secret }}"}], id="id") == ["Say {{ row.secret }}"]


def test_the_id_is_required_where_no_index_has_a_name():
    with pytest.raises(OptionError, match="id= is missing"):
        prepare("{{ row.text }}", pd.DataFrame(RECORDS))
    rows = planned("{{ row.text }}", pd.DataFrame(RECORDS).set_index("id"))
    assert key_value(rows[4].key) == "T-4"


def test_null_and_duplicate_keys_are_refused_with_three_names():
    frame = pd.DataFrame({"k": [1.0, float("nan"), 2.0, None, 5.0], "t": list("abcde")})
    with pytest.raises(OptionError, match=r"Rows without a key in id k: row 2, row 4\."):
        prepare("{{ row.t }}", frame, id="k")
    frame = pd.DataFrame({"k": [1, 1.0, 2, 2, 3, 3, 4, 4], "t": list("abcdefgh")})
    with pytest.raises(OptionError, match=r"more than once in id k: 1 \(rows 1 and 2\), 2 .*, 3 .* …\."):
        prepare("{{ row.t }}", frame, id="k")


def test_a_template_without_a_column_is_refused():
    with pytest.raises(PromptError, match="uses no column"):
        prepare("Hello", RECORDS, id="id")


def test_a_template_whose_first_twenty_prompts_are_equal_is_refused():
    with pytest.raises(PromptError, match="first 20 rows are equal"):
        planned("{{ row.text[:4] }}", RECORDS, id="id")
    assert len(planned("{{ row.text[:4] }}", RECORDS[:19], id="id")) == 19


def test_rows_with_a_missing_value_are_skipped_by_default():
    frame = pd.DataFrame({"k": range(4), "t": ["a", None, "  ", float("nan")]})
    rows = planned("{{ row.t }}", frame, id="k")
    assert [(row.status, row.hash != b"") for row in rows] == [
        ("waiting", True),
        ("skipped", False),
        ("skipped", False),
        ("skipped", False),
    ]
    assert texts("x{{ row.t }}", frame, id="k", missing="keep") == ["xa", "x", "x  ", "x"]
    with pytest.raises(PromptError, match=r"Rows without a value of t: 1, 2, 3"):
        prepare("{{ row.t }}", frame, id="k", missing="error")


def test_a_row_beyond_the_size_limit_is_too_long():
    rows = planned("{{ row.t }}", [{"k": 1, "t": "é" * 10}, {"k": 2, "t": "é"}], id="k", max_bytes=10)
    assert [(row.status, row.size) for row in rows] == [("too_long", 20), ("waiting", 2)]


def test_repeat_gives_every_sample_another_hash():
    rows = planned("{{ row.text }}", RECORDS[:2], id="id", repeat=3)
    assert [(row.position, row.sample) for row in rows] == [(p, s) for p in (0, 1) for s in (0, 1, 2)]
    assert len({row.hash for row in rows}) == 6
    assert rows[0].hash == planned("{{ row.text }}", RECORDS[:2], id="id")[0].hash


def test_equal_prompts_share_a_hash_unless_dedupe_is_off():
    data = [{"k": 1, "t": "a"}, {"k": 2, "t": "a"}]
    one, two = planned("{{ row.t }}", data, id="k")
    assert one.hash == two.hash
    one, two = planned("{{ row.t }}", data, id="k", dedupe=False)
    assert one.hash != two.hash


def test_options_that_change_an_answer_change_the_hash():
    def hashed(**options):
        return planned("{{ row.text }}", RECORDS[:1], id="id", options=Options(**options))[0].hash

    assert hashed(temperature=0.2) != hashed()
    assert hashed(temperature=1) == hashed(temperature=1.0)
    assert hashed(base_url="https://proxy.example", timeout=5.0, service_tier="flex") == hashed()
