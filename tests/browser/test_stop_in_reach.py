"""The Stop button stays in reach while an answer grows, and an answer that starts below the page is followed."""

from __future__ import annotations

import pytest

ANSWER = "".join(f"Paragraph {number} with some words in it.\n\n" for number in range(80))
CELL = f"%%gemini --display live -o r\n@wait 0.03\n{ANSWER}"
SETUP = "%load_ext gemini_magic\n%config GeminiMagics.backend = 'echo'"
PLACES = """() => {
    const [stop, root] = [".gm-stop", ".gm-live"].map(name => document.querySelector(name).getBoundingClientRect());
    const outer = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
    return {stop: [stop.top, stop.bottom], root: [root.top, root.bottom], page: [outer.top, outer.bottom]};
}"""


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_last_cell_is_followed_and_its_stop_button_stays_at_the_upper_edge(
    lab, notebook, screenshots, app
):
    page = notebook.page
    page.set_viewport_size({"width": 1000, "height": 600})
    # The prompt is higher than the page, so the answer begins below it.
    notebook.open(lab.write(f"stop-{app}.ipynb", [SETUP, CELL]), app=app)
    notebook.run(0)
    page.locator(".jp-Cell").nth(1).locator(".cm-content").click(position={"x": 40, "y": 10})
    page.keyboard.press("Control+Enter")
    notebook.wait_output(1, "Paragraph 40")
    # The growing end is in view, and the button is at the upper edge. Each line is followed in the next frame only.
    page.wait_for_function(f"""() => {{
        const {{stop, root, page: [upper, lower]}} = ({PLACES})();
        return root[0] < upper && upper < root[1] && root[1] <= lower + 60
            && upper - 1 <= stop[0] && stop[0] < stop[1] && stop[1] <= upper + 60;
    }}""")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        notebook.screenshot(screenshots / f"stop-{app}-{theme.split()[-1].lower()}.png")
    page.locator(".gm-stop").click()
    notebook.wait_output(1, "■")
    page.wait_for_selector(".gm-live", state="detached")
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert "stopped" in "".join(output["data"]["text/html"])
    assert "Paragraph 40" in "".join(output["data"]["text/plain"])
