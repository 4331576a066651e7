"""Files with prompts and answers are private to their owner."""

from __future__ import annotations

import io
import os
import stat

import pytest
from fake_server import finish, text

import gemini_magic
from gemini_magic import private_files
from gemini_magic.client import answer_media
from gemini_magic.private_files import make_private_folder, open_private, replace_private

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def _usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def ask(fake_server):
    def asked(**options):
        fake_server.model("m", text("secret"), finish())
        return gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, **options)

    return asked


def test_a_recording_the_text_of_an_answer_and_their_folders_are_private(ask, tmp_path):
    folder = tmp_path / "new" / "inner"
    answer = tmp_path / "answer.md"
    ask(record=str(folder / "run.jsonl"), to=str(answer))
    assert mode(folder / "run.jsonl") == mode(answer) == 0o600
    assert mode(folder) == mode(folder.parent) == 0o700


@pytest.mark.parametrize("suffix", [".jsonl", ".httprr", ".sse"])
def test_a_saved_response_is_private(ask, tmp_path, suffix):
    path = ask().save(tmp_path / "folder" / f"a{suffix}")
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_a_file_that_exists_keeps_its_mode(ask, tmp_path):
    shared, answer = tmp_path / "run.jsonl", tmp_path / "answer.md"
    for path in (shared, answer):
        path.touch()
        path.chmod(0o640)
    r = ask(record=str(shared), to=str(answer))
    assert mode(shared) == mode(answer) == 0o640
    r.save(shared)
    assert mode(shared) == 0o640


def test_a_folder_that_exists_keeps_its_mode(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    make_private_folder(folder)
    with open_private(folder / "a", "wb") as file:
        file.write(b"x")
    assert (mode(folder), mode(folder / "a")) == (0o755, 0o600)


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_private_folder(tmp_path / "file")


class NearlyFull(io.FileIO):
    """A file on a disk that takes few bytes at once."""

    def write(self, data):
        return super().write(bytes(data)[:7])


def test_a_file_is_written_whole_on_a_disk_that_takes_it_in_parts(tmp_path, monkeypatch):
    for module in (private_files, answer_media):
        monkeypatch.setattr(module, "open_private", NearlyFull)
    whole = b"0123456789" * 9
    replace_private(tmp_path / "a.json", whole)
    assert (tmp_path / "a.json").read_bytes() == whole
    monkeypatch.setattr(answer_media, "_media", lambda _: [whole])
    (written,) = answer_media.write_media(None, tmp_path / "a.md", replace=False).paths
    assert written.read_bytes() == whole
