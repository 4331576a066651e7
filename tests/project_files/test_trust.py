"""What the configuration of a project may set before and after the user trusts it."""

from __future__ import annotations

import json
import os

import pytest
from projects import write_project

from gemini_magic.config import (
    IGNORED,
    ignored_settings,
    precedence,
    project_table,
    resolve,
    settings,
    user_file,
)
from gemini_magic.errors import OptionError
from gemini_magic.options import Options
from gemini_magic.project_files import config_folder, is_own, trust, trusted_files, untrust

# Every option that can be configured, and whether a project may set it without the user's trust.
HARMLESS = {
    "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "thinking", "speed", "display", "api_version", "alt",
    "no_stream", "method_style", "timeout", "stall_timeout", "first_byte_timeout", "connect_timeout", "rpm", "verbatim",
    "record_size", "media_size", "logprobs",
}  # fmt: skip
PARTLY = {
    "model": ("m-1", "projects/p/locations/l/publishers/x/models/m"),
    "format": ("json", "code"),
    "images": ("data", "evil.example"),
}
NEEDS_TRUST = {
    "system": "obey", "candidates": 8, "search": True, "code_execution": True, "url_context": True, "safety": "off",
    "service_tier": "priority", "param": ["a=1"], "body": '{"a":1}', "record": ".bashrc", "replay": "r.jsonl",
    "replay_any": True, "next_cell": True, "backend": "gateway", "base_url": "https://evil.example", "auth": "bearer",
    "project": "p", "location": "us", "fallback": True, "price": "0,1", "key_env": "OPENAI_API_KEY", "retries": 99,
    "max_event": 8000, "max_total": 8000, "quiet": True, "table_rows": 0, "journal": False, "journal_size": 0.001,
    "journal_days": 0.001, "inline_limit": 0.001, "maps": True, "file_search": ["stores"], "repair": 3, "max_rounds": 99,
    "tool_timeout": 0.001, "mcp": ["fs"], "remote_mcp": ["web"], "cache": True,
    "server_store": True,
}  # fmt: skip
NEVER = {"http_hosts": ["evil.example"], "confirm": "none"}


def toml(values):
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def test_the_tables_have_every_option_that_can_be_configured():
    configurable = {name for name, each in settings().items() if each.config}
    assert configurable == HARMLESS | PARTLY.keys() | NEEDS_TRUST.keys() | NEVER.keys()
    for name, each in settings().items():
        if not each.config:
            assert each.project is False, f"{name} belongs to a cell"


@pytest.mark.parametrize("name", NEEDS_TRUST)
def test_a_setting_that_moves_keys_prompts_files_or_money_counts_only_if_trusted(tmp_path, name):
    path = write_project(tmp_path, toml({name: NEEDS_TRUST[name]}))
    options, sources = resolve(start=tmp_path)
    assert getattr(options, name) == getattr(Options(), name)
    assert name not in sources
    assert sources[IGNORED] == (
        f"{name} in {path} was ignored: the file is not trusted. "
        f"If you trust these settings: `gemini-magic trust {path}`."
    )
    trust(str(path), project_table(path))
    options, sources = resolve(start=tmp_path)
    assert getattr(options, name) == NEEDS_TRUST[name]
    assert IGNORED not in sources


@pytest.mark.parametrize("name", PARTLY)
def test_some_values_of_a_setting_need_no_trust(tmp_path, name):
    good, bad = PARTLY[name]
    write_project(tmp_path, toml({name: good}))
    assert getattr(resolve(start=tmp_path)[0], name) == good
    path = write_project(tmp_path, toml({name: bad}))
    assert getattr(resolve(start=tmp_path)[0], name) == getattr(Options(), name)
    assert [(each.name, each.value, each.reason) for each in ignored_settings(tmp_path)] == [
        (name, bad, "this value needs your trust")
    ]
    trust(str(path), project_table(path))
    assert getattr(resolve(start=tmp_path)[0], name) == bad


def test_a_project_never_allows_a_key_in_the_clear_or_a_call_without_a_question(tmp_path):
    path = write_project(tmp_path, toml(NEVER), trusted=True)
    options, sources = resolve(start=tmp_path)
    assert (options.http_hosts, options.confirm) == ([], "marked")
    assert sources[IGNORED] == (
        f"http_hosts and confirm in {path} were ignored: only your own configuration may set it. Your own configuration is {user_file()}."
    )
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(toml(NEVER))
    assert resolve(start=tmp_path)[0].http_hosts == ["evil.example"]


def test_harmless_settings_count_beside_ignored_ones(tmp_path):
    path = write_project(tmp_path, 'temperature = 0.5\nbase-url = "https://evil.example"\nkey_env = "K"')
    options, sources = resolve(start=tmp_path)
    assert (options.temperature, sources["temperature"], precedence(sources["temperature"])) == (
        0.5,
        str(path),
        2,
    )
    assert (options.base_url, options.key_env) == (None, None)
    assert sources[IGNORED].startswith(f"base_url and key_env in {path} were ignored: ")


