"""Fragments of Markdown and random documents made of them, for the tests of the renderer."""

from __future__ import annotations

import random

FRAGMENTS = [
    *(
        "word",
        "two words",
        "# Heading",
        "# | b",
        "## Closed ##",
        "#",
        "#tag",
        "###### six",
        "-",
        "- item",
        "* item",
        "+ plus",
    ),
    *(
        "1. one",
        "2) two",
        "10. ten",
        "1.",
        "123456789. nine",
        "- [ ] open task",
        "- [x] done task",
        "- [ ]",
        "- - nested",
    ),
    *(
        "> quote",
        ">",
        "> > deeper",
        "> - item in quote",
        "- > quote in item",
        "---",
        "***",
        "___",
        "===",
        "- - -",
        "--",
    ),
    *("    indented", "\tindented", "  two spaces", "   three", "     five"),
    *(
        "```",
        "````",
        "~~~",
        "```python",
        "``` js title=x",
        "~~~ sh",
        "`` ` ``",
        "```inline```",
        "def f(): pass  # hi",
    ),
    *(
        "| a | b |",
        "|---|:-:|",
        "| 1 | 2 |",
        "a | b",
        "--|--",
        "|-",
        "| x",
        "-|:-",
        "| `c|d` | e \\| f |",
        "|:--|--:|-",
    ),
    *(
        "[foo]: https://example.org/a",
        "[bar]: <https://example.org/b> 'title'",
        "[foo]: https://other.org",
        "[bar]:",
    ),
    *(
        "[multi]:",
        "https://example.org/m",
        "'title",
        "more title'",
        "[foo bar]: mailto:a@example.org",
        "[bad]: javascript:x",
    ),
    *("> [quoted]: https://example.org/q", "- [listed]: https://example.org/l", "[ẞ]: https://example.org/s"),
    *(
        "[foo]",
        "[Foo][]",
        "[text][bar]",
        "![img][foo]",
        "[multi] and [quoted]",
        "[listed] [SS]",
        "[foo][undefined]",
        "[foo bar]",
    ),
    *(
        "*em*",
        "**strong**",
        "***both***",
        "_em",
        "**open",
        "~~gone~~",
        "~one~",
        "`code`",
        "`open",
        "\\*escaped\\*",
        "a*b*c",
    ),
    *(
        "[link](https://example.org)",
        "[no](javascript:x)",
        "[half](https://exa",
        "![i](https://example.org/i.png)",
        "![i",
    ),
    *(
        "<https://example.org>",
        "<div>",
        "</div>",
        "<b>bold</b>",
        "<!-- comment",
        "-->",
        "<a@example.org>",
        "&amp; &copy; &#65;",
        "&",
    ),
    *(
        "$$",
        "$$",
        "\\[",
        "\\]",
        "$$ a",
        "b $$",
        "$$x^2$$",
        "$$ y $$ and more",
        "\\[ z \\]",
        "\\[z",
        "> $$",
        "- $$",
        "  $$",
        "$a",
        "b$",
        "$$$",
    ),
    *(
        "$5 and $6",
        "$x$",
        "\\(x\\)",
        "\\(a",
        "b\\)",
        "$$a$$ and $b$",
        "$\\href{x}{y}$",
        "+ c_1",
        "= d*e*",
        "\\begin{cases}",
        "a &= b \\\\[2pt]",
        "$a|b$",
    ),
    *(
        "[^1]",
        "note[^note]",
        "[^1]: text",
        "[^2]: https://example.org",
        "[^note]:",
        "[^1](https://example.org)",
    ),
    *(
        "![d](data:image/gif;base64,R0lGODlhAQABAAAAACw=)",
        "![d](data:image/gif;base64,R0lGOD",
        "![d](data:image/x,y)",
    ),
    *(
        "hard  ",
        "hard\\",
        "\x00",
        "\ud800",
        "\u202e",
        "\x1b[31m",
        "🏳️",
        "\ufeff",
        "\u00a0",
        "\u2028",
    ),
]
HTML = [
    *(
        "a<br>b",
        "<br />",
        "H<sub>2</sub>O",
        "x<sup>*n*</sup>",
        "<kbd>Ctrl</kbd>",
        "<u>a b</u>",
        "<mark>**a** b</mark>",
    ),
    *(
        "<!-- a -->",
        "<!-- a *b\nc` -->",
        "`<sub>`",
        "<sub class=x>",
        "<SUB>",
        "*<u>a*</u>",
        "<u>*a</u>*",
        "[<u>a](b)</u>",
    ),
    *(
        "<sub>",
        "</sub>",
        "<u>",
        "</u>",
        "<!--",
        "-->",
        "<!-->",
        "<br",
        "<!-",
        "![<u>a</u>](https://example.org/i.png)",
    ),
]
INLINE = [
    *(
        "word",
        "and",
        "so",
        "on",
        "it",
        "was",
        "said",
        "that",
        "one",
        "more",
        "time",
        "a",
        "b",
        "12",
        "3.",
        "-",
        "+",
    ),
    *(
        "*em*",
        "**strong**",
        "**two words**",
        "_a b_",
        "`code`",
        "``a ` b``",
        "~~gone~~",
        "a*b",
        "2 * 3",
        "x_y_z",
    ),
    *(
        "[foo]",
        "[bar][foo]",
        "[1]",
        "[foo bar]",
        "[l](https://example.org)",
        "![i](https://example.org/i.png)",
    ),
    *(
        "[l](https://example.org 'a b')",
        "<https://example.org>",
        "&amp;",
        "\\*",
        "(see [multi])",
        "a&b",
        "<b>",
    ),
    *("$x^2$", "\\(a_b\\)", "$5", "$a [b$", "$$c*d$$", "\\[e\\]", "as[^1]"),
]
RARE = [
    "**open",
    "`open",
    "[open",
    "close]",
    "*",
    "_",
    "](",
    "|",
    "a | b",
    "\\",
    "![",
    "``",
    "[*a",
    "b*]",
    "~~",
    "$",
    "$$",
    "\\(",
    "\\[",
    "$x",
    "y$",
    "\\)",
    "[^1",
]
CJK = [
    *("**注意：**正文", "含**「重点」**内容", "~~删除。~~正文", "**강조(강조)**는", "文**😀**字", "**重️**字"),
    *("**（a）**", "*あ。*い", "_あ。_い", "文**", "**。", "「*", "～~~", "好", "。"),
]
URLS = [
    *(
        "https://example.org",
        "https://example.org/a_b.",
        "(http://example.org/a)",
        "见https://example.org/x然后",
        "**https://e.org/**",
    ),
    *(
        "https://exаmple.com",
        "https://example.org/?a=1&amp;b=2",
        "https://example.org:80/",
        "<https://example.org/>",
    ),
    *(
        "http://",
        "https://example.",
        "://",
        "https://e.org@x/",
        "[a https://e.org b](#c)",
        "[Intro](#introduction)",
        "[i]: #x",
    ),
    *("[i]", "x](#y)", "[*a*](#b)", "![x](#y)", "https://e.org/$a$", "https://e.org/*a*"),
]
ENVIRONMENTS = [
    *(
        "\\begin{align}",
        "\\end{align}",
        "\\begin{align} a &= b \\\\ c \\end{align}",
        "x \\begin{gather*}",
        "y \\\\ z \\end{gather*} w",
    ),
    *(
        "\\begin{foo}",
        "\\begin{align",
        "> \\begin{equation}",
        "- \\begin{align}",
        "\\end{align} `",
        "$\\begin{align}$",
    ),
]
SAFE = [*INLINE, *HTML[:7], *CJK[:6], *URLS[:9]]
FENCES = [
    *(
        "```markdown",
        "```markdown",
        "```md",
        "````gfm",
        "~~~markdown",
        "```python",
        "```",
        "```",
        "```",
        "\n```",
        "````",
        "~~~",
    ),
    *("- ```markdown", "> ```md", "\n\n```\ntext", "\n```\n\n", "```js", "`````", "  ```", "    ```"),
]
FRAGMENTS += FENCES
FRAGMENTS += ENVIRONMENTS
FRAGMENTS += URLS
FRAGMENTS += HTML
FRAGMENTS += CJK
DETAILS = [
    *(
        "<details>",
        "<details>",
        "</details>",
        "</details>",
        "</details>",
        "<details open>",
        "<summary>a *b*</summary>",
    ),
    *(
        "<details><summary>c</summary>",
        "<details class=x>",
        "<details><summary>d",
        "- <details>",
        "> <details>",
    ),
]
FRAGMENTS += DETAILS
INLINE = [*INLINE, *INLINE, *INLINE, *HTML, *CJK, *URLS, *ENVIRONMENTS, *RARE]
MISTAKES = [
    "\n===\n",
    "\n---\n",
    "\n# h",
    "\n- x",
    "\n| a |\n|---|",
    "a | b\n---|---",
    "```",
    "\n> q",
    "\n--|--\n",
    "\n|--\n",
]
MISTAKES += ["\n$$\n", "\n\\[\n", "\n$$ x\n- y\n$$", "\n\\[ x \\]\n", "\n[^1]: note", "\n[^1]"]
MISTAKES += ["| a", "[foo]: https://e.org", "\n\n[foo]: https://e.org\n", "\n2. x", "\n\n", "\t", *RARE]
CODE = [
    *(
        "def f(x):",
        "    return x  # note",
        "",
        "    ",
        "x = 'a' + \"b\"",
        '"""doc',
        'string"""',
        "class A(B):",
        "/* c",
    ),
    *(
        "c */ int x = 1;",
        "// n",
        '{"a": [1, true],',
        '"b": null}',
        "a: 1",
        "- b: 'c'",
        "<b>&amp;",
        "`",
        "``",
        "~~~",
        "\tx",
    ),
]
PREFIXES = [
    "",
    "",
    "",
    "",
    " ",
    "  ",
    "   ",
    "    ",
    "> ",
    ">",
    "- ",
    "  - ",
    "1. ",
    "\t",
    "- > ",
    "> - ",
    "     ",
]
ENDS = ["\n", "\n", "\n", "\n", "\n\n", "\n\n", "\r\n", "\r", "\r\n\r\n", "\n \n", "", " ", "\n>\n"]


