"""No page typesets text that is not a formula. MathJax 3 and later reads one class for that, MathJax 2 another one."""

from __future__ import annotations

from html.parser import HTMLParser

from view_stage import feed, new_ledger

from gemini_magic.api import Preview
from gemini_magic.markdown import render
from gemini_magic.tables.preview import as_html
from gemini_magic.views import bundle

PRICES = "$5 and $6 \\(\\href{javascript:x}{y}\\)"
IGNORED = {"mathjax_ignore", "tex2jax_ignore"}
PROCESSED = {"mathjax_process", "tex2jax_process"}


class _Reader(HTMLParser):
    """Collects the texts that a page would typeset, and the formulas."""

    def __init__(self):
        super().__init__()
        self.open, self.typeset, self.formulas = [], [], []

    def handle_starttag(self, tag, attrs):
        classes = set((dict(attrs).get("class") or "").split())
        assert len(classes & IGNORED) in {0, 2}
        assert len(classes & PROCESSED) in {0, 2}
        if tag not in {"br", "img", "hr"}:
            self.open.append(classes)

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        marks = [bool(classes & PROCESSED) for classes in self.open if classes & (IGNORED | PROCESSED)]
        if marks and marks[-1]:
            self.formulas.append(data)
        elif not marks and "$" in data:
            self.typeset.append(data)


def read(html):
    reader = _Reader()
    reader.feed(html)
    return reader


def test_no_table_or_request_is_typeset():
    table = as_html(["text"], [(PRICES,)], show_all=True, expression="t")
    request = Preview("POST", "https://e.org", (), {"text": PRICES})._repr_html_()
    for html in (table, request):
        assert "$5" in html
        assert read(html).typeset == []


def test_of_an_answer_the_formulas_only_are_typeset():
    ledger = feed(new_ledger(), f"{PRICES} but $x^2$ and\n\n$$\ny\n$$\n", finish="STOP")
    ledger.close("end", t=1.0)
    reader = read(bundle(ledger)["text/html"])
    assert reader.typeset == []
    assert reader.formulas == ["\\(x^2\\)", "\\[y\\]"]
    assert read(render("$x$")).formulas == ["\\(x\\)"]
