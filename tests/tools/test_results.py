"""Results of functions: any value becomes JSON or media; exceptions become errors; keys are masked; sizes are bounded."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_samples import png

import gemini_magic
from gemini_magic.content import Blob, Call, CallResult, File, Text
from gemini_magic.tools import error_result, result_of, results_turn

CALL = Call("look", {}, "id-1")
PNG = png(1, 1)


class Colour(Enum):
    RED = "red"


@dataclass
class Item:
    name: str
    colour: Colour = Colour.RED


class Point(NamedTuple):
    x: int
    y: int


class Record(msgspec.Struct):
    day: date


def sent(value, **more):
    converted = result_of(CALL, value, **more)
    json.dumps(converted.result.response, allow_nan=False)
    assert (converted.result.name, converted.result.id) == ("look", "id-1")
    return converted


def output(value, **more):
    return sent(value, **more).result.response["output"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2**53 + 1, "9007199254740993"),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("text \ud800", "text \ufffd"),
        ([1, (2, {3})], [1, [2, [3]]]),
        ({"a": {1: None}}, {"a": {"1": None}}),
        (OrderedDict(a=1).values(), [1]),
        (deque([1]), [1]),
        (Colour.RED, "red"),
        ({Colour.RED: 1}, {"red": 1}),
        (Item("a"), {"name": "a", "colour": "red"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Record(date(2026, 1, 2)), {"day": "2026-01-02"}),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(minutes=1.5), "90 s"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (1 + 2j, "(1+2j)"),
        (ValueError("no"), "ValueError: no"),
        (len, "<builtin_function_or_method len>"),
        (Item, "<type Item>"),
        (Text("hi"), "hi"),
        (Path("/etc/passwd"), "/etc/passwd"),
    ],
)
def test_values_become_json(value, expected):
    assert output(value) == expected


def test_a_path_is_never_the_content_of_its_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for value in (path, [path], {"file": path}):
        converted = sent(value)
        assert converted.result.media == ()
        assert str(path) in json.dumps(converted.result.response)


def test_tables_and_arrays():
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    assert output(pd.DataFrame({"a": [1, 2]})) == "| a |\n| --- |\n| 1 |\n| 2 |"
    long = sent(pd.DataFrame({"a": range(100)}), table_rows=3)
    assert "the first 3 of 100 rows" in long.result.response["output"]
    assert "3 of 100 rows" in long.notices[0]
    assert output(np.arange(3)) == [0, 1, 2]
    assert output({"mean": np.float32(1.5), "n": np.int64(2), "ok": np.bool_(True)}) == {
        "mean": 1.5,
        "n": 2,
        "ok": True,
    }
    assert output(np.array(3)) == 3
    assert output({"rows": pd.DataFrame({"a": [1]})}) == {"rows": "| a |\n| --- |\n| 1 |"}


def test_figures_are_sent_beside_the_json_that_refers_to_them():
    plt = pytest.importorskip("matplotlib.figure")
    figure = plt.Figure()
    drawn = figure.subplots().plot([1, 2])
    converted = sent({"plot": figure, "n": 2})
    assert converted.result.response == {"output": {"plot": {"$ref": "look-1.png"}, "n": 2}}
    (picture,) = converted.result.media
    assert (picture.name, picture.part.mime_type) == ("look-1.png", "image/png")
    other = plt.Figure()
    other.subplots()
    assert [each.name for each in sent([figure, other]).result.media] == ["look-1.png", "look-2.png"]
    assert output(drawn) == {"$ref": "look-1.png"}
    left, right = plt.Figure().subplots(1, 2)
    left.plot([1, 2])
    assert output({"left": left, "right": right}) == {"$ref": "look-1.png"}


def test_bytes_parts_and_attachments_are_media():
    assert sent(PNG).result.media[0].part == Blob("image/png", PNG)
    assert sent(Blob("audio/wav", b"RIFF")).result.media[0].name == "look-1.wav"
    file = File("gs://b/o.pdf", "application/pdf")
    assert sent(gemini_magic.attach("gs://b/o.pdf")).result.media[0].part == file


def test_media_that_are_too_large_are_left_out_and_both_sides_know():
    converted = sent([Blob("image/png", b"x" * 6_000_000)] * 2)
    assert len(converted.result.media) == 1
    assert converted.result.response["output"][1] == "<image/png of 6.0 MB, too large to be sent>"
    assert converted.notices == ("image/png of 6.0 MB in the result of look is too large and was not sent.",)


class Strange:
    pass


class Broken:
    def __str__(self):
        raise RuntimeError("secret traceback")


class BrokenList(list):
    def __len__(self):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError


class Loud(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError


class Odd(float, Enum):
    HALF = 0.5


def test_classes_of_the_user_cannot_break_a_result():
    assert output(BrokenList([1])) == "<BrokenList>"
    assert output({"a": [BrokenList(), 1]}) == {"a": ["<BrokenList>", 1]}
    assert output(Loud("text")) == "text"
    assert output([Odd.HALF, True, -0.0]) == [0.5, True, 0.0]


@pytest.mark.parametrize("value", [Strange(), Broken(), b"\xff\xfe\x00binary", (n for n in range(3))])
def test_an_object_without_json_is_sent_as_its_type_with_a_notice(value):
    converted = sent(value)
    kind = f"<{type(value).__name__}>"
    assert converted.result.response["output"] == kind
    assert converted.notices == (
        f"Sent only {kind} for an object in the result of look, which has no JSON form.",
    )


def test_loops_and_depth_end():
    loop: list[Any] = []
    loop += [loop, loop]
    assert output(loop) == ["…", "…"]
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert json.dumps(output(deep)).count("[") == 32


def test_a_long_text_is_cut_and_both_sides_know():
    converted = sent("z" * 200, max_result=10)
    assert converted.result.response["output"] == "z" * 10 + "…\n(Cut: the first 10 of 200 characters.)"
    assert converted.notices == (
        "Sent the first 10 of 200 characters of the result of look; max_result of the tool allows no more.",
    )


def test_a_long_list_keeps_whole_items():
    converted = sent([{"n": n} for n in range(1000)], max_result=1000)
    found = converted.result.response["output"]
    assert found["items"] == [{"n": n} for n in range(len(found["items"]))]
    assert found["cut"] == f"These are the first {len(found['items'])} of 1,000 items."
    assert len(json.dumps(found)) <= 1000
    assert len(converted.notices) == 1


def test_a_huge_result_is_not_walked_to_its_end():
    class Endless(dict):
        def items(self):
            return ((n, n) for n in range(10**9))

        def __len__(self):
            return 10**9

    assert len(json.dumps(output(Endless(), max_result=1000))) < 1500
    assert "more" in json.dumps(output([0] * 10**6, max_result=10_000)) or "cut" in output(
        [0] * 10**6, max_result=10_000
    )


def test_known_keys_are_masked_everywhere():
    key = "AIzaSecretSecretSecret"

    def mask(text):
        return text.replace(key, "<key>")

    @dataclass
    class Env:
        value: str

    for value in (
        key,
        [key],
        {key: {"a": key}},
        Env(key),
        Path(f"/x/{key}"),
        ValueError(key),
        {"a": Text(key)},
    ):
        text = json.dumps(result_of(CALL, value, mask=mask).result.response)
        assert key not in text
        assert "<key>" in text
    for error in (ValueError(key), gemini_magic.ToolRefused(key), key):
        assert key not in json.dumps(error_result(CALL, error, mask=mask).response)


def test_exceptions_become_errors_without_a_traceback():
    def fail():
        local = "canary-in-a-local"
        raise KeyError("city") from ValueError(local)

    try:
        fail()
    except KeyError as problem:
        assert error_result(CALL, problem) == CallResult("look", {"error": "KeyError: 'city'"}, "id-1")
    assert error_result(CALL, ValueError()).response == {"error": "ValueError"}
    assert error_result(CALL, gemini_magic.ToolRefused("Not on Sunday.")).response == {
        "error": "Not on Sunday."
    }
    assert error_result(CALL, gemini_magic.ToolRefused()).response == {
        "error": "The function refused the call."
    }
    assert error_result(CALL, "city: missing").response == {"error": "city: missing"}
    assert len(error_result(CALL, ValueError("x" * 10_000)).response["error"]) == 2000

    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    assert error_result(CALL, Silent()).response == {"error": "Silent"}


def test_an_id_is_sent_back_only_if_the_model_sent_one():
    assert result_of(Call("look"), 1).result == CallResult("look", {"output": 1})
    assert error_result(Call("look"), "x").id is None


def test_results_are_one_turn_of_the_user():
    results = [CallResult("a", {"output": 1}), CallResult("b", {"error": "x"})]
    turn = results_turn(results)
    assert (turn.role, turn.parts) == ("user", tuple(results))


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.builds(Strange),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=50, deadline=None)
@given(ANY, st.integers(1, 300))
def test_any_value_becomes_json_of_bounded_size(value, most):
    assert len(json.dumps(output(value, max_result=most), ensure_ascii=False)) < 2 * most + 400
