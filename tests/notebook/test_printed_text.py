"""No text from a server or a file reaches a terminal with characters that the terminal obeys, whatever prints it."""

from __future__ import annotations

import importlib
import io
import json
import logging
import pkgutil
import re
import sys
import traceback
from types import SimpleNamespace

import pytest
from fake_server import event, status
from hostile_strings import ESCAPES, assert_printable, bad, hostile_error, hostile_steps
from IPython.core.interactiveshell import InteractiveShell
from IPython.lib.pretty import pretty
from surroundings import CANARY

import gemini_magic
from gemini_magic import Response, cli
from gemini_magic.api import preview
from gemini_magic.client.stopped_uploads import StoppedUpload
from gemini_magic.comparison import RequestPreviews
from gemini_magic.content import Blob, LocalFile, Request, Text, Transcript, TranscriptWriter, Turn
from gemini_magic.conversation import Conversation
from gemini_magic.decisions import Decisions
from gemini_magic.errors import GeminiMagicError, Interrupted
from gemini_magic.mcp_servers.entries import Launch
from gemini_magic.media import Attachment
from gemini_magic.options import Options
from gemini_magic.prices import Cost
from gemini_magic.row_runs.batch_values import JobView
from gemini_magic.row_runs.row import Row
from gemini_magic.row_runs.store_lock import LockOwner
from gemini_magic.schema import Schema
from gemini_magic.views.terminal import TerminalView

DISPLAY_METHODS = (
    "__repr__",
    "__str__",
    "_repr_pretty_",
    "_repr_html_",
    "_repr_mimebundle_",
    "_render_traceback_",
)
TABLES = ("chunks", "events", "usage_history", "usage_by_modality", "parts_table", "notes", "attempts")
TABLES += ("sources", "url_context", "safety", "logprobs", "transcript")
# Classes that hold no text from outside.
NEVER_FROM_OUTSIDE = {"Secret", "MagicLine", "TokenPrice", "PracticeServer", "PracticeInteractions"}
COMMANDS = (
    "", "last", "events", "chunks", "usage", "timing", "timeline", "notes", "versions", "traceback", "config",
    "journal", "journal list", "journal search answer", "journal show", "journal open", "models", "help", "inspect",
    "diff a b", "curl", "code", "code 1", "show 99", "reset", "stop", "events --where text~[", "nonsense",
)  # fmt: skip


@pytest.fixture
def ask(fake_server, monkeypatch):
    monkeypatch.setenv("FAKE", CANARY)

    def asked(*steps, prompt="hi", **more):
        fake_server.model("m", *steps)
        chosen = {"model": "m", "base_url": fake_server.base_url, "key_env": "FAKE", "retries": 0}
        return gemini_magic.ask(prompt, **chosen, **more)

    return asked


@pytest.fixture
def answers(ask, tmp_path):
    """Answers of every kind with escapes in every string: live, loaded, blocked, failed."""
    whole = ask(*hostile_steps(), prompt=bad("question"), journal=True)
    path = tmp_path / "a.jsonl"
    lines = [json.loads(line) for line in whole.save(path).read_text().splitlines()]
    lines[0]["request"]["url"] = bad("https://h.example/")
    lines[0]["request"]["method"] = bad("POST")
    lines[0]["request"]["headers"][bad("x-a")] = bad("b")
    lines[1]["reason"], lines[1]["http"] = bad("OK"), bad("HTTP/1.1")
    lines[1]["headers"]["x-b"] = bad("c")
    lines[-1] = {"exchange": 0, "end": bad("eof"), "problem": bad("problem")}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    blocked = {"promptFeedback": {"blockReason": bad("SAFETY"), "blockReasonMessage": bad("no")}}
    return {
        "whole": whole,
        "loaded": Response.load(path),
        "blocked": ask(event(blocked)),
        "refused": ask(status(400, body=hostile_error())),
        "page": ask(status(502, body=bad("<h1>Bad gateway</h1>"))),
        "error in the stream": ask(event(hostile_error())),
    }


