"""The switch interval is short while a few streams run, and restored after the last one."""

import os
import sys

import pytest
from client_stage import finished, start
from fake_server import finish, gate, text

PLAIN = 0.005


@pytest.fixture(autouse=True)
def plain():
    before = sys.getswitchinterval()
    sys.setswitchinterval(PLAIN)
    yield
    sys.setswitchinterval(before)


def waiting(server, name):
    server.script(text("Hello"), gate(name), finish())
    return start(server)


def test_the_interval_is_short_from_the_first_stream_to_the_last(fake_server):
    one, two = waiting(fake_server, "one"), waiting(fake_server, "two")
    assert sys.getswitchinterval() <= 0.001
    fake_server.open("one")
    fake_server.open("two")
    finished(one)
    finished(two)
    assert sys.getswitchinterval() == PLAIN


def test_a_cancelled_stream_counts_as_ended_once(fake_server):
    one, two = waiting(fake_server, "one"), waiting(fake_server, "two")
    one.cancel()
    one.cancel()
    assert sys.getswitchinterval() <= 0.001
    two.close()
    assert sys.getswitchinterval() == PLAIN


def test_many_streams_leave_the_default_interval(fake_server):
    streams = [waiting(fake_server, "go") for _ in range(12)]
    assert sys.getswitchinterval() == PLAIN
    for stream in streams[:6]:
        stream.close()
    assert sys.getswitchinterval() <= 0.001
    for stream in streams[6:]:
        stream.close()
    assert sys.getswitchinterval() == PLAIN


def test_an_interval_that_other_code_has_set_is_not_changed(fake_server):
    sys.setswitchinterval(0.0002)
    stream = waiting(fake_server, "go")
    assert sys.getswitchinterval() == pytest.approx(0.0002)
    stream.close()
    assert sys.getswitchinterval() == pytest.approx(0.0002)

    sys.setswitchinterval(PLAIN)
    stream = waiting(fake_server, "go")
    sys.setswitchinterval(0.02)
    stream.close()
    assert sys.getswitchinterval() == pytest.approx(0.02)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_restores_the_interval(fake_server):
    stream = waiting(fake_server, "go")
    child = os.fork()
    if child == 0:
        os._exit(0 if sys.getswitchinterval() == PLAIN else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sys.getswitchinterval() <= 0.001
    stream.close()
