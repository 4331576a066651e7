import io
import json
import re
import threading

import nbformat
import pytest
from fake_server import FakeServer, Script, cut, finish, status, text
from surroundings import CANARY

from gemini_magic.catalog import TokenCount
from gemini_magic.errors import (
    BlockedError,
    OptionError,
    PromptError,
    ServiceError,
    TruncatedError,
)
from gemini_magic.notebook import load, unload
from gemini_magic.views import status_line


def roles(response):
    return [turn.role for turn in response.request.turns]


def texts(response):
    return [turn.text for turn in response.request.turns]


def test_a_cell_sends_its_prompt_shows_the_answer_and_assigns_the_response(cells):
    result = cells("%%gemini answer <<\nHello there")
    assert result.success
    assert "Hello there" in cells.shown
    response = cells.names["answer"]
    assert response.text == "Hello there"
    assert response.status == "complete"
    assert response is cells.names["_gemini"] is cells.names["_"] is result.result
    assert cells.names["Out"][result.execution_count] is response


def test_the_answer_is_shown_once_and_again_as_the_value_of_another_cell(cells):
    cells("%%gemini -o r\nHello there")
    assert cells.shown.count("Hello there") == 1
    cells("r")
    assert cells.shown.count("Hello there") == 1


def test_a_response_that_was_not_the_value_of_its_cell_is_shown_by_another_cell(cells):
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
def test_the_prompt_is_sent_as_typed(cells, prompt):
    assert cells(f"%%gemini -q\n{prompt}").success
    assert cells.names["_gemini"].request.turns[-1].text == prompt


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_prompt_is_sent_as_typed_by_run_cell_in_a_cell(cells, prompt):
    cells.names["code"] = f"%%gemini -q\n{prompt}"
    assert cells("get_ipython().run_cell(code)").success
    assert cells.names["_gemini"].request.turns[-1].text == prompt


def test_a_cell_runs_inside_other_cell_magics(cells):
    assert cells("%%time\n%%gemini\nHello time").success
    assert "Hello time" in cells.shown
    assert "Wall time" in cells.shown
    assert cells("%%timeit -n1 -r1\n%%gemini -q -o r\nHello timeit").success
    assert cells.names["r"].text == "Hello timeit"
    assert cells("%%capture caught\n%%gemini\nHello capture").success
    assert "Hello capture" not in cells.shown
    assert "Hello capture" in cells.names["caught"].stdout


def test_a_cell_magic_runs_inside_a_function(cells):
    cells("def ask(p):\n    return get_ipython().run_cell_magic('gemini', '-q', p).text")
    assert cells("ask('inside')").result == "inside"


def test_a_cell_runs_inside_a_notebook_of_run(cells, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%%gemini -q -o r\n>>> from afar")])
    path = tmp_path / "other.ipynb"
    path.write_text(nbformat.writes(notebook))
    assert cells(f"%run {path}").success
    assert cells.names["r"].request.turns[-1].text == ">>> from afar"


def test_expressions_in_the_prompt_and_on_the_line(cells):
    cells("n = 3; model = 'gemini-x'")
    cells("%%gemini -q -m {{ model }}\n{{ n }} and {{ n + 1 }}, {n}")
    assert cells.names["_gemini"].text == "3 and 4, {n}"
    assert cells.names["_gemini"].request.model == "gemini-x"
    cells("%%gemini -q --verbatim\n{{ n }}")
    assert cells.names["_gemini"].text == "{{ n }}"


SLOW = """
import asyncio
async def later(value):
    await asyncio.sleep(0.01)
    return value
"""


def test_expressions_in_the_prompt_and_on_the_line_can_await(cells):
    cells(SLOW)
    assert cells(
        "%%gemini -s {{ await later('S') }} -p x={{ await later([1]) }} -q\n{{ await later('a') }}b"
    ).success
    request = cells.names["_gemini"].request
    assert (request.turns[-1].text, request.system, request.params) == ("ab", "S", {"x": [1]})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "await later(1 / 0)",
            "the cell, line 2, column 3: {{ await later(1 / 0) }} failed: ZeroDivisionError",
        ),
        ("(yield)", "the cell, line 2, column 3: {{ (yield) }}: yield is not possible in a prompt."),
    ],
)
def test_an_await_that_fails_sends_nothing(cells, expression, message):
    cells(SLOW)
    error = cells.error(f"%%gemini\na {{{{ {expression} }}}}")
    assert isinstance(error, PromptError)
    assert error.message.startswith(message)
    assert "_gemini" not in cells.names


