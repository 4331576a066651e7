"""A store is private, is not opened when it cannot be trusted, and says why."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_stage import RUN, all_results, attempted, begin, digest, store_sql, wanted

from gemini_magic.errors import StoreError
from gemini_magic.row_runs import store_file
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_file import file_system_of
from gemini_magic.row_runs.values import Grant


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.rows.sqlite"


def refusal(path, opening=Store.open):
    """Return message and remedy of the error that opening raises; no lock is left."""
    with pytest.raises(StoreError) as raised:
        opening(path)
    assert not path.with_name(path.name + ".lock").exists()
    assert raised.value.remedy
    return f"{raised.value.message} {raised.value.remedy}"


def filled(path, rows=3):
    with Store.open(path) as store:
        grants = begin(store, rows)
        store.sent(grants)
        store.commit([attempted(grant) for grant in grants])
    return path


# -- what is not opened


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without users")
@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_file_beside_the_store_that_is_a_link_or_of_another_user_is_not_applied(path, monkeypatch, suffix):
    filled(path)
    beside = path.with_name(path.name + suffix)
    other = path.with_name("other")
    other.write_bytes(b"x" * 100)
    beside.symlink_to(other)
    before = path.read_bytes()
    for opening in (Store.open, Store.read):
        assert f"{beside} is a link or belongs to a user other" in refusal(path, opening)
    beside.unlink()
    beside.write_bytes(b"")
    lstat = Path.lstat

    def of_another_user(found):
        made = lstat(found)
        return os.stat_result([*made[:4], 12_345, *made[5:]]) if found == beside else made

    monkeypatch.setattr(Path, "lstat", of_another_user)
    for opening in (Store.open, Store.read):
        assert f"Move {beside.name} to another folder" in refusal(path, opening)
    assert path.read_bytes() == before
    monkeypatch.undo()
    beside.unlink()
    assert [row.status for row in all_results(Store.read(path))] == ["complete"] * 3


def test_a_file_of_another_kind_is_refused_and_left_unchanged(path):
    path.write_bytes(b"key,text\n1,hello\n" * 100)
    before = path.read_bytes()
    assert "is not a store of rows: it is not an SQLite file. Choose another file" in refusal(path)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_left_unchanged(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE row(x)")
    before = path.read_bytes()
    assert "the SQLite file of another program" in refusal(path)
    assert "the SQLite file of another program" in refusal(path, Store.read)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(path):
    filled(path)
    store_sql(path, "PRAGMA user_version=99")
    assert "was written by a newer version of gemini_magic (form 99, this version knows 1)" in refusal(path)


def test_a_damaged_store_is_refused_and_not_replaced(path):
    filled(path, 300)
    size = path.stat().st_size
    with path.open("r+b") as file:  # every page but the first
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    assert "is damaged" in refusal(path)
    assert "t.rows.sqlite .recover" in refusal(path)
    assert path.stat().st_size >= size


def test_damage_that_is_found_while_reading_is_an_error_of_the_store(path):
    filled(path, 300)
    store = Store.read(path)
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * (path.stat().st_size - 4096 * 4))
    with pytest.raises(StoreError, match="is damaged"):
        all_results(store)


def test_a_folder_and_a_path_that_cannot_be_written_are_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "cannot be opened" in refusal(Path("/proc/no/such/t.rows.sqlite"))


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("a\0b", "embedded null byte"),
        ("x" * 300, "File name too long"),
        (5, "expected str, bytes or os.PathLike object, not int"),
        ("~no-such-user-here/t.rows.sqlite", "home directory"),
        ("https://example.org/t.rows.sqlite", "is an address on the Internet, not a file"),
    ],
)
def test_a_path_that_is_not_of_a_file_is_refused(store, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for opening in (Store.open, Store.read):
        with pytest.raises(StoreError, match=reason) as raised:
            opening(store)
        assert raised.value.remedy == "Choose a file: store=NAME.rows.sqlite."
    assert list(tmp_path.iterdir()) == []


def test_reading_a_file_that_does_not_exist_creates_nothing(path):
    assert "There is no store at" in refusal(path, Store.read)
    assert not path.exists()


def test_a_store_with_triggers_is_refused(path):
    filled(path)
    store_sql(path, "CREATE TRIGGER t AFTER UPDATE ON request BEGIN DELETE FROM raw; END")
    assert "has triggers or views, which a store of rows does not have" in refusal(path)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE request ADD COLUMN x TEXT AS (hex(zeroblob(500000000)))",  # a gigabyte for each row that is read
        "ALTER TABLE row RENAME COLUMN status TO Status",
        "CREATE INDEX other ON request(length(hex(text)))",
    ],
)
def test_a_store_whose_tables_or_indexes_differ_is_refused(path, statement):
    filled(path)
    store_sql(path, statement)
    before = path.read_bytes()
    for opening in (Store.open, Store.read):
        assert "which a store of rows does not have in this form. Choose another file" in refusal(
            path, opening
        )
    assert path.read_bytes() == before


def test_a_store_with_statistics_and_tables_of_the_user_is_opened(path):
    filled(path)
    for statement in ("ANALYZE", "CREATE TABLE my_notes(x)", "VACUUM"):
        store_sql(path, statement)
    with Store.open(path) as store:
        assert store.counts() == {"complete": 3}


def test_a_file_that_lacks_a_table_is_an_error_of_the_store(path):
    filled(path)
    store_sql(path, "DROP TABLE row")
    with Store.read(path) as store, pytest.raises(StoreError, match="no such table"):
        store.counts()


# -- copies


def test_a_copy_without_its_log_is_refused_once(path, tmp_path):
    other = tmp_path / "copy.rows.sqlite"
    with Store.open(path) as store:
        grants = begin(store)
        store.commit([attempted(grant) for grant in grants])
        shutil.copy(path, other)
    message = refusal(other)
    assert "is a copy of a store that was in use, without its file -wal: its last rows are missing" in message
    assert "Copy copy.rows.sqlite-wal as well" in message
    with Store.open(other) as store:
        assert all_results(store) == []


def test_a_copy_with_its_log_is_complete(path, tmp_path):
    other = tmp_path / "copy.rows.sqlite"
    with Store.open(path) as store:
        grants = begin(store)
        store.commit([attempted(grant) for grant in grants])
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{other}{suffix}")
    with Store.open(other) as store:
        assert store.counts() == {"complete": 3}


def test_a_copy_of_a_store_that_was_not_in_use_is_opened(path, tmp_path):
    other = shutil.copy(filled(path), tmp_path / "copy.rows.sqlite")
    with Store.open(other) as store:
        assert store.counts() == {"complete": 3}


def test_a_store_whose_log_a_reader_wrote_back_after_a_kill_is_opened(path):
    filled(path)
    store_sql(path, "INSERT INTO meta VALUES ('owner', '{}'), ('inode', ?)", (path.stat().st_ino,))
    with Store.open(path) as store:
        assert store.counts() == {"complete": 3}


def test_copy_writes_a_complete_private_file_while_the_store_is_in_use(path, tmp_path):
    other = tmp_path / "copy.rows.sqlite"
    with Store.open(path) as store:
        first, second, _ = begin(store)
        store.commit([attempted(first)], [second])
        store.copy(other)
        assert other.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StoreError, match="exists already"):
            store.copy(other)
        with Store.open(other) as copy:
            assert copy.counts() == {"complete": 1, "in_doubt": 1, "waiting": 1}
            assert copy.response(first.request).text == "an answer"
        assert store.counts() == {"complete": 1, "running": 1, "waiting": 1}
    store.copy(tmp_path / "later.rows.sqlite")
    with pytest.raises(StoreError, match="cannot be"):
        store.copy("/proc/no/copy.rows.sqlite")


# -- privacy


def test_every_file_is_readable_by_its_owner_only(path):
    before = os.umask(0o000)
    try:
        with Store.open(path) as store:
            begin(store)
            files = sorted(path.parent.iterdir())
            assert [file.name.removeprefix(path.name) for file in files] == ["", "-shm", "-wal", ".lock"]
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(before)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing else is left


def test_forgetting_a_row_leaves_no_trace_of_it_on_the_disk(path):
    secret, kept = "the-secret-answer", "another-answer"
    with Store.open(path) as store:
        grants = begin(store)
        store.commit([attempted(grants[0], secret), attempted(grants[1], kept)])
        (match,) = store.retry([(grants[0].request, digest("other options"))])
        store.commit([attempted(Grant(match.request, 1, grants[0].wanted), f"{secret} again")])
        store.add([wanted(0, "another prompt")])  # the old answers stay, and must be forgotten too
        assert store.forget(b"key 0") == 3
        assert [row.key for row in all_results(store)] == [b"key 1", b"key 2"]
        assert store.match([wanted(0)])[0].request is None
        on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.suffix != ".lock")
        assert secret.encode() not in on_disk
        assert b"key 0" not in on_disk
        assert kept.encode() in on_disk
        with pytest.raises(StoreError, match="no row with this key"):
            store.forget(b"key 0")


def test_an_answer_that_another_row_shares_is_not_forgotten(path):
    with Store.open(path) as store:
        store.begin_run(RUN)
        request, _ = store.add([wanted(0, "a"), wanted(1, "a")])
        store.commit([attempted(Grant(request, 1, wanted(0, "a")), "shared")])
        assert store.forget(b"key 0") == 0
        assert [(row.key, row.text, row.shared, row.cost) for row in all_results(store)] == [
            (b"key 1", "shared", None, 0.01)
        ]


def test_a_row_that_is_being_asked_is_not_forgotten(path):
    with Store.open(path) as store:
        grant, *_ = begin(store)
        store.sent([grant])
        with pytest.raises(StoreError, match="is being asked"):
            store.forget(b"key 0")
        assert len(all_results(store)) == 3


# -- other programs


def test_other_connections_read_while_the_store_is_written(path):
    with Store.open(path) as store:
        first, second, _ = begin(store)
        store.commit([attempted(first)])
        assert store_sql(path, "SELECT status FROM request ORDER BY id") == [("complete",), (None,), (None,)]
        with Store.read(path) as reader:
            assert reader.counts() == {"complete": 1, "waiting": 2}
            with pytest.raises(StoreError, match="not open for writing"):
                reader.sent([second])
            store.commit([attempted(second)])
            store.add([wanted(3)])
            assert reader.counts() == {"complete": 2, "waiting": 2}


def test_a_reader_that_stays_does_not_stop_the_writer_and_is_mentioned(path, monkeypatch):
    monkeypatch.setattr(store_file, "_LARGE_LOG", 1 << 16)
    monkeypatch.setattr(store_file, "_CHECKPOINT", 4)
    with Store.open(path) as store, closing(sqlite3.connect(path)) as reader:
        grants = begin(store, 200)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM row").fetchone()
        for grant in grants:
            store.commit([attempted(grant)])
        (notice,) = store.take_notices()[:1]
        assert "t.rows.sqlite-wal has grown to 0 MB, because another program keeps the store open" in notice
        assert store.take_notices() == []
    assert all(row.status == "complete" for row in all_results(store))


def test_a_log_that_another_library_removed_loses_nothing(path):
    with Store.open(path) as store:
        first, second, third = begin(store)
        for number, grant in enumerate((first, second, third)):
            assert (
                store.counts().get("complete", 0) == number
            )  # with a connection for reading, which is open now
            for suffix in ("-wal", "-shm"):
                Path(f"{path}{suffix}").unlink()
            store.commit([attempted(grant)])
        (notice,) = store.take_notices()
        assert "Another library of this process has removed t.rows.sqlite-wal" in notice
        assert store.counts() == {"complete": 3}
        assert store_sql(path, "SELECT count(*) FROM request WHERE status = 'complete'") == [(3,)]
    assert store_sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_store_that_is_deleted_while_it_is_in_use_takes_no_more_requests(path):
    store = Store.open(path)
    first, second, _ = begin(store)
    moved = path.rename(path.with_name("moved"))
    with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
        store.commit([attempted(first)], [second])
    assert store.held == 1
    moved.rename(path)
    store.commit()
    assert (store.held, store.counts()) == (0, {"complete": 1, "waiting": 2})
    store.close()


# -- network drives

MOUNTS = """/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/a", "ext4"),
        ("/home/ann/a", "nfs4"),
        ("/homes/a", "ext4"),
        ("/home/local/a", "ext4"),
        ("/mnt/my share/a", "cifs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path, kind):
    assert file_system_of(Path(path), MOUNTS) == kind


def test_on_a_network_drive_one_connection_uses_a_rollback_journal(path, monkeypatch):
    filled(path)  # with a write-ahead log, on a local disk before
    monkeypatch.setattr("gemini_magic.row_runs.store.is_network_path", lambda path: True)
    with Store.open(path) as store:
        assert "is on a network drive" in store.take_notices()[0]
        assert store_file_mode(store) == ("truncate", "exclusive")
        assert {file.name.removeprefix(path.name) for file in path.parent.iterdir()} <= {
            "",
            "-journal",
            ".lock",
        }
        (grant,) = begin(store, 1)[:1]
        store.sent([grant._replace(attempt=2)])
        assert store.counts() == {"running": 1}
        store.commit([attempted(grant._replace(attempt=2), "again")])
        assert all_results(store)[0].text == "again"
        store.copy(path.with_name("copy"))
    assert all_results(store)[0].text == "again"
    with Store.open(path.with_name("copy")) as copy:
        assert copy.counts() == {"complete": 1}


def test_where_the_log_cannot_be_used_a_rollback_journal_is(path, monkeypatch):
    filled(path)
    real_open = store_file.WritableFile._open

    def open_without_shared_memory(self):
        if not self.network:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_SHMMAP"
            raise error
        return real_open(self)

    monkeypatch.setattr(store_file.WritableFile, "_open", open_without_shared_memory)
    with Store.open(path) as store:
        assert store_file_mode(store) == ("truncate", "exclusive")
        assert "other programs cannot read it until the run has ended" in store.take_notices()[0]
        assert store.counts() == {"complete": 3}


def store_file_mode(store):
    names = ("journal_mode", "locking_mode")
    return store._writer.call_outside(
        lambda db: tuple(db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    )
