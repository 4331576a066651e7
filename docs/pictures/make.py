"""Creates the images of the README from the built-in recordings: ``python docs/pictures/make.py``.

The script needs the packages of the extra ``test``, and Chromium.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "tests" / "support")]

from lab import Notebook, cells, open_lab  # noqa: E402 - the driver of the browser tests

CELL = """%%gemini --replay builtin:tour --thinking on --out answer
How does a streamed answer reach my notebook? Give me a short overview
with a table and a few lines of Python."""
SIZE = {"width": 1000, "height": 860}


def main() -> None:
    """Write ``answer.png``, ``inspector.png`` and ``timeline.svg`` into the folder of this file."""
    with open_lab() as (lab, context):
        notebook = Notebook(lab, context.new_page())
        notebook.page.set_viewport_size(SIZE)
        save_timeline = f"answer.timeline().save({str(HERE / 'timeline.svg')!r})"
        notebook.open(lab.write("pictures.ipynb", cells("%load_ext gemini_magic", CELL, save_timeline)))
        notebook.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        notebook.run(0)
        notebook.run(1, wait=False)
        notebook.wait_output(1, "keep-alive", timeout=30)
        notebook.page.screenshot(path=HERE / "answer.png", clip={"x": 0, "y": 28, **SIZE, "height": 832})
        notebook.wait_done(1)
        notebook.run(2)
        output = notebook.output(1)
        output.locator("summary.gmi-bar").click()
        output.locator(".gmi-tab", has_text="Timeline").click()
        output.locator(".gmi-inspector").scroll_into_view_if_needed()
        notebook.page.wait_for_timeout(500)
        output.locator(".gmi-inspector").screenshot(path=HERE / "inspector.png")


if __name__ == "__main__":
    main()
