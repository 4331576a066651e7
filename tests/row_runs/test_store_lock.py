"""One process at a time asks for the rows of a store."""

import os
import subprocess
import sys

import pytest
from store_stage import all_results, attempted, begin

from gemini_magic.errors import StoreError
from gemini_magic.row_runs.store import Store

HOLDER = """
import sys
from gemini_magic.row_runs.store import Store
store = Store.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.rows.sqlite"


@pytest.fixture
def holder(path):
    """A process that has the store open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_opener_in_the_same_process_is_refused(path):
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="is in use by this process since 20") as raised:
            Store.open(path)
        assert "Wait until that run has ended or stop it" in raised.value.remedy
        begin(store)  # the first one is not affected
    Store.open(path).close()


def test_a_link_to_a_store_in_use_is_refused(path, tmp_path):
    link = tmp_path / "link.rows.sqlite"
    link.symlink_to(path)
    with Store.open(path), pytest.raises(StoreError, match="is in use by this process"):
        Store.open(link)
    with Store.open(link) as store:
        assert store.path == path.resolve()


def test_another_process_is_named_and_frees_the_store_when_it_is_killed(path, holder):
    with pytest.raises(StoreError) as raised:
        Store.open(path)
    assert f"is in use by process {holder.pid} on {os.uname().nodename} since 20" in raised.value.message
    Store.read(path).close()  # reading is allowed
    holder.kill()
    holder.wait()
    with Store.open(path) as store:
        begin(store)


def test_an_owner_that_cannot_be_read_is_refused_all_the_same(path):
    with Store.open(path):
        for content in (b"", b"not json", b'["h", 1, 1e300]', b'["a\\u001b[31m", 5, 0]', b"[" * 4_000):
            path.with_name(path.name + ".lock").write_bytes(content)
            with pytest.raises(StoreError, match="is in use by") as raised:
                Store.open(path)
            assert "\x1b" not in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_neither_keeps_the_lock_nor_writes(path):
    store = Store.open(path)
    grant, *_ = begin(store)
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            with pytest.raises(StoreError, match="opened by the parent of this process"):
                store.sent([grant])
            store.close()
            os.write(ready[1], b"x")
            os.read(go[0], 1)  # it lives on while the parent closes and opens the store
            code = 0
        finally:
            os._exit(code)
    assert os.read(ready[0], 1) == b"x"
    store.commit([attempted(grant)])
    store.close()
    with Store.open(path) as again:  # the child is still alive
        assert [row.status for row in all_results(again)] == ["complete", "waiting", "waiting"]
    os.write(go[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_lock_that_is_a_link_does_not_overwrite_the_file_that_it_names(path, tmp_path, link):
    other = tmp_path / "notes.txt"
    other.write_text("keep me")
    link(other, path.with_name(path.name + ".lock"))
    with pytest.raises(StoreError, match="lock cannot be written") as raised:
        Store.open(path)
    assert raised.value.remedy.startswith("Remove that file")
    assert other.read_text() == "keep me"


def test_a_lock_that_is_a_pipe_is_refused(path):
    os.mkfifo(path.with_name(path.name + ".lock"))
    with pytest.raises(StoreError, match="lock cannot be written"):
        Store.open(path)
