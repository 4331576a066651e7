"""Commands of `%gemini`: unknown ones, their arguments and options, help, settings, and responses by name."""

import re
import threading

import pytest
from projects import write_project

from gemini_magic.errors import OptionError
from gemini_magic.notebook import load, unload
from gemini_magic.notebook.commands.dispatch import COMMANDS, Command
from gemini_magic.notebook.completion import complete


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("%gemini evnts", "Unknown command: %gemini evnts", "Did you mean `%gemini events`?"),
        (
            "%gemini -m quick hello",
            "Unknown command: %gemini hello",
            "To send a prompt, start a cell with %%gemini.",
        ),
        ("%gemini why? oh", "Unknown command: %gemini why?", "To send a prompt, start a cell"),
        ("%gemini hello", "Unknown command: %gemini hello", "`%gemini help` lists the commands."),
        ("%gemini what's new", "Unknown command: %gemini what's", "To send a prompt, start a cell"),
        ("%gemini what is a monad?", "Unknown command: %gemini what", "To send a prompt, start a cell"),
        ("%gemini what is in a.b?  ", "Unknown command: %gemini what", "To send a prompt, start a cell"),
        (
            "# a comment\n%gemini what is it??\n",
            "Unknown command: %gemini what",
            "To send a prompt, start a cell",
        ),
        ("x = 1\n%gemini what is it?", "Unknown command: %gemini what", "To send a prompt, start a cell"),
        (
            "if True:\n    %gemini what is it?",
            "Unknown command: %gemini what",
            "To send a prompt, start a cell",
        ),
        ('%gemini config body={"a":1}', "body: {a:1} is not valid JSON.", "single quotes"),
        ("%gemini config param={'topK':1}", "param: {topK:1} is not valid JSON.", "single quotes"),
        ("%gemini explain --verbose x", "Unknown command: %gemini explain", "To send a prompt, start a cell"),
        (
            "%gemini lst of all cats",
            "Unknown command: %gemini lst",
            "Did you mean `%gemini last`? To send a prompt",
        ),
        ("%gemini AIzaSyCanaryCanaryCanaryCanary", "A key must not be on this line", "GEMINI_API_KEY"),
        ("%gemini -m quick", "`%gemini state` does not accept options.", "%%gemini line"),
        ("%gemini config -t 1", "`%gemini config` does not accept options.", "NAME=VALUE"),
        ("%gemini version foo", "accepts no arguments, but got 'foo'.", "Usage: `%gemini version`."),
        (
            "%gemini resume foo",
            "'foo' is not the number of an answer.",
            "`%gemini journal list` shows the numbers",
        ),
        ("%gemini resume 1 2", "accepts at most one argument", "Usage: `%gemini resume [N options]`."),
        ("%gemini last 1 2", "accepts at most one argument, but got '1 2'.", "Usage: `%gemini last [N]`."),
        ("%gemini state of the art", "accepts no arguments", "To send a prompt, start a cell"),
        (
            "%gemini help me write",
            "at most one argument, but got 'me write'.",
            "To send a prompt, start a cell",
        ),
        ("%gemini help evnts", "There is no help for 'evnts'.", "Did you mean `%gemini help events`?"),
        ("%gemini usage foo", "No response is named 'foo'.", "To name a response, write -o NAME"),
        ("%gemini events --where", "--where requires a condition.", "--where kind=text"),
        ("%gemini events --where 'a", "quotation mark", "--where 't > 1.5'"),
        (
            "%gemini timing --where t>1",
            "`%gemini timing` does not accept --where.",
            "Only events, chunks, usage, notes, sources and logprobs accept it.",
        ),
        ("%gemini diff", "`%gemini diff` requires the name of a response.", "Usage: `%gemini diff NAME`"),
        ("%gemini diff a b c", "accepts at most two arguments, but got 'a b c'.", "[NAME [OTHER]]"),
        ("%gemini timing", "No request has been sent yet.", "Start a cell with %%gemini."),
        ("%gemini config modle", "Unknown setting: 'modle'.", "Did you mean `model`?"),
        ("%gemini config zzz=1", "Unknown setting: 'zzz'.", "`%gemini config` lists"),
        (
            "%gemini config model quick",
            "accepts no arguments after the name.",
            "`%gemini config model=VALUE`",
        ),
        (
            "%gemini config chat=tom",
            "'chat' applies to a single cell and cannot be configured.",
            "Write --chat on the %%gemini line",
        ),
        ("%gemini config continue=1", "'continue' applies to a single cell", "Write --continue"),
        (
            "%gemini config temperature=warm",
            "temperature must be a number of 0 or greater, not 'warm'.",
            "sampling temperature",
        ),
        ("%gemini config display=3d", "display must be one of auto, live", "display"),
        ("%gemini config quiet=1 timeout=30", "one setting at a time.", "`%gemini config quiet=1`, then"),
        ("%gemini config system=Be brief timeout=3", "one setting at a time.", "quotation marks"),
        ("%gemini config stop=[a", "stop: '[a' is not a list.", "['a', 'b']"),
    ],
)
def test_an_invalid_line_is_refused_with_a_remedy(cells, line, message, remedy):
    error = cells.error(line)
    assert isinstance(error, OptionError)
    assert message in error.message
    assert remedy in error.remedy
    assert "None" not in str(error)


