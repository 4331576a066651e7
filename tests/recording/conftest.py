"""The fixture of the recording tests."""

import pytest
from recording_stage import record_one


@pytest.fixture
def recorded(fake_server, tmp_path):
    """A recording of one answer with pauses, and the ledger of its stream."""
    path = tmp_path / "one.jsonl"
    return path, record_one(fake_server, path)
