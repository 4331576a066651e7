"""What can be done with an answer: ask on after it, and see it arrive again."""

from __future__ import annotations

import pickle
import time

import pytest
from fake_server import cut, finish, google_error, pause, status, text, words

import gemini_magic
from gemini_magic.content import Text, Turn
from gemini_magic.errors import OptionError, RecordingError, UsageProblem
from gemini_magic.response import Response


def asked(server, prompt="hi", **options):
    return gemini_magic.ask(
        prompt, base_url=server.base_url, **{"model": "m", "journal": False, "retries": 0} | options
    )


# ------------------------------------------------------------------------------ reply


def test_a_reply_goes_on_with_the_same_options(fake_server):
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


def test_a_reply_that_no_recording_holds_is_an_error_and_nothing_to_show_again():
    r = gemini_magic.ask("What can be odd about a stream?", replay="builtin:odd", speed=0, journal=False)
    assert r.ok
    with pytest.raises(RecordingError, match="contains no answer to this request"):
        r.reply("And one more?")
    nothing = gemini_magic.ask("And one more?", replay="builtin:odd", journal=False)
    with pytest.raises(RecordingError, match="Nothing came"):
        nothing.replay()


def test_the_first_byte_is_that_of_the_try_that_brought_the_answer(fake_server):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(pause(0.05), text("one"), finish())
    r = asked(fake_server, retries=1)
    assert r.ok
    assert r.attempts[1].started <= r.timing.first_byte <= r.timing.first_text


def test_what_cannot_be_replied_to_says_so_before_anything_is_sent(fake_server):
    fake_server.model("m", text("one"), finish())
    fake_server.model("none", finish())
    r = asked(fake_server)
    before = len(fake_server.requests)
    with pytest.raises(OptionError, match="was loaded"):
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


def test_an_answer_is_shown_again_at_its_pace(fake_server, capsys):
    fake_server.model("m", *words("one two three four", every=0.05), finish())
    r = asked(fake_server)
    began = time.monotonic()
    assert r.replay() is None
    assert time.monotonic() - began > 0.1
    assert "one two three four" in capsys.readouterr().out
    r.replay(speed=0)
    assert "one two three four" in capsys.readouterr().out
    assert len(fake_server.requests) == 1


def test_a_broken_answer_is_replayed_as_it_broke(fake_server, capsys):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(text("one, "), cut())
    r = asked(fake_server, retries=1)
    assert r.status == "truncated"
    r.replay(speed=0)
    assert "one, " in capsys.readouterr().out
    with pytest.raises(RecordingError, match="speed must be 0 or greater"):
        r.replay(speed=-1)
    with pytest.raises(RecordingError, match="no whole answer"):
        Response(type(r.ledger)()).replay()
