"""Highlighting marks the tokens of complete code and never changes its text."""

from __future__ import annotations

import pytest
from html_audit import audit, text_of

from gemini_magic.markdown import highlight as highlight_module
from gemini_magic.markdown import render
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


class Processor:
    """A clock of which each reading takes some time, as on a processor of another speed."""

    def __init__(self, monkeypatch):
        self.now = self.step = 0.0
        monkeypatch.setattr(highlight_module, "thread_time", self)

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.mark.parametrize(("first", "later", "highlighted"), [(0.006, 0.5, True), (2.0, 0.0, False)])
def test_the_same_code_is_highlighted_always_or_never_however_fast_the_machine_is(
    monkeypatch, first, later, highlighted
):
    monkeypatch.setattr(highlight_module, "_decisions", highlight_module._Decisions())
    processor = Processor(monkeypatch)
    code = "total = 1  # a comment\n" * 20
    answer = f"```python\n{code}# {first}\n```\n"
    shown = []
    for step in (first, later, later):
        highlight.cache_clear()
        processor.step = step
        shown.append(render(answer, ended=True))
    assert ("<i>" in shown[0]) is highlighted
    assert shown[0] == shown[1] == shown[2]


def test_decisions_about_much_code_are_bounded_and_the_first_one_about_a_code_counts():
    decisions = highlight_module._Decisions()
    for number in range(3_000):
        decisions.keep(f"code {number}", "python", fast=True)
    decisions.keep("code 2999", "python", fast=False)
    assert decisions.find("code 2999", "python") is True
    assert decisions.find("code 0", "python") is None
    assert decisions.find("code 2999", "rust") is None
