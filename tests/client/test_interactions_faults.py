"""Faults of servers and networks during an answer of the Interactions API, with and without an answer that is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from client_stage import finished, kinds, request, text
from fake_server import Script, bare, cut, endless, hang_up, raw, reset, stall, status
from interactions_server import DONE, InteractionsServer, answer, call, refusal, sse, stream_of
from interactions_server import text as words

from gemini_magic.backends import backend
from gemini_magic.client import open_stream, reader
from gemini_magic.content import RequestSettings
from gemini_magic.ledger import Ledger
from gemini_magic.options import Options

WHOLE = answer(words("Half", " and rest"))
FINE = raw(stream_of(answer(words("fine"))))
HALF = raw(stream_of(WHOLE[:4], done=False))  # up to the first piece of text
ERROR = {"event_type": "error", "error": {"code": "service_unavailable", "message": "Overloaded."}}
OPEN_STEP = [event for event in WHOLE if event["event_type"] != "step.stop"]
ODD = [
    {"event_type": "interaction.hologram", "depth": 3},
    {"event_type": "step.delta", "index": 9, "delta": {"type": "hologram"}},
    {"event_type": "step.stop", "index": 77},
    {"event_type": "step.start"},
    {},
]


@dataclass(frozen=True)
class Fault:
    """What the server sends for each request in turn, and the expected result."""

    answers: list
    status: str = "complete"
    text: str = "fine"
    requests: int = 1
    shows: str = ""
    options: dict = field(default_factory=lambda: {"retries": 0})
    notes: set = field(default_factory=set)


ANEW = {"retries": 2}
FAULTS = {
    "cut inside an event": Fault([[HALF, cut(b'data: {"event_type":"step.de')]], "truncated", "Half"),
    "cut inside a character": Fault([[HALF, cut('data: {"x": "naï'.encode()[:-1])]], "truncated", "Half"),
    "reset": Fault([[HALF, reset()]], "truncated", "Half"),
    "the end of the body without an end of the answer": Fault([[HALF]], "truncated", "Half"),
    "[DONE] without an end of the answer": Fault([[HALF, raw(DONE)]], "truncated", "Half"),
    "[DONE] alone": Fault([[raw(DONE)]], "truncated", "", shows="empty"),
    "no body": Fault([[]], "truncated", "", shows="empty"),
    "cut after the end of the answer": Fault([[raw(stream_of(answer(words("fine")), done=False)), cut(b"")]]),
    "a step that is never closed": Fault([[raw(stream_of(OPEN_STEP))]], text="Half and rest"),
    "silence": Fault([[HALF, stall()]], "stalled", "Half", options={"retries": 0, "stall_timeout": 0.1}),
    "silence before anything": Fault([[stall()]], "stalled", "", options={"first_byte_timeout": 0.1, "retries": 0}),
    "an answer without an end": Fault(
        [[HALF, endless(raw(sse(WHOLE[3])))]], "stalled", "Half", options={"timeout": 0.2, "retries": 0}
    ),
    "an answer without an end, up to a size": Fault(
        [[HALF, endless(raw(sse(WHOLE[3]) * 50))]], "truncated", "Half", options={"max_total": 0.2, "retries": 0}
    ),
    "an event that is too large": Fault(
        [[HALF, raw(b'data: {"x": "' + b"x" * 2**20)]],
        "error",
        "Half",
        shows="--max-event",
        options={"max_event": 0.5, "retries": 0},
    ),
    "an error in the stream": Fault([[HALF, raw(sse(ERROR) + DONE)]], "error", "Half", shows="Overloaded."),
    "an error as the first event, then an answer": Fault(
        [[raw(sse(ERROR) + DONE)], [FINE]], requests=2, options=ANEW, notes={"retry"}
    ),
    "an empty error": Fault([[HALF, raw(sse({"event_type": "error"})), raw(stream_of(WHOLE[4:]))]], text="Half and rest"),
    "a filter in the stream": Fault(
        [[HALF, raw(sse({"event_type": "error", "error": {"code": "safety", "message": "No."}}))]], "blocked", "Half"
    ),
    "a refusal that passes, then an answer": Fault(
        [[refusal(429, "rate_limit_exceeded", "Slow down.")], [FINE]], requests=2, options=ANEW, notes={"retry"}
    ),
    "the quota of the day": Fault(
        [[refusal(429, "quota_exceeded", "Used up.")]], "error", "", shows="Used up.", options=ANEW
    ),
    "no money": Fault([[refusal(402, "payment_required", "Pay.")]], "error", "", shows="Pay.", options=ANEW),
    "a bad request": Fault([[refusal(400, "invalid_request", "No.")]], "error", "", shows="No.", options=ANEW),
    "a page of a gateway, then an answer": Fault(
        [[status(502, body="<h1>Bad gateway</h1>")], [FINE]], requests=2, options=ANEW
    ),
    "a login page": Fault(
        [Script([raw(b"<html><h1>Please log in</h1></html>")], content_type="text/html")], "error", "", shows="Please log in"
    ),
    "an error of the front end in a list": Fault(
        [[status(200, body=[{"error": {"code": 401, "message": "Bad key.", "status": "UNAUTHENTICATED"}}])]],
        "error",
        "",
        shows="Bad key.",
    ),
    "lost before anything, once": Fault([[reset()], [FINE]], requests=2, options=ANEW, notes={"possibly-billed"}),
    "not HTTP": Fault([[bare(b"* OK IMAP4\r\n\r\n"), hang_up()]], "error", "", shows="not valid HTTP"),
    "unknown events": Fault([[raw(stream_of([WHOLE[0], *ODD, *WHOLE[1:]]))]], text="Half and rest"),
    "bytes that are no JSON": Fault(
        [[HALF, raw(b"data: {nothing\n\n"), raw(stream_of(WHOLE[4:]))]], "complete", "Half and rest", notes={"not-json"}
    ),
    "bytes that are not UTF-8": Fault(
        [[raw(stream_of(answer(words("na~ve"))).replace(b"~", b"\xef"))]], text="na\ufffdve"
    ),
    "lines with carriage returns": Fault([[raw(stream_of(WHOLE).replace(b"\n", b"\r\n"))]], text="Half and rest"),
    "called HTML": Fault([Script([FINE], content_type="text/html")]),
    "compressed": Fault([Script([FINE], gzip=True)]),
    "arguments that are no JSON": Fault(
        [[raw(stream_of(answer(call("look", {"a": 1}, size=3))).replace(b'}"}', b'"}'))]], text=""
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.0)


@pytest.fixture(scope="module")
def running():
    with InteractionsServer() as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.forget_all()


def ended(server, *, store=False, **options):
    asked = request("hi", "m", settings=RequestSettings(server_store=store))
    chosen = Options(base_url=server.base_url, backend="interactions", **options)
    ledger = Ledger(asked, backend="interactions")
    return finished(open_stream(asked, chosen, ledger=ledger, backend=backend("interactions")))


def check(ledger, fault):
    assert ledger.status == fault.status, (ledger.error, kinds(ledger))
    received = text(ledger)
    if "without an end" in str(fault.answers) or fault.options.keys() & {"timeout", "max_total"}:
        assert received == fault.text * (len(received) // len(fault.text))
    else:
        assert received == fault.text
    assert fault.shows in str(ledger.error or "")
    assert fault.notes <= set(kinds(ledger))


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_the_answer_as_it_should(server, name, store):
    fault = FAULTS[name]
    scripts = [each if isinstance(each, Script) else Script(each) for each in fault.answers]
    server.answers("m", *scripts)
    ledger = ended(server, store=store, **fault.options)
    check(ledger, fault)
    assert len(server.asked("create")) == fault.requests


@pytest.mark.parametrize("name", ["cut inside an event", "cut inside a character", "reset", "silence"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_stream_that_is_broken_by_a_fault_is_read_on_if_it_is_stored(server, name, times):
    server.plan(WHOLE, cuts=[4, *[1] * (times - 1)], tail=FAULTS[name].answers[0][1:])
    ledger = ended(server, store=True, retries=1, stall_timeout=0.3 if name == "silence" else 30.0)
    assert (ledger.status, text(ledger)) == ("complete", "Half and rest")
    assert (len(server.asked("create")), len(server.asked("stream"))) == (1, times)
