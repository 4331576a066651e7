"""Reads the style sheets of answers: ``answer.css`` for all answers, ``live.css`` for those that are live.

A saved answer contains only the rules that it uses, because every answer of a notebook repeats them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["ANSWER_CSS", "LIVE_CSS", "answer_css_for", "minify"]

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND: Final = re.compile(r"\s*([{};,>+])\s*")
_COLON: Final = re.compile(r"(?<=[\w-]):\s+")  # of a declaration; a selector has no space after a colon

_CLASS: Final = re.compile(r'class="([^"]*)"')
_TAG: Final = re.compile(r"<([a-z][a-z0-9]*)")
_GROUP: Final = re.compile(r":(?:is|has)\(([^()]*)\)")
# Not names of elements or classes: negations, pseudo-classes, pseudo-elements and attributes.
_IGNORED: Final = re.compile(r":not\((?:[^()]|\([^()]*\))*\)|::?[a-z-]+|\[[^]]*\]")
_NAME: Final = re.compile(r"\.?[a-zA-Z][\w-]*|\*")
_ALWAYS: Final = {"*", ".gemini-magic", "mjx-container"}  # the page adds the last one


def minify(css: str) -> str:
    """Remove comments and optional spaces from a style sheet, as every saved answer contains it.

    Each rule is one line. The sheets have no string, and no ``calc()`` sum, that contains one of ``{};,>+``.
    """
    css = _AROUND.sub(r"\1", re.sub(r"\s+", " ", _COMMENT.sub("", css)))
    return _COLON.sub(":", css).replace(";}", "}").replace("}", "}\n").strip() + "\n"


def _read(name: str) -> str:
    return minify(Path(__file__).with_name(name).read_text("utf-8"))


def _needed(selector: str) -> list[frozenset[str]]:
    """What HTML must contain for a selector to match: one name of each set, a class with its dot or an element."""
    groups: list[frozenset[str]] = []
    rest = re.sub(r":not\((?:[^()]|\([^()]*\))*\)", "", selector)
    for group in _GROUP.findall(rest):
        alternatives = [_NAME.findall(_IGNORED.sub("", each)) for each in group.split(",")]
        if all(alternatives):  # not only pseudo-classes, which match any element
            groups.append(frozenset(names[-1] for names in alternatives))
    groups += [frozenset([name]) for name in _NAME.findall(_IGNORED.sub("", _GROUP.sub("", rest)))]
    return [group for group in groups if not group & _ALWAYS]


@cache
def _rules() -> list[tuple[str, list[frozenset[str]] | None]]:
    """The lines of the style sheet, each with what its rule needs; None for the line that ends a nested block."""
    lines = []
    for line in ANSWER_CSS.splitlines():
        prelude = line.rpartition("{")[0]
        lines.append((line, _needed(prelude.rpartition("{")[2]) if prelude else None))
    return lines


def answer_css_for(html: str) -> str:
    """The rules of the style sheet of answers that the HTML of an answer uses.

    A rule is omitted if the HTML has no element or class with a name that its selector needs.
    """
    names = {f".{name}" for classes in set(_CLASS.findall(html)) for name in classes.split()}
    names |= set(_TAG.findall(html))
    kept = []
    for line, needed in _rules():
        if needed is None or all(group & names for group in needed):
            kept.append(line)
        elif line.startswith("@"):  # the nested block must begin although its first rule is omitted
            kept.append(line[: line.index("{") + 1])
    return re.sub(r"@[^{}]*\{\s*\}\n", "", "\n".join(kept) + "\n")


ANSWER_CSS: Final = _read("answer.css")
LIVE_CSS: Final = _read("live.css")
