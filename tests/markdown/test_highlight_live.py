"""Code is highlighted while it is growing, and as a whole when its fence closes."""

from __future__ import annotations

import random
import re

import pytest
from html_audit import audit, text_of
from markdown_pieces import random_pieces

from gemini_magic.markdown import Renderer, render
from gemini_magic.markdown.highlight import highlight, split_lines
from gemini_magic.markdown.highlight_live import LiveHighlighter

CODE = {
    "python": 'import os\n\n\n@wraps(f)\ndef f(x: int) -> str:\n    """Doc."""\n    y = [1, \'a\']  # note\n    return f\'{x}\'\n'
    * 3,
    "js": "const a = `x${1}`; // note\n/* one\n   two */\nfunction f(b) { return /x+/.test(b) ? null : 'y'; }\n"
    * 3,
    "bash": "#!/bin/sh\nfor f in *.txt; do\n  echo \"$f\" | grep -v '<b>'  # note\ndone\n" * 3,
    "sql": "SELECT a, 'b' -- note\nFROM t\nWHERE a < 1;\n" * 3,
    "json": '{\n  "a": [1, true, null],\n  "b": {"c": "d"}\n}\n',
    "html": "<div class='x'>\n  <!-- note -->\n  &amp; text\n</div>\n" * 3,
    "yaml": "a: 1\nb:\n  - 'c'  # note\n" * 3,
    "c": "#include <x.h>\nint main(void) {\n  return 0; /* note */\n}\n" * 3,
    "rust": 'fn main() {\n    let x: Vec<u8> = vec![1];\n    println!("{}", x[0]); // note\n}\n' * 3,
}


@pytest.mark.parametrize("language", CODE)
def test_most_lines_are_highlighted_as_in_the_complete_code(language):
    code = CODE[language]
    highlighter = LiveHighlighter(language)
    for line in split_lines(code):
        shown = highlighter.preview(line[: len(line) // 2])
        assert text_of("".join(shown)) == line[: len(line) // 2]
        highlighter.feed(line)
        assert text_of("".join(highlighter.lines)) == code[: len(text_of("".join(highlighter.lines)))]
    assert highlighter.active
    whole = split_lines(highlight(code, language))
    assert len(highlighter.lines) == len(whole)
    wrong = sum(a != b for a, b in zip(highlighter.lines, whole, strict=True))
    print(f"{language}: {wrong} of {len(whole)} lines differ in the end")
    assert wrong <= len(whole) / 4


@pytest.mark.parametrize("language", CODE)
def test_open_code_is_highlighted_and_safe_after_every_piece(language):
    text = f"```{language}\n{CODE[language]}```\n"
    renderer = Renderer(heal=True)
    highlighted = 0
    for piece in random_pieces(text, random.Random(1), 30):
        renderer.feed(piece)
        assert audit(renderer.html) == []
        highlighted += re.search("<(?:b|i|bdi|samp|var|dfn|span)[ >]", renderer.html) is not None
    assert highlighted >= 3
    renderer.close()
    assert renderer.html == render(text)


def test_wrong_highlighting_is_corrected_when_the_fence_closes():
    text = "```js\nx = 1;\n/*\n" + "return null;\n" * 8 + "*/\n"
    renderer = Renderer(heal=True)
    for line in split_lines(text):
        renderer.feed(line)
    assert "<b>" in renderer.html
    ops = renderer.feed("```\n")
    assert {op.kind for op in ops} >= {"replace"}
    assert "<b>" not in renderer.html
    assert renderer.html == render(text + "```\n")


def test_code_that_cannot_be_highlighted_stays_plain():
    for language, code in (("no-such-language", "x\n"), ("python", "x = " + "1" * 6000 + "\n")):
        highlighter = LiveHighlighter(language)
        highlighter.feed(code)
        assert not highlighter.active
        renderer = Renderer(heal=True)
        renderer.feed(f"```{language}\nimport os\n{code}")
        assert "import os\n" in text_of(renderer.html)
        assert "<b>" not in renderer.html


def test_a_fence_that_is_never_closed_is_exact_after_close():
    renderer = Renderer(heal=True)
    renderer.feed("```python\nimport os\nimport re")
    assert "<b>" in renderer.html
    renderer.close()
    assert renderer.html == render("```python\nimport os\nimport re")
