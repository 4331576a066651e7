"""The journal in JupyterLab: an answer whose tab was closed is displayed by another kernel; completion of commands."""

import time

from lab import Notebook

LOAD = "%load_ext gemini_magic"


def test_an_answer_of_a_closed_tab_and_a_stopped_kernel_is_displayed_from_the_journal(
    lab, notebook, _context, screenshots
):
    name = lab.write("closed.ipynb", [LOAD, "%%gemini -m slow\nTalk slowly to nobody."])
    notebook.open(name)
    assert notebook.run(0) is True
    notebook.run(1, wait=False)
    notebook.wait_output(1, r"word10")  # the journal is written three times per second
    notebook.page.close(run_before_unload=False)
    lab.shut_down_kernels()
    commands = [
        "%gemini journal list",
        "%gemini journal search 'slowly to nobody'",
        "%gemini show",
        "%gemini ",
    ]
    later = Notebook(lab, _context.new_page())
    try:
        later.open(lab.write("later.ipynb", [LOAD, *commands]))
        for cell in (0, 1, 2, 3):
            assert later.run(cell) is True
        for table in (1, 2):
            later.wait_output(
                table, r"interrupted.*Talk slowly to nobody\.|Talk slowly to nobody\..*interrupted"
            )
        shown = later.wait_output(3, "from the journal")
        assert "word3" in shown
        assert "word40" not in shown
        assert "Ask again for a whole answer" in shown
        later.page.locator(".jp-Cell").nth(4).locator(".cm-content").click()
        later.page.keyboard.press("End")
        began = time.monotonic()
        later.page.keyboard.press("Tab")
        later.page.locator(".jp-Completer-match", has_text="journal").wait_for()
        print(f"completions appeared after {time.monotonic() - began:.2f} s")
        later.screenshot(screenshots / "journal.png")
        later.page.wait_for_function("() => document.querySelectorAll('.jp-Completer-item').length > 10")
    finally:
        later.page.close()
