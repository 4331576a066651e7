"""Attacks in saved answers, in the page that nbconvert writes, with the real MathJax 2: no script, request or link.

The page has nbconvert's own configuration of MathJax 2 ("tex2jax"), but not MathJax's "Safe" extension, which would
remove dangerous links by itself. Its files come from the package jupyter-server-mathjax, so nothing is downloaded.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import jupyter_server_mathjax
import pytest
from attack_cases import LONG, sample
from attack_media import formulas
from attack_strings import jupyter
from lab import launch
from markdown_it import MarkdownIt
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from page_monitor import HOST, SEARCH, TOOLS, CatchAllServer, PageMonitor
from surroundings import ORIGINAL_ENVIRON, clean_environment, find_chromium
from view_stage import finished

from gemini_magic.views import bundle

pytestmark = pytest.mark.timeout(1800 if LONG else 240)
FILES = Path(jupyter_server_mathjax.__file__).parent / "static"
MATHJAX = f"http://{HOST}/mathjax/"
PRICES = "It costs $5 and $6, or \\(\\href{javascript:alert(1)}{y}\\), but $x^2$ is a formula."
TALL = 200  # pixels that a formula may reach beyond its output; MathJax's hidden struts need some

# Runs in the page when MathJax is done. Reads the elements of every output, and sends events to them.
READ = f"""async (tall) => {{
    await new Promise(done => MathJax.Hub.Queue(done));
    const outputs = [...document.querySelectorAll(".jp-OutputArea-output")];
    const result = {{outputs: outputs.length, formulas: 0, outside: [], found: [], version: MathJax.version}};
    for (const [at, output] of outputs.entries()) {{
        const box = output.getBoundingClientRect();
        for (const script of output.querySelectorAll("script[type^='math/tex']")) {{
            result.formulas += 1;
            if (!script.closest(".tex2jax_process")) result.outside.push(script.textContent);
            script.remove();
        }}
        for (const element of output.querySelectorAll("[class^=MathJax], [class^=MathJax] *, .MJX_Assistive_MathML")) {{
            const tag = element.localName;
            if (/^(a|script|iframe|img|input|button|form|object|embed|style|link)$/.test(tag)) result.found.push([at, tag]);
            for (const {{name, value}} of element.attributes)
                if (/^(on|data-command|src|action|href|xlink)/.test(name) || /url\\(|position:\\s*fixed/.test(value) && name === "style")
                    result.found.push([at, `${{tag}}[${{name}}=${{value.slice(0, 200)}}]`]);
            const {{top, bottom, width, height}} = element.getBoundingClientRect();
            if (width && height && (top < box.top - tall || bottom > box.bottom + tall))
                result.found.push([at, `reaches out: ${{Math.round(top - box.top)}} ${{Math.round(bottom - box.bottom)}}`]);
        }}
        result.found.push(...({SEARCH})(output).map(what => [at, what]));
    }}
    result.texts = outputs.map(output => output.textContent);
    for (const output of outputs) output.querySelectorAll("*").forEach(exam.touch);
    return result;
}}"""


@pytest.fixture(scope="module")
def _server():
    with CatchAllServer() as running:
        yield running


@pytest.fixture(scope="module")
def _browser(tmp_path_factory, _playwright, _server):
    home = tmp_path_factory.mktemp("mathjax2")
    environment = clean_environment(ORIGINAL_ENVIRON, home)
    hosts = f"MAP * 127.0.0.1:{_server.port}"
    context = launch(_playwright, find_chromium(), home / "profile", hosts=hosts, env=environment)
    yield context
    context.close()


def serve_mathjax(route):
    path = FILES / route.request.url.removeprefix(MATHJAX).partition("?")[0]
    route.fulfill(path=path) if path.is_file() else route.fulfill(status=404)


@pytest.fixture
def monitor(_browser, _server):
    _server.pages.clear()
    _server.caught.clear()
    page = _browser.new_page()
    page.route(f"{MATHJAX}**", serve_mathjax)
    yield PageMonitor(page, _server)
    page.close()


def show(monitor, outputs):
    """Show the outputs, each a dictionary by MIME type, in nbconvert's page."""
    cells = [new_code_cell("1", outputs=[new_output("display_data", data) for data in outputs])]
    exporter = HTMLExporter(
        mathjax_url=f"{MATHJAX}MathJax.js?config=TeX-AMS-MML_HTMLorMML-full",
        require_js_url="data:text/javascript,",
    )
    html, _ = exporter.from_notebook_node(new_notebook(cells=cells))
    monitor.show("/exported", html, tools=False)


def read(monitor, outputs):
    """Show the outputs, and read them after MathJax has run."""
    show(monitor, outputs)
    monitor.page.evaluate(TOOLS)
    result = monitor.page.evaluate(READ, TALL)
    monitor.settle()
    assert result["version"].startswith("2.")
    assert result["outputs"] == len(outputs)
    return result


def effects(monitor):
    """Calls, dialogs, requests and windows, without the requests for MathJax's files."""
    found = monitor.findings()
    requests = [url for url in found.get("requests", ()) if not url.startswith(MATHJAX)]
    return list(found.get("ran", [])), list(found.get("dialogs", [])), requests, found.get("popups", [])


@pytest.fixture(scope="module")
def bundles():
    texts = [text for _, text in sample(299, long=31)]
    texts += [*jupyter(), *formulas(), PRICES]
    return [bundle(finished(text, thought=text)) for text in texts]


@pytest.mark.parametrize("mime", ["text/html", "text/markdown"])
def test_saved_answers_are_harmless_in_a_page_with_mathjax_2(monitor, bundles, mime):
    result = read(monitor, [{mime: each[mime]} for each in bundles])
    print(f"MathJax {result['version']}, {mime}: {len(bundles)} answers, {result['formulas']} formulas")
    assert result["found"] == []
    assert effects(monitor) == ([], [], [], [])
    assert result["formulas"] > 20
    if mime == "text/html":
        assert result["outside"] == []
        assert "It costs $5 and $6, or" in result["texts"][-1]


def test_without_the_classes_mathjax_2_makes_a_link_of_a_script_and_a_formula_of_prices(monitor):
    paragraph = f"<p>{escape(PRICES)}</p>"
    marked = f'<div class="tex2jax_ignore">{paragraph}</div>'
    result = read(monitor, [{"text/html": paragraph}, {"text/html": marked}])
    assert "5 and " in result["outside"]
    assert {at for at, what in result["found"] if "javascript:" in what} == {0}
    assert PRICES in result["texts"][1]


def test_a_formula_that_is_not_refused_reaches_over_other_outputs(monitor):
    result = read(monitor, [{"text/html": "<p>$\\rule{400pt}{400pt}\\smash{\\rule{9pt}{400pt}}$</p>"}])
    assert any("reaches out" in what for _, what in result["found"])


def test_without_the_sanitizer_scripts_run_and_requests_are_sent(monitor):
    """Each answer has a page, because the first unclosed element or comment would hide all answers after it."""
    trusting = MarkdownIt("commonmark", {"html": True})
    raw = [text for name, text in sample(60, long=60) if name == "raw"][:24]
    noticed = 0
    for text in raw:
        before = effects(monitor)
        result = read(monitor, [{"text/html": trusting.render(text)}])
        noticed += bool(result["found"]) or effects(monitor) != before
    ran, _, requests, _ = effects(monitor)
    print(f"control: {noticed} of {len(raw)} answers are noticed, {len(ran)} calls, {len(requests)} requests")
    assert noticed > len(raw) / 4
    assert len(ran) > 3
    assert len(requests) > 3
