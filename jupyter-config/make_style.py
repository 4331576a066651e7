"""Writes the labextension's copy of the style sheet of answers, ``gemini_magic/views/answer.css``.

Run this script after a change of that file. A test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from gemini_magic.views.stylesheet import ANSWER_CSS

LABEXTENSION = Path(__file__).resolve().parents[1] / "gemini_magic" / "labextension"
[TARGET] = LABEXTENSION.rglob("answer.css")
SHEET = (
    "/* A copy of gemini_magic/views/answer.css, written by jupyter-config/make_style.py. */\n" + ANSWER_CSS
)

if __name__ == "__main__":
    TARGET.write_text(SHEET, "utf-8")
