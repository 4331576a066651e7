"""Every case of `wire_cases`, with its real bytes over a real socket, read by gemini_magic."""

from dataclasses import replace

import pytest
from client_stage import until
from surroundings import CHECKOUT
from wire_cases import CASES, GATE_TIMEOUT, MORE, Observed, evaluate, observe

import gemini_magic
from gemini_magic.config import Options

# The one case that takes a minute by its nature is the case before it but for an option; see below.
QUICK = [case for case in CASES if case.limit <= 30]


def asked(server, case):
    """The response to a case, and the result as observed by user and server."""
    options = {"retries": case.retries, "model": "m", "base_url": server.base_url}
    if case.stall_timeout:
        options["stall_timeout"] = case.stall_timeout
    if case.api == "interactions":
        options["backend"] = "interactions"
    case.script(server)
    with gemini_magic.stream("hi", **options) as stream:
        response = stream.response
        if case.live:
            until(lambda: response.text == case.live, GATE_TIMEOUT)
            server.open(MORE)
        response.wait(case.limit)
    observed = observe(response)
    observed.times = [request.time for request in server.requests]
    return response, observed


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_each_case_is_read_correctly(fake_server, case):
    response, observed = asked(fake_server, case)
    assert evaluate(case, observed) == "right", (observed, response.notes)
    assert response.status == case.status
    assert case.message in str(response.error or "")
    assert {note.kind for note in response.notes} == case.notes, response.notes


def test_the_one_slow_case_is_a_quick_case_with_the_default_timeout():
    short, long = (case for case in CASES if case.name in ("silent", "silent-default"))
    assert [case for case in CASES if case not in QUICK] == [long]
    same = {
        "name": long.name,
        "description": long.description,
        "stall_timeout": None,
        "message": long.message,
        "limit": long.limit,
    }
    assert replace(short, **same) == long
    assert long.message == f"The server sent no data for {Options().stall_timeout:g} s"


def test_the_page_of_results_has_a_right_row_for_every_case():
    page = (CHECKOUT / "docs" / "wire-cases.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "the server sends" not in line]
    begins = [f"| {case.description} | {case.expected.summary} | right |" for case in CASES]
    found = zip(rows, begins, strict=True)
    assert [row for row, begin in found if not row.startswith(begin)] == []
    assert f"[{len(CASES)} things" in (CHECKOUT / "README.md").read_text("utf-8")


def test_names_and_descriptions_are_unique():
    assert len({case.name for case in CASES}) == len({case.description for case in CASES}) == len(CASES)


SOUND = Observed(text="Hello, world.", finish="STOP", total=6, times=[1.0])
ENDED = Observed(text="Hello, ", error="503: The model is overloaded.", kind="ServiceError", times=[1.0])
BLOCKED = Observed(finish=None, blocked="SAFETY", total=4, times=[1.0])


@pytest.mark.parametrize(
    ("name", "observed", "verdict"),
    [
        ("lf", SOUND, "right"),
        ("lf", replace(SOUND, hangs=True), "hangs (over 30 s)"),
        ("lf", replace(SOUND, error="no", kind="ValueError"), "raises ValueError after all the text"),
        ("lf", replace(SOUND, text="Hello, ", error="no", kind="ValueError"), "raises ValueError"),
        ("lf", replace(SOUND, text="Hello, "), "silent: text lost"),
        ("lf", replace(SOUND, text="Hello, w\u00f6rld."), "wrong text"),
        ("lf", replace(SOUND, text="Hello, Hello, world."), "wrong text"),
        ("lf", replace(SOUND, total=None), "silent: usage lost"),
        ("lf", replace(SOUND, total=8), "wrong usage"),
        ("lf", replace(SOUND, finish=None), "silent: finish reason lost"),
        ("lf", replace(SOUND, times=[1.0, 2.0]), "right text, but sends 2 requests"),
        ("cr-live", replace(SOUND, late=True), "right text, but late"),
        ("429-then-200", replace(SOUND, times=[1.0, 2.0]), "right text, but retries too early"),
        ("429-then-200", replace(SOUND, times=[1.0, 3.2]), "right"),
        ("thoughts", SOUND, "silent: thoughts lost"),
        ("5-mb", replace(SOUND, text="world."), "silent: picture lost"),
        ("error-event", ENDED, "right"),
        ("error-event", replace(ENDED, error=None), "silent: no error"),
        ("error-event", replace(ENDED, error="?"), "raises ServiceError without the server's message"),
        ("error-event", replace(ENDED, text=""), "text lost"),
        ("no-reason", replace(SOUND, text="Hello, ", finish=None, total=None), "silent: no error"),
        ("prompt-blocked", BLOCKED, "right"),
        ("prompt-blocked", replace(BLOCKED, error="The prompt was blocked (SAFETY)"), "right"),
        ("prompt-blocked", replace(BLOCKED, error="nothing came", kind="ValueError"), "raises ValueError"),
        ("prompt-blocked", replace(BLOCKED, blocked=None), "silent: no reason"),
    ],
)
def test_a_wrong_result_is_described(name, observed, verdict):
    (case,) = (case for case in CASES if case.name == name)
    assert evaluate(case, observed) == verdict
