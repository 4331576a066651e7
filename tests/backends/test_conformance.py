"""One suite for every backend: the same content in the bytes of each dialect gives the same response."""

from __future__ import annotations

import json

import pytest
from dialects import (
    BROKEN,
    CALL,
    CANNOT,
    CANNOT_AT_ONCE,
    CITATION,
    FORMS,
    GROUNDING,
    KINDS,
    PICTURE,
    REFUSED,
    SAMPLES,
    SIGNATURE,
    STEPS,
    UNKNOWN,
    answer,
    body,
    serve,
)
from fake_server import dribble, raw
from msgspec import structs

import gemini_magic
from gemini_magic import Response
from gemini_magic.backends import names
from gemini_magic.content import Call, Code, CodeResult, Opaque
from gemini_magic.errors import BlockedError, OptionError, ServiceError, TruncatedError
from gemini_magic.ledger import answer_turns
from gemini_magic.views import status_line

TEXT = "Hello, wörld 😀."
OUR_CALL = Call(CALL["name"], CALL["args"], CALL["id"], SIGNATURE)


def complete(r):
    assert (r.status, r.error, r.ok) == ("complete", None, True)


def text(r):
    complete(r)
    assert r.text == TEXT


def thought(r):
    complete(r)
    assert r.thoughts == "Let me see."
    assert "see" not in r.text


def call(r):
    complete(r)
    # The signature of the echo is its own, and that of a step is in the step.
    own = {"echo": "ZWNobw==", **dict.fromkeys(STEPS)}
    signature = own.get(r.ledger.backend, SIGNATURE)
    assert r.calls == [structs.replace(OUR_CALL, signature=signature)]


def code(r):
    complete(r)
    ran = [part for part in r.parts if isinstance(part, Code | CodeResult)]
    language, ident = ("python", "c1") if r.ledger.backend in STEPS else ("PYTHON", None)
    assert ran == [
        Code("print(6*7)", language, id=ident),
        CodeResult("OUTCOME_OK", "42\n", id=ident),
    ]


def blob(r):
    complete(r)
    assert [(image.mime_type, image.data) for image in r.images] == [("image/gif", PICTURE)]


def citation(r):
    complete(r)
    assert [tuple(each) for each in r.citations] == [tuple(CITATION.values())]


def grounding(r):
    complete(r)
    if r.ledger.backend in STEPS:
        assert [(each.kind, each.uri, each.title) for each in r.sources] == [
            ("web", "https://example.com/b", "B")
        ]
        return
    assert r.grounding == GROUNDING


def usage(r):
    complete(r)
    if r.ledger.backend == "echo":
        assert (r.usage.prompt, r.usage.output, r.usage.total) == (3, 3, 6)
        return
    assert (r.usage.prompt, r.usage.output, r.usage.total) == (10, 20, 37)
    if r.ledger.backend != "gateway":
        assert (r.usage.cached, r.usage.thoughts, r.usage.tool) == (4, 5, 2)
        assert (r.model_version, r.response_id) == ("m-001", "r1")


def unknown(r):
    complete(r)
    (kept,) = [part for part in r.parts if isinstance(part, Opaque)]
    assert UNKNOWN.items() <= kept.raw.items() or UNKNOWN in kept.raw.values()
    assert json.dumps(UNKNOWN)[1:-1] in json.dumps(r.raw)


def blocked(r):
    assert (r.status, type(r.error)) == ("blocked", BlockedError)
    if r.ledger.backend in STEPS:  # which says so only by the code of an error
        assert "Blocked." in r.error.message
        return
    assert r.block_reason == "SAFETY"


def unfinished(r):
    assert (r.status, r.text, type(r.error)) == ("truncated", "half", TruncatedError)


def stream_error(r):
    assert (r.status, r.text, type(r.error)) == ("error", "half", ServiceError)
    assert (r.error.code, BROKEN in r.error.message) == (500, True)


def http_error(r):
    assert (r.status, r.text, type(r.error)) == ("error", "", ServiceError)
    assert (r.error.code, REFUSED in r.error.message) == (403, True)
    assert r.attempts[-1].status == 403


CHECKS = {
    "text": text,
    "thought": thought,
    "call": call,
    "code": code,
    "blob": blob,
    "citation": citation,
    "grounding": grounding,
    "usage": usage,
    "unknown": unknown,
    "blocked": blocked,
    "unfinished": unfinished,
    "stream-error": stream_error,
    "http-error": http_error,
}


def can(dialect, form):
    lacks = CANNOT[dialect] | (CANNOT_AT_ONCE.get(dialect, set()) if form == "whole" else set())
    return [kind for kind in KINDS if kind not in lacks]


CASES = [
    (dialect, form, kind) for dialect, forms in FORMS.items() for form in forms for kind in can(dialect, form)
]
STREAMS = [(dialect, form) for dialect, forms in FORMS.items() for form in forms if dialect != "echo"]
ALONE = {"blocked", "unfinished", "stream-error", "http-error"}  # each is an ending of its own


def test_every_backend_sends_every_kind_of_content_or_lists_it_as_unsupported():
    assert set(names()) == set(SAMPLES) == set(CANNOT) == set(FORMS)
    assert set(CHECKS) == set(KINDS)
    for dialect in names():
        supported = set(SAMPLES[dialect]) | (set() if dialect == "echo" else {"http-error"})
        assert supported.isdisjoint(CANNOT[dialect])
        assert supported | CANNOT[dialect] == set(KINDS)


