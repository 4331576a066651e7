"""The safety exam in Chromium and JupyterLab: nothing runs, nothing leaves, nothing foreign is on the page.

The same procedure without our pipeline must show hundreds of attacks at work, or it would examine nothing.
"""

from __future__ import annotations

import json
import re

import pytest
from attack_cases import LONG, all_cases, cases, live_states, sample
from attack_media import ALLOWED, pictures
from html_audit import ATTRIBUTES, FRAME_ATTRIBUTES, FRAME_TAGS, FRAME_VALUES, TAGS, VALUES
from lab import launch
from markdown_it import MarkdownIt
from page_monitor import CatchAllServer, PageMonitor, chunks
from surroundings import ORIGINAL_ENVIRON, clean_environment, find_chromium
from view_stage import finished

from gemini_magic.markdown import Images, render
from gemini_magic.views import bundle

pytestmark = pytest.mark.timeout(1800 if LONG else 120)
TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
EMPTY = "<!DOCTYPE html><title>exam</title><body>"
CONTROL = 17  # every how many cases
LEADS = re.compile(r"https?://[^/\s]+|mailto://", re.IGNORECASE)


@pytest.fixture(scope="module")
def catch_all():
    with CatchAllServer() as running:
        yield running


@pytest.fixture(scope="module")
def _browser(tmp_path_factory, _playwright, catch_all):
    home = tmp_path_factory.mktemp("exam")
    environment = clean_environment(ORIGINAL_ENVIRON, home)
    hosts = f"MAP * 127.0.0.1:{catch_all.port}"
    context = launch(_playwright, find_chromium(), home / "profile", hosts=hosts, env=environment)
    yield context
    context.close()


@pytest.fixture
def monitor(_browser, catch_all):
    catch_all.pages.clear()
    catch_all.caught.clear()
    page = _browser.new_page()
    yield PageMonitor(page, catch_all)
    page.close()


def foreign(seen, tags=TAGS, attributes=ATTRIBUTES, values=VALUES):
    """What of the elements, attributes and values seen in the page is not on the allow-list."""
    found = []
    for entry in seen:
        if not entry.startswith("["):
            found.append(entry)
            continue
        tag, *rest = json.loads(entry)
        if tag not in tags:
            found.append(entry)
        elif rest:
            name, value, leads = rest
            allowed = name in attributes.get(tag, ()) and values[name].fullmatch(value)
            if not allowed or (name == "href" and not LEADS.fullmatch(leads)):
                found.append(entry)
    return found


def numbered(cases):
    """Each case with its own number in what it tries to run."""
    return [text.replace("alert(1)", f"alert({number})") for number, (_, text) in enumerate(cases)]


def set_apart(monitor, cases, pipeline):
    """Put each case into a page as a widget does, and each that is not inside anything into a document of its own."""
    monitor.show("/apart", EMPTY)
    html = [pipeline(text) for text in numbered(cases)]
    alone = [made for made, (name, _) in zip(html, cases, strict=True) if name == "raw"]
    groups = list(chunks(html, 20))
    size = len(alone) // len(groups) + 1
    for start in range(0, len(groups), 8):
        documents = alone[start * size : (start + 8) * size]
        monitor.page.evaluate(
            "([groups, documents, pause]) => exam.apart(groups, documents, pause)",
            [groups[start : start + 8], documents, 150],
        )
    monitor.settle()
    return len(html), len(alone)


def test_attacks_set_apart_do_nothing(monitor):
    set_apart(monitor, sample(CONTROL, long=5), render)
    assert monitor.findings() == {}


def test_whole_and_growing_answers_in_a_widget(monitor):
    whole = [render(text) for _, text in sample(5)]
    growing = live_states(sample(251, long=20))
    monitor.show("/widget", EMPTY)
    for part in chunks([*whole, *growing], 1500):
        result = monitor.page.evaluate("([fragments, pause]) => exam.put(fragments, pause)", [part, 30])
        assert foreign(result["seen"]) == []
        assert result["changed"] == 0
    monitor.settle()
    print(f"widget: {len(whole)} whole answers, {len(growing)} states of growing ones")
    assert monitor.findings() == {}


