"""Rendering: the live renderer against one rendering of the whole answer, and against rendering all of it each time.

``python rendering.py KIND CHARACTERS EVERY`` measures one case; ``EVERY`` is how many chunks one paint takes.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator

import stage

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
# what comes first, what is repeated, what comes last
_LONG = {
    "list": ("", "- An item with **some** words and `code`, number {n}\n", ""),
    "table": ("| a | b |\n|--|--|\n", "| {n} | some words in a cell |\n", ""),
    "code": ("```python\n", "for i in range({n}):\n    print(i, 'and more')  # {n}\n", "```\n"),
    "paragraph": ("", "Words that go **on and on** with `code`, {n}. ", ""),
}
_PAINTS = {1: "every chunk", 12: "ten paints a second"}  # chunks of 40 characters, one each 8 ms


def markdown() -> None:
    """The live renderer against one rendering of the whole, and against rendering all of it each time."""
    stage.title("Live Markdown (CPU, and HTML sent to the page's widgets, envelopes apart)")
    for kind, size in (
        ("mixed", 10_000),
        ("mixed", 100_000),
        ("mixed", 1_000_000),
        *((k, 100_000) for k in _LONG),
    ):
        cost_budget = 12 if kind == "mixed" else 30
        for every, name in _PAINTS.items():
            rounds = 1 if size > 100_000 else min(3, stage.rounds)
            found = [stage.fresh("rendering.py", kind, size, every) for _ in range(rounds)]
            stage.tell(f"{kind}, {size:,} characters, {name}")
            stage.against("  against one rendering", stage.median(found, "cost"), cost_budget, "x")
            stage.against("  characters parsed, per character", stage.median(found, "parsed"), 12, " n")
            budget = 8 if every == 1 else 3
            stage.against("  HTML sent, per character", stage.median(found, "pieces"), budget, " n")
            stage.tell(
                f"    in {stage.median(found, 'widgets'):,.0f} widgets; rendering all of it each time would cost "
                f"{stage.median(found, 'naive'):,.0f}x and send {stage.median(found, 'naive_sent'):,.0f} n, "
                f"update_display(Markdown(all)) {stage.median(found, 'text_sent'):,.0f} n"
            )


def text_of(kind: str, size: int) -> str:
    """A text of about this size."""
    chance = random.Random(7)
    first, repeated, last = _LONG.get(kind, ("", "", ""))
    pieces, length = [first], 0
    while length < size:
        pieces.append((repeated or chance.choice(_BLOCKS)).format(n=length))
        length += len(pieces[-1])
    return "".join([*pieces, last])


def paints(text: str, every: int) -> Iterator[str]:
    """What is new in each picture: some chunks of 20 to 60 characters."""
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
    new = list(paints(text, every))
    renderer = Renderer(heal=True)
    began = time.process_time()
    for piece in new:
        renderer.feed(piece)
    renderer.close()
    cost = time.process_time() - began
    parse, parsed = parser.MD.block.parse, 0

    def counting(source: str, *rest: object) -> object:
        nonlocal parsed
        parsed += len(source)
        return parse(source, *rest)

    parser.MD.block.parse = counting
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
        # The cost of a picture grows with the text: on average half of the last one.
        "naive": len(new) / 2,
        "naive_sent": len(whole) * len(new) / 2 / len(text),
        "text_sent": len(new) / 2,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
