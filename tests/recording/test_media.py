"""Media in recordings: each is in a file once, and a replay compares digests."""

import base64
import hashlib
import json
import os
import tracemalloc

import pytest
from fake_server import text as say
from raw_server import RawServer

from gemini_magic import Response, ask
from gemini_magic.content import Blob, LocalFile, Text
from gemini_magic.recording import read_recording
from gemini_magic.views.record import record

PICTURE = Blob("image/png", os.urandom(5000))


def asked(server, *parts, **options):
    server.script(say("A cat.", finish="STOP"))
    return ask(parts, base_url=server.base_url, model="m", **options)


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_recording_holds_each_medium_once(fake_server, tmp_path):
    path = tmp_path / "r.jsonl"
    for question in ("What?", "Why?"):
        asked(fake_server, Text(question), PICTURE, PICTURE, record=str(path))
    other = Blob("image/jpeg", os.urandom(2000))
    asked(fake_server, other, record=str(path))
    data = path.read_bytes()
    assert data.count(base64.b64encode(PICTURE.data)) == 1
    assert data.count(base64.b64encode(other.data)) == 1
    media = [line for line in lines(path) if "media" in line]
    assert [(each["v"], each["media"], each["type"], each["size"]) for each in media] == [
        (2, PICTURE.digest, "image/png", 5000),
        (2, other.digest, "image/jpeg", 2000),
    ]
    exchanges = read_recording(path)
    assert [list(each.media) for each in exchanges] == [[PICTURE.digest]] * 2 + [[other.digest]]
    assert exchanges[1].media[PICTURE.digest].data == PICTURE.data


def test_the_server_gets_the_medium_itself(fake_server):
    asked(fake_server, PICTURE)
    parts = fake_server.requests[-1].body["contents"][0]["parts"]
    assert base64.b64decode(parts[0]["inlineData"]["data"]) == PICTURE.data


def test_a_request_without_media_is_recorded_as_before(fake_server, tmp_path):
    path = tmp_path / "r.jsonl"
    asked(fake_server, Text("hi"), record=str(path))
    assert lines(path)[0]["v"] == 1
    assert "media" not in lines(path)[0]["request"]


def test_a_replay_answers_the_same_medium_and_names_the_difference_of_another(fake_server, tmp_path):
    path = tmp_path / "r.jsonl"
    asked(fake_server, Text("What?"), PICTURE, record=str(path))
    again = ask([Text("What?"), Blob("image/png", PICTURE.data)], model="m", replay=str(path), speed=0)
    assert again.text == "A cat."
    other = ask([Text("What?"), Blob("image/png", os.urandom(5000))], model="m", replay=str(path), speed=0)
    assert f'contents[0].parts[1].media = "{PICTURE.digest}"' in str(other.error)


def test_a_recording_of_version_1_loads_and_matches(fake_server, tmp_path):
    path = tmp_path / "old.jsonl"
    asked(fake_server, Text("What?"), PICTURE, record=str(path))
    new = [line for line in lines(path) if "media" not in line]
    for line in new:
        if "request" in line:
            del line["request"]["media"]
            line["v"] = 1
            encoded = base64.b64encode(PICTURE.data).decode()
            line["request"]["body"] = line["request"]["body"].replace(f"sha256:{PICTURE.digest}", encoded)
    path.write_text("\n".join(map(json.dumps, new)))
    assert base64.b64encode(PICTURE.data) in path.read_bytes()
    assert ask([Text("What?"), PICTURE], model="m", replay=str(path), speed=0).text == "A cat."
    loaded = Response.load(path)
    assert loaded.text == "A cat."
    exchange = loaded.ledger.exchanges[0]
    assert b"sha256:" in exchange.body
    assert exchange.media[PICTURE.digest].data == PICTURE.data


@pytest.mark.parametrize("suffix", [".jsonl", ".httprr"])
def test_a_saved_response_has_the_medium_and_matches(fake_server, tmp_path, suffix):
    response = asked(fake_server, Text("What?"), PICTURE, PICTURE)
    path = tmp_path / f"saved{suffix}"
    response.save(path)
    expected = 1 if suffix == ".jsonl" else 2  # httprr is the request as it was sent
    assert path.read_bytes().count(base64.b64encode(PICTURE.data)) == expected
    again = ask([Text("What?"), PICTURE, PICTURE], model="m", replay=str(path), speed=0)
    assert again.text == "A cat."