def test_an_await_inside_another_magic_or_without_autoawait_says_what_to_do(cells):
    cells(SLOW)
    cells("%autoawait off")
    error = cells.error("%%gemini\n{{ await later(1) }}")
    assert "await is not possible here" in error.message
    assert "%autoawait on" in error.remedy
    assert cells("%%gemini --verbatim -q\n{{ await later(1) }}").success
    assert cells.names["_gemini"].text == "{{ await later(1) }}"


@pytest.mark.parametrize("expression", ["stop()", "await stopping()"])
def test_an_interrupt_in_an_expression_sends_nothing(cells, expression):
    cells("def stop(): raise KeyboardInterrupt\nasync def stopping(): stop()")
    error = cells.error(f"%%gemini\n{{{{ {expression} }}}}")
    assert type(error).__name__ == "Interrupted"
    assert error.message == "Interrupted while the prompt was prepared. Nothing was sent."
    assert "_gemini" not in cells.names


def test_a_response_in_a_prompt_is_replaced_by_its_text(cells):
    cells("%%gemini -q -o first\nHello")
    cells("%%gemini -q\n{{ first }}!")
    assert cells.names["_gemini"].text == "Hello!"


def test_a_truncated_table_is_reported_on_the_page_and_in_the_notes(cells):
    cells("import pandas; big = pandas.DataFrame({'n': range(100_000)})")
    cells("%%gemini -o r\n{{ big }}")
    notice = "The request contains 50 of 100,000 rows of big; --table-rows N changes it."
    assert cells.shown.splitlines()[0] == notice
    assert [note.message for note in cells.names["r"].notes if note.kind == "notice"] == [notice]
    cells("%%gemini -o r --table-rows 0\n{{ big[:300] }}")
    assert "Sent" not in cells.shown
    assert "| 299 |" in cells.names["r"].text
    cells("%%gemini -o r -s {{ big }} --table-rows 3\nhi")
    assert "The request contains 3 of 100,000 rows of big" in cells.shown
    assert "the first 3 of 100,000 rows" in cells.names["r"].request.system


def test_an_incomplete_answer_in_a_prompt_is_reported(cells):
    cells("%%gemini -q -o first\n@error 500 broken\nHello")
    cells("%%gemini -q -o second\nContinue: {{ first }}")
    assert (
        "The request contains the 5 characters of first, whose answer is incomplete (error)." in cells.shown
    )


def test_an_undefined_name_is_reported_with_its_position_and_nothing_is_sent(cells):
    cells("city = 'Rome'")
    error = cells.error("%%gemini\nOne\nabout {{ cty }}")
    assert isinstance(error, PromptError)
    assert "PromptError: the cell, line 3, column 7: {{ cty }}: name 'cty' is not defined." in cells.shown
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
def test_an_empty_cell_is_an_error_with_a_remedy(cells, cell):
    error = cells.error(cell)
    assert (error.message, error.remedy) == (
        "The cell has no prompt.",
        "Write the prompt below the %%gemini line.",
    )


def test_help_needs_no_prompt(cells):
    assert cells("%%gemini -h").success
    assert "--temperature" in cells.shown


def test_a_comment_above_the_magic_is_an_error_with_a_remedy(cells):
    error = cells.error("# note\n\n%%gemini\nhi")
    assert error.message == "%%gemini is on line 3, but must be on the first line of the cell."
    assert error.remedy.startswith("Move the comment into another cell")
    assert "Traceback" not in cells.shown
    assert cells("\n\n%%gemini -q\nhi").success


