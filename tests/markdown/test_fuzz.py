"""Random documents, fed in random pieces: 4,000 small ones and some long ones; 25 times as many with ``--long``."""

from __future__ import annotations

import random

import pytest
from corpus_streams import load
from markdown_answers import answer
from markdown_check import check
from markdown_pieces import chopped, document, essay
from surroundings import CHECKOUT, LONG

pytestmark = pytest.mark.timeout(3600)  # for --long
SMALL_ONES, LONG_ONES = 4000, 60
BATCHES = 8
PROSE = sorted(path for path in CHECKOUT.glob("*.md") if path.stat().st_size < 60_000)


def seeds(config, batch, count):
    """The seeds of one batch; with ``--long`` 25 times as many."""
    count *= 25 if LONG or config.getoption("--long") else 1
    return range(batch, count, BATCHES)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_small_documents_of_random_pieces(batch, pytestconfig):
    for seed in seeds(pytestconfig, batch, SMALL_ONES):
        check(chopped(document(seed), random.Random(seed), 1 if seed % 20 == 0 else 40), seed)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_long_blocks_with_slips(batch, pytestconfig):
    for seed in seeds(pytestconfig, batch, LONG_ONES):
        chance = random.Random(seed)
        pieces = chopped(essay(seed), chance, chance.choice([20, 60, 200]))
        check(pieces, seed, every=5)
        check(pieces, seed, heal=True)


@pytest.mark.parametrize("seed", range(4))
def test_answers(seed):
    check(chopped(answer(6000, seed, formulas=seed % 2 == 1), random.Random(seed), 60), seed, every=5)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_real_markdown(path):
    text = path.read_text(encoding="utf-8")
    check(chopped(text, random.Random(1), 400), path.name, every=4)
    check(chopped(text, random.Random(2), 60), path.name, heal=True)


@pytest.mark.corpus
def test_recorded_answers():
    texts = {each.expected.get("text") or "" for each in load()}
    assert texts
    for text in sorted(texts):
        check(chopped(text, random.Random(len(text)), 60), text[:40], every=1 + len(text) // 800)
