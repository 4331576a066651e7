"""Plain words for the oddities that the readers of the wire report.

It finds nothing odd by itself.
"""

from __future__ import annotations

from ..backends import Backend
from ..errors import WireError
from ..events import Severity
from ..ledger import Ledger
from ..wire import Anomaly, Reader

__all__ = ["MEGABYTE", "add_wire_note", "body_too_large", "unreadable_body"]

MEGABYTE = 2**20

_WORDS: dict[str, tuple[Severity, str]] = {
    "bare-lines": ("warning", "JSON stands on lines without `data:`; a strict reader would lose it."),
    "blank-data": ("info", "An event has no data."),
    "bom": ("info", "The body begins with a byte order mark."),
    "comment": ("info", "The stream holds comments (keep-alives)."),
    "done-marker": ("info", "The stream says `[DONE]`, which Gemini's own API does not."),
    "field-event": ("info", "Events carry an `event:` field."),
    "field-id": ("info", "Events carry an `id:` field."),
    "field-retry": ("info", "The server sent a `retry:` field; it is not obeyed."),
    "invalid-utf8": ("warning", "Some bytes are not UTF-8; they became U+FFFD."),
    "json-array": ("info", "The answer is a JSON array, not an event stream."),
    "json-object": ("info", "The answer is one JSON object, not an event stream."),
    "mixed-framing": ("warning", "Bare JSON is followed by events."),
    "no-blank-line": ("warning", "Events follow each other without a blank line."),
    "no-space": ("info", "`data:` is not followed by a space."),
    "not-json": ("error", "Something is not JSON"),
    "not-object": ("warning", "A JSON value is not an object"),
    "several-documents": ("warning", "One event holds several JSON documents."),
    "unterminated": ("warning", "The body ends inside an event."),
}
_SHOWN = 200  # characters of unreadable text that a note quotes


def add_wire_note(ledger: Ledger, oddity: Anomaly) -> None:
    """Put an oddity into the ledger's notes, in words."""
    severity, words = _WORDS.get(oddity.kind, ("info", f"The wire is odd: {oddity.kind}."))
    if oddity.kind in ("not-json", "not-object"):
        words = f"{words}: {oddity.detail[:_SHOWN]!r}"
    ledger.note(oddity.kind, words, severity=severity, offset=oddity.offset)


def unreadable_body(reader: Reader, backend: Backend) -> WireError | None:
    """What to say of a body that brought nothing but text that is no JSON; None when it brought no text either."""
    unread = next((oddity for oddity in reader.anomalies if oddity.kind == "not-json"), None)
    if unread is None:
        return None
    said = backend.failure(200, unread.detail.encode()).message[:_SHOWN]
    return WireError(
        f"The server's answer is not a stream: {said!r}.",
        remedy="Check --base-url and the proxy settings; the bytes are in the recording.",
    )


def body_too_large(limit: int | None) -> WireError:
    """What to say of a body that was not read on because it passed ``limit`` bytes (None: as a recording says)."""
    size = "its size limit" if limit is None else f"{limit / MEGABYTE:,g} MB"
    return WireError(
        f"The answer passed {size} and was not read on.",
        remedy="--max-total MB allows more; `%gemini resume` goes on from what arrived.",
    )
