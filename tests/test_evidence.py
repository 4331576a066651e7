"""The tables of sources, pages, safety ratings, log probabilities and transcripts of a response."""

from __future__ import annotations

import json

import pytest
from fake_server import finish, text
from grounded_answers import GROUNDING, TEXT, chunk, grounded, ledger_of, support

import gemini_magic
from gemini_magic.content import Text, Transcript, Turn
from gemini_magic.errors import OptionError
from gemini_magic.response import Response


def test_sources_are_a_table_with_the_passages_that_they_support():
    rows = Response(grounded()).sources
    assert [(row.n, row.kind, row.title, row.uri, row.domain, row.passages) for row in rows] == [
        (
            1,
            "web",
            "zsg.example",
            "https://vertexaisearch.cloud.google.com/grounding-api-redirect/AUZ1",
            "",
            1,
        ),
        (2, "maps", "Zürichsee", "https://maps.google.com/?cid=7", "maps.google.com", 2),
        (3, "file", "lakes.pdf, page 3", "", "", 1),
        (4, "page", "https://lakes.example/list", "https://lakes.example/list", "lakes.example", 0),
    ]
    assert rows[1].text == "The **Zürichsee** lies in Switzerland.\nIt is 88 km² large."
    passages = json.loads(rows[1].json)["passages"]
    data = TEXT.encode()
    assert [data[each["start"] : each["end"]].decode() for each in passages] == [
        each["text"] for each in passages
    ]
    assert json.loads(rows[2].json)["text"] == "88 km²"


def test_sources_of_several_chunks_are_merged_and_equal_ones_have_one_number():
    first = {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}]}
    second = {
        "groundingChunks": [{"web": {"uri": "https://b.example", "title": "b"}}, {"web": {"uri": "https://a.example", "title": "a"}}],
        "groundingSupports": [support("two", 0, 1, text="one two")],
    }  # fmt: skip
    r = Response(
        ledger_of(
            chunk({"text": "one "}, groundingMetadata=first), chunk({"text": "two"}, groundingMetadata=second)
        )
    )
    assert [(row.n, row.title, row.text) for row in r.sources] == [(1, "a", "two"), (2, "b", "two")]
    assert len(r.grounding["groundingChunks"]) == 3


def test_offsets_count_over_the_text_parts_without_thoughts():
    metadata = {**GROUNDING, "groundingSupports": [support("It is 88 km² large.", 0)]}
    half = len(TEXT) // 2
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    parts = [{"text": "Hm. é", "thought": True}, {"text": TEXT[:half]}, code, {"text": TEXT[half:]}]
    r = Response(ledger_of(chunk(*parts, groundingMetadata=metadata)))
    assert r.sources[0].text == "It is 88 km² large."


def test_offsets_in_a_part_are_found_in_that_part():
    segment = {"startIndex": 0, "endIndex": 3, "partIndex": 1, "text": "two"}
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    for parts in ([{"text": "two one "}, code, {"text": "two"}],):
        segment["partIndex"] = 2
        r = Response(ledger_of(chunk(*parts, groundingMetadata=metadata)))
        assert r.sources[0].text == "two"


def test_the_pages_of_url_context_are_a_table():
    assert [tuple(row) for row in Response(grounded()).url_context] == [
        ("https://lakes.example/list", "success", 1),
        ("https://paid.example/", "paywall", 1),
    ]


def test_citations_have_numbers_behind_the_grounding():
    quoted = {"startIndex": 0, "endIndex": 3, "uri": "https://code.example/x", "license": "MIT"}
    row = Response(grounded(citationMetadata={"citationSources": [quoted]})).sources[-1]
    assert (row.n, row.kind, row.uri, row.license, row.text) == (5, "citation", quoted["uri"], "MIT", "The")


RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}


def test_safety_ratings_are_a_table_by_chunk():
    r = Response(
        ledger_of(
            {"promptFeedback": {"safetyRatings": [RATING]}},
            chunk({"text": "a"}, safetyRatings=[{**RATING, "probability": "HIGH", "blocked": True}]),
        )
    )
    assert [
        (row.chunk, row.rated, row.candidate, row.category, row.probability, row.blocked) for row in r.safety
    ] == [
        (0, "prompt", None, "harassment", "low", None),
        (1, "answer", 0, "harassment", "high", 1),
    ]
    assert r.safety.to_arrow().num_rows == 2


def scores(*tokens):
    chosen = [{"token": token, "tokenId": 1, "logProbability": -0.1 * at} for at, token in enumerate(tokens)]
    top = [
        {"candidates": [{"token": token, "logProbability": -0.1}, {"token": "x", "logProbability": -3}]}
        for token in tokens
    ]
    return {"logprobsResult": {"chosenCandidates": chosen, "topCandidates": top}}  # fmt: skip


