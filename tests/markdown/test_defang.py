"""Defanged Markdown shows the same answer and can do nothing in a front end that trusts it."""

from __future__ import annotations

import pytest
from attack_cases import cases
from html_audit import audit, payloads
from markdown_answers import answer
from markdown_it import MarkdownIt

from gemini_magic.markdown import defang_markdown

TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ATTACKS = cases(payloads())


def test_ordinary_answers_are_not_changed():
    text = answer(20_000)
    assert defang_markdown(text) == text
    text = """1. Use `v[0] < 3`:
   ```rust
   let x = a < b;
   ```

> **quote** [a](https://e.org/a_b 'T'), <https://e.org>, $a < b$ and `x = $y`

[r]: https://e.org/?a=1#b
"""
    assert defang_markdown(text) == text
    text = """- A page:

```html
<b title="$x">bold</b> ![x](y)
```

The end, "quoted".
"""
    assert defang_markdown(text) == text


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("a <b>c</b>", "a &lt;b>c&lt;/b>"),
        ("![cat](https://e.org/c.png)", "[cat](https://e.org/c.png)"),
        ("![cat](/files/c.png 'x')", "cat (`/files/c.png`)"),
        ("[x](javascript:alert(1))", "[x]\\(javascript:alert(1))"),
        ("[x]: javascript:alert(1)", "[x]\\: javascript:alert(1)"),
        ("`<b>` <b>", "<code>&#60;b&#62;</code> &lt;b>"),
        ("> `<b>\n> c`", "> <code>&#60;b&#62;\n> c</code>"),
        (
            "| `<b>` | <b> |\n|---|---|\n| `a\\|<` | `\\|<i>` |",
            "| <code>&#60;b&#62;</code> | &lt;b> |\n|---|---|\n| `a\\|<` | <code>&#124;&#60;i&#62;</code> |",
        ),
        ("```html x='<b>'\n<b>\n```", "```html\n<b>\n```"),
        ("<user@e.org>", "&lt;user@e.org>"),
        ("\\<b> \\![x](https://e.org)", "&#60;b> &#33;[x](https://e.org)"),
        ('[x](https://e.org/$ "t") $', "[x](https://e.org/%24) $"),
        ("[x](https://e.org/?a=1&b=2&amp;c=3&#36;)", "[x](https://e.org/?a=1&amp;b=2&amp;c=3%24)"),
        ("[x](https://e.org/a_(b)?@\\@0@@)", "[x]\\(https://e.org/a_(b)?@&#64;0@@)"),
        ("[x](https://e.org/a_(b)?@&#64;0@@)", "[x](https://e.org/a_%28b%29?%40%400%40%40)"),
        (
            'https://e.org/$"onclick=f() x="$',
            "https://e.org/<code>&#36;&#34;onclick&#61;f&#40;&#41; x&#61;&#34;&#36;</code>",
        ),
        ("$x$ and \\(a\\)", "$x$ and \\(a\\)"),
        ("\\(a_1<b\\) is \\[c\\]", "$a_1\\lt b$ is $$c$$"),
        ("$\\href{x}{y}$", "<code>&#36;&#92;href&#123;x&#125;&#123;y&#125;&#36;</code>"),
        ("> $$\n> x = [y](z)\n> - w\n> $$", "> $$x = [y] (z) - w$$"),
        ("\\[\n\\def\\x{y}\n\\]", "<code>&#92;&#91;&#92;def&#92;x&#123;y&#125;&#92;&#93;</code>"),
        ("$ \\href{x}{y} $", "$ <code>&#92;href</code>{x}{y} $"),
        ("`\\href` $x$", "<code>&#92;href</code> $x$"),
        ("@\\@0@@ $x$", "@&#64;0@@ $x$"),
        ("https://e.org/@\\@0@@", "https&#58;//e.org/@&#64;0@@"),
        ("`\\href` x", "`\\href` x"),
        (
            "www.e.org www.e.org%2Fx http://www.e.org%2F",
            "www.e.org www&#46;e.org%2Fx http&#58;//www&#46;e.org%2F",
        ),
        ("(https://e.org), https://e.org:80.", "(https://e.org), https://e.org:80."),
        ("https://e.org/)x http://e.org)x(", "https://e.org/)x http&#58;//e.org)x("),
        (
            "https://e.org`x` [https://e.org](https://e.org)",
            "https&#58;//e.org`x` [https&#58;//e.org](https://e.org)",
        ),
        ("ftp://e.orgftp://e.org", "ftp&#58;//e.orgftp&#58;//e.org"),
        ("ftp://e.org https://a@e.org", "ftp&#58;//e.org https&#58;//a@e.org"),
        ("$ \\genfrac{}{}{400pt}{0} $", "$ <code>&#92;genfrac</code>{}{}{400pt}{0} $"),
        (
            "$ a \\\\[-9em] \\cancel[x]{b} $",
            "$ a <code>&#92;&#92;</code>[-9em] <code>&#92;cancel</code>[x]{b} $",
        ),
        ("```mermaid\nA-->B\n```", "```\nA-->B\n```"),
        ("a\n~~~HTML x\n<b>\n\n```\n", "a\n\n````html\n<b>\n\n```\n````\n"),
        ("    <b>\nc", "```\n<b>\n```\n\nc"),
        (
            "- ```js\n  <b>\n\n   _x_\n  ```\n",
            "- <pre>\n  <code>&#60;b&#62;\n  \n   &#95;x&#95;</code></pre>\n",
        ),
        ("a\u2028```\u2028<b>", "a\n\n```\n<b>\n```"),
    ],
)
def test_active_markup_is_defanged(source, safe):
    assert defang_markdown(source) == safe


def test_text_that_cannot_be_defanged_becomes_code():
    text = "<script>alert(1)</script>\n\n~~~~ \n```"
    for hostile in (text, "`a\n\n`<b>`", "    <b>code</b>\n"):
        assert audit(TRUSTING.render(defang_markdown(hostile))) == []


def test_defanged_attacks_contain_only_allowed_html_when_trusted():
    for name, text in ATTACKS:
        assert audit(TRUSTING.render(defang_markdown(text))) == [], (name, text, defang_markdown(text))
