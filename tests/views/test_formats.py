"""`--format`: the same result however the text is divided, live and saved; no text is lost or rendered as Markdown."""

from __future__ import annotations

import html
import json
import random
import re

import pytest
from attack_strings import attacks
from html_audit import audit
from view_stage import ATTACK, feed, finished, new_ledger

from gemini_magic.markdown import Renderer, render
from gemini_magic.response import Response
from gemini_magic.views import bundle
from gemini_magic.views.formats import format_answer
from gemini_magic.views.formats_live import markdown_transform, text_transform
from gemini_magic.views.live_pieces import LivePieces
from gemini_magic.views.truncate import Excerpt

OBJECT = '{"a": [1, 2.50, {"b": "x\\"y, {"}], "c": {}, "d": []}'
PRETTY = '{\n  "a": [\n    1,\n    2.50,\n    {\n      "b": "x\\"y, {"\n    }\n  ],\n  "c": {},\n  "d": []\n}'
WALL = "~" * 70
TEXTS = [
    OBJECT,
    f"```json\n{OBJECT}\n```\n",
    '```json\n{"a":1}\n```\nHope it helps',
    "Sorry, *I* cannot. <b>no</b>",
    '{"a" 1 2}',
    '{"a":1}\n{"b":2} and so on',
    f"{WALL}\nx\n  {WALL} \n# y\n{WALL}",
    "```\n~~~\n``` x\n",
    "  ```html\r\n<p>hi</p>\r\n```  \n",
    "1. do\n\n   ```python\n   x = 1\n     y\n   ```\n\n> ```sh\n> ls\n> ```\n\n```\nplain",
]


def cuts(text, seed):
    chance = random.Random(seed)
    while text:
        size = chance.choice((1, 2, 3, 7, 20))
        yield text[:size]
        text = text[size:]


def through(shape, pieces):
    return "".join(map(shape.feed, pieces)) + shape.close()


@pytest.mark.parametrize("form", ["text", "raw", "json", "html", "code"])
def test_a_transform_gives_the_same_result_however_the_text_is_divided(form):
    for text in TEXTS:
        for make in (markdown_transform, text_transform):
            if make(form) is None:
                continue
            whole = through(make(form), [text])
            for seed in range(30):
                assert through(make(form), cuts(text, seed)) == whole, text


def text_content(markup):
    return html.unescape(re.sub("<[^>]*>", "", markup)).replace("\u2060", "")


@pytest.mark.parametrize("text", TEXTS)
def test_text_and_raw_show_every_character_and_interpret_no_markup(text):
    plain = text.replace("\r\n", "\n")
    for form in ("text", "raw"):
        live = render(through(markdown_transform(form), [text]))
        assert text_content(live).rstrip("\n") == plain.rstrip("\n")
        assert set(re.findall("<([a-z0-9]+)", live)) == {"pre", "code"}
        ledger = finished(text)
        ledger.display = ledger.display._replace(form=form)
        shown = bundle(ledger)
        answer = re.search(
            r'<div class="gm-answer gm-as-\w+"[^>]*>(.*?)</div>', shown["text/html"], re.DOTALL
        )
        assert text_content(answer[1]).rstrip("\n") == plain.rstrip("\n")
        assert shown["text/plain"].startswith(plain.rstrip("\n"))


def test_a_live_answer_in_a_format_ends_like_the_saved_one():
    for form, text in (
        ("json", OBJECT),
        ("text", TEXTS[3]),
        ("html", TEXTS[8]),
        ("raw", TEXTS[6]),
        ("code", TEXTS[9]),
    ):
        ledger = new_ledger()
        ledger.display = ledger.display._replace(form=form)
        pieces = LivePieces(Excerpt(ledger, "answer"), form)
        for piece in cuts(text, 1):
            feed(ledger, piece)
            pieces.step()
        feed(ledger, finish="STOP")
        ledger.close("end", t=1.0)
        live = pieces.finish()
        assert live.replace("\u2060", "") in bundle(ledger)["text/html"].replace("\u2060", ""), form


def saved(text, form, **more):
    ledger = finished(text, **more)
    ledger.display = ledger.display._replace(form=form)
    return bundle(ledger)


@pytest.mark.parametrize("text", [OBJECT, f"```json\n{OBJECT}\n```", f" {OBJECT}\n"])
def test_json_is_indented_with_one_line_per_member(text):
    shown = saved(text, "json")
    assert shown["text/plain"].startswith(f"{PRETTY}\n\n[✓")
    assert f"```json\n{PRETTY}\n```" in shown["text/markdown"]
    assert 'class="language-json"' in shown["text/html"]
    assert shown["application/vnd.gemini-stream+json"]["text"] == text


