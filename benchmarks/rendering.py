"""Rendering: the live renderer compared with one rendering of the whole answer, and with a full rendering per update.

``python rendering.py KIND CHARACTERS EVERY`` measures one case; ``EVERY`` is the number of chunks per update.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator

import harness

_BLOCKS = (
    "## A heading {n}\n\n",
    (
        "Some **bold** prose with `code`, a [link](https://example.com) and *more* of it, {n}. Most of an answer is "
        "prose that has no markup at all, sentence after sentence.\n\n"
    ),
    "- one\n- two\n  - nested {n}\n\n",
    "```python\nfor i in range({n}):\n    print(i)\n```\n\n",
    "| a | b |\n|--|--|\n| {n} | x |\n\n",
)
# start of the text, repeated part, end
_LONG = {
    "list": ("", "- An item with **some** words and `code`, number {n}\n", ""),
    "table": ("| a | b |\n|--|--|\n", "| {n} | some words in a cell |\n", ""),
    "code": ("```python\n", "for i in range({n}):\n    print(i, 'and more')  # {n}\n", "```\n"),
    "paragraph": ("", "Words that go **on and on** with `code`, {n}. ", ""),
}
# chunks per update: label; a chunk has 40 characters on average, and one arrives every 8 ms
_UPDATES = {1: "one update per chunk", 12: "ten updates per second"}


def markdown() -> None:
    """The live renderer compared with one rendering of the whole answer, and with a full rendering per update."""
    harness.print_title("Live Markdown (CPU; HTML sent to the widgets of the page, without message headers)")
    for kind, size in (
        ("mixed", 10_000),
        ("mixed", 100_000),
        ("mixed", 1_000_000),
        *((k, 100_000) for k in _LONG),
    ):
        cost_budget = 12 if kind == "mixed" else 30
        for every, name in _UPDATES.items():
            rounds = 1 if size > 100_000 else min(3, harness.rounds)
            results = [harness.run_script("rendering.py", kind, size, every) for _ in range(rounds)]
            harness.print_line(f"{kind}, {size:,} characters, {name}")
            harness.check_budget("  live / one rendering", harness.median(results, "cost"), cost_budget, "x")
            harness.check_budget("  parsed / length", harness.median(results, "parsed"), 12, "x")
            budget = 8 if every == 1 else 3
            harness.check_budget("  HTML sent / length", harness.median(results, "pieces"), budget, "x")
            harness.print_line(
                f"    {harness.median(results, 'widgets'):,.0f} widgets. A full rendering per update: "
                f"{harness.median(results, 'full_cost'):,.0f}x the CPU, "
                f"{harness.median(results, 'full_sent'):,.0f}x the length sent; "
                f"update_display(Markdown(all)): {harness.median(results, 'text_sent'):,.0f}x the length sent"
            )


def text_of(kind: str, size: int) -> str:
    """A Markdown text of this kind, with at least ``size`` characters."""
    chance = random.Random(7)
    first, repeated, last = _LONG.get(kind, ("", "", ""))
    pieces, length = [first], 0
    while length < size:
        pieces.append((repeated or chance.choice(_BLOCKS)).format(n=length))
        length += len(pieces[-1])
    return "".join([*pieces, last])


def updates(text: str, every: int) -> Iterator[str]:
    """The new text of each update: ``every`` chunks of 20 to 60 characters."""
    chance = random.Random(7)
    at = 0
    while at < len(text):
        step = sum(chance.randint(20, 60) for _ in range(every))
        yield text[at : at + step]
        at += step


def measure(kind: str, size: int, every: int) -> None:
    """Print the figures of one case."""
    from gemini_magic.markdown import Renderer, parser, render  # noqa: PLC0415 - only in the process that measures
    from gemini_magic.views.live_pieces import LivePieces  # noqa: PLC0415 - as above

    text = text_of(kind, size)
    render(text[:2000] + "\n```python\nx\n```\n")  # loads the lexers
    began = time.process_time()
    whole = render(text)
    once = time.process_time() - began
    new = list(updates(text, every))
    renderer = Renderer(heal=True)
    began = time.process_time()
    for piece in new:
        renderer.feed(piece)
    renderer.close()
    cost = time.process_time() - began
    parse, parsed = parser.MD.block.parse, 0

    def counting_parse(source: str, *rest: object) -> object:
        nonlocal parsed
        parsed += len(source)
        return parse(source, *rest)

    parser.MD.block.parse = counting_parse
    source: list[str] = []
    pieces, shown = LivePieces(source), 0
    for piece in new:
        source.append(piece)
        shown += sum(len(pieces.html[index]) for index in pieces.step())
    figures = {
        "cost": cost / once,
        "parsed": parsed / len(text),
        "pieces": shown / len(text),
        "widgets": len(pieces.html),
        # The cost of an update grows with the text: on average half the cost of the last update.
        "full_cost": len(new) / 2,
        "full_sent": len(whole) * len(new) / 2 / len(text),
        "text_sent": len(new) / 2,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