def document(seed: int) -> str:
    """Return a small document of random pieces."""
    chance = random.Random(seed)
    pieces = []
    for _ in range(chance.randint(1, 12)):
        pieces += [chance.choice(PREFIXES), chance.choice(FRAGMENTS), chance.choice(ENDS)]
    return "".join(pieces)


def long_document(seed: int) -> str:
    """Return a text of long blocks: lists, tables, code and paragraphs of many lines, with a few mistakes."""
    chance = random.Random(seed)
    return "".join(
        chance.choice([_long_list, _long_table, _long_code, _long_paragraph, _long_formula, _long_details])(
            chance
        )
        + chance.choice(ENDS[3:])
        for _ in range(chance.randint(1, 4))
    )


def _long_fences(chance: random.Random) -> str:
    lines = [chance.choice([*FENCES, *CODE, "", "text"]) for _ in range(chance.randint(2, 25))]
    before = chance.choice(["", "", "", "- ", "> ", "  "])
    return (
        before
        + chance.choice(FENCES[:5])
        + "\n"
        + "\n".join(lines)
        + chance.choice(["\n```\n", "\n```\ntext", "\n"])
    )


def _long_details(chance: random.Random) -> str:
    blocks = [_long_list, _long_table, _long_code, _long_paragraph, lambda chance: chance.choice(FRAGMENTS)]
    summary = chance.choice(
        ["\n<summary>a **b**</summary>", "<summary>a</summary>", "", "\n\n<summary>a</summary>"]
    )
    end = chance.choice(["\n</details>", "\n</details>", "\n</details>", "", " </details>"])
    inner = "\n".join(
        chance.choice(DETAILS) if chance.random() < 0.3 else chance.choice(blocks)(chance)
        for _ in range(chance.randint(1, 6))
    )
    return chance.choice(["<details>", "<details open>"]) + summary + "\n" + inner + end + "\n"


