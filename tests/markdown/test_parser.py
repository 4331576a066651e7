"""The code blocks of an answer, and attributes and blocks that several kinds of text share."""

from __future__ import annotations

import re

import pytest
from markdown_check import check

from gemini_magic.markdown import CodeBlock, code_blocks, defang_markdown, render


def test_code_blocks_of_an_answer():
    text = "```python\nprint(1)\n```\n\n- item\n  ~~~JS x\n  a\n\n  b\n  ~~~\n\n    indented\n\n> ````\n> ```\n> ````\n\n``` \nopen"
    assert code_blocks(text) == [
        CodeBlock("python", "print(1)\n"),
        CodeBlock("js", "a\n\nb\n"),
        CodeBlock("", "```\n"),
        CodeBlock("", "open"),
    ]
    assert code_blocks("none `here`\r\n") == []
    assert code_blocks("```py\r\na\r\nb\r\n```") == [CodeBlock("py", "a\nb\n")]


def test_blocks_of_text_and_lists_take_their_direction_from_their_text():
    html = render("# h\n\np\n\n- i\n  1. j\n\n| a |\n|:-:|\n| b |\n\n2. k\n\n> q\n")
    for tag in ("h1", "p", "ul", "ol", "th", "td"):
        assert (
            re.findall(rf"<{tag}\b[^>]*>", html) == re.findall(rf'<{tag}(?: [^>]*)? dir="auto">', html) != []
        )
    for tag in ("li", "blockquote", "tr", "pre"):
        assert f"<{tag} " not in html
    assert '<ol start="2" dir="auto">' in html


@pytest.mark.parametrize(
    "text",
    ["\u0634\u0644\u0648\u0645 **a**\n===\n", "3. \u05d0\n4. b\n\n5. c\n", "long words " * 60 + "\n---\n"],
)
def test_directions_are_exact_while_the_text_grows(text):
    check(text, text)


def test_a_mermaid_diagram_stays_code():
    source = "```mermaid\ngraph TD\nA-->B\n```\n"
    assert render(source).startswith('<pre><code class="language-mermaid">')
    assert defang_markdown(source).startswith("```\n")
    assert code_blocks(source)[0].language == "mermaid"