def test_only_a_similar_command_is_suggested(cells):
    assert "Did you mean" not in cells.error("%gemini -m quick hello").remedy


def test_one_setting_is_shown_on_one_line(cells):
    cells("%gemini config temperature")
    assert cells.shown == "temperature = None (default): sampling temperature; 0 is the most deterministic\n"
    cells("%gemini config max-output-tokens")
    assert cells.shown.startswith("max_tokens = None (default): ")


def test_a_setting_is_set_for_this_session_and_removed(cells):
    cells("%gemini config temperature=0.5")
    assert (
        cells.shown
        == "temperature = 0.5 (%config GeminiMagics): sampling temperature; 0 is the most deterministic\n"
    )
    cells("%gemini config model = quick")
    cells("%gemini config \"stop=['a', 'b']\"")
    cells("%gemini config quiet=true")
    cells('%gemini config "system=Say x=1 and timeout=3"')
    assert cells.shown.startswith("system = 'Say x=1 and timeout=3' (")
    cells("%gemini config system=")
    cells("%%gemini\nhi")
    asked = cells.names["_gemini"].request
    assert (asked.model, asked.settings.temperature, asked.settings.stop) == ("quick", 0.5, ("a", "b"))
    cells("%config GeminiMagics.temperature")
    assert "0.5" in cells.shown
    cells("%gemini config temperature=")
    assert cells.shown.startswith("temperature = None (default)")
    cells("%gemini config stop=None")
    assert cells.shown.startswith("stop = [] (default)")


def test_a_setting_can_be_set_before_any_other_configuration(shell, capsys):
    shell.run_line_magic("load_ext", "gemini_magic")
    shell.run_line_magic("gemini", "config backend=echo")
    assert capsys.readouterr().out.startswith("backend = 'echo' (%config GeminiMagics)")


def test_state_and_config_explain_a_key_that_is_kept_back(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, 'backend = "gemini"\nkey_env = "MYKEY"', trusted=True)
    cells("%config GeminiMagics.backend = 'gemini'")
    cells("%config GeminiMagics.base_url = 'https://llm.example.org'")
    kept = "withheld: base_url is from %config GeminiMagics"
    cells("%gemini")
    assert f"none: requests to this address are sent without a key (key_env {kept})\n" in cells.shown
    cells("%gemini config key_env")
    assert cells.shown.startswith(f"key_env = None ({kept}): ")


def test_commands_accept_the_name_of_a_response(cells):
    cells("%%gemini -q -o first\none two three")
    cells("%%gemini -q -o second\none")
    cells("number = 1")
    first = cells.names["first"]
    assert list(cells("%gemini events first").result) == list(first.events)
    assert list(cells("%gemini chunks first").result) == list(first.chunks)
    assert len(first.chunks) != len(cells.names["second"].chunks)
    assert list(cells("%gemini usage first").result) == list(first.usage_history)
    assert cells("%gemini notes first").success
    assert cells("%gemini timeline first").result.svg == first.timeline().svg
    assert cells("%gemini timeline").result.svg == cells.names["second"].timeline().svg
    error = cells.error("%gemini events frist")
    assert (error.message, error.remedy) == ("No response is named 'frist'.", "Did you mean `first`?")
    error = cells.error("%gemini events number")
    assert error.message == "'number' is not a Response."
    assert error.remedy == "Available responses: _gemini, first, second."


