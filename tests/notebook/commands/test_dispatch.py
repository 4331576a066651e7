"""What `%gemini` says to words it does not know, to what follows a word, and about settings."""

import threading

import pytest

from gemini_magic.errors import OptionError
from gemini_magic.notebook import load, unload


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("%gemini evnts", "There is no word 'evnts'.", "Did you mean `%gemini events`?"),
        ("%gemini -m quick hello", "There is no word 'hello'.", "A question goes into a cell"),
        ("%gemini why? oh", "There is no word 'why?'.", "A question goes into a cell"),
        ("%gemini hello", "There is no word 'hello'.", "`%gemini help` lists the words."),
        ("%gemini what's new", "quotation mark", "A question goes into a cell"),
        ("%gemini -m quick", "`%gemini state` takes no options.", "%%gemini line"),
        ("%gemini config -t 1", "`%gemini config` takes no options.", "NAME=VALUE"),
        ("%gemini version foo", "takes nothing after it, not 'foo'.", "Write `%gemini version`."),
        ("%gemini resume foo", "takes nothing after it, not 'foo'.", "Write `%gemini resume [options]`."),
        ("%gemini last 1 2", "takes one word after it, not '1 2'.", "Write `%gemini last [N]`."),
        ("%gemini state of the art", "takes nothing after it", "A question goes into a cell"),
        ("%gemini help me write", "takes one word after it, not 'me write'.", "A question goes into a cell"),
        ("%gemini help evnts", "There is no help on 'evnts'.", "Did you mean `%gemini help events`?"),
        ("%gemini usage foo", "There is no 'foo'.", "-o NAME"),
        ("%gemini events --where", "--where needs a condition.", "--where kind=text"),
        ("%gemini events --where 'a", "quotation mark", "--where 't > 1.5'"),
        (
            "%gemini timing --where t>1",
            "`%gemini timing` takes no --where.",
            "events, chunks, usage and notes do.",
        ),
        ("%gemini diff", "`%gemini diff` needs a response.", "diff NAME"),
        ("%gemini diff a b c", "takes two words after it, not 'a b c'.", "[NAME [OTHER]]"),
        ("%gemini timing", "Nothing was asked yet.", "Begin a cell"),
        ("%gemini config modle", "There is no setting 'modle'.", "Did you mean `model`?"),
        ("%gemini config zzz=1", "There is no setting 'zzz'.", "`%gemini config` lists"),
        ("%gemini config model quick", "takes nothing after the name", "`%gemini config model=VALUE`"),
        ("%gemini config chat=tom", "'chat' belongs to one cell", "Write --chat on the %%gemini line"),
        ("%gemini config continue=1", "'continue' belongs to one cell", "Write --continue"),
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
def test_what_cannot_be_meant_is_refused_with_a_remedy(cells, line, message, remedy):
    error = cells.error(line)
    assert isinstance(error, OptionError)
    assert message in error.message
    assert remedy in error.remedy
    assert "None" not in str(error)


def test_a_guess_that_is_far_off_is_not_made(cells):
    assert "Did you mean" not in cells.error("%gemini -m quick hello").remedy


def test_one_setting_is_shown_in_one_line(cells):
    cells("%gemini config temperature")
    assert cells.shown == "temperature = None (default): sampling temperature; 0 is the most deterministic\n"
    cells("%gemini config max-output-tokens")
    assert cells.shown.startswith("max_tokens = None (default): ")


def test_a_setting_is_set_for_this_shell_and_taken_back(cells):
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


def test_a_setting_can_be_set_before_anything_else_was_configured(shell, capsys):
    shell.run_line_magic("load_ext", "gemini_magic")
    shell.run_line_magic("gemini", "config backend=echo")
    assert capsys.readouterr().out.startswith("backend = 'echo' (%config GeminiMagics)")


