"""Faults of servers, gateways and networks: `%%gemini` in a real kernel, and the saved notebook.

`test_endings_table.py` tests the endings of an answer that the protocol provides for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from calibration import assert_soon
from fake_server import (
    Script,
    Step,
    bare,
    cut,
    dribble,
    endless,
    event,
    finish,
    flood,
    gate,
    google_error,
    hang_up,
    pause,
    raw,
    reset,
    stall,
    status,
    text,
)
from interactions_server import DONE, InteractionsServer, Plan, answer, refusal, sse, stream_of
from interactions_server import text as words
from kernel import run_notebook
from surroundings import CANARY

pytestmark = pytest.mark.kernel

RESUME = "%gemini resume"
MIXED = "naïve 😀 漢字\u2028end"
IMAGE = base64.b64encode(bytes(range(256)) * (15 * 2**20 // 256)).decode()  # a line of 20 MiB
LOGIN = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Hotel</title><style>p { color: red }</style></head>

<body><form action="/login"><h1>Please log in</h1>

<p>data: room number</p></form></body></html>
"""
NOT_THERE = "https://elsewhere.invalid/v1beta"
OVERLOADED = google_error(503, "The model is overloaded.", "UNAVAILABLE")
OK = Script([text("fine"), finish()])
STEPS = answer(words("Half", " and", " rest"))  # of the Interactions API
BEGUN = raw(stream_of(STEPS[:4], done=False))  # up to the first piece of text
STORED = "--backend interactions --server-store"


