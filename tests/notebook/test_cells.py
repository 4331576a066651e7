import io
import json
import threading

import nbformat
import pytest
from fake_server import FakeServer, cut, finish, text
from surroundings import CANARY

from gemini_magic.errors import (
    BlockedError,
    OptionError,
    PromptError,
    ServiceError,
    TruncatedError,
)
from gemini_magic.notebook import load, unload


def roles(response):
    return [turn.role for turn in response.request.turns]


def said(response):
    return [turn.text for turn in response.request.turns]


def test_a_cell_is_asked_shown_and_bound(cells):
    result = cells("%%gemini answer <<\nHello there")
    assert result.success
    assert "Hello there" in cells.shown
    response = cells.names["answer"]
    assert response.text == "Hello there"
    assert response.status == "complete"
    assert response is cells.names["_gemini"] is cells.names["_"] is result.result
    assert cells.names["Out"][result.execution_count] is response


def test_the_answer_is_shown_once_and_again_when_asked_for(cells):
    cells("%%gemini -o r\nHello there")
    assert cells.shown.count("Hello there") == 1
    cells("r")
    assert cells.shown.count("Hello there") == 1


def test_a_response_that_was_not_the_cells_value_is_shown_when_asked_for(cells):
    cells("r = get_ipython().run_cell_magic('gemini', '', 'Hello there')")
    cells("r")
    assert cells.shown.count("Hello there") == 1


