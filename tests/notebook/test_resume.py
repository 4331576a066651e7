"""`%gemini resume`: a new request for the rest of an answer; both parts are one turn of the conversation."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from fake_server import cut, event, finish, google_error, raw, status, text
from surroundings import CANARY

from gemini_magic.errors import OptionError, RecordingError, ServiceError, TruncatedError
from gemini_magic.notebook.session import CONTINUE_PROMPT
from gemini_magic.views import status_line


@pytest.fixture
def asking(cells, fake_server, monkeypatch):
    """Options of a cell that sends its request to the fake server."""
    monkeypatch.setenv("FAKE_KEY", CANARY)
    cells("%config GeminiMagics.backend = 'gemini'")
    return f"-q -m m --base-url {fake_server.base_url} --key-env FAKE_KEY --retries 0"


def contents(request):
    return [(turn["role"], [*turn["parts"]]) for turn in request.body["contents"]]


def words(request):
    return [(role, "".join(part.get("text", "") for part in parts)) for role, parts in contents(request)]


def signed(piece, signature):
    part = {"text": piece, "thoughtSignature": signature}
    return event({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]})


def paused(piece, token, reason=None):
    candidate = {
        "content": {"parts": [{"text": piece}], "role": "model"},
        "continuationToken": token,
        "index": 0,
    }
    return event({"candidates": [candidate | ({"finishReason": reason} if reason else {})]})


def test_the_whole_answer_is_one_turn_of_the_conversation_signatures_kept(cells, asking, fake_server):
    fake_server.script(text("One, "), signed("", "c2lnMQ=="), text("two, th"), cut())
    fake_server.script(text("ree, "), signed("four.", "c2lnMg=="), finish())
    fake_server.script(text("Five."), finish())
    assert isinstance(cells.error(f"%%gemini --chat tom -o r {asking}\ncount"), TruncatedError)
    assert cells("%gemini resume").success
    assert cells(f"%%gemini --chat tom {asking}\ngo on").success
    first, rest, third = fake_server.requests
    assert words(first) == [("user", "count")]
    assert words(rest) == [("user", "count"), ("model", "One, two, th"), ("user", CONTINUE_PROMPT)]
    assert contents(third) == [
        ("user", [{"text": "count"}]),
        (
            "model",
            [
                {"text": "One, "},
                {"text": "", "thoughtSignature": "c2lnMQ=="},
                {"text": "two, three, "},
                {"text": "four.", "thoughtSignature": "c2lnMg=="},
            ],
        ),
        ("user", [{"text": "go on"}]),
    ]
    assert cells.names["r"].text == "One, two, th"


def test_an_answer_can_be_resumed_several_times(cells, asking, fake_server):
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two, "), cut())
    fake_server.script(text("three."), finish())
    fake_server.script(text("Yes."), finish())
    cells(f"%%gemini --chat tom {asking}\ncount")
    assert isinstance(cells.error("%gemini resume"), TruncatedError)
    assert cells("%gemini resume -o last").success
    assert (
        "`last` will contain the rest, and `last.whole` the whole answer; `%gemini last 2` shows"
        in cells.shown
    )
    assert cells.names["last"].whole == "One, two, three."
    assert "rest of the answer complete, 1 word" in status_line(cells.names["last"].ledger)
    cells(f"%%gemini -c {asking}\nsure?")
    assert words(fake_server.requests[2]) == [
        ("user", "count"),
        ("model", "One, two, "),
        ("user", CONTINUE_PROMPT),
    ]
    assert words(fake_server.requests[3]) == [
        ("user", "count"),
        ("model", "One, two, three."),
        ("user", "sure?"),
    ]


def test_a_continuation_token_needs_no_extra_turn(cells, asking, fake_server):
    fake_server.script(text("One, "), paused("two, ", "abc/+=", "CONTINUATION"))
    fake_server.script(text("three."), finish())
    fake_server.script(text("Yes."), finish())
    cells(f"%%gemini --chat tom -t 0.5 {asking}\ncount")
    assert cells("%gemini resume").success
    assert "A new request in which the server continues its answer of 10 characters so far." in cells.shown
    assert cells.names["_gemini"].whole == "One, two, three."
    first, rest = (request.body for request in fake_server.requests)
    assert rest == first | {"continuationToken": "abc/+="}
    cells(f"%%gemini -c {asking}\nsure?")
    assert words(fake_server.requests[2])[1] == ("model", "One, two, three.")
    assert "continuationToken" not in fake_server.requests[2].body


def test_text_after_the_continuation_token_is_sent_again_and_used_once(cells, asking, fake_server):
    fake_server.script(text("One, "), paused("two, ", "mark"), text("thr"), cut())
    fake_server.script(text("three."), finish())
    fake_server.script(text("Yes."), finish())
    cells(f"%%gemini -o r {asking}\ncount")
    cells("%gemini resume")
    assert "`r` keeps" not in cells.shown  # it ends in "thr", which is not part of the answer
    assert cells.names["_gemini"].whole == "One, two, three."
    cells(f"%%gemini -c {asking}\nsure?")
    assert words(fake_server.requests[2])[1] == ("model", "One, two, three.")


def test_a_failed_request_for_the_rest_changes_nothing(cells, asking, fake_server):
    fake_server.script(text("One, "), paused("two, ", "mark", "CONTINUATION"))
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(text("three."), finish())
    cells(f"%%gemini --chat tom {asking}\ncount")
    assert isinstance(cells.error("%gemini resume"), ServiceError)
    assert cells("%gemini resume").success
    assert [request.body.get("continuationToken") for request in fake_server.requests] == [
        None,
        "mark",
        "mark",
    ]
    session = cells.shell.find_cell_magic("gemini").__self__.runner.session
    assert [entry.status for entry in session.chats["tom"].entries] == ["complete"]


def test_without_any_text_the_question_is_sent_again(cells, asking, fake_server):
    fake_server.script(status(503, body=google_error(503, "busy", "UNAVAILABLE")))
    fake_server.script(text("One."), finish())
    cells(f"%%gemini {asking}\ncount")
    assert cells("%gemini resume -o s").success
    assert "A new request with the same question, because no text had been received." in cells.shown
    assert "`s` will contain the whole answer." in cells.shown
    assert cells.names["s"].whole == cells.names["s"].text == "One."
    assert "answer complete" in status_line(cells.names["s"].ledger)
    assert [request.body for request in fake_server.requests] == [fake_server.requests[0].body] * 2


def test_dry_run_shows_the_request_before_it_is_sent(cells, asking, fake_server):
    fake_server.script(text("One, "), cut())
    cells(f"%%gemini {asking}\ncount")
    preview = cells("%gemini resume --dry-run").result
    assert [turn["role"] for turn in preview.body["contents"]] == ["user", "model", "user"]
    assert len(fake_server.requests) == 1


def test_a_replayed_answer_is_resumed_from_its_recording(cells, asking, fake_server, tmp_path):
    file = tmp_path / "cut.jsonl"
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini --record {file} {asking}\ncount")
    cells("%gemini resume")
    replay = f"--replay {file} --speed 0"
    assert isinstance(cells.error(f"%%gemini {replay} {asking}\ncount"), TruncatedError)
    assert cells("%gemini resume").success
    assert f"The rest is read from {file}; `%gemini resume --replay ''` sends" in cells.shown
    assert cells.names["_gemini"].text == "two."
    assert cells.names["_gemini"].ledger.source == "recording"
    assert len(fake_server.requests) == 2

    one = tmp_path / "one.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    one.write_text("".join(line for line in lines if json.loads(line)["exchange"] == 0))
    cells(f"%%gemini --replay {one} {asking}\ncount")
    assert isinstance(cells.error("%gemini resume"), RecordingError)
    fake_server.script(text("and two."), finish())
    assert cells("%gemini resume --replay ''").success
    assert cells.names["_gemini"].text == "and two."


def test_the_file_of_to_contains_the_whole_answer(cells, asking, fake_server, tmp_path):
    file = tmp_path / "answer.md"
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini --to {file} {asking}\ncount")
    assert file.read_text().startswith("One, \n\n---\nTokens: ")
    assert file.read_text().endswith("\nStatus: truncated\n")
    cells("%gemini resume")
    assert file.read_text().startswith("One, two.\n\n---\nTokens: ")
    assert "Status" not in file.read_text()


def test_without_an_incomplete_answer_resume_is_refused(cells, asking, fake_server):
    error = cells.error("%gemini resume")
    assert isinstance(error, OptionError)
    assert error.message == "No request has been sent yet."
    fake_server.script(text("One."), finish())
    cells(f"%%gemini {asking}\ncount")
    error = cells.error("%gemini resume")
    assert (error.message, error.remedy) == (
        "The last answer is complete.",
        "Use -c to continue the conversation.",
    )
    cells("%%gemini --background -q --backend echo\n@wait 30\none")
    error = cells.error("%gemini resume")
    assert (error.message, error.remedy) == (
        "The last answer is still arriving.",
        "Wait until it ends, or run `%gemini stop` first.",
    )
    cells("%gemini stop")


def test_whole_is_kept_by_pickling_and_copying_but_not_in_a_file(cells, asking, fake_server, tmp_path):
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini -o r {asking}\ncount")
    cells("%gemini resume -o s")
    assert (
        "`r` keeps the first part, `s` will contain the rest, and `s.whole` the whole answer." in cells.shown
    )
    first, rest = cells.names["r"], cells.names["s"]
    assert (first.whole, rest.text, rest.whole) == ("One, ", "two.", "One, two.")
    assert pickle.loads(pickle.dumps(rest)).whole == copy.copy(rest).whole == "One, two."
    assert type(rest).load(rest.save(tmp_path / "r.jsonl")).whole == "two."


def test_half_a_character_is_joined_with_the_rest(cells, asking, fake_server):
    halves = [
        raw(
            b'data: {"candidates": [{"content": {"parts": [{"text": "%s"}]}, "index": 0}]}\n\n'
            % half.encode("ascii")
        )
        for half in (r"\ud83d", r"\ude00 ")
    ]
    fake_server.script(*halves, cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini {asking}\ncount")
    cells("%gemini resume")
    assert cells.names["_gemini"].whole == "\U0001f600 two."


def test_a_rest_that_repeats_the_end_is_noted_but_not_changed(cells, asking, fake_server):
    fake_server.script(text("It was a dark night; the rain fell in torr"), cut())
    fake_server.script(text("the rain fell in torrents."), finish())
    cells(f"%%gemini {asking}\ntell")
    cells("%gemini resume")
    rest = cells.names["_gemini"]
    assert rest.whole == "It was a dark night; the rain fell in torrthe rain fell in torrents."
    (note,) = [note for note in rest.notes if note.kind == "repeated"]
    assert (note.severity, "last 21 characters" in note.message) == ("warning", True)


WEATHER = '''
ran = []
def weather(city: str) -> str:
    """The weather of a city."""
    ran.append(city)
    return f"21 °C in {city}"
'''


def call(city, **more):
    part = {"functionCall": {"name": "weather", "args": {"city": city}, "id": city}, **more}
    return event({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]})


def kinds(request):
    return [(role, [next(iter(part)) for part in parts]) for role, parts in contents(request)]


def test_an_answer_that_was_cut_off_after_calls_continues_after_their_results(cells, asking, fake_server):
    cells(WEATHER)
    fake_server.script(text("I look. "), call("Paris", thoughtSignature="c2lnMQ=="), finish())
    fake_server.script(text("It is 2"), cut())
    fake_server.script(text("1 °C."), finish())
    fake_server.script(text("Bye."), finish())
    assert isinstance(cells.error(f"%%gemini --chat w -o r -T weather {asking}\nParis?"), TruncatedError)
    assert cells("%gemini resume -o rest").success
    assert cells.names["rest"].whole == "I look. \n\nIt is 21 °C."
    assert cells(f"%%gemini --chat w {asking}\nbye").success
    _, second, third, fourth = fake_server.requests
    assert contents(third)[:3] == contents(second)
    assert words(third)[3:] == [("model", "It is 2"), ("user", CONTINUE_PROMPT)]
    assert contents(fourth)[:3] == contents(second)
    assert words(fourth)[3:] == [("model", "It is 21 °C."), ("user", "bye")]
    assert cells.names["ran"] == ["Paris"]


def test_a_loop_that_reached_its_rounds_continues_without_running_a_function_twice(
    cells, asking, fake_server
):
    cells(WEATHER)
    fake_server.script(call("Paris"), finish())
    fake_server.script(call("Rome"), finish())
    fake_server.script(call("Rome"), finish())
    fake_server.script(text("Done."), finish())
    fake_server.script(text("Bye."), finish())
    cell = f"%%gemini --chat w -o r --max-rounds 2 -T weather {asking}\nBoth?"
    error = cells.error(cell)
    assert isinstance(error, TruncatedError)
    assert "--max-rounds" in error.message
    assert cells("%gemini resume -o rest").success
    assert cells.names["ran"] == ["Paris", "Rome"]
    assert cells(f"%%gemini --chat w {asking}\nbye").success
    third, last = fake_server.requests[2], fake_server.requests[-1]
    assert kinds(third) == [
        ("user", ["text"]),
        ("model", ["functionCall"]),
        ("user", ["functionResponse"]),
        ("model", ["functionCall"]),
        ("user", ["functionResponse"]),
    ]
    assert contents(third)[-1][1][0]["functionResponse"]["response"] == {"error": "The function was not run."}
    assert contents(last)[:5] == contents(third)
    assert kinds(last)[5:] == [
        ("model", ["functionCall"]),
        ("user", ["functionResponse"]),
        ("model", ["text"]),
        ("user", ["text"]),
    ]


def test_a_loop_that_was_stopped_continues_with_the_results_it_has(cells, asking, fake_server):
    cells(WEATHER)
    cells("def stop() -> str:\n    'Stop.'\n    raise KeyboardInterrupt")
    part = {"functionCall": {"name": "stop", "args": {}}}
    stop = event({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]})
    fake_server.script(call("Paris"), stop, finish())
    fake_server.script(text("Sunny."), finish())
    cells.error(f"%%gemini -o r -T weather -T stop {asking}\nParis?")
    assert cells.names["r"].status == "interrupted"
    assert cells("%gemini resume -o rest").success
    results = [part["functionResponse"]["response"] for part in contents(fake_server.requests[-1])[-1][1]]
    assert results == [{"output": "21 °C in Paris"}, {"error": "interrupted"}]
    assert cells.names["ran"] == ["Paris"]
