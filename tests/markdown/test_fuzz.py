"""The view of random documents in random pieces is exact: 4,000 small ones and 60 long ones, 25 times as many with ``--long``."""

from __future__ import annotations

import random

import pytest
from corpus_streams import load
from markdown_answers import answer
from markdown_check import check
from markdown_pieces import document, long_document, random_pieces
from surroundings import CHECKOUT, LONG

pytestmark = pytest.mark.timeout(3600)  # for --long
SMALL_DOCUMENTS, LONG_DOCUMENTS = 4000, 60
BATCHES = 8
MARKDOWN_FILES = sorted(path for path in CHECKOUT.glob("*.md") if path.stat().st_size < 60_000)


def seeds(config, batch, count):
    """Return the seeds of one batch; 25 times as many with ``--long``."""
    count *= 25 if LONG or config.getoption("--long") else 1
    return range(batch, count, BATCHES)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_small_documents_of_random_pieces(batch, pytestconfig):
    for seed in seeds(pytestconfig, batch, SMALL_DOCUMENTS):
        check(random_pieces(document(seed), random.Random(seed), 1 if seed % 20 == 0 else 40), seed)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_long_blocks_with_mistakes(batch, pytestconfig):
    for seed in seeds(pytestconfig, batch, LONG_DOCUMENTS):
        chance = random.Random(seed)
        pieces = random_pieces(long_document(seed), chance, chance.choice([20, 60, 200]))
        check(pieces, seed, every=5)
        check(pieces, seed, heal=True)


@pytest.mark.parametrize("seed", range(4))
def test_generated_answers(seed):
    check(random_pieces(answer(6000, seed, formulas=seed % 2 == 1), random.Random(seed), 60), seed, every=5)


@pytest.mark.parametrize("path", MARKDOWN_FILES, ids=lambda path: path.name)
def test_markdown_files_of_this_project(path):
    text = path.read_text(encoding="utf-8")
    check(random_pieces(text, random.Random(1), 400), path.name, every=4)
    check(random_pieces(text, random.Random(2), 60), path.name, heal=True)


@pytest.mark.corpus
def test_recorded_answers():
    texts = {each.expected.get("text") or "" for each in load()}
    assert texts
    for text in sorted(texts):
        check(random_pieces(text, random.Random(len(text)), 60), text[:40], every=1 + len(text) // 800)
