"""Reads the style sheets of answers: ``answer.css`` for all answers, ``live.css`` for those that are live."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["ANSWER_CSS", "LIVE_CSS", "minify"]

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND: Final = re.compile(r"\s*([{};,>+])\s*")
_COLON: Final = re.compile(r"(?<=[\w-]):\s+")  # of a declaration; a selector has no space after a colon


def minify(css: str) -> str:
    """Remove comments and optional spaces from a style sheet, as every saved answer contains it.

    Each rule is one line. The sheets have no string, and no ``calc()`` sum, that contains one of ``{};,>+``.
    """
    css = _AROUND.sub(r"\1", re.sub(r"\s+", " ", _COMMENT.sub("", css)))
    return _COLON.sub(":", css).replace(";}", "}").replace("}", "}\n").strip() + "\n"


def _read(name: str) -> str:
    return minify(Path(__file__).with_name(name).read_text("utf-8"))


ANSWER_CSS: Final = _read("answer.css")
LIVE_CSS: Final = _read("live.css")
