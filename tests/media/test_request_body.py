"""The body of a request with its media apart: references in the text, each medium once."""

import base64
import json
import os
import tracemalloc

import pytest
from calibration import assert_ratio_below

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import Blob, Request, Text, Turn
from gemini_magic.media import (
    StoredMedia,
    body_pieces,
    body_size,
    collapse_media,
    describe_media,
    encode_body,
    expand_media,
    media_identity,
    media_in,
    summarize_references,
)

LARGE = bytes(range(256)) * 20
PICTURE = Blob("image/png", LARGE)


def encoded(dialect, *parts):
    request = Request(model="m", turns=(Turn("user", parts),))
    return backend(dialect).encode(request, Endpoint(base_url="https://example.org", project="p"))


@pytest.mark.parametrize(
    "dialect", ["gemini", "interactions", "vertex", "vertex-interactions", "adaptive", "gateway", "echo"]
)
def test_every_backend_sends_the_same_bytes_and_keeps_a_text_with_references(dialect):
    other = Blob("image/jpeg", os.urandom(3001))
    sent = encoded(dialect, Text("é first"), PICTURE, Text("then"), other, PICTURE)
    assert sent.body.count(f'"sha256:{PICTURE.digest}"'.encode()) == 2
    assert sent.body.count(b"sha256:") == 3
    whole = b"".join(body_pieces(sent.body, sent.media))
    assert len(whole) == body_size(sent.body, sent.media)
    texts = [base64.b64encode(each.data).decode() for each in (PICTURE, other)]
    assert [whole.decode().count(f'"{text}"') for text in texts] == [2, 1]
    assert json.loads(whole)
    assert b"".join(expand_media(sent.body, media_in(sent.media))) == whole


def test_no_text_of_a_prompt_can_stand_for_a_medium():
    name = f"sha256:{PICTURE.digest}"
    sent = encoded("gemini", Text(name), PICTURE, Text(name))
    parts = json.loads(b"".join(body_pieces(sent.body, sent.media)))["contents"][0]["parts"]
    assert [part.get("text") for part in parts] == [name, None, name]
    assert base64.b64decode(parts[1]["inlineData"]["data"]) == LARGE


def test_a_small_medium_stays_in_the_text():
    sent = encoded("gemini", Blob("image/png", b"x" * 1023))
    assert sent.media == ()
    assert base64.b64encode(b"x" * 1023) in sent.body


@pytest.mark.parametrize("size", [1024, 1025, 1026, 3 * 2**14, 3 * 2**14 + 1, 300_001])
def test_pieces_join_to_one_base64_text_at_every_size(size):
    data = os.urandom(size)
    body, media = encode_body({"data": Blob("a/b", data)})
    whole = b"".join(body_pieces(body, media))
    assert whole == b'{"data":"%b"}' % base64.b64encode(data)
    assert len(whole) == body_size(body, media)


def test_a_body_with_base64_is_collapsed_without_any_other_change():
    whole = json.dumps(
        {
            "contents": [
                {"parts": [{"inline_data": {"mime_type": "image/png", "data": "DATA"}}, {"text": "é"}]}
            ]
        },
        indent=1,
    ).replace("DATA", base64.b64encode(LARGE).decode())
    body, media = collapse_media(whole.encode())
    assert body.decode() == whole.replace(base64.b64encode(LARGE).decode(), f"sha256:{PICTURE.digest}")
    assert media == {PICTURE.digest: StoredMedia(PICTURE.digest, "image/png", len(LARGE), LARGE)}
    assert b"".join(expand_media(body, media)).decode() == whole


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b" " * 2000,
        b"\xff" * 2000,
        b"[" * 100_000,
        json.dumps({"text": "A" * 4000}).encode(),
        json.dumps({"mimeType": "a/b", "data": "!" * 4000}).encode(),
        json.dumps({"mimeType": 1, "data": "A" * 4000}).encode(),
        json.dumps({"type": "text", "mime_type": "a/b", "content": "A" * 4000}).encode(),
    ],
)
def test_a_body_without_media_is_not_changed(body):
    assert collapse_media(body) == (body, {})


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(LARGE).decode()}},
        {
            "inline_data": {
                "mime_type": "image/png",
                "data": base64.urlsafe_b64encode(LARGE).decode().rstrip("="),
            }
        },
        {"inlineData": {"mimeType": "image/png", "data": f"sha256:{PICTURE.digest}"}},
        {"fileData": {"fileUri": f"sha256:{PICTURE.digest}", "mimeType": "image/png"}},
        {"file_data": {"file_uri": "https://example.org/files/a", "mime_type": "image/png"}},
    ],
)
def test_a_medium_has_one_identity_however_it_was_sent(part):
    files = {"https://example.org/files/a": PICTURE.digest}
    assert media_identity([{**part, "x": 1}], files) == [
        {"media": PICTURE.digest, "mediaType": "image/png", "x": 1}
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"data": "not base64!"}},
        {"inlineData": "text"},
        {"fileData": {"fileUri": "https://example.org/other"}},
        {"fileData": {"fileUri": "sha256:short"}},
        {"fileData": {}},
    ],
)
def test_an_unknown_medium_is_compared_as_it_is(part):
    assert media_identity(part, {}) == part


def test_a_body_with_many_media_is_read_in_linear_time():
    def body(count):
        datas = (f"{number:08d}".encode() * 150 for number in range(count))
        parts = [
            {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(d).decode()}} for d in datas
        ]
        return json.dumps(parts).encode()

    small, large = body(500), body(5000)
    assert len(collapse_media(large)[1]) == 5000
    assert_ratio_below(lambda: collapse_media(large), lambda: collapse_media(small), 40)
    text, media = collapse_media(large)
    few, fewer = collapse_media(small)
    assert_ratio_below(
        lambda: summarize_references(text.decode(), media),
        lambda: summarize_references(few.decode(), fewer),
        40,
    )


def test_a_medium_is_described_on_one_line_without_control_characters():
    hostile = StoredMedia("ab" * 32, "image/png\n\x1b[2J", 781_459)
    assert describe_media(hostile) == "[image/png [2J, 781 kB, sha256 abababababab…]"
    body = summarize_references(f'{{"data":"sha256:{"ab" * 32}"}}', {hostile.digest: hostile})
    assert json.loads(body) == {"data": "[image/png [2J, 781 kB, sha256 abababababab…]"}


def test_encoding_and_sending_a_medium_makes_no_copy_of_it():
    blob = Blob("image/png", os.urandom(6_000_000))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        sent = encoded("gemini", Text("look"), blob)
        assert sum(map(len, body_pieces(sent.body, sent.media))) > 8_000_000
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * len(blob.data)