@pytest.mark.parametrize("word", ["last", "events", "chunks", "notes", "timeline", "last 2"])
def test_before_the_first_request_the_remedy_can_be_followed(cells, word):
    error = cells.error(f"%gemini {word}")
    assert error.message == "No request has been sent yet."
    assert error.remedy == "Start a cell with %%gemini."


def test_the_remedy_mentions_an_earlier_session_only_if_the_journal_has_an_answer(cells):
    cells("%%gemini -q --journal\nremember me")
    assert "There are fewer than 9 answers." in cells.error("%gemini last 9").message
    unload(cells.shell)
    load(cells.shell)
    assert "`%gemini last` shows" in cells.error("%gemini events").remedy
    assert cells("%gemini last").success


def test_help_lists_the_commands_in_lines_of_79_characters(cells):
    cells("%gemini help")
    assert max(map(len, cells.shown.splitlines())) <= 79
    assert cells.shown.startswith("Commands\n%gemini state  ")
    assert "%gemini config [NAME[=VALUE]]" in cells.shown
    assert cells.shown.endswith("`%%gemini -h` lists the options of a %%gemini cell.\n")


@pytest.fixture
def greet(monkeypatch):
    """A command that exists only in this test: one function and one entry in the table."""

    def greet(context, line):
        """Print a greeting."""
        print("hello", *line.arguments)

    monkeypatch.setitem(COMMANDS, "greet", Command(greet, "CHAT", 1, "chat"))


def test_one_entry_in_the_table_adds_a_command_with_help_and_completion(cells, greet):
    cells("%gemini greet tom")
    assert cells.shown == "hello tom\n"
    cells("%gemini help greet")
    assert cells.shown == "%gemini greet [CHAT]: Print a greeting.\n"
    cells("%gemini help")
    assert re.search(r"^%gemini greet \[CHAT\] +Print a greeting\.$", cells.shown, re.MULTILINE)
    error = cells.error("%gemini greet a b")
    assert error.message == "`%gemini greet` accepts at most one argument, but got 'a b'."
    assert "does not accept options" in cells.error("%gemini greet -t 1").message
    assert "does not accept --where" in cells.error("%gemini greet --where t>1").message
    cells("%%gemini -q --chat tom\nhi")
    context = cells.shell.find_cell_magic("gemini").__self__.runner.context
    assert complete(context, "command", "gre").texts == ["greet"]
    assert complete(context, "command", "greet ").texts == ["tom"]
    assert complete(context, "command", "greet tom ").texts == []


@pytest.mark.parametrize(
    ("topic", "heading"),
    [
        ("rpm", "--rpm: "),
        ("max_tokens", "--max-tokens: "),
        ("m", "-m: "),
        ("--rpm", "--rpm: "),
        ("-m", "-m: "),
    ],
)
def test_help_finds_an_option_without_its_dashes(cells, topic, heading):
    assert cells(f"%gemini help {topic}").success
    assert cells.shown.startswith(heading)


def test_stop_ends_all_background_requests_and_names_them(cells):
    cells("%gemini stop")
    assert cells.shown == "No request is running.\n"
    cells("%%gemini --background -o r\n@wait 30\none")
    assert "The request continues in the background; `%gemini stop` stops it." in cells.shown
    cells("%%gemini --background -q\n@wait 30\na long question")
    cells("%gemini stop")
    first, second = sorted(line for line in cells.shown.splitlines() if line.startswith("Stopped "))
    assert first == "Stopped r after 0 characters."
    assert second.startswith("Stopped the answer to '@wait 30 a long question' after 0 ")
    for response in (cells.names["r"], cells.names["_gemini"]):
        assert (response.status, response.ledger.cause) == ("interrupted", "stop")
    cells("%gemini stop")
    assert "No request is running." in cells.shown


def test_stop_accepts_the_name_of_an_answer(cells):
    for name in "ab":
        cells(f"%%gemini --background -q -o {name}\n@wait 30\none")
    cells("%gemini stop a")
    assert [cells.names[name].status for name in "ab"] == ["interrupted", "running"]
    cells("%gemini stop b")
    assert "No response is named 'c'." in cells.error("%gemini stop c").message
    for thread in threading.enumerate():
        if thread.name == "gemini-background":
            thread.join(60)


