"""Rendered Markdown in a real pseudo-terminal: finished blocks once, the unfinished end below, no control codes of the answer."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from surroundings import CHECKOUT
from terminal_screen import Terminal, python
from view_stage import ANSWER, feed, new_ledger

from gemini_magic.views.terminal import TerminalView
from gemini_magic.views.terminal_rich import rich_printer

LONG = "```python\n" + "".join(f"x{n} = {n}\n" for n in range(60)) + "```\n\n"
HOSTILE = (
    "Go \x1b]8;;http://evil.example\x07here\x1b[2J [red]x[/red] <b>y</b> &#x202e;abc "
    "[a](javascript:alert(1)) [b](https://ok.example/p) <https://auto.example> ![p](https://evil.example/x.png)\n\n"
    "- [x] done\n\n"
)
SHOW = f"""
import sys, time
sys.path[:0] = [{str(CHECKOUT)!r}, {str(CHECKOUT / "tests" / "support")!r}]
from view_stage import feed, new_ledger
from gemini_magic.views.terminal import TerminalView
def show(text, form="markdown", thought="", step=9, pause=0.004):
    ledger = new_ledger()
    ledger.display = ledger.display._replace(form=form)
    view = TerminalView(ledger)
    view.open()
    if thought:
        feed(ledger, thought=thought)
        view.update()
    for start in range(0, len(text), step):
        feed(ledger, text[start : start + step])
        view.update()
        time.sleep(pause)
    feed(ledger, finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
"""


def shown(text, columns=80, **options):
    with python(f"{SHOW}\nshow({text!r}, **{options!r})", columns=columns) as terminal:
        terminal.read()
        return terminal.screen(), terminal.sent


@pytest.mark.parametrize("columns", [80, 34])
def test_an_answer_is_rendered_and_every_line_is_on_the_screen_once(columns):
    screen, sent = shown(f"{ANSWER}\n{LONG}{HOSTILE}Last words.", columns, thought="Hm.")
    text = "\n".join(screen)
    assert screen[0] == "thinking: Hm."
    for line in [
        "A paragraph with bold",
        " • one",
        ' print("hello")',
        "The end.",
        " • ☑ done",
        "Last words.",
    ]:
        assert len([each for each in screen if each.startswith(line)]) == 1, line
    assert [each.strip() for each in screen if re.match(r" x\d", each)] == [f"x{n} = {n}" for n in range(60)]
    assert "**" not in text
    assert "```" not in text
    assert max(map(len, screen)) <= columns
    flat = re.sub(r"\s+", "", text)
    assert "[red]x[/red]<b>y</b>⟨U+202E⟩abc[a](javascript:alert(1))b(https://ok.example/p)" in flat
    assert "https://auto.example[image:p(https://evil.example/x.png)]" in flat
    assert "\x1b]" not in sent
    assert set(re.findall(r"\x1b.[\d;?]*(.)", sent)) <= set("mAJK")
    assert screen[-2].startswith("[✓ gemini-flash-latest") or columns == 34


def test_the_unfinished_end_is_a_part_of_the_screen_and_the_output_is_linear():
    _, sent = shown(LONG * 3, step=40, pause=0.02)
    assert max(map(int, re.findall(r"\x1b\[(\d+)A", sent))) <= 17
    assert "".join(sent.split()).count("x59") <= 3 * 16


@pytest.mark.parametrize(
    ("form", "text", "found", "missing"),
    [
        ("json", '{"a":[1,2]}', '\n  "a": [', "```"),
        ("code", "Words\n\n```python\nx = 1\n```\n\nmore words", "x = 1", "ords"),
        ("text", "# *a*\n\n- b", "# *a*\n\n- b", "•"),
        ("raw", "# *a*", "# *a*", "•"),
        ("html", "<p>x</p>", "<p>x</p>", "```"),
        ("json", "no", "The answer is not valid JSON: expecting value at line 1, column 1.", "```"),
    ],
)
def test_formats_are_printed_as_plain_text_without_rich(form, text, found, missing, monkeypatch):
    out = io.StringIO()
    ledger = new_ledger()
    ledger.display = ledger.display._replace(form=form)
    view = TerminalView(ledger, out)
    view.open()
    feed(ledger, text, finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
    assert found in out.getvalue()
    answer = out.getvalue().partition("[✓")[0]
    assert missing not in answer
    assert "\x1b" not in answer


def test_formats_are_printed_with_rich():
    screen, sent = shown('{"a":[1,2]}', form="json")
    assert [each.strip() for each in screen[:4]] == ["{", '"a": [', "1,", "2"]
    assert "\x1b[" in sent
    screen, sent = shown("# *a*", form="text")
    assert screen[0] == "# *a*"
    assert "\x1b" not in sent


def test_a_pipe_a_dumb_terminal_and_a_missing_library_get_plain_text(monkeypatch):
    piped = subprocess.run(
        [sys.executable, "-c", f"{SHOW}\nshow('**a**', pause=0)"], capture_output=True, text=True, check=True
    )
    assert piped.stdout.startswith("**a**\n[✓")
    with python(f"{SHOW}\nshow('**a**')", env={"TERM": "dumb"}) as terminal:
        terminal.read()
        assert terminal.sent.startswith("**a**\r\n[")
    with python(f"import sys; sys.modules['rich.console'] = None\n{SHOW}\nshow('**a**')") as terminal:
        terminal.read()
        assert terminal.sent.startswith("**a**\r\n[")


def test_plain_text_is_printed_if_the_library_fails(monkeypatch):
    class Tty(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    out = Tty()
    setter = rich_printer(out, lambda: 0.0)
    monkeypatch.setattr(setter, "_markdown", lambda *_, **__: 1 / 0)
    setter.add("**a** \x1b[2J\n\nb")
    setter.paint(final=True, ended=True)
    assert out.getvalue() == "**a** [2J\n\nb\n"


def test_ctrl_c_while_printing_leaves_a_clean_prompt(tmp_path):
    cell = "get_ipython().run_cell_magic('gemini', '--backend echo', '@wait 0.1\\nSome **bold** words\\n\\n- one\\n- two\\n- three\\n- four\\n- five\\n- six')"
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"]
    env = {"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)}
    with Terminal(command, env=env, columns=200) as terminal:
        terminal.read(r"In \[1\]")
        terminal.type("%load_ext gemini_magic\n")
        terminal.read(r"In \[2\]")
        terminal.type(f"{cell}\n")
        terminal.read("• .*two")
        terminal.type("\x03")
        terminal.read(r"In \[3\]")
        terminal.type("6 * 7\n")
        terminal.read("Out")
        screen = [line for line in terminal.screen() if line]
    at = screen.index("Some bold words")
    assert screen[at + 1 : at + 3] == [" • one", " • two"]
    assert any(line.startswith("[■ echo · interrupted") for line in screen[at:])
    assert screen.count(" • two") == 1
    assert "In [3]: 6 * 7" in screen


ROWS = f"""
import sys
sys.path[:0] = [{str(CHECKOUT)!r}, {str(CHECKOUT / "tests" / "support")!r}]
from row_stage import StagedRun, complete, running
from gemini_magic.views.row_terminal import TerminalRowsView
run = StagedRun(total=1_000)
view = TerminalRowsView(run)
view.open()
for n in range(20):
    run.change(**running(counts={{"complete": 20 * n, "error": 10}}))
    view._next = 0
    view.update()
"""


def test_the_progress_of_rows_is_a_bar_above_a_line_that_overwrites_itself():
    with python(ROWS, columns=80) as terminal:
        terminal.read()
        bar, *line = terminal.screen()[:3]
        assert bar == "━" * 35 + "─" * 25
        assert " ".join(line).startswith("… 590 of 1,000 rows (59 %) · 10 failed · 195 answered before")


def test_the_table_of_rows_takes_the_place_of_their_progress():
    with python(f"{ROWS}\nrun.change(**complete())\nview.close()", columns=80) as terminal:
        terminal.read()
        screen = terminal.screen()
    assert screen[0].startswith("row ")
    assert "━" not in "\n".join(screen)
    assert any("1,000 rows done" in line for line in screen)
