"""The block that a reader can unfold: decided line by line, its blocks frozen one by one."""

from __future__ import annotations

import pytest
from html_audit import audit
from markdown_check import check, healed, rendered
from markdown_cost import html_length, parsed_characters, pieces_of

from gemini_magic.markdown import FinishedBlocks, Renderer, code_blocks, defang_markdown, render


def details(body, summary="Details", attributes=""):
    return f"<details{attributes}>\n<summary>{summary}</summary>\n{body}</details>\n"


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            "<details>\n<summary>a *b*</summary>\n\n**c**\n\n</details>\nd",
            details("<p><strong>c</strong></p>\n", "a <em>b</em>") + "<p>d</p>\n",
        ),
        ("<details><summary>a</summary>\nb\n</details>", details("<p>b</p>\n", "a")),
        ("<details open>\n<summary>a</summary>\nb\n</details>", details("<p>b</p>\n", "a", ' open=""')),
        ("a\n<details>\nb\n</details>", "<p>a</p>\n" + details("<p>b</p>\n")),
        ("<details>\n\n<summary>a</summary>", details("<p>&lt;summary&gt;a&lt;/summary&gt;</p>\n")),
        ("<details>\na\n\nb", details("<p>a</p>\n<p>b</p>\n")),
        ("<details>", details("", "")),
        (
            "<details>\na\n<details>\nb\n</details>\nc\n</details>\nd",
            details("<p>a</p>\n" + details("<p>b</p>\n") + "<p>c</p>\n") + "<p>d</p>\n",
        ),
        (
            "- <details>\n  a\n  </details>\n- b",
            f"<ul>\n<li>\n{details('<p>a</p>' + chr(10))}</li>\n<li>b</li>\n</ul>\n",
        ),
        ("> <details>\n> a\n\nb", f"<blockquote>\n{details('<p>a</p>' + chr(10))}</blockquote>\n<p>b</p>\n"),
        ("<details class=x>\na", "<p>&lt;details class=x&gt;\na</p>\n"),
        ("<details> a", "<p>&lt;details&gt; a</p>\n"),
        ("</details>", "<p>&lt;/details&gt;</p>\n"),
        ("    <details>", "<pre><code>&lt;details&gt;\n</code></pre>\n"),
    ],
)
def test_exact_lines_make_a_block_and_others_are_text(source, html):
    assert rendered(source) == html
    assert audit(html) == []
    check(source, source)


@pytest.mark.parametrize(
    "inner",
    [
        "```html\n</details>\n```",
        "- ```\n  </details>\n  ```",
        "~~~\n```\n</details>\n~~~",
        "> ```\n> </details>\n",
        "- <details>\n  a\n  </details>",
        "- ```\n  code\n\ntext",
        "> ```\n> code\n\ntext",
    ],
)
def test_lines_of_fences_and_inner_blocks_do_not_end_the_block(inner):
    text = f"<details>\n{inner}\n</details>\nafter\n"
    assert rendered(text).endswith("</details>\n<p>after</p>\n")
    check(text, inner)
    check("<details>\n\npart\n\nother\n\n" + text, inner)


def test_an_indented_line_of_ticks_hides_no_end_from_frozen_parts():
    for between in ("", "\n\nd"):
        text = f"<details>\n\na\n\n    ```\n\nb\n\nc\n\n    ```{between}\n\n</details>\ne\n"
        assert render(text).endswith("e</p>\n")
        check(text, "ticks")


def test_code_blocks_inside_are_found():
    assert [block.text for block in code_blocks("<details>\n\n```py\na\n```\n\n</details>\n")] == ["a\n"]


def test_the_blocks_inside_are_frozen_while_it_grows():
    renderer = Renderer()
    renderer.feed("<details>\n<summary>s</summary>\n\na\n\nb\n\nc")
    assert renderer.open_block.kind == "details"
    assert "".join(renderer.open_block.wrap(["x"])) == "<details>\nx</details>\n"
    assert renderer.open_block.wrap(["x"], 3) == '<details open="">\n<summary></summary>\nx</details>\n'
    assert renderer.html == render("<details>\n<summary>s</summary>\n\na\n\nb\n\nc")


def test_a_long_block_costs_a_small_multiple_of_its_length(monkeypatch):
    body = "Some **words** in a paragraph.\n\n- an item\n- another\n\n```py\nx = 1\n```\n\n"
    ratios = [
        parsed_characters(monkeypatch, "<details>\n<summary>s</summary>\n\n" + body * count, heal=True)
        / len(body)
        / count
        for count in (40, 400)
    ]
    print(f"characters parsed per character: {ratios[0]:.1f}, {ratios[1]:.1f}")
    assert ratios[1] < 1.3 * ratios[0]
    text = "<details>\n\n" + body * 200
    assert html_length(Renderer(heal=True), pieces_of(text)) < 15 * len(text)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\n\n<deta", "<p>a</p>\n"),
        ("a\n\n<details op", "<p>a</p>\n"),
        ("<details>\n<summ", details("", "")),
        ("<details>\n<summary>a **b", details("", "")),
        ("<details><summary>a", ""),
        ("<details>\n<summary>a</summary>\nb\n</det", details("<p>b</p>\n", "a")),
        ("<details>\n<summary>a</summary>\n**b", details("<p><strong>b</strong></p>\n", "a")),
        ("<details>\n<summary>a</summary>\n**b\n</details>", details("<p>**b</p>\n", "a")),
    ],
)
def test_unfinished_lines_are_held_back(typed, shown):
    assert healed(typed) == shown


def test_a_long_line_that_may_become_its_first_line_is_not_frozen():
    text = "<details><summary>" + "many words " * 50 + "</summary>\n\na\n\n</details>\n"
    check([text[at : at + 20] for at in range(0, len(text), 20)], "summary")


def test_saved_markdown_shows_it_as_text():
    assert (
        defang_markdown("<details>\n<summary>a</summary>\n\nb\n\n</details>\n")
        == "&lt;details>\n&lt;summary>a&lt;/summary>\n\nb\n\n&lt;/details>\n"
    )


def test_a_terminal_gets_the_summary_as_a_paragraph():
    tokens = FinishedBlocks().tokens("<details>\n<summary>a</summary>\n\nb\n\n</details>\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"] * 2