@pytest.mark.parametrize(("dialect", "form", "kind"), CASES)
def test_each_kind_of_content_is_read_in_each_form(fake_server, dialect, form, kind):
    prompt, asked = serve(fake_server, dialect, form, kind)
    r = gemini_magic.ask(prompt, **asked)
    CHECKS[kind](r)
    assert not [note for note in r.notes if note.severity == "error"]
    if r.attempts[-1].status == 200 and dialect != "echo":
        whole = body(dialect, form, kind)
        assert b"".join(piece for _, piece in r.ledger.exchanges[-1].pieces) == whole


def everything(dialect, form):
    kinds = [kind for kind in can(dialect, form) if kind not in ALONE]
    return kinds, body(dialect, form, *kinds)


def same(r, other):
    assert (r.raw, r.parts, r.usage, r.citations) == (other.raw, other.parts, other.usage, other.citations)
    assert (r.extras, r.status, r.finish_reason) == (other.extras, other.status, other.finish_reason)
    assert (r.text, r.thoughts, r.grounding) == (other.text, other.thoughts, other.grounding)


@pytest.mark.parametrize(("dialect", "form"), STREAMS)
def test_an_answer_with_everything_is_the_same_in_small_pieces_and_in_a_replay(
    fake_server, tmp_path, dialect, form
):
    kinds, sent_body = everything(dialect, form)
    path = tmp_path / "run.jsonl"
    r = gemini_magic.ask("hi", record=str(path), **answer(fake_server, dialect, form, raw(sent_body)))
    complete(r)
    assert r.text.startswith(TEXT)
    for kind in set(kinds) - {"text"}:
        CHECKS[kind](r)
    asked = answer(fake_server, dialect, form, dribble(sent_body, 5))
    same(gemini_magic.ask("hi", **asked), r)
    before = len(fake_server.requests)
    same(gemini_magic.ask("hi", replay=str(path), speed=0, **asked), r)
    same(Response.load(path), r)
    assert len(fake_server.requests) == before
    missed = gemini_magic.ask("another", replay=str(path), speed=0, **asked)
    assert "contains no answer" in str(missed.error)


@pytest.mark.parametrize(("dialect", "form"), STREAMS)
def test_an_answer_is_sent_back_with_its_signatures(fake_server, dialect, form):
    """The answer as a turn of the next request: signatures and ids byte for byte, thoughts without one left out."""
    kinds, sent_body = everything(dialect, form)
    asked = answer(fake_server, dialect, form, raw(sent_body))
    r = gemini_magic.ask("hi", **asked)
    gemini_magic.ask("more", turns=(*r.request.turns, *answer_turns(r.ledger)), **asked).raise_for_status()
    sent = fake_server.requests[-1].body
    if dialect == "gateway":
        assert [turn["role"] for turn in sent["history"]] == ["user", "assistant"]
        kept = [item["content"] for item in sent["history"][1]["content"] if item["type"] == "text"]
        assert kept == [TEXT]
        return
    if dialect in STEPS:
        user, *steps, result, again = sent["input"]
        assert [user["type"], again["type"]] == ["user_input", "user_input"]
        received = [step for kind in kinds for _, _, step in SAMPLES[dialect][kind]]
        assert steps == received
        assert (result["type"], result["is_error"]) == ("function_result", True)
        return
    parts = sent["contents"][1]["parts"]
    assert {"functionCall": CALL, "thoughtSignature": SIGNATURE} in parts
    assert {"text": "see.", "thought": True, "thoughtSignature": SIGNATURE} in parts
    assert UNKNOWN in parts
    assert not [part for part in parts if part.get("text") == "Let me "]


@pytest.mark.parametrize(("dialect", "form"), [*STREAMS, ("echo", "sse")])
def test_a_schema_is_sent_and_the_answer_is_checked_or_nothing_is_sent(fake_server, dialect, form):
    prompt, asked = serve(fake_server, dialect, form, "text")
    if dialect == "gateway":
        with pytest.raises(OptionError, match="does not support a schema"):
            gemini_magic.ask(prompt, schema="name", **asked)
        assert not fake_server.requests
        return
    r = gemini_magic.ask(prompt, schema="name, n int", **asked)
    complete(r)
    assert r.text == TEXT
    assert "not valid JSON" in r.parse_error.message
    sent = json.loads(r.ledger.exchanges[-1].body)
    if dialect in STEPS:
        written = sent["response_format"]
        assert (written["type"], written["mime_type"]) == ("text", "application/json")
        assert list(written["schema"]["properties"]) == ["name", "n"]
        return
    config = sent["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["propertyOrdering"] == ["name", "n"]


def test_additional_fields_of_gateways_are_in_the_extras_and_the_status_line(fake_server):
    for dialect in ("adaptive", "gateway"):
        prompt, asked = serve(fake_server, dialect, "sse", "text")
        r = gemini_magic.ask(prompt, **asked)
        assert r.extras == ({"provider": "google"} if dialect == "adaptive" else {})
        assert ("via google" in status_line(r.ledger)) == (dialect == "adaptive")
        assert "answer complete, 2 words" in status_line(r.ledger)
