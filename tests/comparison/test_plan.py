"""The columns of a comparison: combinations, labels, and mistakes that are found before anything is sent."""

from __future__ import annotations

import pytest

from gemini_magic.backends import Model, backend
from gemini_magic.client import remember_models
from gemini_magic.comparison import MAX_COLUMNS, plan_columns, read_plan
from gemini_magic.config import resolve
from gemini_magic.errors import OptionError
from gemini_magic.options import Options


def plan(**line):
    options, _ = resolve(line)
    return read_plan(options, line)


def labels(**line):
    return [each.label for each in plan(**line)]


def refused(**line):
    with pytest.raises(OptionError) as caught:
        plan(**line)
    assert caught.value.remedy
    return caught.value.message


def test_each_model_is_a_column():
    columns = plan(compare="gemini-a, gemini-b")
    assert [(each.label, each.changes, each.sample) for each in columns] == [
        ("gemini-a", {"model": "gemini-a"}, 0),
        ("gemini-b", {"model": "gemini-b"}, 0),
    ]


def test_a_model_may_name_its_backend():
    columns = plan(compare="gemini-a,echo:e,gemini:gemini-b")
    assert [each.changes for each in columns] == [
        {"model": "gemini-a"},
        {"backend": "echo", "model": "e"},
        {"model": "gemini-b"},
    ]


def test_a_sweep_converts_values_to_the_type_of_the_option():
    columns = plan(sweep=["temperature=0,0.5", "search=true,false", "stop=END,STOP"])
    assert len(columns) == 8
    assert columns[0].changes == {"temperature": 0.0, "search": True, "stop": ["END"]}
    assert columns[-1].changes == {"temperature": 0.5, "search": False, "stop": ["STOP"]}
    assert columns[1].label == "temperature=0 · search=True · stop=STOP"


def test_models_values_and_repetitions_are_combined():
    columns = plan(compare="a-1,b-1", sweep=["max-tokens=10,20"], repeat=2)
    assert len(columns) == 8
    assert [(each.label, each.sample) for each in columns][:3] == [
        ("a-1 · max_tokens=10 · #1", 0),
        ("a-1 · max_tokens=10 · #2", 1),
        ("a-1 · max_tokens=20 · #1", 0),
    ]


def test_values_with_commas_are_a_json_array():
    columns = plan(sweep=['system=["Be brief, please.","Explain."]'])
    assert [each.changes["system"] for each in columns] == ["Be brief, please.", "Explain."]


def test_an_option_can_be_named_by_its_flag():
    assert [each.changes for each in plan(sweep=["--max-output-tokens=1,2"])] == [
        {"max_tokens": 1},
        {"max_tokens": 2},
    ]


def test_long_values_that_begin_alike_have_different_labels():
    long = "Answer as a careful historian of the nineteenth century who never guesses, "
    names = labels(sweep=[f'system=["{long}in French.","{long}in German."]'])
    assert len(set(names)) == 2
    assert max(map(len, names)) < 100


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"compare": "a-1"}, "at least two columns"),
        ({"repeat": 1}, "at least two columns"),
        ({"compare": "a-1,a-1"}, "compared with itself"),
        ({"compare": "a-1,gemini:a-1"}, "compared with itself"),
        ({"compare": "a-1,"}, "not the name of a model"),
        ({"compare": "a-1,b 1"}, "not the name of a model"),
        ({"compare": "a-1,echo:"}, "names no model"),
        ({"compare": "a-1,b-1", "model": "c-1"}, "The model is set twice"),
        ({"compare": "a-1,vertex:b-1", "base_url": "http://127.0.0.1:9"}, "--base-url is for one server"),
        ({"sweep": ["temperature"]}, "not NAME=VALUE"),
        ({"sweep": ["temperature="]}, "not NAME=VALUE"),
        ({"sweep": ["temprature=0,1"]}, "unknown option 'temprature'"),
        ({"sweep": ["temperature=0,hot"]}, "must be a number"),
        ({"sweep": ["temperature=0,-1"]}, "must be a number of 0 or greater"),
        ({"sweep": ["temperature=0,0.0"]}, "has the value 0.0 twice"),
        ({"sweep": ["temperature=0,1", "temperature=2"]}, "set twice"),
        ({"sweep": ["temperature=0,1", "t=2,3"]}, "set twice"),
        ({"sweep": ["temperature=0,1"], "temperature": 1.0}, "--temperature is set twice"),
        ({"sweep": ["model=a-1,b-1"]}, "cannot have 'model'"),
        ({"sweep": ["display=live,text"]}, "the same in every column"),
        ({"sweep": ["system=[1"]}, "not a valid JSON array"),
        ({"sweep": ["thinking=low,low"]}, "twice"),
        ({"sweep": ["safety=low,lower"]}, "must be one of"),
        ({"repeat": MAX_COLUMNS + 1}, "17 columns, more than 16"),
        ({"repeat": 10**9}, "1,000,000,000 columns, more than 16"),
        ({"compare": "a-1,b-1,c-1", "sweep": ["seed=1,2,3"], "repeat": 2}, "18 columns (3 × 3 × 2)"),
    ],
)
def test_a_mistake_is_an_error(line, message):
    assert message in refused(**line)


def test_a_billion_values_are_refused_before_they_are_read():
    with pytest.raises(OptionError, match=r"2,000,000,000 columns \(1,000,000,000 × 2\), more than 16"):
        plan_columns(Options(), {}, models=(), sweep={"temperature": range(10**9)}, repeat=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "answer.md"),
        ("chat", "x"),
        ("continue_", True),
        ("fresh", True),
        ("count", True),
        ("background", True),
        ("next_cell", True),
        ("format", "code"),
    ],
)
def test_an_option_for_a_single_answer_is_refused(name, value):
    assert "A comparison cannot have -" in refused(repeat=2, **{name: value})


def test_a_model_that_the_known_list_of_the_server_lacks_is_refused():
    options, _ = resolve({"base_url": "http://127.0.0.1:9/known"})
    remember_models(backend("gemini"), options, [Model("gemini-a", None, None, None, (), None)])
    given = {"base_url": "http://127.0.0.1:9/known"}
    with pytest.raises(OptionError, match="the server has no model 'gemini-x'") as caught:
        plan_columns(options, given, models=["gemini-a", "gemini-x"], sweep={})
    assert "Did you mean gemini-a?" in caught.value.remedy
    assert len(plan_columns(options, given, models=["gemini-a", "tunedModels/x"], sweep={})) == 2


def test_values_of_a_call_need_a_list():
    options, _ = resolve({})
    for values in ("abc", 3, [], {"a": 1}):
        with pytest.raises(OptionError, match="needs a list of values"):
            plan_columns(options, {}, sweep={"system": values})
