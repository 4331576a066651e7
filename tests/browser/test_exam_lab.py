"""Attacks in answers, in JupyterLab: saved answers, trusted and untrusted, as HTML and as Markdown that JupyterLab renders.

JupyterLab creates more elements (formulas, headings with anchors, checkboxes of tasks), so these tests search for
forbidden elements instead of checking an allow-list. As in `test_exam.py`, no script runs, no request is sent, and
events have no effect.
"""

from __future__ import annotations

import json

import pytest
from attack_cases import all_cases, live_states, sample
from attack_media import formulas, pictures
from attack_parts import ledger_of_parts, parts_with, polyglot_ledger
from attack_strings import jupyter
from page_monitor import HOOKS, SEARCH, chunks
from surroundings import LONG
from view_stage import finished

from gemini_magic.markdown import defang_markdown
from gemini_magic.views import bundle

pytestmark = [pytest.mark.timeout(1800 if LONG else 120), pytest.mark.own_page]
CELL = 45  # outputs per cell; JupyterLab shows at most 50

# It sends about 300 kB a second: the server drops what a kernel sends beyond 1 MB a second.
GROWING = """import ipywidgets, time
widgets = [ipywidgets.HTML() for _ in range(20)]
typeset = [ipywidgets.HTMLMath() for _ in range(3)]
display(ipywidgets.VBox(widgets + typeset))
time.sleep(3)  # the outputs of the cells before count for so long
size = 0
for number, html in enumerate(json.load(open("growing-answers.json"))):
    if "mathjax_process" in html:
        typeset[number % 3].value = f'<div class="mathjax_ignore tex2jax_ignore">{html}</div>'
    widgets[number % 20].value = html
    size += len(html) + 1000
    if size > 30_000:
        size = 0
        time.sleep(0.1)
widgets[0].value = "all is " + "shown"
"""

RENDER = f"""async ([texts, trusted]) => {{
    const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime;
    const found = [];
    for (const text of texts) {{
        const renderer = rendermime.createRenderer("text/markdown");
        try {{
            await renderer.renderModel(rendermime.createModel({{data: {{"text/markdown": text}}, trusted}}));
            found.push(({SEARCH})(renderer.node));
        }} catch (problem) {{
            found.push([`cannot be rendered: ${{problem}}`]);
        }}
        renderer.dispose();
    }}
    return found;
}}"""

TOUCH = f"""() => {{
    const found = [];
    const stay = event => event.preventDefault();
    for (const type of ["click", "auxclick", "submit"]) window.addEventListener(type, stay, true);
    for (const output of document.querySelectorAll(".jp-OutputArea-output")) {{
        found.push(...({SEARCH})(output));
        for (const element of output.querySelectorAll("[href], [class^=jp-], [data-jupyter-id], span, summary, code")) {{
            if (element.closest("mjx-container")) continue;
            for (const type of ["mouseover", "pointerenter", "mousedown", "mouseup", "click", "focus", "keydown"])
                element.dispatchEvent(new Event(type, {{bubbles: true, cancelable: true}}));
        }}
    }}
    for (const type of ["click", "auxclick", "submit"]) window.removeEventListener(type, stay, true);
    return found;
}}"""
STATE = "() => [Array.from(window.jupyterapp.shell.widgets('main')).length, document.querySelectorAll('.jp-Dialog').length]"


def opened(notebook, lab, name, cells):
    notebook.ran = []
    notebook.page.add_init_script(HOOKS)
    notebook.page.on(
        "console", lambda line: notebook.ran.append(line.text) if line.text.startswith("RAN ") else None
    )
    notebook.open(lab.write(name, cells))


def together(strings, count):
    """Answers with `count` attacks each, separated by paragraphs."""
    return ["\n\nNext\n\n".join(strings[at : at + count]) for at in range(0, len(strings), count)]


def unexpected_requests(notebook, lab):
    """The requests that answers caused: to other servers, or for files of this server."""
    local = {url for url in notebook.log.requests if "/files/" in url or "logout" in url}
    return local | notebook.log.requests_beyond(lab.url)


