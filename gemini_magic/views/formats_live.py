"""Makes of a growing answer what is shown of it where it is not read as Markdown (``--format``), piece by piece.

A page shows such an answer as Markdown that stands for it, so that it is drawn, cut and coloured like any other; a
terminal shows the text. It knows text, and nothing of how an answer ends.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

__all__ = ["FENCE", "TextTransform", "markdown_transform", "text_transform"]

_FENCE_LENGTH: Final = 64  # tildes of the fence around a growing text
_MARK: Final = "\u2060"  # seen by nobody; keeps a line of the answer from ending that fence
_BLANKS: Final = " \t"
_FENCE_END: Final = re.compile(rf" {{0,3}}~{{{_FENCE_LENGTH},}}[ \t]*")
_MAYBE_FENCE_END: Final = re.compile(r" {0,3}~*[ \t]*")
FENCE: Final = re.compile(
    r"(?P<before>[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)(?P<mark>`{3,}|~{3,})(?P<info>.*)"
)
_INDENT: Final = "  "
_DEEPEST: Final = 16  # levels that are indented
_GROWTH, _FREE = 4, 4096  # the most characters that indented JSON has for each of the answer, and besides
_OUTSIDE: Final = re.compile(r'\s+|["{}\[\],:]|[^\s"{}\[\],:]+')
_INSIDE: Final = re.compile(r'[^"\\]+|["\\]')


class TextTransform(Protocol):
    """Makes one growing text of another."""

    def feed(self, text: str) -> str:
        """What the next piece adds."""

    def close(self) -> str:
        """What is left when nothing follows."""


class _FenceWriter:
    """Puts a growing text into a fence that no line of it ends."""

    def __init__(self, language: str) -> None:
        self._opening = f"{'~' * _FENCE_LENGTH}{language}\n"
        self._line = ""  # the beginning of a line that may look like the fence's end
        self._fresh = True  # at the start of a line
        self._ended = True

    def feed(self, text: str) -> str:
        if not text:
            return ""
        opening, self._opening = self._opening, ""
        return "".join([opening, *map(self._piece, text.splitlines(keepends=True))])

    def _piece(self, piece: str) -> str:
        self._ended = piece.endswith(("\n", "\r"))
        if not self._fresh and not self._line:
            self._fresh = self._ended
            return piece
        line, self._line = self._line + piece, ""
        bare = line.rstrip("\r\n")
        if self._ended:
            self._fresh = True
            return f"{bare}{_MARK}{line[len(bare) :]}" if _FENCE_END.fullmatch(bare) else line
        if _MAYBE_FENCE_END.fullmatch(bare):
            self._line, self._fresh = line, True
            return ""
        self._fresh = False
        return line

    def close(self) -> str:
        if self._opening:
            return ""
        line, self._line = self._line, ""
        mark = _MARK if _FENCE_END.fullmatch(line) else ""
        return f"{line}{mark}{'' if self._ended else chr(10)}{'~' * _FENCE_LENGTH}\n"


class _FenceRemover:
    """Takes away a fence around the whole text."""

    def __init__(self) -> None:
        self._held = ""
        self._mark: str | None = None  # of the fence; empty when there is none

    def feed(self, text: str) -> str:
        if self._mark == "":
            return text
        self._held += text
        if self._mark is None:
            line, newline, rest = self._held.lstrip().partition("\n")
            found = FENCE.fullmatch(line)
            if not newline and (not line or found or (len(line) < 3 and not line.strip("`~"))):  # noqa: PLR2004
                return ""  # it may be a fence
            if not newline or not found or found["before"] or "`" in found["info"]:
                self._mark = ""
                return self.close()
            self._mark, self._held = found["mark"], rest
        return self._release()

    def _release(self) -> str:
        """Everything but what may be the fence's end."""
        at = self._held.rfind("\n" + (self._mark or "")[0]) if self._mark else -1
        keep = at if at >= 0 and self._is_end(self._held[at:]) else len(self._held.rstrip())
        said, self._held = self._held[:keep], self._held[keep:]
        return said

    def _is_end(self, text: str) -> bool:
        text = text.strip()
        return bool(self._mark) and not text.strip(str(self._mark)[0])

    def close(self) -> str:
        held, self._held = self._held, ""
        if self._mark and self._is_end(held) and len(held.strip()) >= len(self._mark):
            return ""
        return held