def test_an_error_fails_the_cell_and_keeps_the_received_text(cells):
    error = cells.error("%%gemini -o r\n@error 503 busy\nhalf an")
    assert isinstance(error, ServiceError)
    assert error.response is cells.names["r"]
    assert cells.names["r"].text.strip() == "half an"
    assert "ServiceError" in cells.shown
    assert "Traceback" not in cells.shown
    cells("%gemini traceback")
    assert "Traceback" in cells.shown
    assert "busy" in cells.shown


@pytest.mark.parametrize("directive", ["@error 503 busy", "@finish NONE", "@finish SAFETY", "@block OTHER"])
def test_the_error_of_an_answer_and_its_remedy_are_shown_once(cells, directive):
    error = cells.error(f"%%gemini -o r\n{directive}\nhalf an")
    message, remedy = error.cell_lines
    assert message == error.message
    assert remedy
    assert cells.shown.count(message) == 1
    assert cells.shown.count(remedy) == 1
    cells("r")  # without an error below it, the answer has its details
    assert cells.shown.count(message) == 1
    assert cells.shown.count(remedy) == 1


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
def test_endings_that_fail_the_cell(cells, directive, kind, status):
    assert isinstance(cells.error(f"%%gemini\n{directive}\nwords"), kind)
    assert cells.names["_gemini"].status == status


@pytest.mark.parametrize(
    ("reason", "status", "shown"),
    [("STOP", "complete", ""), ("MAX_TOKENS", "truncated", "incomplete"), ("NEWS", "complete", "")],
)
def test_endings_that_do_not_fail_the_cell(cells, reason, status, shown):
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


def test_c_continues_the_conversation_of_the_last_cell(cells):
    cells("%%gemini -q\nfirst")
    cells("%%gemini -q -c\nsecond")
    assert texts(cells.names["_gemini"]) == ["first", "first", "second"]
    assert roles(cells.names["_gemini"]) == ["user", "model", "user"]
    cells("%%gemini -q\nalone")
    assert texts(cells.names["_gemini"]) == ["alone"]


def test_a_named_chat_is_separate_and_can_be_started_again(cells):
    cells("%%gemini -q --chat tom\na")
    cells("%%gemini -q\nb")
    cells("%%gemini -q --chat tom\nc")
    assert texts(cells.names["_gemini"]) == ["a", "a", "c"]
    cells("%%gemini -q --chat tom --fresh\nd")
    assert texts(cells.names["_gemini"]) == ["d"]
    cells("%%gemini -q -c\ne")
    assert texts(cells.names["_gemini"]) == ["d", "d", "e"]


def test_the_status_line_names_the_chat_and_the_turn_and_a_repeated_turn_marks_later_ones(cells, monkeypatch):
    monkeypatch.setattr("gemini_magic.notebook.kernel.cell_of", lambda _: cells.names["cell_id"])

    def run(cell_id, prompt, line="--chat tom"):
        cells.names["cell_id"] = cell_id
        cells(f"%%gemini {line}\n{prompt}")
        return status_line(cells.names["_gemini"].ledger)

    assert "chat tom, turn 1 · " in run("one", "a")
    assert "chat tom, turn 2 · " in run("two", "b")
    assert "chat tom, turn 3 · " in run("three", "c")
    third = cells.names["_gemini"]
    assert "chat tom, turn 1 of 3 · " in run("one", "a!")
    notice = (
        "Turn 1 of chat tom is asked again. The conversation keeps turns 2 to 3, which become stale: "
        "run their cells again, or start over with `%gemini reset tom`."
    )
    assert notice in cells.shown
    assert notice in [note.message for note in cells.names["_gemini"].notes]
    assert "chat tom, turn 3, stale: turn 1 was run again · " in status_line(third.ledger)
    cells("%gemini")
    assert "3 questions, 2 stale (last)" in cells.shown
    assert "chat tom, turn 4 (2 earlier stale) · " in run("four", "d")
    assert "chat tom, turn 2 of 4 · " in run("two", "b!")
    assert "turn 5 (2 earlier stale)" in run("five", "e", "-c")
    assert "turn" not in run("six", "alone", "")
    assert "turn 2" in run("seven", "f", "-c")
    assert "chat" not in run("seven", "f", "-c")


