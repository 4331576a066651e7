"""Pictures, players, code runs, calls and other parts in the saved bundle of an answer: in order, bounded and harmless."""

from __future__ import annotations

import base64
import re
import zlib
from html import unescape

import pytest
from html_audit import audit, audit_framed
from markdown_it import MarkdownIt
from media_samples import L16, SVG, ledger_of, picture, png, sound, thinking
from msgspec.structs import replace
from surroundings import CHECKOUT

from gemini_magic.content import Blob, Call, CallResult, Code, CodeResult, File, Opaque, ToolCall, Transcript
from gemini_magic.media import read_raster
from gemini_magic.views import bundle, item_html

TRUSTING = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
RUN = Code("print(6 * 7)", "PYTHON"), CodeResult("OUTCOME_OK", "42\n")


def saved(*parts, ended=True, **display):
    ledger = ledger_of(*parts, ended=ended)
    ledger.display = ledger.display._replace(**display)
    found = bundle(ledger, inspector=False)
    assert audit_framed(re.sub(r'<span class="gm-spark".*?</span>', "", found["text/html"])) == []
    assert audit(TRUSTING.render(found["text/markdown"])) == []
    assert "image/png" not in found
    return found


def body(html):
    return re.search(r'(?s)<div class="gm-answer"[^>]*>(.*?)</div>(?:<style>.*</style>)?</div>\Z', html)[1]


def sources(html):
    return re.findall(r'src="data:([a-z0-9/]+);base64,([^"]*)"', html)


def in_order(text, *pieces):
    places = [text.index(piece) for piece in pieces]
    assert places == sorted(places), dict(zip(pieces, places, strict=True))


def test_everything_is_in_the_order_of_the_answer_in_every_form():
    found = saved("First **one**.", *RUN, "Then", picture(640, 480), "and", Call("f", {"x": 1}), "end.")
    in_order(
        found["text/html"],
        "<strong>one</strong>",
        "Code run 1: Python, OK",
        ">Then",
        "640×480",
        ">and",
        "end.",
    )
    in_order(
        found["text/plain"],
        "First",
        "[code run 1: Python, OK]",
        "print(6",
        "42",
        "Then",
        "[picture 1: PNG 640×480",
        "and",
        "[function call] f(x=1)",
        "end.",
    )
    in_order(
        found["text/markdown"],
        "First",
        "code run 1",
        "print(6",
        "42",
        "Then",
        "picture 1",
        "and",
        "f(x=1)",
        "end.",
    )


def test_a_stretch_of_text_is_a_document_of_its_own():
    found = saved("```python\nx = 1", *RUN, "- item")
    assert body(found["text/html"]).startswith("<pre><code")
    assert body(found["text/html"]).endswith('<ul dir="auto">\n<li>item</li>\n</ul>\n')
    html = MarkdownIt("commonmark").render(found["text/markdown"])
    assert html.index("</code></pre>") < html.index("code run 1") < html.rindex("<li>item</li>")


def test_a_picture_is_in_the_html_as_it_arrived_with_its_size():
    part = picture(640, 480)
    found = saved("See:", part)
    [(kind, text)] = sources(found["text/html"])
    assert (kind, base64.b64decode(text)) == ("image/png", part.data)
    assert (
        f'alt="Picture 1: PNG 640×480, {len(part.data) / 1000:.1f} kB" width="640" height="480"'
        in found["text/html"]
    )
    assert "base64" not in found["text/markdown"] + found["text/plain"]


def test_a_thought_picture_is_not_in_the_answer():
    found = saved(thinking("hm"), picture(thought=True), "Done.")
    assert sources(found["text/html"]) == []


def test_media_beyond_the_limit_keep_their_place_and_name_the_way_to_them():
    found = saved(picture(40, 30, size=600_000), picture(800, 600, size=600_000), *sound(8), media_size=1.0)
    html = body(found["text/html"])
    first, second, small = sources(html)
    assert len(first[1]) > 600_000
    assert len(second[1]) < 300
    blank = read_raster(base64.b64decode(second[1]))
    assert (blank.width, blank.height) == (4, 3)
    thumbnail = read_raster(base64.b64decode(small[1]))
    assert (thumbnail.width, thumbnail.height) == (120, 90)
    assert 'width="800" height="600"' in html
    assert (
        "is not saved in the notebook. The response&#x27;s <code>images[1]</code> has it; <code>%gemini show picture 2</code> shows it."
        in html
    )
    assert "<code>audio[0]</code>" in html
    assert len(found["text/html"]) < 1_010_000


def test_a_picture_that_pillow_cannot_read_or_that_is_huge_has_no_thumbnail(monkeypatch):
    damaged = picture(800, 600, size=600_000)
    damaged = replace(damaged, data=damaged.data[:200] + b"\0" * 600_000)
    assert len(sources(saved(damaged, media_size=0.5)["text/html"])) == 1
    monkeypatch.setattr("gemini_magic.views.item_html._MOST_SHRUNK", 1_000)
    assert len(sources(saved(picture(800, 600, size=600_000), media_size=0.5)["text/html"])) == 1


