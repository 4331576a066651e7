"""Notes and errors for what the readers of a body report: their anomalies, in sentences that users read."""

from __future__ import annotations

import re

from ..backends import Backend
from ..errors import WireError
from ..events import Severity
from ..ledger import Ledger
from ..wire import Anomaly, Reader

__all__ = ["MEGABYTE", "add_wire_note", "body_too_large", "unreadable_body"]

MEGABYTE = 2**20

_MESSAGES: dict[str, tuple[Severity, str]] = {
    "bare-lines": ("warning", "Some JSON is on lines without `data:`. A strict reader would ignore it."),
    "blank-data": ("info", "An event has no data."),
    "blank-line-inside": ("warning", "A blank line interrupts the JSON of an event. The lines were joined."),
    "bom": ("info", "The body starts with a byte order mark."),
    "comment": ("info", "The stream contains comments, which servers send as keep-alives."),
    "control-character": (
        "warning",
        "A JSON string contains a raw control character, such as a line feed. It was read as if it were escaped.",
    ),
    "done-marker": ("info", "The stream contains `[DONE]`, which the Gemini API does not send."),
    "field-event": ("info", "The stream contains `event:` fields."),
    "field-id": ("info", "The stream contains `id:` fields."),
    "field-retry": ("info", "The stream contains a `retry:` field, which is ignored."),
    "invalid-utf8": ("warning", "Some bytes are not valid UTF-8. They were replaced with U+FFFD."),
    "json-array": ("info", "The server sent a JSON array, not single events."),
    "json-object": ("info", "The server sent a JSON object, not an event stream."),
    "mixed-framing": ("warning", "The body starts as plain JSON and continues as an event stream."),
    "no-blank-line": ("warning", "Events are not separated by a blank line."),
    "no-space": ("info", "There is no space after `data:`."),
    "not-json": ("error", "Some text is not JSON"),
    "not-object": ("warning", "A JSON value is not an object"),
    "several-documents": ("warning", "One event contains several JSON documents."),
    "unterminated": ("warning", "The body ends inside an event."),
}
# Text that was part of a JSON document, and not a message of a proxy or a page.
_PART_OF_DOCUMENT = re.compile(r'\A\s*[\[{]\s*["\[{]|"\s*:\s*["\[{\d]')
_MAX_QUOTED = 200  # characters of unreadable text that a message quotes


def add_wire_note(ledger: Ledger, anomaly: Anomaly) -> None:
    """Add an anomaly to the ledger's notes."""
    severity, message = _MESSAGES.get(
        anomaly.kind, ("info", f"The stream has an unknown anomaly: {anomaly.kind}.")
    )
    if anomaly.kind in ("not-json", "not-object"):
        message = f"{message}: {anomaly.detail[:_MAX_QUOTED]!r}"
    ledger.note(anomaly.kind, message, severity=severity, offset=anomaly.offset)
    if anomaly.kind == "not-json" and _PART_OF_DOCUMENT.search(anomaly.detail):
        ledger.record_loss(f"the text at byte {anomaly.offset:,} of the body is not valid JSON")


def unreadable_body(reader: Reader, backend: Backend) -> WireError | None:
    """The error for a body that holds text but no JSON; None when it holds no such text."""
    unread = next((anomaly for anomaly in reader.anomalies if anomaly.kind == "not-json"), None)
    if unread is None:
        return None
    message = backend.failure(200, unread.detail.encode()).message[:_MAX_QUOTED]
    return WireError(
        f"The server's response is not a stream: {message!r}.",
        remedy="Check --base-url and the proxy settings. Save the response to look at all bytes received.",
    )


def body_too_large(limit: int | None) -> WireError:
    """The error for a body that was not read to its end because it is too large.

    Args:
        limit: the limit in bytes; None for a recording, which does not contain it.
    """
    size = "the size limit" if limit is None else f"{limit / MEGABYTE:,g} MB"
    return WireError(
        f"The response is larger than {size}, so the rest was not read.",
        remedy="Raise the limit with --max-total MB, or continue the answer with `%gemini resume`.",
    )
