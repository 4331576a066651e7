"""Rows whose files are too large for a request: they are uploaded first, and nothing is paid for an upload that fails."""

import os

import pytest
from client_stage import CANARY, until
from rows_stage import ask_rows, results, start_asking, statuses

TEMPLATE = "What is it? {{ image(row.p) }}"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", CANARY)
    monkeypatch.setattr("gemini_magic.client.upload.backoff", lambda _: 0.01)


@pytest.fixture
def folder(tmp_path):
    """A folder with three PDF files of 200 kB, two of which are equal, and a small one."""
    content = b"%PDF-1.7\n" + os.urandom(200_000)
    for name, data in {
        "a": content,
        "b": b"%PDF-1.7\n" + os.urandom(200_000),
        "c": content,
        "d": b"%PDF-1.7\n",
    }.items():
        (tmp_path / f"{name}.pdf").write_bytes(data)
    return tmp_path


def rows(*names):
    return [{"id": name, "p": f"{name}.pdf"} for name in names]


def given(folder, **more):
    return {"folder": folder, "concurrency": 1, **more}


def test_large_files_of_rows_are_uploaded_and_equal_ones_once(upload_server, folder):
    run = ask_rows(upload_server, rows("a", "b", "d"), TEMPLATE, inline_limit=0.1, **given(folder))
    assert statuses(run) == ["complete"] * 3
    kinds = [each.what for each in upload_server.requests]
    assert kinds == ["start", "upload", "generate", "start", "upload", "generate", "generate"]
    again = ask_rows(upload_server, rows("c"), "Again: {{ image(row.p) }}", inline_limit=0.1, **given(folder))
    assert statuses(again) == ["complete"]
    assert [each.what for each in upload_server.requests[7:]] == ["generate"]
    assert again.at["c"].text == upload_server.answer


def test_a_refused_upload_is_the_error_of_its_row_and_costs_nothing(upload_server, folder):
    upload_server.fail("start", status=400, message="No such type.")
    run = ask_rows(upload_server, rows("d", "a", "b"), TEMPLATE, inline_limit=0.1, **given(folder))
    assert statuses(run) == ["complete", "error", "complete"]
    row = results(run)[1]
    assert "No such type." in row.error
    assert (row.reason, row.cost) == ("not uploaded", None)
    assert run.progress.requests == 2
    assert statuses(run.retry()) == ["complete"] * 3


def test_a_stop_ends_an_upload(upload_server, folder):
    upload_server.fail("upload", slow=2000)
    run = start_asking(
        upload_server, rows("d", "a"), TEMPLATE, options={"inline_limit": 0.1}, **given(folder)
    )
    until(lambda: "upload" in [each.what for each in upload_server.requests])
    run.stop(now=True)
    assert run.wait(60)
    assert (run.progress.state, statuses(run)) == ("stopped", ["complete", "waiting"])
    assert run.progress.requests == 1


def test_a_file_that_the_server_has_lost_is_uploaded_when_the_row_is_asked_again(upload_server, folder):
    options = {"inline_limit": 0.1, **given(folder)}
    ask_rows(upload_server, rows("a"), TEMPLATE, **options)
    upload_server.files.clear()
    run = ask_rows(upload_server, rows("a"), "Again: {{ image(row.p) }}", **options)
    assert "permission to access the File" in run.progress.ending
    run = ask_rows(upload_server, rows("a"), "Again: {{ image(row.p) }}", **options)
    assert statuses(run) == ["complete"]
    assert [each.what for each in upload_server.requests].count("upload") == 2


def test_a_backend_without_uploads_refuses_large_files(upload_server, folder):
    run = ask_rows(
        upload_server, rows("d", "a"), TEMPLATE, backend="adaptive", inline_limit=0.1, **given(folder)
    )
    assert statuses(run)[1] == "error"
    assert "inline" in results(run)[1].error
