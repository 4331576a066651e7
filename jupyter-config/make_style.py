"""Writes the style sheet of answers for the labextension: the one that the kernel puts into saved answers.

Run it after a change of that style; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from gemini_magic.views.page import CSS

TARGET = Path(__file__).resolve().parents[1] / "gemini_magic" / "labextension" / "answer.css"
SHEET = "/* How an answer looks, as the kernel says it: written by jupyter-config/make_style.py. */\n" + CSS

if __name__ == "__main__":
    TARGET.write_text(SHEET, "utf-8")
