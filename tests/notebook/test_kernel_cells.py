"""Cells in a real kernel: awaited or synchronous, interrupted and stopped, in the background, non-interactive."""

from contextlib import contextmanager

import nbformat
import pytest
from calibration import assert_soon
from fake_server import FakeServer, gate, stall, text, words
from kernel import kernelspec_with, run_notebook, user_kernel, widgets
from nbclient.exceptions import CellExecutionError
from surroundings import CANARY

pytestmark = pytest.mark.kernel

# Counts how often the event loop runs a callback while a cell runs; it does so only if the loop is free.
PROBE = """
import asyncio, threading
ticks = []
def tick():
    ticks.append(threading.current_thread().name)
    asyncio.get_running_loop().call_later(0.02, tick)
asyncio.get_running_loop().call_soon(tick)
"""
QUICK = "@wait 0.1\none two three"


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


# The environment's own ipykernel, and the oldest one with subshells, whose clicks arrive on another thread.
@pytest.fixture(scope="module", params=["", "7.0.1"], ids=["ipykernel as installed", "ipykernel 7.0.1"])
def kernel_of_module(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    other = {}
    if request.param:
        try:
            other = {"kernel": "other-ipykernel", "kernelspecs": kernelspec_with(request.param, home)}
        except RuntimeError as refused:  # without a package index
            pytest.skip(str(refused))
    with user_kernel(home, code="%config GeminiMagics.display = 'text'", **other) as session:
        assert session.execute(PROBE).status == "ok"
        yield session


@pytest.fixture
def kernel(kernel_of_module):
    run = kernel_of_module.execute("%config GeminiMagics.backend = 'echo'\nticks.clear()")
    assert run.status == "ok", run.error
    return kernel_of_module


@contextmanager
def asking(kernel, server, *steps):
    """Let the next cells send their requests to a server with these steps."""
    server.forget_all()
    server.script(*steps)
    code = f"%config GeminiMagics.backend = 'gemini'\nimport os; os.environ['FAKE_KEY'] = '{CANARY}'"
    assert kernel.execute(code).status == "ok"
    yield f"--base-url {server.base_url} --key-env FAKE_KEY"


def loop_ran(kernel, run):
    """How often the loop ran the callback while a cell ran (at least ten times in 0.3 s, if it was free)."""
    assert run.status == "ok", run.error
    return kernel.value("len(ticks)")


def test_a_cell_is_awaited_and_the_history_contains_the_typed_text(kernel):
    cell = f"%%gemini -o r\n>>> first\n  second;\n{QUICK}"
    kernel.execute("ticks.clear()")
    run = kernel.execute(cell)
    ran = loop_ran(kernel, run)
    assert ran >= 5
    assert kernel.value("r.request.turns[-1].text") == cell.partition("\n")[2]
    assert kernel.value("[each for each in In if 'first' in each]")[:1] == [cell]
    assert kernel.value("r is _gemini and r in list(Out.values())") is True


@pytest.mark.parametrize(
    "cell",
    [
        f"%%time\n%%gemini -o r\n{QUICK}",
        f"%%timeit -n1 -r1\n%%gemini -o r\n{QUICK}",
        f"%%capture caught\n%%gemini -o r\n{QUICK}",
        f"get_ipython().run_cell({f'%%gemini -o r{chr(10)}{QUICK}'!r});",
        f"def f():\n    return get_ipython().run_cell_magic('gemini', '-o r', {QUICK!r})\nx = f()",
        "%run other.ipynb",
    ],
    ids=["time", "timeit", "capture", "run_cell", "function", "run notebook"],
)
def test_other_calls_run_synchronously(kernel, cell):
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"%%gemini -o r\n{QUICK}")])
    kernel.execute(f"open('other.ipynb', 'w').write({nbformat.writes(other)!r}); r = None; ticks.clear()")
    run = kernel.execute(cell)
    assert run.status == "ok", run.error
    assert kernel.value("r.text.strip(), r.status") == ("one two three", "complete")


