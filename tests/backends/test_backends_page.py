"""The page docs/backends.md agrees with the code."""

from __future__ import annotations

import re

import pytest
from surroundings import CHECKOUT

from gemini_magic.backends import DEFAULT, Endpoint, backend, echo, names
from gemini_magic.config import settings

PAGE = (CHECKOUT / "docs" / "backends.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", PAGE, re.MULTILINE))
DIRECTIVES = re.findall(r"^\| `@(\w+)[^`]*` \|", PAGE, re.MULTILINE)


def test_every_backend_has_a_row_in_the_table():
    assert tuple(ROWS) == names()


@pytest.mark.parametrize("name", names())
def test_a_row_has_the_url_variables_hosts_and_styles_of_the_code(name):
    address, variables, hosts, styles = (re.findall(r"`([^`]+)`", cell) for cell in ROWS[name].split(" | "))
    auth = backend(name).auth
    if auth is None:
        assert [address, variables, hosts, styles] == [[], [], [], []]
        return
    assert backend(name).url("m", Endpoint()).startswith(f"{address[0]}/")
    assert tuple(variables) == auth.env
    assert tuple(hosts) == auth.hosts
    assert set(styles) == set(auth.styles)
    assert styles[0] == auth.style


def test_the_options_on_the_page_exist():
    flags = {flag for setting in settings().values() for flag in setting.flags}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", PAGE)) <= flags


@pytest.mark.parametrize("name", names())
def test_a_default_model_that_differs_is_documented(name):
    model = backend(name).default_model
    section = PAGE.partition(f"## {name}")[2].partition("## ")[0]
    assert model == DEFAULT.default_model or f"`{model}`" in section


def test_every_directive_of_the_echo_backend_is_documented():
    assert re.findall(r"^    @(\w+)", echo.__doc__, re.MULTILINE) == DIRECTIVES
    assert all(echo._DIRECTIVE.fullmatch(f"@{name} x") for name in DIRECTIVES)
