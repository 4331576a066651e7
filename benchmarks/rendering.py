"""Rendering: the live renderer against one rendering of the whole answer.

``python rendering.py CHARACTERS EVERY`` measures one case; ``EVERY`` is how many chunks one paint takes.
"""

from __future__ import annotations

import json
import random
import sys
import time

import stage

_BLOCKS = (
    "## A heading {n}\n\n",
    "Some **bold** prose with `code`, a [link](https://example.com) and *more* of it, {n}.\n\n",
    "- one\n- two\n  - nested {n}\n\n",
    "```python\nfor i in range({n}):\n    print(i)\n```\n\n",
    "| a | b |\n|--|--|\n| {n} | x |\n\n",
)


def markdown() -> None:
    """The live renderer against one rendering of the whole."""
    stage.title("Live Markdown (CPU, and HTML sent)")
    for size in (10_000, 100_000):
        for every, cost_budget, sent_budget in ((1, 12, 8), (8, 12, 3)):
            found = [stage.fresh("rendering.py", size, every) for _ in range(min(3, stage.rounds))]
            stage.tell(f"{size:,} characters, {'every chunk' if every == 1 else f'every {every} chunks'}")
            stage.against("  against one rendering", stage.median(found, "cost"), cost_budget, "x")
            stage.against("  HTML sent, per character", stage.median(found, "sent"), sent_budget, " n")


def measure(size: int, every: int) -> None:
    from gemini_magic.markdown import Renderer, render  # noqa: PLC0415 - only in the process that measures

    chance = random.Random(7)
    text = ""
    while len(text) < size:
        text += chance.choice(_BLOCKS).format(n=len(text))
    render(text[:2000])
    began = time.process_time()
    render(text)
    once = time.process_time() - began
    renderer, sent, at, chunk = Renderer(heal=True), 0, 0, 0
    began = time.process_time()
    while at < len(text):
        step = chance.randint(20, 60)
        renderer.append(text[at : at + step])
        at += step
        chunk += 1
        if chunk % every == 0:
            sent += sum(len(op.html) for op in renderer.update())
    sent += sum(len(op.html) for op in renderer.close())
    print(json.dumps({"cost": (time.process_time() - began) / once, "sent": sent / len(text)}))


if __name__ == "__main__":
    measure(int(sys.argv[1]), int(sys.argv[2]))