def test_an_awaited_cell_asks_again_for_an_answer_that_does_not_fit(kernel, server):
    with asking(kernel, server, text('{"age": "old"}', finish="STOP")) as options:
        server.script(text('{"age": 3}', finish="STOP"))
        run = kernel.execute(f"%%gemini -o r --schema 'age int' --repair 1 {options}\nWho?")
    assert run.status == "ok", run.error
    assert kernel.value("r.parsed, len(r.repaired_from), r is _gemini, len(ticks) > 0") == (
        {"age": 3},
        1,
        True,
        True,
    )


def test_the_same_code_inside_an_awaited_cell_is_not_awaited(kernel):
    cell = "%%gemini -q\n{{ again() }}x"
    kernel.execute(
        "calls = []\n"
        "def again():\n"
        "    calls.append(1)\n"
        f"    return get_ipython().run_cell({cell!r}).success if len(calls) == 1 else ''\n"
    )
    run = kernel.execute(cell)
    assert run.status == "ok", run.error
    assert kernel.value("_gemini.text, len(calls)") == ("Truex", 2)


def test_autoawait_off_is_respected(kernel):
    kernel.execute("%autoawait off")
    run = kernel.execute(f"%%gemini -o r\n{QUICK}")
    kernel.execute("%autoawait asyncio")
    assert run.status == "ok", run.error
    assert kernel.value("r.status") == "complete"


AWAIT = "import asyncio\nasync def later(value, wait=0.3):\n    await asyncio.sleep(wait)\n    return value"


def test_an_expression_is_awaited_on_the_kernels_loop(kernel):
    kernel.execute(f"{AWAIT}\ntask = asyncio.get_running_loop().create_task(later('kernel'))\nticks.clear()")
    run = kernel.execute(
        "%%gemini -o r -s {{ await later('system') }} -p a={{ await later({'b': [1]}, 0) }}\n"
        "{{ await task }} {{ await later(2, 0) }} {{ 3 }}"
    )
    assert loop_ran(kernel, run) >= 5
    assert kernel.value("r.request.turns[-1].text, r.request.system, r.request.params") == (
        "kernel 2 3",
        "system",
        {"a": {"b": [1]}},
    )


@pytest.mark.parametrize(
    "expression",
    [
        "print('begun', flush=True), await later(1, 30)",
        "print('begun', flush=True), __import__('time').sleep(30)",
    ],
    ids=["await", "sync"],
)
def test_the_toolbars_interrupt_during_an_expression_sends_nothing(kernel, expression):
    kernel.execute(f"{AWAIT}\nr = _gemini = None")
    run = kernel.begin(f"%%time\n%%gemini -o r\n{{{{ {expression} }}}}"[7 * ("await" in expression) :])
    queued = kernel.begin("print('LATER RAN')")
    kernel.wait_for(run, "stream", within="begun")
    then = kernel.interrupt()
    kernel.finish(run)
    kernel.finish(queued)
    assert_soon(run.reply.time - then, 1)
    assert run.error["ename"] == "Interrupted"
    assert run.error["traceback"] == ["Interrupted while the prompt was prepared. Nothing was sent."]
    assert queued.status == "aborted"
    assert kernel.value("r, _gemini") == (None, None)
    assert kernel.execute("%%gemini -o r\n{{ await later('again', 0) }}").status == "ok"


def test_an_await_in_a_cell_that_is_not_awaited_says_what_to_do(kernel):
    kernel.execute(AWAIT)
    run = kernel.execute("%%time\n%%gemini\n{{ await later(1) }}")
    assert run.error["ename"] == "PromptError"
    assert "await is not possible here" in run.error["traceback"][0]
    assert "Start the cell with %%gemini" in run.error["traceback"][1]


@pytest.mark.parametrize("before", ["", "%%time\n"], ids=["awaited", "synchronous"])
def test_the_toolbars_interrupt_while_the_server_is_silent(kernel, server, before):
    with asking(kernel, server, text("Half "), stall()) as options:
        run = kernel.begin(f"{before}%%gemini -o r {options}\nhi")
        queued = kernel.begin("print('LATER RAN')")
        kernel.wait_for(run, "stream", within="Half")
        then = kernel.interrupt()
        kernel.finish(run)
        kernel.finish(queued)
    assert_soon(run.reply.time - then, 0.2)
    assert run.status == "error"
    assert run.error["ename"] == "Interrupted"
    assert run.error["traceback"] == [
        "Stopped after 5 characters. The answer received so far is kept. `%gemini resume` asks for the rest in a new request."
    ]
    assert run.stdout.count("Stopped after") == 0  # the error is shown once, by the traceback
    assert queued.status == "aborted"
    assert "LATER" not in queued.stdout
    server.wait_for_disconnect()
    assert kernel.value("r.text, r.status, r is _gemini, r.error.response is r") == (
        "Half ",
        "interrupted",
        True,
        True,
    )


