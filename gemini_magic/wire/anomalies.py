"""The results of the readers: items (the JSON objects of a stream), anomalies, and the log that collects anomalies."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CONTENT_KINDS", "MAX_LOGGED", "Anomaly", "AnomalyLog", "Item"]

DETAIL_LIMIT = 2000  # characters
# Each of these describes other content, so many are logged; of the other kinds the first one is enough.
CONTENT_KINDS = frozenset({"not-json", "not-object"})
MAX_LOGGED = 100  # of each of these kinds: a hostile server can send millions


class Anomaly(NamedTuple):
    """Something in a body that a simple reader would not accept, or would read wrongly.

    Content that is not a JSON object is logged, and only counted from the 101st on: ``not-json``, ``not-object`` (JSON of
    another type). All other kinds are logged once, and counted: ``bom``, ``comment``, ``no-space`` (after ``data:``), ``field-event``,
    ``field-id``, ``field-retry``, ``blank-data``, ``done-marker`` (``[DONE]``), ``bare-lines`` (content without a field
    name), ``several-documents`` (on one event's lines), ``no-blank-line`` (between two documents), ``json-array``,
    ``json-object`` (a body or an event in this form), ``mixed-framing`` (bare JSON, then events), ``invalid-utf8``,
    ``control-character`` (a raw one in a JSON string), ``blank-line-inside`` (between the lines of one document),
    ``unterminated`` (the body ended inside an event, an object or an array).

    Attributes:
        kind: a short kebab-case identifier, such as ``comment`` or ``not-json``.
        offset: where in the body it is, in bytes from the first byte.
        detail: the text concerned, at most 2,000 characters; often empty.
    """

    kind: str
    offset: int
    detail: str = ""


class Item(NamedTuple):
    """One JSON object of the stream.

    Attributes:
        raw: the JSON text as received, but valid UTF-8 (bad bytes are replaced with U+FFFD) and with the control
            characters in strings escaped. The lines of a document are joined with LF. It may contain NaN, Infinity and
            escapes of lone surrogates.
        offset: where in the body the text begins, in bytes from the first byte.
        verbatim: whether the body has exactly the bytes of ``raw`` there. False when bytes were replaced, and
            when the text spans several lines of an event.
        event: the type that the event's ``event`` field names; None without one, for ``message`` (which is the
            default), and for bare JSON. A tolerant reader knows the field only where it precedes the data.
    """

    raw: bytes
    offset: int
    verbatim: bool = True
    event: str | None = None


class AnomalyLog:
    """Collects anomalies: the first ones of unreadable content, the first one of every other kind, and a count of each.

    Attributes:
        anomalies: in the order they were found.
        counts: how often each kind was found.
    """

    def __init__(self) -> None:
        self.anomalies: list[Anomaly] = []
        self.counts: dict[str, int] = {}

    def unlogged(self, kind: str) -> int:
        """How many anomalies of a kind that describes content were counted only."""
        return max(0, self.counts.get(kind, 0) - MAX_LOGGED)

    def add(self, kind: str, offset: int, detail: bytes = b"") -> None:
        """Count an anomaly, and log it if it is the first of its kind, or one of the first that describe content."""
        count = self.counts.get(kind, 0)
        self.counts[kind] = count + 1
        if count == 0 or (count < MAX_LOGGED and kind in CONTENT_KINDS):
            # A character takes at most four bytes, so this slice contains enough characters.
            text = detail[: 4 * DETAIL_LIMIT].decode("utf-8", "replace")[:DETAIL_LIMIT]
            self.anomalies.append(Anomaly(kind, offset, text))
