"""Media above the limit are uploaded before the request: the exact exchange, cuts, retries, states, and what is refused."""

import base64
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from calibration import assert_soon
from client_stage import CANARY, canary, finished, until

from gemini_magic import ask
from gemini_magic.backends import backend
from gemini_magic.client import UploadedFiles, open_stream
from gemini_magic.config import Options
from gemini_magic.content import Blob, File, LocalFile, Request, Text, Turn
from gemini_magic.ledger import Ledger, Pause, Transfer, clean_headers, clean_url
from gemini_magic.recording import Recorder

SMALL = {"inline_limit": 0.1, "first_byte_timeout": 20.0}
PDF = "application/pdf"


@pytest.fixture
def local(tmp_path):
    """Makes a `LocalFile` with random content."""

    def make(size=200_000, name="scan.pdf", mime_type=PDF):
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        return LocalFile(str(path), mime_type, size, hashlib.sha256(path.read_bytes()).hexdigest())

    return make


@pytest.fixture
def small_chunks(monkeypatch, upload_server):
    """Chunks of 32 kB, as the server asks for."""
    monkeypatch.setattr("gemini_magic.client.upload._CHUNK", 32_768)
    upload_server.granularity = 16_384


@pytest.fixture
def quick(monkeypatch):
    """No waits between attempts and looks."""
    monkeypatch.setattr("gemini_magic.client.upload.backoff", lambda _: 0.01)
    monkeypatch.setattr("gemini_magic.client.upload._POLLS", (0.02,))


def start(server, *parts, dialect="gemini", uploaded=None, recorders=(), key=None, **options):
    request = Request(model="m", turns=(Turn("user", (Text("What is it?"), *parts)),))
    chosen = Options(base_url=server.base_url, key_env="TEST_KEY", **{**SMALL, **options})
    return open_stream(
        request,
        chosen,
        ledger=Ledger(request, backend=dialect),
        backend=backend(dialect),
        key=key or canary(),
        uploaded=None if uploaded is None else lambda: uploaded,
        recorders=recorders,
    )


def asked(server, *parts, **options):
    return finished(start(server, *parts, **options))


def sent_parts(server):
    body = json.loads([each for each in server.requests if each.what == "generate"][-1].body)
    return body["contents"][-1]["parts"]


def test_an_uploaded_file_is_content_of_the_interactions_api(upload_server, local):
    file = local(20_000_000)
    asked(upload_server, file, dialect="interactions")
    *uploads, last = upload_server.requests
    assert [each.what for each in uploads] == ["start", "upload", "upload", "upload"]
    assert last.path == "/v1beta/interactions"
    question, document = json.loads(last.body)["input"]
    assert question == {"type": "text", "text": "What is it?"}
    (uploaded,) = upload_server.files.values()
    assert document == {"type": "document", "uri": uploaded["uri"], "mime_type": PDF}


def test_the_exchange_is_the_documented_one(upload_server, local):
    file = local(20_000_000)
    ledger = asked(upload_server, file)
    assert (ledger.status, ledger.answer.text) == ("complete", "I see it.")
    assert upload_server.kinds() == ["start", "upload", "upload", "upload", "generate"]
    first, *chunks, last = upload_server.requests
    assert first.path == "/upload/v1beta/files"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-goog-upload-header-content-length"] == "20000000"
    assert first.headers["x-goog-upload-header-content-type"] == PDF
    meta = json.loads(first.body)["file"]
    assert meta["displayName"] == "scan.pdf"
    assert len(meta["name"]) <= len("files/") + 40
    commands = [each.headers["x-goog-upload-command"] for each in chunks]
    assert commands == ["upload", "upload", "upload, finalize"]
    assert [(each.offset, each.size) for each in chunks] == [
        (0, 2**23),
        (2**23, 2**23),
        (2**24, 20_000_000 - 2**24),
    ]
    assert [each.keyed for each in (first, *chunks, last)] == [True, False, False, False, True]
    stored = upload_server.files[meta["name"]]
    assert sent_parts(upload_server)[1] == {"fileData": {"fileUri": stored["uri"], "mimeType": PDF}}
    (note,) = [each for each in ledger.notes if each.kind == "uploaded"]
    assert note.message.startswith("scan.pdf (20.0 MB) was uploaded in ")


