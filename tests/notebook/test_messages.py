"""Words below a cell: a paragraph of HTML for a browser, the same words for a terminal."""

from __future__ import annotations

import pytest
from fake_server import cut, finish, text
from IPython.utils.capture import capture_output
from surroundings import CANARY

from gemini_magic.notebook.messages import tell


def shown(action):
    with capture_output() as caught:
        action()
    return [output.data for output in caught.outputs]


def test_names_are_code_and_nothing_else_is_markup(shell):
    (data,) = shown(lambda: tell("`r` gets <b> & the rest.", "`%gemini last 2` too."))
    assert data["text/plain"] == "`r` gets <b> & the rest. `%gemini last 2` too."
    assert data["text/html"] == (
        "<div><code>r</code> gets &lt;b&gt; &amp; the rest. <code>%gemini last 2</code> too.</div>"
    )


@pytest.mark.parametrize("name", ["`</code><script>", "`", "``"])
def test_names_cannot_break_out(shell, name):
    (data,) = shown(lambda: tell(f"It is answered from {name}; `so`."))
    assert "<script>" not in data["text/html"]


def test_the_words_of_resume_are_a_paragraph(shell, cells, fake_server, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", CANARY)
    asking = f"-q --backend gemini -m m --base-url {fake_server.base_url} --key-env FAKE_KEY --retries 0"
    fake_server.script(text("One, "), cut())
    fake_server.script(text("two."), finish())
    cells(f"%%gemini -o r {asking}\ncount")
    first, *_ = shown(lambda: shell.run_cell("%gemini resume"))
    assert "<code>r</code> keeps what came" in first["text/html"]
    assert "`r` keeps what came" in first["text/plain"]
