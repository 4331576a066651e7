"""Text for terminals and plain fields, code blocks for the user, and Markdown that others may trust."""

from __future__ import annotations

import pytest
from html_audit import audit, text_of
from markdown_answers import answer
from markdown_it import MarkdownIt

from gemini_magic.markdown import CodeBlock, code_blocks, defang, visible
from gemini_magic.markdown.highlight import highlight

TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def test_visible_text_cannot_drive_a_terminal():
    assert visible("\x1b[31mred\x1b]0;title\x07\x9b2J\x7f\x08") == "[31mred]0;title2J"
    assert visible("over\rwritten\r\nline\ttab\n") == "over\nwritten\nline\ttab\n"
    assert visible("a\x0cb\x00\udc80") == "a b\ufffd\ufffd"
    assert visible("x\u202ey\u2069\U000e0041") == "x⟨U+202E⟩y⟨U+2069⟩⟨U+E0041⟩"
    assert visible("שלום 👩‍👩‍👧 é\u200f") == "שלום 👩‍👩‍👧 é\u200f"


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


def test_known_languages_are_coloured():
    assert "<b>import </b>os" in highlight("import os\n", "python")
    assert '<bdi>"y"</bdi>' in highlight('x = "y";\n', "js")
    assert "<" not in highlight("x" * 200_000, "python")


def test_ordinary_answers_stay_as_they_are():
    text = answer(20_000)
    assert defang(text) == text
    text = """1. Use `v[0] < 3`:
   ```rust
   let x = a < b;
   ```

> **quote** [a](https://e.org/a_b 'T'), <https://e.org>, $a < b$ and `x = $y`

[r]: https://e.org/?a=1#b
"""
    assert defang(text) == text
    text = """- A page:

```html
<b title="$x">bold</b> ![x](y)
```

The end, "quoted".
"""
    assert defang(text) == text


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
def test_what_is_taken_apart(source, safe):
    assert defang(source) == safe


def test_what_cannot_be_told_apart_becomes_code():
    text = "<script>alert(1)</script>\n\n~~~~ \n```"
    for hostile in (text, "`a\n\n`<b>`", "    <b>code</b>\n"):
        assert audit(TRUSTING.render(defang(hostile))) == []
