"""Makes Markdown harmless for front ends that render it as trusted Markdown; it never makes HTML of an answer.

Front ends disagree about where code, links and formulas begin and end, so nothing here relies on one reading: outside
fences at the margin, which all of them read alike, no text is left that is markup in any of them.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from .defang_check import harmless, tame_language
from .defang_math import formulas_in, without_commands, written
from .parser import Refs, blocks_of
from .sanitize import link_allowed, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

__all__ = ["defang"]

_LINE_ENDS: Final = re.compile("[\u2028\u2029]")  # to a front end in JavaScript a fence can begin after them
_CELL_BORDER: Final = re.compile(r"(?<!\\)\|")
_BLOCKS: Final = frozenset({"fence", "code_block"})
_FENCE_LINE: Final = re.compile(r"((?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*)(`{3,}|~{3,})(.*)")
_OPENING: Final = re.compile(r"(?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
_MARKS: Final = re.compile(r"[ \t>]*")
_NOT_MARKS: Final = re.compile(r"[^ \t>]")
_BACKTICKS: Final = re.compile(r"`+")
_CODE_SPAN: Final = re.compile(r"(\\.)|(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)
# What may begin a formula for MathJax's usual preprocessing, which runs before Markdown is parsed.
_FORMULA: Final = re.compile(r"\$|&dollar;|&#0*36;|&#x0*24;|\\[(\[]|\\begin", re.IGNORECASE)
# Code that would do something if a front end did not take it for code.
_LIVE: Final = re.compile(
    r"<[A-Za-z/!?]|!\[|\]\(|^[^\w\n\[]*\[.*\]:|ftp://|www\.|`{3}|~{3}", re.MULTILINE | re.IGNORECASE
)
_LINKING: Final = re.compile(
    r":(?=//)|(?<=www)\.", re.IGNORECASE
)  # what makes a link of an address in a text
_HAS_PATH: Final = re.compile(r"[a-z]+://[^/?#]+[/?#]", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[!-+\-./:<-@\[-`{-~]")

_URL = r"<?(?P<{0}>(?:https?://|mailto:)(?:[^\s<>()\[\]`\"\\]|\([^\s<>()\[\]`\"\\]*\))+)>?"
_TITLE = r"(?:[ \t]+(?P<{0}>\"[\w .,;:!?'()/-]*\"|'[\w .,;:!?/-]*'))?"
_PIECE: Final = re.compile(
    rf"""
      (?P<escape>\\[<!"`~@])
    | !\[(?P<alt>[^\[\]`<>!"]*)\]\(\s*<?(?P<image>[^\s()<>`]+)>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)
    | \]\([ \t]*{_URL.format("link")}{_TITLE.format("link_title")}[ \t]*\)
    | \]:[ \t]*{_URL.format("definition")}{_TITLE.format("definition_title")}[ \t]*$
    | (?P<target>\][(:])
    | (?P<bang>!(?=\[))
    | <(?P<auto>https?://[^\s<>`"'=]+)>
    | (?P<less><(?![\s\d=]|$))
    | (?P<bare>(?:(?:ftp|https?)://|www\.)[^\s<>()\[\]`"]*)(?P<end>(?=[?!.,:;*_'~)]*(?:\s|$)))?
    | (?P<fence>`{{3,}}|~{{3,}})
    | (?P<quote>")
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def defang(text: str) -> str:
    """Return Markdown that shows the same answer and can do nothing when its HTML is trusted.

    Ordinary text, lists, tables and links stay as they are, and formulas that nothing can be said against; others are
    shown as their source. Code that would be live if it were not taken
    for code is put into a fence at the margin, or is written in entities between ``<code>`` tags where no such fence
    can stand. A text that still is not safe comes back as one block of code.
    """
    text = _LINE_ENDS.sub("\n", visible(text))
    edited = _Editor(text).result()
    return edited if harmless(edited) else _as_code(text)


class _Editor:
    """Edits one text: what stands in code blocks by their place, everything else piece by piece."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._done: list[str] = []
        self._tokens = [token for token in blocks_of(text, Refs()) if token.map is not None]
        outside = self._outside_fences()
        self._formulas = _FORMULA.search(outside) is not None
        self._dollars = "$" in outside  # formulas between dollars beside prices would be read as others
        # What stands in a fence at the margin is not touched, so nothing else may look like a fence.
        self._strict = any(
            token.level == 0 and token.type in _BLOCKS and self._live(token.content) for token in self._tokens
        )

    def result(self) -> str:
        """Return the edited text."""
        at = 0
        for token in self._tokens:
            first, last = _lines_of(token)
            if first < at:  # cells of one row, or the paragraph of an item that was seen already
                continue
            if token.type in _BLOCKS:
                self._done += map(self._edit, self._lines[at:first])
                self._code_block(token, self._lines[first:last])
            elif token.type == "formula_block":
                self._done += map(self._edit, self._lines[at:first])
                self._done.append(self._formula_block(token, self._lines[first]))
            elif token.type == "table_open":
                self._done += map(self._edit, self._lines[at:first])
                self._done += map(self._edit_row, self._lines[first:last])
            elif token.type == "inline":
                self._done += map(self._edit, self._lines[at:first])
                self._done += self._edit("\n".join(self._lines[first:last])).split("\n")
            else:
                continue
            at = last
        self._done += map(self._edit, self._lines[at:])
        return "\n".join(self._done)

    def _outside_fences(self) -> str:
        """Return the text without fences at the margin, in which no front end looks for formulas."""
        kept = list(self._lines)
        for token in self._tokens:
            first, last = _lines_of(token)
            if token.type == "fence" and token.level == 0 and kept[first].startswith(token.markup):
                kept[first:last] = [""] * (last - first)
        return "\n".join(kept)

    def _live(self, code: str) -> bool:
        # A formula swallows where code begins, and comes back with its quotation marks unescaped.
        return _LIVE.search(code) is not None or (
            self._formulas and ('"' in code or without_commands(code) != code)
        )

    def _code_block(self, token: Token, lines: list[str]) -> None:
        language = tame_language(token.info)
        if not self._strict and not self._live(token.content):
            match = _FENCE_LINE.fullmatch(lines[0]) if token.type == "fence" else None
            self._done += [match[1] + match[2] + language, *lines[1:]] if match else lines
        elif token.level == 0:
            last = _lines_of(token)[1]
            before = [""] if self._done and self._done[-1].strip() else []
            after = [""] if "".join(self._lines[last : last + 1]).strip() else []
            self._done += [*before, *_fence(token.content, language), *after]
        else:
            self._done += _preformatted(token, lines)

    def _formula_block(self, token: Token, line: str) -> str:
        opening = _OPENING.match(line)
        formula = "" if token.markup == "\\[" and self._dollars else written(token.content, display=True)
        source = f"{token.markup}{' '.join(token.content.split())}{token.markup.replace('[', ']')}"
        return (opening[0] if opening else "") + (formula or _as_entities(source))

    def _edit_row(self, line: str) -> str:
        return "|".join(self._edit(cell, in_table=True) for cell in _CELL_BORDER.split(line))

    def _edit(self, source: str, *, in_table: bool = False) -> str:
        """Edit inline source; code spans that are not live stay."""
        edits: list[tuple[int, int, str]] = []
        for match in _CODE_SPAN.finditer(source):
            if match[2] is not None:
                code = match[3].replace("\\|", "|") if in_table else match[3]
                live = len(match[2]) > 2 or self._live(code)  # noqa: PLR2004
                edits.append((*match.span(), _as_entities(code) if live else match[0]))
        for start, stop, opening, tex in formulas_in(source):
            if "\n" in tex or any(start < end and at < stop for at, end, _ in edits):
                continue
            formula = written(tex, display=opening in {"$$", "\\["})
            if opening[0] == "$":
                edits.append((start, stop, formula or _as_entities(source[start:stop])))
            elif formula and not self._dollars:
                edits.append((start, stop, formula))
        pieces: list[str] = []
        at = 0
        for start, stop, edited in sorted(edits):
            pieces += [self._edit_text(source[at:start] + "`")[:-1], edited]  # it does not end here
            at = stop
        return "".join([*pieces, self._edit_text(source[at:])])

    def _edit_text(self, source: str) -> str:
        edited = _PIECE.sub(self._edit_piece, source)
        return without_commands(edited) if self._formulas else edited

    def _edit_piece(self, match: re.Match[str]) -> str:
        kind, whole = match.lastgroup, match[0]
        found = match.groupdict()
        if found["image"]:
            return self._image(found["alt"].strip() or "image", found["image"])
        for name in ("link", "definition"):
            if found[name]:
                url, title = _address(found[name]), found[f"{name}_title"]
                if url is None:
                    return f"]\\{whole[1]}{self._edit_text(whole[2:])}"
                title = f" {title}" if title and not (self._formulas and '"' in title) else ""
                return f"]({url}{title})" if name == "link" else f"]: {url}{title}"
        if kind == "target":
            return f"]\\{whole[1]}"
        if kind == "auto":
            url = found["auto"]
            return whole if _address(url) == url else f"&lt;{self._edit_text(whole[1:])}"
        if found["bare"]:
            return self._bare(whole, alone=found["end"] is not None)
        if kind == "quote":
            return "&quot;" if self._formulas else whole
        return _entities(whole.removeprefix("\\")) if kind != "less" else "&lt;"

    @staticmethod
    def _bare(address: str, *, alone: bool) -> str:
        """Judge an address in the text: front ends make a link of it, JupyterLab a relative one of a broken one."""
        url = address.rstrip("?!.,:;*_'~")
        url = url if "://" in url else f"http://{url}"
        # What follows would belong to the host.
        if link_allowed(url) and (alone or _HAS_PATH.match(url)):
            return address
        return _LINKING.sub(lambda found: f"&#{ord(found[0])};", address.replace("\\@", "&#64;"))

    def _image(self, alt: str, url: str) -> str:
        alt = self._edit_text(alt)
        address = _address(url)
        if address:
            return f"[{alt}]({address})"
        code = f"`{url}`"
        return f"{alt} ({_as_entities(url) if self._live(code) else code})"


def _lines_of(token: Token) -> tuple[int, int]:
    first, last = token.map or (0, 0)
    return first, last


def _address(url: str) -> str | None:
    """Return an allowed address so written that nothing in it is markup or a formula; None for any other."""
    url = unescape(url)
    if not link_allowed(url):
        return None
    # "@@0@@" is where JupyterLab puts the first formula back.
    safe = "/:?#=+,;&%.~-_" if "@@" in url else "/:?#=+,;&%.~-_@"
    return quote(url, safe=safe).replace("&", "&amp;")


def _entities(text: str) -> str:
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)


def _as_entities(code: str) -> str:
    """Return a code span in which no character is markup; the marks of a quote it runs through stay."""
    first, *rest = code.split("\n")
    lines = [_entities(first)]
    for line in rest:
        marks = _MARKS.match(line)
        lines.append((marks[0] if marks else "") + _entities(line[marks.end() if marks else 0 :]))
    return f"<code>{chr(10).join(lines)}</code>"


def _fence(code: str, language: str) -> Iterator[str]:
    """Yield the lines of a fence at the margin that its content cannot close."""
    ticks = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(code)), default=0))
    yield f"{ticks}{language}"
    yield from code.removesuffix("\n").split("\n")
    yield ticks


def _preformatted(token: Token, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a code block inside a list or a quote, written in entities."""
    code = token.content.removesuffix("\n").split("\n")
    body = lines[1 : 1 + len(code)] if token.type == "fence" else lines[: len(code)]
    opening = _OPENING.match(lines[0])
    start = opening[0] if opening else ""
    inner = _NOT_MARKS.sub(" ", start)
    yield f"{start}<pre>"
    for index, line in enumerate(code):
        raw = body[index] if index < len(body) else ""
        marks = raw[: len(raw) - len(line)] if line and raw.endswith(line) else inner
        marks = marks if _MARKS.fullmatch(marks) else inner
        yield f"{marks}{'<code>' if index == 0 else ''}{_entities(line)}{'</code></pre>' if index == len(code) - 1 else ''}"


def _as_code(text: str) -> str:
    """Return the text as one fence longer than any run of back-ticks in it."""
    return "\n".join([*_fence(text, "text"), ""])
