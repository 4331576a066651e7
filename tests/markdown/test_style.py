"""The style sheet of rendered Markdown."""

from __future__ import annotations

import re

from gemini_magic.markdown import STYLE, render


def test_the_style_sheet_is_small_and_scoped_and_loads_nothing():
    assert len(STYLE) < 4000
    assert "@import" not in STYLE
    assert "url(" not in STYLE
    assert "<" not in STYLE
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", STYLE)
    assert "".join(f"{selector}{{{body}}}" for selector, body in rules).strip() == STYLE.strip()
    assert all(selector.strip().startswith(".gemini-magic") for selector, _ in rules)
    used = set(
        re.findall(
            r"gm-[a-z]+", render("- [ ] a ![b](https://c.d)\n\n|a|\n|-|\n\n```py\ndef f(): pass # x\n```")
        )
    )
    assert {"gm-task", "gm-image", "gm-table"} <= used
    assert all(f".{name}" in STYLE for name in used)