def reachable(roots):
    """Every object of this package that can be reached through public attributes, sequences and dicts."""
    found, left = [], list(roots)
    seen = set()
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
            continue
        seen.add(id(value))
        if type(value).__module__.startswith("pandas"):
            continue  # a frame for computing has the data as they are, and the library prints it
        found.append(value)
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list | tuple | set) or hasattr(type(value), "where"):
            left += list(value)[:50]
        if type(value).__module__.startswith("gemini_magic"):
            for name in dir(type(value)):
                if not name.startswith("_"):
                    try:
                        each = getattr(value, name)
                    except Exception:  # noqa: BLE001 - a property of a running or failed response
                        continue
                    if not callable(each) or type(each).__module__.startswith("gemini_magic"):
                        left.append(each)
            left += [
                each for name, each in getattr(value, "__dict__", {}).items() if not name.startswith("_")
            ]
    return found


def printed(value):
    """What Python and IPython print or display for a value, by the way of printing."""
    formatter = InteractiveShell.instance().display_formatter
    yield "repr", repr(value)
    yield "str", str(value)
    yield "pretty", pretty(value)
    yield "list", pretty([value])
    data, _ = formatter.format(value)
    for kind, text in data.items():
        if isinstance(text, str) and kind.startswith("text/") and kind != "text/markdown":
            yield kind, text
    if isinstance(value, BaseException) and hasattr(value, "_render_traceback_"):
        yield "traceback", "\n".join(value._render_traceback_())


