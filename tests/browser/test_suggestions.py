"""A search engine's suggestions in an answer: shown in its own style, inside a box that they cannot leave.

Attacks in their HTML and in their style sheet run nothing, load nothing and change nothing outside of the box.
"""

from __future__ import annotations

import json

import pytest
from attack_cases import LONG, own_strings, public_strings
from browser_stage import wait_steady
from grounded_answers import SUGGESTIONS, grounded, hostile
from modules_page import ORIGIN, call, modules_page
from page_monitor import HOOKS

from gemini_magic.views import bundle

pytestmark = pytest.mark.timeout(300)
# Shows suggestions in a new answer; returns the answer, its box, and the shadow root.
SHOW = """
    const show = source => {
      const answer = document.createElement('div');
      answer.innerHTML = '<div class="container">text</div><div class="gm-queries"><a href="https://a.example/">q</a></div>';
      document.body.append(answer);
      m.showSuggestions(answer, source);
      const box = answer.querySelector('.gmi-suggestions');
      return { answer, box, root: box?.firstChild.shadowRoot };
    };
"""
SHOWN = """
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: '/inspector/inspector.css' });
    const loaded = new Promise(resolve => link.addEventListener('load', resolve));
    document.head.append(link);
    await loaded;
    const { answer, box, root } = show(a);
    const chip = root.querySelector('a.chip');
    return {
      chips: Array.from(root.querySelectorAll('a'), each => [each.textContent, each.href, each.target, each.rel]),
      logos: root.querySelectorAll('svg path, svg circle').length,
      radius: getComputedStyle(chip).borderTopLeftRadius,
      outside: getComputedStyle(answer.querySelector('.container')).display,
      font: getComputedStyle(root.querySelector('.container')).fontFamily,
      height: box.getBoundingClientRect().height,
      media: Array.from(root.querySelector('style').sheet.cssRules).filter(rule => rule instanceof CSSMediaRule).length,
    };
"""
ATTACKS = """
    const found = [];
    const allowed = new Set('A B BR DIV EM I LI OL P SMALL SPAN STRONG UL STYLE svg g path circle ellipse rect line polygon polyline'.split(' '));
    for (const source of a) {
      const { answer, box, root } = show(source);
      if (!root) continue;
      if (answer.children.length !== 2 || box.children.length !== 1) found.push([source, 'outside']);
      for (const element of root.querySelectorAll('*')) {
        if (!allowed.has(element.tagName)) found.push([source, element.tagName]);
        for (const { name, value } of element.attributes) {
          if (!/^(?:class|href|rel|target|d|points|viewBox|width|height|x|y|[xyc][xy12]|r|rx|ry|fill|stroke|opacity|(?:fill|clip)-rule|stroke-(?:width|linecap)|fill-opacity)$/.test(name)
              || (name === 'href' && !/^https:\\/\\/[\\w.-]+/i.test(value))) {
            found.push([source, name, value]);
          }
        }
        for (const type of ['click', 'mouseover', 'focus', 'load', 'error']) {
          element.dispatchEvent(new Event(type, { bubbles: false, cancelable: true }));
        }
      }
      const style = root.querySelector('style');
      if (/url|@import|:host|fixed|sticky|!important|expression|javascript/i.test(style.textContent)) found.push([source, style.textContent]);
      answer.remove();
    }
    return found;
"""
STYLES = [
    "@import 'https://evil.test/x.css'; .a { color: red }",
    "@import url(https://evil.test/x.css);",
    ".a { background: url(https://evil.test/x.png) }",
    ".a { background: u\\72l(https://evil.test/x.png) }",
    ".a { background-image: image-set('https://evil.test/x.png' 1x) }",
    ".a { --x: url(https://evil.test/x.png); background: var(--x) }",
    ".a { list-style: url(https://evil.test/x.png); cursor: url(https://evil.test/x.cur), auto }",
    ".a::before { content: url(https://evil.test/x.png) }",
    "@font-face { font-family: x; src: url(https://evil.test/x.woff) } .a { font-family: x }",
    ":host { position: fixed; inset: 0; z-index: 9999; background: red }",
    ":host { position: fixed !important; inset: 0 !important }",
    ":host-context(body) { position: fixed }",
    ".a { position: fixed; inset: 0; z-index: 9999; background: red !important }",
    ".a { position: st\\69 cky; top: 0 }",
    "@namespace x url(https://evil.test/); @layer y { .a { background: url(https://evil.test/x.png) } }",
    "@supports (color: red) { .a { background: url(https://evil.test/x.png) } }",
    '@media (x: "}") { .a { color: red } } .a { background: url(https://evil.test/x.png) }',
    ".a[href^='https://x'] { background: url(https://evil.test/x.png) }",
    ".a { color: red; & .b { background: url(https://evil.test/x.png) } }",
    "</style><script>alert(1)</script><style>",
    ".a { font-family: '</style><img src=x onerror=alert(1)>' }",
    "@property --y { syntax: '<url>'; inherits: true; initial-value: url(https://evil.test/x.png) }",
    "@keyframes k { from { background: url(https://evil.test/x.png) } } .a { animation: k 1s }",
    "@view-transition { navigation: auto }",
]  # fmt: skip


@pytest.fixture
def page(_context):
    page = modules_page(_context)
    page.evaluate(HOOKS)
    page.noted = []
    page.on(
        "console", lambda message: page.noted.append(message.text) if message.text.startswith("RAN") else None
    )
    page.on(
        "request", lambda request: None if request.url.startswith(ORIGIN) else page.noted.append(request.url)
    )
    yield page
    page.close()