def test_no_media_is_saved_with_a_size_of_zero_and_no_picture_is_shown_with_images_none():
    assert [len(text) < 300 for _, text in sources(saved(picture(), media_size=0)["text/html"])] == [True]
    assert sources(saved(picture(), images="none")["text/html"]) == []


def test_the_empty_place_of_a_picture_can_be_decoded_for_any_size():
    html = saved(picture(997, 991, size=10_000), media_size=0)["text/html"]
    data = base64.b64decode(sources(html)[0][1])
    assert (read_raster(data).width, read_raster(data).height) == (997, 991)
    start = data.index(b"IDAT") + 4
    assert len(zlib.decompress(data[start:])) == 991 * (1 + 125)


@pytest.mark.parametrize(
    "blob",
    [
        Blob("image/png", b"no picture"),
        Blob("image/png", png(9_999, 9_999)),
        Blob("image/png", png(12_000, 2)),
        Blob("image/heic", b"\0\0\0\x18ftypheic"),
        Blob('image/png" onerror="alert(1)', b"?"),
        Blob("audio/mp3", b"no audio"),
        Blob("video/x-msvideo", b"RIFF1234AVI "),
        Blob("application/pdf", b"%PDF-1.7"),
        File('https://evil.test/x" onclick="alert(1)', "image/png"),
    ],
)
def test_what_a_page_cannot_show_safely_is_a_line_about_it(blob):
    html = body(saved("A", blob)["text/html"])
    assert "<img" not in html
    assert "<audio" not in html
    assert html.count('class="gm-part"') == 1


@pytest.mark.parametrize(
    ("blob", "way"),
    [
        (Blob("image/tiff", b"II*\0" + bytes(40)), "images[0].save()` writes it to a file."),
        (Blob("image/bmp", b"BM" + bytes(60)), "images[0].save()` writes it to a file."),
        (Blob("image/avif", b"\0\0\0\x1cftypavif"), "images[0].save()` writes it to a file."),
        (Blob("video/x-msvideo", b"RIFF1234AVI "), "videos[0].save()` writes it to a file."),
        (Blob("application/pdf", b"%PDF-1.7"), "parts` has it."),
    ],
)
def test_a_line_about_a_medium_that_is_not_shown_names_the_way_to_it(blob, way):
    made = saved("A", blob)
    assert f"The response's `{way}" in made["text/plain"]
    assert f"The response's `{way}" in re.sub(r"&#96;", "`", unescape(made["text/markdown"]))
    code, rest = way.split("`")
    assert f"The response&#x27;s <code>{code}</code>{rest}" in made["text/html"]


def test_the_colors_of_a_terminal_are_removed_from_output():
    made = saved(RUN[0], CodeResult("OUTCOME_FAILED", "\x1b[0;31mValueError\x1b[0m: x"))
    for kind in ("text/plain", "text/html", "text/markdown"):
        assert "[0;31m" not in made[kind] and "[0m" not in made[kind]
    assert "ValueError: x" in made["text/plain"]


def test_svg_is_shown_as_source_and_never_drawn():
    html = body(saved(Blob("image/svg+xml", SVG))["text/html"])
    assert "<img" not in html
    assert '<code class="language-xml">' in html
    assert "&lt;" in html


def test_audio_has_a_player_when_it_is_complete():
    html = body(saved(*sound(0.5, pieces=5))["text/html"])
    assert html.count("<audio controls") == 1
    [(kind, text)] = sources(html)
    assert (kind, len(base64.b64decode(text))) == ("audio/wav", 24_044)
    assert "Audio 1: 500 ms, 24 kHz, 24.0 kB" in html
    growing = body(saved(*sound(0.5, pieces=5), ended=False)["text/html"])
    assert "<audio" not in growing
    assert "Audio 1: 500 ms" in growing


def test_a_code_run_says_how_it_ended_and_shows_code_and_output_highlighted():
    html = body(saved(*RUN)["text/html"])
    assert html.startswith(
        '<details class="gm-code"><summary>Code run 1: Python, OK</summary><pre><code class="language-python">'
    )
    assert "<var>print</var>" in html
    assert "42" in html
    states = {
        "running": (saved(RUN[0], ended=False), False),
        "no result": (saved(RUN[0]), False),
        "failed": (saved(RUN[0], CodeResult("OUTCOME_FAILED", "E")), True),
        "timed out": (saved(RUN[0], CodeResult("OUTCOME_DEADLINE_EXCEEDED")), True),
        "outcome_new": (saved(RUN[0], CodeResult("OUTCOME_OUTCOME_NEW")), True),
    }
    for state, (found, failed) in states.items():
        assert f"Code run 1: Python, {state}" in found["text/html"]
        assert ("gm-failed" in body(found["text/html"])) == failed