def test_answers_as_trusted_markdown_are_harmless(notebook, lab):
    opened(notebook, lab, "markdown.ipynb", ["1"])
    cases = [*sample(9), *(("raw", string) for string in [*jupyter(), *together(formulas(), 4)])]
    for part in chunks([defang_markdown(text) for _, text in cases], 500):
        for found, text in zip(notebook.page.evaluate(RENDER, [part, True]), part, strict=True):
            assert found == [], text
    notebook.settle()
    print(f"JupyterLab's own Markdown, trusted: {len(cases)} answers")
    assert (notebook.log.dialogs, notebook.ran, unexpected_requests(notebook, lab)) == ([], [], set())

    raw = [text for _, text in all_cases()[::40]] + jupyter()
    found = [what for what in notebook.page.evaluate(RENDER, [raw, True]) if what]
    notebook.settle()
    print(
        f"control: {len(found)} of {len(raw)} are harmful, {len(notebook.ran)} calls, {len(unexpected_requests(notebook, lab))} requests"
    )
    assert len(found) > len(raw) / 4
    assert len(notebook.ran) > 10
    assert len(unexpected_requests(notebook, lab)) > 10


def test_saved_answers_are_harmless_trusted_and_untrusted(notebook, lab):
    texts = [text for _, text in sample(299, long=29)]
    texts += [*jupyter(), *together(formulas(), 8), *together(pictures(), 24)]
    bundles = [bundle(finished(text, thought=text), inspector=False) for text in texts]
    bundles += [
        bundle(ledger_of_parts(parts_with(text)), inspector=False)
        for text in [*(text for _, text in sample(1999, long=299)), *jupyter()[::3]]
    ]
    bundles.append(bundle(polyglot_ledger(), inspector=False))
    outputs = [{mime: saved[mime]} for mime in ("text/html", "text/markdown") for saved in bundles]
    (lab.root / "saved-answers.json").write_text(json.dumps(outputs))
    cells = [
        "import json\nfrom IPython.display import display\noutputs = json.load(open('saved-answers.json'))"
    ]
    cells += [
        f"for output in outputs[{start} : {start + CELL}]: display(output, raw=True)"
        for start in range(0, len(outputs), CELL)
    ]
    growing = live_states(sample(991, long=173))
    (lab.root / "growing-answers.json").write_text(json.dumps(growing))
    opened(notebook, lab, "saved-answers.ipynb", [*cells, GROWING])
    notebook.run_all(wait=False)
    # textContent, because elements outside the viewport have no innerText.
    notebook.page.wait_for_function(
        "(i) => window.jupyterapp.shell.currentWidget.content.widgets[i].node.textContent.includes('all is shown')",
        arg=len(cells),
        timeout=1_500_000 if LONG else 100_000,
    )
    print(f"ipywidgets.HTML: {len(growing)} states of growing answers")
    check_outputs(notebook, len(outputs), trusted=True)
    notebook.save()
    notebook.reload()
    check_outputs(notebook, len(outputs), trusted=True)
    notebook.reload(no_kernel=True)
    check_outputs(notebook, len(outputs), trusted=False)
    print(
        f"saved answers in a notebook: {len(bundles)}, as HTML and as Markdown, live, reopened and untrusted"
    )
    assert (notebook.log.dialogs, notebook.ran, unexpected_requests(notebook, lab)) == ([], [], set())


def check_outputs(notebook, count, *, trusted):
    """Check every output, and send events to all elements in it. No dialog and no tab may open."""
    notebook.page.wait_for_function(
        "count => document.querySelectorAll('.jp-OutputArea-output').length >= count", arg=count
    )
    notebook.settle()
    assert notebook.trusted() == trusted
    before = notebook.page.evaluate(STATE)
    assert notebook.page.evaluate(TOUCH) == []
    notebook.settle()
    assert notebook.page.evaluate(STATE) == before
