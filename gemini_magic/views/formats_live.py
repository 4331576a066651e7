"""Formats a growing answer as ``--format`` asks, delta by delta.

For a page the result is Markdown, with the text in a code fence, so that it is rendered, truncated and highlighted
like any other answer. For a terminal the result is plain text.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from ..text import visible

__all__ = ["FENCE", "TextTransform", "escape_markdown", "fenced", "markdown_transform", "text_transform"]

_FENCE_LENGTH: Final = 64  # tildes of the fence around a growing answer
_MARK: Final = "\u2060"  # invisible; keeps a line of the answer from ending that fence
_FENCE_END: Final = re.compile(rf" {{0,3}}~{{{_FENCE_LENGTH},}}[ \t]*")
_MAYBE_FENCE_END: Final = re.compile(r" {0,3}~*[ \t]*")
FENCE: Final = re.compile(
    r"(?P<before>[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)(?P<mark>`{3,}|~{3,})(?P<info>.*)"
)
_BACKTICKS: Final = re.compile(r"`{3,}")
_INDENT: Final = "  "
_DEEPEST: Final = 16  # nesting levels that are indented
_GROWTH, _FREE = 4, 4096  # indented JSON has at most _GROWTH * length + _FREE characters
_OUTSIDE: Final = re.compile(r'\s+|["{}\[\],:]|[^\s"{}\[\],:]+')
_INSIDE: Final = re.compile(r'[^"\\]+|["\\]')

# Characters are escaped as entities, not with backslashes: in JupyterLab two backslashes and a bracket begin a formula,
# and the text of a formula is put back into the page with its quotation marks. JupyterLab also turns URLs into links,
# and a broken one leads to its own server. An underscore inside a word, as in a finish reason, is not markup. Quotation marks
# matter inside tags and formulas only, and without `<`, `$` and backslashes there are none.
_MARKUP: Final = re.compile(
    r"[\\`*\[\]<>#!|~$]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


def escape_markdown(line: str) -> str:
    """Return a line of plain text as Markdown that no front end reads as markup."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(line))


class TextTransform(Protocol):
    """Converts a growing text into another growing text."""

    def feed(self, text: str) -> str:
        """Return what the next piece of text adds to the result."""

    def close(self) -> str:
        """Return the rest of the result; no text follows."""


class _FenceWriter:
    """Puts a growing text into a code fence that no line of the text can end."""

    def __init__(self, language: str) -> None:
        self._opening = f"{'~' * _FENCE_LENGTH}{language}\n"
        self._line = ""  # the beginning of a line that may look like the end of the fence
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
            return _marked(line) if _FENCE_END.fullmatch(bare) else line
        if _MAYBE_FENCE_END.fullmatch(bare):
            self._line, self._fresh = line, True
            return ""
        self._fresh = False
        return line

    def close(self) -> str:
        if self._opening:
            return ""
        line, self._line = self._line, ""
        line = _marked(line) if _FENCE_END.fullmatch(line) else line
        return f"{line}{'' if self._ended else chr(10)}{'~' * _FENCE_LENGTH}\n"


def _marked(line: str) -> str:
    """Put the mark directly behind the tildes of a line."""
    tildes = line.rstrip()
    return f"{tildes}{_MARK}{line[len(tildes) :]}"


