"""The garbage collector pauses for imports, and its next run leaves out what they have made."""

import gc

import pytest

from gemini_magic.lazy import collector_paused_for_imports


@pytest.fixture
def unfrozen():
    """No object is frozen, as in a user's process; ``conftest`` freezes what is there before the first test."""
    gc.unfreeze()
    yield
    gc.freeze()


def is_young(item):
    return any(each is item for each in gc.get_objects(generation=0))


def test_what_is_imported_leaves_the_young_generation(unfrozen):
    with collector_paused_for_imports():
        assert not gc.isenabled()
        item = [[]]
        assert is_young(item)
    assert gc.isenabled()
    assert not is_young(item)
    assert gc.get_freeze_count() == 0


def test_objects_that_the_user_has_frozen_stay_frozen():
    gc.freeze()
    frozen = gc.get_freeze_count()
    with collector_paused_for_imports():
        pass
    assert gc.get_freeze_count() > frozen / 2  # some of them are freed when they are no longer needed


def test_the_collector_runs_again_after_an_import_that_failed():
    with pytest.raises(ImportError), collector_paused_for_imports():
        raise ImportError
    assert gc.isenabled()