PROMPTS = [
    ">>> print(1)\n>>> x",
    "  indented\n    more",
    "ends with;",
    "what?",
    "!ls\n%time x",
    "a\n\n\nb",
    "$5 {x}",
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_prompt_arrives_as_it_was_typed(cells, prompt):
    assert cells(f"%%gemini -q\n{prompt}").success
    assert cells.names["_gemini"].request.turns[-1].text == prompt


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_same_when_run_cell_is_called_inside_a_cell(cells, prompt):
    cells.names["code"] = f"%%gemini -q\n{prompt}"
    assert cells("get_ipython().run_cell(code)").success
    assert cells.names["_gemini"].request.turns[-1].text == prompt


def test_inside_other_cell_magics(cells):
    assert cells("%%time\n%%gemini\nHello time").success
    assert "Hello time" in cells.shown
    assert "Wall time" in cells.shown
    assert cells("%%timeit -n1 -r1\n%%gemini -q -o r\nHello timeit").success
    assert cells.names["r"].text == "Hello timeit"
    assert cells("%%capture caught\n%%gemini\nHello capture").success
    assert "Hello capture" not in cells.shown
    assert "Hello capture" in cells.names["caught"].stdout


def test_inside_a_function(cells):
    cells("def ask(p):\n    return get_ipython().run_cell_magic('gemini', '-q', p).text")
    assert cells("ask('inside')").result == "inside"


def test_inside_a_notebook_that_is_run(cells, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%%gemini -q -o r\n>>> from afar")])
    path = tmp_path / "other.ipynb"
    path.write_text(nbformat.writes(notebook))
    assert cells(f"%run {path}").success
    assert cells.names["r"].request.turns[-1].text == ">>> from afar"


def test_expressions_in_prompt_and_line(cells):
    cells("n = 3; model = 'gemini-x'")
    cells("%%gemini -q -m {{ model }}\n{{ n }} and {{ n + 1 }}, {n}")
    assert cells.names["_gemini"].text == "3 and 4, {n}"
    assert cells.names["_gemini"].request.model == "gemini-x"
    cells("%%gemini -q --verbatim\n{{ n }}")
    assert cells.names["_gemini"].text == "{{ n }}"


def test_another_response_in_a_prompt_is_its_text(cells):
    cells("%%gemini -q -o first\nHello")
    cells("%%gemini -q\n{{ first }}!")
    assert cells.names["_gemini"].text == "Hello!"


def test_an_undefined_name_says_where_and_sends_nothing(cells):
    cells("city = 'Rome'")
    error = cells.error("%%gemini\nOne\nabout {{ cty }}")
    assert isinstance(error, PromptError)
    assert "PromptError: the cell, line 3, column 7: {{ cty }}: there is no 'cty'." in cells.shown
    assert "Did you mean `city`?" in cells.shown
    assert "Traceback" not in cells.shown
    assert "_gemini" not in cells.names


def test_single_braces_around_a_known_name_give_one_hint(cells):
    cells("city = 'Rome'")
    cells("%%gemini\nWhere is {city}?")
    assert cells.shown.count("{{ city }}") == 1


def test_an_unknown_option_sends_nothing(cells):
    error = cells.error("%%gemini --temprature 1\nhi")
    assert isinstance(error, OptionError)
    assert "Did you mean --temperature" in cells.shown
    assert "_gemini" not in cells.names


@pytest.mark.parametrize("cell", ["%%gemini", "%%gemini\n", "%%gemini -m gemini-x\n  \n"])
def test_an_empty_cell_is_a_friendly_error(cells, cell):
    assert "no prompt" in cells.error(cell).message


def test_help_needs_no_prompt(cells):
    assert cells("%%gemini -h").success
    assert "--temperature" in cells.shown


def test_a_comment_above_is_a_friendly_error(cells):
    error = cells.error("# note\n\n%%gemini\nhi")
    assert "line 3" in error.message
    assert "Traceback" not in cells.shown
    assert cells("\n\n%%gemini -q\nhi").success


def test_a_bad_ending_fails_the_cell_and_keeps_what_came(cells):
    error = cells.error("%%gemini -o r\n@error 503 busy\nhalf an")
    assert isinstance(error, ServiceError)
    assert error.response is cells.names["r"]
    assert cells.names["r"].text.strip() == "half an"
    assert "ServiceError" in cells.shown
    assert "Traceback" not in cells.shown
    cells("%gemini traceback")
    assert "Traceback" in cells.shown
    assert "busy" in cells.shown


@pytest.mark.parametrize(
    ("directive", "kind", "status"),
    [
        ("@finish NONE", TruncatedError, "truncated"),
        ("@finish SAFETY", BlockedError, "blocked"),
        ("@block OTHER", BlockedError, "blocked"),
        ("@finish MALFORMED_RESPONSE", ServiceError, "error"),
        ("@error 500 x", ServiceError, "error"),
    ],
)
def test_endings_that_fail(cells, directive, kind, status):
    assert isinstance(cells.error(f"%%gemini\n{directive}\nwords"), kind)
    assert cells.names["_gemini"].status == status


@pytest.mark.parametrize(
    ("reason", "status", "shown"),
    [("STOP", "complete", ""), ("MAX_TOKENS", "truncated", "incomplete"), ("NEWS", "complete", "")],
)
def test_endings_that_do_not(cells, reason, status, shown):
    assert cells(f"%%gemini\n@finish {reason}\nwords").success
    assert cells.names["_gemini"].status == status
    assert shown in cells.shown


def test_dry_run_shows_the_request_and_sends_nothing(cells):
    cells("%config GeminiMagics.backend = 'gemini'")
    result = cells("%%gemini -t 0.5 -s short -p topK=3 --dry-run -o r\nHello {{ 1 + 1 }}")
    assert result.success
    assert "<key>" in cells.shown
    shown = cells.names["r"]
    assert shown.method == "POST"
    assert shown.body["contents"][-1]["parts"] == [{"text": "Hello 2"}]
    assert shown.body["generationConfig"] == {"temperature": 0.5, "topK": 3}
    assert "_gemini" not in cells.names


def test_without_a_key_nothing_is_sent(cells):
    cells("%config GeminiMagics.backend = 'gemini'")
    error = cells.error("%%gemini\nhi")
    assert "GEMINI_API_KEY" in str(error)
    assert "_gemini" not in cells.names


def test_quiet_shows_nothing(cells):
    cells("%%gemini -q -o r\nHello there")
    assert "Hello" not in cells.shown
    assert cells.names["r"].text == "Hello there"


def test_continue_goes_on_with_the_last_cell(cells):
    cells("%%gemini -q\nfirst")
    cells("%%gemini -q -c\nsecond")
    assert said(cells.names["_gemini"]) == ["first", "first", "second"]
    assert roles(cells.names["_gemini"]) == ["user", "model", "user"]
    cells("%%gemini -q\nalone")
    assert said(cells.names["_gemini"]) == ["alone"]


def test_a_named_chat_is_kept_apart_and_can_begin_anew(cells):
    cells("%%gemini -q --chat tom\na")
    cells("%%gemini -q\nb")
    cells("%%gemini -q --chat tom\nc")
    assert said(cells.names["_gemini"]) == ["a", "a", "c"]
    cells("%%gemini -q --chat tom --fresh\nd")
    assert said(cells.names["_gemini"]) == ["d"]
    cells("%%gemini -q -c\ne")
    assert said(cells.names["_gemini"]) == ["d", "d", "e"]


def test_an_answer_without_content_leaves_no_turn(cells):
    cells("%%gemini -q --chat tom\n@block OTHER")
    cells("%%gemini -q --chat tom\nagain")
    assert said(cells.names["_gemini"]) == ["again"]


def test_resume_asks_for_the_rest_in_a_new_request(cells):
    cells("%%gemini -q --chat tom -t 0.5\n@finish MAX_TOKENS\nhalf an answer")
    assert cells("%gemini resume -q").success
    assert "new request" in cells.shown
    assert "`_gemini` gets the rest, `_gemini.whole` is the whole answer; `%gemini last 2`" in cells.shown
    response = cells.names["_gemini"]
    assert roles(response) == ["user", "model", "user"]
    assert said(response)[1] == "half an answer"
    assert response.request.settings.temperature == 0.5
    assert any("new request" in note.message for note in response.notes)
    rest = response.text
    cells("%%gemini -q --chat tom\nnext")
    assert roles(cells.names["_gemini"]) == ["user", "model", "user"]
    assert said(cells.names["_gemini"])[1] == f"half an answer{rest}"
    assert "complete" in cells.error("%gemini resume").message


def test_resume_says_which_name_holds_what(cells):
    cells("%%gemini -q -o r\n@finish MAX_TOKENS\nhalf an answer")
    first = cells.names["r"]
    cells("%gemini resume -q")
    assert (
        "`r` keeps what came, `_gemini` gets the rest, and `_gemini.whole` is the whole answer."
        in cells.shown
    )
    assert cells.names["r"] is first is not cells.names["_gemini"]
    cells("%%gemini -q -o r\n@error 503 busy\n")
    cells("%gemini resume -q -o s")
    assert "`s` will hold the whole answer." in cells.shown
    assert cells.names["s"] is cells.names["_gemini"]


def test_resume_without_anything_to_resume(cells):
    assert "Nothing was asked" in cells.error("%gemini resume").message


def test_background_returns_at_once_with_the_live_response(cells):
    cells("%%gemini --background -o r\n@wait 0.05\none two three")
    response = cells.names["r"]
    assert response.status == "running"
    assert response.wait(5).text == "one two three"
    assert response.status == "complete"
    for thread in threading.enumerate():
        if thread.name == "gemini-background":
            thread.join(5)
    cells("pass")
    assert "one two three" in cells.shown


def test_a_display_that_is_not_here_is_refused_before_sending(cells):
    error = cells.error("%%gemini --display live\nhi")
    assert "needs a notebook" in error.message
    assert "_gemini" not in cells.names


def test_configuration_is_between_environment_and_line(cells, monkeypatch):
    monkeypatch.setenv("GEMINI_MAGIC_MODEL", "gemini-env")
    cells("%%gemini -q\na")
    assert cells.names["_gemini"].request.model == "gemini-env"
    cells("%config GeminiMagics.model = 'gemini-config'")
    cells("%%gemini -q\na")
    assert cells.names["_gemini"].request.model == "gemini-config"
    cells("%%gemini -q -m gemini-line\na")
    assert cells.names["_gemini"].request.model == "gemini-line"
    cells("%config GeminiMagics")
    assert "GeminiMagics.temperature" in cells.shown
    assert "gemini-config" in cells.shown


def test_the_state_names_what_matters(cells):
    cells("%%gemini -q --chat tom\none two")
    cells("%gemini")
    for expected in ("gemini-flash-latest", "echo", "chat tom", "1 question", "4 total", "complete"):
        assert expected in cells.shown


def test_words(cells):
    cells("%%gemini -q -o r\none two")
    assert cells("%gemini last").result is cells.names["r"]
    assert "one two" in cells.shown
    assert len(cells("%gemini events").result) == len(cells.names["r"].events)
    assert len(cells("%gemini chunks").result) == 2
    assert cells("%gemini usage").result["total"] == [3, 4]
    cells("%gemini notes")
    assert "Nothing odd" in cells.shown
    cells("%gemini config")
    assert "%config GeminiMagics" in cells.shown
    cells("%gemini version")
    assert "ipython" in cells.shown
    cells("%gemini help")
    assert "traceback" in cells.shown
    cells("%gemini help resume")
    assert "new request" in cells.shown
    cells("%gemini help --temperature")
    assert "randomness" in cells.shown
    assert "`%gemini last`" in cells.error("%gemini lst").remedy
    cells("%%gemini -q --chat tom\na")
    assert "Did you mean tom" in cells.error("%gemini reset tim").remedy
    assert cells("%gemini reset tom").success
    assert "'none' is not a number" in str(cells.error("%gemini last none"))


def test_an_answer_of_an_earlier_kernel_is_found(cells):
    cells("%%gemini -q --journal\nremember me")
    unload(cells.shell)
    load(cells.shell)
    found = cells("%gemini last").result
    assert found.text == "remember me"
    assert found is not cells.names["_gemini"]


def test_record_and_replay(cells, tmp_path):
    path = tmp_path / "one.jsonl"
    cells(f"%%gemini -q --record {path}\nHello there")
    lines = [json.loads(line) for line in io.StringIO(path.read_text())]
    assert lines[0]["v"] == 1
    cells(f"%%gemini -q --replay {path}\nHello there")
    assert cells.names["_gemini"].text == "Hello there"
    error = cells.error(f"%%gemini -q --replay {path}\nsomething else")
    assert type(error).__name__ == "RecordingError"


def test_a_configured_key_does_not_follow_to_another_address(cells, fake_server, monkeypatch):
    monkeypatch.setenv("MYKEY", CANARY)
    with FakeServer() as other:
        fake_server.script(text("one"), finish())
        fake_server.script(text("two, "), cut())
        other.model("m", text("three"), finish())
        cells("%config GeminiMagics.backend = 'gemini'")
        cells(f"%config GeminiMagics.base_url = '{fake_server.base_url}'")
        cells("%config GeminiMagics.key_env = 'MYKEY'")
        assert cells("%%gemini -m m\nhi").success
        assert cells.names["_gemini"].ledger.notes == []
        cells("%%gemini -m m\nhi")  # breaks off
        assert cells(f"%gemini resume --base-url {other.base_url}").success
        assert "key-kept-back" in [note.kind for note in cells.names["_gemini"].notes]
        assert cells(f"%%gemini -m m --base-url {other.base_url}\nhi").success
        (note,) = cells.names["_gemini"].ledger.notes
        assert (note.kind, note.severity) == ("key-kept-back", "warning")
        assert "--key-env" in note.message
        cells("%config GeminiMagics.key_env = ''")
        assert cells(f"%%gemini -m m --base-url {other.base_url}\nhi").success
        assert cells.names["_gemini"].ledger.notes == []
    assert [CANARY in str(each.headers) for each in fake_server.requests] == [True, True]
    assert len(other.requests) == 3
    assert CANARY not in str(other.requests)
