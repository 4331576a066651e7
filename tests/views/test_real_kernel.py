"""The live view in a real kernel: the messages to the page and the saved notebook."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from surroundings import CHECKOUT
from view_stage import STATIC_TYPES, WIDGET

pytestmark = pytest.mark.kernel

SETUP = f"""
import asyncio, sys
sys.path[:0] = [{str(CHECKOUT)!r}, {str(CHECKOUT / "tests" / "support")!r}]
from view_stage import ANSWER, feed, new_ledger
from gemini_magic.views import select_view
"""
CELL = """
ledger = new_ledger()
view = select_view(ledger, display={display!r}, shell=get_ipython(), allow_stdin={stdin}, stop=lambda: None)
view.open()
for start in range(0, len(ANSWER), 20):
    feed(ledger, ANSWER[start : start + 20], t=start / 100)
    await asyncio.sleep(0.01)
    view.update()
feed(ledger, finish="STOP")
ledger.close("end", t=2.0)
view.close()
"""


def run(*sources):
    """Execute cells; returns the saved notebook and the messages each cell sent."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    sent = {index: [] for index in range(len(sources))}

    class Client(NotebookClient):
        def process_message(self, msg, cell, cell_index):
            sent[cell_index].append(msg)
            return super().process_message(msg, cell, cell_index)

    Client(notebook, timeout=60, kernel_name="python3").execute()
    return notebook, sent


@pytest.fixture(scope="module")
def ran():
    return run(
        SETUP,
        CELL.format(display="live", stdin=True),
        CELL.format(display="auto", stdin=False),
        CELL.format(display="html", stdin=True),
        CELL.format(display="text", stdin=True),
    )


@pytest.mark.parametrize("cell", [1, 2, 3])
def test_the_saved_notebook_has_the_static_bundle_only(ran, cell):
    notebook, _ = ran
    [output] = notebook.cells[cell].outputs
    assert output.output_type == "display_data"
    assert set(output.data) == STATIC_TYPES
    assert "answer complete, 19 words" in output.data["text/plain"]
    assert '<h1 dir="auto">Title</h1>' in output.data["text/html"]


def test_the_live_view_is_a_widget_and_then_an_update_of_the_same_display(ran):
    _, sent = ran
    shown = [m for m in sent[1] if m["msg_type"] in ("display_data", "update_display_data")]
    assert [m["msg_type"] for m in shown] == ["display_data", "update_display_data"]
    assert WIDGET in shown[0]["content"]["data"]
    assert shown[0]["content"]["transient"] == shown[1]["content"]["transient"]
    assert sum(m["msg_type"] == "comm_msg" for m in sent[1]) >= 2


def test_without_stdin_no_widget_is_created(ran):
    _, sent = ran
    kinds = [m["msg_type"] for m in sent[2]]
    assert kinds.count("display_data") == 1
    assert not any(kind.startswith("comm") or kind == "update_display_data" for kind in kinds)


def test_the_text_display_is_a_stream_output(ran):
    notebook, _ = ran
    outputs = notebook.cells[4].outputs
    assert {output.output_type for output in outputs} == {"stream"}
    assert "The end.\n[✓" in "".join(output.text for output in outputs)
