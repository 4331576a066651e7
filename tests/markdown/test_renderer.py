"""The growing view equals a one-shot render of the text so far, whatever the pieces are."""

from __future__ import annotations

import random

import pytest
from markdown_check import View, check, rendered, without_direction
from markdown_pieces import CONSTRUCTS, random_pieces

from gemini_magic.markdown import Op, Renderer, render


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_view_is_exact_at_every_prefix(name):
    check(CONSTRUCTS[name], name)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_view_is_exact_for_every_split_into_two_pieces(name):
    text = CONSTRUCTS[name]
    for cut in range(len(text) + 1):
        renderer = Renderer()
        renderer.feed(text[:cut])
        assert renderer.html == render(text[:cut])
        renderer.feed(text[cut:])
        assert renderer.html == render(text)


def test_the_view_is_exact_for_sequences_of_constructs():
    chance = random.Random(7)
    for _ in range(12):
        names = chance.sample(list(CONSTRUCTS), 4)
        check(random_pieces("\n".join(CONSTRUCTS[name] for name in names), chance, 30), names)


def test_appended_text_is_rendered_by_the_next_update():
    renderer = Renderer()
    renderer.append("# He")
    renderer.append("llo\n\nword\n")
    assert renderer.html == ""
    assert renderer.update() == [
        Op("append", 0, '<h1 dir="auto">Hello</h1>\n'),
        Op("tail", -1, '<p dir="auto">word</p>\n'),
    ]
    assert renderer.update() == []
    assert renderer.last_cost > 0


def test_a_late_definition_replaces_only_the_blocks_that_use_its_label():
    renderer = Renderer()
    renderer.feed("[late]\n\nother\n\n[late] again\n\n")
    ops = renderer.feed("[late]: https://example.org\n")
    assert [(op.kind, op.id) for op in ops] == [("replace", 0), ("replace", 2)]
    assert all('href="https://example.org"' in op.html for op in ops)


def test_finished_blocks_are_not_rendered_again():
    renderer = Renderer()
    assert [op.kind for op in renderer.feed("one\n\ntwo\n\nthree\n\n")] == ["append"] * 3
    assert [op.kind for op in renderer.feed("four")] == ["tail"]
    assert [op.kind for op in renderer.feed(" and\n# five\n")] == ["append", "append", "tail"]


@pytest.mark.parametrize(
    ("text", "parts", "left"),
    [
        ("- a\n- b\n- c\n- d", ["<li>a</li>\n", "<li>b</li>\n"], "<li>c</li>\n<li>d</li>\n"),
        (
            "- a\n\n- b\n- c\n",
            ["<li>\n<p>a</p>\n</li>\n", "<li>\n<p>b</p>\n</li>\n"],
            "<li>\n<p>c</p>\n</li>\n",
        ),
        (
            "|a|\n|-|\n|1|\n|2",
            ["<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n", "<tr>\n<td>1</td>\n</tr>\n"],
            "<tr>\n<td>2</td>\n</tr>\n",
        ),
        ("```\na <\n\nb", ["a &lt;\n\n"], "b"),
    ],
)
def test_finished_items_rows_and_lines_are_frozen(text, parts, left):
    renderer = Renderer()
    view = View(renderer)
    view.apply(renderer.feed(text))
    assert [without_direction(part) for part in view.parts] == parts
    assert len(set(view.blocks)) == 1
    assert without_direction(renderer.open) == left
    assert renderer.tail == ""
    assert view.html == renderer.html == render(text)


def test_a_list_in_pieces_continues_its_numbering():
    renderer = Renderer()
    view = View(renderer)
    view.apply(renderer.feed("7. a\n8. b\n9. c\n"))
    assert (
        renderer.open_block.wrap(view.parts[1:], first=1) == '<ol start="8" dir="auto">\n<li>b</li>\n</ol>\n'
    )
    assert renderer.open_block.wrap(view.parts[:1]).startswith('<ol start="7" dir="auto">')


def test_a_blank_line_late_in_a_list_changes_all_its_items():
    renderer = Renderer()
    renderer.feed("- a\n- b\n- c\n")
    ops = renderer.feed("\n- d\n")
    assert [(op.kind, op.id) for op in ops] == [("replace", 0), ("replace", 1), ("append", 2), ("open", -1)]
    assert all("<p " in op.html for op in ops)


WORDS = "Some words that go on and on with **weight**, `code` and a [link](https://example.org/a). " * 12


def test_a_long_paragraph_is_frozen_where_no_markup_is_open():
    renderer = Renderer()
    view = View(renderer)
    for word in WORDS.split(" "):
        view.apply(renderer.feed(word + " "))
    assert len(view.parts) > 2
    assert len(renderer.open) < 1000
    assert view.html == renderer.html == render(WORDS)


@pytest.mark.parametrize(
    "end",
    [
        "\n===\n",
        "\n---\n\nafter",
        " | x\n---|---\n1 | 2\n",
        "x\ny | z\n--|--\n1 | 2\n",
        "**open\nend** and\n\nafter",
        "\n- list\n",
        "\n# heading\n",
        "\n```\ncode\n```\n",
        "[late] and so on\n\n[late]: https://example.org\n",
        "\n\n\n",
        "  \nbreak\\\nbreak",
    ],
)
@pytest.mark.parametrize(
    "start", ["", "# head\n", "- item\n\n", "[a]: https://example.org\n", "[a]: https://example.org\n\n"]
)
def test_the_view_is_exact_whatever_a_long_paragraph_becomes(start, end):
    assert check([start + WORDS[:500], WORDS[500:], *end], (start, end))
    assert check(random_pieces(start + WORDS + end, random.Random(len(end)), 90), (start, end))


def test_a_table_in_pieces_ends_at_the_same_row_as_the_whole_table():
    text = "|" + "a|" * 400 + "\n|" + "-|" * 400 + "\n" + "|x\n" * 170 + "end\n\nafter"
    renderer = Renderer()
    for line in text.splitlines(keepends=True):
        renderer.feed(line)
    assert renderer.html == render(text)
    assert "|x\n|x" in renderer.html


def test_a_closed_renderer_takes_no_more_text():
    renderer = Renderer()
    renderer.feed("text")
    assert [op.kind for op in renderer.close()] == ["append", "tail"]
    assert renderer.close() == []
    with pytest.raises(ValueError, match="closed"):
        renderer.feed("more")


def test_unclosed_code_is_plain_and_closed_code_is_highlighted():
    assert "<b>" not in rendered("```python\nimport os\n")
    assert "<b>" in rendered("```python\nimport os\n```")
    assert "<b>" not in rendered("```no-such-language\nimport os\n```")


@pytest.mark.parametrize(
    "text",
    [
        "```python\nimport os\n",
        "```python\nimport os\nimport re",
        "- item\n\n  ```python\n  import os\n",
        "- one\n- two\n\n  ```python\n  import os\n\n\n",
        "> ```python\n> import os\n\n",
        "Text.\n\n```python\n" + "import os\n" * 300,
        "- ```python\n  import os\n\nText.",
    ],
)
@pytest.mark.parametrize("heal", [False, True])
def test_unclosed_code_is_highlighted_when_the_text_has_ended(text, heal):
    for size in (1, 7, 1000):
        renderer = Renderer(heal=heal)
        for start in range(0, len(text), size):
            renderer.feed(text[start : start + size])
        renderer.close(ended=True)
        assert renderer.html == render(text, ended=True)
    assert ("<b>" in renderer.html) == (not text.startswith(">") and not text.endswith("Text."))