def test_media_within_the_limit_are_sent_inline(upload_server, local):
    asked(upload_server, local(50_000), Blob("image/png", os.urandom(50_000)))
    assert upload_server.kinds() == ["generate"]
    assert [list(part) for part in sent_parts(upload_server)] == [["text"], ["inlineData"], ["inlineData"]]


def test_the_largest_media_are_uploaded_until_the_others_are_within_the_limit(upload_server, local):
    small, medium, large = (
        local(40_000, "a.pdf"),
        Blob("image/png", os.urandom(60_000)),
        local(90_000, "c.pdf"),
    )
    asked(upload_server, small, medium, large, large)
    assert upload_server.kinds() == ["start", "upload", "generate"]
    kinds = ["text", "inlineData", "inlineData", "fileData", "fileData"]
    assert [next(iter(part)) for part in sent_parts(upload_server)] == kinds


def test_bytes_in_memory_are_uploaded_too(upload_server):
    blob = Blob("image/png", os.urandom(150_000))
    asked(upload_server, blob)
    (file,) = upload_server.files.values()
    assert (file["mimeType"], file["displayName"], file["sizeBytes"]) == (
        "image/png",
        "image (png)",
        "150000",
    )


def test_media_of_an_answer_are_sent_back_as_they_came(upload_server):
    picture = Blob("image/png", os.urandom(150_000), "signature")
    turns = (Turn("user", (Text("Draw."),)), Turn("model", (picture,)), Turn("user", (Text("Larger."),)))
    request = Request(model="m", turns=turns)
    options = Options(base_url=upload_server.base_url, **SMALL)
    finished(open_stream(request, options, ledger=Ledger(request), backend=backend("gemini")))
    assert upload_server.kinds() == ["generate"]


# -- used again


def test_the_same_content_is_not_uploaded_again(upload_server, local, tmp_path):
    known = tmp_path / "uploads.json"
    file = local()
    asked(upload_server, file, uploaded=UploadedFiles(known))
    copy = local(10, "other name.pdf")
    copy = LocalFile(file.path, PDF, file.size, file.digest)
    ledger = asked(upload_server, copy, uploaded=UploadedFiles(known))
    assert upload_server.kinds() == ["start", "upload", "generate", "generate"]
    assert [note.kind for note in ledger.notes] == ["upload-reused"]
    assert known.stat().st_mode & 0o777 == 0o600
    assert CANARY not in known.read_text()
    assert not any(secret in known.read_text() for secret in upload_server.secrets())


def test_another_key_type_or_server_does_not_use_it(upload_server, local, tmp_path):
    known = UploadedFiles(tmp_path / "uploads.json")
    file = local()
    asked(upload_server, file, uploaded=known)
    other_key = canary()._replace(value=type(canary().value)("AIzaOTHER0123456789abcdefghijklmnopqrst"))
    asked(upload_server, file, uploaded=known, key=other_key)
    asked(upload_server, LocalFile(file.path, "text/plain", file.size, file.digest), uploaded=known)
    asked(upload_server, file, uploaded=known, api_version="v1alpha", inline_limit=0.1)
    assert upload_server.kinds().count("start") == 4


def test_a_file_that_expires_soon_is_not_used(upload_server, local, tmp_path):
    upload_server.life = timedelta(minutes=10)
    known = UploadedFiles(tmp_path / "uploads.json")
    file = local()
    for _ in range(2):
        asked(upload_server, file, uploaded=known)
    assert upload_server.kinds().count("start") == 2