def _words(chance: random.Random, most: int) -> str:
    return " ".join(chance.choice(INLINE) for _ in range(chance.randint(1, most)))


def _long_list(chance: random.Random) -> str:
    mark = chance.choice(["- ", "* ", "1. ", "7) ", " - ", "   + "])
    ends = ["\n"] * 12 + [
        "\n\n",
        "\n  \n",
        "\r\n",
        "\n    more\n",
        "\n\n  more\n",
        "\n  - deeper\n",
        "\nlazy\n",
    ]
    mistakes = ["", "", "", "", "", "", "```\ncode\n```\n" + mark, "- ", "> ", "# ", "a | b\n--|--\n"]
    return "".join(
        mark + chance.choice(mistakes) + _words(chance, 5) + chance.choice(ends)
        for _ in range(chance.randint(3, 15))
    )


def _long_table(chance: random.Random) -> str:
    rows = [f"| {_words(chance, 3)} | {_words(chance, 2)} |" for _ in range(chance.randint(2, 12))]
    mistakes = [
        "|",
        "x",
        "| a | b | c |",
        "|---|---|",
        "",
        " ",
        "---",
        "> q",
        "- i",
        "[foo]: https://example.org/t",
    ]
    if chance.random() < 0.5:
        rows.insert(chance.randrange(len(rows)), chance.choice(mistakes))
    return "\n".join([rows[0], "|---|:-:|", *rows[1:]]) + "\n"


