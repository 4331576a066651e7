"""How an interaction that runs on a server is followed: by streams, else by reading its state, until something ends it."""

import pytest

from gemini_magic.client.background_run import BackgroundRun
from gemini_magic.client.retry import Outcome
from gemini_magic.errors import ConnectionFailed, WireError
from gemini_magic.events import Failure

END = Outcome("end")
CUT = Outcome("cut", ConnectionFailed("lost"), "connection lost")
SILENT = Outcome("stalled", end="stalled", limit=60.0)
FAILED = Outcome("failed")
UNREACHABLE = Outcome("failed", ConnectionFailed("no"), "not connected", retryable=True)


def run(retries=2):
    return BackgroundRun(retries, lambda number: 100.0 + number)


def after(following, outcome, failure=None, *, created=False, progressed=False):
    look = following.after(outcome, failure, created=created, progressed=progressed)
    return None if look is None else (("stream" if look.stream else "state"), look.wait)


def test_a_created_interaction_is_followed_at_once_as_a_stream():
    assert after(run(), END, created=True) == ("stream", 0.0)


def test_a_stream_that_ends_is_requested_again_and_sooner_after_something_new():
    following = run()
    assert after(following, END, progressed=True) == ("stream", 0.5)
    assert after(following, END) == ("stream", 0.5)
    assert after(following, CUT) == ("stream", 1.0)
    assert after(following, CUT, progressed=True) == ("stream", 0.5)
    assert after(following, CUT) == ("stream", 0.5)


def test_after_three_streams_without_anything_new_the_state_is_read_at_growing_distances():
    following = run()
    looks = [after(following, END) for _ in range(10)]
    assert looks[:3] == [("stream", 0.5), ("stream", 1.0), ("stream", 1.5)]
    assert [kind for kind, _ in looks[3:]] == ["state"] * 7
    assert [wait for _, wait in looks[3:]] == [2.0, 3.0, 4.5, 6.75, 10.0, 10.0, 10.0]


def test_after_a_silent_stream_the_state_is_read_once_and_the_stream_is_requested_again():
    following = run()
    for _ in range(5):
        assert after(following, SILENT) == ("state", 0.0)
        assert after(following, END) == ("stream", 0.5)
    assert after(following, SILENT) == ("state", 0.0)
    assert after(following, FAILED, Failure("busy", code=503)) == ("stream", 100.0)


@pytest.mark.parametrize("code", [400, 404, 405, 501])
def test_a_server_without_such_a_stream_is_asked_for_the_state(code):
    following = run()
    after(following, END, created=True)
    assert after(following, FAILED, Failure("no stream", code=code)) == ("state", 0.0)
    assert after(following, END) == ("state", 2.0)
    assert after(following, FAILED, Failure("gone", code=404)) is None


def test_a_failure_that_passes_is_waited_for_as_long_as_the_server_asks():
    following = run()
    busy = Failure("busy", code=503)
    assert after(following, FAILED, busy) == ("stream", 100.0)
    assert after(following, FAILED, Failure("slow down", code=429, retry_after=7.0)) == ("stream", 7.0)
    assert after(following, UNREACHABLE) == ("stream", 102.0)
    assert after(following, FAILED, busy) is None


def test_failures_count_only_one_after_the_other():
    following = run(retries=5)
    busy = Failure("busy", code=503)
    for _ in range(4):
        assert [after(following, FAILED, busy) for _ in range(3)][-1] == ("stream", 102.0)
        assert after(following, END, progressed=True) == ("stream", 0.5)


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (Outcome("timeout", end="timeout", limit=1.0), None),
        (Outcome("full", WireError("large"), "too large"), None),
        (Outcome("failed", end="cancelled"), None),
        (Outcome("failed", WireError("bug"), "failed"), None),
        (Outcome("failed", WireError("no JSON")), None),
        (Outcome("failed", ConnectionFailed("no such host"), "not connected"), None),
        (FAILED, Failure("no key", code=401)),
        (FAILED, Failure("not yours", code=403)),
        (FAILED, Failure("quota of the day", code=429, final=True)),
        (END, Failure("model refused", status="SAFETY")),
    ],
)
def test_limits_the_user_and_errors_that_do_not_pass_end_it(outcome, failure):
    assert after(run(), outcome, failure) is None


def test_a_refused_creation_is_not_followed():
    assert after(run(), FAILED, Failure("no such agent", code=404), created=True) is None