def test_log_probabilities_are_a_table_with_byte_offsets():
    r = Response(
        ledger_of(
            chunk({"text": "Zü"}, **scores("hidden", "Z", "ü")),
            chunk({"text": " 😀."}, **scores(" ", "\ufffd", ".")),
        )
    )
    assert [(row.index, row.chunk, row.token, row.byte) for row in r.logprobs] == [
        (0, 0, "hidden", None),
        (1, 0, "Z", 0),
        (2, 0, "ü", 1),
        (3, 1, " ", 3),
        (4, 1, "\ufffd", 4),
        (5, 1, ".", 8),
    ]  # fmt: skip
    assert r.logprobs[2].logprob == pytest.approx(-0.2)
    assert json.loads(r.logprobs[1].json)["alternatives"] == [["Z", -0.1], ["x", -3.0]]


def test_the_recording_of_the_notebook_has_sources_pages_and_log_probabilities():
    def replayed(prompt, **options):
        return gemini_magic.ask(prompt, replay="builtin:sources", speed=0, journal=False, **options)

    r = replayed("How fast was the first transatlantic telegraph cable, and why did it fail?", search=True)
    assert [(row.title, row.passages) for row in r.sources] == [
        ("cables.example", 2),
        ("museum.example", 3),
        ("letters.example", 3),
    ]
    assert r.sources[2].text.endswith("A clerk wrote that the light seemed to “tremble” for days.")
    pages = "https://museum.example/great-eastern\nhttps://archive.example/paywalled"
    r = replayed(f"What do these pages say about the second cable?\n{pages}", url_context=True)
    assert [row.outcome for row in r.url_context] == ["success", "paywall"]
    r = replayed("What is the capital of Australia? One sentence.", logprobs=3)
    assert "".join(row.token for row in r.logprobs) == r.text
    assert None not in [row.byte for row in r.logprobs]


@pytest.mark.parametrize("name", ["sources", "url_context", "safety", "logprobs", "transcript"])
def test_tables_without_rows_have_their_columns_and_types(name):
    table = getattr(Response(ledger_of(chunk({"text": "a"}))), name)
    assert len(table) == 0
    assert table.to_arrow().num_columns == len(table.columns) > 2


def test_log_probabilities_are_requested(fake_server):
    fake_server.script(text("a"), finish())
    gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, logprobs=3)
    assert fake_server.requests[0].body["generationConfig"] == {"responseLogprobs": True, "logprobs": 3}


@pytest.mark.parametrize("backend", ["echo", "gateway"])
def test_a_backend_without_log_probabilities_refuses_them_before_sending(backend, fake_server):
    with pytest.raises(OptionError, match="log probabilities"):
        gemini_magic.ask(
            "hi",
            backend=backend,
            model="m",
            base_url=None if backend == "echo" else fake_server.base_url,
            logprobs=0,
        )
    assert fake_server.requests == []


def test_more_than_twenty_alternatives_are_an_error():
    with pytest.raises(OptionError, match="20"):
        gemini_magic.ask("hi", backend="echo", logprobs=21)


def spoken(text, speaker=None, **more):
    return {"audioTranscription": {"text": text, **({"speakerLabel": speaker} if speaker else {}), **more}}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([spoken("Hello"), spoken(" there.")], "Hello there."),
        ([spoken("Hello.", finished=True), spoken("Again.")], "Hello. Again."),
        ([spoken("One.", "A", startOffset="0s", endOffset="1s"), spoken("Two.", "A", startOffset="1s")], "**A (0:00):** One. Two."),
        ([spoken("One.", "A"), spoken("Two.", "B"), spoken("", "B"), spoken(" Three.", "A")], "**A:** One.\n\n**B:** Two.\n\n**A:** Three."),
        ([spoken("One.", "A*]\n\x1b[31m")], "**A 31m:** One."),
    ],
)  # fmt: skip
def test_a_transcript_is_the_text_of_the_answer_with_its_speakers(parts, expected):
    r = Response(ledger_of(chunk(*parts)))
    assert r.text == r.candidates[0].text == expected
    assert Turn("model", r.parts).text == expected
    assert [type(part) for part in r.parts] == [Transcript] * len(parts)
    assert r.events[0].kind == "transcript"


def test_transcripts_are_a_table():
    words = [{"word": "Good"}]
    r = Response(
        ledger_of(
            chunk(spoken("Good.", "A", languageCode="en", startOffset="1s", endOffset="2.5s", words=words))
        )
    )
    [row] = r.transcript
    assert (row.speaker, row.language, row.begins, row.ends, row.text) == ("A", "en", 1.0, 2.5, "Good.")
    assert json.loads(row.json)["words"] == words
    assert Text("x") not in r.parts