def _long_code(chance: random.Random) -> str:
    fence = chance.choice(["```", "~~~~", "  ```"])
    lines = [chance.choice(CODE) for _ in range(chance.randint(2, 20))]
    info = chance.choice(["", "python", "js", "json", "c", "yaml", "no-such-language"])
    return (
        f"{fence}{info}\n" + "\n".join(lines) + "\n" + chance.choice([fence, fence, fence, "```", ""]) + "\n"
    )


def _long_paragraph(chance: random.Random) -> str:
    spaces = [" "] * 12 + ["\n", "\n", "  \n", "\\\n", "  "]
    words = INLINE if chance.random() < 0.3 else SAFE
    inside = MISTAKES if chance.random() < 0.3 else []
    pieces = []
    for _ in range(chance.randint(20, 250)):
        pieces += [
            chance.choice(inside if inside and chance.random() < 0.02 else words),
            chance.choice(spaces),
        ]
    return "".join(pieces) + "\n" + chance.choice(["", "", "", *MISTAKES])


def _long_formula(chance: random.Random) -> str:
    opening, closing = chance.choice(
        [("$$", "$$"), ("\\[", "\\]"), ("$$ ", " $$"), ("\\[ ", " \\]"), ("$$", "")]
    )
    lines = [
        chance.choice(
            ["a &= b \\\\", "- c + d_{1}", "= e^2", "+ f", "\\text{a *b* $c$}", "> 0", "# g", "1. h"]
        )
        for _ in range(chance.randint(1, 9))
    ]
    end = chance.choice(["", "", "", " where", "\n\n", "$"])
    before = chance.choice(["", "", "Text\n", "- item\n  ", "> "])
    return (
        before + opening + chance.choice(["\n", "\n", " "]) + "\n".join(lines) + "\n" + closing + end + "\n"
    )


def random_pieces(text: str, chance: random.Random, most: int = 12) -> list[str]:
    """Split a text into random pieces of 1 to ``most`` characters."""
    pieces = []
    at = 0
    while at < len(text):
        size = chance.randint(1, most)
        pieces.append(text[at : at + size])
        at += size
    return pieces


