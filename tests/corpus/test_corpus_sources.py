"""The sources of every recorded answer are numbered, and each supported passage is marked at its exact place."""

from __future__ import annotations

import json
import re

import pytest
from corpus_streams import ROOT, load

from gemini_magic.backends import backend
from gemini_magic.ledger import Ledger, answer_sources
from gemini_magic.markdown import MarkTarget, SourceMark, render, render_marked
from gemini_magic.response import Response
from gemini_magic.wire import Reader

MARK = re.compile(r'<sup class="gm-cite">.*?</sup>')


def bodies():
    """The streams, and the answers to ``generateContent``: a name and the bytes."""
    found = [(each.id, each.body) for each in load()]
    index = ROOT / "generate" / "index.json"
    if index.is_file():
        entries = json.loads(index.read_text(encoding="utf-8"))
        found += [(entry["id"], (index.parent / entry["file"]).read_bytes()) for entry in entries]
    return found


def read(body):
    ledger, reader, decode = Ledger(), Reader(), backend("gemini").decoder()
    for item in [*reader.feed(body), *reader.close()]:
        ledger.add(item.raw, 0.0, decode(item.raw))
    ledger.close("end")
    return ledger


@pytest.mark.corpus
def test_every_recorded_passage_is_marked_at_its_place():
    supports = grounded = 0
    for name, body in bodies():
        ledger = read(body)
        text = ledger.answer.text
        sources = answer_sources(ledger)
        ends = set()
        for each in sources.sources:
            for passage in each.passages:
                if each.source.kind != "citation":
                    assert passage.end is not None, name
                    assert passage.text == text[passage.start : passage.end], name
                    ends.add(passage.end)
        grounded += bool(ends)
        listed = Response(ledger).grounding.get("groundingSupports", ())
        supports += len(listed)
        marks = [SourceMark(end, tuple(map(MarkTarget, numbers))) for end, numbers in sources.marks()]
        marked = render_marked(text, marks)
        assert MARK.sub("", marked.html) == render(text), name
        assert len(MARK.findall(marked.html)) == len(marks), name
        for end, numbers in sources.marks():
            raised = "".join(f"⁽{number}⁾" for number in numbers).translate(
                str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
            )
            assert raised in marked.text, (name, end)
            if end in ends and len(marks) == 1:
                assert marked.text == text[:end].rstrip() + raised + text[len(text[:end].rstrip()) :], name
    assert not bodies() or (supports, grounded) == (48, 19)


@pytest.mark.corpus
def test_every_recorded_token_has_its_place_in_the_answer():
    tables = [Response(read(body)).logprobs for _, body in bodies() if b"logprobsResult" in body]
    assert not bodies() or len(tables) == 4
    for table in tables:
        at = 0
        for row in table:
            assert row.byte == at
            at += len(row.token.encode())
            assert row.logprob is not None
            assert row.logprob <= 0


@pytest.mark.corpus
def test_safety_ratings_are_read_as_recorded():
    rated = {name: Response(read(body)).safety for name, body in bodies() if b"safetyRatings" in body}
    assert not bodies() or len(rated) == 9
    for name, table in rated.items():
        assert len(table), name
        assert {row.category for row in table} <= {
            "harassment",
            "hate_speech",
            "sexually_explicit",
            "dangerous_content",
        }, name
    blocked = [row for table in rated.values() for row in table if row.blocked]
    assert not bodies() or {(row.rated, row.category) for row in blocked} >= {("answer", "hate_speech")}
