"""Pictures, code runs, calls and other parts of an answer in a terminal, as text in order."""

from __future__ import annotations

import io

import pytest
from media_samples import SVG, add_part, end, ledger_of, picture, sound
from view_stage import new_ledger

from gemini_magic.content import Blob, Call, Code, CodeResult, Opaque, Thought, ToolCall, ToolResult
from gemini_magic.views.terminal import TerminalView


def printed(*parts, form="markdown"):
    """What is printed after each part, and at the end."""
    ledger, out = new_ledger(), io.StringIO()
    ledger.display = ledger.display._replace(form=form)
    ledger.set_phase("streaming")
    view = TerminalView(ledger, out)
    view.open()
    states = []
    for part in parts:
        add_part(ledger, part)
        view.update(final=True)
        states.append(out.getvalue())
    end(ledger)
    view.close()
    return [*states, out.getvalue()]


def test_parts_are_lines_between_the_text():
    part = picture(640, 480)
    *_, text = printed("Before ", "it.", part, "After.", Call("f", {"x": 1}), Opaque({"novelty": 1}))
    size = f"{len(part.data) / 1000:.1f} kB"
    assert text.startswith(
        f"Before it.\n[picture 1: PNG 640×480, {size}]\nAfter.\n[function call] f(x=1)\n[unknown part `novelty`, 13 B;"
    )


def test_code_is_printed_with_its_output_once_it_has_run():
    running, done, *_ = printed(Code("print(6 * 7)", "PYTHON"), CodeResult("OUTCOME_OK", "42\n"), "So 42.")
    assert running == ""
    assert done == "[code run 1: Python, OK]\n```python\nprint(6 * 7)\n```\n[output]\n```\n42\n```\n"


def test_code_without_a_result_is_printed_at_the_end():
    *_, before, after = printed("One.", Code("loop()", "PYTHON"))
    assert before == "One."
    assert "[code run 1: Python, no result]" in after


def test_a_use_of_a_servers_tool_is_printed_when_its_result_has_arrived_or_text_follows():
    call, other = (ToolCall("google_search", ident, {"queries": [ident]}) for ident in "ab")
    found = [ToolResult("google_search", ident, [{"url": "https://a.example"}]) for ident in "ba"]
    first, second, third, fourth, *_, end = printed(call, other, *found, "Text.")
    assert (first, second, third) == ("", "", "")
    lines = [
        '[server tool: Google Search for "a" → 1 result]',
        '[server tool: Google Search for "b" → 1 result]',
    ]
    assert fourth.splitlines() == lines
    assert end.splitlines()[:3] == [*lines, "Text."]
    *_, before, after, _ = printed("One.", call, "Two.")
    assert before == "One."
    assert after.splitlines() == ["One.", '[server tool: Google Search for "a"]', "Two."]


def test_thoughts_between_uses_of_tools_are_printed_and_those_after_text_are_not():
    call = ToolCall("google_search", "a", {"queries": ["a"]})
    parts = (
        Thought("First."),
        call,
        ToolResult("google_search", "a", [1]),
        Thought("\n\nSecond."),
        "Text.",
        Thought("Third."),
    )
    *_, text = printed(*parts)
    assert text.splitlines()[:4] == [
        "thinking: First.",
        '[server tool: Google Search for "a" → 1 result]',
        "thinking: Second.",
        "Text.",
    ]
    assert "Third" not in text


def test_audio_is_one_line_when_it_is_complete():
    *growing, after = printed(*sound(1.0, pieces=4))
    assert not any(growing)
    assert after.startswith("[audio 1: 1.00 s, 24 kHz, 48.0 kB]\n")


def test_svg_is_printed_as_source_without_control_characters():
    *_, text = printed(Blob("image/svg+xml", SVG + b"\x1b[31m"))
    assert "<script>" in text
    assert "\x1b" not in text


def test_json_around_a_code_run_is_one_document():
    *_, text = printed('{"a":', Opaque({"novelty": 1}), "1}", form="json")
    assert '{\n  "a": 1\n}' in text


def test_a_rendered_answer_has_the_parts_in_order(monkeypatch):
    pytest.importorskip("rich")
    from gemini_magic.views.terminal import terminal_text  # noqa: PLC0415

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    ledger = ledger_of(
        "```python\nx = 1", picture(640, 480), "- item", Code("y = 2"), CodeResult("OUTCOME_OK", "out")
    )
    text = terminal_text(ledger, Terminal())
    places = [text.index(piece) for piece in ("[picture 1: PNG 640×480", "item", "[code run 1: OK]", "out")]
    assert places == sorted(places)