def test_the_file_of_the_text_is_named_once(cells, tmp_path):
    file = tmp_path / "answer.md"
    cells(f"%%gemini --to {file}\nHello there")
    assert cells.shown.count(str(file)) == 1
    assert f"The text of the answer is in {file}." in cells.shown
    assert cells.error(f"%%gemini --to {file} --overwrite --retries 0\n@error 503 busy").code == 503
    assert f"No text arrived; {file} was not changed." in cells.shown
    assert file.read_text().startswith("Hello there")
    cells(f"%%gemini -q --to {file} --overwrite\nHello there")
    assert str(file) not in cells.shown


def test_a_question_within_a_text_or_below_another_magic_is_not_changed(cells):
    cells("text = '''\n%gemini what is it?\n'''")
    assert cells.names["text"] == "\n%gemini what is it?\n"
    cells("%%writefile -a /dev/null\n%gemini what is it?")
    assert "Unknown command" not in cells.shown


def test_json_settings_are_set_as_json(cells):
    cells("%gemini config 'body={\"a\": 1}'")
    cells("%gemini config 'param={\"topK\": 1}'")
    assert cells("%%gemini --dry-run\nhi").result.body["a"] == 1
    assert cells.shell.user_ns["_"].body["generationConfig"] == {"topK": 1}


def test_a_question_mark_behind_a_command_shows_its_help(cells):
    assert cells("%gemini last?").success
    assert cells.shown.startswith("%gemini last [N]: ")
    assert cells("%gemini ?").success
    assert cells.shown.startswith("Commands")


@pytest.fixture
def answered(cells):
    cells("%%gemini -o one\n# A head\n\nand some words")
    cells("%%gemini -o two\nother words")
    return cells


def test_the_tables_of_an_answer_can_be_filtered(answered):
    events = answered("%gemini events one --where kind=text --where 'text ~ head'").result
    assert len(events) > 0
    assert set(events["kind"]) == {"text"}
    assert len(answered("%gemini chunks --where=kind~finish").result) == 1
    assert "Did you mean kind" in answered.error("%gemini chunks --where knd=text").message
    assert "is not a number" in answered.error("%gemini events --where 't > soon'").message


def test_timing_cost_and_notes_of_an_answer_are_shown(answered):
    answered("%gemini timing one")
    assert "first text" in answered.shown
    answered("%gemini usage")
    assert answered.shown.startswith("tokens: none used\ncost: none\n")  # the echo backend uses none
    result = answered("%gemini usage one").result
    assert answered.shown.startswith("cost: unknown")
    assert result == answered.names["one"].usage_history
    answered("%gemini notes one --where severity=error")
    assert answered.shown == "No notes: nothing unusual was found.\n"


def test_two_answers_are_compared(answered):
    assert not answered("%gemini diff one two").result.same
    assert answered("%gemini diff two").result.same
    assert "No response is named 'three'." in answered.error("%gemini diff three").message


def test_curl_prints_the_command_of_an_answer_of_the_echo_backend(answered):
    answered("%gemini curl one")
    assert answered.shown.startswith("curl ")


def test_config_shows_settings_of_a_project_that_are_ignored_and_why(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_project(tmp_path, 'base_url = "https://llm.example.org"\nimages = "evil.example"\ntop_k = 3')
    cells("%gemini config")
    assert "'https://llm.example.org'" in cells.shown
    [base_url] = [
        line for line in cells.shown.splitlines() if line.startswith("base_url ") and "https" in line
    ]
    assert base_url.split("  ")[-1].strip() == "the file is not trusted"
    [images] = [line for line in cells.shown.splitlines() if line.startswith("images ") and "evil" in line]
    assert images.split("  ")[-1].strip() == "this value needs your trust"
    assert (
        f"After you have read the file, `gemini-magic trust {path}` allows what needs your trust."
        in cells.shown
    )
    cells("%gemini config base_url")
    assert cells.shown.startswith("base_url = None (default): ")
    assert "the file is not trusted" in cells.shown
    cells("%gemini config top_k")
    assert cells.shown.startswith(f"top_k = 3 ({path}): ")
    assert "ignored" not in cells.shown
