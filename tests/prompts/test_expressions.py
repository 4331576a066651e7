import ast

import pytest

from gemini_magic.errors import PromptError
from gemini_magic.prompts import (
    Expression,
    expression_error,
    names_in_source,
    parse_source,
    position_in_text,
    scan,
    shorten_source,
    yields,
)


def test_scan_returns_the_position_of_an_expression():
    assert scan("ab {{ c }} d") == ["ab ", Expression("c", 3, 10), " d"]


def test_many_closing_braces_without_an_expression_are_refused_quickly():
    with pytest.raises(PromptError):
        scan("{{ (" + "}}" * 50_000)


@pytest.mark.parametrize("source", ["1+" * 4000 + "x", "-" * 9000 + "x", "x" + ".a" * 5000])
def test_an_expression_with_very_many_levels_is_refused(source):
    with pytest.raises(PromptError, match="is not a Python expression"):
        scan("{{ " + source + " }}")


def test_the_names_in_an_expression_and_its_place():
    assert names_in_source("[x + limit for x in row.items]") == {"x", "limit", "row"}
    assert position_in_text("ab\ncd {{ x }}", 6, "the cell", 10) == "the cell, line 11, column 4"
    assert shorten_source("a +\n  b") == "a + b" and len(shorten_source("x" * 99)) == 60


def test_a_yield_is_found_except_in_a_lambda():
    assert yields(parse_source("(yield 1)")) and yields(parse_source("[1, (yield from x)]"))
    assert not yields(parse_source("(lambda: (yield 1))()"))
    assert isinstance(parse_source("1 +\n2"), ast.Expression)


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (NameError("x", name="limt"), "name 'limt' is not defined", "Did you mean `limit`?"),
        (NameError("inner", name="other"), "failed: NameError: inner", "Fix the expression"),
        (ValueError(), "failed: ValueError", "Fix the expression"),
    ],
)
def test_the_error_of_an_expression(error, message, remedy):
    found = expression_error(error, Expression("limt + 1", 0, 14), ["limit"], "the cell, line 1, column 1")
    assert message in found.message and remedy in found.remedy
