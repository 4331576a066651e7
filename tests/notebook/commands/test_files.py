"""The commands about uploaded files, their completion and their help."""

import json
import os
import re

import pytest
from fake_server import Script, status
from IPython.core.completer import provisionalcompleter
from IPython.lib.pretty import pretty

import gemini_magic
from gemini_magic.content import Blob, Text
from gemini_magic.errors import OptionError, ServiceError, WireError
from gemini_magic.journaling import uploaded_files
from gemini_magic.notebook.commands.files import FILE_COMMANDS


@pytest.fixture
def server(upload_server, monkeypatch):
    """A server to which three files were uploaded."""
    monkeypatch.setenv("FILE_KEY", "AIzaFILES0123456789abcdefghijklmnopqrst")
    for _ in range(3):
        parts = [Text("What?"), Blob("image/png", os.urandom(150_000))]
        assert gemini_magic.ask(parts, inline_limit=0.1, **where(upload_server)).text == "I see it."
    upload_server.requests.clear()
    return upload_server


def where(server):
    return {"backend": "gemini", "model": "m", "base_url": server.base_url, "key_env": "FILE_KEY"}


def line(server):
    return f"--backend gemini --base-url {server.base_url} --key-env FILE_KEY"


def test_list_returns_all_pages_as_a_table(cells, server):
    rows = cells(f"%gemini files list {line(server)}").result
    assert [row.name for row in rows] == list(server.files)
    assert server.kinds() == ["list", "list"]
    assert all(each.keyed for each in server.requests)
    assert (rows[0].label, rows[0].mime_type, rows[0].size, rows[0].state) == (
        "image (png)",
        "image/png",
        150_000,
        "ACTIVE",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d", rows[0].expires)
    assert "files/gm-" in pretty(rows)
    assert [row.name for row in cells(f"%gemini files {line(server)}").result] == list(server.files)


@pytest.mark.parametrize("body", ["[" * 100_000, "[1]", "<html>"], ids=["deep", "a list", "a page"])
def test_an_answer_that_is_no_list_of_files_is_an_error_with_a_remedy(fake_server, monkeypatch, body):
    monkeypatch.setenv("FILE_KEY", "AIzaFILES0123456789abcdefghijklmnopqrst")
    fake_server.route("/v1beta/files", Script([status(200, body=body)]))
    with pytest.raises(WireError, match="not a JSON object") as raised:
        gemini_magic.files.list(**where(fake_server))
    assert raised.value.remedy == "Check --base-url."


def test_a_server_without_files(cells, upload_server, monkeypatch):
    monkeypatch.setenv("FILE_KEY", "AIzaFILES0123456789abcdefghijklmnopqrst")
    cells(f"%gemini files list {line(upload_server)}")
    assert cells.shown == "The server has no files of this key.\n"
    cells(f"%gemini files delete all {line(upload_server)}")
    assert cells.shown == "Deleted 0 files.\n"


def test_show_prints_the_state_of_a_file(cells, server):
    name = next(iter(server.files))
    for text in (name, name.removeprefix("files/"), server.files[name]["uri"]):
        cells(f"%gemini files show {text} {line(server)}")
        lines = dict(each.split(None, 1) for each in cells.shown.splitlines())
        assert (lines["file"], lines["state"], lines["size"]) == (name, "ACTIVE", "150 kB")
        assert re.search(r"in 4[78]\.\d h$", lines["expires"])
        assert lines["address"] == server.files[name]["uri"]


def test_hostile_words_of_a_server_cannot_control_the_terminal(cells, server):
    name = next(iter(server.files))
    server.files[name] |= {
        "displayName": "a\x1b[2J\nb\u202ec",
        "mimeType": "x\r\ny",
        "error": {"message": "\x07!"},
    }
    cells(f"%gemini files show {name} {line(server)}")
    assert "a [2J b⟨U+202E⟩c" in cells.shown.replace("a[2J", "a [2J")
    rows = cells(f"%gemini files list {line(server)}").result
    for shown in (cells.shown, pretty(rows), json.dumps([row.label for row in rows])):
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(shown)


def test_delete_removes_a_file_and_forgets_it(cells, server):
    first, *others = server.files
    assert len(uploaded_files().files()) == 3
    cells(f"%gemini files delete {first} {line(server)}")
    assert cells.shown == f"Deleted {first}.\n"
    assert list(server.files) == others
    assert first not in [each.name for each in uploaded_files().files()]
    cells(f"%gemini files delete all {line(server)}")
    assert cells.shown == "Deleted 2 files.\n"
    assert server.files == {}
    assert uploaded_files().files() == []


def test_forget_needs_no_server_and_the_content_is_uploaded_again(cells, server):
    cells("%gemini files forget")
    assert cells.shown.startswith("Forgot 3 uploaded files. The server still has what it has")
    assert server.requests == []
    assert uploaded_files().files() == []
    cells("%gemini files forget all")
    assert cells.shown.startswith("Forgot 0 uploaded files.")


def test_forget_one_file(cells, server):
    first, *others = server.files
    cells(f"%gemini files forget {first}")
    assert cells.shown.startswith("Forgot 1 uploaded file.")
    assert [each.name for each in uploaded_files().files()] == others


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("lst", "Unknown command: %gemini files lst"),
        ("show", "`%gemini files show` requires the id of one file."),
        ("show a b", "but got 'a b'"),
        ("delete", "requires the id of one file"),
        ("list x", "`%gemini files list` accepts no further arguments, but got 'x'."),
        ("forget a b", "requires the id of one file, but got 'a b'"),
        ("show ../etc", "is not the id of a file"),
        ("show a?b=1", "is not the id of a file"),
    ],
)
def test_a_wrong_line_is_an_error_and_sends_nothing(cells, server, command, message):
    error = cells.error(f"%gemini files {command.replace('../etc', '..%2fetc')} {line(server)}")
    assert isinstance(error, OptionError)
    assert message in error.message
    assert server.requests == []


