"""What can be done with an answer: ask the same by curl, ask on, see it again, set it beside another."""

from __future__ import annotations

import json
import pickle
import re
import shlex
import shutil
import subprocess
import time

import pytest
from fake_server import cut, finish, google_error, status, text, words
from heard import GOOGLE, counts, heard, said
from surroundings import CANARY

import gemini_magic
from gemini_magic.content import Text, Turn
from gemini_magic.errors import OptionError, RecordingError, UsageProblem
from gemini_magic.response import Response

QUOTED = """it's "so" $HOME `x` \\n
two lines é"""


def asked(server, prompt="hi", **options):
    return gemini_magic.ask(
        prompt, base_url=server.base_url, **{"model": "m", "keep": 0, "retries": 0} | options
    )


# ------------------------------------------------------------------------------ curl


def test_the_command_asks_exactly_the_same(fake_server):
    fake_server.model("m", text("one"), finish())
    r = asked(fake_server, QUOTED, temperature=0.5)
    command = r.curl()
    program, *rest = shlex.split(command)
    assert program == "curl"
    body = json.loads(rest[rest.index("--data-raw") + 1])
    assert body == json.loads(r.ledger.exchanges[0].body)
    assert body["contents"][0]["parts"][0]["text"] == QUOTED
    if shutil.which("curl"):
        done = subprocess.run(
            ["sh", "-c", f"{command} --silent"], capture_output=True, check=True, timeout=30
        )
        assert b'"text": "one"' in done.stdout or b'"text":"one"' in done.stdout
        first, second = fake_server.requests
        assert (second.method, second.path, second.body) == (first.method, first.path, first.body)


def test_the_key_is_a_variable_and_only_that(fake_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", CANARY)
    fake_server.model("m", text("one"), finish())
    command = asked(fake_server, key_env="MY_KEY").curl()
    assert '--header "x-goog-api-key: $MY_KEY"' in command
    assert CANARY not in command
    assert "$GEMINI_API_KEY" in heard(said("a", finish="STOP")).curl()
    assert '"authorization: Bearer $MY_KEY"' in asked(fake_server, key_env="MY_KEY", auth="bearer").curl()
    assert "KEY" not in asked(fake_server).curl()  # no key goes there
    if shutil.which("curl"):
        subprocess.run(["sh", "-c", f"{command} --silent"], capture_output=True, check=True, timeout=30)
        assert dict(fake_server.requests[-1].headers)["x-goog-api-key"] == CANARY


def test_where_no_server_was_asked_there_is_no_command():
    with pytest.raises(RecordingError, match="No server was asked"):
        gemini_magic.ask("hi", backend="echo", keep=0).curl()
    with pytest.raises(RecordingError, match="No server was asked"):
        heard(said("a"), url="").curl()


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
    with pytest.raises(RecordingError, match="no speed"):
        r.replay(speed=-1)
    with pytest.raises(RecordingError, match="Nothing was sent"):
        Response(type(r.ledger)()).replay()


# ------------------------------------------------------------------------------ attempts in files


def test_attempts_keep_their_problem_and_their_moment_in_a_file(fake_server, tmp_path):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(text("one"), finish())
    r = asked(fake_server, retries=1)
    assert r.attempts["status"] == [503, 200]
    assert r.attempts[0].problem == "503: busy"
    assert r.attempts[1].started > r.attempts[0].seconds
    assert r.attempts[1].waited > 0
    again = Response.load(r.save(tmp_path / "r.jsonl"))
    assert again.attempts["problem"] == r.attempts["problem"]
    assert again.attempts["started"] == pytest.approx(r.attempts["started"], abs=1e-5)
    assert again.attempts["bytes"] == r.attempts["bytes"]
    assert again.chunks["t"] == pytest.approx(r.chunks["t"], abs=1e-5)


# ------------------------------------------------------------------------------ diff


def test_two_answers_stand_side_by_side():
    left = heard(said("the quick brown fox", finish="STOP", usage=counts(5, 4)), ask="hi")
    right = heard(said("the slow brown "), said("fox", finish="STOP", usage=counts(6, 5)), ask="ho")
    diff = left.diff(right)
    facts = {fact.name: (fact.left, fact.right) for fact in diff.facts}
    assert facts["contents[0].parts[0].text"] == ("hi", "ho")
    assert facts["chunks"] == ("1", "2")
    assert facts["prompt"] == ("5", "6")
    assert facts["status"] == ("complete", "complete")
    assert facts["cost"][0].startswith("$")
    assert not diff.same_text
    assert "-the quick brown fox" in diff.text
    html = diff._repr_html_()
    assert "quick</del>" in html
    assert "slow</ins>" in html
    shown = repr(diff)
    assert "* chunks" in shown
    assert "+the slow brown fox" in shown


def test_equal_answers_differ_in_nothing(tmp_path):
    r = heard(said("same", finish="STOP", usage=counts(5, 4)))
    diff = r.diff(Response.load(r.save(tmp_path / "r.jsonl")))
    assert diff.same_text
    assert all(fact.same for fact in diff.facts)
    assert "The texts are equal." in diff._repr_html_()
    assert repr(diff).endswith("The texts are equal.")


def test_nothing_of_a_model_gets_into_the_page_of_a_difference():
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>\u202e\x1b[2J AIza0123456789abcdefghij"
    left = heard(said(evil, finish=evil, modelVersion=evil), ask=evil)
    diff = left.diff(heard(said("x", finish="STOP"), url=GOOGLE.replace("2.5", "<b>")))
    html = diff._repr_html_()
    assert "<img" not in html
    assert "<script" not in html
    assert "AIza0123456789" not in html + repr(diff)
    assert "\x1b" not in html + repr(diff)
    assert "\u202e" not in html + repr(diff)
    assert set(re.findall(r"<(\w+)", html)) <= {
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "del",
        "ins",
        "p",
    }


def test_a_difference_is_with_a_response():
    with pytest.raises(TypeError, match=r"with another Response, not with str; Response.load"):
        heard(said("a")).diff("a.jsonl")


def test_long_texts_are_compared_in_time():
    left = heard(said(*[f"line {n} of a long text\n" for n in range(3000)], finish="STOP"))
    right = heard(said(*[f"line {n} of another text\n" for n in range(3000)], finish="STOP"))
    began = time.process_time()
    html = left.diff(right)._repr_html_()
    assert time.process_time() - began < 5
    assert "The beginnings only." in html