def test_a_file_that_the_server_has_lost_is_uploaded_again(upload_server, local, tmp_path):
    known = UploadedFiles(tmp_path / "uploads.json")
    file = local()
    asked(upload_server, file, uploaded=known)
    upload_server.files.clear()
    key = canary()._replace(forget=lambda: pytest.fail("the key is not the reason"))
    ledger = asked(upload_server, file, uploaded=known, key=key)
    assert ledger.status == "complete"
    assert upload_server.kinds()[3:] == ["generate", "start", "upload", "generate"]
    assert "upload-lost" in [note.kind for note in ledger.notes]
    asked(upload_server, file, uploaded=known)
    assert upload_server.kinds()[7:] == ["generate"]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"files": 3}', b'{"files": [1, {"name": 2}, {}]}', b"\xff"]
)
def test_a_damaged_list_of_files_is_ignored(upload_server, local, tmp_path, content):
    path = tmp_path / "uploads.json"
    path.write_bytes(content)
    assert asked(upload_server, local(), uploaded=UploadedFiles(path)).status == "complete"
    assert len(UploadedFiles(path).files()) == 1


def test_a_list_that_cannot_be_written_stops_nothing(upload_server, local, tmp_path):
    (tmp_path / "not a folder").write_text("")
    known = UploadedFiles(tmp_path / "not a folder" / "uploads.json")
    assert asked(upload_server, local(), uploaded=known).status == "complete"


# -- cuts and retries


@pytest.mark.parametrize("cut", [0, 1, 20_000, 32_767, 32_768])
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_an_upload_is_resumed_where_the_server_has_it(upload_server, local, small_chunks, quick, cut, chunk):
    for _ in range(chunk):
        upload_server.fail("upload")
    upload_server.fail("upload", cut_after=cut, lose_answer=True)
    file = local(120_000)
    assert asked(upload_server, file).status == "complete"
    kinds = upload_server.kinds()
    assert kinds.count("start") == 1
    assert kinds.count("query") == 1
    (stored,) = upload_server.files.values()
    assert stored["sizeBytes"] == "120000"
    assert base64.b64decode(stored["sha256Hash"]).decode() == file.digest


