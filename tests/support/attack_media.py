"""Attacks through formulas and images: TeX that loads, links or runs something, and misleading image URLs.

As in `attack_strings`, the code that runs is always ``RUN`` and the URLs that are fetched or linked are always below
``evil.test``. `ALLOWED` are the hosts from which the tests allow images.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

RUN = "alert(1)"
FETCH = "https://evil.test/q"
SCRIPT = f"<script>{RUN}</script>"
IMG = f"<img src=x onerror={RUN}>"

ALLOWED = ("pics.example", "*.cdn.example")

_WRAPS = ["${}$", "$${}$$", "\\({}\\)", "\\[{}\\]", "$$\n{}\n$$", "\\[\n{}\n\\]"]
_TEX = [
    f"\\href{{javascript:{RUN}}}{{x}}",
    f"\\href{{{FETCH}-href}}{{\\text{{Log in}}}}",
    f"\\url{{{FETCH}-url}}",
    f"\\html{{{IMG}}}",
    f"\\includegraphics[width=9cm]{{{FETCH}-ig}}",
    f"\\style{{background:url({FETCH}-style);position:fixed;inset:0}}{{x}}",
    "\\class{jp-Cell jp-mod-active}{x}",
    "\\cssId{jupyter-config-data}{x}",
    "\\data{commandlinker-command=help:about}{x}",
    "\\htmlData{commandlinker-command=help:about}{x}",
    "\\htmlClass{jp-Toolbar}{x} \\htmlId{main}{y} \\htmlStyle{position:fixed}{z}",
    f"\\require{{html}}\\href{{javascript:{RUN}}}{{x}}",
    "\\require{physics}\\require{autoload}x",
    "\\def\\x{\\x\\x}\\x",
    "\\def\\a#1{\\a{#1#1}}\\a{x}",
    "\\newcommand{\\b}{\\b\\b}\\b",
    "\\let\\frac\\href \\frac{javascript:alert(1)}{x}",
    "\\gdef\\alpha{\\href{javascript:alert(1)}{y}} \\alpha",
    "\\newenvironment{e}{\\begin{e}}{\\end{e}}\\begin{e}x\\end{e}",
    "\\DeclareMathOperator{\\sin}{\\href{x}}",
    f"\\text{{{IMG}}}",
    f"\\mbox{{{SCRIPT}}}",
    f"\\textbf{{</span>{IMG}}}",
    f"x \\) {IMG} \\( y",
    f"x \\] {SCRIPT} \\[ y",
    f"</span></div>{IMG}",
    f"\\unicode{{x3C}}{IMG}\\unicode[url({FETCH}-font)]{{x3E}}",
    f"\\bbox[red,5px,border:2px solid;background:url({FETCH}-bbox)]{{x}}",
    f"\\mathtip{{x}}{{{IMG}}} \\texttip{{x}}{{y}} \\toggle{{a}}{{b}}\\endtoggle",
    f"\\mmlToken{{mtext}}[href='javascript:{RUN}' style='position:fixed']{{x}}",
    f"\\begin{{html}}{IMG}\\end{{html}}",
    "\\begin{CD} A @>\\href{javascript:alert(1)}{x}>> B \\end{CD}",
    "\\rule{9999em}{9999em} \\Rule{9999em}{9999em}{0em}",
    "\\hspace{-99em}\\rlap{\\text{Your session has expired}}",
    "\\raise{99em}{\\text{x}} \\llap{y} \\moveleft 99em z",
    "\\genfrac{}{}{400pt}{0}{a}{b} \\above400pt c",
    "\\smash{\\begin{matrix}" + "a\\\\\\\\" * 30 + "\\end{matrix}}",
    "\\rule{400pt}{400pt} \\raise400pt{\\text{x}}",
    "\\!" * 300 + "x",
    "a \\\\[-99em] b \\\\*[9999em] c",
    "{" * 400 + "x" + "}" * 400,
    "\\left(" * 60 + "x" + "\\right)" * 60,
    "\\sqrt{" * 90 + "x" + "}" * 90,
    "x^{" * 90 + "y" + "}" * 90,
    "x" * 1200,
    "\\label{a}\\label{a}\\ref{a}\\eqref{a}\\tag{\\href{x}{y}}",
    f"\\color{{url({FETCH}-colour)}}{{x}} \\textcolor{{red;position:fixed}}{{y}}",
    "x % \\) hidden",
    "\\verb|</script>| \\verb`x`",
    "\u202e\\text{evil}\u202c \\text{\U000e0041}",
    '" onclick=alert(1) x="',
    f"\\require{{texhtml}}<tex-html>{IMG}</tex-html>",
    "\\catcode`\\%=12 \\input{/etc/passwd} \\write18{x}",
    "x{ } } {",
    "\\ce{\\href{javascript:alert(1)}{H2O}}",
]


def formulas() -> list[str]:
    """Return each TeX attack in two kinds of delimiters, and attacks through the delimiters themselves."""
    made = [_WRAPS[(i + j) % len(_WRAPS)].format(tex) for i, tex in enumerate(_TEX) for j in (0, 3)]
    return [
        *made,
        f"$a `{IMG} $ b` {IMG}",
        f"$$\n{IMG}\n\n{SCRIPT}\n$$",
        f"> $$\n> x\n{IMG}\n> $$",
        f"- \\[\n{IMG}\n  \\]",
        f"| $a | {IMG} b$ |\n|---|---|\n| \\(c | d\\) |",
        f"[$x](javascript:{RUN})$ ![$]({FETCH}-md)$",
        f"<span class=mathjax_process>\\(\\href{{javascript:{RUN}}}{{x}}\\)</span>",
        f"<div class='mathjax_process' onclick={RUN}>$x$</div>",
        f"$x$ &dollar;\\href{{javascript:{RUN}}}{{y}}&dollar; &#36;\\require{{html}}&#36; \\$\\href{{{FETCH}-esc}}{{z}}\\$",
        f"$ \\href{{javascript:{RUN}}}{{x}} $ and `\\href{{javascript:{RUN}}}{{x}}` and $5",
        f'[^1]: <img src=x onerror={RUN}>\n[^x{IMG}]: y\n\n[^1] [^{IMG}] [^"onclick={RUN}]',
        f"[^a]: {FETCH}-note\n[^b]: javascript:{RUN}\n\n![^a] [^a](javascript:{RUN}) [^b][^a]",
    ]


# ---------------------------------------------------------------------------------------- images


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 3, height: int = 2, more: bytes = b"") -> bytes:
    """Return a black PNG whose header has this size; a large one has no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    text = _chunk(b"tEXt", b"x\0" + more) if more else b""
    line = zlib.compress((b"\0" + bytes(3 * width)) * height if width * height <= 100_000 else b"")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + text + _chunk(b"IDAT", line) + _chunk(b"IEND", b"")


