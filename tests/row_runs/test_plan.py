import json
import re
import tracemalloc

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from media_samples import png

from gemini_magic.content import Blob, Text
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


def test_keys_of_an_iterator_are_checked_before_its_first_rows_are_asked(monkeypatch):
    def rows(count=3000, *, large=False):
        for number in range(count):
            yield {
                "k": number % 2900,
                "t": f"text {number}" + "x" * (20_000 if large and number > 1500 else 0),
            }

    with pytest.raises(OptionError, match=r"more than once in id k: 0 .*, 1 .*, 2 "):
        next(prepare("{{ row.t }}", rows(), id="k").batches())
    for wanted in (lambda: rows(large=True), rows):  # large rows, then slow ones, are not read ahead
        batches = prepare("{{ row.t }}", wanted(), id="k").batches()
        assert len(next(batches)) == 500
        with pytest.raises(OptionError, match="more than once"):
            list(batches)
        monkeypatch.setattr("gemini_magic.row_runs.plan._AHEAD_SECONDS", -1.0)


def test_a_template_without_a_column_is_refused():
    with pytest.raises(PromptError, match="uses no column"):
        prepare("Hello", RECORDS, id="id")
    with pytest.raises(PromptError) as caught:
        prepare("Classify: { row.text }", RECORDS, id="id")
    assert "four" in caught.value.remedy
    with pytest.raises(PromptError) as caught:
        prepare("Hello", [{"my text": "a"}], id="my text")
    assert '{{ row["my text"] }}' in caught.value.remedy


def test_a_change_of_the_frame_after_the_plan_was_made_moves_no_column():
    for frame in (pd.DataFrame(RECORDS), pl.DataFrame(RECORDS)):
        plan = prepare("{{ row.text }}", frame, id="id")
        expected = list(plan.batches())
        if isinstance(frame, pd.DataFrame):
            frame.insert(0, "new", 1)
        else:
            frame.insert_column(0, pl.Series("new", range(30)))
        assert list(plan.batches()) == expected


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


def test_an_expression_without_a_value_skips_its_row():
    data = [{"k": "a", "t": "x", "n": 1.0}, {"k": "b", "t": "y", "n": float("nan")}]
    names = {"known": {"a": "one"}, "show": lambda row: row.n}
    for template in ("{{ known.get(row.k) }}", "{{ show(row) }}", "{{ row[column] }}"):
        rows = planned("T " + template, data, id="k", namespace={**names, "column": "n"})
        assert [row.status for row in rows] == ["waiting", "skipped"]
    assert texts("T {{ known.get(row.k) }}", data, id="k", namespace=names, missing="keep") == ["T one", "T "]
    with pytest.raises(PromptError, match="Rows without a value of k: 'b'"):
        planned("T {{ known.get(row.k) }}", data, id="k", namespace=names, missing="error")


def test_an_empty_prompt_is_skipped():
    data = [{"k": 1, "t": "x"}, {"k": 2, "t": "long"}]
    for missing in ("skip", "keep"):
        rows = planned("{{ row.t[2:] }} ", data, id="k", missing=missing)
        assert [row.status for row in rows] == ["skipped", "waiting"]


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


def test_integer_keys_beyond_2_to_the_53_stay_apart():
    frame = pd.DataFrame({"k": [2**53, 2**53 + 1, 2**60 + 1], "t": list("abc")})
    assert [key_value(row.key) for row in planned("{{ row.t }}", frame, id="k")] == [
        2**53,
        2**53 + 1,
        2**60 + 1,
    ]


def test_a_join_that_turns_integer_keys_into_floats_changes_no_key():
    frame = pd.DataFrame({"k": [1, 2, 3], "t": list("abc")})
    floats = frame.astype({"k": float})
    assert planned("{{ row.t }}", frame, id="k") == planned("{{ row.t }}", floats, id="k")


def test_an_index_of_several_levels_and_a_list_of_columns_give_the_same_keys():
    frame = pd.DataFrame({"a": ["x", "x"], "b": [1, 2], "t": ["one", "two"]})
    expected = planned("{{ row.t }}", frame, id=["a", "b"])
    assert [key_value(row.key) for row in expected] == [("x", 1), ("x", 2)]
    assert planned("{{ row.t }}", frame.set_index(["a", "b"])) == expected
    assert planned("{{ row.t }}", frame.set_index("a"), id=["a", "b"]) == expected
    assert planned("{{ row.t }}", frame, id=["b"]) == planned("{{ row.t }}", frame, id="b")


