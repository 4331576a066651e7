"""The threads of readers: used again, never more than needed, gone after a while, and nothing of a stream stays in them."""

import gc
import os
import threading
import weakref

import pytest
from client_stage import canary, finished, start, text, until
from fake_server import finish, gate
from fake_server import text as say

from gemini_magic.client import log_filter
from gemini_magic.client.reader_threads import READER_THREADS, ReaderThreads


def threads_of(*works, pool):
    """Run functions one after the other, each when the thread is idle; the idents of their threads."""
    seen = []
    for work in works:
        over = threading.Event()

        def run(work=work, over=over):
            seen.append(threading.get_ident())
            work()
            over.set()

        pool.run(run)
        assert over.wait(60)
        until(lambda: pool._idle)
    return seen


def test_an_idle_thread_is_used_again():
    seen = threads_of(*[lambda: None] * 5, pool=ReaderThreads())
    assert len(set(seen)) == 1


def test_simultaneous_functions_have_a_thread_each():
    pool, go, seen = ReaderThreads(), threading.Event(), set()

    def run():
        seen.add(threading.get_ident())
        go.wait(60)

    for _ in range(20):
        pool.run(run)
    until(lambda: len(seen) == 20)
    go.set()
    until(lambda: len(pool._idle) == 20)


def test_an_idle_thread_ends_after_a_while_and_a_new_one_follows():
    pool = ReaderThreads(idle_limit=0.02)
    (first,) = threads_of(lambda: None, pool=pool)
    until(lambda: not pool._idle)
    until(lambda: first not in {thread.ident for thread in threading.enumerate()})
    assert threads_of(lambda: None, pool=pool)


def test_no_function_is_lost_when_threads_end_at_the_same_moment():
    pool, done = ReaderThreads(idle_limit=0.0005), []
    for _ in range(300):
        over = threading.Event()
        pool.run(over.set)
        done.append(over.wait(60))
        threading.Event().wait(0.0005)
    assert all(done)


def test_an_idle_thread_keeps_nothing_of_the_last_function():
    class Answer:
        def __call__(self):
            pass

    pool, answer = ReaderThreads(), Answer()
    gone = weakref.ref(answer)
    pool.run(answer)
    del answer
    until(lambda: pool._idle)
    assert gone() is None


def test_streams_one_after_another_share_a_thread_and_their_answers_are_not_kept(fake_server):
    ledgers = []
    for _ in range(3):
        fake_server.script(say("ok"), finish())
        stream = start(fake_server)
        finished(stream)
        assert stream._reading.acquire(timeout=60)
        ledgers.append(weakref.ref(stream.ledger.exchanges[0]))
        stream._reading.release()
    del stream
    until(lambda: READER_THREADS._idle)
    gc.collect()
    assert [ledger() for ledger in ledgers] == [None] * 3


def test_the_next_stream_of_a_thread_does_not_know_the_key_of_the_one_before(fake_server):
    fake_server.script(say("ok"), finish())
    finished(start(fake_server, key=canary()))
    seen, over = [], threading.Event()
    until(lambda: READER_THREADS._idle)
    idle = len(READER_THREADS._idle)

    def look():
        seen.append(log_filter._sent_key.value)
        go.wait(60)
        over.set()

    go = threading.Event()
    for _ in range(idle):
        READER_THREADS.run(look)
    until(lambda: len(seen) == idle)
    go.set()
    assert set(seen) == {""}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_threads_of_its_own(fake_server):
    fake_server.script(say("parent"), finish())
    finished(start(fake_server))
    fake_server.script(say("a"), gate("go"), finish())
    running = start(fake_server)
    until(lambda: text(running.ledger) == "a")
    fake_server.model("m", say("child"), finish())
    child = os.fork()
    if not child:
        answer = start(fake_server)
        os._exit(0 if answer.wait(60) and text(answer.ledger) == "child" else 1)
    assert os.waitpid(child, 0)[1] == 0
    fake_server.open("go")
    assert text(finished(running)) == "a"
