"""`%gemini code`, `--next-cell` and `-f code`: which blocks make a cell, what it holds, and what is said of the rest."""

from __future__ import annotations

import pytest
from kernel import run_notebook

from gemini_magic.errors import OptionError
from gemini_magic.notebook import kernel

FENCE = "```"
SEVERAL = f"{FENCE}python\na = 1\n{FENCE}\n\n{FENCE}bash\nls\n{FENCE}\n\n{FENCE}py\n\nb = 2\n{FENCE}\n\n{FENCE}\n1\n{FENCE}\n"


@pytest.fixture
def cells(cells, monkeypatch):
    """Cells whose next input somebody would take."""
    monkeypatch.setattr(kernel, "allows_input", lambda _: True)
    cells.shell.rl_next_input = None
    return cells


def taken(cells):
    text, cells.shell.rl_next_input = cells.shell.rl_next_input, None
    return text


@pytest.mark.parametrize("line", ["--next-cell", "-f code", "-q --next-cell"])
def test_the_code_of_a_complete_answer_is_offered(cells, line):
    assert cells(f"%%gemini {line}\nSo:\n\n{FENCE}python\nprint('ä')\n\nx = 1\n{FENCE}\n").success
    assert taken(cells) == "print('ä')\n\nx = 1"
    assert "cell" not in cells.shown


def test_without_being_asked_nothing_is_offered(cells):
    cells(f"%%gemini\n{SEVERAL}")
    cells(f"%%gemini --no-next-cell\n{SEVERAL}")
    assert taken(cells) is None


def test_blocks_in_python_make_one_cell_and_the_others_are_named(cells):
    cells(f"%%gemini --next-cell -o r\n{SEVERAL}")
    assert taken(cells) == "a = 1\n\nb = 2"
    assert "The new cell has blocks 1, 3 of 4; `%gemini code N` takes another." in cells.shown
    cells("%gemini code")
    assert taken(cells) == "a = 1\n\nb = 2"
    assert "  2 bash (1 line)\n" in cells.shown
    cells("%%gemini -q\nNo code.")
    for line, wanted in [
        ("code r", "a = 1\n\nb = 2"),
        ("code r 2", "%%bash\nls"),
        ("code 4 r", "1"),
        ("code", None),
    ]:
        cells(f"%gemini {line}")
        assert taken(cells) == wanted
    assert cells.shown == "The answer holds no code block.\n"


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


def test_another_language_gets_its_magic_or_is_a_comment(cells):
    blocks = "\n\n".join(f"{FENCE}{language}\nx\n  y\n{FENCE}" for language in LANGUAGES)
    cells(f"%%gemini -q\n@chunk 1000\n{blocks}")
    for number, (language, wanted) in enumerate(LANGUAGES.items(), 1):
        cells(f"%gemini code {number}")
        assert taken(cells) == wanted, language


def test_a_magic_that_somebody_has_loaded_counts(cells):
    cells.shell.register_magic_function(lambda line, cell: None, "cell", "sql")
    cells(f"%%gemini -q --next-cell\n{FENCE}sql\nselect 1\n{FENCE}")
    assert taken(cells) == "%%sql\nselect 1"


@pytest.mark.parametrize(
    "answer",
    [
        f"{FENCE}bash\nls\n{FENCE}\n\n{FENCE}sql\nselect 1\n{FENCE}",
        f"{FENCE}\nls\n{FENCE}\n\n{FENCE}sql\nselect 1\n{FENCE}",
        f"{FENCE}python\nx\n{FENCE}\n\n{FENCE}python\n%%time\ny\n{FENCE}",
    ],
)
def test_what_does_not_make_one_cell_is_asked_about(cells, answer):
    cells(f"%%gemini --next-cell\n{answer}")
    assert taken(cells) is None
    assert (
        "The answer holds 2 code blocks that do not make one cell. Write `%gemini code N`: 1 " in cells.shown
    )
    cells("%gemini code")
    assert taken(cells) is None
    assert "Write `%gemini code N`, for one of these:\n  1 " in cells.shown
    cells("%gemini code 2")
    assert taken(cells)


@pytest.mark.parametrize(
    ("ending", "good"), [("@finish MAX_TOKENS", True), ("@error 503 busy", False), ("@finish NONE", False)]
)
def test_an_incomplete_answer_makes_no_cell_and_says_so(cells, ending, good):
    cell = f"%%gemini --next-cell\n{ending}\n{FENCE}python\nhalf(\n"
    assert cells(cell).success is good
    assert taken(cells) is None
    assert "No cell was made: the answer is incomplete. `%gemini code` puts" in cells.shown
    cells("%gemini code")
    assert taken(cells) == "half("
    cells(cell.replace("%%gemini", "%%gemini -q").replace(FENCE, ""))
    assert "No cell" not in cells.shown


def test_no_code_is_a_line_and_no_error(cells):
    assert cells("%%gemini --next-cell\nJust words").success
    assert "No cell was made: the answer holds no code block." in cells.shown
    assert cells("%%gemini -f code\nJust words").success
    assert cells.shown.count("holds no code block") == 1
    assert taken(cells) is None


def test_nothing_hides_in_a_cell(cells):
    cells(f"%%gemini -q --next-cell\n{FENCE}python\nx = 'a\u202eb' \U000e0041\x1b[2J\x9b\n{FENCE}")
    assert taken(cells) == "x = 'a⟨U+202E⟩b' ⟨U+E0041⟩[2J"


def test_a_wrong_number_or_name_is_refused(cells):
    cells(f"%%gemini -q -o r\n{SEVERAL}")
    for line, message, remedy in [
        ("code 5", "There is no code block 5.", "The answer has 4: 1 python (1 line), 2 bash (1 line)"),
        ("code 0", "There is no code block 0.", "The answer has 4"),
        ("code nobody", "There is no 'nobody'.", "r"),
        ("code 1 2", "takes one number and one name", "`%gemini code NAME 2`"),
        ("code r 2 3", "takes two words after it", "Write `%gemini code [N|NAME]`."),
    ]:
        error = cells.error(f"%gemini {line}")
        assert isinstance(error, OptionError)
        assert message in error.message
        assert remedy in error.remedy


def test_in_the_background_the_word_is_named_instead(cells):
    cells(f"%%gemini --background --next-cell -o r\n{SEVERAL}")
    assert "`%gemini code` puts its code into a cell when it has ended." in cells.shown
    cells.names["r"].wait(5)
    assert taken(cells) is None


@pytest.mark.kernel
def test_where_nobody_watches_there_is_one_bundle_no_widget_and_a_word_about_the_code():
    asked = f"%%gemini --backend echo -o r {{}}\nSo:\n\n{FENCE}python\nx = 1\n{FENCE}\n"
    lines = ["--next-cell", "-f code", "-f text", "-f json", "-f raw --display html", "-q --next-cell"]
    done = run_notebook(["%load_ext gemini_magic", *map(asked.format, lines), "%gemini code"])
    for cell, line in zip(done.cells[1:6], lines, strict=False):
        bundles = [output["data"] for output in cell.outputs]
        shown, *said = bundles
        assert "application/vnd.gemini-stream+json" in shown, line
        assert not any("widget" in kind for bundle in bundles for kind in bundle)
        words = [bundle["text/plain"] for bundle in said]
        wanted = "Nobody is there to take a new cell; `r.code_blocks` holds the code."
        assert words == ([wanted] if line in ("--next-cell", "-f code") else []), line
    assert done.cells[6].outputs == []
    assert "Nobody is there" in str(done.cells[7].outputs)
    assert done.metadata.get("widgets") is None
