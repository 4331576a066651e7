"""What a user of JupyterLab sees of an answer's tables, of two answers side by side, and of an answer shown again."""

LOAD = "%load_ext gemini_magic"


def test_tables_differences_and_replays_are_seen(lab, notebook, screenshots):
    notebook.open(
        lab.write(
            "looking.ipynb",
            [
                LOAD,
                "%%gemini -m slow -q -o first\nTalk slowly.",
                "%%gemini -m quick -q -o second\nBe quick.",
                "first.chunks",
                "%gemini diff first second",
                "first.replay(speed=2)",
                "second.notes",
            ],
        )
    )
    for cell in (0, 1, 2, 3, 4):
        assert notebook.run(cell) is True
    table = notebook.output_html(3)
    assert table.count("<tr>") == 12
    assert "⋮" in table
    difference = notebook.output(4)
    assert difference.locator("del").count() > 0
    assert difference.locator("ins").count() > 0
    assert "contents[0].parts[0].text" in notebook.output_text(4)

    notebook.run(5, wait=False)
    early = notebook.wait_output(5, "word3", timeout=10)
    assert "word40" not in early
    notebook.wait_done(5)
    assert "complete" in notebook.wait_output(5, "complete.*word40")
    assert notebook.buttons(5) == []
    assert notebook.run(6) is True

    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        for cell, name in ((3, "chunks"), (4, "diff"), (5, "replay"), (6, "notes")):
            path = notebook.screenshot(screenshots / f"looking-{name}-{theme[-5:].strip().lower()}.png", cell)
            assert path.stat().st_size > 1000
    notebook.save()
    bundles = [output["data"] for output in notebook.saved_outputs(5) if "data" in output]
    assert len(bundles) == 1
    assert "application/vnd.jupyter.widget-view+json" not in bundles[0]
