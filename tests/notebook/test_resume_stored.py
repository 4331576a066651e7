"""`%gemini resume` of an answer that the server stores: it is read from there, also in another kernel, and no model is asked."""

from __future__ import annotations

import os
import signal

import pytest
from client_stage import until
from interactions_server import InteractionsServer, answer, call, refusal, text, thought
from kernel import KernelSession
from shell import ipython_shell
from surroundings import CANARY

from gemini_magic.errors import OptionError, ServiceError, TruncatedError
from gemini_magic.notebook import load, unload
from gemini_magic.views import status_line

WHOLE = answer(thought("Let me see."), text("One, ", "two, ", "three."))


@pytest.fixture(scope="module")
def running():
    with InteractionsServer() as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.forget_all()


@pytest.fixture
def asking(cells, server, monkeypatch):
    """Options of a cell that lets the server store its answer, and reads it once only."""
    monkeypatch.setenv("FAKE_KEY", CANARY)
    cells("%config GeminiMagics.backend = 'interactions'")
    return f"-q -m m --base-url {server.base_url} --key-env FAKE_KEY --retries 0 --server-store"


def test_the_whole_answer_is_read_from_the_server(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    error = cells.error(f"%%gemini -o r {asking}\ncount")
    assert isinstance(error, TruncatedError)
    assert "`%gemini resume` reads it from there" in str(error)
    assert cells.names["r"].text == "One, "
    assert cells("%gemini resume -o whole").success
    assert "the model is not asked again" in cells.shown
    whole = cells.names["whole"]
    assert (whole.text, whole.thoughts, whole.status) == ("One, two, three.", "Let me see.", "complete")
    assert [len(server.asked(kind)) for kind in ("create", "stream")] == [1, 1]
    assert "last_event_id" not in server.asked("stream")[0].query
    assert "resumed" not in status_line(whole.ledger)
    assert whole.response_id == server.made[0].id
    assert whole.usage.total == 40


def test_the_answer_is_one_turn_and_the_conversation_continues_on_the_server(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --chat tom {asking}\ncount")
    assert cells("%gemini resume").success
    server.plan(answer(text("Four.")))
    assert cells(f"%%gemini --chat tom {asking}\ngo on").success
    sent = server.asked("create")[-1].body
    assert sent["previous_interaction_id"] == server.made[0].id
    assert sent["input"] == "go on"


def test_reading_it_is_resumed_as_well(cells, asking, server):
    server.plan(WHOLE, cuts=(5, 8, 2))
    cells(f"%%gemini {asking}\ncount")
    assert cells("%gemini resume --retries 2").success
    assert cells.names["_gemini"].text == "One, two, three."
    assert len(server.asked("stream")) == 3


def test_it_can_be_read_at_once(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini {asking}\ncount")
    assert cells("%gemini resume --no-stream").success
    assert cells.names["_gemini"].text == "One, two, three."
    assert len(server.asked("get")) == 1


def test_the_request_is_shown_before_it_is_sent(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini {asking}\ncount")
    shown = cells("%gemini resume --dry-run").result
    assert (shown.method, shown.url) == (
        "GET",
        f"{server.base_url}/v1beta/interactions/{server.made[0].id}?stream=true",
    )
    assert CANARY not in repr(shown)


def test_an_answer_that_is_no_longer_stored_is_an_error(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini {asking}\ncount")
    server.fail("stream", refusal(404, "not_found", "Interaction not found."))
    error = cells.error("%gemini resume")
    assert isinstance(error, ServiceError)
    assert "not found" in str(error)


def test_an_interrupted_answer_is_read_from_the_server(cells, asking, server):
    server.plan(WHOLE, gates={8: "go"})
    cells(f"%%gemini --background -o r {asking}\ncount")
    until(lambda: cells.names["r"].text == "One, ")
    cells("%gemini stop")
    until(lambda: cells.names["r"].status == "interrupted")
    server.open("go")
    assert cells("%gemini resume").success
    assert cells.names["_gemini"].text == "One, two, three."


def test_an_answer_that_the_server_does_not_store_is_asked_for_again(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini {asking.replace(' --server-store', '')}\ncount")
    server.plan(answer(text("two, three.")))
    assert cells("%gemini resume").success
    assert len(server.asked("create")) == 2
    assert cells.names["_gemini"].whole == "One, two, three."


def test_an_answer_with_an_end_is_not_read_again(cells, asking, server):
    server.plan(answer(text("One, "), status="incomplete"))
    cells(f"%%gemini {asking}\ncount")
    server.plan(answer(text("two.")))
    assert cells("%gemini resume").success
    assert len(server.asked("create")) == 2
    assert server.asked("stream") == []


def test_the_rest_after_a_function_is_read_from_the_server(cells, asking, server):
    cells("def look(where: str) -> str:\n    'Look.'\n    return f'{where} is fine'")
    server.plan(answer(text("Wait."), call("look", {"where": "here"}), status="requires_action"))
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --tool look {asking}\ncheck")
    assert cells.names["_gemini"].text == "Wait.\n\nOne, "
    assert cells("%gemini resume").success
    found = cells.names["_gemini"]
    assert found.text == "One, two, three."
    assert found.whole == "Wait.\n\nOne, two, three."
    assert len(server.asked("create")) == 2
    assert server.asked("stream")[0].path.endswith(server.made[1].id)


def test_the_rest_that_a_new_request_brought_is_read_from_the_server(cells, asking, server):
    server.plan(answer(text("One, ")), cuts=(4,))
    cells(f"%%gemini --chat tom {asking.replace(' --server-store', '')}\ncount")
    assert cells.names["_gemini"].text == "One, "
    server.plan(answer(text("two, ", "three.")), cuts=(4,))
    cells("%gemini resume --server-store")
    assert cells.names["_gemini"].whole == "One, two, "
    assert cells("%gemini resume").success
    assert (cells.names["_gemini"].text, cells.names["_gemini"].whole) == ("two, three.", "One, two, three.")
    assert [len(server.asked(kind)) for kind in ("create", "stream")] == [2, 1]
    server.plan(answer(text("Four.")))
    cells(f"%%gemini --chat tom {asking.replace(' --server-store', '')}\ngo on")
    sent = server.asked("create")[-1].body["input"]
    texts = ["".join(part["text"] for part in step["content"]) for step in sent if "content" in step]
    assert texts == ["count", "One, two, three.", "go on"]


# ------------------------------------------------------------------------------------- continuation tokens


@pytest.mark.parametrize("store", [True, False])
def test_an_answer_that_the_server_paused_is_continued_with_its_token(cells, asking, server, store):
    options = asking if store else asking.replace(" --server-store", "")
    paused = answer(text("Part 1, "), status="requires_continuation", continuation_token="tok_1")
    server.plan(paused)
    error = cells.error(f"%%gemini -o r {options}\nwrite")
    assert isinstance(error, TruncatedError)
    server.plan(answer(text("part 2.")))
    assert cells("%gemini resume").success
    assert cells.names["_gemini"].whole == "Part 1, part 2."
    sent = server.asked("create")[-1].body
    assert sent["continuation_token"] == "tok_1"
    if store:
        assert sent["previous_interaction_id"] == server.made[0].id
        assert "input" not in sent
    else:
        assert sent["input"] == "write"
        assert "previous_interaction_id" not in sent


# --------------------------------------------------------------------------------------- other kernels


@pytest.mark.parametrize("number", ["", "1"])
def test_another_session_reads_the_newest_stored_answer_of_the_journal(cells, asking, server, capsys, number):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --journal {asking}\ncount to three")
    unload(cells.shell)
    with ipython_shell() as shell:
        load(shell)
        assert shell.run_cell(f"%gemini resume {number} -q").success
        shown = capsys.readouterr().out
        found = shell.user_ns["_gemini"]
        unload(shell)
    load(cells.shell)
    assert "Answer 1, count to three: The stored answer is read" in shown
    assert (found.text, found.status) == ("One, two, three.", "complete")
    assert len(server.asked("create")) == 1
    assert server.asked("stream")[0].headers["x-goog-api-key"] == CANARY


def test_another_session_reads_the_last_round_and_keeps_the_text_before_it(cells, asking, server, capsys):
    cells("def look(where: str) -> str:\n    'Look.'\n    return f'{where} is fine'")
    server.plan(answer(text("Wait."), call("look", {"where": "here"}), status="requires_action"))
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --journal --tool look {asking}\ncheck")
    unload(cells.shell)
    with ipython_shell() as shell:
        load(shell)
        assert shell.run_cell("%gemini resume -q").success
        assert "`_gemini.whole` will contain the whole answer." in capsys.readouterr().out
        found = shell.user_ns["_gemini"]
        unload(shell)
    load(cells.shell)
    assert (found.text, found.whole) == ("One, two, three.", "Wait.\n\nOne, two, three.")


def test_an_answer_outside_the_journal_is_found_in_the_list_of_interactions(cells, asking, server, capsys):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --no-journal {asking}\ncount to three")
    unload(cells.shell)
    with ipython_shell() as shell:
        load(shell)
        assert shell.run_cell("%gemini resume -q --no-journal").success
        shown = capsys.readouterr().out
        found = shell.user_ns["_gemini"]
        unload(shell)
    load(cells.shell)
    assert "The answer of m to an unknown question: The stored answer is read" in shown
    assert (found.text, found.status) == ("One, two, three.", "complete")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%gemini resume", "There is no unfinished answer of an earlier session"),
        ("%gemini resume 7", "The journal has no answer 7."),
        ("%gemini resume x", "'x' is not the number of an answer."),
        ("%gemini resume " + "9" * 30, "is not the number of an answer."),
        ("%gemini resume 1 2", "at most one argument"),
    ],
)
def test_a_number_without_a_stored_answer_is_an_error(cells, line, message):
    error = cells.error(line)
    assert isinstance(error, OptionError)
    assert message in f"{error.message} {error.remedy}"


def test_a_complete_answer_of_the_journal_is_not_read_again(cells, asking, server):
    cells(f"%%gemini --journal {asking}\ncount")
    error = cells.error("%gemini resume 1")
    assert "Answer 1 cannot be read from a server" in str(error)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "more", ["", " --server-background"], ids=["a stream", "in the background of the server"]
)
def test_an_answer_survives_a_killed_kernel(tmp_path, server, more):
    folders = ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "IPYTHONDIR")
    env = {name: str(tmp_path / name) for name in folders} | {"TEST_KEY": "k"}
    begin = "import os\n%load_ext gemini_magic\n%config GeminiMagics.display = 'text'\nprint(os.getpid())"
    server.plan(WHOLE, gates={8: "go"})
    options = (
        f"--backend interactions -m m --base-url {server.base_url} --key-env TEST_KEY --server-store{more}"
    )
    with KernelSession(env=env, cwd=tmp_path) as kernel:
        pid = int(kernel.execute(begin).stdout)
        run = kernel.begin(f"%%gemini {options}\ncount")
        kernel.wait_for(run, "stream", within="One, ")
        until(lambda: server.made and list(tmp_path.rglob("interactions/*.json")))  # the id is there at once
        os.kill(pid, signal.SIGKILL)
    server.open("go")
    with KernelSession(env=env, cwd=tmp_path) as again:
        again.execute(begin)
        again.execute("%gemini resume")
        assert again.value("_gemini.text, _gemini.status") == ("One, two, three.", "complete")
    assert len(server.asked("create")) == 1


def test_an_unfinished_answer_of_the_journal_names_the_command_that_reads_it(cells, asking, server):
    server.plan(WHOLE, cuts=(8,))
    cells(f"%%gemini --journal {asking}\ncount")
    shown = cells("%gemini show 1").result
    assert "`%gemini resume 1` reads it from there" in shown.error.remedy
    assert cells("%gemini resume 1").success
    assert cells.names["_gemini"].text == "One, two, three."
