"""A Markdown block may contain fences of its own length."""

from __future__ import annotations

from itertools import product

import pytest
from markdown_check import check, healed, rendered
from markdown_it import MarkdownIt

from gemini_magic.markdown import Renderer, code_blocks, defang_markdown, render

ANSWER = """Here is the file:

```markdown
# Title

```python
x = 1
```

~~~
y
~~~

The end.
```

Done.

```js
z
```
"""


def codes(text):
    return [(block.language, block.text) for block in code_blocks(text)]


def test_a_labelled_line_opens_an_inner_fence_and_a_bare_one_closes_it():
    content = ANSWER.partition("```markdown\n")[2].partition("```\n\nDone")[0]
    assert codes(ANSWER) == [("markdown", content), ("js", "z\n")]
    assert "<p>Done.</p>" in rendered(ANSWER)
    check(ANSWER, "answer")
    check(ANSWER, "answer", heal=True)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("```md\na\n```\nb\n", "a\n"),
        ("```md\na\n\n```\nb\n```\n\n```\n\nc\n", "a\n\n```\nb\n```\n\n"),
        ("```md\na\n\n```\n\nb\n", "a\n\n"),
        ("```md\na\n\n```", "a\n\n"),
        ("```md\na\n\n```\n```\nb", "a\n\n"),
        ("````md\n```py\na\n````\nb\n", "```py\na\n"),
        ("```md\n````py\n```\n````\n```\nb\n", "````py\n```\n````\n"),
        ("~~~md\n```py\na\n~~~\nb\n", "```py\na\n"),
        ("```md\n``` a`b\n```\nb\n", "``` a`b\n"),
        ("```md\n    ```py\n```\nb\n", "    ```py\n"),
        ("```python\n```py\n```\nb\n", "```py\n"),
        ("```text\n\n```\nb\n", "\n"),
    ],
)
def test_only_lines_that_could_end_the_block_open_inner_fences(text, content):
    assert codes(text)[0][1] == content
    check(text, text)


def test_a_list_item_or_quote_ends_the_block():
    assert codes("- ```md\n  ```py\n  a\nb\n")[0][1] == "```py\na\n"
    assert codes("> ```md\n> ```py\n> a\n\nb\n")[0][1] == "```py\na\n"
    assert codes("- ```md\n  a\n\n  ```\n- b\n")[0][1] == "a\n\n"


@pytest.mark.parametrize("heal", [False, True])
def test_every_sequence_of_lines_is_exact(heal):
    lines = ["```md", "```", "```py", "", "a"]
    for number, chosen in enumerate(product(lines, repeat=5)):
        if chosen[0] == "```md" or number % 7 == 0:
            text = "```md\nx\n" + "\n".join(chosen) + "\n"
            check([text[:9], *(f"{line}\n" for line in chosen)], chosen, heal=heal)


def test_an_end_that_the_next_line_may_change_is_not_frozen():
    renderer = Renderer()
    renderer.feed("```md\na\n\n```\n")
    assert renderer.html == render("```md\na\n\n```\n")
    assert renderer.open_block is not None
    renderer.feed("b\n")
    assert renderer.html == render("```md\na\n\n```\nb\n")
    renderer.feed("```\n\n```\n\nc")
    assert renderer.html.endswith('<p dir="auto">c</p>\n')


def test_a_growing_block_is_healed_with_its_inner_fences():
    text = "```md\n" + "line\n" * 10 + "```py\na\n"
    renderer = Renderer(heal=True)
    for line in text.splitlines(keepends=True):
        renderer.feed(line)
    renderer.feed("```\n- ")
    assert renderer.html.count("<pre>") == 1
    assert "<ul>" not in healed(text + "```\n- ")


def test_saved_markdown_puts_it_into_a_longer_fence():
    for text in (ANSWER, ANSWER.replace("\n", "\n  ").replace("Here", "- Here")):
        safe = defang_markdown(text)
        [found] = [block for block in codes(text) if block[0] == "markdown"]
        html = MarkdownIt("commonmark", {"html": True}).render(safe)
        assert "```python" in html or "&#96;&#96;&#96;python" in safe
        assert "<h1>" not in html
        assert found[1].count("```") == 2
    assert "````markdown\n" in defang_markdown(ANSWER)


@pytest.mark.parametrize(
    "text", ["> - ```md\n>", "> - ```md\n>   a\n>", "> 1. ```md\n>\n>", "> - ```md\n>\n> b\n"]
)
def test_a_block_in_a_quote_may_end_with_an_empty_line(text):
    check(text, text)
    check(text, text, heal=True)