@pytest.mark.parametrize("doctype", ["<!DOCTYPE html>", ""])
def test_answers_in_a_document(monitor, doctype):
    pieces = [render(text) for _, text in sample(16, long=3)]
    sections = "".join(f"<section>{html}</section>" for html in pieces)
    monitor.show("/document", f"{doctype}<title>exam</title><body>{sections}")
    result = monitor.page.evaluate("(pause) => exam.read(pause)", 100)
    assert foreign(result["seen"]) == []
    assert (result["count"], result["strays"], result["head"]) == (len(pieces), 0, 1)
    assert monitor.page.evaluate("document.compatMode") == ("CSS1Compat" if doctype else "BackCompat")
    monitor.settle()
    assert monitor.findings() == {}


def test_saved_answers_in_a_document(monitor):
    made = [
        bundle(finished(text, thought=text, message=text, finish="SAFETY"))["text/html"]
        for _, text in sample(59, long=11)
    ]
    style = re.compile("<style>.*?</style>", re.DOTALL)
    sections = "".join(f"<section>{style.sub('', html)}</section>" for html in made)
    monitor.show("/saved", f"<!DOCTYPE html><title>exam</title><body>{sections}")
    result = monitor.page.evaluate("(pause) => exam.read(pause)", 100)
    assert foreign(result["seen"], FRAME_TAGS, FRAME_ATTRIBUTES, FRAME_VALUES) == []
    assert (result["count"], result["strays"]) == (len(made), 0)
    monitor.settle()
    assert monitor.findings() == {}


def test_images_come_from_hosts_that_are_named_and_from_no_other(monitor):
    some = Images.parse(",".join(ALLOWED))
    honest = [f"![x](https://{host}/q)" for host in ("pics.example", "deep.down.cdn.example")]
    texts = [*honest, *(text for _, text in cases(pictures())[:: 1 if LONG else 3])]
    pieces = [render(text, images=some).replace(' loading="lazy"', "") for text in texts]
    monitor.show("/images", f"{EMPTY}{''.join(pieces)}")
    monitor.settle(1)
    named = re.compile(r"(?:https://)?(?:pics\.example|(?:[a-z]+\.)+cdn\.example)[/ :]")
    asked = monitor.requests()
    print(f"images: {len(texts)} answers, {len(asked)} requests")
    tried = {what.removeprefix("img-src ") for what in monitor.tried}
    assert [what for what in asked | tried if not named.match(what)] == []
    assert {"https://pics.example/q", "https://deep.down.cdn.example/q"} <= asked
    assert monitor.ran == monitor.dialogs == []


def test_a_click_on_a_link_leads_to_its_host_and_nowhere_else(monitor, catch_all):
    pieces = dict.fromkeys(render(text) for _, text in all_cases() if "http" in text)
    known = re.compile(r'href="https?://(?:[a-z.]*evil\.test|example\.org)[/:"]')
    links = [html for html in pieces if html.count("<a ") == 1 and known.search(html)][:: 1 if LONG else 40]
    monitor.show("/links", f"{EMPTY}<main>{''.join(links)}</main>", tools=False)
    targets = monitor.page.eval_on_selector_all(
        "main a", "links => links.map(link => [link.protocol, link.hostname])"
    )
    assert len(targets) == len(links)
    for number, (protocol, host) in enumerate(targets):
        catch_all.caught.clear()
        link = monitor.page.locator("main a").nth(number)
        link.hover()
        link.focus()
        assert catch_all.caught == []
        with monitor.page.context.expect_page() as opened:
            link.click()
        catch_all.wait()
        opened.value.close()
        assert {name for name, _ in catch_all.caught} == {host}, (protocol, host)
    print(f"links clicked: {len(targets)}")
    assert monitor.ran == monitor.tried == monitor.dialogs == []


def test_without_the_pipeline_attacks_run_and_requests_leave(monitor):
    count, documents = set_apart(monitor, sample(CONTROL, long=5), TRUSTING.render)
    ran = set(monitor.ran)
    print(
        f"control, {count} cases and {documents} documents: {len(monitor.ran)} calls of {len(ran)} kinds,",
        end=" ",
    )
    print(f"{len(monitor.tried)} attempts seen by the policy, {len(monitor.requests())} requests")
    assert len(ran) > 80
    assert len(monitor.tried) > 60  # more with the public vectors beside
    assert len(monitor.requests()) > 60  # more with the public vectors beside
    assert "evil.test" in {host for host, _ in monitor.server.caught}
