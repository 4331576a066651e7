"""Reads the style sheets of answers.

``answer.css`` is for all answers, in widgets and in the labextension; ``live.css`` is for widgets. ``saved.css`` is a few
rules for saved answers where the labextension is missing. A saved answer contains only those that it uses, because every
answer of a notebook repeats them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["ANSWER_CSS", "LIVE_CSS", "SAVED_CSS", "minify", "saved_css_for"]

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND: Final = re.compile(r"\s*([{};,>+])\s*")
_COLON: Final = re.compile(r"(?<=[\w-]):\s+")  # of a declaration; a selector has no space after a colon

_CLASS: Final = re.compile(r'class="([^"]*)"')
_TAG: Final = re.compile(r"<([a-z][a-z0-9]*)")
_GROUP: Final = re.compile(r":(?:is|has)\(([^()]*)\)")
# Not names of elements or classes: negations, pseudo-classes, pseudo-elements and attributes.
_IGNORED: Final = re.compile(r":not\((?:[^()]|\([^()]*\))*\)|::?[a-z-]+|\[[^]]*\]")
_NAME: Final = re.compile(r"\.?[a-zA-Z][\w-]*|\*")
_ALWAYS: Final = {"*", "html", ".gemini-magic", "mjx-container"}  # the page adds the last one


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
def _rules() -> list[tuple[str, list[frozenset[str]]]]:
    """The rules for saved answers, each a line, with what each needs."""
    return [(line, _needed(line.partition("{")[0])) for line in SAVED_CSS.splitlines()]


def saved_css_for(html: str) -> str:
    """The rules for saved answers that the HTML of an answer uses; empty for plain text.

    A rule is omitted if the HTML has no element or class with a name that its selector needs.
    """
    names = {f".{name}" for classes in set(_CLASS.findall(html)) for name in classes.split()}
    names |= set(_TAG.findall(html))
    return "".join(f"{line}\n" for line, needed in _rules() if all(group & names for group in needed))


ANSWER_CSS: Final = _read("answer.css")
LIVE_CSS: Final = _read("live.css")
SAVED_CSS: Final = _read("saved.css")
