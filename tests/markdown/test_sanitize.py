"""The sanitizer: an interrupt that arrives while it works is neither lost nor leaves an attribute unchecked."""

import sys
import threading

import pytest

from gemini_magic.markdown.sanitize import sanitize_html


class Interrupting:
    """Images of which one is checked at the moment of an interrupt."""

    def shows(self, url):
        raise KeyboardInterrupt


class Failing:
    def shows(self, url):
        raise ValueError(url)


HTML = '<p dir="auto"><img src="data:image/png;base64,AAAA" alt="a" /></p>'


def test_an_interrupt_while_an_attribute_is_checked_is_raised():
    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        sanitize_html(HTML, Interrupting())
    assert sys.unraisablehook is hook
    assert sanitize_html("<p>a</p>") == "<p>a</p>"


def test_other_exceptions_are_reported_as_before(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: reported.append(ignored.exc_type))
    sanitize_html(HTML, Failing())
    assert ValueError in reported


def test_a_thread_that_gets_no_signals_does_not_replace_the_hook():
    hooks = []

    class Looking:
        def shows(self, url):
            hooks.append(sys.unraisablehook)
            return True

    hook = sys.unraisablehook
    thread = threading.Thread(target=sanitize_html, args=(HTML, Looking()))
    thread.start()
    thread.join()
    assert hooks == [hook]
