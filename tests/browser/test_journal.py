"""In JupyterLab: an answer whose tab was closed is shown again, also by another kernel; and what Tab offers."""

import time

from lab import Notebook

LOAD = "%load_ext gemini_magic"


def test_an_answer_whose_tab_was_closed_and_whose_kernel_is_gone_is_shown_again(
    lab, notebook, _context, screenshots
):
    name = lab.write("closed.ipynb", [LOAD, "%%gemini -m slow\nTalk slowly to nobody."])
    notebook.open(name)
    assert notebook.run(0) is True
    notebook.run(1, wait=False)
    notebook.wait_output(1, r"word3", timeout=5)
    time.sleep(0.5)  # the journal is written to three times a second
    notebook.page.close(run_before_unload=False)
    lab.shut_down_kernels()
    words = ["%gemini journal list", "%gemini journal search 'slowly to nobody'", "%gemini show", "%gemini "]
    later = Notebook(lab, _context.new_page())
    try:
        later.open(lab.write("later.ipynb", [LOAD, *words]))
        for cell in (0, 1, 2, 3):
            assert later.run(cell) is True
        for table in (1, 2):
            assert "Talk slowly to nobody." in later.output_text(table)
            assert "interrupted" in later.output_text(table)
        shown = later.output_text(3)
        assert "word3" in shown
        assert "word40" not in shown
        assert "Ask again for a whole answer" in shown
        assert "from the journal" in shown
        later.page.locator(".jp-Cell").nth(4).locator(".cm-content").click()
        later.page.keyboard.press("End")
        began = time.monotonic()
        later.page.keyboard.press("Tab")
        later.page.locator(".jp-Completer-item >> text=journal").wait_for(timeout=5000)
        print(f"words were offered after {time.monotonic() - began:.2f} s")
        later.screenshot(screenshots / "journal.png")
        assert later.page.locator(".jp-Completer-item").count() > 10
    finally:
        later.page.close()
