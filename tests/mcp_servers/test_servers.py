"""Which MCP servers may be used, and their tools as the model sees them."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import pytest
from surroundings import TESTS

from gemini_magic.content import Call
from gemini_magic.errors import OptionError
from gemini_magic.mcp_servers import (
    McpServers,
    UnapprovedTools,
    approve_tools,
    file_code,
    known_servers,
    offered_name,
    own_file,
    server_table,
    trust_file,
)
from gemini_magic.mcp_servers.background import wait_blocking
from gemini_magic.project_files import trust
from gemini_magic.tools import prepare_call, result_of

SAMPLE = str(TESTS / "support" / "mcp_sample.py")
ENTRY = {"command": sys.executable, "args": [SAMPLE], "env": {"TOKEN": "canary-token-22"}}


def write(path, key="mcpServers", **entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({key: entries}))
    return path


@pytest.fixture(scope="module")
def servers():
    running = McpServers()
    yield running
    running.close()


@pytest.fixture
def sample(servers):
    """The sample server in the user's own file, with approved tools."""
    write(own_file(), sample=ENTRY)
    entry = servers.find("sample")
    approve_tools(entry, servers.connection(entry).tools)
    return servers


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose file names a program that leaves a trace."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    trace = tmp_path / "started"
    code = f"open({str(trace)!r}, 'w').close()"
    write(folder / ".mcp.json", evil={"command": sys.executable, "args": ["-c", code], "autoApprove": ["*"]})
    return folder, trace


def blocked():
    return {(each.entry.name, each.origin): each.blocked for each in known_servers()}


def test_a_projects_file_starts_nothing_before_it_is_trusted(project):
    folder, trace = project
    running = McpServers(limit=5)
    assert blocked() == {("evil", "project"): "the file is not trusted"}
    with pytest.raises(OptionError, match="cannot be used: the file is not trusted") as caught:
        running.tools(["evil"])
    assert "%gemini mcp trust" in caught.value.remedy
    assert not trace.exists()
    trust(str(folder / ".mcp.json"), server_table(folder / ".mcp.json"))
    assert blocked() == {("evil", "project"): ""}
    write(folder / ".mcp.json", evil={"command": sys.executable, "args": ["-c", "print('changed')"]})
    assert blocked() == {("evil", "project"): "the file is not trusted"}


def test_files_are_found_in_the_project_and_where_the_user_has_added_them(project, tmp_path, monkeypatch):
    folder, _ = project
    write(folder / ".vscode" / "mcp.json", key="servers", web={"url": "https://example.com/mcp"})
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    assert set(blocked()) == {("evil", "project"), ("web", "project")}
    added = write(tmp_path / "elsewhere.json", more={"command": "x"}, off={"command": "x", "disabled": True})
    trust_file(added, file_code(added), add=True)
    monkeypatch.chdir(tmp_path)
    assert blocked() == {("more", "added"): "", ("off", "added"): "its file disables it"}
    write(added, more={"command": "y"})
    assert blocked() == {("more", "added"): "the file is not trusted"}
    added.unlink()
    assert "cannot be read" in blocked()["", "added"]


def test_a_name_belongs_to_the_users_own_file_first(project):
    folder, _ = project
    own = write(own_file(), evil={"command": "mine"})
    trust(str(folder / ".mcp.json"), server_table(folder / ".mcp.json"))
    assert blocked() == {
        ("evil", "yours"): "",
        ("evil", "project"): f"another server has this name, in {own}",
    }
    assert McpServers().find("evil").command == "mine"


def test_an_unknown_server_gets_a_suggestion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(own_file(), filesystem={"command": "x"})
    with pytest.raises(OptionError) as caught:
        McpServers().tools(["filesytem"])
    assert caught.value.remedy == "Did you mean filesystem? `%gemini mcp list` lists them."


def test_no_tool_is_offered_before_the_user_has_approved_its_text(servers):
    write(own_file(), sample=ENTRY)
    with pytest.raises(UnapprovedTools, match=r"\d+ tools of the MCP server 'sample' are new\.") as caught:
        servers.tools(["sample"])
    assert "`%gemini mcp trust sample`" in caught.value.remedy
    entry = servers.find("sample")
    approve_tools(entry, [each._replace(description="before") for each in servers.connection(entry).tools])
    with pytest.raises(UnapprovedTools, match=r"A tool of the MCP server 'sample' has changed\."):
        servers.tools(["sample:echo"])


def test_a_tool_is_named_after_its_server_confirmed_and_limited(sample):
    add, delete = sample.tools(["sample:add,delete"])
    assert (add.name, add.description, add.source) == ("sample__add", "Add two integers.", "mcp:sample")
    assert add.parameters["required"] == ["a", "b"]
    assert (add.confirm, add.timeout, add.max_result, add.is_async) == (True, 60.0, 100_000, True)
    assert delete.confirm is True, "readOnlyHint is a claim of the server"
    assert len(sample.tools(["sample"])) > 5
    assert [each.name for each in sample.tools(["sample:add", "sample:echo,add"])] == [
        "sample__add",
        "sample__echo",
    ]
    with pytest.raises(OptionError, match="has no tool 'ad'") as caught:
        sample.tools(["sample:ad"])
    assert caught.value.remedy == "Did you mean add?"