@pytest.mark.parametrize(
    ("data", "id_", "message"),
    [
        (RECORDS, "no", "id='no': There is no column 'no'"),
        (RECORDS, ["id", "no"], "id='no': There is no column 'no'"),
        (RECORDS, 1, "id=1: There is no column '1'"),
        (["a", "b"], "id", "the rows are single values"),
        (pl.LazyFrame(RECORDS), "position", "whose order may differ each time"),
        (pl.LazyFrame(RECORDS), None, "id= is missing"),
        ([{"id": [1], "text": "a"}], "id", "A key is a list, which cannot be a key"),
    ],
)
def test_an_id_that_does_not_identify_rows_is_refused(data, id_, message):
    template = (
        "{{ row }}" if isinstance(data[0] if isinstance(data, list) else None, str) else "{{ row.text }}"
    )
    with pytest.raises(OptionError, match=message):
        prepare(template, data, id=id_)


def test_positions_are_keys_if_that_is_asked_for():
    frame = pd.DataFrame({"t": list("ab")}, index=[5, 5])
    plan = prepare("{{ row.t }}", frame, id="position")
    assert [key_value(row.key) for batch in plan.batches() for row in batch] == [0, 1]
    assert plan.key_origin == "position" and plan.key_names == ()


def test_a_column_called_position_is_a_column():
    rows = planned("{{ row.t }}", [{"position": "p", "t": "a"}], id="position")
    assert key_value(rows[0].key) == "p"


def test_wrong_keys_of_a_short_iterator_are_refused():
    def rows():
        yield from ({"k": number, "t": f"t{number}"} for number in range(600))
        yield {"k": 3, "t": "again"}

    batches = prepare("{{ row.t }}", rows(), id="k").batches()
    with pytest.raises(OptionError, match=r"more than once in id k: 3 \(rows 4 and 601\)"):
        next(batches)
    with pytest.raises(OptionError, match="Rows without a key in id k: row 1"):
        planned("{{ row.t }}", iter([{"k": None, "t": "a"}]), id="k")
    with pytest.raises(PromptError, match="Rows without a value of t: 2"):
        planned("{{ row.t }}", iter([{"k": 1, "t": "a"}, {"k": 2, "t": ""}]), id="k", missing="error")


@pytest.mark.parametrize("kind", [list, iter])
def test_of_equal_rows_with_one_key_the_first_counts(kind):
    data = [{"k": 1, "t": "a", "x": 1}, {"k": 2, "t": "b", "x": 2}, {"k": 1, "t": "a", "x": 3}]
    plan = prepare("{{ row.t }}", kind(data), id="k", duplicates="first")
    assert [row.position for batch in plan.batches() for row in batch] == [0, 1]
    assert plan.repeats == {2: 0}
    with pytest.raises(OptionError, match="Rows 1 and 3 have the key 1 and different prompts"):
        planned("{{ row.x }}", kind(data), id="k", duplicates="first")


def test_a_renamed_column_asks_for_the_same():
    frame = pd.DataFrame(RECORDS)
    renamed = frame.rename(columns={"text": "body"})
    assert planned("{{ row.text }}", frame, id="id") == planned("{{ row.body }}", renamed, id="id")
    with pytest.raises(PromptError, match=r"There is no column 'text'\. Columns: 'id', 'body', 'n'"):
        prepare("{{ row.text }}", renamed, id="id")


def test_a_frame_that_was_sorted_and_numbered_again_is_explained():
    frame = pd.DataFrame({"t": list("cab")})
    frame.index.name = "number"
    first = prepare("{{ row.t }}", frame)
    again = frame.sort_values("t").reset_index(drop=True)
    again.index.name = "number"
    second = prepare("{{ row.t }}", again)
    keys = [[row.key for batch in plan.batches() for row in batch] for plan in (first, second)]
    assert keys[0] == keys[1]
    (reason,) = second.stale_reasons(json.loads(json.dumps(first.asked)))
    assert "these keys now stand for other texts: is the index number a real key?" in reason
    assert "sorted" in reason


