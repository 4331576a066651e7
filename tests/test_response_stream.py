"""Callbacks while an answer streams, and the iterators of `stream`."""

from __future__ import annotations

import asyncio
import threading

import pytest
from fake_server import event, finish, gate, google_error, raw, text

import gemini_magic
from gemini_magic.errors import Interrupted
from gemini_magic.events import Delta, Finish, UsageReport


def with_callbacks(server, called, **more):
    return {
        "model": "m",
        "base_url": server.base_url,
        "retries": 0,
        "on_chunk": lambda piece: called.append(("chunk", piece)),
        "on_thinking": lambda piece: called.append(("thinking", piece)),
        "on_complete": lambda response: called.append(("complete", response.status)),
        **more,
    }


def test_ask_calls_the_callbacks_in_order_on_the_calling_thread(fake_server):
    fake_server.script(text("hm", thought=True), text("Hel"), text("lo"), finish())
    called, threads = [], set()
    r = gemini_magic.ask(
        "hi",
        **with_callbacks(
            fake_server,
            called,
            on_chunk=lambda piece: (threads.add(threading.current_thread()), called.append(("chunk", piece))),
        ),
    )
    assert called == [("thinking", "hm"), ("chunk", "Hel"), ("chunk", "lo"), ("complete", "complete")]
    assert threads == {threading.current_thread()}
    assert (r.text, r.thoughts) == ("Hello", "hm")


def test_callbacks_are_called_as_pieces_arrive(fake_server):
    fake_server.script(text("first"), gate("go"), text(" second"), finish())
    called = []
    with gemini_magic.stream("hi", **with_callbacks(fake_server, called)) as stream:
        for _ in stream:
            if called == [("chunk", "first")]:
                fake_server.open("go")  # the second piece is sent after the first reached the callback
    assert called == [("chunk", "first"), ("chunk", " second"), ("complete", "complete")]


def test_a_second_iterator_sync_or_async_calls_nothing_twice(fake_server):
    fake_server.script(text("a"), text("b"), finish())
    called = []
    stream = gemini_magic.stream("hi", **with_callbacks(fake_server, called))
    events = list(stream)

    async def again():
        return [each async for each in stream]

    assert asyncio.run(again()) == events == list(stream)
    assert called == [("chunk", "a"), ("chunk", "b"), ("complete", "complete")]
    assert {type(each) for each in events} == {Delta, Finish, UsageReport}


def test_a_split_surrogate_pair_reaches_callbacks_whole(fake_server):
    fake_server.script(
        *(
            raw(b'data: {"candidates": [{"content": {"parts": [{"text": "%b"}]}}]}\r\n\r\n' % half)
            for half in (rb"\ud83d", rb"\ude00!", rb"\ud83d")
        ),
        finish(),
    )
    called = []
    r = gemini_magic.ask("hi", **with_callbacks(fake_server, called))
    assert called == [("chunk", "😀!"), ("chunk", "�"), ("complete", "complete")]
    assert r.text == "😀!�"


def test_a_bad_ending_calls_on_complete(fake_server):
    fake_server.script(text("half"), event(google_error(500, "no", "INTERNAL")))
    called = []
    assert gemini_magic.ask("hi", **with_callbacks(fake_server, called)).status == "error"
    assert called == [("chunk", "half"), ("complete", "error")]


def test_an_exception_in_a_callback_stops_the_stream_and_has_the_response(fake_server):
    fake_server.script(text("Hello"), gate("never"))

    def broken(piece):
        raise ValueError(piece)

    with pytest.raises(ValueError, match="Hello") as caught:
        gemini_magic.ask("hi", **with_callbacks(fake_server, [], on_chunk=broken))
    assert caught.value.response.text == "Hello"
    assert caught.value.response.status == "interrupted"
    fake_server.wait_for_disconnect()


def test_an_interrupted_script_is_referred_to_the_response_not_to_a_magic(fake_server):
    fake_server.script(text("Hello"), gate("never"))

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        gemini_magic.ask("hi", **with_callbacks(fake_server, [], on_chunk=interrupted))
    assert caught.value.response.text == "Hello"
    assert caught.value.remedy == "The answer received so far is in its `.response`."
    fake_server.wait_for_disconnect()


def test_await_returns_the_response_and_calls_the_callbacks(fake_server):
    fake_server.script(text("Hel"), text("lo"), finish())
    called = []

    async def main():
        return await gemini_magic.stream("hi", **with_callbacks(fake_server, called))

    response = asyncio.run(main())
    assert (response.text, response.status) == ("Hello", "complete")
    assert called == [("chunk", "Hel"), ("chunk", "lo"), ("complete", "complete")]


def test_gather_waits_for_several_streams_at_once(fake_server):
    fake_server.model("a", text("first"), gate("a"), finish())
    fake_server.model("b", text("second"), gate("b"), finish())
    options = {"base_url": fake_server.base_url, "key_env": None, "retries": 0}

    async def main():
        streams = [gemini_magic.stream("hi", model=name, **options) for name in "ab"]
        waiting = asyncio.gather(*streams)
        await asyncio.to_thread(fake_server.wait_for_requests, 2)  # both run at the same time
        fake_server.open("b")
        fake_server.open("a")
        return await waiting

    assert [response.text for response in asyncio.run(main())] == ["first", "second"]


def test_a_cancelled_wait_stops_the_stream(fake_server):
    fake_server.script(text("Half"), gate("never"), finish())
    stream = gemini_magic.stream("hi", model="m", base_url=fake_server.base_url, retries=0)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream, 0.3)

    asyncio.run(main())
    assert stream.response.wait(60).status == "interrupted"
    fake_server.open("never")


def test_a_bad_ending_is_not_raised_by_await(fake_server):
    fake_server.script(event(google_error(400, "no", "INVALID_ARGUMENT")))

    async def main():
        return await gemini_magic.stream("hi", model="m", base_url=fake_server.base_url, retries=0)

    assert asyncio.run(main()).status == "error"
