"""The endings of an answer as a table: `%%gemini` in a real kernel, a server, and the saved notebook."""

import pytest
from fake_server import FakeServer, cut, endless, event, finish, google_error, raw, reset, stall, status, text
from kernel import run_notebook
from surroundings import CANARY

pytestmark = pytest.mark.kernel

HALF = text("Half an answer")
BLOCKED_PROMPT = event({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
FAILED = event(google_error(503, "The model is overloaded.", "UNAVAILABLE"))
BLOCKING = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "LANGUAGE",
]
FAILING = ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"]

# ending: (the server's steps, options, expected status, whether the cell fails, text in the saved output)
ROWS = {
    "STOP at end of input": ([HALF, finish("STOP")], "", "complete", False, "answer complete"),
    "STOP, then more": (
        [text("Half ", finish="STOP"), text("an answer"), finish("STOP")],
        "",
        "complete",
        False,
        "complete",
    ),
    "MAX_TOKENS": ([HALF, finish("MAX_TOKENS")], "", "truncated", False, "%gemini resume"),
    "no reason": ([HALF], "", "truncated", True, "%gemini resume"),
    "closed in the middle": ([HALF, cut()], "", "truncated", True, "%gemini resume"),
    "reset in the middle": ([HALF, reset()], "", "truncated", True, "%gemini resume"),
    "CONTINUATION": ([HALF, finish("CONTINUATION")], "", "truncated", True, "%gemini resume"),
    "blocked prompt": ([BLOCKED_PROMPT], "", "blocked", True, "PROHIBITED_CONTENT"),
    **{reason: ([HALF, finish(reason)], "", "blocked", True, reason) for reason in BLOCKING},
    **{reason: ([HALF, finish(reason)], "", "error", True, reason) for reason in FAILING},
    "HTTP error": (
        [status(404, {}, google_error(404, "No such model.", "NOT_FOUND"))],
        "",
        "error",
        True,
        "No such model.",
    ),
    "error in the stream": ([HALF, FAILED], "", "error", True, "The model is overloaded."),
    "unreadable body": (
        [raw(b"<html>Please log in to the hotel</html>")],
        "",
        "error",
        True,
        "Please log in to the hotel",
    ),
    "silence": ([HALF, stall()], "--stall-timeout 0.3", "stalled", True, "%gemini resume"),
    "too long altogether": ([HALF, stall()], "--timeout 0.3", "stalled", True, "%gemini resume"),
    "too large altogether": (
        [HALF, endless(raw(b": ping " + b"x" * 1000 + b"\n\n"))],
        "--max-total 0.05",
        "truncated",
        True,
        "%gemini resume",
    ),
    "unknown reason": ([HALF, finish("BRAND_NEW_REASON")], "", "complete", False, "BRAND_NEW_REASON"),
}


@pytest.fixture(scope="module")
def saved():
    """One notebook with a cell for each row, run once."""
    with FakeServer() as server:
        cells = ["%load_ext gemini_magic"]
        for number, (steps, options, *_) in enumerate(ROWS.values()):
            server.model(f"row-{number}", *steps)
            cells += [
                f"%%gemini -m row-{number} --base-url {server.base_url} --key-env K --retries 0 {options}\nGo.",
                "print(_gemini.status, repr(_gemini.text), end='')",
            ]
        notebook = run_notebook(cells, env={"K": CANARY}, allow_errors=True)
    return dict(zip(ROWS, zip(notebook.cells[1::2], notebook.cells[2::2], strict=True), strict=True))


@pytest.mark.parametrize("row", ROWS)
def test_the_status_is_shown_and_decides_whether_the_cell_fails(saved, row):
    _, _, wanted, fails, message = ROWS[row]
    cell, state = saved[row]
    shown = [output for output in cell.outputs if output.output_type == "display_data"]
    errors = [output for output in cell.outputs if output.output_type == "error"]
    assert len(shown) == 1
    assert bool(errors) == fails
    assert all(len(error.traceback) <= 3 for error in errors)
    record = shown[0].data["application/vnd.gemini-stream+json"]
    assert record["status"] == wanted
    received = "" if row in ("blocked prompt", "HTTP error", "unreadable body") else "Half an answer"
    assert "".join(output.text for output in state.outputs) == f"{wanted} {received!r}"
    assert record["text"] == received
    for kind in ("text/html", "text/plain", "text/markdown"):
        plain = shown[0].data[kind].replace("<code>", "`").replace("</code>", "`").replace("\\_", "_")
        # The error of the cell is shown once: below the answer, not in it.
        assert message in (plain + "\n".join(errors[0].traceback) if fails else plain), kind
        assert received in plain
    assert CANARY not in str(cell)
