"""The code of docs/inspecting.md, run block by block in a real shell."""

import re

from surroundings import CHECKOUT


def test_the_code_on_the_page_runs(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (CHECKOUT / "docs" / "inspecting.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 8
    for block in blocks:
        result = cells(block)
        assert result.success, f"{block}\n{result.error_in_exec or result.error_before_exec}"