def test_a_medium_above_the_limit_is_recorded_by_its_digest_only(fake_server, tmp_path, monkeypatch):
    monkeypatch.setattr("gemini_magic.recording.jsonl._MAX_MEDIA", 4999)
    path = tmp_path / "r.jsonl"
    asked(fake_server, Text("What?"), PICTURE, record=str(path))
    assert path.stat().st_size < 4000
    assert read_recording(path)[0].media[PICTURE.digest].data is None
    assert ask([Text("What?"), PICTURE], model="m", replay=str(path), speed=0).text == "A cat."


def test_a_medium_whose_bytes_were_changed_loses_its_bytes(fake_server, tmp_path):
    path = tmp_path / "r.jsonl"
    asked(fake_server, PICTURE, record=str(path))
    changed = base64.b64encode(bytes(5000))
    path.write_bytes(path.read_bytes().replace(base64.b64encode(PICTURE.data), changed))
    assert read_recording(path)[0].media[PICTURE.digest].data is None


def test_curl_contains_small_media_and_describes_large_ones(fake_server):
    small = asked(fake_server, PICTURE).curl()
    assert base64.b64encode(PICTURE.data).decode() in small
    large = Blob("image/png", os.urandom(40_000))
    command = asked(fake_server, large).curl()
    assert len(command) < 1500
    assert command.startswith("# Replace each [type, size, sha256]")
    assert f"[image/png, 40.0 kB, sha256 {large.digest[:12]}…]" in command


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b" % (
    len(
        EVENT
        := b'data: {"candidates":[{"content":{"parts":[{"text":"A cat."}]},"finishReason":"STOP"}]}\r\n\r\n'
    ),
    EVENT,
)


@pytest.mark.parametrize("recorded", [False, True])
def test_sending_and_keeping_inline_media_needs_at_most_two_copies(tmp_path, recorded):
    blob = Blob("image/png", os.urandom(6_000_000))
    options = {"record": str(tmp_path / "r.jsonl")} if recorded else {}
    server = RawServer([[ANSWER], [ANSWER]])
    try:
        ask("warm up", base_url=server.base_url, model="m", **options)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        response = ask([Text("look"), blob], base_url=server.base_url, model="m", **options)
        command = response.curl()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        server.close()
    assert response.text == "A cat."
    assert len(command) < 2000
    # The blob itself is the first copy; a recording needs its base64 text as the second.
    assert peak < (1.5 if recorded else 0.15) * len(blob.data)
    print(f"copies beside the medium: {peak / len(blob.data):.2f} (recorded: {recorded})")


@pytest.fixture
def uploaded(upload_server, tmp_path):
    """A recorded answer about an uploaded file: the response, the file, and the recording."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(os.urandom(200_000))
    file = LocalFile(str(path), "video/mp4", 200_000, hashlib.sha256(path.read_bytes()).hexdigest())
    target = tmp_path / "r.jsonl"
    options = {"base_url": upload_server.base_url, "model": "m", "inline_limit": 0.1, "record": str(target)}
    return ask([Text("What?"), file], **options), file, target


def test_a_recording_of_an_upload_has_its_digest_and_not_its_bytes(uploaded, upload_server):
    response, file, path = uploaded
    assert response.text == "I see it."
    (stored,) = upload_server.files.values()
    assert path.stat().st_size < 4000
    (exchange,) = read_recording(path)
    assert exchange.files == {stored["uri"]: file.digest}
    assert not any(secret in path.read_text() for secret in upload_server.secrets())


@pytest.mark.parametrize("limit", [0.1, 15])
@pytest.mark.parametrize("saved", [False, True])
def test_a_replay_of_an_upload_needs_only_the_file(uploaded, upload_server, tmp_path, limit, saved):
    response, file, path = uploaded
    if saved:
        path = tmp_path / "saved.jsonl"
        response.save(path)
        Response.load(path).save(path)
    upload_server.requests.clear()
    again = ask([Text("What?"), file], model="m", replay=str(path), speed=0, inline_limit=limit)
    assert again.text == "I see it."
    assert upload_server.requests == []
    other = LocalFile(file.path, file.mime_type, file.size, "ab" * 32)
    refused = ask([Text("What?"), other], model="m", replay=str(path), speed=0, inline_limit=0.1)
    assert f'contents[0].parts[1].media = "{file.digest}"' in str(refused.error)


def test_the_journal_and_the_notebook_have_the_address_of_the_file_only(uploaded, upload_server):
    response = uploaded[0]
    (stored,) = upload_server.files.values()
    saved = json.dumps(record(response.ledger)) + response.curl()
    assert stored["uri"] in saved
    assert not any(secret in saved for secret in upload_server.secrets())
