"""An answer that is no longer used is freed at once: it leaves no reference cycle to the garbage collector."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import copyreg
import gc
import weakref

import pytest
import tblib.pickling_support
from client_stage import until
from garbage import garbage_of

import gemini_magic
from gemini_magic import Response
from gemini_magic.errors import GeminiMagicError, Interrupted, ServiceError


@pytest.fixture
def asked(fake_server):
    """Asks the fake server."""
    return lambda model="quick", **options: gemini_magic.ask(
        "hi", model=model, base_url=fake_server.base_url, **options
    )


@pytest.fixture
def streamed(fake_server):
    return lambda model="quick", **options: gemini_magic.stream(
        "hi", model=model, base_url=fake_server.base_url, **options
    )


def test_the_measure_finds_a_cycle_through_an_object_of_the_package():
    def action():
        error = GeminiMagicError("in a cycle")
        error.itself = error

    assert garbage_of(action) == {"gemini_magic.errors.GeminiMagicError": 3}


def test_an_answer_leaves_nothing(asked):
    assert not garbage_of(asked)
    assert not garbage_of(lambda: asked(on_chunk=lambda _: None, on_complete=lambda _: None))


def test_the_memory_of_an_answer_is_freed_as_soon_as_its_last_name_is_gone(asked):
    gc.disable()
    try:
        response = asked()
        ledger = weakref.ref(response.ledger)
        del response
        until(lambda: ledger() is None)  # the reader's thread ends in this moment
    finally:
        gc.enable()


def test_a_stream_leaves_nothing(streamed):
    async def iterate():
        async for _ in streamed():
            pass
        await streamed()
        await asyncio.gather(streamed(), streamed())

    assert not garbage_of(lambda: list(streamed()))
    assert not garbage_of(lambda: asyncio.run(iterate()))


def test_a_stream_that_was_stopped_leaves_nothing(streamed):
    def stop_early():
        with streamed("slow") as stream:
            next(iter(stream))

    async def cancel():
        waiting = asyncio.ensure_future(streamed("slow"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting

    assert not garbage_of(lambda: streamed("stall").close())
    assert not garbage_of(stop_early)
    assert not garbage_of(lambda: asyncio.run(cancel()))


@pytest.mark.parametrize("model", ["http-400", "http-503", "cut", "error-mid", "blocked", "stall"])
def test_an_answer_that_failed_leaves_nothing(asked, model):
    def fail():
        with contextlib.suppress(GeminiMagicError):
            asked(model, check=True, retries=1, first_byte_timeout=0.1, stall_timeout=0.1)
        with contextlib.suppress(GeminiMagicError):
            asked(model, retries=0, first_byte_timeout=0.1, stall_timeout=0.1).raise_for_status()

    assert not garbage_of(fail)


def test_an_answer_that_failed_leaves_nothing_if_exceptions_are_copied_with_tracebacks(asked, monkeypatch):
    # Importing Dask does it for all exceptions.
    monkeypatch.setitem(copyreg.dispatch_table, ServiceError, tblib.pickling_support.pickle_exception)

    def fail():
        with contextlib.suppress(GeminiMagicError):
            asked("http-400", check=True)

    assert not garbage_of(fail)


@pytest.mark.parametrize("thread", [False, True])
def test_an_answer_whose_function_raised_leaves_nothing(thread):
    @gemini_magic.tool(thread=thread)
    def broken() -> str:
        """Fails."""
        raise ValueError(marks.append("raised"))

    def fail():
        r = gemini_magic.ask("@call broken\n", backend="echo", tools=[broken])
        assert r.tool_runs[0].error.__traceback__.tb_frame.f_code.co_name == "broken"

    marks = []
    assert not garbage_of(fail)
    assert marks


def test_a_server_that_is_not_there_leaves_nothing():
    def fail():
        return gemini_magic.ask("hi", model="m", base_url="http://127.0.0.1:1", retries=0).error

    assert not garbage_of(fail)


def test_a_request_that_is_not_valid_leaves_nothing(asked):
    def fail():
        with contextlib.suppress(GeminiMagicError):
            asked(temperature="hot")
        with contextlib.suppress(GeminiMagicError):
            asked(replay="missing.jsonl")

    assert not garbage_of(fail)


def test_an_interrupt_leaves_nothing(asked):
    def interrupt(_piece):
        raise KeyboardInterrupt

    def action():
        with contextlib.suppress(Interrupted):
            asked("slow", on_chunk=interrupt)

    assert not garbage_of(action)


def test_an_error_of_a_callback_leaves_nothing(asked):
    def fail(_piece):
        raise ValueError

    def action():
        with contextlib.suppress(ValueError):
            asked("slow", on_chunk=fail)

    assert not garbage_of(action)


def test_everything_that_a_response_shows_leaves_nothing(asked):
    def look():
        response = asked()
        for table in (response.chunks, response.events, response.usage_history, response.parts_table):
            repr(table), table.where(lambda row: True), list(table), table.to_dicts()
            table.to_arrow(), table.to_pandas(), table.to_polars(), table[:1], table._repr_html_()
        response.chunks.where("usageMetadata.totalTokenCount > 1", "text ~ o")
        for name in ("notes", "timing", "cost", "usage", "candidates", "citations", "attempts", "parts"):
            getattr(response, name)
        response._repr_mimebundle_(), response.timeline()._repr_mimebundle_(), response.diff(response)
        return copy.copy(response), response.curl()

    assert not garbage_of(look)


def test_recordings_and_replays_leave_nothing(asked, tmp_path):
    path = tmp_path / "recording.jsonl"

    def action():
        asked().save(path)
        Response.load(path)
        asked(replay=str(path), speed=0)
        asked(record=str(tmp_path / "other.jsonl"))
        asked().replay(speed=0)

    assert not garbage_of(action)


def test_a_reply_leaves_nothing(asked):
    assert not garbage_of(lambda: asked().reply("and then?", retries=0))


# -- what makes it so: the error of a response


def test_the_error_of_a_response_is_one_object_while_it_is_used(asked):
    response = asked("http-400", retries=0)
    error = response.error
    assert isinstance(error, ServiceError)
    assert response.error is error
    assert error.response is response
    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")


def test_a_raised_error_keeps_its_response_after_all_other_names_are_gone(asked):
    with pytest.raises(ServiceError) as raised:
        asked("http-400", retries=0, check=True)
    gc.collect()
    assert raised.value.response.status == "error"
    assert raised.value.response.error is raised.value


def test_the_remedy_of_an_interrupted_call_stays_with_the_response(asked):
    def interrupt(_piece):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"`\.response`") as raised:
        asked("slow", on_chunk=interrupt)
    response = raised.value.response
    del raised
    gc.collect()
    assert "`.response`" in response.error.remedy