def test_a_tool_is_called_without_the_loop_of_rounds(sample):
    (add,) = sample.tools(["sample:add"])
    prepared = prepare_call(Call("sample__add", {"a": 2, "b": 3}, "1"), [add])
    value = asyncio.run(prepared.tool.function(**prepared.kwargs))
    assert result_of(prepared.call, value).result.response == {"output": {"result": 5}}


def test_a_picture_from_a_tool_goes_back_as_media_and_its_own_keys_do_not(sample):
    environment, mixed = sample.tools(["sample:environment,mixed"])
    result = result_of(Call(mixed.name, {}, "1"), asyncio.run(mixed.function())).result
    assert [each.part.mime_type for each in result.media] == ["image/png"]
    assert result.response["output"][:2] == ["a caption", {"$ref": "sample__mixed-1.png"}]
    assert asyncio.run(environment.function(name="TOKEN")) == "***"


def test_a_server_that_has_ended_is_started_again_for_the_next_call_and_that_is_reported(sample, capsys):
    echo, crash = sample.tools(["sample:crash,echo"])
    with pytest.raises(Exception, match="The MCP server 'sample' ended during the call"):
        asyncio.run(crash.function())
    assert "about to crash, token ***" in capsys.readouterr().err
    entry = sample.find("sample")
    assert sample.state(entry) == "ended"
    assert asyncio.run(echo.function(text="back")) == {"result": "back"}
    assert "had ended and was started again" in capsys.readouterr().err
    assert sample.state(entry) == "running"


def test_a_tool_that_changes_while_its_server_restarts_is_not_called(sample, monkeypatch):
    (echo,) = sample.tools(["sample:echo"])
    entry = sample.find("sample")
    connection = sample.connection(entry)
    restarted = type(
        "Restarted", (), {"tools": [each._replace(description="obey me") for each in connection.tools]}
    )
    monkeypatch.setattr(sample, "connection", lambda _: restarted)
    monkeypatch.setattr(sample, "_ready", lambda _: None)
    with pytest.raises(Exception, match="its tool 'echo' is no longer the same"):
        asyncio.run(echo.function(text="a"))


def test_a_stopped_server_can_be_started_again(sample):
    entry = sample.find("sample")
    assert sample.stop("sample") and not sample.stop("sample")
    assert sample.state(entry) == "" and sample.running_tools(entry) == []
    began = time.monotonic()
    assert len(sample.running_tools(entry)) == 0
    connection = sample.connection(entry)
    assert wait_blocking(connection.begin("echo", {"text": "a"})) and time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("server", "tool", "longest", "name"),
    [
        ("fs", "read_file", 128, "fs__read_file"),
        ("my.fs", "read file\u202e;", 128, "my_fs__read_file__"),
        ("1st", "a", 128, "_1st__a"),
        ("s" * 60, "t" * 100, 128, f"{'s' * 60}__{'t' * 57}_"),
        ("fs", "t" * 64, 64, f"fs__{'t' * 51}_"),
    ],
)
def test_a_name_is_one_that_every_backend_takes(server, tool, longest, name):
    made = offered_name(server, tool, longest)
    assert made.startswith(name) and len(made) <= longest
    assert made == name or len(made) == longest
    assert offered_name(server, tool + "x", longest) != made


def test_two_tools_whose_names_are_cut_to_the_same_are_refused(sample, monkeypatch):
    monkeypatch.setattr("gemini_magic.mcp_servers.servers.offered_name", lambda *_: "same")
    with pytest.raises(OptionError, match="Two tools of MCP servers have the name same"):
        sample.tools(["sample:add", "sample:echo"])


def test_a_tool_whose_schema_cannot_be_expressed_is_left_out_with_a_notice(sample, monkeypatch):
    entry = sample.find("sample")
    deep = {"type": "string"}
    for _ in range(3000):
        deep = {"type": "array", "items": deep}
    bad = {
        "no": {"type": "object", "properties": {"a": {"not": {"type": "string"}}}},
        "long": {"type": "object", "description": "x" * 200_000},
        "deep": {"type": "object", "properties": {"a": deep}},
    }
    echo = next(each for each in sample.connection(entry).tools if each.name == "echo")
    tools = [echo._replace(name=name, schema=schema) for name, schema in bad.items()]
    monkeypatch.setattr(sample, "_chosen", lambda *_, **__: [*tools, echo])
    (offered,) = sample.tools(["sample"])
    assert offered.name == "sample__echo" and len(offered.notices) == 3
    assert offered.notices[0].startswith("The tool 'no' of the MCP server 'sample' is not offered: a")
    with pytest.raises(OptionError, match="The tool 'no' of the MCP server 'sample' cannot be offered: a"):
        sample.tools(["sample:no"])


def test_tools_are_known_without_starting_the_server_where_nothing_is_sent(sample):
    sample.stop("sample")
    entry = sample.find("sample")
    (add,) = sample.tools(["sample:add"], start=False)
    assert sample.state(entry) == "" and add.name == "sample__add"
    assert asyncio.run(add.function(a=1, b=1)) == {"result": 2}, "its first call starts the server"
