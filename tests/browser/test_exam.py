"""Attacks in answers, in plain Chromium: no script runs, no request is sent, and only allowed HTML is on the page.

As a control, the same procedure runs without the sanitizer. There, attacks must succeed, or the procedure would prove
nothing.
"""

from __future__ import annotations

import json
import re

import pytest
from attack_cases import LONG, all_cases, cases, live_states, own_strings, sample
from attack_media import ALLOWED, pictures
from attack_parts import ledger_of_parts, parts_with, polyglot_ledger
from grounded_answers import hostile
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
CONTROL = 17  # every 17th case
TARGET = re.compile(r"https?://[^/\s]+|mailto://", re.IGNORECASE)


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


def not_allowed(seen, tags=TAGS, attributes=ATTRIBUTES, values=VALUES):
    """The elements, attributes and values in the page that are not on the allow-list."""
    found = []
    for entry in seen:
        if not entry.startswith("["):
            found.append(entry)
            continue
        tag, *rest = json.loads(entry)
        if tag not in tags:
            found.append(entry)
        elif rest:
            name, value, target = rest
            valid = name in attributes.get(tag, ()) and values[name].fullmatch(value)
            if not valid or (name == "href" and not TARGET.fullmatch(target)):
                found.append(entry)
    return found


def numbered(cases):
    """The text of each case, with its number in the call of its script."""
    return [text.replace("alert(1)", f"alert({number})") for number, (_, text) in enumerate(cases)]


def attack_frames(monitor, cases, pipeline):
    """Let each case attack inside a frame, set as a widget does it; "raw" cases also as separate documents."""
    monitor.show("/apart", EMPTY)
    html = [pipeline(text) for text in numbered(cases)]
    alone = [fragment for fragment, (name, _) in zip(html, cases, strict=True) if name == "raw"]
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


def test_attacks_in_separate_frames_have_no_effect(monitor):
    attack_frames(monitor, sample(CONTROL, long=5), render)
    assert monitor.findings() == {}


def test_whole_and_growing_answers_in_a_widget_have_only_allowed_html(monitor):
    whole = [render(text) for _, text in sample(5)]
    growing = live_states(sample(251, long=20))
    monitor.show("/widget", EMPTY)
    for part in chunks([*whole, *growing], 1500):
        result = monitor.page.evaluate("([fragments, pause]) => exam.put(fragments, pause)", [part, 30])
        assert not_allowed(result["seen"]) == []
        assert result["changed"] == 0
    monitor.settle()
    print(f"widget: {len(whole)} whole answers, {len(growing)} states of growing answers")
    assert monitor.findings() == {}


@pytest.mark.parametrize("doctype", ["<!DOCTYPE html>", ""])
def test_answers_in_a_document_have_only_allowed_html(monitor, doctype):
    pieces = [render(text) for _, text in sample(16, long=3)]
    sections = "".join(f"<section>{html}</section>" for html in pieces)
    monitor.show("/document", f"{doctype}<title>exam</title><body>{sections}")
    result = monitor.page.evaluate("(pause) => exam.read(pause)", 100)
    assert not_allowed(result["seen"]) == []
    assert (result["count"], result["strays"], result["head"]) == (len(pieces), 0, 1)
    assert monitor.page.evaluate("document.compatMode") == ("CSS1Compat" if doctype else "BackCompat")
    monitor.settle()
    assert monitor.findings() == {}


def test_saved_answers_in_a_document_have_only_allowed_html(monitor):
    saved = [
        bundle(finished(text, thought=text, message=text, finish="SAFETY"))["text/html"]
        for _, text in sample(59, long=11)
    ]
    saved += [
        bundle(ledger_of_parts(parts_with(text)))["text/html"] for text in numbered(sample(599, long=53))
    ]
    saved.append(bundle(polyglot_ledger())["text/html"])
    style = re.compile("<style>.*?</style>", re.DOTALL)
    sections = "".join(f"<section>{style.sub('', html)}</section>" for html in saved)
    monitor.show("/saved", f"<!DOCTYPE html><title>exam</title><body>{sections}")
    result = monitor.page.evaluate("(pause) => exam.read(pause)", 100)
    assert not_allowed(result["seen"], FRAME_TAGS, FRAME_ATTRIBUTES, FRAME_VALUES) == []
    assert (result["count"], result["strays"]) == (len(saved), 0)
    monitor.settle()
    assert monitor.findings() == {}


