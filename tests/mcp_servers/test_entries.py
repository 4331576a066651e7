"""The entries of MCP servers in JSON files, and the variables in them."""

from __future__ import annotations

import json

import pytest

from gemini_magic.errors import OptionError
from gemini_magic.mcp_servers import expand_entry, read_entries, server_table


def entry_of(folder, value, *, name="fs", file=".mcp.json", key="mcpServers"):
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({key: {name: value}}))
    return read_entries(path)[0]


def test_both_keys_and_both_kinds_of_server_are_read(tmp_path):
    path = tmp_path / "mcp.json"
    path.write_text(
        """{
        // a comment of VS Code, with "quotes" and a trailing comma below
        "mcpServers": {"fs": {"command": "npx", "args": ["-y", "@x/fs", "//not a comment"], "env": {"N": 1, "D": true}}},
        "servers": {"web": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer t"},}},
        "inputs": []
        }"""
    )
    fs, web = read_entries(path)
    assert (fs.command, fs.args, fs.env) == (
        "npx",
        ("-y", "@x/fs", "//not a comment"),
        {"N": "1", "D": "true"},
    )
    assert (web.url, web.headers, web.command) == (
        "https://example.com/mcp",
        {"Authorization": "Bearer t"},
        "",
    )
    assert [fs.problem, web.problem] == ["", ""]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "The entry is not an object."),
        ({}, "The entry must have either a command or a url."),
        ({"command": "a", "url": "b"}, "The entry must have either a command or a url."),
        ({"command": 5}, "command is not text."),
        ({"url": "https://["}, "url is not a valid address."),
        ({"command": "a", "args": "b"}, "args is not a list of texts."),
        ({"command": "a", "args": [1]}, "args is not a list of texts."),
        ({"command": "a", "env": {"A": None}}, "env is not an object of texts."),
        ({"url": "https://x", "headers": []}, "headers is not an object of texts."),
        (
            {"url": "https://x", "type": "sse"},
            "The type 'sse' is not supported here. The transport sse is obsolete",
        ),
        ({"command": "a", "type": "docker"}, "The type 'docker' is not supported here."),
    ],
)
def test_a_wrong_entry_says_what_is_wrong_and_cannot_be_used(tmp_path, value, problem):
    entry = entry_of(tmp_path, value)
    assert entry.problem.startswith(problem)
    with pytest.raises(OptionError, match=r"The MCP server 'fs' in .* cannot be used"):
        expand_entry(entry)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "../etc", "a\u202eb", "a;b"])
def test_a_name_is_short_and_plain(tmp_path, name):
    assert entry_of(tmp_path, {"command": "a"}, name=name).problem.startswith("A name consists of")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
        ('{"mcpServers": []}', "mcpServers is not an object"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_file_that_is_not_of_this_form_is_an_error_with_a_remedy(tmp_path, text, message):
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(OptionError, match=message) as caught:
        server_table(path)
    assert caught.value.remedy


def test_variables_are_replaced_once_and_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "canary-${HOME}-123")
    monkeypatch.setenv("EMPTY", "")
    value = {
        "command": "${PROGRAM:-uvx}",
        "args": ["--root=${EMPTY:-/data}", "${TOKEN}", "$HOME", "${EMPTY}"],
        "env": {"KEY": "${env:TOKEN}"},
        "cwd": "${workspaceFolder}/sub",
    }
    launch = expand_entry(entry_of(tmp_path, value, file=".vscode/mcp.json", key="servers"))
    assert launch.command == "uvx"
    assert launch.args == ("--root=/data", "canary-${HOME}-123", "$HOME", "")
    assert launch.env == {"KEY": "canary-${HOME}-123"}
    assert launch.cwd == f"{tmp_path}/sub"
    assert "canary" not in repr(launch)
    assert launch.secrets == ("canary-${HOME}-123",)


def test_a_program_of_a_project_runs_in_the_projects_folder(tmp_path):
    def cwd(file, **fields):
        return expand_entry(entry_of(tmp_path, {"command": "./run", **fields}, file=file)).cwd

    assert cwd(".mcp.json") == cwd(".vscode/mcp.json") == str(tmp_path)
    assert cwd(".mcp.json", cwd="sub") == str(tmp_path / "sub")
    assert cwd("mine.json") == ""
    assert cwd("mine.json", cwd="/data") == "/data"


def test_a_default_may_be_an_address(tmp_path):
    launch = expand_entry(entry_of(tmp_path, {"url": "${API_BASE:-https://api.example.com}/mcp"}))
    assert launch.url == "https://api.example.com/mcp"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"command": "a", "env": {"K": "${NOT_SET}"}}, r"env\.K of the MCP server 'fs' in .* needs the environment variable NOT_SET"),
        ({"command": "a", "args": ["x", "${input:token}"]}, r"args\[1\] of the MCP server 'fs' in .* asks for the input 'token'"),
        ({"url": "https://x/${command:run}"}, r"url of the MCP server 'fs' in .* has \$\{command:run\}, which is not supported"),
        ({"url": "${NO:-https://[}"}, "does not begin with https:// or http://"),
        ({"url": "file:///etc/passwd"}, "does not begin with https:// or http://"),
    ],
)  # fmt: skip
def test_what_cannot_be_replaced_is_an_error_that_names_the_entry(tmp_path, value, message):
    with pytest.raises(OptionError, match=message) as caught:
        expand_entry(entry_of(tmp_path, value))
    assert caught.value.remedy


def test_a_description_names_variables_and_headers_but_shows_no_value(tmp_path, monkeypatch):
    monkeypatch.setenv("GH", "canary-1")
    program = entry_of(
        tmp_path,
        {
            "command": "npx",
            "args": ["-y", "a b", "${GH}\n\u202e"],
            "env": {"TOKEN": "canary-2", "GH": "${GH}"},
        },
    )
    shown = "\n".join(program.describe())
    assert "runs npx -y 'a b' '${GH}⏎⟨U+202E⟩'" in shown
    assert "environment: TOKEN, GH" in shown and "reads your variables: GH" in shown
    address = entry_of(
        tmp_path,
        {"url": "https://me:canary-3@example.com/mcp?key=canary-4", "headers": {"X-Key": "canary-5"}},
    )
    shown += "\n".join(address.describe())
    assert "connects to https://example.com/mcp?key=…" in shown and "headers: X-Key" in shown
    assert "canary" not in shown


def test_values_of_headers_environment_and_variables_are_secrets_but_words_and_paths_stay_in_results(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PW", "hunter2-hunter2")
    entry = entry_of(
        tmp_path,
        {
            "url": "https://u:s3cretpass@example.com/?k=querykey99&mode=on",
            "headers": {
                "Authorization": "Bearer tok-987654",
                "X": "${PW}",
                "Mode": "production",
                "Root": "/data/projects",
            },
        },
    )
    launch = expand_entry(entry)
    assert {
        "tok-987654",
        "Bearer tok-987654",
        "hunter2-hunter2",
        "s3cretpass",
        "querykey99",
        "production",
    } <= set(launch.secrets)
    assert set(launch.keys) == {"tok-987654", "hunter2-hunter2", "s3cretpass", "querykey99"}
    assert not {"Bearer", "on"} & set(launch.secrets)