def test_an_answer_without_content_adds_no_turn(cells):
    cells("%%gemini -q --chat tom\n@block OTHER")
    cells("%%gemini -q --chat tom\nagain")
    assert texts(cells.names["_gemini"]) == ["again"]


def test_resume_requests_the_rest_in_a_new_request(cells):
    cells("%%gemini -q --chat tom -t 0.5\n@finish MAX_TOKENS\nhalf an answer")
    assert cells("%gemini resume -q").success
    assert "A new request for the rest of an answer of 14 characters so far." in cells.shown
    assert (
        "`_gemini` will contain the rest, and `_gemini.whole` the whole answer; `%gemini last 2`"
        in cells.shown
    )
    response = cells.names["_gemini"]
    assert roles(response) == ["user", "model", "user"]
    assert texts(response)[1] == "half an answer"
    assert response.request.settings.temperature == 0.5
    assert any("new request" in note.message for note in response.notes)
    rest = response.text
    cells("%%gemini -q --chat tom\nnext")
    assert roles(cells.names["_gemini"]) == ["user", "model", "user"]
    assert texts(cells.names["_gemini"])[1] == f"half an answer{rest}"
    assert "complete" in cells.error("%gemini resume").message


def test_resume_names_the_variables_of_both_parts(cells):
    cells("%config GeminiMagics.retries = 0")
    cells("%%gemini -q -o r\n@finish MAX_TOKENS\nhalf an answer")
    first = cells.names["r"]
    cells("%gemini resume -q")
    assert (
        "`r` keeps the first part, `_gemini` will contain the rest, and `_gemini.whole` the whole answer."
        in cells.shown
    )
    assert cells.names["r"] is first is not cells.names["_gemini"]
    cells("%%gemini -q -o r\n@error 503 busy\n")
    cells("%gemini resume -q -o s")
    assert "`s` will contain the whole answer." in cells.shown
    assert cells.names["s"] is cells.names["_gemini"]


def test_resume_before_the_first_request_is_an_error(cells):
    assert "No request has been sent yet." in cells.error("%gemini resume").message


def test_background_returns_the_running_response_at_once(cells):
    cells("%%gemini --background -o r\n@wait 0.05\none two three")
    response = cells.names["r"]
    assert response.status == "running"
    assert response.wait(60).text == "one two three"
    assert response.status == "complete"
    for thread in threading.enumerate():
        if thread.name == "gemini-background":
            thread.join(60)
    cells("pass")
    assert "one two three" in cells.shown


def test_a_display_that_the_front_end_lacks_is_refused_before_sending(cells):
    error = cells.error("%%gemini --display live\nhi")
    assert "needs a notebook" in error.message
    assert "_gemini" not in cells.names


def test_config_overrides_the_environment_and_the_line_overrides_config(cells, monkeypatch):
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


def test_state_shows_model_backend_conversations_tokens_and_the_last_answer(cells):
    cells("%%gemini -q --chat tom\none two")
    cells("%gemini")
    for expected in ("gemini-flash-latest", "echo", "chat tom", "1 question", "none used", "complete"):
        assert expected in cells.shown


def test_the_commands_show_the_last_answer_and_its_data(cells):
    cells("%%gemini -q -o r\none two")
    assert cells("%gemini last").result is cells.names["r"]
    assert "one two" in cells.shown
    assert len(cells("%gemini events").result) == len(cells.names["r"].events)
    assert len(cells("%gemini chunks").result) == 2
    assert cells("%gemini usage").result["total"] == [3, 4]
    cells("%gemini notes")
    assert "No notes: nothing unusual was found." in cells.shown
    cells("%gemini config")
    assert "%config GeminiMagics" in cells.shown
    cells("%gemini version")
    assert "ipython" in cells.shown
    cells("%gemini help")
    assert "traceback" in cells.shown
    cells("%gemini help resume")
    assert "new request" in cells.shown
    cells("%gemini help --temperature")
    assert "sampling temperature" in cells.shown
    assert "`%gemini last`" in cells.error("%gemini lst").remedy
    cells("%%gemini -q --chat tom\na")
    assert cells.error("%gemini reset tim").remedy == "Did you mean tom?"
    error = cells.error("%gemini reset other")
    assert (error.message, error.remedy) == (
        "There is no conversation named 'other'.",
        "Named conversations: tom.",
    )
    cells("%gemini reset tom")
    assert cells.shown == "Deleted conversation 'tom' (1 question).\n"
    assert "There are no named conversations" in cells.error("%gemini reset tom").remedy
    cells("%gemini reset")
    assert cells.shown == "Deleted all conversations (0 with a name).\n"
    assert "'none' is not a valid position" in str(cells.error("%gemini last none"))


