"""Which view is selected, and what is imported for it and when."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from surroundings import CHECKOUT
from view_stage import STATIC_TYPES, feed, new_ledger

from gemini_magic.errors import DisplayError
from gemini_magic.views import NullView, select_view, stop_hint
from gemini_magic.views.html import HtmlView, StaticView
from gemini_magic.views.live import LiveView
from gemini_magic.views.terminal import TerminalView

NOTEBOOK = SimpleNamespace(kernel=object())
TERMINAL = SimpleNamespace()


def opened(stage, **options):
    options = {"display": "auto", "shell": NOTEBOOK, "allow_stdin": True, "stop": None} | options
    view = select_view(new_ledger(), **options)
    view.open()
    return type(view._view)


def test_the_view_depends_on_display_shell_and_stdin(stage):
    assert opened(stage) is LiveView
    assert opened(stage, allow_stdin=False) is StaticView
    assert opened(stage, allow_stdin=False, display="live") is LiveView
    assert opened(stage, allow_stdin=False, display="html") is HtmlView
    assert opened(stage, display="html") is HtmlView
    assert opened(stage, display="text") is TerminalView
    assert opened(stage, shell=TERMINAL) is TerminalView
    assert opened(stage, shell=None) is TerminalView
    assert opened(stage, shell=None, display="text") is TerminalView


@pytest.mark.parametrize("display", ["live", "html"])
def test_live_and_html_are_refused_in_a_terminal(display):
    with pytest.raises(DisplayError, match=f"--display {display}"):
        select_view(new_ledger(), display=display, shell=TERMINAL, allow_stdin=True, stop=None)


def test_an_unknown_display_is_refused():
    with pytest.raises(DisplayError, match="Unknown display: 'rich'"):
        select_view(new_ledger(), display="rich", shell=NOTEBOOK, allow_stdin=True, stop=None)


def test_html_with_the_reason_is_shown_if_ipywidgets_fails(stage, monkeypatch):
    monkeypatch.setitem(sys.modules, "gemini_magic.views.live", None)
    ledger = new_ledger()
    view = select_view(ledger, display="auto", shell=NOTEBOOK, allow_stdin=True, stop=None)
    view.open()
    assert "live widgets unavailable: ModuleNotFoundError" in stage.displays[0][0]["text/html"]
    feed(ledger, "abc", finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
    assert set(stage.displays[-1][0]) == STATIC_TYPES


def test_a_view_that_was_never_opened_shows_the_answer_when_closed(stage):
    ledger = feed(new_ledger(), "abc", finish="STOP")
    ledger.close("end", t=1.0)
    view = select_view(ledger, display="auto", shell=NOTEBOOK, allow_stdin=False, stop=None)
    view.update()
    view.close()
    assert "abc" in stage.displays[-1][0]["text/plain"]


def test_the_null_view_does_nothing(stage):
    view = NullView()
    view.open()
    view.update(final=True)
    view.close()
    assert stage.displays == []


SCRIPT = """
import sys
from types import SimpleNamespace
from view_stage import feed, new_ledger
from gemini_magic.views import select_view
from gemini_magic.views import status_line
heavy = lambda: sorted({"ipywidgets", "markdown_it", "nh3", "pygments.lexers", "IPython"} & set(sys.modules))
ledger = new_ledger()
{make}
print(heavy())
view.open()
feed(ledger, "Hello", finish="STOP")
view.update(final=True)
ledger.close("end", t=1.0)
view.close()
print("ipywidgets" in sys.modules)
"""


@pytest.mark.parametrize(
    ("make", "widgets"),
    [
        ("view = select_view(ledger, display='auto', shell=None, allow_stdin=True, stop=None)", False),
        (
            "view = select_view(ledger, display='auto', shell=SimpleNamespace(kernel=1), allow_stdin=False, stop=None)",
            False,
        ),
        (
            "view = select_view(ledger, display='html', shell=SimpleNamespace(kernel=1), allow_stdin=True, stop=None)",
            False,
        ),
        (
            "view = select_view(ledger, display='auto', shell=SimpleNamespace(kernel=1), allow_stdin=True, stop=None)",
            True,
        ),
    ],
    ids=["terminal", "static", "html", "live"],
)
def test_selecting_imports_no_large_library_and_only_the_live_view_imports_ipywidgets(make, widgets):
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{make}", make)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=CHECKOUT / "tests" / "support",
        env={
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests' / 'support'}",
            "HOME": "/nonexistent",
            "PYTHONUTF8": "1",
        },
    )
    lines = ran.stdout.splitlines()
    assert lines[0] == "[]"
    assert lines[-1] == str(widgets)


def test_the_toolbar_is_named_only_for_the_main_thread():
    assert stop_hint("another way") == "stop with ■ in the toolbar"
    with ThreadPoolExecutor() as pool:
        assert pool.submit(stop_hint).result() == ""
        assert pool.submit(stop_hint, "another way").result() == "stop with another way"
