"""What a user reads of an error: its message and remedy, and the lines that IPython shows."""

import pytest

from gemini_magic.errors import GeminiMagicError, Interrupted, OptionError, ServiceError, TruncatedError

REMEDIES = [
    ({"code": 400}, "Check the request with `--dry-run`; the message names the field."),
    (
        {"code": 400, "reason": "API_KEY_INVALID"},
        "Set GEMINI_API_KEY to a valid key from Google AI Studio and restart the kernel.",
    ),
    ({"code": 401}, "Check the key. `%gemini` shows where it comes from."),
    (
        {"code": 403},
        "Check that the key may use this model and project. `%gemini` shows where the key comes from.",
    ),
    (
        {"code": 404},
        "Check the model name (`-m`) and the address (`--base-url`). `%gemini models` lists the models.",
    ),
    (
        {"code": 407},
        "The proxy requires a user name and a password. Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT.",
    ),
    ({"code": 408}, "The server timed out. Ask again."),
    (
        {"code": 422},
        "Check the request with `--dry-run`; the message names the field that the server does not accept.",
    ),
    ({"code": 429}, "Wait and ask again, or use another model. The quota belongs to the key."),
    ({"code": 429, "retry_after": 2.1}, "The server asks to wait 2 s. Ask again after that."),
    ({"code": 429, "retry_after": 3600.0}, "The server asks to wait 3,600 s (1 h). Ask again after that."),
    ({"code": 503, "retry_after": 600.0}, "The server asks to wait 600 s (10 min). Ask again after that."),
    (
        {"code": 302},
        "Set --base-url to the final address. Redirects are not followed, to keep the key on its host.",
    ),
    ({"code": 503}, "The server has a temporary problem. Ask again in a moment."),
    ({"status": "UNAVAILABLE"}, "The server has a temporary problem. Ask again in a moment."),
    ({"status": "INTERNAL"}, "The server has a temporary problem. Ask again in a moment."),
    ({"code": 418}, "Ask again. `%gemini events` shows what the server sent."),
    ({}, "Ask again. `%gemini events` shows what the server sent."),
]


@pytest.mark.parametrize(("given", "remedy"), REMEDIES)
def test_an_error_of_the_server_has_a_remedy_for_its_code(given, remedy):
    assert ServiceError("No.", **given).remedy == remedy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, "429 RESOURCE_EXHAUSTED: Slow down."),
        ({"code": 429}, "429: Slow down."),
        ({}, "Slow down."),
    ],
)
def test_the_message_of_a_server_error_begins_with_its_code_and_status(given, message):
    assert ServiceError("Slow down.", **given).message == message


def test_a_code_that_the_message_contains_is_not_repeated():
    assert ServiceError("HTTP 503 from the proxy", code=503).message == "HTTP 503 from the proxy"


def test_a_remedy_that_is_given_replaces_the_default():
    assert ServiceError("No.", code=503, remedy="Wait.").remedy == "Wait."


LINES = [
    (OptionError("Bad.", remedy="Fix it."), ["OptionError: Bad.", "  Fix it."]),
    (TruncatedError("Cut."), ["TruncatedError: Cut."]),
    (Interrupted("Stopped.", remedy="Resume."), ["Stopped. Resume."]),
    (Interrupted("Stopped."), ["Stopped."]),
]


@pytest.mark.parametrize(("error", "lines"), LINES)
def test_ipython_shows_message_and_remedy_instead_of_a_traceback(error, lines):
    assert error._render_traceback_() == lines


def test_an_error_that_the_answer_shows_is_shortened_to_one_line():
    for error in (GeminiMagicError("x" * 200, remedy="Ask."), Interrupted("x" * 200, remedy="Ask.")):
        error.shown = True
        (line,) = error._render_traceback_()
        assert line.endswith("x" * 119 + "…")
        assert "Ask." not in line


def test_the_text_of_an_error_is_message_and_remedy():
    assert str(GeminiMagicError("Bad.", remedy="Fix it.")) == "Bad.\nFix it."
    assert str(GeminiMagicError("Bad.")) == "Bad."
