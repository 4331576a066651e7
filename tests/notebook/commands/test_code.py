"""`%gemini code`, `--next-cell` and `-f code`: which blocks form a cell, its source, and the messages about the rest."""

from __future__ import annotations

import pytest
from kernel import run_notebook

from gemini_magic.errors import OptionError
from gemini_magic.notebook import kernel

FENCE = "```"
SEVERAL = f"{FENCE}python\na = 1\n{FENCE}\n\n{FENCE}bash\nls\n{FENCE}\n\n{FENCE}py\n\nb = 2\n{FENCE}\n\n{FENCE}\n1\n{FENCE}\n"


@pytest.fixture
def cells(cells, monkeypatch):
    """Cells in an interactive front end, which accepts a next input."""
    monkeypatch.setattr(kernel, "allows_input", lambda _: True)
    cells.shell.rl_next_input = None
    return cells


def next_cell(cells):
    text, cells.shell.rl_next_input = cells.shell.rl_next_input, None
    return text


@pytest.mark.parametrize("line", ["--next-cell", "-f code", "-q --next-cell"])
def test_the_code_of_a_complete_answer_becomes_the_next_cell(cells, line):
    assert cells(f"%%gemini {line}\nSo:\n\n{FENCE}python\nprint('ä')\n\nx = 1\n{FENCE}\n").success
    assert next_cell(cells) == "print('ä')\n\nx = 1"
    assert "cell" not in cells.shown


def test_without_the_option_there_is_no_next_cell(cells):
    cells(f"%%gemini\n{SEVERAL}")
    cells(f"%%gemini --no-next-cell\n{SEVERAL}")
    assert next_cell(cells) is None


def test_python_blocks_form_one_cell_and_the_others_are_listed(cells):
    cells(f"%%gemini --next-cell -o r\n{SEVERAL}")
    assert next_cell(cells) == "a = 1\n\nb = 2"
    assert (
        "The new cell contains blocks 1, 3 of 4. `%gemini code N` creates one from another block."
        in cells.shown
    )
    cells("%gemini code")
    assert next_cell(cells) == "a = 1\n\nb = 2"
    assert "  2 bash (1 line)\n" in cells.shown
    cells("%%gemini -q\nNo code.")
    for line, wanted in [
        ("code r", "a = 1\n\nb = 2"),
        ("code r 2", "%%bash\nls"),
        ("code 4 r", "1"),
        ("code", None),
    ]:
        cells(f"%gemini {line}")
        assert next_cell(cells) == wanted
    assert cells.shown == "The answer contains no code block.\n"


LANGUAGES = {
    "bash": "%%bash\nx\n  y",
    "shell": "%%bash\nx\n  y",
    "sh": "%%sh\nx\n  y",
    "html": "%%html\nx\n  y",
    "js": "%%javascript\nx\n  y",
    "latex": "%%latex\nx\n  y",
    "sql": "# sql:\n# x\n#   y",
    "json": "# json:\n# x\n#   y",
    "writefile": "# writefile:\n# x\n#   y",
    "IPython3": "x\n  y",
    "": "x\n  y",
}


def test_another_language_gets_its_cell_magic_or_becomes_a_comment(cells):
    blocks = "\n\n".join(f"{FENCE}{language}\nx\n  y\n{FENCE}" for language in LANGUAGES)
    cells(f"%%gemini -q\n@chunk 1000\n{blocks}")
    for number, (language, wanted) in enumerate(LANGUAGES.items(), 1):
        cells(f"%gemini code {number}")
        assert next_cell(cells) == wanted, language


def test_a_cell_magic_that_the_user_registered_is_used(cells):
    cells.shell.register_magic_function(lambda line, cell: None, "cell", "sql")
    cells(f"%%gemini -q --next-cell\n{FENCE}sql\nselect 1\n{FENCE}")
    assert next_cell(cells) == "%%sql\nselect 1"


@pytest.mark.parametrize(
    "answer",
    [
        f"{FENCE}bash\nls\n{FENCE}\n\n{FENCE}sql\nselect 1\n{FENCE}",
        f"{FENCE}\nls\n{FENCE}\n\n{FENCE}sql\nselect 1\n{FENCE}",
        f"{FENCE}python\nx\n{FENCE}\n\n{FENCE}python\n%%time\ny\n{FENCE}",
    ],
)
def test_blocks_that_do_not_form_one_cell_are_listed_to_choose_from(cells, answer):
    cells(f"%%gemini --next-cell\n{answer}")
    assert next_cell(cells) is None
    assert (
        "The answer contains 2 code blocks that do not form one cell. Choose one with `%gemini code N`: 1 "
        in cells.shown
    )
    cells("%gemini code")
    assert next_cell(cells) is None
    assert "Choose one with `%gemini code N`:\n  1 " in cells.shown
    cells("%gemini code 2")
    assert next_cell(cells)


