"""Actions on a response: reply and replay."""

from __future__ import annotations

import pickle
import time

import pytest
from fake_server import cut, finish, gate, google_error, pause, status, text, words

import gemini_magic
from gemini_magic.content import Text, Turn
from gemini_magic.errors import OptionError, RecordingError, UsageProblem
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response


def asked(server, prompt="hi", **options):
    return gemini_magic.ask(
        prompt, base_url=server.base_url, **{"model": "m", "journal": False, "retries": 0} | options
    )


# ------------------------------------------------------------------------------ reply


def test_a_reply_uses_the_same_options(fake_server):
    fake_server.model("m", text("one"), finish())
    first = asked(fake_server, temperature=0.5)
    second = first.reply("and then?", top_p=0.1)
    assert second.ok
    body = fake_server.requests[1].body
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][2]["parts"] == [{"text": "and then?"}]
    assert body["generationConfig"] == {"temperature": 0.5, "topP": 0.1}
    third = second.reply([Text("more")])
    assert fake_server.requests[2].body["contents"][-1]["role"] == "user"
    assert third.request.turns[:2] == (Turn("user", (Text("hi"),)), Turn("model", (Text("one"),)))


def test_a_reply_that_the_recording_does_not_contain_is_an_error():
    r = gemini_magic.ask("What can be odd about a stream?", replay="builtin:odd", speed=0, journal=False)
    assert r.ok
    with pytest.raises(RecordingError, match="contains no answer to this request"):
        r.reply("And one more?")
    nothing = gemini_magic.ask("And one more?", replay="builtin:odd", journal=False)
    with pytest.raises(RecordingError, match="Nothing was received"):
        nothing.replay()


def test_the_first_byte_is_that_of_the_attempt_that_succeeded(fake_server):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(pause(0.05), text("one"), finish())
    r = asked(fake_server, retries=1)
    assert r.ok
    assert r.attempts[1].started <= r.timing.first_byte <= r.timing.first_text


def test_an_impossible_reply_is_an_error_before_anything_is_sent(fake_server):
    fake_server.model("m", text("one"), finish())
    fake_server.model("none", finish())
    r = asked(fake_server)
    before = len(fake_server.requests)
    with pytest.raises(OptionError, match="Cannot reply to a response that was loaded from a file"):
        pickle.loads(pickle.dumps(r)).reply("more")
    with pytest.raises(UsageProblem):
        r.reply("more", temprature=1)
    with pytest.raises(UsageProblem):
        r.reply(5)
    assert len(fake_server.requests) == before
    fake_server.model("bad", status(400, body=google_error(400, "no", "INVALID_ARGUMENT")))
    with pytest.raises(OptionError, match="no answer to reply to"):
        asked(fake_server, model="bad").reply("more")


# ------------------------------------------------------------------------------ replay


def test_replay_shows_the_answer_at_its_pace(fake_server, capsys):
    fake_server.model("m", *words("one two three four", every=0.05), finish())
    r = asked(fake_server)
    began = time.monotonic()
    assert r.replay() is None
    assert time.monotonic() - began > 0.1
    assert "one two three four" in capsys.readouterr().out
    r.replay(speed=0)
    assert "one two three four" in capsys.readouterr().out
    assert len(fake_server.requests) == 1


def test_replay_shows_a_truncated_answer_as_it_was(fake_server, capsys):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(text("one, "), cut())
    r = asked(fake_server, retries=1)
    assert r.status == "truncated"
    r.replay(speed=0)
    assert "one, " in capsys.readouterr().out
    with pytest.raises(RecordingError, match="speed must be 0 or greater"):
        r.replay(speed=-1)
    with pytest.raises(RecordingError, match="still running"):
        Response(type(r.ledger)()).replay()


# ------------------------------------------------------------------------------ messages


def running(action):
    """A reply or replay of a response that is still running."""

    def attempt(server):
        server.script(text("one"), gate("go"), finish())
        with gemini_magic.stream("hi", model="m", base_url=server.base_url, journal=False) as stream:
            next(iter(stream))
            action(stream.response)

    return attempt


def loaded_from_the_journal(server):
    server.script(text("one"), finish())
    r = asked(server)
    copied = pickle.loads(pickle.dumps(r))
    copied.ledger.set_source("journal", started=r.started)
    copied.reply("more")


def without_answer(server):
    server.script(finish())
    asked(server).reply("more")


MESSAGES = {
    "a reply while it runs": (
        running(lambda r: r.reply("more")),
        OptionError,
        "The response is still running.",
        "Call r.wait() first.",
    ),
    "a replay while it runs": (
        running(lambda r: r.replay()),
        RecordingError,
        "The response is still running.",
        "Call r.wait() first.",
    ),
    "a reply to nothing": (without_answer, OptionError, "There is no answer to reply to.", "Ask again."),
    "a reply to an answer of the journal": (
        loaded_from_the_journal,
        OptionError,
        "Cannot reply to a response that was loaded from the journal.",
        "Ask the question again with gemini_magic.ask(…) and reply to that response.",
    ),
    "a command without a request": (
        lambda _: Response(Ledger()).curl(),
        RecordingError,
        "The request of this response is not known.",
        "Load a .jsonl recording: it contains the request as well.",
    ),
    "an empty prompt": (
        lambda _: gemini_magic.ask(" "),
        OptionError,
        "The prompt is empty.",
        "Write a question.",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_an_impossible_action_has_a_message_and_a_remedy(fake_server, case):
    action, kind, message, remedy = MESSAGES[case]
    with pytest.raises(kind) as caught:
        action(fake_server)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_a_running_response_cannot_be_pickled_or_iterated(fake_server):
    with pytest.raises(
        TypeError,
        match=r"^A response can be pickled or copied only after it has ended\. Call r\.wait\(\) first\.$",
    ):
        running(pickle.dumps)(fake_server)
    with pytest.raises(
        TypeError, match=r"^A Response is not iterable\. Use \.text, \.chunks, \.events or \.parts\.$"
    ):
        iter(Response(Ledger()))
