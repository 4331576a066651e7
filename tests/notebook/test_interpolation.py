import asyncio
import sys

import pytest

from gemini_magic.content import Blob, CallResult, Text
from gemini_magic.errors import PromptError
from gemini_magic.notebook.interpolation import (
    awaits,
    evaluate_awaiting,
    expand,
    expand_json,
    expand_text,
    single_brace_hint,
)


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
        ("{{ await x }}", "{{ await x }}: await is not possible here", "without %%time"),
        ("{{ [1 async for _ in x] }}", "await is not possible here", "another cell"),
        ("{{ (yield) }}", "{{ (yield) }}: yield is not possible in a prompt.", "another cell"),
        ("{{ (await x, (yield)) }}", "yield is not possible in a prompt.", "another cell"),
        ("{{ lambda: await x }}", "'await' outside async function", "--verbatim"),
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


async def later(value, error=None):
    await asyncio.sleep(0)
    if error is not None:
        raise error
    return value


async def counting(limit):
    for number in range(limit):
        await asyncio.sleep(0)
        yield number


def awaited(text, names):
    """The text with its expressions replaced, after they were evaluated on an event loop."""
    values = asyncio.run(evaluate_awaiting(text, names))
    return expand_text(text, names, where="the cell", values=values)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ await later(1) }}", "1"),
        ("{{ await later(1) }} {{ x }} {{ await later(x) }} {{ await later(1) }}", "1 2 2 1"),
        ("{{ [each async for each in counting(3)] }}", "[0, 1, 2]"),
        ("{{ (await later({'a': 1}))['a'] + x }}", "3"),
        ("{{ (y := await later(5)) }} {{ y }}", "5 5"),
        ("{{ [\n  await later(1),\n  x,\n] }}", "[1, 2]"),
        (r"\{{ await later(1) }} {{ await later(3) }}", "{{ await later(1) }} 3"),
    ],
)
def test_an_expression_can_await(text, result):
    assert awaits(text)
    assert awaited(text, {"later": later, "counting": counting, "x": 2}) == result


def test_awaiting_expressions_are_evaluated_once_and_in_order():
    calls = []

    def note(number):
        calls.append(number)
        return number

    assert (
        awaited("{{ note(1) }}{{ await later(note(2)) }}{{ note(3) }}", {"note": note, "later": later})
        == "123"
    )
    assert calls == [1, 2, 3]


def test_an_awaited_value_in_json_is_json():
    text, names = '{"a": {{ await later([1, 2]) }}}', {"later": later}
    values = asyncio.run(evaluate_awaiting(text, names))
    assert expand_json(text, names, where="the line", values=values) == '{"a": [1, 2]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\n{{ await later(1, error) }}",
            "line 2, column 1: {{ await later(1, error) }} failed: ValueError: no.",
        ),
        ("{{ await later(1) }}{{ nmae }}", "name 'nmae' is not defined"),
        ("{{ await 3 }}", "failed: TypeError"),
        ("{{ await cancelled }}", "{{ await cancelled }} failed: CancelledError."),
    ],
)
def test_an_await_that_fails_names_the_expression(text, message):
    async def run():
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        names = {"later": later, "error": ValueError("no"), "cancelled": cancelled, "name": 1}
        await evaluate_awaiting(text, names)

    with pytest.raises(PromptError) as caught:
        asyncio.run(run())
    assert message in caught.value.message


def test_a_cancelled_task_stops_the_evaluation_even_if_the_expression_suppresses_that():
    done = []

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            done.append("suppressed")
        return 1

    async def run():
        names = {"stubborn": stubborn, "done": done}
        task = asyncio.create_task(
            evaluate_awaiting("{{ await stubborn() }}{{ done.append('next') }}", names)
        )
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert done == ["suppressed"]


@pytest.mark.parametrize(
    "text", ["no braces", "{{ x }}", r"\{{ await x }}", "{{ await", "{{ (yield) }}", "{{ lambda: 1 }}"]
)
def test_other_texts_do_not_await(text):
    assert not awaits(text)


def test_a_value_that_was_not_awaited_is_refused():
    coroutine = later(1)
    with pytest.raises(PromptError) as caught:
        replaced("{{ coroutine }}", {"coroutine": coroutine})
    coroutine.close()
    assert caught.value.message.endswith(
        "coroutine is a coroutine, whose value is not known before it is awaited."
    )
    assert caught.value.remedy == "Write {{ await coroutine }}."