def test_stale_rows_are_explained_by_what_has_changed():
    one = prepare("{{ row.text }}", RECORDS, id="id")
    two = prepare("Say {{ row.text }}", RECORDS, id="id", options=Options(temperature=0.2))
    assert two.stale_reasons(one.asked) == [
        'template: "{{ row.text }}" -> "Say {{ row.text }}"',
        "temperature: None -> 0.2",
    ]


def test_parts_that_come_before_every_prompt_belong_to_the_hash():
    image = Blob("image/png", b"1")
    (row,) = planned("{{ row.text }}", RECORDS[:1], id="id", before=[image])
    assert row.parts == (image, Text("text 0")) and row.size == 6
    assert row.hash != planned("{{ row.text }}", RECORDS[:1], id="id")[0].hash


def test_a_file_of_a_constant_expression_counts_by_its_content(tmp_path):
    picture = png()
    path = tmp_path / "a.png"

    def hashed():
        return planned("{{ guide }} {{ row.text }}", RECORDS[:1], id="id", namespace={"guide": path})[0].hash

    path.write_bytes(picture)
    first = hashed()
    assert hashed() == first
    path.write_bytes(picture + b"x")
    assert hashed() != first


def test_pictures_of_a_column_are_sent_from_their_folder(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    data = [{"k": 1, "p": "a.png"}, {"k": 2, "p": None}, {"k": 3, "p": "../a.png"}]
    rows = planned("Look: {{ image(row.p) }}", data[:2], id="k", folder=tmp_path)
    assert [row.status for row in rows] == ["waiting", "skipped"]
    assert rows[0].parts[1].path == str(tmp_path / "a.png") and len(rows[0].hash) == 32
    outside = planned("Look: {{ image(row.p) }}", data, id="k", folder=tmp_path)[2]
    assert outside.status == "skipped"
    assert re.search(r"Row 3: .* is outside the folder", outside.problem)


def test_a_picture_that_is_missing_or_unreadable_skips_its_row(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (tmp_path / "text.png").write_text("no picture")
    data = [{"k": name, "p": name} for name in ("a.png", "gone.png", "text.png", "\ud800.png", "\0.png", ".")]
    rows = planned("Look: {{ image(row.p) }}", data, id="k", folder=tmp_path)
    assert [row.status for row in rows] == ["waiting"] + ["skipped"] * 5
    assert "gone.png" in rows[1].problem
    assert all(row.problem.startswith("Row ") and row.problem.encode() for row in rows[1:])
    with pytest.raises(PromptError, match=re.escape("gone.png")):
        planned("Look: {{ image(row.p) }}", data, id="k", folder=tmp_path, missing="error")


def test_an_expression_that_fails_skips_its_row():
    data = [{"k": "a", "t": "xy"}, {"k": "b", "t": "x"}]
    message = r"Row 'b': the prompt, line 1, column 1: .*IndexError"
    for missing in ("skip", "keep"):
        rows = planned("{{ row.t[1] }}", data, id="k", missing=missing)
        assert [row.status for row in rows] == ["waiting", "skipped"]
        assert re.search(message, rows[1].problem)
    with pytest.raises(PromptError, match=message):
        planned("{{ row.t[1] }}", data, id="k", missing="error")


def test_a_prompt_that_can_be_made_for_no_row_is_refused_before_anything_is_sent():
    def rows():
        yield from ({"k": number, "t": "x" if number < 20 else "xy"} for number in range(40))

    for count in (1, 19, 20, 40):
        data = [{"k": number, "t": "x"} for number in range(count)]
        with pytest.raises(PromptError, match=r"Row 0: the prompt, .*IndexError"):
            planned("{{ row.t[1] }}", data, id="k")
    batches = prepare("{{ row.t[1] }}", rows(), id="k").batches()
    with pytest.raises(PromptError, match="IndexError"):
        next(batches)
    late = [{"k": number, "t": "x" if number else "xy"} for number in range(1000)]
    assert [row.status for row in planned("{{ row.t[1] }}", late, id="k")].count("skipped") == 999


def test_prompts_may_be_media_and_lists_but_not_paths(tmp_path):
    image = Blob("image/png", b"1")
    rows = planned(None, ["a", ["Describe", image], image, "", None])
    assert [row.status for row in rows] == ["waiting", "waiting", "waiting", "skipped", "skipped"]
    assert rows[1].parts == (Text("Describe"), image)
    for path in (tmp_path, ["Read", tmp_path]):
        assert "Row 2 is a path" in planned(None, ["a", path])[1].problem
        with pytest.raises(PromptError, match="Row 1 is a path"):
            planned(None, [path])
    with pytest.raises(PromptError, match="Row 1: A prompt must be text"):
        planned(None, [5])
    with pytest.raises(PromptError, match="A DataFrame of pandas needs a prompt that uses its columns"):
        prepare(None, pd.DataFrame(RECORDS))


def test_a_template_for_single_values_uses_the_row_itself():
    assert texts("Say {{ row }}", ["a", "b"]) == ["Say a", "Say b"]
    assert texts("Say {{ row }}", pd.Series(["a", "b"])) == ["Say a", "Say b"]
    assert texts("Say {{ row }}", pl.Series(["a", "b"]).to_list()) == ["Say a", "Say b"]
    frame = pd.Series(["a", "b"], index=pd.Index(["x", "y"], name="k"))
    assert [key_value(row.key) for row in planned("Say {{ row }}", frame)] == ["x", "y"]


def test_a_prompt_may_use_the_whole_row_and_its_key():
    frame = pd.DataFrame(RECORDS[:2])
    show = {"show": lambda row: f"{row.text}, {row['n']}, {len(row)}"}
    assert texts("{{ row.id }}: {{ show(row) }}", frame, id="id", namespace=show)[1] == "T-1: text 1, 1, 3"


def test_a_list_that_contains_itself_is_an_error_of_its_expression():
    endless: list = []
    endless.append(endless)
    with pytest.raises(PromptError, match=r"Row 1: the prompt, .*row.text }} failed: RecursionError"):
        planned("{{ row.text }}", [{"id": 1, "text": endless}], id="id")


def test_lone_surrogates_are_replaced_as_in_other_prompts():
    (row,) = planned("{{ row.t }}", [{"k": "\ud800", "t": "a\ud800b"}], id="k")
    assert row.parts == (Text("a\ufffdb"),) and row.size == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"missing": "drop"}, "missing='drop' is not valid"),
        ({"duplicates": "last"}, "duplicates='last' is not valid"),
        ({"repeat": 0}, "repeat=0 is not valid"),
        ({"repeat": 10_001}, "repeat=10001 is not valid"),
        ({"repeat": True}, "repeat=True is not valid"),
        ({"folder": "/nope/nope"}, "is not a folder"),
    ],
)
def test_arguments_that_are_not_valid_are_refused(arguments, message):
    with pytest.raises(OptionError, match=message):
        prepare("{{ row.text }}", RECORDS, id="id", **arguments)


def test_equal_first_prompts_are_found_with_samples_and_without_sharing():
    for options in ({"repeat": 2}, {"dedupe": False}):
        with pytest.raises(PromptError, match="first 20 rows are equal"):
            planned("{{ row.text[:4] }}", RECORDS, id="id", **options)
    blank = [{"k": number, "t": " "} for number in range(500)]
    assert len(planned("{{ row.t }}", blank, id="k")) == 500


def test_the_keys_of_a_plan_can_be_read_again():
    plan = prepare("{{ row.text }}", RECORDS, id="id")
    assert [key_value(key) for key in plan.row_keys()] == [record["id"] for record in RECORDS]
    assert list(prepare("{{ row.text }}", iter(RECORDS * 17), id="id").row_keys()) == []


def test_a_plan_holds_no_rows():
    count = 22_000
    table = pa.table({"id": range(count), "text": [f"text {number}" for number in range(count)]})
    sum(len(batch) for batch in prepare("{{ row.text }}", table.slice(0, 100), id="id").batches())
    tracemalloc.start()
    try:
        plan = prepare("Classify: {{ row.text }}", table, id="id")
        assert sum(len(batch) for batch in plan.batches()) == count
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000 and peak < 12_000_000  # 10,000 rows are read and rendered at a time
