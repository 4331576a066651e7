"""In a JupyterLab without the widget manager, the answer can be read during and after the stream."""

from __future__ import annotations

import pytest
from fake_server import finish, gate, text
from lab import Lab, Notebook
from playwright.sync_api import expect
from surroundings import CANARY

WIDGETS = ("@jupyter-widgets/jupyterlab-manager",)
CELL = "%%gemini -m m {}\nGo."


@pytest.fixture
def plain(tmp_path, _server, _context):
    """A notebook in a JupyterLab without widgets, and the server of its requests."""
    _server.forget_all()
    config = f"c.GeminiMagics.base_url = {_server.base_url!r}\nc.GeminiMagics.key_env = 'FAKE_SERVER_KEY'"
    environment = {"FAKE_SERVER_KEY": CANARY}
    home = tmp_path / "lab"
    with Lab(home, environment=environment, kernel_config=config, disabled_extensions=WIDGETS) as lab:
        page = _context.new_page()
        yield Notebook(lab, page), _server
        page.close()
        lab.shut_down_kernels()


def test_the_answer_can_be_read_at_the_end_and_with_html_also_while_it_streams(plain, screenshots):
    notebook, server = plain
    for _ in range(2):
        server.script(text("**One** "), gate("on"), text("and `two`."), gate("off"), finish())
    cells = ["%load_ext gemini_magic", CELL.format(""), CELL.format("--display html")]
    notebook.open(notebook.lab.write("plain.ipynb", cells))
    notebook.run(0)
    notebook.run(1, wait=False)
    early = notebook.wait_output(1, "appears here when it is finished. Use --display html to see it")
    assert "HTML(" not in early
    assert "VBox" not in early
    notebook.screenshot(screenshots / "no-widgets.png")
    server.open("on")
    server.open("off")
    notebook.wait_done(1)
    notebook.wait_output(1, "answer complete.*One and two")
    expect(notebook.output(1).locator(".gm-answer strong")).to_have_text("One")
    assert "appears here" not in notebook.output_text(1)
    server.close_gates()

    notebook.run(2, wait=False)
    notebook.wait_output(2, "streaming.*One")
    assert "two" not in notebook.output_text(2)
    expect(notebook.output(2).locator(".gm-answer strong")).to_have_count(1)
    server.open("on")
    notebook.wait_output(2, "streaming.*One and two")
    assert notebook.cell_status(2) == "[*]"
    server.open("off")
    notebook.wait_done(2)
    notebook.wait_output(2, "answer complete.*One and two")
    notebook.save()
    for cell in (1, 2):
        # Other outputs are messages, such as the one that introduces the journal.
        [output] = [
            saved for saved in notebook.saved_outputs(cell) if "text/markdown" in saved.get("data", {})
        ]
        assert "application/vnd.jupyter.widget-view+json" not in output["data"]
    assert len(notebook.log.of_kind("update_display_data")) <= 12
