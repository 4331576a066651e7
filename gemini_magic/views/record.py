"""Writes the JSON record of an answer that a notebook saves and the inspector reads.

The record contains no key and has a maximum size. `docs/record.md` describes its format.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..events import Note
from ..ledger import Ledger, asking_exchange, block_reason_of, clean_headers, clean_url
from ..media import summarize_references
from .record_chunks import ChunkTexts, compact, json_size, size_in_string
from .record_steps import record_steps
from .record_tools import record_rounds, record_runs
from .snapshot import AnswerSnapshot
from .sources import ShownSources
from .status import redact
from .steps import step_count
from .truncate import MAX_CHARACTERS

__all__ = ["RECORD", "RECORD_SIZE", "record", "write_record"]

RECORD: Final = "application/vnd.gemini-stream+json"
RECORD_SIZE: Final = 2.0
"""The default maximum size of a record, in megabytes."""

_VERSION: Final = 1
_MEGABYTE: Final = 1_000_000
_MIN_SIZE: Final = 10_000  # bytes; a smaller record would have no content
_MAX_CHUNKS: Final = 100_000
_MAX_NOTES: Final = 200
_MAX_ATTEMPTS: Final = 50
_MAX_TEXT: Final = 2_000  # bytes of a text from a server
_MEDIA: Final = re.compile(r"[A-Za-z0-9+/_=-]{1000,}")  # such as the base64 text of an image
_CAPPED_SIZE: Final = 500  # bytes reserved for the "capped" texts
_MAX_SOURCES: Final = 200
_MAX_SUGGESTIONS: Final = 20_000  # bytes of the HTML with search suggestions; a part of it would be of no use
_COUNTS: Final = ("prompt", "cached", "output", "thoughts", "tool", "total")


def _fit(text: str, room: int) -> str:
    """The beginning of a text that has at most ``room`` bytes as JSON."""
    while text and (size := json_size(text)) > room:
        text = text[: min(len(text) - 1, len(text) * room // size)]
    return text


def _clean(text: str | None) -> str | None:
    return None if text is None else _fit(redact(text), _MAX_TEXT)


def _beginning(pieces: list[str], room: int) -> tuple[str, int]:
    """The beginning of a text that fits into ``room`` bytes, and the length of the whole text."""
    pieces = list(pieces)  # a copy, because the reader thread may append
    count, length = 0, 0
    while count < len(pieces) and length < MAX_CHARACTERS:
        length += len(pieces[count])
        count += 1
    return _fit("".join(pieces[:count])[:MAX_CHARACTERS], room), sum(map(len, pieces))


def _differences(values: list[int | None]) -> list[int | None]:
    """Subtract the previous known value from each value; None stays None."""
    previous, found = 0, list[int | None]()
    for value in values:
        found.append(None if value is None else value - previous)
        previous = previous if value is None else value
    return found


def _columns(ledger: Ledger, count: int) -> dict[str, Any]:
    """The first ``count`` chunks as columns; their JSON is filled in later."""
    rows = {
        column.name: list(ledger.chunk_columns.stored(column.name, count))
        for column in ledger.chunk_columns.columns
        if column.name != "json"
    }
    kinds = list(dict.fromkeys(rows["kind"]))
    result: dict[str, Any] = {
        "t": _differences([round(t * 1_000_000) for t in rows["t"]]),
        "size": rows["size"],
        "kinds": kinds,
        "kind": [kinds.index(kind) for kind in rows["kind"]],
        "finish": [[at, _clean(reason)] for at, reason in enumerate(rows["finish_reason"]) if reason],
    }
    for share in ("text", "thought"):
        lengths = [len(piece) for piece in rows[share]]
        result |= {share: lengths} if any(lengths) else {}
    for name in ("round", "attempt"):
        result |= {name: rows[name]} if any(rows[name]) else {}
    for name in _COUNTS:
        counts = rows[f"{name.removesuffix('s') if name == 'thoughts' else name}_tokens"]
        result |= {name: _differences(counts)} if any(one is not None for one in counts) else {}
    return result | {"shapes": [], "json": [None] * count}


def _chunks(ledger: Ledger, room: int) -> tuple[str, int, int]:
    """The chunks as a JSON text, the number of chunks in its columns, and the number of chunks with their JSON."""
    count = min(len(ledger.raw), ledger.chunk_columns.length, _MAX_CHUNKS)
    columns = _columns(ledger, count)
    while count and (size := size_in_string(columns)) > room // 2:
        count = min(count - 1, count * (room // 2) // size)
        columns = _columns(ledger, count)
    texts = ChunkTexts(room - size_in_string(columns) - len('"shapes":[],') * 2)
    chunks = zip(
        *(ledger.chunk_columns.stored(name, count) for name in ("json", "text", "thought")), strict=True
    )
    for raw, text, thought in chunks:
        texts.add(raw, text, thought)
    return compact(columns | {"shapes": texts.shapes, "json": texts.rows}), count, texts.kept


def _request(ledger: Ledger, room: int) -> tuple[dict[str, Any] | None, int]:
    """The last request for an answer, or None, and the length of its body."""
    if not ledger.exchanges:
        return None, 0
    exchange = asking_exchange(ledger.exchanges)
    body = summarize_references(exchange.body.decode("utf-8", "replace"), exchange.media)
    body = redact(
        _MEDIA.sub(lambda found: f"{found[0][:40]}… {len(found[0]) - 40:,} characters left out", body)
    )
    kept = {
        "method": _clean(exchange.method),
        "url": _clean(clean_url(exchange.url)),
        "headers": {
            name: _clean(value) for name, value in list(clean_headers(exchange.headers).items())[:_MAX_NOTES]
        },
        "body": _fit(body, room),
    }
    return kept, len(body)


def _response(ledger: Ledger, room: int) -> dict[str, Any] | None:
    """The head of the response to that request, without cookies; None if none arrived."""
    exchange = asking_exchange(ledger.exchanges) if ledger.exchanges else None
    if exchange is None or exchange.status is None:
        return None
    headers: dict[str, str | None] = {}
    for name, value in list(clean_headers(exchange.response_headers).items())[:_MAX_NOTES]:
        room -= len(name) + len(value)
        if room >= 0:
            headers[redact(name)] = _clean(value)
    return {
        "version": _clean(exchange.http_version),
        "status": exchange.status,
        "reason": _clean(exchange.reason),
        "headers": headers,
    }


def _attempts(ledger: Ledger) -> list[dict[str, Any]]:
    found = [exchange.summary() for exchange in ledger.exchanges[:_MAX_ATTEMPTS]]
    return [
        {
            **each._asdict(),
            "url": _clean(clean_url(each.url)),
            "end": _clean(each.end),
            "problem": _clean(each.problem),
            "waited": round(each.waited, 3),
        }
        for each in found
    ]


def _notes(notes: list[Note], room: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for note in notes[:_MAX_NOTES]:
        found.append(
            {
                "kind": note.kind,
                "message": _clean(note.message),
                "severity": note.severity,
                "chunk": note.chunk,
                "offset": note.offset,
            }
        )
        room -= json_size(found[-1]) + 1
        if room < 0:
            return found[:-1]
    return found


def _sources(shown: ShownSources, room: int) -> dict[str, Any]:
    """The sources, the queries and the search suggestions; without what the answer does not have."""
    found: list[dict[str, Any]] = []
    for each in shown.numbered[:_MAX_SOURCES]:
        source = each.source
        row = {
            "kind": _clean(source.kind),
            "title": _clean(each.title),
            "uri": _clean(each.uri),
            "domain": _clean(each.domain),
            "license": _clean(source.license),
            "passages": len(each.passages),
        }
        room -= json_size(row) + 1
        if room < 0:
            break
        found.append({name: value for name, value in row.items() if value})
    queries = [_clean(query) for query in shown.queries if (room := room - json_size(query) - 1) > 0]
    suggestions = redact(shown.suggestions)
    fits = bool(suggestions) and json_size(suggestions) <= min(_MAX_SUGGESTIONS, room)
    result = {"sources": found, "queries": queries, "suggestions": suggestions if fits else ""}
    return {name: value for name, value in result.items() if value}


def record(ledger: Ledger, size: float | None = None) -> dict[str, Any]:
    """The record of an answer; arguments and result as in :func:`write_record`."""
    return write_record(AnswerSnapshot(ledger), size)


def write_record(snapshot: AnswerSnapshot, size: float | None = None) -> dict[str, Any]:
    """Write the record with which an inspector can show an answer without a kernel.

    Args:
        snapshot: the facts about the answer.
        size: the maximum size in megabytes, at least 0.01; the display options of the ledger decide by default.

    Returns:
        JSON values. ``capped`` describes what is incomplete.
    """
    ledger = snapshot.ledger
    most = ledger.display.record_size if size is None else size
    room = max(_MIN_SIZE, round((RECORD_SIZE if most is None else most) * _MEGABYTE))
    details, finish = snapshot.details, ledger.finish
    result: dict[str, Any] = {
        "v": _VERSION,
        "model": _clean(ledger.request.model) if ledger.request else None,
        "model_version": _clean(ledger.model_version),
        "response_id": _clean(ledger.response_id),
        "backend": ledger.backend,
        "source": ledger.source,
        "started": ledger.started.isoformat(),
        "status": snapshot.status,
        "status_line": _clean(snapshot.status_line),
        "finish_reason": _clean(finish.reason) if finish else None,
        "finish_message": _clean(finish.message) if finish else None,
        "block_reason": _clean(block_reason_of(ledger)),
        "details": {name: _clean(word) for name, word in details._asdict().items()} if details else None,
        "usage": ledger.usage._asdict() if ledger.usage else None,
        "delay": round(ledger.delay, 6),
        "timing": {name: round(t, 6) for name, t in list(ledger.marks.items())},
        "attempts": _attempts(ledger) if room > 10 * _MIN_SIZE else [],
    }
    text, chars = _beginning(ledger.answer, room * 3 // 8)
    thoughts, thought_chars = _beginning(ledger.thoughts, room // 8)
    request, asked = _request(ledger, room // 8)
    notes = _notes(snapshot.notes, room // 16)
    shown = snapshot.sources
    sources = _sources(shown, room // 8)
    rounds = record_rounds(ledger)
    if rounds:
        result |= {"rounds": rounds, "tools": record_runs(ledger, room // 8)}
    if steps := record_steps(ledger, room // 16):
        result |= {"steps": steps}
    count = len(ledger.raw)
    result |= {
        "response": _response(ledger, room // 32),
        "request": request,
        "text": text,
        "thoughts": thoughts,
        "notes": notes,
        **sources,
    }
    chunks, kept, whole = _chunks(ledger, room - json_size(result) - _CAPPED_SIZE)
    result |= {"count": count, "chunks": chunks}
    result["capped"] = _capped(snapshot, result, (kept, whole), (chars, thought_chars, asked))
    return result


def _capped(
    snapshot: AnswerSnapshot,
    result: dict[str, Any],
    chunks: tuple[int, int],
    lengths: tuple[int, int, int],
) -> dict[str, str]:
    """Describe what the record does not contain.

    Args:
        snapshot: the facts about the answer.
        result: the record.
        chunks: the number of chunks in it, and of those with their JSON.
        lengths: the characters of the whole text, of the whole thoughts, and of the request's body.
    """
    ledger, shown, count, request = snapshot.ledger, snapshot.sources, result["count"], result["request"]
    rows = (
        ("chunks", chunks[0], count, "chunks"),
        ("json", chunks[1], count, "chunks with their JSON"),
        ("text", len(result["text"]), lengths[0], "characters"),
        ("thoughts", len(result["thoughts"]), lengths[1], "characters"),
        ("sources", len(result.get("sources", ())), len(shown.numbered), "sources"),
        ("suggestions", int("suggestions" in result), int(bool(shown.suggestions)), "search suggestions"),
        ("tools", len(result.get("tools", ())), len(ledger.tool_runs), "tool runs"),
        ("steps", len(result.get("steps", ())), step_count(ledger), "steps"),
        ("notes", len(result["notes"]), len(snapshot.notes), "notes"),
        ("request", len(request["body"]) if request else 0, lengths[2], "characters of the request"),
        ("attempts", len(result["attempts"]), len(ledger.exchanges), "attempts"),
    )
    return {name: f"{held:,} of {total:,} {what}" for name, held, total, what in rows if total > held}