def test_the_toolbars_interrupt_while_text_arrives(kernel, server):
    for turn in range(6):
        with asking(kernel, server, *words("one two three four five " * 20, 0.03), stall()) as options:
            run = kernel.begin(f"%%gemini -o r {options}\nhi")
            queued = kernel.begin("print('LATER RAN')")
            kernel.wait_for(run, "stream", 4 + turn)
            then = kernel.interrupt()
            kernel.finish(run)
            kernel.finish(queued)
        assert_soon(run.reply.time - then, 0.2)
        assert run.error["ename"] == "Interrupted"
        assert queued.status == "aborted"


def test_an_interrupt_before_the_first_byte(kernel, server):
    with asking(kernel, server, gate("never")) as options:
        run = kernel.begin(f"%%gemini -o r {options}\nhi")
        server.wait_for_requests()
        then = kernel.interrupt()
        kernel.finish(run)
    assert_soon(run.reply.time - then, 0.2)
    assert run.error["ename"] == "Interrupted"
    assert kernel.value("r.status") == "interrupted"


def test_the_stop_flag_ends_the_cell_without_an_error_and_queued_cells_run(kernel, server):
    with asking(kernel, server, text("Half "), stall()) as options:
        kernel.execute(
            "import gemini_magic.notebook.runner as runner_module, asyncio\n"
            "select_view = runner_module.select_view\n"
            "def stopping(ledger, *, stop, **rest):\n"
            "    if stop is not None: asyncio.get_running_loop().call_later(0.3, stop)\n"
            "    return select_view(ledger, stop=stop, **rest)\n"
            "runner_module.select_view = stopping"
        )
        run = kernel.begin(f"%%gemini -o r {options}\nhi")
        queued = kernel.begin("print('LATER RAN')")
        kernel.finish(run)
        kernel.finish(queued)
        kernel.execute("runner_module.select_view = select_view")
    assert run.status == "ok", run.error
    assert_soon(run.seconds, 2)
    assert "LATER RAN" in queued.stdout
    assert kernel.value("r.text, r.status, r.ledger.cause") == ("Half ", "interrupted", "stop")


@pytest.mark.parametrize("background", ["", "--background"], ids=["awaited", "background"])
def test_the_stop_button(kernel, server, background):
    with asking(kernel, server, text("Half "), stall()) as options:
        subshell = kernel.create_subshell()
        run = kernel.begin(f"%%gemini -o r --display live {background} {options}\nhi")
        kernel.wait_for(run, "comm_msg", 2)  # the status line, every quarter of a second
        (button,) = widgets(run, "ButtonModel")
        then = kernel.click(button, subshell=subshell)  # as JupyterLab sends it
        kernel.finish(run)
        if not background:
            assert_soon(run.reply.time - then, 0.3)
        assert run.status == "ok", run.error
        # A click that an old ipykernel has missed is read while the session waits for this value.
        assert kernel.value("r.wait(60).text, r.status, r.ledger.cause") == ("Half ", "interrupted", "stop")
        server.wait_for_disconnect()


def test_an_error_fails_the_cell_and_aborts_queued_cells(kernel):
    run = kernel.begin("%%gemini\n@error 503 busy\nhalf")
    queued = kernel.begin("1")
    kernel.finish(run)
    kernel.finish(queued)
    assert run.status == "error"
    assert run.error["ename"] == "ServiceError"
    assert len(run.error["traceback"]) <= 3
    assert queued.status == "aborted"


def test_a_background_cell_ends_at_once_and_its_output_is_updated(kernel, server):
    with asking(kernel, server, text("one two "), gate("more"), text("three", finish="STOP")) as options:
        run = kernel.execute(f"%%gemini --background -o r {options}\nhi")
    assert run.status == "ok", run.error
    assert_soon(run.seconds, 0.5)
    assert kernel.value("r.status") == "running"
    server.open("more")
    assert kernel.value("r.wait(60).text") == "one two three"
    kernel.wait_for(run, "stream", within="three")


