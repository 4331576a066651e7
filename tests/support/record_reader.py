"""Reads the record in a saved notebook, written only from the description in docs/record.md."""

from __future__ import annotations

import json
from itertools import accumulate
from types import SimpleNamespace


def running_totals(differences):
    """The running totals of differences; None stays None."""
    total, totals = 0, []
    for difference in differences:
        total += difference or 0
        totals.append(None if difference is None else total)
    return totals


def split_text(text, lengths):
    """The part of a text that each chunk added."""
    ends = list(accumulate(lengths))
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def read_chunks(record):
    """The chunks of a record, with t, size, kind, text, thought, finish, total and json (JSON text or None)."""
    columns = json.loads(record["chunks"])
    count = len(columns["t"])
    nothing = [0] * count
    texts = split_text(record["text"], columns.get("text", nothing))
    thoughts = split_text(record["thoughts"], columns.get("thought", nothing))
    reasons = dict(map(tuple, columns["finish"]))
    previous, chunks = [[] for _ in columns["shapes"]], []
    totals = running_totals(columns.get("total", [None] * count))
    times = [t / 1e6 for t in running_totals(columns["t"])]
    for index in range(count):
        row, json_text = columns["json"][index], None
        if row is not None:
            shape, *changes = row
            pieces = columns["shapes"][shape]
            values = previous[shape] or [""] * (len(pieces) - 1)
            for place, value in zip(changes[::2], changes[1::2], strict=True):
                chunk_text = {True: texts[index], False: thoughts[index]}
                is_text = isinstance(value, bool)
                values[place] = json.dumps(chunk_text[value], ensure_ascii=False) if is_text else str(value)
            previous[shape] = values
            json_text = "".join(a + b for a, b in zip(pieces, [*values, ""], strict=True))
        chunks.append(
            SimpleNamespace(
                t=times[index],
                size=columns["size"][index],
                kind=columns["kinds"][columns["kind"][index]],
                text=texts[index],
                thought=thoughts[index],
                finish=reasons.get(index),
                total=totals[index],
                json=json_text,
            )
        )
    return chunks
