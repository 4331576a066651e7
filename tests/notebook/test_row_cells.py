"""Cells with --rows in a shell without a kernel: what is refused, what is shown, and what the variable is."""

from __future__ import annotations

import re

import pytest

TICKETS = [{"id": f"T-{n}", "text": f"text {n}"} for n in range(30)]


@pytest.fixture
def tickets(cells):
    cells.names["tickets"] = [dict(row) for row in TICKETS]
    return cells


def test_a_cell_asks_once_for_each_row_and_assigns_the_run(tickets):
    result = tickets("%%gemini --rows tickets --id id -o run\nClassify: {{ row.text }}")
    assert result.success
    run = tickets.names["run"]
    assert result.result is run
    assert run.progress.counts == {"complete": 30}
    assert [row.text for batch in run.results() for row in batch][7] == "Classify: text 7"
    assert "T-0   Classify: text 0" in tickets.shown
    assert "The first 20 of 30 rows." in tickets.shown
    assert "`run.df` has one line for each row" in tickets.shown
    assert re.search(r"\[✓ 30 rows done · ", tickets.shown)
    assert tickets.shown.count("✓ 30 rows done") == 1  # not a second time as the value of the cell
    tickets("run")
    assert "✓ 30 rows done" in tickets.shown


def test_without_a_name_the_run_is_the_value_of_the_cell(tickets):
    result = tickets("%%gemini --rows tickets --id id\n{{ row.text }}")
    assert result.result is tickets.names["_"] is tickets.names["_gemini"]
    assert "`_gemini.df` has one line for each row" in tickets.shown


def test_quiet_shows_nothing(tickets):
    assert tickets("%%gemini --rows tickets --id id -q -o run\n{{ row.text }}").success
    assert tickets.shown == ""
    assert tickets.names["run"].done


def test_a_list_of_prompts_and_other_variables(tickets):
    tickets.names["kind"] = "ticket"
    tickets(
        "%%gemini --rows \"[row['text'] for row in tickets]\" -q -o run\nClassify the {{ kind }}: {{ row }}"
    )
    texts = [row.text for batch in tickets.names["run"].results() for row in batch]
    assert texts[:2] == ["Classify the ticket: text 0", "Classify the ticket: text 1"]


def test_an_expression_in_braces_and_a_file(tickets, tmp_path, monkeypatch):
    tickets("%%gemini --rows {{ tickets[:2] }} --id id -q -o run\n{{ row.text }}")
    assert tickets.names["run"].progress.counts == {"complete": 2}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("key,text\n1,one\n2,\n")
    tickets("%%gemini --rows a.csv --id key -q -o run\n{{ row.text }}")
    assert tickets.names["run"].progress.unasked == {"skipped": 1}


def test_the_same_cell_with_a_store_asks_nothing_again(tickets, tmp_path):
    cell = f"%%gemini --rows tickets --id id --store {tmp_path}/t.rows.sqlite -o run\n{{{{ row.text }}}}"
    tickets(cell)
    tickets(cell)
    assert "30 answered before" in tickets.shown
    assert tickets.names["run"].progress.requests == 0
    changed = tickets.error(cell.replace("{{", "Please: {{"))
    assert "--stale again" in changed.remedy
    assert "stale=" not in changed.remedy


def test_a_dry_run_sends_nothing_and_says_what_would_be_asked(tickets, tmp_path):
    store = f"--store {tmp_path}/t.rows.sqlite"
    tickets(f"%%gemini --rows tickets --id id {store} --limit 10 -q\n{{{{ row.text }}}}")
    tickets.names["tickets"][20]["text"] = None
    result = tickets(f"%%gemini --rows tickets --id id {store} --dry-run -o plan\n{{{{ row.text }}}}")
    plan = tickets.names["plan"]
    assert result.result is plan
    assert (plan.rows, plan.asked, plan.unasked) == (30, 19, {"done": 10, "skipped": 1})
    assert plan.prompts[0] == ("T-10", "text 10")
    assert "19 of 30 rows would be asked · 10 answered before · 1 skipped" in tickets.shown
    assert "T-12:\ntext 12" in tickets.shown


@pytest.mark.parametrize(
    ("cell", "message", "remedy"),
    [
        ("--rows ticket --id id\n{{ row.text }}", "name 'ticket' is not defined", "Did you mean `tickets`?"),
        ("--rows 'tickets[' --id id\n{{ row.text }}", "is neither an expression nor", "--rows df"),
        ("--rows tickets\n{{ row.text }}", "id= is missing", "--id position"),
        ("--rows tickets --id key\n{{ row.text }}", "key", ""),
        ("--rows tickets --id id\n{{ row.txt }}", "There is no column 'txt'", ""),
        ("--rows tickets --id id\nClassify", "uses no column", "{{ row."),
        ("--rows none.csv --id id\n{{ row.text }}", "none.csv does not exist", ""),
        ("--rows tickets --id id --max-cost 5 -m unknown-1\n{{ row.text }}", "no price is known", "--price"),
        ("--rows tickets --id id\n", "The cell has no prompt", ""),
        ("--rows tickets --id id -c\n{{ row.text }}", "--rows and --continue exclude each other", ""),
        ("--rows 1/0 --id id\n{{ row.text }}", "ZeroDivisionError", ""),
        ("--rows 42 --id id\n{{ row.text }}", "int", ""),
        ("--rows tickets --id id --cluster tickets\n{{ row.text }}", "cluster", ""),
        ("--rows tickets --id id --display live\n{{ row.text }}", "needs a notebook", ""),
    ],
)
def test_a_mistake_is_one_line_and_sends_nothing(tickets, cell, message, remedy):
    error = tickets.error(f"%%gemini {cell}")
    assert message in error.message
    assert remedy in error.remedy
    assert "\n" not in error.message
    assert type(error).__name__ in ("OptionError", "PromptError", "DisplayError")


def test_configured_options_of_other_cells_do_not_disturb_rows(tickets):
    tickets("%config GeminiMagics.repair = 2")
    tickets("%config GeminiMagics.next_cell = True")
    assert tickets("%%gemini --rows tickets --id id -q -o run\n{{ row.text }}").success
    assert tickets.names["run"].progress.counts == {"complete": 30}


def test_repeat_asks_each_row_several_times(tickets):
    tickets("%%gemini --rows tickets --id id --limit 2 --repeat 3 -q -o run\n{{ row.text }}")
    assert tickets.names["run"].progress.counts == {"complete": 6}


def test_a_run_from_python_is_shown_once(tickets):
    ask = "gm.rows('{{ row.text }}', tickets, id='id', backend='echo')"
    tickets(f"import gemini_magic as gm\n{ask}")
    assert tickets.shown.count("✓ 30 rows done") == 1
    tickets(f"run = {ask}")
    assert tickets.shown.count("✓ 30 rows done") == 1
    tickets("run")
    assert tickets.shown.count("✓ 30 rows done") == 1
    tickets(f"{ask[:-1]}, show=False)")
    assert tickets.shown.count("✓ 30 rows done") == 1


def test_remedies_name_the_options_of_the_cell_also_for_errors_of_the_first_rows(tickets):
    result = tickets("%%gemini --rows tickets --id id\n{{ row.text[:4] }}")
    assert "first 20 rows are equal" in result.error_in_exec.message
    assert result.error_in_exec.remedy.endswith("use `--repeat N`.")