def test_last_finds_an_answer_of_an_earlier_session(cells):
    cells("%%gemini -q --journal\nremember me")
    unload(cells.shell)
    load(cells.shell)
    found = cells("%gemini last").result
    assert found.text == "remember me"
    assert found is not cells.names["_gemini"]


def test_an_answer_is_recorded_and_replayed(cells, tmp_path):
    path = tmp_path / "one.jsonl"
    cells(f"%%gemini -q --record {path}\nHello there")
    lines = [json.loads(line) for line in io.StringIO(path.read_text())]
    assert lines[0]["v"] == 1
    cells(f"%%gemini -q --replay {path}\nHello there")
    assert cells.names["_gemini"].text == "Hello there"
    error = cells.error(f"%%gemini -q --replay {path}\nsomething else")
    assert type(error).__name__ == "RecordingError"


def test_a_configured_key_is_not_sent_to_another_address(cells, fake_server, monkeypatch):
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


def test_counting_tokens_calls_no_model(cells, fake_server):
    fake_server.route("/v1beta/models/m:countTokens", Script([status(200, body={"totalTokens": 7})]))
    cells("x = 3")
    cells(f"%%gemini -m m --count -o n --backend gemini --base-url {fake_server.base_url}\nCount {{{{ x }}}}")
    assert cells.names["n"] == TokenCount(7, None, {})
    (request,) = fake_server.requests
    assert "Count 3" in str(request.body)
    assert "_gemini" not in cells.names


def test_a_backend_or_a_recording_cannot_count_tokens(cells):
    assert "cannot count" in cells.error("%%gemini --count\nhi").message
    assert (
        "A recording cannot count tokens."
        in cells.error("%%gemini --count --replay builtin:tour\nhi").message
    )
    cells("%%gemini --count --dry-run -o n\nhi")  # shows the request and sends nothing
    assert "hi" in repr(cells.names["n"])


@pytest.mark.parametrize(
    ("code", "expression"),
    [
        ("r.chunks", "r.chunks"),
        ("r.events", "r.events"),
        ("r.usage_history", "r.usage_history"),
        ("table = r.chunks[:1]; table", "table"),
        ("r.chunks.where('t > 1000')", None),  # without rows there is nothing to pass on
        ("r.chunks.where('t >= 0')[:1]", "_"),
        ("r.attempts", "_"),
    ],
)
def test_the_caption_of_a_table_names_what_the_user_can_write(cells, code, expression):
    cells("%%gemini -q -o r\nHello there")
    html = cells(code).result._repr_html_()
    assert re.findall(r"pd\.DataFrame\((.*?)\)", html) == ([] if expression is None else [expression])
    if expression:
        assert cells(f"list({expression}) == list(_)").result


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_cells_and_commands_run_where_stdout_cannot_encode_every_character(cells, monkeypatch, encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", out)
    for cell in (
        "%%gemini -o r\nHello \u2713 \u4f60",
        "%%gemini\n@finish MAX_TOKENS\nabc\u2026",
        "%gemini",
        "%gemini curl",
        "%gemini inspect",
        "%gemini journal",
        "r.replay(0)",
        "%%gemini --background\nhi",
    ):
        assert cells.shell.run_cell(cell, store_history=True).success, cell
    assert isinstance(cells.error("%gemini n\u00f6pe\u2026\u4f60"), OptionError)
    cells.names["_gemini"].wait(60)
    out.flush()
    shown = out.buffer.getvalue().decode(encoding)
    assert "[+ echo" in shown
    assert "\\u4f60" in shown