def test_hostile_sources_of_saved_answers_have_only_allowed_html(monitor):
    saved = [bundle(hostile(text, text))["text/html"] for _, text in sample(131, long=17)]
    saved += [bundle(hostile(attack))["text/html"] for attack in own_strings()[:: 3 if LONG else 11]]
    style = re.compile("<style>.*?</style>", re.DOTALL)
    sections = "".join(f"<section>{style.sub('', html)}</section>" for html in saved)
    monitor.show("/sources", f"<!DOCTYPE html><title>exam</title><body>{sections}")
    result = monitor.page.evaluate("(pause) => exam.read(pause)", 100)
    assert not_allowed(result["seen"], FRAME_TAGS, FRAME_ATTRIBUTES, FRAME_VALUES) == []
    assert (result["count"], result["strays"]) == (len(saved), 0)
    monitor.settle()
    assert monitor.findings() == {}


def test_images_are_loaded_only_from_the_allowed_hosts(monitor):
    allowed = Images.parse(",".join(ALLOWED))
    harmless = [f"![x](https://{host}/q)" for host in ("pics.example", "deep.down.cdn.example")]
    texts = [*harmless, *(text for _, text in cases(pictures())[:: 1 if LONG else 3])]
    pieces = [render(text, images=allowed).replace(' loading="lazy"', "") for text in texts]
    monitor.show("/images", f"{EMPTY}{''.join(pieces)}")
    monitor.settle(1)
    expected = re.compile(r"(?:https://)?(?:pics\.example|(?:[a-z]+\.)+cdn\.example)[/ :]")
    requests = monitor.requests()
    print(f"images: {len(texts)} answers, {len(requests)} requests")
    tried = {what.removeprefix("img-src ") for what in monitor.tried}
    assert [what for what in requests | tried if not expected.match(what)] == []
    assert {"https://pics.example/q", "https://deep.down.cdn.example/q"} <= requests
    assert monitor.ran == monitor.dialogs == []


def test_a_click_on_a_link_sends_a_request_only_to_its_host(monitor, catch_all):
    pieces = dict.fromkeys(render(text) for _, text in all_cases() if "http" in text)
    known = re.compile(r'href="https?://(?:[a-z.]*evil\.test|example\.org)[/:"]')
    links = [html for html in pieces if html.count("<a ") == 1 and known.search(html)][:: 1 if LONG else 40]
    monitor.show("/links", f"{EMPTY}<main>{''.join(links)}</main>", tools=False)
    targets = monitor.page.eval_on_selector_all(
        "main a", "links => links.map(link => [link.protocol, link.hostname])"
    )
    assert len(targets) == len(links)
    for number in range(len(targets)):
        link = monitor.page.locator("main a").nth(number)
        link.hover()
        link.focus()
    monitor.settle(1)
    assert catch_all.caught == []
    before = ""
    for number, (protocol, host) in enumerate(targets):
        catch_all.caught.clear()
        with monitor.page.context.expect_page() as opened:
            monitor.page.locator("main a").nth(number).click()
        catch_all.wait_for(host)
        opened.value.close()
        # Chromium may try the host of the page that was just closed once more.
        assert {host} <= {name for name, _ in catch_all.caught} <= {host, before}, (protocol, host)
        before = host
    print(f"links clicked: {len(targets)}")
    assert monitor.ran == monitor.tried == monitor.dialogs == []


def test_without_the_sanitizer_scripts_run_and_requests_are_sent(monitor):
    count, documents = attack_frames(monitor, sample(CONTROL, long=5), TRUSTING.render)
    ran = set(monitor.ran)
    print(
        f"control, {count} cases and {documents} documents: {len(monitor.ran)} calls of {len(ran)} kinds,",
        end=" ",
    )
    print(f"{len(monitor.tried)} attempts reported by the policy, {len(monitor.requests())} requests")
    assert len(ran) > 80
    assert len(monitor.tried) > 60  # more with the public vectors
    assert len(monitor.requests()) > 60  # more with the public vectors
    assert "evil.test" in {host for host, _ in monitor.server.caught}
