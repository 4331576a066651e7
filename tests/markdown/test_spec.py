"""The examples of CommonMark and of GitHub's tables and strikethrough, in every piece they can come in.

They are not part of the project: ``$GEMINI_MAGIC_SPEC`` names the source package of markdown-it-py, which has them.
"""

from __future__ import annotations

import json
import re
import tarfile

import pytest
from markdown_check import check
from surroundings import ORIGINAL_ENVIRON

from gemini_magic.markdown import Renderer, render

pytestmark = [pytest.mark.spec, pytest.mark.timeout(600)]
_FIXTURE = re.compile(r"^\.\n(.*?)^\.\n(.*?)^\.\n", re.MULTILINE | re.DOTALL)
GITHUB = ("tables.md", "strikethrough.md", "tasklists.md")


def read(ending):
    """The text of the one file in the package whose path ends so."""
    with tarfile.open(ORIGINAL_ENVIRON["GEMINI_MAGIC_SPEC"]) as package:
        [name] = [each for each in package.getnames() if each.endswith(ending)]
        return package.extractfile(name).read().decode()


@pytest.fixture(scope="module")
def examples():
    spec = [each["markdown"] for each in json.loads(read("commonmark.json"))]
    github = [source for name in GITHUB for source, _ in _FIXTURE.findall(read(f"fixtures/{name}"))]
    assert len(spec) > 640
    assert len(github) > 40
    return [*spec, *github]


def test_each_example_is_exact_at_every_character(examples):
    states = 0
    for number, text in enumerate(examples):
        check(text, number)
        check(text, number, heal=True)
        states += len(text)
    print(f"{len(examples)} examples, {states:,} states")


def test_each_example_is_exact_at_every_cut(examples):
    cuts = 0
    for number, text in enumerate(examples):
        whole = render(text)
        for cut in range(1, len(text)):
            renderer = Renderer()
            renderer.feed(text[:cut])
            renderer.feed(text[cut:])
            assert renderer.html == whole, (number, cut)
            renderer.close()
            assert renderer.html == whole, (number, cut)
        cuts += len(text) - 1
    print(f"{len(examples)} examples, {cuts:,} cuts")


def test_some_examples_end_in_the_next(examples):
    for number in range(len(examples)):
        text = "\n".join(examples[number : number + 5])
        pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
        check(pieces, number, every=5)
