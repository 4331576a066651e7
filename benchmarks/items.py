"""Items: the objects of a JSON array that grows in small pieces, compared with one parse of the whole text.

``python items.py KIND`` measures one case.
"""

from __future__ import annotations

import json
import sys
import time

import harness

_ROWS = 950
_PIECE = 40  # characters
_BUDGET = 50  # milliseconds
_KINDS = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "indented": {"indent": 2},
    "escaped": {},
}


def items() -> None:
    """The items of a JSON array of 380,000 characters that arrives in pieces of 40, read and checked (CPU)."""
    harness.print_title("Items of a growing JSON array (CPU)")
    for kind in _KINDS:
        results = [harness.run_script("items.py", kind) for _ in range(min(3, harness.rounds))]
        size = round(harness.median(results, "characters"))
        harness.print_line(f"{kind}, {_ROWS} items, {size:,} characters in pieces of {_PIECE}")
        harness.check_budget("  cut out of the text", harness.median(results, "cut"), _BUDGET, " ms")
        harness.print_line(
            f"    cut, decoded, checked and loaded: {harness.median(results, 'loaded'):.0f} ms; "
            f"one json.loads of the whole text: {harness.median(results, 'whole'):.0f} ms"
        )


def text_of(kind: str) -> str:
    """An array of objects with quotes, brackets, escapes and nested values."""
    words = 'She said "hi" \\ {x} [y], \U0001f600 é ' * 7
    rows = [
        {"id": n, "name": f"item {n}", "tags": ["a", "b]"], "more": {"x": [1, 2, {"y": None}]}, "text": words}
        for n in range(_ROWS)
    ]
    return json.dumps(rows, **_KINDS[kind])


def _best(work) -> float:
    """The CPU time of the fastest of three calls, in milliseconds."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - began))
    return min(taken)


def measure(kind: str) -> None:
    """Print the figures of one kind of text."""
    from gemini_magic.schema import ItemLog, as_schema  # noqa: PLC0415 - only in the process that measures
    from gemini_magic.schema.row_cutter import RowCutter  # noqa: PLC0415 - the same

    text = text_of(kind)
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    schema = as_schema("list[id int, name, tags list[str], more dict[str, any], text]")

    def cut() -> None:
        cutter = RowCutter()
        for piece in pieces:
            cutter.feed(piece)

    def load() -> None:
        log, source = ItemLog(schema), []
        for piece in pieces:
            source.append(piece)
            log.read(source, ended=False)
        if len(log.items) != _ROWS:
            raise RuntimeError("items are missing")

    figures = {"characters": len(text), "cut": _best(cut), "loaded": _best(load)}
    print(json.dumps(figures | {"whole": _best(lambda: json.loads(text))}))


if __name__ == "__main__":
    measure(sys.argv[1])
