"""Messages below a cell: a paragraph of HTML for a browser, the same text for a terminal; and tables of text."""

from __future__ import annotations

import pytest
from fake_server import cut, finish, text
from IPython.utils.capture import capture_output
from surroundings import CANARY

from gemini_magic.notebook.messages import format_table, print_lines, show_message


def shown(action):
    with capture_output() as caught:
        action()
    return [output.data for output in caught.outputs]


def test_only_names_in_backticks_are_marked_up(shell):
    (data,) = shown(lambda: show_message("`r` gets <b> & the rest.", "`%gemini last 2` too."))
    assert data["text/plain"] == "`r` gets <b> & the rest. `%gemini last 2` too."
    assert data["text/html"] == (
        '<div class="mathjax_ignore tex2jax_ignore"><code>r</code> gets &lt;b&gt; &amp; the rest. '
        "<code>%gemini last 2</code> too.</div>"
    )


@pytest.mark.parametrize("name", ["`</code><script>", "`", "``"])
def test_a_name_cannot_contain_markup(shell, name):
    (data,) = shown(lambda: show_message(f"It is answered from {name}; `so`."))
    assert "<script>" not in data["text/html"]


def test_the_messages_of_resume_are_one_paragraph(shell, cells, fake_server, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", CANARY)
    asking = f"-q --backend gemini -m m --base-url {fake_server.base_url} --key-env FAKE_KEY --retries 0"
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini -o r {asking}\ncount")
    first, *_ = shown(lambda: shell.run_cell("%gemini resume"))
    assert "<code>r</code> keeps the first part" in first["text/html"]
    assert "`r` keeps the first part" in first["text/plain"]


def test_lines_and_tables_are_plain_text(capsys):
    print_lines(*format_table([("name", "count", ""), ("a longer name", "1", "x")]), "", "end")
    assert capsys.readouterr().out == "name           count\na longer name  1      x\n\nend\n"
