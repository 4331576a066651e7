"""Images, calls, citations and extras of an answer that a local server sent."""

from __future__ import annotations

import base64

import pytest
from attack_media import gif
from fake_server import event, finish, text
from media_samples import SVG

import gemini_magic
from gemini_magic.content import Blob
from gemini_magic.events import Citation

PIXEL = gif()


def asked(server, *steps):
    server.script(*steps)
    return gemini_magic.ask("hi", model="m", base_url=server.base_url, retries=0)


def chunk(*parts, **more):
    return event({"candidates": [{"content": {"parts": list(parts)}, **more}]})


def test_only_images_display_themselves(fake_server):
    data = base64.b64encode(PIXEL).decode()
    r = asked(
        fake_server,
        chunk({"inlineData": {"mimeType": "image/gif", "data": data}}),
        chunk({"inlineData": {"mimeType": "image/svg+xml", "data": base64.b64encode(SVG).decode()}}),
        chunk({"inlineData": {"mimeType": "audio/wav", "data": data}}),
        finish(),
    )
    picture, drawing = r.images
    assert (picture.data, picture.mime_type) == (PIXEL, "image/gif")
    assert picture._repr_mimebundle_()["image/gif"] == data
    assert list(drawing._repr_mimebundle_()) == ["text/plain"]
    assert [type(part) for part in r.parts][:3] == [Blob] * 3


def test_function_calls_are_listed(fake_server):
    r = asked(fake_server, chunk({"functionCall": {"name": "f", "args": {"x": 1}, "id": "a"}}), finish())
    assert [(call.name, call.args, call.id) for call in r.calls] == [("f", {"x": 1}, "a")]


def test_citations_of_both_field_names_are_listed_once(fake_server):
    one = {"startIndex": 3, "endIndex": 9, "uri": "https://a.example", "license": "MIT"}
    two = {"endIndex": 4, "title": "B"}
    r = asked(
        fake_server,
        chunk({"text": "a"}, citationMetadata={"citationSources": [one]}),
        chunk({"text": "b"}, citationMetadata={"citations": [one, two, "unexpected"]}),
        chunk({"text": "c"}, citationMetadata={"citations": "unexpected"}),
        finish(),
    )
    assert r.citations == [
        Citation(3, 9, "https://a.example", None, "MIT"),
        Citation(None, 4, None, "B", None),
    ]
    assert [row.chunk for row in r.events.where(kind="citation")] == [0, 1, 2]


def support(*indices):
    return {"segment": {"endIndex": 1}, "groundingChunkIndices": list(indices)}


@pytest.mark.parametrize(
    ("pieces", "merged"),
    [
        ([{"groundingChunks": ["a"]}, {"groundingSupports": [support(0)]}], {"groundingChunks": ["a"], "groundingSupports": [support(0)]}),
        ([{"groundingChunks": ["a"]}, {"groundingChunks": ["a", "b"]}], {"groundingChunks": ["a", "b"]}),
        ([{"groundingChunks": ["a", "b"]}, {"groundingChunks": ["a"]}], {"groundingChunks": ["a", "b"]}),
        ([{"groundingChunks": ["a", "b"]}, {"groundingChunks": ["c"], "groundingSupports": [support(0)]}],
         {"groundingChunks": ["a", "b", "c"], "groundingSupports": [support(2)]}),
        ([{"groundingChunks": ["a", "b"]}, {"groundingChunks": ["c"], "groundingSupports": [support(0, 2)]}],
         {"groundingChunks": ["a", "b", "c"], "groundingSupports": [support(0, 2)]}),
        ([{"webSearchQueries": ["q"], "searchEntryPoint": {"x": 1}}, {"webSearchQueries": [], "searchEntryPoint": {}}],
         {"webSearchQueries": ["q"], "searchEntryPoint": {"x": 1}}),
    ],
)  # fmt: skip
def test_grounding_that_is_split_over_chunks_is_merged(fake_server, pieces, merged):
    chunks = [chunk({"text": "a"}, groundingMetadata=piece) for piece in pieces]
    r = asked(fake_server, *chunks, finish())
    assert r.grounding == merged
    assert len(r.events.where(kind="grounding")) == len(pieces)


@pytest.mark.parametrize("status", ["URL_RETRIEVAL_STATUS_PAYWALL", 3])
def test_a_page_that_could_not_be_read_is_noted_once(fake_server, status):
    pages = [
        {"retrievedUrl": "https://a.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://b.example", "urlRetrievalStatus": status},
    ]
    one = chunk({"text": "a"}, urlContextMetadata={"urlMetadata": pages})
    r = asked(fake_server, one, one, finish())
    notes = [note.message for note in r.ledger.notes if note.kind == "page-not-read"]
    assert notes == ["The page https://b.example could not be read (paywall)."]


def test_grounding_is_the_last_metadata_that_is_not_empty(fake_server):
    assert asked(fake_server, text("x"), finish()).grounding == {}
    r = asked(
        fake_server,
        chunk({"text": "a"}, groundingMetadata={"webSearchQueries": ["one"]}),
        chunk({"text": "b"}, groundingMetadata={"webSearchQueries": ["one", "two"]}),
        chunk({"text": "c"}, groundingMetadata={}),
        finish(),
    )
    assert r.grounding == {"webSearchQueries": ["one", "two"]}
    assert len(r.events.where(kind="grounding")) == 2


def test_fields_that_gateways_and_newer_servers_add_are_extras(fake_server):
    r = asked(
        fake_server,
        text("a", provider="google"),
        event(
            {
                "usageMetadata": {"totalTokenCount": 3, "cache_tier": "none", "trafficType": "ON_DEMAND"},
                "serviceTier": "standard",
                "createTime": "2026-11-20T12:00:00Z",
            }
        ),
        finish(),
    )
    assert r.extras == {
        "provider": "google",
        "cache_tier": "none",
        "trafficType": "ON_DEMAND",
        "serviceTier": "standard",
        "createTime": "2026-11-20T12:00:00Z",
    }
    assert not r.ledger.notes
