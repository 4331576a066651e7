import sys

import pytest

from gemini_magic.content import Blob, CallResult, Text
from gemini_magic.errors import PromptError
from gemini_magic.notebook.interpolation import Expression, expand, expand_text, scan, single_brace_hint


def replaced(text, names=None, **options):
    return expand_text(text, names or {}, where="the cell", **options)


@pytest.mark.parametrize(
    ("text", "names", "result"),
    [
        ("no braces", {}, "no braces"),
        ("{{ x }}", {"x": 1}, "1"),
        ("a{{x}}b{{ y }}c", {"x": 1, "y": "two"}, "a1btwoc"),
        ("{{ d['}}'] }}!", {"d": {"}}": "found"}}, "found!"),
        ('{{ "}}" + "{{" }}', {}, "}}{{"),
        ("{{ {'a': {'b': 1}}['a']['b'] }}", {}, "1"),
        ("{{{1: 2}[1]}}", {}, "2"),
        ('{{ {"a": 1}}}', {}, "{'a': 1}"),
        ("{{ x.upper() }}", {"x": "loud"}, "LOUD"),
        ("{{ [\n  1,\n  2,\n] }}", {}, "[1, 2]"),
        ("{{ 1 +\n 2 }}", {}, "3"),
        ("{{ [x * y for y in (1, 2)] }}", {"x": 3}, "[3, 6]"),
        (r"\{{ x }} and {{ x }}", {"x": 1}, "{{ x }} and 1"),
        ('Return {"a": 1}, \\frac{1}{2}, {} and {x}', {"x": 1}, 'Return {"a": 1}, \\frac{1}{2}, {} and {x}'),
        ("{{ x }}", {"x": "{{ secret }}", "secret": "s"}, "{{ secret }}"),
        ("{% raw %} {#1} $x", {}, "{% raw %} {#1} $x"),
        ("}} alone", {}, "}} alone"),
    ],
)
def test_expressions_are_replaced_once_and_everything_else_is_text(text, names, result):
    assert replaced(text, names) == result


def test_adjacent_text_is_one_part():
    assert expand("a {{ x }} c", {"x": "b"}).parts == (Text("a b c"),)


def test_a_part_in_a_prompt_is_a_part_of_the_request():
    image, result = Blob("image/png", b"x"), CallResult("weather", {"t": 3})
    found = expand(
        "See {{ image }} and {{ result }}{{ both }}", {"image": image, "result": result, "both": [image, "!"]}
    )
    assert found.parts == (Text("See "), image, Text(" and "), result, image, Text("!"))


def test_local_names_hide_others_also_in_a_comprehension():
    assert replaced("{{ [n for _ in 'ab'] }}", {"n": 1}, local={"n": 2}) == "[2, 2]"


def test_scan_returns_the_position_of_an_expression():
    assert scan("ab {{ c }} d") == ["ab ", Expression("c", 3, 10), " d"]


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        (
            "one\n  {{ nmae }}",
            "the cell, line 2, column 3: {{ nmae }}: name 'nmae' is not defined.",
            "Did you mean `name`?",
        ),
        ("{{ prnt }}", "the cell, line 1, column 1: {{ prnt }}: name 'prnt' is not defined.", "print"),
        (
            "{{ 1 / 0 }}",
            "{{ 1 / 0 }} failed: ZeroDivisionError: division by zero.",
            "Fix the expression. Nothing was sent.",
        ),
        ("{{ zzzzz }}", "name 'zzzzz' is not defined.", "--verbatim"),
        ("{{ {}['zz'] }}", "{{ {}['zz'] }} failed: KeyError: 'zz'.", "Fix the expression. Nothing was sent."),
        (
            "{{ broken() }}",
            "failed: NameError: name 'nmae' is not defined.",
            "Fix the expression. Nothing was sent.",
        ),
        ("{{ name[", "{{ is not closed.", "--verbatim"),
        ("{{ a b }}", "{{ a b }} is not a Python expression", "--verbatim"),
        ("{{ }}", "{{ }} is empty", "--verbatim"),
        ("{{ await x }}", "{{ await x }}: await and yield are not possible in a prompt.", "another cell"),
        ("{{ (yield) }}", "{{ (yield) }}: await and yield are not possible in a prompt.", "another cell"),
        (
            "{{ [1 async for _ in x] }}",
            "is not a valid Python expression: asynchronous comprehension",
            "--verbatim",
        ),
        ("{{ *name }}", "is not a", "--verbatim"),
        ("{{ exit(3) }}", "{{ exit(3) }} failed: SystemExit: 3.", "Fix the expression. Nothing was sent."),
        ("{{ import os }}", "is not a Python expression", "--verbatim"),
        ("{{ print(1) }}", "the cell, line 1, column 1: {{ print(1) }} is None.", "Insert a value."),
        ("{{ 1) + (2 }}", "is not a Python expression", "--verbatim"),
    ],
)
def test_an_error_names_the_position_and_a_remedy(text, message, remedy):
    with pytest.raises(PromptError) as caught:
        replaced(text, {"name": "x", "exit": sys.exit, "broken": eval("lambda: nmae", {})})
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert ("--verbatim" in caught.value.remedy) == (remedy == "--verbatim")


def test_a_value_without_text_is_an_error_with_its_position():
    class Bad:
        def __str__(self):
            raise RuntimeError("broken")

    with pytest.raises(
        PromptError, match=r"line 1, column 5.*cannot be converted to text: RuntimeError: broken"
    ):
        replaced("say {{ bad }}", {"bad": Bad()})


def test_many_closing_braces_without_an_expression_are_refused_quickly():
    with pytest.raises(PromptError):
        replaced("{{ (" + "}}" * 50_000)


def test_the_hint_about_single_braces_mentions_only_existing_names():
    hint = single_brace_hint("Where is {city}?", {"city": 1})
    assert hint == "{city} was sent unchanged. To insert its value, write {{ city }}."
    assert single_brace_hint("Where is {town}?", {"city": 1}) is None
    assert single_brace_hint("{city} {{ city }}", {"city": 1}) is None
    assert single_brace_hint('{"city": 1}', {"city": 1}) is None


def test_media_is_refused_where_only_text_is_possible():
    with pytest.raises(PromptError) as caught:
        replaced("{{ image }}", {"image": Blob("image/png", b"x")})
    assert (caught.value.message, caught.value.remedy) == (
        "the cell accepts only text.",
        "Put media into the prompt of the cell.",
    )
