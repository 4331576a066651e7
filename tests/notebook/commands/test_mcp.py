"""The commands `%gemini mcp` and `%gemini tools`, the option `--mcp`, their completion and their help."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace

import pytest
from IPython.core.completer import provisionalcompleter
from surroundings import TESTS

from gemini_magic.errors import OptionError
from gemini_magic.mcp_servers import McpServerError, UnapprovedTools, mcp_servers, own_file
from gemini_magic.notebook.offered_tools import run_code

SAMPLE = str(TESTS / "support" / "mcp_sample.py")
ENTRY = {"command": sys.executable, "args": [SAMPLE], "env": {"TOKEN": "canary-token-33"}}


def write(path, **entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": entries}))
    return path


@pytest.fixture(scope="module", autouse=True)
def _stopped():
    yield
    mcp_servers().close()


@pytest.fixture
def answers(monkeypatch):
    """The user's answers to questions, in order; the questions that were asked."""
    given, asked = [], []

    def answer(question=""):
        asked.append(question)
        return given.pop(0)

    monkeypatch.setattr("gemini_magic.notebook.kernel.allows_input", lambda _: True)
    monkeypatch.setattr("builtins.input", answer)
    return SimpleNamespace(given=given, asked=asked)


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def completions(shell, text):
    with provisionalcompleter():
        return [each.text for each in shell.Completer.completions(text, len(text))]


def test_without_servers_the_list_says_where_to_write_them(cells, project):
    cells("%gemini mcp")
    assert cells.shown.startswith("There are no MCP servers.\n")
    assert str(own_file()) in cells.shown and "%gemini mcp add FILE" in cells.shown


def test_a_projects_file_is_shown_and_trusted_after_a_question(cells, project, answers):
    path = write(
        project / ".mcp.json", evil={"command": "rm", "args": ["-rf", "${HOME}"], "env": {"A": "canary"}}
    )
    error = cells.error("%%gemini --mcp evil\nHi")
    assert isinstance(error, OptionError) and "the file is not trusted" in error.message
    answers.given += ["n", "y"]
    cells(f"%gemini mcp trust {path}")
    assert f"{path} has these MCP servers:\n  evil  runs rm -rf ${{HOME}}\n" in cells.shown
    assert "environment: A" in cells.shown and "reads your variables: HOME" in cells.shown
    assert "canary" not in cells.shown and cells.shown.endswith("Nothing was trusted.\n")
    cells("%gemini mcp")
    assert "blocked: the file is not trusted" in cells.shown
    cells("%gemini mcp trust evil")
    assert "Trusted, as long as" in cells.shown and answers.asked == ["Trust this? [y/N] "] * 2
    cells("%gemini mcp list")
    assert re.search(r"evil +not started +runs rm -rf \$\{HOME\} +", cells.shown)
    cells(f"%gemini mcp remove {path}")
    assert cells.shown == f"{path} is no longer trusted.\n"
    cells("%gemini mcp")
    assert "blocked" in cells.shown


def test_where_the_user_cannot_be_asked_a_code_stands_for_the_text_that_was_shown(cells, tmp_path, project):
    path = write(tmp_path / "other.json", sample={"command": "a"})
    error = cells.error(f"%gemini mcp add {path}")
    assert error.message == "Nothing was trusted, because you cannot be asked here."
    (command,) = re.findall(r"run `(%gemini mcp add .* [0-9a-f]{8})`", error.remedy)
    write(path, sample={"command": "b"})
    assert "not what the code" in cells.error(command).message
    write(path, sample={"command": "a"})
    cells(command)
    assert "Trusted" in cells.shown
    cells("%gemini mcp")
    assert re.search(r"sample +not started +runs a ", cells.shown)


def test_the_tools_of_a_server_are_shown_whole_approved_and_offered(cells, project, answers):
    write(own_file(), sample=ENTRY)
    error = cells.error("%%gemini --mcp sample\nHi")
    assert isinstance(error, UnapprovedTools) and "`%gemini mcp trust sample`" in error.remedy
    cells("%gemini tools")
    assert re.search(r"sample:add +MCP tool +new, not approved +Add two integers\.", cells.shown)
    answers.given += ["yes"]
    cells("%gemini mcp trust sample")
    assert "delete\n    Delete a file. (It deletes nothing.)" in cells.shown
    assert "argument path: {" in cells.shown and "Each call still asks you." in cells.shown
    cells("%gemini mcp trust sample")
    assert "You have approved all" in cells.shown and len(answers.asked) == 1
    cells("%gemini tools")
    assert re.search(r"sample: +MCP server +running +runs ", cells.shown)
    assert re.search(r"sample:add +MCP tool +Add two integers\.", cells.shown)
    assert "canary" not in cells.shown
    shown = repr(cells("%%gemini --mcp sample:add,echo --dry-run\nHi").result)
    assert '"sample__add"' in shown and '"sample__echo"' in shown and "sample__delete" not in shown
    _completed(cells)


