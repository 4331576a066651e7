"""What the readers hand out and what they remark on: items, oddities and the list that collects them.

It does not read bytes and does not know which of the oddities matter to a user.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Anomaly", "AnomalyLog", "Item"]

DETAIL_LIMIT = 2000
# These say what the stream held, so each one counts; of the others the first one tells the story.
_EACH = frozenset({"not-json", "not-object"})


class Anomaly(NamedTuple):
    """Something on the wire that a plain reader would have stumbled over.

    Content that is no JSON object, recorded each time: ``not-json``, ``not-object`` (JSON of another kind).
    All others are recorded once, and counted: ``bom``, ``comment``, ``no-space`` (after ``data:``), ``field-event``,
    ``field-id``, ``field-retry``, ``blank-data``, ``done-marker`` (``[DONE]``), ``bare-lines`` (content without a field
    name), ``several-documents`` (on one event's lines), ``no-blank-line`` (between two documents), ``json-array``,
    ``json-object`` (a body or event of that form), ``mixed-framing`` (bare JSON, then events), ``invalid-utf8``,
    ``unterminated`` (the body ended inside an event, an object or an array).

    Attributes:
        kind: a short kebab-case word, such as ``comment`` or ``not-json``.
        offset: where in the body it was seen, in bytes from the first byte.
        detail: the text concerned, at most 2,000 characters; often empty.
    """

    kind: str
    offset: int
    detail: str = ""


class Item(NamedTuple):
    """One JSON object of the stream.

    Attributes:
        raw: the JSON text as received, valid UTF-8 (bad bytes became U+FFFD); lines of one document are
            joined with LF. NaN, Infinity and lone surrogate escapes may be inside.
        offset: where in the body the text begins, in bytes from the first byte.
        verbatim: whether the body has exactly the bytes of ``raw`` there. False when bad bytes were replaced, and
            when the text spans several lines of an event.
        event: the type that the event's ``event`` field names; None without one, for ``message`` (which is the
            default), and for bare JSON. A tolerant reader knows the field only where it precedes the data.
    """

    raw: bytes
    offset: int
    verbatim: bool = True
    event: str | None = None


class AnomalyLog:
    """Collects oddities: each piece of content that was not readable, else the first of its kind and a count."""

    def __init__(self) -> None:
        self.anomalies: list[Anomaly] = []
        self.counts: dict[str, int] = {}

    def add(self, kind: str, offset: int, detail: bytes = b"") -> None:
        """Count ``kind`` and keep it when it is the first one, or content."""
        count = self.counts.get(kind, 0)
        self.counts[kind] = count + 1
        if count == 0 or kind in _EACH:
            # A character takes four bytes at most, so this slice holds enough of them.
            text = detail[: 4 * DETAIL_LIMIT].decode("utf-8", "replace")[:DETAIL_LIMIT]
            self.anomalies.append(Anomaly(kind, offset, text))
