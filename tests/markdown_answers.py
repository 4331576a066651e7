"""Long texts like those a model writes, made of a few paragraphs with everyday constructs, for cost tests."""

from __future__ import annotations

import random

WORDS = [
    "the",
    "model",
    "reads",
    "each",
    "line",
    "once",
    "and",
    "keeps",
    "what",
    "it",
    "has",
    "seen",
    "so",
    "that",
    "a",
    "later",
    "step",
    "can",
    "decide",
    "which",
    "part",
    "of",
    "the",
    "answer",
    "is",
    "finished",
    "while",
    "more",
    "tokens",
    "arrive",
    "over",
    "the",
    "network",
    "and",
    "nobody",
    "has",
    "to",
    "wait",
    "for",
    "the",
    "whole",
    "text",
]


def _sentence(chance: random.Random) -> str:
    words = [chance.choice(WORDS) for _ in range(chance.randint(6, 16))]
    mark = chance.choice(["", "", "**{}**", "*{}*", "`{}()`", "[{}](https://example.org/docs)"])
    if mark:
        at = chance.randrange(len(words))
        words[at] = mark.format(words[at])
    return " ".join(words).capitalize() + "."


def _paragraph(chance: random.Random) -> str:
    return " ".join(_sentence(chance) for _ in range(chance.randint(2, 4)))


def _list(chance: random.Random) -> str:
    mark = chance.choice(["- ", "* ", "1. "])
    return "\n".join(mark + _sentence(chance) for _ in range(chance.randint(3, 8)))


def _table(chance: random.Random) -> str:
    rows = [" | ".join(chance.sample(WORDS, 3)) for _ in range(chance.randint(2, 7))]
    return "\n".join(f"| {row} |" for row in [rows[0], "--- | :-: | ---", *rows[1:]])


def _code(chance: random.Random) -> str:
    lines = []
    for _ in range(chance.randint(2, 5)):
        name, other = chance.sample(WORDS, 2)
        lines += [
            f"def {name}_{other}(value: int) -> str:",
            f'    """{other}"""',
            f"    return str(value) + '{name}'",
            "",
        ]
    return "```python\n" + "\n".join(lines) + "```"


def answer(length: int, seed: int = 1) -> str:
    """Return a text of exactly ``length`` characters."""
    chance = random.Random(seed)
    blocks: list[str] = []
    total = 0
    while total < length:
        kind = chance.choice([_paragraph, _paragraph, _paragraph, _list, _table, _code, None])
        block = kind(chance) if kind else f"## {_sentence(chance)}"
        blocks.append(block)
        total += len(block) + 2
    return "\n\n".join(blocks)[:length]
