"""Functions that are called while an answer comes, and what `stream` gives to who iterates."""

from __future__ import annotations

import asyncio
import threading

import pytest
from fake_server import event, finish, gate, google_error, raw, text

import gemini_magic
from gemini_magic.errors import Interrupted
from gemini_magic.events import Delta, Finish, UsageReport


def listening(server, said, **more):
    return {
        "model": "m",
        "base_url": server.base_url,
        "retries": 0,
        "on_chunk": lambda piece: said.append(("chunk", piece)),
        "on_thinking": lambda piece: said.append(("thinking", piece)),
        "on_complete": lambda response: said.append(("complete", response.status)),
        **more,
    }


def test_ask_calls_them_in_order_on_the_calling_thread(fake_server):
    fake_server.script(text("hm", thought=True), text("Hel"), text("lo"), finish())
    said, threads = [], set()
    r = gemini_magic.ask(
        "hi",
        **listening(
            fake_server,
            said,
            on_chunk=lambda piece: (threads.add(threading.current_thread()), said.append(("chunk", piece))),
        ),
    )
    assert said == [("thinking", "hm"), ("chunk", "Hel"), ("chunk", "lo"), ("complete", "complete")]
    assert threads == {threading.current_thread()}
    assert (r.text, r.thoughts) == ("Hello", "hm")


def test_they_are_called_as_the_pieces_come_not_at_the_end(fake_server):
    fake_server.script(text("first"), gate("go"), text(" second"), finish())
    said = []
    with gemini_magic.stream("hi", **listening(fake_server, said)) as stream:
        for _ in stream:
            if said == [("chunk", "first")]:
                fake_server.open("go")  # the second piece is not sent before the first was told
    assert said == [("chunk", "first"), ("chunk", " second"), ("complete", "complete")]


def test_a_second_iterator_tells_nothing_twice_and_async_is_the_same(fake_server):
    fake_server.script(text("a"), text("b"), finish())
    said = []
    stream = gemini_magic.stream("hi", **listening(fake_server, said))
    events = list(stream)

    async def again():
        return [each async for each in stream]

    assert asyncio.run(again()) == events == list(stream)
    assert said == [("chunk", "a"), ("chunk", "b"), ("complete", "complete")]
    assert {type(each) for each in events} == {Delta, Finish, UsageReport}


def test_a_surrogate_pair_cut_in_two_reaches_them_whole(fake_server):
    fake_server.script(
        *(
            raw(b'data: {"candidates": [{"content": {"parts": [{"text": "%b"}]}}]}\r\n\r\n' % half)
            for half in (rb"\ud83d", rb"\ude00!", rb"\ud83d")
        ),
        finish(),
    )
    said = []
    r = gemini_magic.ask("hi", **listening(fake_server, said))
    assert said == [("chunk", "😀!"), ("chunk", "�"), ("complete", "complete")]
    assert r.text == "😀!�"


def test_a_bad_ending_is_told_as_well(fake_server):
    fake_server.script(text("half"), event(google_error(500, "no", "INTERNAL")))
    said = []
    assert gemini_magic.ask("hi", **listening(fake_server, said)).status == "error"
    assert said == [("chunk", "half"), ("complete", "error")]


def test_an_error_in_a_function_stops_the_stream_and_keeps_what_came(fake_server):
    fake_server.script(text("Hello"), gate("never"))

    def broken(piece):
        raise ValueError(piece)

    with pytest.raises(ValueError, match="Hello") as caught:
        gemini_magic.ask("hi", **listening(fake_server, [], on_chunk=broken))
    assert caught.value.response.text == "Hello"
    assert caught.value.response.status == "interrupted"
    fake_server.wait_for_disconnect()


def test_a_script_that_is_interrupted_is_sent_to_what_arrived_not_to_a_magic(fake_server):
    fake_server.script(text("Hello"), gate("never"))

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        gemini_magic.ask("hi", **listening(fake_server, [], on_chunk=interrupted))
    assert caught.value.response.text == "Hello"
    assert caught.value.remedy == "What arrived is in its `.response`."
    fake_server.wait_for_disconnect()