def test_a_file_whose_last_answer_was_lost_is_found_by_its_name(upload_server, local, quick):
    upload_server.fail("upload", lose_answer=True)
    assert asked(upload_server, local()).status == "complete"
    assert upload_server.kinds() == ["start", "upload", "query", "get", "generate"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("on", ["start", "upload", "query"])
def test_a_busy_server_is_asked_again(upload_server, local, quick, on, status):
    if on == "query":
        upload_server.fail("upload", status=503)
    upload_server.fail(on, status=status, message="Busy.")
    ledger = asked(upload_server, local())
    assert ledger.status == "complete"
    assert [note.kind for note in ledger.notes].count("retry") == (2 if on == "query" else 1)


def test_an_answer_without_the_upload_status_is_asked_about(upload_server, local, quick):
    upload_server.fail("upload", drop=("x-goog-upload-status",))
    assert asked(upload_server, local()).status == "complete"
    assert upload_server.kinds() == ["start", "upload", "query", "get", "generate"]


def test_an_upload_that_the_server_has_forgotten_begins_again(upload_server, local, small_chunks, quick):
    stream = None
    original = upload_server.upload
    calls = []

    def forgetful(ident):
        calls.append(ident)
        if len(calls) == 2:
            upload_server.forget_uploads()
        return original(ident)

    upload_server.upload = forgetful
    stream = start(upload_server, local(120_000))
    assert finished(stream).status == "complete"
    assert upload_server.kinds().count("start") == 2


def test_a_server_that_never_continues_is_given_up(upload_server, local, small_chunks, quick):
    for _ in range(50):
        upload_server.fail("upload", status=503, message="Busy.")
    ledger = asked(upload_server, local(120_000), retries=2)
    assert ledger.status == "error"
    assert str(ledger.error).startswith("Uploading scan.pdf failed: 503 UNAVAILABLE: Busy.")
    assert upload_server.kinds().count("upload") == 3
    assert "generate" not in upload_server.kinds()


def test_the_server_asks_to_wait(upload_server, local):
    upload_server.fail("start", status=429, message="Slow down.", headers={"Retry-After": "1"})
    stream = start(upload_server, local())
    until(lambda: isinstance(stream.ledger.pause, Pause))
    assert (stream.ledger.phase, stream.ledger.pause.attempt, stream.ledger.pause.of) == ("retrying", 2, 4)
    assert "Slow down" in stream.ledger.pause.why
    assert finished(stream).status == "complete"


@pytest.mark.parametrize(
    ("on", "status", "words", "remedy"),
    [
        ("start", 400, "Unsupported MIME type.", "--dry-run"),
        ("start", 403, "The caller does not have permission", "key"),
        ("start", 409, "Requested entity already exists", ""),
        ("start", 413, "Too large.", ""),
        ("start", 404, "Not here.", "may have no Files API"),
        ("start", 405, "Not so.", "increase --inline-limit"),
        ("upload", 400, "Bad offset.", ""),
        ("upload", 403, "No.", ""),
    ],
)
def test_a_refused_upload_ends_with_the_servers_words(upload_server, local, on, status, words, remedy):
    upload_server.fail(on, status=status, message=words)
    ledger = asked(upload_server, local())
    assert ledger.status == "error"
    assert f"Uploading scan.pdf failed: {status}" in ledger.error.message
    assert words in ledger.error.message
    assert remedy in ledger.error.remedy
    assert "generate" not in upload_server.kinds()


@pytest.mark.parametrize("mime_type", ["", "pdf", "a/b\r\nX-Injected: 1", "a/é", "\x1b[2J/x"])
def test_a_type_that_is_not_valid_is_an_error_and_is_not_sent(upload_server, mime_type):
    ledger = asked(upload_server, Blob(mime_type, os.urandom(150_000)))
    assert "is not a valid MIME type" in ledger.error.message
    assert not {"\x1b", "\r", "\n"} & set(ledger.error.message)
    assert upload_server.requests == []


def test_a_name_of_a_file_cannot_control_the_terminal(upload_server, local):
    ledger = asked(upload_server, local(name="a\x1b[2J\n\u202eb.pdf"))
    (note,) = [each.message for each in ledger.notes if each.kind == "uploaded"]
    assert note.startswith("a[2J ⟨U+202E⟩b.pdf (200 kB) was uploaded")
    meta = json.loads(upload_server.requests[0].body)["file"]
    assert meta["displayName"] == "a[2J ⟨U+202E⟩b.pdf"


# -- states


def test_a_file_that_is_processed_is_waited_for_visibly(upload_server, local, quick):
    upload_server.states = ["PROCESSING"]
    stream = start(upload_server, local(name="clip.mp4", mime_type="video/mp4"))
    until(lambda: stream.ledger.phase == "processing" and "get" in upload_server.kinds())
    upload_server.states = ["ACTIVE"]
    assert finished(stream).status == "complete"
    first, second, *looks, last = upload_server.kinds()
    assert (first, second, {*looks}, last) == ("start", "upload", {"get"}, "generate")


@pytest.mark.parametrize("looks", [0, 1])
def test_a_file_that_failed_ends_with_the_servers_words(upload_server, local, quick, looks, tmp_path):
    upload_server.states = ["PROCESSING"] * looks + ["FAILED"]
    upload_server.failure = "The codec\n\x1b[2J\u202eis unknown."
    known = UploadedFiles(tmp_path / "u.json")
    ledger = asked(upload_server, local(name="clip.mp4"), uploaded=known)
    message = ledger.error.message
    assert message == "The server could not process clip.mp4: The codec [2J⟨U+202E⟩is unknown."
    assert "convert it" in ledger.error.remedy
    assert "generate" not in upload_server.kinds()


def test_a_file_that_is_still_processed_is_waited_for_in_the_next_cell(upload_server, local, quick, tmp_path):
    known = UploadedFiles(tmp_path / "u.json")
    upload_server.states = ["PROCESSING"]
    file = local(name="clip.mp4")
    stream = start(upload_server, file, uploaded=known)
    until(lambda: stream.ledger.phase == "processing")
    stream.cancel("stop")
    upload_server.states = ["PROCESSING", "PROCESSING", "PROCESSING", "ACTIVE"]
    assert asked(upload_server, file, uploaded=known).status == "complete"
    assert upload_server.kinds().count("start") == 1


# -- what is sent and shown


def test_the_progress_grows_and_is_bytes_of_the_file(upload_server, local):
    upload_server.fail("upload", slow=2_000_000)
    stream = start(upload_server, local(1_000_000))
    seen = []
    while not stream.done:
        pause = stream.ledger.pause
        if isinstance(pause, Transfer):
            seen.append(pause.sent)
            assert (pause.name, pause.size, pause.number, pause.of) == ("scan.pdf", 1_000_000, 1, 1)
        time.sleep(0.01)
    assert seen == sorted(seen)
    assert stream.ledger.status == "complete"
    assert stream.ledger.pause is None
    assert stream.ledger.delay > 0.3


@pytest.mark.parametrize("moment", ["upload", "answer", "processing", "retry"])
def test_an_upload_stops_at_once(upload_server, local, moment):
    if moment == "upload":
        upload_server.fail("upload", slow=1_000_000)
    elif moment == "answer":
        upload_server.fail("upload", pause=30)
    elif moment == "processing":
        upload_server.states = ["PROCESSING"]
    else:
        upload_server.fail("start", status=503, headers={"Retry-After": "30"})
    stream = start(upload_server, local(8_000_000 if moment == "upload" else 200_000))
    wanted = {"processing": "processing", "retry": "retrying"}.get(moment, "uploading")
    until(lambda: stream.ledger.phase == wanted)
    time.sleep(0.1)
    began = time.perf_counter()
    stream.cancel("stop")
    assert stream.ledger.status == "interrupted"
    assert_soon(time.perf_counter() - began, 0.1)
    assert stream._reading.acquire(timeout=60)
    assert_soon(time.perf_counter() - began, 0.3)
    assert "generate" not in upload_server.kinds()


def stopped(server, medium, uploaded):
    """Stop the upload of a medium after its first chunk; returns the bytes that the server has."""
    server.fail("upload")  # without a fault, for the first chunk
    server.fail("upload", slow=20_000)
    stream = start(server, medium, uploaded=uploaded)
    until(lambda: [each.size > 0 for each in server.requests if each.what == "upload"][1:] == [True])
    stream.cancel("stop")
    assert stream._reading.acquire(timeout=60)
    (upload,) = server._uploads.values()
    until(lambda: server.requests[-1].what == "upload" and upload.received > 32_768)
    return upload


@pytest.mark.parametrize("is_known", [True, False])
def test_a_stopped_upload_continues_when_it_is_sent_again(
    upload_server, local, small_chunks, tmp_path, is_known
):
    uploaded, medium = UploadedFiles(tmp_path / "files.json"), local()
    upload = stopped(upload_server, medium, uploaded)
    if not is_known:
        upload_server.forget_uploads()
    before = len(upload_server.requests)
    ledger = asked(upload_server, medium, uploaded=uploaded)
    assert ledger.status == "complete"
    kinds = upload_server.kinds()[before:]
    offsets = [each.offset for each in upload_server.requests[before:] if each.what == "upload"]
    notes = [note.message for note in ledger.notes if note.kind == "upload-resumed"]
    if is_known:
        assert kinds[:2] == ["query", "upload"]
        assert "start" not in kinds
        assert offsets[0] >= 32_768
        assert len(notes) == 1
        assert notes[0].startswith("The upload of scan.pdf was stopped before: it continues after ")
    else:
        assert kinds[:3] == ["query", "start", "upload"]
        assert (offsets[0], notes) == (0, [])
    assert "SECRET" not in "".join(note.message for note in ledger.notes)
    assert upload.received == 200_000 or not is_known
    asked(upload_server, medium, uploaded=uploaded)
    assert upload_server.kinds().count("query") == 1


def test_a_stopped_upload_of_other_content_or_for_another_key_is_not_used(
    upload_server, local, small_chunks, tmp_path
):
    uploaded, medium = UploadedFiles(tmp_path / "files.json"), local()
    stopped(upload_server, medium, uploaded)
    asked(upload_server, local(name="other.pdf"), uploaded=uploaded)
    other_key = canary()._replace(value=type(canary().value)("AIzaOTHER0123456789abcdefghijklmnopqrst"))
    asked(upload_server, medium, uploaded=uploaded, key=other_key)
    assert "query" not in upload_server.kinds()


def test_the_total_timeout_counts_uploads(upload_server, local):
    upload_server.fail("upload", pause=30)
    ledger = asked(upload_server, local(), timeout=0.4)
    assert (ledger.status, ledger.cause) == ("stalled", "timeout")


def test_an_upload_is_read_from_the_disk_while_it_is_sent(upload_server, tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    digest = hashlib.sha256(bytes(60_000_000)).hexdigest()
    asked(upload_server, Blob("image/png", os.urandom(150_000)))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert asked(upload_server, LocalFile(str(path), PDF, 60_000_000, digest)).status == "complete"
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_the_address_of_an_upload_is_nowhere(upload_server, local, small_chunks, quick, tmp_path, caplog):
    caplog.set_level("DEBUG")
    upload_server.fail("upload", cut_after=100)
    recorder = Recorder(tmp_path / "r.jsonl")
    ledger = asked(upload_server, local(120_000), recorders=[recorder])
    upload_server.fail("upload", status=400, message="Bad upload UPLOAD at /upload?upload_id=UPLOAD&x=1")
    refused = asked(upload_server, local(120_000, "b.pdf"))
    secrets = upload_server.secrets()
    texts = [(tmp_path / "r.jsonl").read_text(), caplog.text, refused.error.message, str(refused.error)]
    texts += [each.message for one in (ledger, refused) for each in one.notes]
    for text in texts:
        assert not [hidden for hidden in (*secrets, CANARY) if hidden in text], text


def test_the_file_goes_to_the_host_of_the_api_whatever_the_server_names(upload_server, local):
    upload_server.upload_host = "192.0.2.1:9"
    assert asked(upload_server, local()).status == "complete"


@pytest.mark.parametrize("url", ["", "http://[", "mailto:x", "http://h/\x01", "//", "http://h"])
def test_an_unusable_address_of_an_upload_is_an_error(upload_server, local, url):
    upload_server.fail(
        "start", drop=("x-goog-upload-url",), headers={"X-Goog-Upload-URL": url} if url else {}
    )
    ledger = asked(upload_server, local())
    assert ledger.status == "error"
    assert "upload" not in upload_server.kinds()


@pytest.mark.parametrize("granularity", ["", "0", "-5", "x", "9" * 30, "3000", str(2**24)])
def test_any_granularity_works(upload_server, local, granularity):
    upload_server.granularity = int(granularity) if granularity in ("3000", str(2**24)) else 1
    upload_server.fail(
        "start",
        drop=("x-goog-upload-chunk-granularity",),
        headers={"X-Goog-Upload-Chunk-Granularity": granularity} if granularity else {},
    )
    assert asked(upload_server, local()).status == "complete"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"file": 1}', b'{"file": {"name": "../../x", "uri": "u"}}']
)
def test_an_answer_without_a_file_is_looked_up(upload_server, local, quick, body):
    upload_server.fail("upload", body=body)
    assert asked(upload_server, local()).status == "complete"