class _FenceRemover:
    """Removes a code fence around the whole text."""

    def __init__(self) -> None:
        self._pending = ""
        # Of the fence; empty if the text has no fence, None if that is not known yet.
        self._mark: str | None = None

    def feed(self, text: str) -> str:
        if self._mark == "":
            return text
        self._pending += text
        if self._mark is None:
            line, newline, rest = self._pending.lstrip().partition("\n")
            found = FENCE.fullmatch(line)
            if not newline and (not line or found or (len(line) < 3 and not line.strip("`~"))):  # noqa: PLR2004
                return ""  # it may be a fence
            if not newline or not found or found["before"] or "`" in found["info"]:
                self._mark = ""
                return self.close()
            self._mark, self._pending = found["mark"], rest
        return self._release()

    def _release(self) -> str:
        """Return all text that cannot be the end of the fence."""
        at = self._pending.rfind("\n" + (self._mark or "")[0]) if self._mark else -1
        keep = at if at >= 0 and self._is_end(self._pending[at:]) else len(self._pending.rstrip())
        result, self._pending = self._pending[:keep], self._pending[keep:]
        return result

    def _is_end(self, text: str) -> bool:
        text = text.strip()
        return bool(self._mark) and not text.strip(str(self._mark)[0])

    def close(self) -> str:
        pending, self._pending = self._pending, ""
        if self._mark and self._is_end(pending) and len(pending.strip()) >= len(self._mark):
            return ""
        return pending


class _JsonIndenter:
    """Puts each member of a JSON text on its own line; any other text is unchanged."""

    def __init__(self) -> None:
        self._unchanged: bool | None = None
        self._depth = 0
        self._in_string = self._escaped = False
        self._last = ""  # the last token outside a string: a bracket, a comma, a colon, or "word"
        self._gap = ""
        self._length_in = self._length_out = 0

    def feed(self, text: str) -> str:
        if self._unchanged is None:
            if not text.strip():
                return ""
            self._unchanged = text.lstrip()[0] not in "{["
        if self._unchanged:
            return text
        self._length_in += len(text)
        out: list[str] = []
        at = 0
        while at < len(text):
            found = (_INSIDE if self._in_string else _OUTSIDE).match(text, at)
            if found is None:  # one of the two matches any character
                raise AssertionError
            at = found.end()
            result = self._string(found[0]) if self._in_string else self._outside(found[0])
            self._length_out += len(result)
            out.append(result)
            if self._length_out > _GROWTH * self._length_in + _FREE:
                self._unchanged = True  # endless brackets: indenting them would make a huge text
            if self._unchanged:
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
            self._unchanged = True  # text after the JSON
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
    """Extracts the fenced code of a text, line by line, with or without its fences."""

    def __init__(self, *, fences: bool) -> None:
        self._fences = fences
        self._line = ""
        self._mark = ""  # of the open fence
        self._before = 0  # characters of indentation before it, as in a list
        self._begun = False

    def feed(self, text: str) -> str:
        *lines, self._line = (self._line + text).split("\n")
        return "".join(self._add_line(line.removesuffix("\r")) for line in lines)

    def close(self) -> str:
        line, self._line = self._line, ""
        return self._add_line(line) if line else ""

    def _add_line(self, line: str) -> str:
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
    """Applies several transforms one after another."""

    def __init__(self, *transforms: TextTransform) -> None:
        self._transforms = transforms

    def feed(self, text: str) -> str:
        for transform in self._transforms:
            text = transform.feed(text)
        return text

    def close(self) -> str:
        text = ""
        for transform in self._transforms:
            text = transform.feed(text) + transform.close()
        return text


def fenced(text: str, language: str = "") -> str:
    """Put a text into a Markdown fence that no line of it can close; empty for an empty text."""
    if not text:
        return ""
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}\n"


def text_transform(form: str) -> TextTransform | None:
    """The transform from a growing answer to the text that is shown; None where that is the answer itself."""
    if form == "code":
        return _CodeExtractor(fences=False)
    if form == "json":
        return _TransformChain(_FenceRemover(), _JsonIndenter())
    return _FenceRemover() if form == "html" else None


def markdown_transform(form: str) -> TextTransform | None:
    """The transform from a growing answer to the Markdown that is rendered; None where that is the answer itself."""
    if form == "markdown":
        return None
    if form == "code":
        return _CodeExtractor(fences=True)
    text = text_transform(form)
    fence = _FenceWriter("" if text is None else form)
    return fence if text is None else _TransformChain(text, fence)