def line(piece: str, reason: str | None = "STOP") -> bytes:
    """One event as bytes, not ASCII only."""
    candidate = {"content": {"parts": [{"text": piece}], "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return b"data: " + json.dumps({"candidates": [candidate]}, ensure_ascii=False).encode() + b"\r\n\r\n"


def quota(**details: object) -> Step:
    """HTTP 429 with Google's details."""
    kinds = [{"@type": f"type.googleapis.com/google.rpc.{name}", **value} for name, value in details.items()]
    return status(429, body=google_error(429, "Quota exceeded.", "RESOURCE_EXHAUSTED", *kinds))


@dataclass(frozen=True)
class Fault:
    """What the server does for one cell, and the expected result.

    `within` is the longest time in seconds from the start of the cell to its end, enough for a busy machine.
    `at_least` is the shortest time; it shows that the client waited.
    """

    answers: Sequence[Script | list[Step] | Plan]
    status: str = "complete"
    text: str = "fine"
    requests: int = 1
    fails: bool = False
    shows: str = ""
    options: str = "--retries 0"
    within: float = 5.0
    at_least: float = 0.0
    notes: set[str] = field(default_factory=set)
    condition: str = ""  # an expression over `r` that must be true in the kernel
    resumed: int = 0  # how often a stored answer is resumed


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
COMMENTS = [step for _ in range(12) for step in (raw(b": still thinking\n\n"), pause(0.1))]
INLINE = {"parts": [{"inlineData": {"mimeType": "image/png", "data": IMAGE}}]}

FAULTS = {
    # -- slow
    "late head": Fault([[pause(0.4), text("fine"), finish()]], at_least=0.4),
    "no head at all": Fault(
        [[gate("never")]],
        "stalled",
        "",
        fails=True,
        options="--first-byte-timeout 0.3",
        shows="The server sent no data",
    ),
    "head, then nothing": Fault(
        [[stall()]],
        "stalled",
        "",
        fails=True,
        options="--first-byte-timeout 0.3",
        shows="The server sent no data",
    ),
    "byte by byte": Fault([[dribble(line(MIXED), 1, 0.001)]], text=MIXED, within=8.0),
    "three bytes at a time, without chunks": Fault(
        [Script([dribble(line(MIXED), 3)], close_delimited=True)], text=MIXED
    ),
    "silence within an event": Fault(
        [[text("Half"), raw(line("lost")[:40]), stall()]],
        "stalled",
        "Half",
        fails=True,
        options="--stall-timeout 0.3",
        shows=RESUME,
    ),
    "comments only for a while": Fault(
        [[text("Half "), *COMMENTS, text("done"), finish()]],
        text="Half done",
        options="--stall-timeout 1 --first-byte-timeout 1",
        at_least=1.2,
        notes={"comment"},
    ),
    "comments before anything": Fault(
        [[*COMMENTS, text("fine"), finish()]],
        options="--stall-timeout 1 --first-byte-timeout 1",
        at_least=1.2,
        notes={"comment"},
    ),
    "a head that never ends": Fault(
        [[bare(HEAD), endless(bare(b"X-Slow: yes\r\n")), stall()]],
        "error",
        "",
        fails=True,
        options="",
        shows="is not valid HTTP",
    ),
    "a head that dribbles": Fault(
        [[bare(HEAD), *[step for _ in range(40) for step in (bare(b"X"), pause(0.1))], stall()]],
        "stalled",
        "",
        fails=True,
        options="--first-byte-timeout 0.4 --stall-timeout 0.3",
        shows="The server sent no data",
        within=3.9,
    ),
    "early hints": Fault(
        [
            [
                bare(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + HEAD + b"\r\n"),
                bare(line("fine")),
                hang_up(),
            ]
        ],
    ),
    # -- interrupted
    "cut inside a character": Fault(
        [[text("Half"), cut('data: {"candidates":[{"content":{"parts":[{"text":"naï'.encode()[:-1])]],
        "truncated",
        "Half",
        fails=True,
        shows=RESUME,
    ),
    "cut before anything": Fault(
        [[cut(b"")]], "error", "", fails=True, shows="may have been billed", requests=1
    ),
    "reset before anything, once": Fault(
        [[reset()], OK], requests=2, options="", notes={"possibly-billed"}, within=8.0
    ),
    "reset before anything, always": Fault(
        [[reset()]],
        "error",
        "",
        requests=2,
        fails=True,
        options="",
        shows="lost before an answer arrived",
        within=8.0,
    ),
    "HTTP/1.0, closed without a reason": Fault(
        [Script([text("Half")], http10=True)], "truncated", "Half", fails=True, shows=RESUME
    ),
    "less than the announced length": Fault(
        [[bare(HEAD + b"Content-Length: 9999\r\n\r\n" + line("Half", None)), hang_up()]],
        "truncated",
        "Half",
        fails=True,
        shows=RESUME,
    ),
    "invalid chunks": Fault(
        [[text("Half"), bare(b"zz\r\nnot a chunk\r\n"), hang_up()]],
        "truncated",
        "Half",
        fails=True,
        shows=RESUME,
    ),
    "not HTTP": Fault(
        [[bare(b"* OK IMAP4 ready\r\n\r\n"), hang_up()]],
        "error",
        "",
        fails=True,
        options="",
        shows="is not valid HTTP",
        within=3.0,
    ),
    "two lengths": Fault(
        [[bare(HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n" + line("lost")), hang_up()]],
        "error",
        "",
        fails=True,
        options="",
        shows="is not valid HTTP",
    ),
    "HTTP/1.0": Fault([Script([text("fine"), finish()], http10=True)]),
    "no body": Fault([[]], "truncated", "", fails=True, shows="The answer was empty"),
    "no body, in one piece": Fault(
        [[status(200, {"Content-Type": "text/event-stream"})]],
        "truncated",
        "",
        fails=True,
        shows="The answer was empty",
    ),
    # -- refused
    "full quota, with a delay": Fault(
        [[quota(RetryInfo={"retryDelay": "0.3s"})], OK],
        requests=2,
        options="",
        at_least=0.3,
        notes={"retry"},
    ),
    "full quota, with a header": Fault(
        [[status(429, {"Retry-After": "1"}, google_error(429, "Slow down.", "RESOURCE_EXHAUSTED"))], OK],
        requests=2,
        options="",
        at_least=1.0,
        notes={"retry"},
    ),
    "full quota, with a delay in the message": Fault(
        [
            [status(429, body=google_error(429, "Please retry in 0.31s.", "RESOURCE_EXHAUSTED"))],
            OK,
        ],
        requests=2,
        options="",
        at_least=0.31,
        notes={"retry"},
    ),
    "quota of the day": Fault(
        [[quota(RetryInfo={"retryDelay": "0.1s"}, QuotaFailure={"violations": [{"quotaId": "XPerDay"}]})]],
        "error",
        "",
        fails=True,
        options="",
        shows="Quota exceeded.",
        within=3.0,
    ),
    "a page of a gateway, then an answer": Fault(
        [[status(503, body="<html><h1>503 Service Unavailable</h1></html>")], OK],
        requests=2,
        options="--retries 1",
        notes={"retry"},
    ),
    "a page of a gateway, always": Fault(
        [[status(503, body="<html><head><title>x</title></head><h1>Down for tea</h1></html>")]],
        "error",
        "",
        requests=2,
        fails=True,
        options="--retries 1",
        shows="Down for tea",
    ),
    "an error as the first event, then an answer": Fault(
        [[event(OVERLOADED)], OK], requests=2, options="--retries 1", notes={"retry"}
    ),
    "an error after content is not tried again": Fault(
        [[text("Half"), event(OVERLOADED)]],
        "error",
        "Half",
        fails=True,
        options="",
        shows="The model is overloaded.",
        within=3.0,
    ),
    "an error with status 200": Fault(
        [[status(200, body=google_error(400, "No such field.", "INVALID_ARGUMENT"))]],
        "error",
        "",
        fails=True,
        options="",
        shows="No such field.",
    ),
    "an error in a list with status 200": Fault(
        [[status(200, body=[google_error(400, "No such field.", "INVALID_ARGUMENT")])]],
        "error",
        "",
        fails=True,
        options="",
        shows="No such field.",
    ),
    "moved elsewhere": Fault(
        [[status(302, {"Location": NOT_THERE}, b"<a>Found</a>")]],
        "error",
        "",
        fails=True,
        options="",
        shows="Redirects are not followed",
        within=3.0,
    ),
    "a login page": Fault(
        [Script([raw(LOGIN.encode())], content_type="text/html", close_delimited=True)],
        "error",
        "",
        fails=True,
        options="",
        shows="Please log in",
        within=3.0,
    ),
    # -- wrong headers and bytes
    "called HTML": Fault([Script([text("fine"), finish()], content_type="text/html")]),
    "called JSON": Fault([Script([text("fine"), finish()], content_type="application/json")]),
    "called Latin-1": Fault(
        [Script([raw(line(MIXED))], content_type="text/event-stream; charset=ISO-8859-1")], text=MIXED
    ),
    "bytes that are not UTF-8": Fault(
        [[raw(line("na~ve").replace(b"~", b"\xef"))]], text="na\ufffdve", notes={"invalid-utf8"}
    ),
    # -- large
    "a flood": Fault([[flood(50_000), finish()]], text="x " * 50_000, within=30.0),
    "a line of 20 MiB": Fault(
        [[text("fine"), event({"candidates": [{"content": INLINE, "index": 0}]}), finish()]],
        within=30.0,
        condition=f"len(r.parts[1].data) == {len(IMAGE) * 3 // 4} and r.raw_chunks[1].size > {len(IMAGE)}",
    ),
    "an answer without an end": Fault(
        [[endless(text("on and on "))]],
        "stalled",
        "on and on ",
        fails=True,
        options="--timeout 0.5",
        shows=RESUME,
    ),
    "an event larger than allowed": Fault(
        [[text("Half"), raw(line("x" * 2**20)), text("lost"), finish()]],
        "error",
        "Half",
        fails=True,
        options="--max-event 0.5",
        shows="--max-event",
    ),
    "an event larger than allowed that never ends": Fault(
        [[text("Half"), raw(b'data: {"x": "'), endless(raw(b"x" * 2**16))]],
        "error",
        "Half",
        fails=True,
        options="--max-event 0.5",
        shows="--max-event",
    ),
    "an answer without an end, up to a size": Fault(
        [[endless(flood(100, "on and on "))]],
        "truncated",
        "on and on ",
        fails=True,
        options="--max-total 0.5",
        shows="--max-total",
    ),
    # -- compressed
    "compressed without being requested": Fault(
        [Script([text("fi"), pause(0.3), text("ne"), finish()], gzip=True)],
        condition="r.chunks[1].t - r.chunks[0].t > 0.2",
    ),
    "compressed, and broken in the middle": Fault(
        [Script([text("Half"), pause(0.1), bare(b"5\r\n\xff\xff\xff\xff\xff\r\n"), stall()], gzip=True)],
        "error",
        "Half",
        fails=True,
        options="",
        shows="compression is broken",
    ),
    "compressed badly": Fault(
        [Script([raw(b"no gzip at all")], headers={"Content-Encoding": "gzip"})],
        "error",
        "",
        fails=True,
        options="",
        shows="compression is broken",
    ),
}

FAULTS |= {
    # -- the Interactions API
    "steps: cut, and resumed": Fault(
        [Plan(STEPS, cuts=(4,), ids=3)], text="Half and rest", options=STORED, resumed=1, shows="resumed once", notes={"resumed"}
    ),
    "steps: reset and cut several times, and resumed": Fault(
        [Plan(STEPS, cuts=(3, 2, 0, 1), end="reset")],
        text="Half and rest",
        options=STORED,
        resumed=4,
        shows="resumed 4 times",
        within=9.0,
    ),
    "steps: silence, and resumed": Fault(
        [Plan(STEPS, cuts=(5,), end="stall")], text="Half and rest", options=f"{STORED} --stall-timeout 0.3", resumed=1
    ),
    "steps: cut, and never resumed": Fault(
        [Plan(STEPS, cuts=(4, 0, 0, 0, 0, 0))],
        "truncated",
        "Half",
        fails=True,
        options=f"{STORED} --retries 1",
        resumed=1,
        shows="reads it from there",
        notes={"not-resumed"},
    ),
    "steps: cut without a stored answer": Fault(
        [Plan(STEPS, cuts=(4,))], "truncated", "Half", fails=True, options="--backend interactions", shows=RESUME
    ),
    "steps: the end without an end": Fault(
        [[BEGUN, raw(DONE)]], "truncated", "Half", fails=True, options="--backend interactions", shows=RESUME
    ),
    "steps: an error in the stream": Fault(
        [[BEGUN, raw(sse({"event_type": "error", "error": {"code": "api_error", "message": "It broke."}}))]],
        "error",
        "Half",
        fails=True,
        options="--backend interactions",
        shows="It broke.",
    ),
    "steps: a refusal that passes": Fault(
        [[refusal(503, "service_unavailable", "Busy.")], [raw(stream_of(answer(words("fine"))))]],
        requests=2,
        options="--backend interactions",
        notes={"retry"},
    ),
    "steps: a used up quota": Fault(
        [[refusal(429, "quota_exceeded", "Used up.")]],
        "error",
        "",
        fails=True,
        options="--backend interactions",
        shows="Used up.",
        within=3.0,
    ),
    "steps: an answer without an end": Fault(
        [[BEGUN, endless(raw(sse(STEPS[3])))]],
        "stalled",
        "Half",
        fails=True,
        options="--backend interactions --timeout 0.5",
        shows=RESUME,
    ),
}  # fmt: skip

_SAY = "r = _gemini; print((r.status, r.text, [n.kind for n in r.notes], len(r.attempts), {}))"


@pytest.fixture(scope="module")
def saved():
    """One notebook with a cell for each fault, run once: the cell, its state in the kernel, the requests."""
    with InteractionsServer() as server:
        cells = ["%load_ext gemini_magic"]
        for number, fault in enumerate(FAULTS.values()):
            plans = [one for one in fault.answers if isinstance(one, Plan)]
            for plan in plans:
                server.plan(**vars(replace(plan, model=f"fault-{number}")))
            if not plans:
                scripts = [one if isinstance(one, Script) else Script(one) for one in fault.answers]
                server.answers(f"fault-{number}", *scripts)
            cells += [
                f"%%gemini -m fault-{number} --base-url {server.base_url} --key-env K {fault.options}\nGo.",
                _SAY.format(fault.condition or True),
            ]
        notebook = run_notebook(cells, env={"K": CANARY}, allow_errors=True, timeout=60)
        asked = [server.requests_for(f"fault-{number}") for number in range(len(FAULTS))]
    found = zip(notebook.cells[1::2], notebook.cells[2::2], asked, strict=True)
    return dict(zip(FAULTS, found, strict=True))


def seconds(cell) -> float:
    """How long the kernel was busy with a cell."""
    times = cell.metadata["execution"]
    start, end = (datetime.fromisoformat(times[f"iopub.status.{name}"]) for name in ("busy", "idle"))
    return (end - start).total_seconds()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_reported_and_ends_the_cell_in_time(saved, name):
    fault, (cell, state, requests) = FAULTS[name], saved[name]
    shown = [output for output in cell.outputs if output.output_type == "display_data"]
    errors = [output for output in cell.outputs if output.output_type == "error"]
    printed = "".join(output["text"] for output in state.outputs)  # a kernel may send one print in two pieces
    reached, received, notes, attempts, holds = eval(printed)
    print(f"{name}: {reached}, {received[:40]!r}, {len(requests)} requests, {seconds(cell):.2f} s, {notes}")
    assert reached == fault.status
    if "an answer without an end" in name:
        assert received == fault.text * (len(received) // len(fault.text))
        assert len(received) > 100
    else:
        assert received == fault.text
    assert len(requests) == attempts - fault.resumed == fault.requests
    assert bool(errors) == fault.fails
    assert all(len(error.traceback) <= 3 for error in errors)
    assert fault.at_least <= seconds(cell)
    assert_soon(seconds(cell), fault.within)
    assert fault.notes <= set(notes)
    assert ("possibly-billed" in notes) == (
        "possibly-billed" in fault.notes or name == "reset before anything, always"
    )
    assert holds is True
    assert len(shown) == 1
    for kind in ("text/html", "text/plain", "text/markdown"):
        plain = shown[0].data[kind].replace("<code>", "`").replace("</code>", "`").replace("\\_", "_")
        # The error of the cell is shown once: below the answer, not in it.
        assert fault.shows in (plain + "\n".join(errors[0].traceback) if errors else plain), kind
    assert shown[0].data["application/vnd.gemini-stream+json"]["status"] == fault.status
    assert len({json.dumps(request.body) for request in requests}) == 1
    assert CANARY not in str(cell)