CONSTRUCTS = {
    "headings": "# One\n\nTwo\n===\n\nThree *em*\n---\n### Four ###\n#not\n",
    "setext or rule": "text\n---\ntext\n\n---\n\n- item\n---\n",
    "lists": "- a\n- b\n  - c\n    - d\n\n  para in b\n- e\n\n1. one\n2. two\n\n7) seven\n",
    "tight and loose": "- a\n- b\n\n- c\n\n\ntext\n\n* x\n* y\n",
    "quotes": "> a\nlazy\n> - b\n> > c\n\n> d\n",
    "fences": "```python\ndef f():\n    return '<b>'\n```\n\n~~~\nraw\n```\n~~~\n- item\n  ```js\n  x = 1;\n  ```\ntext\n",
    "fence like a table": "```a|b\ncode\n|---|---|\nmore\n```\n",
    "open fence": "before\n\n````text\n```\nstill code\n",
    "indented": "para\n    not code\n\n    code\n\n    more\n\ttab\n",
    "table": "intro\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n| `x` |\n\nafter\n| not | table\n",
    "table in a paragraph": "foo\n| a |\n|-\n| 1 |\nfoo\n| a |\n|-x\n",
    "late definition": "# [Foo]\n\n[foo] and [bar][foo]\n\n![p][foo]\n\ntext\n\n[foo]: https://example.org 'T'\n\n[foo]: https://late.org\n",
    "definition beside a block": "# [Foo]\n[foo]: https://example.org\n> bar\n",
    "definition that grows": "[foo]\n\n[foo]: https://example.org\n'title\nmore'\n\nend\n",
    "definition in a quote": "[foo]\n\n> [foo]: https://example.org\n\nend [foo]\n",
    "refused definition": "[foo]\n\n[foo]: /relative\n\nend\n",
    "label inside a label": "[a [b] c]\n\n[b]: https://example.org\n\n[a [b] c]: https://example.com\n\nx\n",
    "tasks": "- [ ] open\n- [x] *done*\n- [X] big\n- [] none\n- [ ]\n\ntext [ ] not\n",
    "inline": "*a **b* c** `d` ``e`` ~~f~~ \\* &amp; &#x41; <https://example.org> a  \nb\\\nc\n",
    "formulas": "$x$ and $$y$$, \\(z_1 * z_2\\) or \\[w\\], but $5 and $6, $ a$, a$b\n\n| $a$ | \\(b\\) |\n|--|--|\n| $5 | $6 |\n",
    "formulas that stand alone": "Text\n$$\na\n- b\n$$\nand\n\\[\nc\n= d\n\\]\n\n$$ e $$\n\\[ f \\]\n$$g$$ more\n",
    "formulas inside": "- $$\n  a\n  - b\n  $$\n- c $$\n  d\n- e\n\n> $$\n> f\n> $$\n> $$\n> g\nlazy\n\n1. x\n\n   \\[\n   h\n   \\]\n",
    "formulas without an end": "$$\na\n- b\n\n- $$\n  c\n\n\\[\nd\n\n$$ e\nf $$ g\n\n$$\n\n$$$\nh\n$$$\n",
    "notes": "As said[^1] and[^two].\n\n[^1]: First *note*\ngoes on\n[^two]: https://example.org\n[^3](https://example.org) [^4\n\n[^5]:\n",
    "images inside": "![a *b*](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACADs=) c\n\n![](data:image/png,x)\n![d](data:image/gif;base64,R0",
    "line ends": "a\r\nb\r\r\nc\n\r\n# d\r\n```\r\ne\r\n```\rf\r",
    "environments": "\\begin{align}\na &= b \\\\\n- c\n\\end{align}\nd \\begin{gather*} e \\\\ f \\end{gather*} g\n- \\begin{equation}\n  h\n  \\end{equation}\n\n\\begin{align} i\n\\end{gather}\n\nj \\begin{align} `k`\n",
    "bare urls": "a https://e.org/x_y_z. (http://e.org/a) 见https://e.org/北 **https://e.org** [https://a.org](#b) https://e.org@b\n| https://e.org |\n|--|\n",
    "links to headings": "- [Intro *a*](#intro)\n- [b][c]\n\n[c]: #d\n\n# Intro\n![e](#f) [g <https://e.org>](#h)\n",
    "fences in markdown": "```markdown\n# a\n\n```py\nb\n```\n\n~~~\nc\n~~~\n\n```\nd\n```\ne\n\n```\n\nf\n```\ng\n```\n",
    "fences in markdown inside": "- ```md\n  ```py\n  a\n  ```\n\n  ```\n- b\n\n> ```md\n> ```js\n> c\n> ```\n> d\n> ```\n> e\n",
    "longer fences": "````markdown\n```py\na\n```\n\n```\nb\n````\nc\n\n~~~md\n```\n~~~\nd\n\n```md\n````py\n```\n````\n\n```\n",
    "details": "<details>\n<summary>A *b*</summary>\n\nc\n\n- d\n- e\n\n```html\n</details>\n```\n\n</details>\nf\n",
    "details inside": "- <details open><summary>a</summary>\n  b\n\n  </details>\n- c\n\n> <details>\n> d\n> </details>\n> e\n",
    "nested details": "a\n<details>\n\nb\n\n<details>\n<summary>c</summary>\nd\n</details>\n\ne\n\n- <details>\n  f\n  </details>\n\n</details>\n\ng\n",
    "details without an end": "<details>\n\n# [h]\n\n<summary>x</summary>\ny\n\n[h]: https://e.org\n\n    ```\n\nz\n\n</details>x\n",
    "tags and comments": "H<sub>2</sub>O<br>**<u>a</u>** <!-- `b\n--> `c` <kbd>d\n\ne</kbd> *<mark>f*</mark>\n",
    "html is text": "<div>\n\n*em*\n\n</div>\n\n<script>\nalert(1)\n</script>\ntext <b>x</b>\n",
    "spaces": "   \n\n \t \n  a\n\n\n\n\t\nb\n",
    "nothing": "",
    "strange characters": "a\x00b \ud83d\ude00 \x1b]52;c;x\x07 \u202etxt\u2066 \U000e0041 \x0c\x0b \x85 \u2028 z\n",
}