def classes_that_display_themselves():
    for module in pkgutil.walk_packages(gemini_magic.__path__, "gemini_magic."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name:
                methods = [vars(value)[name] for name in DISPLAY_METHODS if name in vars(value)]
                codes = [getattr(method, "__code__", None) for method in methods]
                if any(code is not None and "gemini_magic" in code.co_filename for code in codes):
                    yield value


def many_answers(server):
    """A run over rows, a comparison, and their previews, with escapes in the data and in the answers."""
    server.model("hostile", *hostile_steps())
    server.model("refused", status(400, body=hostile_error()))
    chosen = {"base_url": server.base_url, "key_env": "FAKE", "retries": 0}
    rows = [
        {"id": bad("first"), bad("name"): bad("text"), "text": bad("text")},
        {"id": bad("second"), "text": "x"},
    ]
    given = {"id": "id", "show": False, **chosen}
    for model in ("hostile", "refused"):
        yield gemini_magic.rows("{{ row.text }}", rows, model=model, **given)
    yield gemini_magic.rows("{{ row.text }}", rows, model="hostile", dry_run=True, **given)
    compared = {"models": ["hostile", "refused"], "sweep": {"system": [bad("one"), bad("two")]}, **chosen}
    yield gemini_magic.compare(bad("question"), **compared).wait()
    request = preview(Request(model="m", turns=(Turn("user", (Text(bad()),)),)), Options(model="m"))
    yield RequestPreviews((bad("label"),), (request,))
    yield Row({bad("name"): 0}, [bad("value")])
    yield LockOwner(bad("host"), 1, 0.0)
    yield JobView(bad("batches/a"), bad("running"), 1e6, 3)


def test_no_object_prints_an_escape(shell, answers, fake_server):
    first, second = answers["whole"], answers["loaded"]
    roots = [*answers.values(), first.diff(second), first.timeline(), Blob(bad("a/b"), b"x")]
    roots += [each.error for each in answers.values()]
    roots += [Conversation(bad("chat")), Cost(1.0, bad("USD"), None, None, bad(), bad(), bad())]
    roots += [preview(Request(model="m", turns=(Turn("user", (Text(bad()),)),)), Options(model="m"))]
    roots += [Interrupted(bad("stopped"), remedy=bad("go on"))]
    roots += [
        Attachment((Blob(bad("a/b"), b"x"), LocalFile(bad("/a"), bad("a/b"), 1, bad("d"))), (bad("notice"),))
    ]
    roots += [
        Schema({"type": "object", "title": bad("title"), "properties": {bad("name"): {"type": "string"}}})
    ]
    roots += [
        Launch(
            bad("server"),
            bad("command"),
            (bad("argument"),),
            {bad("name"): bad("value")},
            url=bad("https://a"),
        )
    ]
    decided = SimpleNamespace(parsed={bad("id"): bad("option")})
    roots += [Decisions(decided, {bad("id"): {"instructions": bad("question")}})]
    roots += [StoppedUpload(bad("files/a"), bad("https://a"), 1, 0.0)]
    roots += many_answers(fake_server)
    found = reachable(roots)
    assert any("answer" in str(value) for value in found)
    for value in found:
        for way, text in printed(value):
            assert_printable(text, f"{way} of {type(value).__name__}")
    covered = {kind for value in found for kind in type(value).__mro__}
    missing = {kind.__name__ for kind in classes_that_display_themselves() if kind not in covered}
    assert missing <= NEVER_FROM_OUTSIDE, f"no instance was made of {missing - NEVER_FROM_OUTSIDE}"


@pytest.mark.parametrize("table", TABLES)
def test_no_table_prints_an_escape(shell, answers, table):
    for name, response in answers.items():
        rows = getattr(response, table)
        for way, text in printed(rows):
            assert_printable(text, f"{way} of {name}.{table}")


def test_the_data_itself_stays_exact(answers):
    [spoken] = [part for part in answers["whole"].parts if isinstance(part, Transcript)]
    words = TranscriptWriter().add(spoken, follows_text=True)
    assert answers["whole"].text == f"{bad('answer ')}{words}{bad('raw')}"
    assert answers["whole"].chunks[0].text == bad("answer ")
    assert ESCAPES in answers["whole"].candidates[1].text
    assert "\x1b]52;" in answers["refused"].error.message


def test_no_command_prints_an_escape(cells, answers, monkeypatch, capsys):
    cells.names.update(a=answers["whole"], b=answers["loaded"])
    for name, response in answers.items():
        cells.names["r"] = response
        cells(f"r  # {name}")
        assert_printable(cells.shown, f"the value {name}")
    for command in COMMANDS:
        for target in ("a", "b", ""):
            line = f"%gemini {command} {target}".strip()
            cells(line)
            assert_printable(cells.shown, line)


def test_no_traceback_prints_an_escape(cells, answers):
    for name, response in answers.items():
        cells.names["r"] = response
        for line in (
            "r.raise_for_status()",
            "r.curl()",
            "r.reply('hi')",
            "r.chunks.where('nope=1')",
            "%gemini traceback",
        ):
            cells(line)
            assert_printable(cells.shown, f"{line} of {name}")


def test_no_cell_prints_an_escape(cells, fake_server, monkeypatch):
    monkeypatch.setenv("FAKE", CANARY)
    for steps in (hostile_steps(), [status(400, body=hostile_error())], [event(hostile_error())]):
        fake_server.model("m", *steps)
        options = f"--backend gemini -m m --base-url {fake_server.base_url} --key-env FAKE --retries 0"
        for more in (
            "",
            "--display text",
            "-f raw",
            "-f text",
            "-f json",
            "-f code",
            "--raise-on-error",
            "--next-cell",
        ):
            cells(f"%%gemini {options} {more}\nhi")
            assert_printable(cells.shown, f"a cell with {more!r}")


class _Terminal(io.StringIO):
    def isatty(self):
        return True


OWN_CODES = ("\x1b[2m", "\x1b[0m", "\r\x1b[K")


def test_a_terminal_gets_only_the_codes_of_the_view(answers, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for name, response in answers.items():
        for plain in (True, False):
            out = _Terminal()
            view = TerminalView(response.ledger, out, plain=plain)
            view.open()
            view.update(final=True)
            view.close()
            text = out.getvalue()
            for code in OWN_CODES:
                text = text.replace(code, "")
            text = re.sub(r"\x1b\[[\d;]*m|\r?\x1b\[\d+A\x1b\[J", "", text)
            assert_printable(text, f"the terminal view of {name}")
            assert "\x1b[31m" not in out.getvalue()


def test_the_command_line_prints_no_escape(monkeypatch, capsys, tmp_path):
    def broken(*_, **__):
        raise GeminiMagicError(bad("message"), remedy=bad("remedy"))

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "a\x1b]0;x\x07b"))
    assert cli.main(["enable"]) == 0
    monkeypatch.setattr(cli, "find_key", broken)
    cli.main(["doctor"])
    monkeypatch.setattr(cli, "check_tour", broken)
    assert cli.main(["demo", "--check"]) == 1
    shown = capsys.readouterr()
    assert "remedy" in shown.out + shown.err
    assert_printable(shown.out + shown.err, "gemini-magic")


def test_a_log_record_has_no_escape(caplog):
    with caplog.at_level(logging.DEBUG, "httpx"):
        logging.getLogger("httpx").info("HTTP Request: %s", bad("100%d"))
    (record,) = caplog.records
    assert_printable(record.getMessage(), "log")
    assert "100%d" in record.getMessage()


def test_python_prints_the_traceback_of_an_error_without_escapes(answers):
    error = answers["refused"].error
    assert_printable("".join(traceback.format_exception(error)), "traceback")
    assert sys.exc_info()[0] is None
