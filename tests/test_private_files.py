"""Files with prompts and answers are private to their owner."""

from __future__ import annotations

import os
import stat

import pytest
from fake_server import finish, text

import gemini_magic
from gemini_magic.private_files import make_private_folder, open_private

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