def test_long_output_is_shortened_and_the_note_names_the_rest():
    found = saved(RUN[0], CodeResult("OUTCOME_OK", "x" * 30_000))
    assert "Only the first 20,000 of 30,000 characters are shown." in found["text/html"]
    assert "<code>code_runs[0].output</code> has all of them" in found["text/html"]
    assert len(found["text/html"]) < 30_000


@pytest.mark.parametrize(
    ("call", "source"),
    [
        (Call("f"), "f()"),
        (
            Call("f", {"city": "São Paulo", "n": 3, "x": None, "ok": True}),
            'f(city="São Paulo", n=3, x=None, ok=True)',
        ),
        (Call("f", {"a-b": 1, "list": [1, {"x": "y"}]}), "f(**{\"a-b\": 1}, list=[1, {'x': 'y'}])"),
        (Call("f", {"from": "a", "print": 1}), 'f(**{"from": "a"}, print=1)'),
        (Call(None), "(no name)()"),
        (Call("g", {"text": "word " * 30}), 'g(\n    text="' + "word " * 30 + '",\n)'),
    ],
)
def test_a_call_is_written_as_python_writes_it(call, source):
    assert source in saved(call)["text/plain"]


def test_a_huge_call_is_shortened():
    found = saved(Call("f", {f"a{n}": "x" * 500 for n in range(1000)}))
    assert len(found["text/plain"]) < 10_000


def test_an_unknown_part_is_named_with_its_size():
    assert "unknown part `novelty`, 13 B" in saved(Opaque({"novelty": 7}))["text/plain"]
    assert (
        'server tool: Google Search for "a", "b"'
        in saved(ToolCall("GOOGLE_SEARCH_WEB", None, {"queries": ["a", "b"]}))["text/plain"]
    )
    assert "result of the function f" in saved(CallResult("f", {"x": 1}))["text/plain"]


def test_very_many_parts_are_counted():
    found = saved(*(Call(f"f{n}") for n in range(400)), "The end.")
    assert "100 more parts are not shown." in found["text/html"]
    assert "100 more parts are not shown." in found["text/plain"]
    assert "The end." in found["text/html"]


def test_json_is_one_document_whatever_lies_between_its_pieces():
    found = saved(*RUN, '{"a": ', Opaque({"novelty": 7}), "1}", form="json")
    assert '{\n  "a": 1\n}' in found["text/plain"]
    in_order(found["text/plain"], "code run 1", '"a"', "novelty")


def test_other_candidates_show_their_media_below_the_answer():
    ledger = ledger_of("One.", picture(40, 30), ended=False)
    from gemini_magic.events import Decoded, Delta  # noqa: PLC0415

    ledger.add(b"{}", 1.0, Decoded([Delta(picture(50, 20), 1), Delta(picture(60, 20), 2)]))
    html = bundle(ledger)["text/html"]
    in_order(
        html,
        "Picture 1: PNG 40×30",
        "Picture 1 of candidates[1]: PNG 50×20",
        "Picture 1 of candidates[2]: PNG 60×20",
    )
    captions = re.findall(r'<div class="gm-part">([^<]*)</div><details class="gm-picture">', html)
    assert captions == [
        f"Picture 1 of candidates[{n}]: PNG {side}×20, {len(picture(side, 20).data)} B"
        for n, side in ((1, 50), (2, 60))
    ]


HOSTILE = [
    '"><script>alert(1)</script>',
    "`<img src=x onerror=alert(1)>`",
    "```\n<script>alert(1)</script>\n",
    "\u202e\x1b[31m",
    "$\\href{javascript:alert(1)}{x}$",
    "| a |\n[x]: javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_any_field_is_harmless(text):
    found = saved(
        "Before.",
        Code(text, text, id=text),
        CodeResult(text, text, id=text),
        Call(text, {text: text, "a": [text]}),
        CallResult(text, {text: text}),
        Blob(f"image/{text}", text.encode()),
        Blob(f"{L16}{text}", b"ab"),
        Blob(f"text/{text}", text.encode()),
        Blob("text/html", text.encode()),
        File(text, text),
        Opaque({text: text}),
        ToolCall(text, text, {text: text, "queries": [text]}, text, text),
        Transcript(text, text),
        "After.",
    )
    assert "\x1b" not in found["text/plain"] + found["text/markdown"] + found["text/html"]
    assert "\u202e" not in found["text/plain"]


def test_the_page_accepts_media_of_the_size_that_the_kernel_writes():
    source = (CHECKOUT / "gemini_magic" / "labextension" / "inspector" / "sanitizer.js").read_text("utf-8")
    limit = int(re.search(r"MAX_MEDIA = ([\d_]+);", source)[1].replace("_", ""))
    assert limit == item_html.MAX_BYTES * 4 // 3 + 100  # the beginning of the address
