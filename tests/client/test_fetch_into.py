"""A response that is written into a file, and a file that is uploaded without a stream."""

from __future__ import annotations

import hashlib
import io

import pytest
from batch_server import BatchServer

from gemini_magic.backends import HttpRequest, backend
from gemini_magic.client import Key, Secret, fetch_into, upload_file
from gemini_magic.content import LocalFile
from gemini_magic.errors import OptionError, ServiceError, WireError
from gemini_magic.options import Options

CANARY = "AIza-fetch-canary-0123456789"


@pytest.fixture
def server():
    with BatchServer() as server:
        server.contents["files/a"] = b"line\n" * 1000
        yield server


def fetch(server, file, name="files/a", **limits):
    options = Options(base_url=server.base_url, key_env="FAKE")
    url = f"{server.base_url}/v1beta/{name}:download?alt=media"
    http = HttpRequest("GET", url, (("accept", "*/*"),), b"")
    key = Key(Secret(CANARY), "a test")
    fetch_into(file, http, backend("gemini"), options, key, **{"max_size": 10_000, **limits})


def test_the_body_replaces_what_was_in_the_file(server):
    file = io.BytesIO(b"old" * 10_000)
    fetch(server, file)
    assert file.tell() == 0
    assert file.read() == b"line\n" * 1000


def test_a_body_above_the_limit_is_refused(server):
    with pytest.raises(WireError, match="larger than"):
        fetch(server, io.BytesIO(), max_size=100)


def test_an_error_of_the_server_is_raised_with_its_message(server):
    server.fail("download", status=403, message=f"No. {CANARY}")
    with pytest.raises(ServiceError, match="No") as caught:
        fetch(server, io.BytesIO())
    assert CANARY not in str(caught.value)


def local_file(tmp_path, content):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    return LocalFile(str(path), "application/jsonl", len(content), hashlib.sha256(content).hexdigest())


def test_a_file_is_uploaded_and_its_progress_reported(server, tmp_path):
    sent = []
    server.states = ["PROCESSING", "ACTIVE"]
    options = Options(base_url=server.base_url, key_env="FAKE")
    file = upload_file(
        local_file(tmp_path, b"x" * 200_000), backend("gemini"), options, None, on_progress=sent.append
    )
    assert server.contents[file.name] == b"x" * 200_000
    assert sent[0] == 0


def test_an_upload_that_is_cut_continues(server, tmp_path):
    server.fail("upload", cut_after=100_000)
    options = Options(base_url=server.base_url)
    file = upload_file(local_file(tmp_path, b"y" * 200_000), backend("gemini"), options, None)
    assert server.contents[file.name] == b"y" * 200_000


def test_a_backend_without_files_refuses_an_upload(tmp_path):
    with pytest.raises(OptionError, match="no files"):
        upload_file(local_file(tmp_path, b"x"), backend("vertex"), Options(), None)