def test_json_from_the_only_code_block_has_a_remark_about_the_other_text():
    shown = saved(f"Here it is:\n\n```json\n{OBJECT}\n```\n", "json")
    assert shown["text/plain"].startswith(PRETTY)
    assert (
        "The answer contains text besides the JSON. The response's `text` has the whole answer."
        in shown["text/plain"]
    )
    assert "Here it is" not in shown["text/html"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Sorry, *no*", "expecting value at line 1, column 1"),
        ('{"a" 1}', "expecting ':' delimiter at line 1, column 6"),
        ("```json\n[1\n```", "expecting ',' delimiter at line 2, column 1"),
        ("[" * 100_000, "too many open brackets"),
        (" ", "it is empty"),
    ],
)
def test_invalid_json_is_shown_as_text_with_the_reason(text, why):
    shown = saved(text, "json")
    assert shown["text/plain"].startswith(text.rstrip("\n")) or not text.strip()
    for kind in ("text/plain", "text/html", "text/markdown"):
        page = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), html.unescape(shown[kind]))
        assert f"The answer is not valid JSON: {why}. It is shown as text." in page


def test_truncated_json_has_no_remark():
    shown = saved('{"a": [1', "json", finish="MAX_TOKENS")
    assert shown["text/plain"].startswith('{\n  "a": [\n    1\n')
    assert "not valid JSON" not in shown["text/plain"]


def test_the_rest_of_a_resumed_json_answer_is_parsed_with_its_beginning():
    ledger = finished("2]")
    ledger.before, ledger.display = "[1,", ledger.display._replace(form="json")
    assert bundle(ledger)["text/plain"].startswith("[\n  1,\n  2\n]")


def test_indenting_endless_brackets_and_long_json_takes_linear_space():
    for text in ("[" * 100_000, "[" + "1," * 100_000 + "1]", '{"a":"' + "x" * 200_000 + '"}'):
        assert len(through(text_transform("json"), cuts(text, 3))) <= 4 * len(text) + 4200
    assert json.loads(through(text_transform("json"), ["[" + "[0,1]," * 20_000 + "1]"]))


def test_code_shows_only_the_code_blocks_or_a_remark_without_any():
    shown = saved("Words\n\n```python\nx = 1\n```\n\n- and\n\n  ~~~sh\n  ls\n  ~~~\n", "code")
    assert shown["text/plain"].startswith("x = 1\n\nls\n\n[✓")
    assert "Words" not in shown["text/html"]
    none = "The answer contains no code block. The response's `text` has the whole answer."
    assert none in saved("Just words", "code")["text/plain"]


def test_html_is_shown_as_source_and_never_rendered():
    shown = saved("<h1 onclick='x()'>Hi</h1><script>alert(1)</script>", "html")["text/html"]
    assert "<h1" not in shown
    assert "<script" not in shown
    assert "onclick" in shown
    assert 'class="language-html"' in shown


@pytest.mark.parametrize("form", ["text", "raw", "json", "html", "code"])
def test_an_attack_is_harmless_in_every_format(form):
    for attack in [
        *attacks()[::3],
        f"{WALL}\n{ATTACK}",
        f"```html\n```\n{ATTACK}",
        f"[\n{ATTACK}",
        f"```\n{ATTACK}\n~~~",
    ]:
        assert audit(render(through(markdown_transform(form), [attack]))) == [], attack
        ledger = finished(attack)
        ledger.display = ledger.display._replace(form=form)
        assert audit(render(format_answer(ledger, attack).markdown)) == [], attack


def test_a_later_display_is_the_same_and_the_response_keeps_the_text():
    ledger = finished("# *Title*")
    ledger.display = ledger.display._replace(form="text")
    response = Response(ledger)
    assert response.text == "# *Title*"
    assert response._repr_mimebundle_()["text/html"] == bundle(ledger)["text/html"]
    assert "<h1" not in bundle(ledger)["text/html"]


def test_a_line_that_may_end_the_fence_is_kept_back_until_it_is_complete():
    shape = markdown_transform("raw")
    renderer = Renderer()
    for piece in ("a\n", WALL[:40], WALL[40:], " ", "x\n"):
        renderer.feed(shape.feed(piece))
        assert "<p " not in renderer.html
    assert f"{WALL} x" in renderer.html
