"""Requests without a notebook, against a local server, and the responses they return."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import pickle
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fake_server import finish, gate, google_error, status, text
from surroundings import CANARY

import gemini_magic
from gemini_magic import Response, api
from gemini_magic.backends import host_to_name
from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import (
    BlockedError,
    CredentialsError,
    OptionError,
    PromptError,
    RecordingError,
    ServiceError,
    StalledError,
    TruncatedError,
    UsageProblem,
)
from gemini_magic.events import Delta
from gemini_magic.prompts import build_request, with_keywords
from gemini_magic.views import status_line

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def ask(server, model="quick", **options):
    return gemini_magic.ask("hi", model=model, base_url=server.base_url, **options)


def test_a_response_has_everything_that_was_received(fake_server):
    r = ask(fake_server, temperature=0.5, system="be kind")
    assert r.raise_for_status() is r
    assert (str(r), r.status, r.ok, r.finish_reason) == ("Hello, world.", "complete", True, "STOP")
    assert len(r.chunks) == len(r.raw) == 3
    assert r.raw[0] == json.loads(r.raw_chunks[0].raw)
    assert r.usage.total == r.raw[-1]["usageMetadata"]["totalTokenCount"]
    assert [row.kind for row in r.events.where(kind="finish")] == ["finish"]
    assert r.timing.first_text <= r.timing.total
    assert r.request.settings.temperature == 0.5
    (sent,) = fake_server.requests
    assert sent.body["systemInstruction"] == {"parts": [{"text": "be kind"}]}
    assert r.attempts[0].status == 200
    assert r.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("option", ["dry_run", "count"])
@pytest.mark.parametrize("call", ["ask", "stream", "compare"])
def test_options_that_send_nothing_are_refused_in_calls(fake_server, call, option):
    more = {"models": ["m", "n"]} if call == "compare" else {"model": "m"}
    with pytest.raises(OptionError):
        getattr(gemini_magic, call)(
            "hi", base_url=fake_server.base_url, key_env="FAKE_KEY", **{option: True}, **more
        )
    assert not fake_server.requests


def test_the_images_option_is_checked_before_sending_and_stays_with_the_response(fake_server):
    with pytest.raises(OptionError, match="is not a host"):
        ask(fake_server, images="https://example.org")
    assert fake_server.requests == []
    for images, drawn in (("data", 0), ("pics.example", 1), ("*.example.org, pics.example", 1), ("none", 0)):
        r = gemini_magic.ask("![x](https://pics.example/x.png)", backend="echo", images=images)
        for _ in range(2):
            assert r._repr_mimebundle_()["text/html"].count("<img") == drawn, images


def test_pandas_polars_and_pyarrow_accept_the_tables(fake_server):
    r = ask(fake_server, "thinking")
    for table in (r.chunks, r.events, r.usage_history):
        assert (
            len(pd.DataFrame(table))
            == pl.DataFrame(table).height
            == pa.table(table).num_rows
            == len(table)
            > 0
        )
    assert "".join(pl.DataFrame(r.chunks)["thought"]) == r.thoughts != ""
    assert pl.DataFrame(r.usage_history)["total"][-1] == r.usage.total


ENDINGS = [
    ("cut", "truncated", TruncatedError),
    ("error-mid", "error", ServiceError),
    ("blocked", "blocked", BlockedError),
    ("stall", "stalled", StalledError),
    ("http-404", "error", ServiceError),
    ("http-500", "error", ServiceError),
]


@pytest.mark.parametrize(("model", "wanted", "error"), ENDINGS)
def test_a_bad_ending_is_returned_and_raised_only_on_demand(fake_server, model, wanted, error):
    r = ask(fake_server, model, retries=0, stall_timeout=0.3 if model == "stall" else 30.0)
    assert (r.status, r.ok) == (wanted, False)
    with pytest.raises(error) as caught:
        r.raise_for_status()
    assert caught.value.response is r
    assert 1 <= len(str(caught.value).splitlines()) <= 3
    assert caught.value.remedy
    assert (r.block_reason == "SAFETY") == (wanted == "blocked")


@pytest.mark.parametrize(("model", "wanted", "error"), ENDINGS)
def test_check_raises_the_error_of_a_bad_ending(fake_server, model, wanted, error):
    with pytest.raises(error) as caught:
        ask(fake_server, model, retries=0, stall_timeout=0.3 if model == "stall" else 30.0, check=True)
    assert caught.value.response.status == wanted


def test_check_returns_a_complete_answer_and_applies_to_a_reply(fake_server):
    r = ask(fake_server, check=True)
    assert r.ok
    with pytest.raises(ServiceError):
        r.reply("more", model="http-404", check=True)
    assert r.reply("more", model="http-404").status == "error"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("form", ["json", "html", "empty"])
def test_http_errors_of_any_form_are_shown_in_one_to_three_lines(fake_server, code, form):
    body = {
        "json": google_error(code, "The server's own words.", "STATUS"),
        "html": b"<html><body><h1>The server's own words.</h1></body></html>",
        "empty": b"",
    }[form]
    fake_server.script(status(code, {"content-type": f"text/{form}"}, body))
    r = ask(fake_server, retries=0)
    assert r.status == "error"
    lines = list(r.error._render_traceback_())
    assert 1 <= len(lines) <= 3
    assert str(code) in lines[0]
    assert form == "empty" or "The server's own words." in lines[0]
    assert r.error.remedy


def test_events_are_iterated_from_the_first_one_sync_and_async(fake_server):
    fake_server.script(text("one "), gate("go"), text("two"), finish())
    with gemini_magic.stream("hi", model="gated", base_url=fake_server.base_url) as stream:
        seen = iter(stream)
        first = next(event for event in seen if isinstance(event, Delta))
        assert first.part.text == "one "
        assert stream.response.text == "one "
        assert not stream.done
        fake_server.open("go")
        rest = list(seen)
    assert finish_of("STOP") in rest

    async def again():
        return [event async for event in stream]

    assert asyncio.run(again()) == list(stream)
    assert stream.response.status == "complete"


def test_leaving_the_block_stops_the_stream_and_keeps_the_text(fake_server):
    with gemini_magic.stream("hi", model="stall", base_url=fake_server.base_url) as stream:
        next(iter(stream))
    assert stream.response.status == "interrupted"
    assert stream.response.text.startswith("word1")
    fake_server.wait_for_disconnect()


def test_mistakes_are_reported_before_anything_is_sent(fake_server):
    with pytest.raises(OptionError, match="Unknown setting: 'temprature'"):
        ask(fake_server, temprature=1)
    with pytest.raises(OptionError, match="prompt is empty"):
        gemini_magic.ask("  ", base_url=fake_server.base_url)
    with pytest.raises(CredentialsError) as caught:
        gemini_magic.ask("hi")
    assert "GEMINI_API_KEY" in str(caught.value)
    assert fake_server.requests == []


@pytest.mark.parametrize("prompt", [None, 3, {"a": 1}, {"a"}, [Text("hi"), None], object()])
@pytest.mark.parametrize(
    "function",
    [gemini_magic.ask, gemini_magic.stream, gemini_magic.count_tokens],
    ids=lambda each: each.__name__,
)
def test_an_invalid_prompt_is_an_error(fake_server, function, prompt):
    with pytest.raises(
        PromptError, match=r"^A prompt must be text, media, or a list of them, not \w+\."
    ) as caught:
        function(prompt, model="quick", base_url=fake_server.base_url)
    assert caught.value.remedy
    assert fake_server.requests == []
    assert (
        str(gemini_magic.ask([Text("hi")], model="quick", base_url=fake_server.base_url)) == "Hello, world."
    )


def test_save_and_load_give_the_same_answer(fake_server, tmp_path):
    r = ask(fake_server, "markdown")
    again = Response.load(r.save(tmp_path / "run.jsonl"))
    assert again.raw == r.raw
    assert again.status == "complete"
    assert [row.t for row in again.chunks] == pytest.approx([row.t for row in r.chunks], abs=1e-5)
    for suffix in (".httprr", ".sse"):
        other = Response.load(r.save(tmp_path / f"run{suffix}"))
        assert other.raw == r.raw
    with pytest.raises(RecordingError, match="not a supported file type"):
        r.save(tmp_path / "run.txt")
    with pytest.raises(RecordingError, match="cannot be read"):
        Response.load(tmp_path / "missing.jsonl")


def test_a_response_can_be_pickled_and_copied_as_what_went_over_the_wire(fake_server):
    r = ask(fake_server, "thinking")
    for again in (pickle.loads(pickle.dumps(r)), copy.copy(r), copy.deepcopy(r)):
        assert (again.raw, again.thoughts, again.status) == (r.raw, r.thoughts, "complete")
        assert again.request == r.request
    with (
        gemini_magic.stream("hi", model="stall", base_url=fake_server.base_url) as stream,
        pytest.raises(TypeError, match="has ended"),
    ):
        pickle.dumps(stream.response)


def test_a_recording_is_replayed_without_the_server(fake_server, tmp_path):
    path = tmp_path / "run.jsonl"
    live = ask(fake_server, record=str(path))
    played = gemini_magic.ask("hi", model="quick", replay=str(path), speed=0)
    assert played.raw == live.raw
    assert played.ledger.source == "recording"
    assert len(fake_server.requests) == 1
    missed = gemini_magic.ask("hello", model="quick", replay=str(path), speed=0)
    assert missed.status == "error"
    assert 'the most similar recorded prompt is "hi"' in str(missed.error)


def test_the_built_in_trace_of_two_events_is_read():
    r = gemini_magic.ask(
        "What is the capital of France? One word.",
        model="gemini-2.0-flash",
        temperature=0,
        replay="builtin:capital",
        speed=0,
    )
    assert r.status == "complete", r.error
    assert r.text == "Paris\n"
    assert (r.usage.prompt, r.usage.output, r.usage.total) == (10, 2, 12)
    assert (r.model_version, r.response_id) == ("gemini-2.0-flash", "wzCjaPa4As7shMIP2Mei0AI")
    with pytest.raises(RecordingError, match="Unknown built-in recording: 'nope'"):
        gemini_magic.ask("hi", replay="builtin:nope")


def test_the_preview_shows_a_placeholder_for_the_key(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    options, _ = resolve({"model": "m"})
    shown = api.preview(build_request([Text("hi")], options), options)
    assert "x-goog-api-key: <key>" in repr(shown)
    assert CANARY not in repr(shown) + shown._repr_html_()
    assert shown.body["contents"][0]["parts"] == [{"text": "hi"}]


def previewed(**given):
    options, _ = resolve({"model": "m", **given})
    return api.preview(build_request([Text("hi")], options), options)


def test_the_preview_reports_a_missing_key(monkeypatch):
    where = {"base_url": "https://llm.example.org", "key_env": "NOPE"}
    for auth, header in ((None, "x-goog-api-key"), ("bearer", "authorization")):
        assert (header, "<no key: NOPE is not set>") in previewed(auth=auth, **where).headers
    monkeypatch.setenv("NOPE", CANARY)
    shown = previewed(**where)
    assert ("x-goog-api-key", "<key>") in shown.headers
    assert CANARY not in repr(shown)
    assert "key" not in str(previewed(base_url="https://llm.example.org").headers)
    assert "key" not in str(previewed(backend="echo").headers)


@pytest.mark.parametrize(
    "given",
    [
        {"backend": "vertex", "project": "p", "key_env": "MINE"},
        {"auth": "google", "base_url": "https://llm.example.org"},
        {"base_url": "https://llm.example.org", "key_env": "GEMINI_API_KEY"},
        {"key_env": "BROKEN"},
        {"backend": "vertex", "auth": "bearer"},
    ],
)
def test_the_preview_raises_the_same_errors_as_sending(monkeypatch, given):
    for name in ("MINE", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("BROKEN", "two words")
    with pytest.raises(UsageProblem) as sending:
        gemini_magic.ask("hi", model="m", **given)
    with pytest.raises(UsageProblem) as previewing:
        previewed(**given)
    assert with_keywords(str(previewing.value)) == with_keywords(str(sending.value))
    assert CANARY not in str(sending.value)


def test_import_offers_the_public_names_and_loads_nothing_heavy():
    assert all(hasattr(gemini_magic, name) for name in gemini_magic.__all__)
    with pytest.raises(AttributeError):
        gemini_magic.nothing  # noqa: B018 - the attribute access is the test
    code = (
        "import sys, gemini_magic; "
        "print([m for m in ('httpx','IPython','ipywidgets','markdown_it','msgspec','nh3','pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_recording_contains_its_backend(tmp_path):
    path = tmp_path / "run.jsonl"
    gemini_magic.ask("hello", backend="echo", record=str(path))
    assert json.loads(path.read_text().splitlines()[0])["backend"] == "echo"
    assert Response.load(path).ledger.backend == "echo"
    assert Response.load(path, backend_name="gemini").text == "hello"
    missed = gemini_magic.ask("hello", model="another", replay=str(path))
    assert "(--backend echo), this one to" in str(missed.error)


def test_record_refuses_a_file_of_another_kind_and_appends_to_a_recording(fake_server, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text('# Notes about {"exchange": 1}\n')
    with pytest.raises(OptionError) as caught:
        ask(fake_server, record=notes)
    assert caught.value.message == f"--record {notes}: the file exists and is not a recording."
    assert (fake_server.requests, notes.read_text()) == ([], '# Notes about {"exchange": 1}\n')
    for _ in range(2):
        assert ask(fake_server, record=tmp_path / "run.jsonl").ok
    assert (tmp_path / "run.jsonl").read_text().count('"request"') == 2


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/models/m:generateContent", ""),
        ("https://us-aiplatform.googleapis.com/v1/x", ""),
        ("http://generativelanguage.googleapis.com/v1beta/x", "generativelanguage.googleapis.com"),
        ("https://googleapis.com.evil.example/v1", "googleapis.com.evil.example"),
        ("https://evil.example:8443/v1", "evil.example:8443"),
        ("http://[::1]:80/v1", "[::1]:80"),
    ],
)
def test_a_host_that_is_not_googles_has_a_name(url, host):
    assert host_to_name(url) == host


def test_the_status_line_names_a_server_that_is_not_googles(fake_server, tmp_path):
    fake_server.model("m", text("ok"), finish())
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, record=str(tmp_path / "r.jsonl"))
    assert status_line(r.ledger).startswith(f"✓ m at {fake_server.base_url.removeprefix('http://')} · answer")
    again = gemini_magic.ask(
        "hi", model="m", base_url=fake_server.base_url, replay=str(tmp_path / "r.jsonl"), speed=0
    )
    assert " at " not in status_line(again.ledger)
    assert " at " not in status_line(gemini_magic.ask("hi", backend="echo").ledger)


def test_media_are_sent_by_every_function_that_asks(fake_server, tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    sent = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    where = {"model": "quick", "base_url": fake_server.base_url}

    def parts():
        return fake_server.requests[-1].body["contents"][-1]["parts"]

    r = gemini_magic.ask(["What is", tmp_path / "a.png", "?"], **where)
    assert parts() == [{"text": "What is"}, sent, {"text": "?"}]
    gemini_magic.ask("And this?", attach=str(tmp_path / "*.png"), **where)
    assert parts() == [sent, {"text": "And this?"}]
    r.reply("And this?", attach=[tmp_path / "a.png"])
    assert parts() == [sent, {"text": "And this?"}]
    with gemini_magic.stream(PNG, attach="https://h.test/a.pdf", **where) as stream:
        list(stream)
    address = {"fileData": {"fileUri": "https://h.test/a.pdf", "mimeType": "application/pdf"}}
    assert parts() == [address, sent]
    assert "sent 1 document and 1 image" in status_line(stream.response.ledger)
    assert r.reply("Again?").request.turns[0].parts[1].data == PNG
    assert parts() == [{"text": "Again?"}]


def test_what_is_left_out_of_a_prompt_is_a_note_of_the_response(fake_server):
    r = gemini_magic.ask(
        ["Sum up", pd.DataFrame({"n": range(100)})], model="quick", base_url=fake_server.base_url
    )
    (note,) = [note for note in r.notes if note.kind == "notice"]
    assert note.message == "The request contains 50 of 100 rows of prompt[1]; --table-rows N changes it."


# ------------------------------------------------------------------------------ tools


def weather(city: str, unit: str = "C") -> str:
    """Weather of a city."""
    return f"{city} {unit}"


def declared(request):
    return [each["name"] for tool in request.body["tools"] for each in tool.get("functionDeclarations", ())]


def test_functions_are_offered_and_a_reply_offers_them_too_unless_it_has_others(fake_server):
    r = ask(fake_server, tools=[weather, {"name": "book"}], tool_choice="auto")
    reply = r.reply("more")
    reply.reply("others", tools={"name": "pay"})
    reply.reply("none", tools=())
    requests = fake_server.requests
    assert [declared(each) for each in requests[:3]] == [["weather", "book"], ["weather", "book"], ["pay"]]
    assert ["toolConfig" in each.body for each in requests] == [True, False, False, False]
    assert "tools" not in requests[3].body


def test_notices_about_tools_are_notes_of_the_response(fake_server):
    def bare(city: str): ...

    (note,) = ask(fake_server, tools=bare).notes.where(kind="notice")
    assert note.message == "The tool bare has no docstring, so the model sees only its signature."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tools": [3]}, "An object of the type int cannot be a tool."),
        (
            {"tools": type("Frame", (), {"__bool__": lambda _: 1 / 0})()},
            "tools must be a list of functions, not Frame.",
        ),
        ({"tools": "weather"}, "tools: 'weather' is text."),
        ({"tool": "weather"}, "tools: 'weather' is text."),
        ({"tools": [lambda x: x]}, "A lambda cannot be a tool: it has no name and no types."),
        ({"tool_choice": "any"}, "--tool-choice needs a function."),
        ({"tools": weather, "tool_choice": "other"}, "nor a function of this request."),
    ],
)
def test_tools_that_are_not_valid_are_refused_before_anything_is_sent(fake_server, options, message):
    with pytest.raises(OptionError) as problem:
        ask(fake_server, **options)
    assert message in problem.value.message
    assert fake_server.requests == []
