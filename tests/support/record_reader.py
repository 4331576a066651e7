"""Reads the record that stays in a notebook, by its description in docs/record.md alone."""

from __future__ import annotations

import json
from itertools import accumulate
from types import SimpleNamespace


def running(differences):
    """Running totals from differences; None stays None."""
    total, found = 0, []
    for difference in differences:
        total += difference or 0
        found.append(None if difference is None else total)
    return found


def shares(text, lengths):
    """What each chunk added to a text."""
    ends = list(accumulate(lengths))
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def read_chunks(record):
    """The chunks of a record, each with t, size, kind, text, thought, finish, total and json (text, or None)."""
    columns = json.loads(record["chunks"])
    count = len(columns["t"])
    nothing = [0] * count
    texts = shares(record["text"], columns.get("text", nothing))
    thoughts = shares(record["thoughts"], columns.get("thought", nothing))
    reasons = dict(map(tuple, columns["finish"]))
    former, chunks = [[] for _ in columns["shapes"]], []
    totals = running(columns.get("total", [None] * count))
    times = [t / 1e6 for t in running(columns["t"])]
    for index in range(count):
        row, written = columns["json"][index], None
        if row is not None:
            shape, *changes = row
            pieces = columns["shapes"][shape]
            values = former[shape] or [""] * (len(pieces) - 1)
            for place, value in zip(changes[::2], changes[1::2], strict=True):
                own = {True: texts[index], False: thoughts[index]}
                is_text = isinstance(value, bool)
                values[place] = json.dumps(own[value], ensure_ascii=False) if is_text else str(value)
            former[shape] = values
            written = "".join(a + b for a, b in zip(pieces, [*values, ""], strict=True))
        chunks.append(
            SimpleNamespace(
                t=times[index],
                size=columns["size"][index],
                kind=columns["kinds"][columns["kind"][index]],
                text=texts[index],
                thought=thoughts[index],
                finish=reasons.get(index),
                total=totals[index],
                json=written,
            )
        )
    return chunks
