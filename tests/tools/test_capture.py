"""What a tool prints, displays and draws belongs to its call, up to a limit, and nothing else is touched."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import threading
from importlib import import_module

import matplotlib as mpl
import pytest

from gemini_magic.tools import capture
from gemini_magic.tools.capture import ToolOutput, capturing, collect_figures, open_figures


@pytest.fixture
def output():
    return ToolOutput()


@pytest.fixture
def figures():
    mpl.use("Agg")
    return import_module("matplotlib.pyplot")


def test_only_the_output_of_the_block_is_taken(output, capsys):
    print("before")
    with capturing(output):
        print("inside", end="")
        sys.stderr.write("error")
        sys.stdout.writelines(["a", "b"])
        sys.stdout.flush()
        assert not sys.stdout.isatty()
    print("after")
    assert (output.text("stdout"), output.text("stderr")) == ("insideab", "error")
    assert capsys.readouterr() == ("before\nafter\n", "")


def test_the_streams_are_wrapped_only_while_a_tool_runs(output):
    before = sys.stdout, sys.stderr
    with capturing(output):
        assert sys.stdout is not before[0]
        with capturing(ToolOutput()):
            wrapped = sys.stdout
        assert sys.stdout is wrapped
    assert (sys.stdout, sys.stderr) == before


def test_other_threads_and_tasks_write_where_they_always_did(output, capsys):
    async def inside():
        with capturing(output):
            await asyncio.sleep(0)
            print("task")

    async def beside():
        print("beside")

    async def both():
        await asyncio.gather(inside(), beside())

    with capturing(ToolOutput()):
        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        thread.join()
    asyncio.run(both())
    assert output.text("stdout") == "task\n"
    assert sorted(capsys.readouterr().out.split()) == ["beside", "thread"]


def test_a_stream_that_was_replaced_meanwhile_is_left_alone(output):
    before = sys.stdout
    own = io.StringIO()
    try:
        with capturing(output):
            sys.stdout = own
        assert sys.stdout is own
    finally:
        sys.stdout = before


def test_redirecting_in_a_tool_works_and_leaves_nothing_behind(output):
    before = sys.stdout
    with capturing(output), contextlib.redirect_stdout(io.StringIO()) as own:
        print("own")
    assert (own.getvalue(), output.text("stdout"), sys.stdout) == ("own\n", "", before)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_tool_does_not_close_the_streams_of_the_session(output, monkeypatch, name):
    session = io.StringIO()
    monkeypatch.setattr(sys, name, session)
    with capturing(output):
        getattr(sys, name).close()
        with contextlib.closing(getattr(sys, name)) as stream, stream:
            stream.write("one")
        with pytest.raises(io.UnsupportedOperation, match="cannot detach"):
            getattr(sys, name).detach()
        getattr(sys, name).write(" two")
    assert output.text(name) == "one two"
    assert not session.closed
    getattr(sys, name).write("three")
    assert session.getvalue() == "three"


def test_other_code_may_close_its_stream_while_a_tool_runs(output, monkeypatch):
    session = io.StringIO()
    monkeypatch.setattr(sys, "stdout", session)
    with capturing(output):
        other = threading.Thread(target=sys.stdout.close)
        other.start()
        other.join()
    assert session.closed


def test_text_is_kept_up_to_a_limit_and_the_rest_is_counted(output, monkeypatch):
    monkeypatch.setattr(capture, "_MOST_TEXT", 10)
    for _ in range(5):
        output.write("stdout", "1234")
    assert output.text("stdout") == "1234123412\n… 10 more characters"
    assert output.text("stderr") == ""


def test_displays_are_kept_up_to_a_limit_and_the_rest_is_counted(output, monkeypatch):
    monkeypatch.setattr(capture, "_MOST_DISPLAYED", 10)
    for text in ("123456", "123456", "1"):
        output.display({"text/plain": text})
    assert output.displays() == (
        {"text/plain": "123456"},
        {"text/plain": "1"},
        {"text/plain": "… 1 more displays"},
    )
    output.clear()
    assert output.displays() == ()


def test_figures_that_a_tool_left_open_are_drawn_and_closed(output, figures):
    plt = figures
    plt.close("all")
    plt.figure()
    before = open_figures()
    plt.figure()
    plt.plot([1, 2])
    collect_figures(output, before)
    assert open_figures() == before
    (bundle,) = output.displays()
    assert bundle["image/png"].startswith("iVBOR")
    plt.close("all")


def test_a_figure_that_is_the_result_is_only_closed(output, figures):
    before = open_figures()
    figure = figures.figure()
    collect_figures(output, before, figure)
    axes = figures.figure().subplots()
    collect_figures(output, before, axes)
    assert (open_figures(), output.displays()) == (before, ())


def test_a_logging_handler_made_in_a_tool_still_works_afterwards(output):
    logger = logging.getLogger("of a tool")
    with capturing(output):
        handler = logging.StreamHandler(sys.stderr)
        logger.addHandler(handler)
        logger.error("inside")
    logger.error("after")
    logger.removeHandler(handler)
    assert output.text("stderr") == "inside\n"
