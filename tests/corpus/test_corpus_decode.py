"""Every recorded stream is decoded to exactly what its index expects, however it is cut."""

from __future__ import annotations

import pytest
from corpus_decode import decoded, normalized, read
from corpus_streams import load, readings


@pytest.mark.corpus
@pytest.mark.parametrize("recorded", load(), ids=lambda recorded: recorded.id)
def test_every_reading_decodes_to_the_expected_values(recorded):
    expected = normalized(recorded.expected)
    for label, pieces in readings(recorded.body, recorded.framing):
        assert decoded(read(pieces, recorded.status)) == expected, label
