"""The record that stays in a notebook: what the inspector reads, without a key and within a size.

It knows the ledger and JSON. It makes no HTML and displays nothing; `docs/record.md` describes what it writes.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..diagnostics import display_notes
from ..ledger import Ledger, clean_headers, clean_url
from .record_chunks import ChunkTexts, compact, json_size, size_within
from .status import details, redacted, status_line
from .truncate import MOST

__all__ = ["RECORD", "RECORD_SIZE", "record"]

RECORD: Final = "application/vnd.gemini-stream+json"
RECORD_SIZE: Final = 2.0
"""Megabytes of a record, where nobody said how many."""

_VERSION: Final = 1
_MEGABYTE: Final = 1_000_000
_LEAST: Final = 10_000  # bytes; a smaller record would hold nothing
_MOST_CHUNKS: Final = 100_000
_MOST_NOTES: Final = 200
_MOST_ATTEMPTS: Final = 50
_WORDS: Final = 2_000  # bytes of a server's words
_MEDIA: Final = re.compile(r"[A-Za-z0-9+/_=-]{1000,}")  # base64 of a picture, say
_CAPPED: Final = 500  # bytes of the words about what is missing
_COUNTS: Final = ("prompt", "cached", "output", "thoughts", "tool", "total")


def _fitting(text: str, room: int) -> str:
    """The beginning of a text that takes at most so many bytes as JSON."""
    while text and (size := json_size(text)) > room:
        text = text[: min(len(text) - 1, len(text) * room // size)]
    return text


def _words(text: str | None) -> str | None:
    return None if text is None else _fitting(redacted(text), _WORDS)


def _start(pieces: list[str], room: int) -> tuple[str, int]:
    """The first characters of a text, and how many there are."""
    pieces = list(pieces)  # a copy first: the reader may be appending
    count, length = 0, 0
    while count < len(pieces) and length < MOST:
        length += len(pieces[count])
        count += 1
    return _fitting("".join(pieces[:count])[:MOST], room), sum(map(len, pieces))


def _differences(values: list[int | None]) -> list[int | None]:
    """Each value less the one before; what is missing stays missing and is passed over."""
    former, found = 0, list[int | None]()
    for value in values:
        found.append(None if value is None else value - former)
        former = former if value is None else value
    return found


def _columns(ledger: Ledger, count: int) -> dict[str, Any]:
    """The first chunks as columns, with room for their JSON."""
    rows = {
        column.name: list(ledger.chunk_columns.given(column.name, count))
        for column in ledger.chunk_columns.columns
        if column.name != "json"
    }
    kinds = list(dict.fromkeys(rows["kind"]))
    made: dict[str, Any] = {
        "t": _differences([round(t * 1_000_000) for t in rows["t"]]),
        "size": rows["size"],
        "kinds": kinds,
        "kind": [kinds.index(kind) for kind in rows["kind"]],
        "finish": [[at, _words(reason)] for at, reason in enumerate(rows["finish_reason"]) if reason],
    }
    for share in ("text", "thought"):
        lengths = [len(piece) for piece in rows[share]]
        made |= {share: lengths} if any(lengths) else {}
    for name in ("round", "attempt"):
        made |= {name: rows[name]} if any(rows[name]) else {}
    for name in _COUNTS:
        counts = rows[f"{name.removesuffix('s') if name == 'thoughts' else name}_tokens"]
        made |= {name: _differences(counts)} if any(one is not None for one in counts) else {}
    return made | {"shapes": [], "json": [None] * count}


def _chunks(ledger: Ledger, room: int) -> tuple[str, int, int]:
    """The chunks as JSON text; of how many there are columns, and of how many the JSON text."""
    count = min(len(ledger.raw), ledger.chunk_columns.length, _MOST_CHUNKS)
    columns = _columns(ledger, count)
    while count and (size := size_within(columns)) > room // 2:
        count = min(count - 1, count * (room // 2) // size)
        columns = _columns(ledger, count)
    texts = ChunkTexts(room - size_within(columns) - len('"shapes":[],') * 2)
    said = zip(
        *(ledger.chunk_columns.given(name, count) for name in ("json", "text", "thought")), strict=True
    )
    for raw, text, thought in said:
        texts.add(raw, text, thought)
    return compact(columns | {"shapes": texts.shapes, "json": texts.rows}), count, texts.kept


def _request(ledger: Ledger, room: int) -> tuple[dict[str, Any] | None, int]:
    """The last request that went out, and how long its body is; None when there was none."""
    if not ledger.exchanges:
        return None, 0
    exchange = ledger.exchanges[-1]
    body = exchange.body.decode("utf-8", "replace")
    body = redacted(
        _MEDIA.sub(lambda found: f"{found[0][:40]}… {len(found[0]) - 40:,} characters left out", body)
    )
    kept = {
        "method": _words(exchange.method),
        "url": _words(clean_url(exchange.url)),
        "headers": {
            name: _words(value) for name, value in list(clean_headers(exchange.headers).items())[:_MOST_NOTES]
        },
        "body": _fitting(body, room),
    }
    return kept, len(body)


def _attempts(ledger: Ledger) -> list[dict[str, Any]]:
    found = [exchange.summary() for exchange in ledger.exchanges[:_MOST_ATTEMPTS]]
    return [
        {
            **each._asdict(),
            "url": _words(clean_url(each.url)),
            "end": _words(each.end),
            "problem": _words(each.problem),
            "waited": round(each.waited, 3),
        }
        for each in found
    ]


def _notes(ledger: Ledger, room: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for note in display_notes(ledger)[:_MOST_NOTES]:
        found.append(
            {
                "kind": note.kind,
                "message": _words(note.message),
                "severity": note.severity,
                "chunk": note.chunk,
                "offset": note.offset,
            }
        )
        room -= json_size(found[-1]) + 1
        if room < 0:
            return found[:-1]
    return found


def record(ledger: Ledger, size: float | None = None) -> dict[str, Any]:
    """What an inspector needs to show an answer without a kernel.

    Args:
        ledger: the answer.
        size: megabytes that it may take, 0.01 at least; by default what the ledger says.

    Returns:
        JSON values. What was cut names itself in ``capped``, in words.
    """
    most = ledger.look.record_size if size is None else size
    room = max(_LEAST, round((RECORD_SIZE if most is None else most) * _MEGABYTE))
    told, finish = details(ledger), ledger.finish
    made: dict[str, Any] = {
        "v": _VERSION,
        "model": _words(ledger.request.model) if ledger.request else None,
        "model_version": _words(ledger.model_version),
        "response_id": _words(ledger.response_id),
        "backend": ledger.backend,
        "source": ledger.source,
        "started": ledger.started.isoformat(),
        "status": ledger.status,
        "status_line": _words(status_line(ledger)),
        "finish_reason": _words(finish.reason) if finish else None,
        "finish_message": _words(finish.message) if finish else None,
        "block_reason": _words(ledger.blocked.reason) if ledger.blocked else None,
        "details": {name: _words(word) for name, word in told._asdict().items()} if told else None,
        "usage": ledger.usage._asdict() if ledger.usage else None,
        "delay": round(ledger.delay, 6),
        "timing": {name: round(t, 6) for name, t in list(ledger.marks.items())},
        "attempts": _attempts(ledger) if room > 10 * _LEAST else [],
    }
    text, chars = _start(ledger.answer, room * 3 // 8)
    thoughts, thought_chars = _start(ledger.thoughts, room // 8)
    request, asked = _request(ledger, room // 8)
    notes = _notes(ledger, room // 16)
    count = len(ledger.raw)
    made |= {"request": request, "text": text, "thoughts": thoughts, "notes": notes}
    chunks, kept, whole = _chunks(ledger, room - json_size(made) - _CAPPED)
    made |= {"count": count, "chunks": chunks}
    made["capped"] = {
        name: f"{held:,} of {all_:,} {what}"
        for name, held, all_, what in (
            ("chunks", kept, count, "chunks"),
            ("json", whole, count, "chunks with their JSON"),
            ("text", len(text), chars, "characters"),
            ("thoughts", len(thoughts), thought_chars, "characters"),
            ("notes", len(notes), len(display_notes(ledger)), "notes"),
            ("request", len(request["body"]) if request else 0, asked, "characters of the request"),
            ("attempts", len(made["attempts"]), len(ledger.exchanges), "attempts"),
        )
        if all_ > held
    }
    return made