def test_a_file_of_another_project_is_explained(cells, server):
    error = cells.error(f"%gemini files show files/other {line(server)}")
    assert isinstance(error, ServiceError)
    assert "The server deletes files after 48 hours" in error.remedy
    assert error.code == 403


@pytest.mark.parametrize(
    ("dialect", "remedy"), [("vertex", "gs://BUCKET/OBJECT"), ("gateway", "--inline-limit"), ("echo", "")]
)
def test_a_backend_without_files(cells, dialect, remedy):
    error = cells.error(f"%gemini files list --backend {dialect}")
    assert error.message == f"The {dialect} backend has no files."
    assert remedy in error.remedy


def test_help_names_all_commands(cells):
    cells("%gemini help files")
    assert set(re.findall(r"`(\w+)", cells.shown)) == set(FILE_COMMANDS)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%gemini files ", set(FILE_COMMANDS)),
        ("%gemini files de", {"delete"}),
        ("%gemini files list ", set()),
        ("%gemini files list --base", {"--base-url"}),
    ],
)
def test_commands_are_completed(cells, code, expected):
    with provisionalcompleter():
        assert {each.text for each in cells.shell.Completer.completions(code, len(code))} == expected


def test_the_ids_of_uploaded_files_are_completed(cells, server):
    with provisionalcompleter():
        for code, extra in (("%gemini files show ", set()), ("%gemini files delete ", {"all"})):
            found = {each.text for each in cells.shell.Completer.completions(code, len(code))}
            assert found == {*server.files, *extra}


def test_the_python_functions(server):
    rows = gemini_magic.files.list(**where(server))
    assert len(rows) == 3
    gemini_magic.files.delete(rows[0].name, **where(server))
    assert len(gemini_magic.files.list(**where(server))) == 2
    assert gemini_magic.files.forget(rows[1].name) == 1
    assert gemini_magic.files.forget() == 1
