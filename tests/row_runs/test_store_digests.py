from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_digests import _GROUP


def test_a_digest_is_kept_for_the_state_of_a_file_without_its_name(tmp_path):
    path = tmp_path / "t.rows.sqlite"
    state = ("/home/me/Ärger\udcff.png", 5, 10**18)
    with Store.open(path) as store:
        assert store.digests.get(state) is None
        store.digests.put(state, b"d" * 32)
        assert store.digests.get(state) == b"d" * 32
        store.digests.flush()
    assert b"home" not in path.read_bytes()
    with Store.open(path) as store:
        assert store.digests.get(state) == b"d" * 32
        assert store.digests.get((state[0], 6, state[2])) is None


def test_many_digests_are_written_in_groups_and_a_closed_store_loses_none_of_them(tmp_path):
    path = tmp_path / "t.rows.sqlite"
    store = Store.open(path)
    for number in range(_GROUP):
        store.digests.put(("a", number, 0), b"d" * 32)
    store.close()
    assert store.digests.get(("a", 0, 0)) == b"d" * 32
    store.digests.put(("b", 0, 0), b"e" * 32)
    store.digests.flush()  # the store is not open for writing, and that is no error
    assert Store.read(path).digests.get(("b", 0, 0)) is None