def _completed(cells):
    assert completions(cells.shell, "%gemini mcp tr") == ["trust"]
    assert "sample" in completions(cells.shell, "%gemini mcp restart s")
    assert completions(cells.shell, "%gemini tools sam") == ["sample"]
    assert {"python", "variables", "sql"} <= set(completions(cells.shell, "%gemini tools "))
    assert completions(cells.shell, "%%gemini --mcp sam") == ["sample"]
    assert "sample:add,echo" in completions(cells.shell, "%%gemini --mcp sample:add,e")


def test_servers_are_restarted_stopped_and_their_log_is_shown(cells, project):
    code = "import sys; print('my log', 'canary-token-33', file=sys.stderr); sys.exit(3)"
    write(
        own_file(),
        sample=ENTRY,
        broken={"command": sys.executable, "args": ["-c", code], "env": {"T": "canary-token-33"}},
    )
    cells("%gemini mcp restart sample")
    assert re.match(r"sample is running and has \d+ tools\.", cells.shown)
    cells("%gemini mcp log sample")
    assert cells.shown
    cells("%gemini mcp stop sample")
    assert cells.shown == "Stopped sample.\n"
    cells("%gemini mcp stop sample")
    assert cells.shown == "sample is not running.\n"
    error = cells.error("%gemini mcp restart broken")
    assert isinstance(error, McpServerError) and "my log ***" in error.message


def test_mistakes_are_explained(cells, project):
    for line, message in (
        ("dance", "Unknown command: %gemini mcp dance"),
        ("add", "`%gemini mcp add` takes one argument, but got none."),
        ("restart a b", "`%gemini mcp restart` takes one argument"),
        ("trust nowhere.json", "nowhere.json cannot be read"),
        ("restart nope", "There is no MCP server 'nope'."),
        ("stop nope", "There is no MCP server 'nope'."),
        ("log nope", "There is no MCP server 'nope'."),
        ("remove nope", "'nope' was not trusted."),
    ):
        assert message in cells.error(f"%gemini mcp {line}").message
    write(project / "other.json", a={"command": "b"})
    assert "`%gemini mcp add " in cells.error("%gemini mcp trust other.json").remedy


def test_tools_lists_marked_functions_and_ready_made_tools(cells, project):
    cells(
        "import gemini_magic\n@gemini_magic.tool(confirm=True)\ndef weather(city: str) -> str:\n    '''The weather.'''"
    )
    cells("def plain(a: int): ...\n@gemini_magic.tool\ndef broken(a): ...\ndef variables(): 'Mine.'")
    cells("%gemini tools")
    assert re.search(r"weather +function +confirmed +The weather\.", cells.shown)
    assert re.search(r"broken +function +cannot be offered +", cells.shown)
    assert "plain" not in cells.shown
    assert re.search(r"variables +ready-made +hidden by your variable", cells.shown)
    assert re.search(r"python +ready-made +runs Python code in this kernel", cells.shown)
    cells("%gemini tools weather")
    assert cells.shown.startswith("weather: The weather.\n{") and '"city"' in cells.shown
    assert "%gemini tools` lists the tools" in cells.error("%gemini tools wether").remedy
    assert "Did you mean weather?" in cells.error("%gemini tools wether").remedy
    cells("%gemini help tools")
    assert "MCP servers" in cells.shown
    shown = repr(cells("%%gemini -T builtin:variables --dry-run\nHi").result)
    assert "without values" in shown


def test_python_runs_code_in_the_users_namespace(shell):
    shell.user_ns["x"] = 20
    assert run_code(shell, "y = x * 2\ny + 2") == 42
    assert shell.user_ns["y"] == 40
    assert run_code(shell, "z = 1") is None and run_code(shell, "") is None
    for code in ("!echo canary", "%time 1", "x ="):
        with pytest.raises(SyntaxError):
            run_code(shell, code)
    with pytest.raises(ZeroDivisionError):
        run_code(shell, "x / 0")