def wait_noted(page):
    """Wait until all that the page has begun to run or to load is in ``page.noted``."""
    wait_steady(page, "() => document.body.childElementCount")
    with page.expect_request(f"{ORIGIN}/last"), page.expect_console_message(lambda each: each.text == "last"):
        page.evaluate("async () => { console.debug('last'); await fetch('/last'); }")


def test_the_suggestions_have_their_own_style_and_do_not_change_the_page(page):
    shown = call(page, "inspector/suggestions.js", SHOW + SHOWN, SUGGESTIONS)
    assert shown["chips"][0] == [
        "lake zurich area",
        "https://www.google.com/search?q=lake+zurich+area",
        "_blank",
        "noopener noreferrer nofollow",
    ]
    assert (len(shown["chips"]), shown["logos"], shown["media"]) == (2, 2, 2)
    assert shown["radius"] == "16px"
    assert shown["font"] == '"Google Sans", sans-serif'
    assert shown["outside"] == "block"
    assert 20 < shown["height"] <= 140
    assert page.noted == []


@pytest.mark.parametrize(("light", "color"), [("true", "rgb(250, 250, 250)"), ("false", "rgb(31, 31, 31)")])
def test_the_colors_are_those_of_the_theme(page, light, color):
    code = f"""{SHOW}
        document.body.dataset.jpThemeLight = a.light;
        const {{ root }} = show(a.source);
        const color = () => getComputedStyle(root.querySelector('.container')).backgroundColor;
        const first = color();
        document.body.dataset.jpThemeLight = a.light === 'true' ? 'false' : 'true';
        while (color() === first) await new Promise(requestAnimationFrame);
        return [first, color()];
    """
    first, second = call(page, "inspector/suggestions.js", code, {"light": light, "source": SUGGESTIONS})
    assert first == color
    assert second in {"rgb(250, 250, 250)", "rgb(31, 31, 31)"} - {color}


def test_attacks_in_suggestions_do_nothing(page):
    strings = [*own_strings(), *public_strings()][:: 1 if LONG else 7]
    sources = [f"<p>text</p>{attack}" for attack in strings]
    sources += [f'<style>{style}</style><p class="a">text<i class="b">b</i></p>' for style in STYLES]
    assert call(page, "inspector/suggestions.js", SHOW + ATTACKS, sources) == []
    wait_noted(page)
    assert page.noted == []


def test_suggestions_stay_in_their_box(page):
    source = '<style>.a { position: absolute; top: -900px; left: -900px; width: 5000px; height: 5000px; margin: -99px }</style><div class="a">x</div>'
    code = f"""{SHOW}
        const link = document.createElement('link');
        Object.assign(link, {{ rel: 'stylesheet', href: '/inspector/inspector.css' }});
        const loaded = new Promise(resolve => link.addEventListener('load', resolve));
        document.head.append(link);
        await loaded;
        document.body.style.paddingTop = '300px';
        const {{ box }} = show(a);
        const area = box.getBoundingClientRect();
        const outside = [[area.left + 5, area.top - 20], [area.left + 5, area.bottom + 20]];
        return outside.map(([x, y]) => box.contains(document.elementFromPoint(x, y)));
    """
    assert call(page, "inspector/suggestions.js", code, source) == [False, False]


def test_without_usable_suggestions_the_links_stay(page):
    for source in (
        "",
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        "x" * 50_000,
        "<svg><path d='M0 0'/></svg>",
    ):
        code = f"{SHOW} return show(a).answer.querySelector('.gm-queries').textContent;"
        assert call(page, "inspector/suggestions.js", code, source) == "q", source


RENDER = """
    const { createRendererClass } = m;
    class Widget { constructor() { this.node = document.createElement('div'); this.isAttached = true; document.body.append(this.node); }
      addClass() {} dispose() {} }
    const Renderer = createRendererClass(Widget, { get: name => (name === 'inspector' ? 'open' : 8) }, () => undefined);
    const renderer = new Renderer({});
    await renderer.renderModel({ data: a.data, metadata: {}, trusted: a.trusted });
"""


@pytest.mark.parametrize("trusted", [True, False])
def test_an_answer_in_a_notebook_shows_them_in_the_place_of_its_links(page, trusted):
    code = f"""{RENDER}
        const root = renderer.node.querySelector('.gm-queries .gmi-suggestions').firstChild.shadowRoot;
        const tab = [...renderer.node.querySelectorAll('[role=tab]')].find(each => each.textContent === 'Sources');
        tab.click();
        return [root.querySelectorAll('a').length, renderer.node.querySelectorAll('.gm-cite a').length,
          Array.from(renderer.node.querySelectorAll('.gmi-sources li'), item => item.textContent)];
    """
    links, marks, items = call(
        page, "inspector/renderer.js", code, {"data": bundle(grounded()), "trusted": trusted}
    )
    assert (links, marks) == (2, 3)
    assert items == [
        "zsg.example · web · 1 passage",
        "Zürichsee · maps · maps.google.com · 2 passages",
        "lakes.pdf, page 3 · file · 1 passage",
        "https://lakes.example/list · page · no passage",
    ]


def test_hostile_sources_in_a_notebook_do_nothing(page):
    strings = own_strings()[:: 5 if LONG else 97]
    for attack in strings:
        data = json.loads(json.dumps(bundle(hostile(attack))))
        code = f"""{RENDER}
            [...renderer.node.querySelectorAll('[role=tab]')].forEach(tab => tab.click());
            const links = [...renderer.node.querySelectorAll('a')].map(link => link.getAttribute('href') ?? '');
            renderer.node.remove();
            return links.filter(address => address && !/^(?:https?:\\/\\/|mailto:)/i.test(address));
        """
        assert call(page, "inspector/renderer.js", code, {"data": data, "trusted": False}) == [], attack
    wait_noted(page)
    assert page.noted == []