def test_a_file_that_was_changed_is_not_used(upload_server, local):
    file = local()
    Path(file.path).write_bytes(os.urandom(file.size))
    ledger = asked(upload_server, file)
    assert "has changed since it was attached" in ledger.error.message
    Path(file.path).write_bytes(os.urandom(10))
    assert "has changed since it was attached" in asked(upload_server, file).error.message
    Path(file.path).unlink()
    assert "cannot be read: No such file" in asked(upload_server, file).error.message
    assert "generate" not in upload_server.kinds()


def test_two_streams_upload_at_the_same_time(upload_server, local):
    streams = [start(upload_server, local(200_000, f"{n}.pdf")) for n in range(4)]
    assert [finished(each).status for each in streams] == ["complete"] * 4
    assert len(upload_server.files) == 4


def test_a_file_in_the_prompt_that_the_key_may_not_use_is_explained(upload_server):
    forgotten = []
    key = canary()._replace(forget=lambda: forgotten.append(1))
    part = File(f"{upload_server.base_url}/v1beta/files/other", PDF)
    ledger = asked(upload_server, part, key=key)
    assert ledger.error.code == 403
    assert "You do not have permission to access the File other" in ledger.error.message
    assert "The server deletes files after 48 hours" in ledger.error.remedy
    assert "`%gemini files` lists the files of this key" in ledger.error.remedy
    assert forgotten == []