def test_the_note_about_the_background_disappears_when_the_request_has_ended(kernel):
    run = kernel.execute("%%gemini --background -o r\n@wait 0.2\none two three")
    (note,) = run.of("display_data")
    assert "The request continues in the background" in note.content["data"]["text/plain"]
    assert kernel.execute("r.wait(60)").status == "ok"
    end = kernel.wait_for(run, "update_display_data")
    assert end.content["data"] == {"text/plain": "", "text/html": ""}
    assert end.content["transient"] == note.content["transient"]
    assert "background" not in run.stdout


def test_the_value_of_a_cell_is_not_displayed_twice(kernel):
    run = kernel.execute("%%gemini -o r\nHello there")
    assert run.of("execute_result") == []
    again = kernel.execute("r")
    assert len(again.of("execute_result")) == 1


def test_a_missing_key_is_requested_only_in_an_interactive_front_end(kernel):
    kernel.execute("%config GeminiMagics.backend = 'gemini'")
    run = kernel.execute("%%gemini\nhi", allow_stdin=False)
    assert run.status == "error"
    assert run.error["ename"] == "CredentialsError"
    assert "GEMINI_API_KEY" in str(run.error)


def test_a_non_interactive_kernel_creates_no_widget():
    cells = ["%load_ext gemini_magic", "%%gemini --backend echo -o r\n**Hello** there", "print(r.status)"]
    done = run_notebook(cells)
    (shown,) = done.cells[1].outputs
    assert "text/html" in shown["data"]
    assert "application/vnd.jupyter.widget-view+json" not in shown["data"]
    assert done.metadata.get("widgets") is None
    assert done.cells[2].outputs[0]["text"] == "complete\n"


def test_a_failing_cell_stops_a_notebook_run():
    with pytest.raises(CellExecutionError, match="BlockedError"):
        run_notebook(["%load_ext gemini_magic", "%%gemini --backend echo\n@block OTHER", "1"])


@pytest.mark.parametrize("display", ["live", "html"])
def test_later_answers_of_a_chat_say_on_the_page_that_they_are_stale(kernel, display):
    def ask(cell, prompt):
        code = f"kernel_module.cell_of = lambda _: {cell!r}"
        assert kernel.execute(code).status == "ok"
        run = kernel.execute(f"%%gemini --chat {display} --display {display}\n{prompt}")
        return run, {
            message.content["transient"]["display_id"]: message.content
            for message in run.of("display_data", "update_display_data")
            if "display_id" in message.content["transient"] and "text/html" in message.content["data"]
        }

    kernel.execute("import gemini_magic.notebook.kernel as kernel_module\nfound = kernel_module.cell_of")
    ask("one", "a")
    later = [
        ask("two", "@block OTHER\nb")[1],
        ask("two", "b")[1],
        ask("three", "c")[1],
        ask("four", "@finish SAFETY\nd")[1],
    ]
    run, shown = ask("one", "a again")
    assert run.status == "ok", run.error
    _, again = ask("one", "a again")  # the same question and answer change nothing
    kernel.execute("kernel_module.cell_of = found")
    ids = [next(name for name in each if not name.endswith("-state")) for each in later]
    assert [each in shown for each in ids] == [False, True, True, True]
    for number, each in ((2, ids[1]), (3, ids[2])):
        data = shown[each]["data"]
        line = f"chat {display}, turn {number}, stale: turn 1 was run again"
        assert all(line in data[kind] for kind in ("text/html", "text/markdown", "text/plain"))
        assert shown[each]["metadata"]["gemini_magic"] == {
            **later[number - 1][each]["metadata"]["gemini_magic"]
        }
        assert shown[each]["metadata"]["gemini_magic"]["state"] == "final"
    assert "stale: turn 1 was run again" in shown[ids[3]]["data"]["text/plain"]
    assert "Blocked." not in shown[ids[3]]["data"]["text/plain"]  # the error below the answer says it
    assert not set(ids) & again.keys()
