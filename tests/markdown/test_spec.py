"""The examples of CommonMark and of GitHub Flavored Markdown, split into pieces in every way.

The examples are not part of the project: ``$GEMINI_MAGIC_SPEC`` names a folder with the source packages that contain them.
"""

from __future__ import annotations

import json
import re
import tarfile

import pytest
from markdown_check import check
from surroundings import SPEC_PACKAGES, spec_package

from gemini_magic.markdown import Renderer, render

pytestmark = [pytest.mark.spec, pytest.mark.timeout(600)]
_FIXTURE = re.compile(r"^\.\n(.*?)^\.\n(.*?)^\.\n", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^`{32} example[^\n]*\n(.*?)^\.\n", re.MULTILINE | re.DOTALL)
GITHUB = ("tables.md", "strikethrough.md", "tasklists.md")


def read(package, ending):
    """Return the text of the one file in a source package whose path ends with ``ending``."""
    with tarfile.open(spec_package(package)) as found:
        [name] = [each for each in found.getnames() if each.endswith(ending)]
        return found.extractfile(name).read().decode()


@pytest.fixture(scope="module")
def examples():
    parser, marko = SPEC_PACKAGES
    spec = [each["markdown"] for each in json.loads(read(parser, "commonmark.json"))]
    fixtures = [source for name in GITHUB for source, _ in _FIXTURE.findall(read(parser, f"fixtures/{name}"))]
    github = [source.replace("→", "\t") for source in _EXAMPLE.findall(read(marko, "spec/gfm.txt"))]
    assert len(spec) > 640
    assert len(fixtures) > 40
    assert len(github) > 640
    return list(dict.fromkeys([*spec, *fixtures, *github]))


def test_each_example_is_exact_at_every_character(examples):
    states = 0
    for number, text in enumerate(examples):
        check(text, number)
        check(text, number, heal=True)
        states += len(text)
    print(f"{len(examples)} examples, {states:,} states")


def test_each_example_is_exact_for_every_split_into_two_pieces(examples):
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


def test_joined_examples_are_exact(examples):
    for number in range(len(examples)):
        text = "\n".join(examples[number : number + 5])
        pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
        check(pieces, number, every=5)
