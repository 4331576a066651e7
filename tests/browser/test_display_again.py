"""What a user of JupyterLab sees when an answer is replayed."""

import re

from playwright.sync_api import expect


def test_a_replayed_answer_is_displayed_as_it_streams(lab, notebook, screenshots):
    sources = ["%load_ext gemini_magic", "%%gemini -m slow -q -o r\nTalk slowly.", "r.replay(speed=2)"]
    notebook.open(lab.write("again.ipynb", sources))
    assert notebook.run(0) is True
    assert notebook.run(1) is True
    notebook.run(2, wait=False)
    early = notebook.wait_output(2, "word3")
    assert "word40" not in early
    notebook.wait_done(2)
    notebook.wait_output(2, "complete.*word40")
    expect(notebook.output(2).locator("button:visible", has_text=re.compile(r"\S"))).to_have_count(0)
    notebook.screenshot(screenshots / "again.png", 2)
    notebook.save()
    bundles = [output["data"] for output in notebook.saved_outputs(2) if "data" in output]
    assert len(bundles) == 1
    assert "application/vnd.jupyter.widget-view+json" not in bundles[0]