def gif(width: int = 1, height: int = 1, frame: tuple[int, int] = (1, 1)) -> bytes:
    """Return a GIF with one frame, which may be larger than the size in the header."""
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, *frame, 0)
        + b"\x02\x02\x44\x01\x00\x3b"
    )


def jpeg(width: int = 1, height: int = 1) -> bytes:
    """Return the header of a JPEG."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0" + frame + b"\xff\xd9"


def webp(width: int = 1, height: int = 1) -> bytes:
    """Return the header of a lossless WebP image."""
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + struct.pack("<I", 10) + b"\x2f" + bits + bytes(5)


def data_url(data: bytes, kind: str = "png") -> str:
    """Return a ``data:`` URL."""
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


_SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><image href='{FETCH}-svg'/></svg>".encode()
_URLS = [
    data_url(_SVG, "svg+xml"),
    data_url(_SVG),
    data_url(b"GIF89a" + _SVG, "png"),
    data_url(png(), "svg+xml"),
    data_url(png(), "gif"),
    data_url(gif(), "jpeg"),
    data_url(png()).replace("image/png", "image/png;charset=x"),
    data_url(png()).replace(";base64", ""),
    data_url(png()).replace("data:", "DATA:"),
    data_url(png()).replace("data:", "data&colon;"),
    data_url(png()).replace("base64,", "base64,%0A"),
    data_url(png()) + "#x",
    data_url(png()) + '"onerror=alert(1)',
    data_url(png(more=b"<script>alert(1)</script>")),
    data_url(png(40_000, 40_000)),
    data_url(png(4096, 4096)),
    data_url(png(0, 5)),
    data_url(gif(1, 1, (65_535, 65_535)), "gif"),
    data_url(jpeg(65_500, 65_500), "jpeg"),
    data_url(webp(16_384, 16_384), "webp"),
    data_url(b"\x89PNG\r\n\x1a\n"),
    data_url(b"BM" + bytes(60), "bmp"),
    data_url(b"\0\0\1\0" + bytes(60), "x-icon"),
    "data:image/png;base64,",
    "data:image/png;base64,!!!!",
    "data:image/png,<script>alert(1)</script>",
    f"data:image/svg+xml;utf8,{_SVG.decode().replace(' ', '%20').replace('<', '%3C').replace('>', '%3E')}",
    f"data:text/html;base64,{b64encode(SCRIPT.encode()).decode()}",
    f"data:text/html,{SCRIPT}",
    "data:application/xhtml+xml;base64,PHg+",
    "data:image/png;base64,iVBORw0KGgo=,data:text/html,x",
    "https://pics.example@evil.test/q-user",
    "https://pics.example:x@evil.test/q-word",
    "https://pics.example%40evil.test/q-at",
    "https://pics.example.evil.test/q-below",
    "https://evil.test/https://pics.example/q-path",
    "https://evil.test?https://pics.example/q-query",
    "https://evil.test#@pics.example/q-fragment",
    "https://evil.test\\@pics.example/q-back",
    "https://evil.test\\.cdn.example/q-dot",
    "https://xpics.example/q-glued",
    "https://cdn.example/q-bare",
    "https://cdn.example.evil.test/q-suffix",
    "https://.cdn.example/q-empty",
    "https://evil.test/.cdn.example",
    "https://pics.example:8443/q-port",
    "https://pics.example./q-root",
    "https://pics。example/q-full",
    "https://рics.example/q-cyrillic",
    "https://pics.exam\u00adple.evil.test/q-soft",
    "https://xn--pcs-8cd.example/q-puny",
    "http://pics.example/q-plain",
    "//pics.example/q-scheme",
    "https:/pics.example/q-slash",
    "https:pics.example/q-none",
    "https://pics%2eexample/q-percent",
    "https://[::1]/q-six",
    "https://2130706433/q-number",
    "https://127.0.0.1/q-four",
    "ftp://pics.example/q-ftp",
    "https://pics.example/q-quote\"onerror=alert(1)x='",
]


def pictures() -> list[str]:
    """Return each URL as an image, and some URLs in other constructs."""
    shapes = [
        "![x]({})",
        "![x](<{}>)",
        "![x][r]\n\n[r]: {}",
        "![]({} 'title')",
        "[![x]({})](https://example.org)",
    ]
    shapes += ["[x]({})", "<{}>", '![$x$ `y`]({} "onerror=alert(1)")', "![![x]({0})]({0})"]
    made = [shapes[(i + j) % len(shapes)].format(url) for i, url in enumerate(_URLS) for j in (0, 2)]
    valid = data_url(png())
    return [
        *made,
        *(f"![x]({url})" for url in _URLS),
        f'![" onerror={RUN} x="]({valid}) ![\'>{IMG}]({valid}) ![</a>{SCRIPT}]({valid})',
        f'![x]({valid} "onerror={RUN}") ![x]({valid}){{onerror={RUN}}} ![x]({valid} =10x10)',
        f"[x]({valid}) <{valid}> [y][r]\n\n[r]: {valid}",
        f"<img src='{valid}' onload={RUN}> <img srcset='{FETCH}-srcset'>",
        f"`![x]({valid})` ```![x]({FETCH}-code)```",
        f"![x]({valid[:-20]}",
        f"![x](\n{valid}\n)",
        f"!\\[x]({valid}) \\![x]({valid})",
    ]
