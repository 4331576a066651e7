"""What Gemini reports beside the text is decoded, also where it is written in unusual ways."""

from __future__ import annotations

import json

import pytest
from grounded_answers import chunk, ledger_of

from gemini_magic.backends import backend
from gemini_magic.content import Transcript
from gemini_magic.events import RetrievedPage, SafetyRating, Source, Support, TokenScore

GEMINI = backend("gemini")


def evidence(**fields):
    [found] = ledger_of(chunk({"text": "a"}, **fields)).evidence
    return found


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        ({"web": {"uri": "u", "title": "t", "domain": "d"}}, Source("web", "t", "u", "d")),
        ({"web": {"uri": "u"}}, Source("web", "", "u")),
        ({"image": {"sourceUri": "s", "imageUri": "i", "title": "t", "domain": "d"}}, Source("image", "t", "s", "d")),
        ({"maps": {"uri": "u", "title": "t", "text": "x", "placeId": "p"}}, Source("maps", "t", "u", "", "x")),
        ({"retrievedContext": {"fileSearchStore": "f", "text": "x"}}, Source("file", "f", text="x")),
        ({"retrievedContext": {"title": "a.pdf", "pageNumber": 3}}, Source("file", "a.pdf, page 3")),
        ({"hologram": {"uri": "u", "title": "t"}}, Source("hologram", "t", "u")),
        ({"web": {"uri": 5, "title": ["t"]}}, Source("web")),
        ({"web": None}, Source("other")),
        ("text", Source("other", "text")),
        (None, Source("other")),
    ],
)  # fmt: skip
def test_every_kind_of_source_is_read(sent, source):
    assert evidence(groundingMetadata={"groundingChunks": [sent]}).grounding.sources == (source,)


@pytest.mark.parametrize(
    ("sent", "support"),
    [
        ({"segment": {"startIndex": 2, "endIndex": 5, "text": "t"}, "groundingChunkIndices": [0, 1]}, Support(2, 5, "t", (0, 1))),
        ({"segment": {"endIndex": 5}, "groundingChunkIndices": [0]}, Support(0, 5, "", (0,))),
        ({"segment": {"endIndex": 5, "partIndex": 2}}, Support(0, 5, "", (), 2)),
        ({"segment": {"startIndex": "2", "endIndex": "5"}}, Support(2, 5, "", ())),
        ({"segment": {"startIndex": -2, "endIndex": 5.0}}, Support(0, 5, "", ())),
        ({"segment": {"startIndex": 2, "text": "t"}}, Support(2, None, "t", ())),
        ({"segment": {"endIndex": 10**30}}, Support(None, None, "", ())),
        ({"segment": "unexpected", "groundingChunkIndices": [True, "1", -1, None]}, Support(None, None, "", (1,))),
        ({}, Support(None, None, "", ())),
    ],
)  # fmt: skip
def test_every_form_of_a_supported_passage_is_read(sent, support):
    assert evidence(groundingMetadata={"groundingSupports": [sent]}).grounding.supports == (support,)


def test_empty_queries_are_left_out():
    sent = {
        "webSearchQueries": ["", "a", " a ", 5, None],
        "imageSearchQueries": ["b"],
        "retrievalQueries": ["c"],
    }
    assert evidence(groundingMetadata=sent).grounding.queries == ("a", "b")


@pytest.mark.parametrize("sent", ["unexpected", 5, ["x"], {"groundingChunks": {"a": 1}, "groundingSupports": "x", "searchEntryPoint": 5}])  # fmt: skip
def test_grounding_of_unexpected_shapes_has_no_sources(sent):
    found = evidence(groundingMetadata=sent).grounding
    assert (found.sources, found.supports, found.queries, found.suggestions) == ((), (), (), "")


def test_the_pages_of_url_context_have_their_outcome():
    pages = [
        {"retrievedUrl": "https://a.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://b.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_UNSAFE"},
        {"retrievedUrl": "https://c.example", "urlRetrievalStatus": 3},
        {"retrievedUrl": "https://d.example"},
        {"retrievedUrl": 5, "urlRetrievalStatus": "NEW"},
        "unexpected",
    ]
    assert evidence(urlContextMetadata={"urlMetadata": pages}).pages == (
        RetrievedPage("https://a.example", "success"),
        RetrievedPage("https://b.example", "unsafe"),
        RetrievedPage("https://c.example", "paywall"),
        RetrievedPage("https://d.example", ""),
        RetrievedPage("", "new"),
    )


RATING = {
    "category": "HARM_CATEGORY_HARASSMENT",
    "probability": "MEDIUM",
    "blocked": True,
    "probabilityScore": 0.5,
    "severity": "HARM_SEVERITY_LOW",
    "severityScore": 0.25,
}


