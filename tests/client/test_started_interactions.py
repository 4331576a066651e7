"""The list of interactions that were started from this computer."""

import json
import os
import stat
import time

import pytest

from gemini_magic.client.started_interactions import StartedInteraction, StartedInteractions
from gemini_magic.options import Options

NOW = time.time()


def started(number=0, **fields):
    values = {
        "id": f"v1_{number}",
        "name": "deep-research",
        "is_agent": True,
        "background": True,
        "status": "in_progress",
        "started": NOW + number,
        "question": "Why?",
        "server": {"backend": "interactions"},
    }
    return StartedInteraction(**{**values, **fields})


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return StartedInteractions(tmp_path / "new" / "interactions" if request.param == "folder" else None)


def test_the_newest_interaction_comes_first(store):
    for number in (1, 3, 2):
        assert store.add(started(number)) == ""
    assert [each.id for each in store.all()] == ["v1_3", "v1_2", "v1_1"]
    assert store.find("v1_2") == started(2)
    assert store.find("v1_9") is None


def test_the_status_is_replaced(store):
    store.add(started())
    store.set_status("v1_0", "completed")
    store.set_status("unknown", "completed")
    assert [each.status for each in store.all()] == ["completed"]


def test_removed_interactions_are_forgotten(store):
    for number in range(3):
        store.add(started(number))
    store.remove(["v1_0", "v1_2", "unknown"])
    assert [each.id for each in store.all()] == ["v1_1"]


def test_what_the_server_has_deleted_by_now_is_not_listed(store):
    store.add(started(started=NOW - 61 * 86_400))
    store.add(started(1))
    assert [each.id for each in store.all()] == ["v1_1"]


def test_a_question_is_kept_as_one_short_line(store):
    store.add(started(question="a\n\x1b[2Jb" + "c" * 1000))
    question = store.all()[0].question
    assert len(question) == 160
    assert not {"\n", "\x1b"} & set(question)


def test_two_kernels_do_not_overwrite_each_other(tmp_path):
    first, second = StartedInteractions(tmp_path), StartedInteractions(tmp_path)
    first.add(started(1))
    second.add(started(2))
    first.set_status("v1_2", "completed")
    assert [(each.id, each.status) for each in second.all()] == [
        ("v1_2", "completed"),
        ("v1_1", "in_progress"),
    ]


def test_an_id_cannot_choose_the_path_of_its_file(tmp_path):
    folder = tmp_path / "interactions"
    store = StartedInteractions(folder)
    for name in ("../../evil", "a/b", "C:\\x", "\x00", "\ud800", "x" * 1500):
        assert store.add(started(id=name)) == ""
        assert store.find(name) is not None
    assert sorted(tmp_path.rglob("*.json")) == sorted(folder.glob("*.json"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_files_are_private(tmp_path):
    folder = tmp_path / "interactions"
    StartedInteractions(folder).add(started())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_damaged_files_are_left_out(tmp_path):
    store = StartedInteractions(tmp_path)
    store.add(started())
    good = started()._asdict()
    bad = [
        "",
        "[",
        "[]",
        "null",
        "[" * 20_000,
        json.dumps({**good, "id": ""}),
        json.dumps({**good, "id": 3}),
        json.dumps({**good, "background": "yes"}),
        json.dumps({**good, "server": []}),
        json.dumps({**good, "server": {"backend": 3}}),
        json.dumps({**good, "started": "soon"}),
        json.dumps({**good, "started": float("inf")}),
        json.dumps({**good, "name": "x" * 3000}),
        json.dumps({name: value for name, value in good.items() if name != "status"}),
    ]
    for number, text in enumerate(bad):
        (tmp_path / f"bad{number}.json").write_text(text)
    assert store.all() == [started()]


def test_options_that_do_not_select_a_server_are_dropped_when_a_file_is_read(tmp_path):
    store = StartedInteractions(tmp_path)
    store.add(started(server={"backend": "interactions", "replay": "/etc/passwd"}))
    assert store.all()[0].server == {"backend": "interactions"}


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    store = StartedInteractions(tmp_path / "file" / "interactions")
    assert store.add(started()) != ""
    assert store.all() == []


def test_only_so_many_files_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("gemini_magic.client.started_interactions._MOST", 3)
    store = StartedInteractions(tmp_path)
    for number in range(5):
        store.add(started(number))
        os.utime(
            next(path for path in tmp_path.iterdir() if f"v1_{number}" in path.read_text()),
            (number, NOW + number),
        )
    assert [each.id for each in store.all()] == ["v1_4", "v1_3", "v1_2"]


def test_the_options_of_a_server_hold_no_key(monkeypatch):
    options = Options(
        backend="interactions", base_url="http://localhost:1", key_env="MY_KEY", system="secret"
    )
    assert StartedInteractions.server_of(options) == {
        "backend": "interactions",
        "base_url": "http://localhost:1",
        "key_env": "MY_KEY",
    }


def test_words_of_a_hostile_server_stay_small(tmp_path):
    store = StartedInteractions(tmp_path)
    assert store.add(started(id="x" * 5000)) == "its id is too long"
    assert store.add(started(status="busy\n" * 5000)) == ""
    assert len(store.all()[0].status) == 100
    store.set_status("v1_0", "x" * 5000)
    assert store.all()[0].status == "x" * 100
