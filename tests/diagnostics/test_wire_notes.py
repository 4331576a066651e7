"""What users read about the anomalies of a body, and about a body that cannot be read."""

from __future__ import annotations

import re

import pytest

from gemini_magic.backends import backend
from gemini_magic.diagnostics import add_wire_note, body_too_large, unreadable_body
from gemini_magic.ledger import Ledger
from gemini_magic.wire import Anomaly, Reader

KINDS = re.findall(r"``([a-z0-9]+(?:-[a-z0-9]+)*)``", (Anomaly.__doc__ or "").partition("Attributes:")[0])


def message(kind, detail=""):
    ledger = Ledger()
    add_wire_note(ledger, Anomaly(kind, 7, detail))
    (note,) = ledger.notes
    assert (note.kind, note.offset) == (kind, 7)
    return note.message


def test_the_documentation_of_anomalies_lists_their_kinds():
    assert len(KINDS) > 15
    assert {"bom", "comment", "not-json", "unterminated"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence(kind):
    shown = message(kind, "<p>")
    assert "unknown anomaly" not in shown
    assert shown.endswith(": '<p>'" if kind in ("not-json", "not-object") else ".")
    assert shown[0].isupper()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("comment", "The stream contains comments, which servers send as keep-alives."),
        ("done-marker", "The stream contains `[DONE]`, which the Gemini API does not send."),
        ("no-blank-line", "Events are not separated by a blank line."),
        ("invalid-utf8", "Some bytes are not valid UTF-8. They were replaced with U+FFFD."),
        ("new", "The stream has an unknown anomaly: new."),
    ],
)
def test_messages(kind, expected):
    assert message(kind) == expected


def test_text_that_is_not_json_is_quoted_and_shortened():
    assert message("not-json", "x" * 300) == f"Some text is not JSON: {'x' * 200!r}"


def test_a_page_in_place_of_a_stream_is_an_error_that_quotes_it():
    reader = Reader()
    reader.feed(b"upstream connect error")
    reader.close()
    error = unreadable_body(reader, backend("gemini"))
    assert error is not None
    assert str(error).startswith("The server's response is not a stream: 'upstream connect error'.")
    assert "--base-url" in error.remedy
    assert unreadable_body(Reader(), backend("gemini")) is None


def test_a_body_that_is_too_large():
    assert body_too_large(2**20).message == "The response is larger than 1 MB, so the rest was not read."
    assert (
        body_too_large(None).message
        == "The response is larger than the size limit, so the rest was not read."
    )
    assert "--max-total" in body_too_large(None).remedy