def test_the_next_turn_uses_the_file_again(upload_server, local, monkeypatch):
    monkeypatch.setenv("TEST_KEY", CANARY)
    options = {"model": "m", "base_url": upload_server.base_url, "key_env": "TEST_KEY", **SMALL}
    first = ask([Text("What is it?"), local(), Blob("image/png", os.urandom(150_000))], **options)
    second = first.reply("And why?")
    assert (first.text, second.text) == ("I see it.", "I see it.")
    assert upload_server.kinds().count("start") == 2
    body = json.loads(upload_server.requests[-1].body)
    assert [next(iter(part)) for part in body["contents"][0]["parts"]] == ["text", "fileData", "fileData"]


@pytest.mark.parametrize("moment", ["upload", "processing"])
def test_ctrl_c_in_a_script_ends_it(upload_server, tmp_path, moment):
    if moment == "upload":
        upload_server.fail("upload", slow=200_000)
    else:
        upload_server.states = ["PROCESSING"]
    code = f"""
import os, gemini_magic
from gemini_magic.content import Blob
try:
    gemini_magic.ask([Blob("video/mp4", os.urandom(9_000_000))], model="m", base_url={upload_server.base_url!r},
                     inline_limit=1)
except gemini_magic.Interrupted as stopped:
    print("stopped:", stopped.response.status)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        until(lambda: ("upload" if moment == "upload" else "get") in upload_server.kinds())
        time.sleep(0.2)
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopped: interrupted\n"
        assert_soon(time.perf_counter() - began, 0.3)
        assert process.wait(60) == 0
    assert "generate" not in upload_server.kinds()


def test_logs_of_response_headers_do_not_contain_the_address_of_an_upload(caplog):
    caplog.set_level("DEBUG")
    url = b"https://h/upload?upload_id=SECRET-1&upload_protocol=resumable"
    headers = [
        (b"X-Goog-Upload-URL", url),
        (b"X-Goog-Upload-Control-URL", url),
        (b"X-GUploader-UploadID", b"SECRET-1"),
    ]
    for name in ("httpcore.http11", "httpcore.proxy", "httpx"):
        logging.getLogger(name).debug(
            "receive_response_headers.complete return_value=%r", (b"HTTP/1.1", 200, headers)
        )
    assert len(caplog.records) == 3
    assert "SECRET" not in caplog.text
    assert "X-Goog-Upload-URL" in caplog.text


def test_headers_and_addresses_of_uploads_are_redacted_in_recordings():
    names = ("X-Goog-Upload-URL", "X-Goog-Upload-Control-URL", "X-GUploader-UploadID")
    assert set(clean_headers((name, "SECRET") for name in names).values()) == {"<redacted>"}
    assert "SECRET" not in clean_url(
        "https://h/upload/v1beta/files?upload_id=SECRET&upload_protocol=resumable"
    )