@pytest.mark.parametrize(
    ("ending", "good"), [("@finish MAX_TOKENS", True), ("@error 503 busy", False), ("@finish NONE", False)]
)
def test_an_incomplete_answer_creates_no_cell_and_a_message_explains_it(cells, ending, good):
    cell = f"%%gemini --next-cell\n{ending}\n{FENCE}python\nhalf(\n"
    assert cells(cell).success is good
    assert next_cell(cells) is None
    assert (
        "No cell was created because the answer is incomplete. `%gemini code` creates a cell" in cells.shown
    )
    cells("%gemini code")
    assert next_cell(cells) == "half("
    cells(cell.replace("%%gemini", "%%gemini -q").replace(FENCE, ""))
    assert "No cell" not in cells.shown


def test_an_answer_without_code_is_a_message_and_not_an_error(cells):
    assert cells("%%gemini --next-cell\nJust words").success
    assert "No cell was created: the answer contains no code block." in cells.shown
    assert cells("%%gemini -f code\nJust words").success
    assert cells.shown.count("no code block") == 1
    assert next_cell(cells) is None


def test_control_characters_are_visible_in_the_new_cell(cells):
    cells(f"%%gemini -q --next-cell\n{FENCE}python\nx = 'a\u202eb' \U000e0041\x1b[2J\x9b\n{FENCE}")
    assert next_cell(cells) == "x = 'a⟨U+202E⟩b' ⟨U+E0041⟩[2J"


def test_invisible_characters_in_the_new_cell_are_named(cells):
    cells(f"%%gemini --next-cell\n{FENCE}python\nif admin\u3164 or '\u200b':\n    pass\n{FENCE}\n")
    assert next_cell(cells) == "if admin\u3164 or '\u200b':\n    pass"
    assert "The new cell contains invisible characters (U+3164, U+200B)." in cells.shown
    cells(f"%%gemini --next-cell\n{FENCE}python\nprint('❤\ufe0f')\n{FENCE}\n")
    assert "invisible" not in cells.shown


def test_an_invalid_number_or_name_is_refused(cells):
    cells(f"%%gemini -q -o r\n{SEVERAL}")
    for line, message, remedy in [
        ("code 5", "There is no code block 5.", "The answer contains 4: 1 python (1 line), 2 bash (1 line)"),
        ("code 0", "There is no code block 0.", "The answer contains 4"),
        ("code other", "No response is named 'other'.", "r"),
        ("code 1 2", "`%gemini code` accepts one number and one name.", "Usage: `%gemini code NAME 2`"),
        ("code r 2 3", "accepts at most two arguments, but got 'r 2 3'.", "Usage: `%gemini code [N|NAME]`."),
    ]:
        error = cells.error(f"%gemini {line}")
        assert isinstance(error, OptionError)
        assert message in error.message
        assert remedy in error.remedy


def test_in_the_background_a_message_names_the_command_instead(cells):
    cells(f"%%gemini --background --next-cell -o r\n{SEVERAL}")
    assert "After it has ended, `%gemini code` puts its code into a cell." in cells.shown
    cells.names["r"].wait(60)
    assert next_cell(cells) is None


@pytest.mark.kernel
def test_a_non_interactive_kernel_shows_one_bundle_without_widgets_and_a_message_about_the_code():
    cell_source = f"%%gemini --backend echo -o r {{}}\nSo:\n\n{FENCE}python\nx = 1\n{FENCE}\n"
    lines = ["--next-cell", "-f code", "-f text", "-f json", "-f raw --display html", "-q --next-cell"]
    done = run_notebook(["%load_ext gemini_magic", *map(cell_source.format, lines), "%gemini code"])
    for cell, line in zip(done.cells[1:6], lines, strict=False):
        bundles = [output["data"] for output in cell.outputs]
        shown, *messages = bundles
        assert "application/vnd.gemini-stream+json" in shown, line
        assert not any("widget" in kind for bundle in bundles for kind in bundle)
        texts = [bundle["text/plain"] for bundle in messages]
        wanted = "This kernel is non-interactive, so no cell was created. The code is in `r.code_blocks`."
        assert texts == ([wanted] if line in ("--next-cell", "-f code") else []), line
    assert done.cells[6].outputs == []
    assert "This kernel is non-interactive" in str(done.cells[7].outputs)
    assert done.metadata.get("widgets") is None