class _JsonIndenter:
    """Writes a JSON text with a line for each member; anything else stays as it is."""

    def __init__(self) -> None:
        self._as_it_is: bool | None = None
        self._depth = 0
        self._in_string = self._escaped = False
        self._last = ""  # what was written last outside a string: a bracket, a comma, a colon or a word
        self._gap = ""
        self._taken = self._made = 0

    def feed(self, text: str) -> str:
        if self._as_it_is is None:
            if not text.strip():
                return ""
            self._as_it_is = text.lstrip()[0] not in "{["
        if self._as_it_is:
            return text
        self._taken += len(text)
        out: list[str] = []
        at = 0
        while at < len(text):
            found = (_INSIDE if self._in_string else _OUTSIDE).match(text, at)
            if found is None:  # one of the two matches any character
                raise AssertionError
            at = found.end()
            said = self._string(found[0]) if self._in_string else self._outside(found[0])
            self._made += len(said)
            out.append(said)
            if self._made > _GROWTH * self._taken + _FREE:
                self._as_it_is = True  # brackets without end: indenting them would take more room than sense
            if self._as_it_is:
                return "".join([*out, text[at:]])
        return "".join(out)

    def _string(self, piece: str) -> str:
        if self._escaped:
            self._escaped = False
        elif piece == '"':
            self._in_string = False
        elif piece == "\\":
            self._escaped = True
        return piece

    def _outside(self, piece: str) -> str:
        if piece.isspace():
            self._gap += piece
            return ""
        before, last, gap = "", self._last, self._gap
        self._gap, self._last = "", piece if piece in "{}[],:" else "word"
        if last and self._depth == 0 and piece not in "{[":
            self._as_it_is = True  # words behind it
            return gap + piece
        if piece in "}]":
            self._depth = max(0, self._depth - 1)
            before = "" if last in ("{", "[") else self._line()
        elif piece in ",:":
            return "," if piece == "," else ": "
        elif last in ("{", "[", ",") or (last and not self._depth):
            before = self._line()
        elif last in ("word", "}", "]") and gap:
            before = " "
        if piece in "{[":
            self._depth += 1
        self._in_string = piece == '"'
        return before + piece

    def _line(self) -> str:
        return "\n" + _INDENT * min(self._depth, _DEEPEST)

    def close(self) -> str:
        return ""


class _CodeExtractor:
    """Keeps the fenced code of a text, line by line: with its fences, or without."""

    def __init__(self, *, fences: bool) -> None:
        self._fences = fences
        self._line = ""
        self._mark = ""  # of the open fence
        self._before = 0  # characters before it, as in a list
        self._begun = False

    def feed(self, text: str) -> str:
        *lines, self._line = (self._line + text).split("\n")
        return "".join(self._take(line.removesuffix("\r")) for line in lines)

    def close(self) -> str:
        line, self._line = self._line, ""
        return self._take(line) if line else ""

    def _take(self, line: str) -> str:
        if not self._mark:
            return self._open(line)
        bare = line.strip(" \t>")
        if len(bare) >= len(self._mark) and not bare.strip(self._mark[0]):
            mark, self._mark = self._mark, ""
            return f"{mark}\n\n" if self._fences else ""
        margin = line[: self._before]
        return f"{margin.lstrip(' >' + chr(9))}{line[self._before :]}\n"

    def _open(self, line: str) -> str:
        found = FENCE.fullmatch(line)
        if found is None or (found["mark"][0] == "`" and "`" in found["info"]):
            return ""
        self._mark, self._before = found["mark"], len(found["before"])
        between = "\n" if self._begun else ""
        self._begun = True
        return f"{self._mark}{found['info']}\n" if self._fences else between


class _TransformChain:
    """One shape after the other."""

    def __init__(self, *shapes: TextTransform) -> None:
        self._shapes = shapes

    def feed(self, text: str) -> str:
        for shape in self._shapes:
            text = shape.feed(text)
        return text

    def close(self) -> str:
        text = ""
        for shape in self._shapes:
            text = shape.feed(text) + shape.close()
        return text


def text_transform(form: str) -> TextTransform | None:
    """What makes the text to show of a growing answer; None where that is the answer itself."""
    if form == "code":
        return _CodeExtractor(fences=False)
    if form == "json":
        return _TransformChain(_FenceRemover(), _JsonIndenter())
    return _FenceRemover() if form == "html" else None


def markdown_transform(form: str) -> TextTransform | None:
    """What makes the Markdown that stands for a growing answer; None where that is the answer itself."""
    if form == "markdown":
        return None
    if form == "code":
        return _CodeExtractor(fences=True)
    text = text_transform(form)
    fence = _FenceWriter("" if text is None else form)
    return fence if text is None else _TransformChain(text, fence)
