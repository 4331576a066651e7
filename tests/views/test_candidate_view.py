"""One candidate as the value of a cell: its text with marks for its sources, its media, and the sources."""

from __future__ import annotations

import json

from media_samples import add_part, picture
from view_stage import feed, new_ledger

from gemini_magic.backends.gemini_decode import decode
from gemini_magic.response import Response

ATTACK = "<img src=x onerror=alert(1)>"
GROUNDING = {
    "groundingChunks": [{"web": {"uri": "https://a.example/1", "title": f"A {ATTACK}"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 11, "text": "The **lake**"}, "groundingChunkIndices": [0]}
    ],
    "webSearchQueries": [f"q {ATTACK}"],
}


def candidates():
    ledger = feed(new_ledger(), "First answer.")
    content = {"parts": [{"text": f"The **lake** is deep. {ATTACK}"}]}
    raw = json.dumps(
        {"candidates": [{"index": 1, "content": content, "groundingMetadata": GROUNDING}]}
    ).encode()
    ledger.add(raw, 2.0, decode(raw))
    add_part(ledger, picture(40, 30), candidate=1)
    ledger.close("end", t=3.0)
    return Response(ledger).candidates


def test_a_candidate_displays_its_text_media_and_sources():
    bundle = candidates()[1]._repr_mimebundle_()
    html, plain = bundle["text/html"], bundle["text/plain"]
    assert "<strong>lake</strong>" in html
    assert html.count("<sup") == 1
    assert html.index("<sup") < html.index("is deep")
    assert "data:image/png;base64," in html
    assert "https://a.example/1" in html
    assert "First answer" not in html
    assert "<img src=x" not in html
    assert "lake**⁽¹⁾ is deep" in plain
    assert plain.count("Sources:") == 1
    assert "<img" not in bundle["text/markdown"]


def test_the_sources_of_a_candidate_are_a_table():
    first, second = candidates()
    assert len(first.sources) == 0
    (row,) = second.sources
    assert (row.n, row.uri, row.text) == (1, "https://a.example/1", "The **lake**")
