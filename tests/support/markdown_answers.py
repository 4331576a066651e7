"""Random long texts like those a model writes, made of everyday constructs, for tests of cost and flicker."""

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


FORMULAS = [
    "x^2 + y^2 = r^2",
    "\\frac{a}{b}",
    "\\alpha_{i} \\le 1",
    "\\sum_{k=1}^{n} k",
    "E = mc^2",
    "O(n \\log n)",
    "[a, b)",
    "f: A \\to B",
]


def _mathematics(chance: random.Random) -> str:
    pieces = []
    for _ in range(chance.randint(2, 4)):
        words = _sentence(chance).split(" ")
        left, right = chance.choice(["$$", "()"])
        escape = "" if left == "$" else "\\"
        words.insert(
            chance.randrange(1, len(words)), f"{escape}{left}{chance.choice(FORMULAS)}{escape}{right}"
        )
        pieces.append(" ".join(words))
    lines = [f"{chance.choice(FORMULAS)} \\\\" for _ in range(chance.randint(1, 4))]
    left, right = chance.choice([("$$", "$$"), ("\\[", "\\]")])
    price = f"That costs ${chance.randint(1, 99)} or ${chance.randint(1, 99)}."
    return (
        " ".join(pieces)
        + f"\n\n{left}\n\\begin{{aligned}}\n"
        + "\n".join(lines)
        + f"\n\\end{{aligned}}\n{right}\n\n{price}"
    )


def answer(length: int, seed: int = 1, *, formulas: bool = False) -> str:
    """Return a text of exactly ``length`` characters; with ``formulas``, a third of its blocks contain formulas."""
    chance = random.Random(seed)
    blocks: list[str] = []
    total = 0
    while total < length:
        more = [_mathematics, _mathematics, _mathematics] if formulas else []
        kind = chance.choice([_paragraph, _paragraph, _paragraph, _list, _table, _code, None, *more])
        block = kind(chance) if kind else f"## {_sentence(chance)}"
        blocks.append(block)
        total += len(block) + 2
    return "\n\n".join(blocks)[:length]
