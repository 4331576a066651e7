"""The commands, options, files and dependencies named in the documentation exist."""

from __future__ import annotations

import re
import tomllib

import pytest
from surroundings import CHECKOUT

from gemini_magic.config import settings
from gemini_magic.notebook.commands.dispatch import COMMANDS
from gemini_magic.notebook.row_options import row_settings

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")])


def read(name):
    return (CHECKOUT / name).read_text("utf-8")


def flags():
    known = (*settings().values(), *row_settings().values())
    return {flag for setting in known for flag in setting.flags}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_page_links_or_names_exist(path):
    text = path.read_text("utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / link).exists(), link
    for named in re.findall(r"`((?:gemini_magic|tests|notebooks|benchmarks)/[\w./-]*)`", text):
        assert (CHECKOUT / named).exists(), named


def test_options_in_the_readme_exist():
    text = read("README.md")
    table = text[text.index("| common options") : text.index("`%%gemini -h` lists")]
    named = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", table))
    assert named - {"--body", "--json"} <= flags() | {"-c"}
    assert len(named) > 15


def test_commands_in_the_readme_exist():
    named = re.search(r"lists all commands \(([^)]*)\)", read("README.md"))[1]
    assert set(re.findall(r"`(\w+)`", named)) <= set(COMMANDS)


def test_the_architecture_names_every_top_level_module_and_every_subpackage():
    text = read("ARCHITECTURE.md").split("## The packages")[1].split("## Decisions")[0]
    named = set(re.findall(r"`([\w/]+)`", text))
    package = CHECKOUT / "gemini_magic"
    modules = {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert (modules | folders | {"labextension/"}) - named == set()


def test_the_architecture_has_a_reason_for_every_dependency():
    dependencies = {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}
    table = read("ARCHITECTURE.md").split("## Dependencies")[1]
    reasons = dict(re.findall(r"^\| ([\w-]+) \| (.+) \|$", table, re.MULTILINE))
    reasons.pop("package", None)
    assert set(reasons) == dependencies
    assert all(len(reason) > 10 for reason in reasons.values())


def test_the_install_and_test_commands_in_the_readme_are_valid():
    text = read("README.md")
    for extra in re.findall(r'-e "\.\[(\w+)\]"', text):
        assert extra in PROJECT["optional-dependencies"]
    assert "gemini-magic" in PROJECT["scripts"]
    assert 'pip install -e ".[test]" && .venv/bin/python -m pytest' in text