def test_trust_ends_when_the_settings_change_and_not_when_another_part_of_the_file_does(tmp_path):
    path = write_project(tmp_path, 'system = "S"', trusted=True)
    path.write_text(f"[project]\nname = 'other'\n\n{path.read_text()}")
    assert resolve(start=tmp_path)[0].system == "S"
    path.write_text(path.read_text() + '\nrecord = "x.jsonl"')
    options, _ = resolve(start=tmp_path)
    assert (options.system, options.record) == (None, None)


def test_trust_is_for_one_path_and_can_be_removed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "copy").mkdir()
    path = write_project(tmp_path / "mine", 'system = "S"', trusted=True)
    write_project(tmp_path / "copy", 'system = "S"')
    assert resolve(start=tmp_path / "mine")[0].system == "S"
    assert resolve(start=tmp_path / "copy")[0].system is None
    assert [each.path for each in trusted_files()] == [str(path)]
    assert untrust(str(path))
    assert not untrust(str(path))
    assert resolve(start=tmp_path / "mine")[0].system is None


def test_a_link_to_a_trusted_file_is_not_trusted_and_a_linked_folder_is(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "stranger").mkdir()
    path = write_project(tmp_path / "mine", 'system = "S"', trusted=True)
    (tmp_path / "stranger" / "pyproject.toml").symlink_to(path)
    (tmp_path / "linked").symlink_to(tmp_path / "mine")
    assert resolve(start=tmp_path / "stranger")[0].system is None
    assert resolve(start=tmp_path / "linked")[0].system == "S"


def test_the_list_of_trusted_files_is_private_and_a_damaged_one_trusts_nothing(tmp_path):
    write_project(tmp_path, 'system = "S"', trusted=True)
    stored = config_folder() / "gemini_magic_trust.json"
    if os.name == "posix":
        assert stored.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in stored.parent.iterdir()] == [stored.name]
    for text in ("{", "[]", '{"files": 3}', '{"files": {"x": 3}}', "\x00"):
        stored.write_text(text)
        assert trusted_files() == []
        assert resolve(start=tmp_path)[0].system is None


def test_a_list_of_trusted_files_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(OptionError, match="cannot be written"):
        trust(str(tmp_path / "pyproject.toml"), {"system": "S"})


# -- the search


@pytest.mark.parametrize("git", ["folder", "file"])
def test_the_search_ends_at_the_root_of_the_repository(tmp_path, git):
    write_project(tmp_path, "temperature = 0.1")
    inner = tmp_path / "repository" / "deep"
    inner.mkdir(parents=True)
    assert resolve(start=inner)[0].temperature == 0.1
    if git == "folder":
        (tmp_path / "repository" / ".git").mkdir()
    else:
        (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere")  # of a worktree or a submodule
    assert resolve(start=inner)[0].temperature is None
    write_project(tmp_path / "repository", "temperature = 0.2")
    assert resolve(start=inner)[0].temperature == 0.2


@pytest.mark.parametrize("linked", [False, True])
def test_the_search_ends_at_home(tmp_path, monkeypatch, linked):
    home = tmp_path / "above" / "home"
    (home / "work").mkdir(parents=True)
    write_project(tmp_path / "above", "temperature = 0.1")
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(tmp_path / "link" if linked else home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert resolve(start=home / "work")[0].temperature is None
    write_project(home, "temperature = 0.2")
    assert resolve(start=home / "work")[0].temperature == 0.2


posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such owner")


@posix
def test_a_file_of_another_user_is_skipped_unless_it_is_trusted(tmp_path, monkeypatch):
    inner = tmp_path / "inner"
    inner.mkdir()
    write_project(tmp_path, "temperature = 0.1")
    path = write_project(inner, "temperature = 0.2\ntop_k = 3")
    own = os.geteuid()
    foreign = path.stat().st_ino
    real = os.stat

    def stat(name, **options):
        found = real(name, **options)
        return os.stat_result((*found[:4], own + 1, *found[5:])) if found.st_ino == foreign else found

    monkeypatch.setattr(os, "stat", stat)
    assert not is_own(str(path))
    options, sources = resolve(start=inner)
    assert (options.temperature, options.top_k) == (0.1, None)
    assert sources[IGNORED].startswith(f"All settings in {path} were ignored: another user owns the file. ")
    trust(str(path), project_table(path))
    assert resolve(start=inner)[0].temperature == 0.2
    path.write_text("not [ toml")
    assert resolve(start=inner)[0].temperature == 0.1


@posix
def test_with_sudo_the_files_of_the_calling_user_are_accepted(tmp_path, monkeypatch):
    path = write_project(tmp_path, "temperature = 0.1")
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert not is_own(str(path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(owner))
    assert is_own(str(path))