def test_safety_ratings_are_those_of_the_prompt_and_of_each_candidate():
    value = {
        "promptFeedback": {
            "safetyRatings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "LOW"}]
        },
        "candidates": [
            {"safetyRatings": [RATING]},
            {"index": 4, "safetyRatings": [{"probability": 2}, "unexpected"]},
        ],
    }
    assert GEMINI.safety_ratings(json.dumps(value).encode()) == [
        SafetyRating(None, "hate_speech", "low"),
        SafetyRating(0, "harassment", "medium", True, 0.5, "low", 0.25),
        SafetyRating(4, "", "2"),
    ]


def test_names_in_snake_case_are_read_alike():
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW", "probability_score": 0.5}
    scores = {"chosen_candidates": [{"token": "a", "token_id": 7, "log_probability": -0.5}]}
    raw = json.dumps({"candidates": [{"safety_ratings": [rating], "logprobs_result": scores}]}).encode()
    assert GEMINI.safety_ratings(raw) == [SafetyRating(0, "harassment", "low", None, 0.5)]
    assert GEMINI.token_scores(raw) == [TokenScore(0, "a", 7, -0.5)]


def test_tokens_have_their_alternatives():
    result = {
        "chosenCandidates": [
            {"token": "a", "tokenId": 7, "logProbability": -0.5},
            {"token": "b"},
            "unexpected",
        ],
        "topCandidates": [
            {"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "c", "logProbability": -1}]}
        ],
    }
    raw = json.dumps({"candidates": [{"logprobsResult": result}]}).encode()
    assert GEMINI.token_scores(raw) == [
        TokenScore(0, "a", 7, -0.5, (("a", -0.5), ("c", -1.0))),
        TokenScore(0, "b", None, None),
    ]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"safetyRatings logprobsResult", b'["safetyRatings","logprobsResult"]', b'{"candidates":"logprobsResult safetyRatings"}',
     b'{"candidates":[{"safetyRatings":5,"logprobsResult":[1]}]}', b'{"candidates":[{"safetyRatings":[null],"logprobsResult":{"chosenCandidates":{}}}]}',
     b'{"candidates":[{"logprobsResult":{"chosenCandidates":[{"token":5,"logProbability":NaN,"tokenId":1e400}]}}],"x":"safetyRatings"}'],
)  # fmt: skip
def test_unexpected_shapes_raise_nothing(raw):
    assert GEMINI.safety_ratings(raw) == []
    assert all(score.logprob is None for score in GEMINI.token_scores(raw))


SPOKEN = {
    "text": "Good morning.",
    "speakerLabel": "spk_1",
    "languageCode": "en-US",
    "startOffset": "0s",
    "endOffset": "1.250s",
    "words": [{"word": "Good", "startOffset": "0s"}],
    "finished": True,
    "newField": 5,
}


def parts_of(*parts):
    return ledger_of(chunk(*parts)).parts[0].joined()


def test_a_transcript_is_read_and_sent_back_unchanged():
    [part] = parts_of({"audioTranscription": SPOKEN, "thoughtSignature": "c2ln"})
    assert part == Transcript(
        "Good morning.",
        "spk_1",
        "en-US",
        0.0,
        1.25,
        ({"word": "Good", "startOffset": "0s"},),
        True,
        "c2ln",
        SPOKEN,
    )
    from gemini_magic.backends.gemini import part_to_json  # noqa: PLC0415 - the backend's own function

    assert part_to_json(part) == {"audioTranscription": SPOKEN, "thoughtSignature": "c2ln"}
    assert part_to_json(Transcript("Hi", "A")) == {"audioTranscription": {"text": "Hi", "speakerLabel": "A"}}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"text": 5}, Transcript("5", raw={"text": "5"})),
        ({"text": None, "speakerLabel": "A"}, Transcript("", "A", raw={"speakerLabel": "A"})),
        ({"text": "a", "words": "x", "startOffset": 1, "finished": 1}, Transcript("a", raw={"text": "a", "words": "x", "startOffset": 1, "finished": 1})),
        ({}, Transcript("")),
    ],
)  # fmt: skip
def test_a_transcript_of_an_unexpected_shape_keeps_what_can_be_read(sent, expected):
    # A null part makes the typed decoder refuse the chunk, so that it is repaired.
    assert parts_of({"audioTranscription": sent}, None)[0] == expected


def test_a_surrogate_in_a_transcript_is_replaced():
    raw = b'{"candidates":[{"content":{"parts":[{"audioTranscription":{"text":"a\\ud83d"}}]}}]}'
    [event] = [event for event in GEMINI.decoder()(raw).events if hasattr(event, "part")]
    event.part.text.encode()
    assert event.part.text == "a\ufffd"


def test_a_transcript_that_is_no_object_is_kept_as_received():
    [part] = parts_of({"audioTranscription": "text"})
    assert part.raw == {"audioTranscription": "text"}
