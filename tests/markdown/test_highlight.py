"""Highlighting marks the tokens of complete code and never changes its text."""

from __future__ import annotations

import pytest
from html_audit import audit, text_of

from gemini_magic.markdown.highlight import highlight


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "@d\ndef f(x: int) -> str:\n    '''<doc> & more'''\n    return f'{x}'  # c\n"),
        ("js", "const a = `x${1}`; // </script>\n"),
        ("bash", "echo \"$HOME\" | grep -v '<b>'\n\n"),
        ("json", '{"a": [1, true, null]}'),
        ("html", "<div class='x'>&amp;</div><!-- c -->"),
        ("sql", "\n\nSELECT * FROM t WHERE a < 'b';"),
        ("diff", "- a\n+ b\n@@ x\n"),
        ("no such thing", "<x>"),
        ("", "plain"),
        ("python", "\x0c \u2028 é\ufeff\n"),
        ("python", "x" * 6000),
    ],
)
def test_highlighting_never_changes_the_text(language, code):
    html = highlight(code, language)
    assert text_of(html) == code
    assert audit(html) == []


def test_known_languages_are_highlighted():
    assert "<b>import </b>os" in highlight("import os\n", "python")
    assert '<bdi>"y"</bdi>' in highlight('x = "y";\n', "js")
    assert "<" not in highlight("x" * 200_000, "python")
