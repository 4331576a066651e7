"""Tables with short rows: the missing cells are added up to a limit, alike in growing and whole text."""

import random

import pytest
from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit

from gemini_magic.markdown import Renderer, defang_markdown, render
from gemini_magic.markdown.table_rows import count_cells


def live(text, size):
    renderer = Renderer(heal=True)
    for at in range(0, len(text), size):
        renderer.feed(text[at : at + size])
    renderer.close(ended=True)
    return renderer.html


def table_of(columns, rows):
    return "|a" * columns + "|\n" + "|-" * columns + "|\n" + "".join(f"{row}\n" for row in rows)


def test_short_rows_of_an_ordinary_table_get_the_missing_cells():
    html = render(table_of(12, ["| total |"] * 20))
    assert html.count("<tr>") == 21
    assert html.count("<td") == 20 * 12


def test_a_header_of_many_columns_cannot_make_many_cells_of_few_letters():
    columns, rows = 400, 400
    text = table_of(columns, ["b"] * rows)
    html = render(text)
    assert html.count("<td") < 64 + 2 * len(text)
    assert len(html) < 40 * len(text)
    assert html.count("b") >= rows  # what follows the table is shown as text


@pytest.mark.parametrize("prefix", ["", "> ", "> > "])
def test_the_saved_markdown_ends_such_a_table_for_every_front_end(prefix):
    text = prefix + table_of(60, ["b"] * 60).rstrip("\n").replace("\n", f"\n{prefix}")
    saved = defang_markdown(text)
    assert saved.count("b") == 60
    front_end = MarkdownIt().enable("table")
    assert front_end.render(text).count("<td") > 1_000
    assert front_end.render(saved).count("<td") < 200


def test_rows_that_are_as_long_as_the_header_are_not_limited():
    html = render(table_of(50, ["|b" * 50] * 400))
    assert html.count("<td") == 50 * 400


def test_each_table_may_add_some_cells():
    text = f"{table_of(20, ['b'] * 3)}\ntext\n\n" * 20
    assert render(text).count("<td") == 20 * 20 * 3


@pytest.mark.parametrize("around", ["{}", "> {}", "- {}", "<details>\n\n{}\n</details>"])
def test_a_table_ends_at_the_same_row_wherever_it_is(around):
    prefix = {"> {}": "> ", "- {}": "  "}.get(around, "")
    text = table_of(60, ["b"] * 60).replace("\n", f"\n{prefix}")
    expected = render(table_of(60, ["b"] * 60)).count("<tr>")
    assert expected < 10
    assert render(around.format(text)).count("<tr>") == expected


def test_a_growing_table_ends_at_the_same_row():
    numbers = random.Random(5)
    for _ in range(60):
        columns = numbers.choice([2, 9, 40, 120])
        rows = [
            "|".join("b" * numbers.randint(0, 9) for _ in range(numbers.randint(1, 9))) or "|"
            for _ in range(60)
        ]
        text = table_of(columns, rows)
        assert live(text, numbers.choice([3, 17, 50])) == render(text)


def test_cells_are_counted_as_the_parser_does():
    numbers = random.Random(1)
    for _ in range(3_000):
        row = "".join(numbers.choices("|\\a ", k=numbers.randint(0, 9))).strip(" ")
        cells = escapedSplit(row)
        if cells and cells[0] == "":
            cells.pop(0)
        if cells and cells[-1] == "":
            cells.pop()
        assert count_cells(row) == len(cells)
