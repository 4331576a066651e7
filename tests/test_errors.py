"""What a user reads of an error: its message and remedy, and the lines that IPython shows."""

import signal
import sys
import time

import pytest

from gemini_magic.errors import (
    GeminiMagicError,
    Interrupted,
    OptionError,
    ServiceError,
    TruncatedError,
    interrupts_noted,
    interrupts_raise,
)

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


def test_an_error_below_an_answer_is_shown_in_the_form_that_its_cell_has_set():
    error = GeminiMagicError("Bad\x1b[31m.")
    error.cell_lines = ("Bad␛[31m.", "Ask.")
    assert error._render_traceback_() == ["GeminiMagicError: Bad␛[31m.", "  Ask."]
    stopped = Interrupted("Stopped.")
    stopped.cell_lines = ("Stopped.", "Resume.")
    assert stopped._render_traceback_() == ["Stopped. Resume."]


def test_the_text_of_an_error_is_message_and_remedy():
    assert str(GeminiMagicError("Bad.", remedy="Fix it.")) == "Bad.\nFix it."
    assert str(GeminiMagicError("Bad.")) == "Bad."


@pytest.fixture
def kernel_handler():
    """A handler of SIGINT as a kernel sets it for an awaited cell: it only schedules something."""
    scheduled = []

    def handle(number, frame):
        scheduled.append(number)

    handle.__module__ = "ipykernel.ipkernel"
    before = signal.signal(signal.SIGINT, handle)
    yield scheduled
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_between_two_blocks_is_raised_by_the_next_one(kernel_handler):
    with interrupts_noted():
        with interrupts_raise():
            pass
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupts_raise():
            pytest.fail("the block began")
    assert kernel_handler == [signal.SIGINT]


def test_interrupts_of_a_cell_do_not_end_the_next_one(kernel_handler):
    before = signal.getsignal(signal.SIGINT)
    with interrupts_noted(), interrupts_noted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with interrupts_noted(), interrupts_raise():
        pass


@pytest.mark.parametrize("handler", ["of the kernel", "of Python"])
def test_an_interrupt_that_a_finalizer_swallows_is_raised_again(handler, kernel_handler, capsys):
    class Interrupting:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    if handler == "of Python":
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), interrupts_noted(), interrupts_raise():
        for _ in range(100):
            Interrupting()
        time.sleep(10)
        pytest.fail("the interrupt was lost")
    assert sys.unraisablehook is hook
    assert capsys.readouterr().err == ""


def test_an_interrupt_that_the_last_finalizer_of_a_block_swallows_is_raised_by_the_next_block(kernel_handler):
    class Interrupting:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with interrupts_noted():
        with interrupts_raise():
            Interrupting()
        with pytest.raises(KeyboardInterrupt), interrupts_raise():
            pytest.fail("the block began")


def test_other_exceptions_of_finalizers_are_reported(kernel_handler, monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(str(args.exc_value)))
    with interrupts_raise():
        Broken()
    assert reported == ["broken"]