def test_a_key_that_is_kept_back_is_said_so(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nbackend = "gemini"\nkey_env = "MYKEY"')
    cells("%config GeminiMagics.backend = 'gemini'")
    cells("%config GeminiMagics.base_url = 'https://llm.example.org'")
    kept = "withheld: base_url is from %config GeminiMagics"
    cells("%gemini")
    assert f"none: this address is asked without one (key_env {kept})\n" in cells.shown
    cells("%gemini config key_env")
    assert cells.shown.startswith(f"key_env = None ({kept}): ")


def test_words_take_the_name_of_a_response(cells):
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
    assert (error.message, error.remedy) == ("There is no 'frist'.", "Did you mean `first`?")
    error = cells.error("%gemini events number")
    assert error.message == "'number' is no response."
    assert "first, second" in error.remedy


@pytest.mark.parametrize("word", ["last", "events", "chunks", "notes", "timeline", "last 2"])
def test_with_nothing_asked_the_remedy_can_be_followed(cells, word):
    error = cells.error(f"%gemini {word}")
    assert error.message == "Nothing was asked yet."
    assert error.remedy == "Begin a cell with %%gemini."


def test_an_earlier_kernels_answer_is_named_only_when_there_is_one(cells):
    cells("%%gemini -q --journal\nremember me")
    assert "There is no answer 9 runs back." in cells.error("%gemini last 9").message
    unload(cells.shell)
    load(cells.shell)
    assert "`%gemini last` shows" in cells.error("%gemini events").remedy
    assert cells("%gemini last").success


def test_help_on_the_words_fits_its_lines(cells):
    cells("%gemini help")
    assert max(map(len, cells.shown.splitlines())) <= 79
    assert "%gemini config [NAME[=VALUE]]" in cells.shown


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("rpm", "--rpm: "),
        ("max_tokens", "--max-tokens: "),
        ("m", "-m: "),
        ("--rpm", "--rpm: "),
        ("-m", "-m: "),
    ],
)
def test_help_on_an_option_needs_no_dashes(cells, topic, said):
    assert cells(f"%gemini help {topic}").success
    assert cells.shown.startswith(said)


def test_stop_ends_what_runs_in_the_background_and_says_what(cells):
    cells("%gemini stop")
    assert cells.shown == "Nothing is running.\n"
    cells("%%gemini --background -o r\n@wait 30\none")
    assert "`%gemini stop` stops it." in cells.shown
    cells("%%gemini --background -q\n@wait 30\na question of its own")
    cells("%gemini stop")
    first, second = sorted(line for line in cells.shown.splitlines() if line.startswith("Stopped "))
    assert first == "Stopped r; 0 characters had arrived."
    assert second.startswith("Stopped the answer to '@wait 30 a question of its own'; 0 ")
    for response in (cells.names["r"], cells.names["_gemini"]):
        assert (response.status, response.ledger.cause) == ("interrupted", "stop")
    cells("%gemini stop")
    assert "Nothing is running." in cells.shown


def test_stop_takes_the_name_of_an_answer(cells):
    for name in "ab":
        cells(f"%%gemini --background -q -o {name}\n@wait 30\none")
    cells("%gemini stop a")
    assert [cells.names[name].status for name in "ab"] == ["interrupted", "running"]
    cells("%gemini stop b")
    assert "There is no 'c'." in cells.error("%gemini stop c").message
    for thread in threading.enumerate():
        if thread.name == "gemini-background":
            thread.join(5)


def test_where_the_text_was_written_is_said_once(cells, tmp_path):
    file = tmp_path / "answer.md"
    cells(f"%%gemini --to {file}\nHello there")
    assert cells.shown.count(str(file)) == 1
    assert f"The text of the answer is in {file}." in cells.shown
    assert cells.error(f"%%gemini --to {file} --retries 0\n@error 503 busy").code == 503
    assert f"No text came; {file} is as it was." in cells.shown
    assert file.read_text().startswith("Hello there")
    cells(f"%%gemini -q --to {file}\nHello there")
    assert str(file) not in cells.shown


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
    assert "no number" in answered.error("%gemini events --where 't > soon'").message


def test_what_an_answer_took_is_told(answered):
    answered("%gemini timing one")
    assert "first text of the answer" in answered.shown
    answered("%gemini usage")
    assert "cost: not known" in answered.shown
    result = answered("%gemini usage one").result
    assert answered.shown.startswith("cost: not known")
    assert result == answered.names["one"].usage_history
    answered("%gemini notes one --where severity=error")
    assert answered.shown == "Nothing odd was seen.\n"


def test_two_answers_are_compared(answered):
    assert not answered("%gemini diff one two").result.same
    assert answered("%gemini diff two").result.same
    assert "There is no 'three'" in answered.error("%gemini diff three").message


def test_the_command_of_an_answer_that_nobody_was_asked_for(answered):
    answered("%gemini curl one")
    assert answered.shown.startswith("curl ")
