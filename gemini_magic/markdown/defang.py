"""Defanging: makes Markdown safe for front ends that trust the HTML they render from it. It makes no HTML itself.

The saved ``text/markdown`` of an answer may be rendered by any front end. Front ends disagree about where
code, links and formulas begin and end, so defanging does not rely on one parser. All front ends agree only
about fences that are not indented; outside those, no text is left that is active markup in any of them.
``defang_check`` checks the result.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from html import unescape
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from ..text import visible
from .defang_check import FORMULA_MARK, formula_reaches_code, is_safe, safe_language
from .defang_math import defang_commands, defang_formula, find_formulas
from .inline_html import find_tags
from .math import BEGIN
from .parser import References, close_blocks, parse_blocks, parse_inline_source
from .sanitize import link_allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

__all__ = ["defang_markdown", "join_defanged"]

_JS_LINE_ENDS: Final = re.compile("[\u2028\u2029]")  # a front end in JavaScript lets a fence begin after them
_CELL_BORDER: Final = re.compile(r"(?<!\\)\|")
_CODE_BLOCKS: Final = frozenset({"fence", "code_block"})
_FENCE_LINE: Final = re.compile(r"((?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*)(`{3,}|~{3,})(.*)")
_CONTAINERS: Final = re.compile(r"(?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
_QUOTE_MARKS: Final = re.compile(r"[ \t>]*")
_NOT_QUOTE_MARKS: Final = re.compile(r"[^ \t>]")
_BACKTICKS: Final = re.compile(r"`+")
_CODE_RUN: Final = re.compile(r"\\.|`+", re.DOTALL)
_END_OF_LINE: Final = re.compile(r"[^\S\n]*(?:\n|\Z)")
# The start of a formula for MathJax's usual preprocessing, which runs before Markdown is parsed.
_FORMULA_START: Final = re.compile(r"\$|&dollar;|&#0*36;|&#x0*24;|\\[(\[]|\\begin", re.IGNORECASE)
# Code that would be active markup if a front end did not recognize it as code.
_ACTIVE: Final = re.compile(
    r"<[A-Za-z/!?]|!\[|\]\(|^[^\w\n\[]*\[.*\]:|ftp://|www\.|`{3}|~{3}", re.MULTILINE | re.IGNORECASE
)
# The character that makes a front end link a URL in a text.
_URL_MARK: Final = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
_URL_WITH_PATH: Final = re.compile(r"[a-z]+://[^/?#]+[/?#]", re.IGNORECASE)
# What a front end does not take for a part of the URL before it: punctuation, then a space or the end.
_ENDS_URL: Final = re.compile(r"[.,:;')\]]*(?:\s|\Z)")
_PUNCTUATION: Final = re.compile(r"[!-+\-./:<-@\[-`{-~]")

_URL = r"<?(?P<{0}>(?:https?://|mailto:)(?:[^\s<>()\[\]`\"\\]|\([^\s<>()\[\]`\"\\]*\))+)>?"
_TITLE = r"(?:[ \t]+(?P<{0}>\"[\w .,;:!?'()/-]*\"|'[\w .,;:!?/-]*'))?"
_MARKUP: Final = re.compile(
    rf"""
      (?P<escape>\\[<!"`~@])
    | !\[(?P<alt>[^\[\]`<>!"]*)\]\(\s*<?(?P<image>[^\s()<>`]+)>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)
    | \[(?P<label>[^\[\]`<>!"\\]*)\]\(\#[^\s()<>`"]*\)
    | \]\([ \t]*{_URL.format("link")}{_TITLE.format("link_title")}[ \t]*\)
    | \]:[ \t]*{_URL.format("definition")}{_TITLE.format("definition_title")}[ \t]*$
    | (?P<target>\][(:])
    | (?P<bang>!(?=\[))
    | <(?P<auto>https?://[^\s<>`"'=]+)>
    | (?P<less><(?![\s\d=]|$))
    | (?P<bare>(?:(?:ftp|https?)://|www\.)[^\s<>()\[\]`"]*)(?P<end>(?=[.,:;')]*(?:\s|$)))?
    | (?P<fence>`{{3,}}|~{{3,}})
    | (?P<quote>")
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def defang_markdown(text: str, *, as_code: bool = False) -> str:
    """Return Markdown that shows the same answer and can do nothing if its HTML is trusted.

    Ordinary text, lists, tables, links, allowed formulas, ``<br>`` and pairs such as ``<sub>2</sub>`` stay as
    they are; other formulas become their source. Code that a front end might not recognize as code is put into a fence that is not indented, or is
    written in entities between ``<code>`` tags where no such fence is possible. If a formula could reach into a
    fence, all formulas become their source. A text that is still not safe becomes one code block.

    Args:
        text: the Markdown.
        as_code: make a code block of it in any case, which takes a fraction of the time.
    """
    text = _JS_LINE_ENDS.sub("\n", visible(text))
    if as_code:
        return _text_as_fence(text)
    defanged = _Defanger(text).result()
    if formula_reaches_code(defanged):
        defanged = _Defanger(text, formulas=False).result()
    return defanged if is_safe(defanged) and not formula_reaches_code(defanged) else _text_as_fence(text)


def join_defanged(texts: Iterable[str]) -> str:
    """Join harmless texts of Markdown by blank lines, with a block that is open at the end of one closed.

    What is harmless in one text may not be together with another one. Then the whole becomes one code block.
    """
    joined = "\n\n".join(map(close_blocks, texts))
    return joined if is_safe(joined) and not formula_reaches_code(joined) else _text_as_fence(joined)


class _Edit(NamedTuple):
    """A part of a source and what is written instead."""

    start: int
    stop: int
    text: str


class _Defanger:
    """Defangs one text: each code block as a whole, everything else piece by piece.

    Args:
        text: the Markdown.
        formulas: whether formulas stay. Otherwise no formula can begin outside of the fences.
    """

    def __init__(self, text: str, *, formulas: bool = True) -> None:
        self._typeset = formulas
        self._lines = text.split("\n")
        self._result: list[str] = []
        self._tokens = [token for token in parse_blocks(text, References()) if token.map is not None]
        outside = self._outside_fences()
        self._formulas = _FORMULA_START.search(outside) is not None
        self._dollars = "$" in outside  # beside prices, "$" around formulas would be misread
        # The content of a fence that is not indented stays unchanged, so no other text may look like a fence.
        self._strict = any(
            token.level == 0 and token.type in _CODE_BLOCKS and self._is_active(token.content)
            for token in self._tokens
        )

    def result(self) -> str:
        """Return the defanged text."""
        at = 0
        for token in self._tokens:
            first, last = _line_range(token)
            if first < at:  # a cell of a row, or the paragraph of an item, that is done already
                continue
            if token.type in _CODE_BLOCKS:
                self._result += map(self._defang, self._lines[at:first])
                self._defang_code_block(token, self._lines[first:last])
            elif token.type == "formula_block":
                self._result += map(self._defang, self._lines[at:first])
                self._result += self._defang_formula_block(token, self._lines[first:last])
            elif token.type == "table_open":
                self._result += map(self._defang, self._lines[at:first])
                self._result += map(self._defang_row, self._lines[first:last])
                if token.meta.get("limited"):  # a front end without such a limit must end the table too
                    self._result += _QUOTE_MARKS.findall(self._lines[last])[:1]
            elif token.type == "inline":
                self._result += map(self._defang, self._lines[at:first])
                self._result += self._defang("\n".join(self._lines[first:last])).split("\n")
            else:
                continue
            at = last
        self._result += map(self._defang, self._lines[at:])
        return "\n".join(self._result)

    def _outside_fences(self) -> str:
        """Return the text without fences that are not indented, in which no front end looks for formulas."""
        kept = list(self._lines)
        for token in self._tokens:
            first, last = _line_range(token)
            if token.type == "fence" and token.level == 0 and kept[first].startswith(token.markup):
                kept[first:last] = [""] * (last - first)
        return "\n".join(kept)

    def _is_active(self, code: str) -> bool:
        """Return whether code could act if a front end did not recognize it as code."""
        # A front end may take the start of the code for a part of a formula, and does not escape its
        # quotation marks.
        if not self._typeset and FORMULA_MARK.search(code):
            return True
        return _ACTIVE.search(code) is not None or (
            self._formulas and ('"' in code or defang_commands(code) != code)
        )

    def _defang_code_block(self, token: Token, lines: list[str]) -> None:
        language = safe_language(token.info)
        if not self._strict and not self._is_active(token.content):
            match = _FENCE_LINE.fullmatch(lines[0]) if token.type == "fence" else None
            self._result += [match[1] + match[2] + language, *lines[1:]] if match else lines
        elif token.level == 0:
            last = _line_range(token)[1]
            before = [""] if self._result and self._result[-1].strip() else []
            after = [""] if "".join(self._lines[last : last + 1]).strip() else []
            self._result += [*before, *_fence(token.content, language), *after]
        else:
            self._result += _preformatted(token, lines)

    def _defang_formula_block(self, token: Token, lines: list[str]) -> list[str]:
        opening = _CONTAINERS.match(lines[0])
        is_plain = token.markup in {"\\[", BEGIN}
        formula = (
            ""
            if not self._typeset or (is_plain and self._dollars)
            else defang_formula(token.content, display=True)
        )
        if not formula and token.markup == BEGIN:
            return [self._defang(line) for line in lines]
        source = f"{token.markup}{' '.join(token.content.split())}{token.markup.replace('[', ']')}"
        return [(opening[0] if opening else "") + (formula or _code_in_entities(source))]

    def _defang_row(self, line: str) -> str:
        return "|".join(self._defang(cell, in_table=True) for cell in _CELL_BORDER.split(line))

    def _defang(self, source: str, *, in_table: bool = False) -> str:
        """Defang inline source; code spans that are not active stay."""
        edits: list[_Edit] = []
        for start, stop, length in _code_spans(source):
            code = source[start + length : stop - length]
            code = code.replace("\\|", "|") if in_table else code
            active = length > 2 or self._is_active(code)  # noqa: PLR2004
            edits.append(_Edit(start, stop, _code_in_entities(code) if active else source[start:stop]))
        spans = list(edits)
        for start, stop, opening, tex in find_formulas(source):
            if "\n" in tex or _overlaps(spans, start, stop):
                continue
            display = opening in {"$$", "\\[", BEGIN}
            formula = defang_formula(tex, display=display) if self._typeset else ""
            if opening[0] == "$":
                edits.append(_Edit(start, stop, formula or _code_in_entities(source[start:stop])))
            elif formula and not self._dollars:
                edits.append(_Edit(start, stop, formula))
        spans = sorted(edits)
        for tag_at, tag in find_tags(parse_inline_source(source)) if "<" in source else ():
            stop = tag_at + len(tag)
            if not _overlaps(spans, tag_at, stop):
                whole = _is_whole_line(source, tag_at, stop)
                edits.append(_Edit(tag_at, stop, f"&#32;{tag}" if whole else tag))
        pieces: list[str] = []
        at = 0
        for start, stop, defanged in sorted(edits):
            # The back-tick stands for what follows: the patterns look for whitespace or the end of the text.
            pieces += [self._defang_text(source[at:start] + "`")[:-1], defanged]
            at = stop
        return "".join([*pieces, self._defang_text(source[at:])])

    def _defang_text(self, source: str) -> str:
        defanged = _MARKUP.sub(self._defang_markup, source)
        defanged = defang_commands(defanged) if self._formulas else defanged
        return defanged if self._typeset else FORMULA_MARK.sub(_formula_mark_as_entities, defanged)

    def _defang_markup(self, match: re.Match[str]) -> str:
        kind, whole = match.lastgroup, match[0]
        found = match.groupdict()
        if found["image"]:
            return self._image(found["alt"].strip() or "image", found["image"])
        if found["label"] is not None:  # a link to a heading
            return self._defang_text(found["label"])
        for name in ("link", "definition"):
            if found[name]:
                url, title = _safe_url(found[name]), found[f"{name}_title"]
                if url is None:
                    return f"]\\{whole[1]}{self._defang_text(whole[2:])}"
                if (
                    name == "link"
                    and not _URL_WITH_PATH.match(url)
                    and not _ENDS_URL.match(match.string, match.end())
                ):
                    url = f"{url}/"
                title = f" {title}" if title and not (self._formulas and '"' in title) else ""
                return f"]({url}{title})" if name == "link" else f"]: {url}{title}"
        if kind == "target":
            return f"]\\{whole[1]}"
        if kind == "auto":
            url = found["auto"]
            return whole if _safe_url(url) == url else f"&lt;{self._defang_text(whole[1:])}"
        if found["bare"]:
            return self._bare_url(whole, alone=found["end"] is not None)
        if kind == "quote":
            return "&quot;" if self._formulas else whole
        return _to_entities(whole.removeprefix("\\")) if kind != "less" else "&lt;"

    @staticmethod
    def _bare_url(address: str, *, alone: bool) -> str:
        """Defang a URL in the text, which front ends link. JupyterLab makes a relative link of a broken URL.

        Args:
            address: the URL with the punctuation after it.
            alone: whether whitespace or the end follows.
        """
        url = address.rstrip(".,:;'")
        url = url if "://" in url else f"http://{url}"
        # Otherwise the text that follows would become part of the host.
        if link_allowed(url) and (alone or _URL_WITH_PATH.match(url)):
            return address
        return _URL_MARK.sub(lambda found: f"&#{ord(found[0])};", address.replace("\\@", "&#64;"))

    def _image(self, alt: str, url: str) -> str:
        alt = self._defang_text(alt)
        address = _safe_url(url)
        if address:
            return f"[{alt}]({address})"
        code = f"`{url}`"
        return f"{alt} ({_code_in_entities(url) if self._is_active(code) else code})"


def _code_spans(source: str) -> Iterator[tuple[int, int, int]]:
    """Yield where each code span begins and ends, and the length of its back-tick runs."""
    runs: dict[int, list[int]] = {}
    starts = set()
    for match in _BACKTICKS.finditer(source):
        runs.setdefault(len(match[0]), []).append(match.start())
        starts.add(match.start())
    at = 0
    for match in _CODE_RUN.finditer(source):
        start, stop = match.span()
        if start < at or start not in starts:  # inside a span, or escaped
            continue
        closers = runs[stop - start]
        index = bisect_left(closers, stop)
        if index < len(closers):
            at = closers[index] + stop - start
            yield start, at, stop - start


def _overlaps(edits: list[_Edit], start: int, stop: int) -> bool:
    """Return whether a part of a text overlaps one of the edits, which are in order and do not overlap."""
    index = bisect_left(edits, stop, key=lambda edit: edit.start)
    return index > 0 and edits[index - 1].stop > start


def _is_whole_line(source: str, start: int, stop: int) -> bool:
    """Return whether a tag is all that its line consists of. To a front end it begins a block of HTML then."""
    if not _END_OF_LINE.match(source, stop):
        return False
    before = source[source.rfind("\n", 0, start) + 1 : start]
    return _CONTAINERS.fullmatch(before) is not None


def _line_range(token: Token) -> tuple[int, int]:
    first, last = token.map or (0, 0)
    return first, last


def _safe_url(url: str) -> str | None:
    """Return an allowed URL, quoted so that no part of it is markup or a formula; None for other URLs."""
    url = unescape(url)
    if not link_allowed(url):
        return None
    # JupyterLab replaces "@@0@@" by the first formula.
    safe = "/:?#=+,;&%.~-_" if "@@" in url else "/:?#=+,;&%.~-_@"
    return quote(url, safe=safe).replace("&", "&amp;")


def _formula_mark_as_entities(match: re.Match[str]) -> str:
    return "&#36;" if match[0][-1] == "$" else "&#92;"


def _to_entities(text: str) -> str:
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", text)


def _code_in_entities(code: str) -> str:
    """Return code in entities between ``<code>`` tags. The ``>`` of a quote at the start of its lines stays."""
    first, *rest = code.split("\n")
    lines = [_to_entities(first)]
    for line in rest:
        marks = _QUOTE_MARKS.match(line)
        lines.append((marks[0] if marks else "") + _to_entities(line[marks.end() if marks else 0 :]))
    return f"<code>{chr(10).join(lines)}</code>"


def _fence(code: str, language: str) -> Iterator[str]:
    """Yield the lines of a fence that is not indented and that its content cannot close."""
    ticks = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(code)), default=0))
    yield f"{ticks}{language}"
    yield from code.removesuffix("\n").split("\n")
    yield ticks


def _preformatted(token: Token, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a code block inside a list or a quote, in entities."""
    code = token.content.removesuffix("\n").split("\n")
    body = lines[1 : 1 + len(code)] if token.type == "fence" else lines[: len(code)]
    opening = _CONTAINERS.match(lines[0])
    start = opening[0] if opening else ""
    inner = _NOT_QUOTE_MARKS.sub(" ", start)
    yield f"{start}<pre>"
    for index, line in enumerate(code):
        raw = body[index] if index < len(body) else ""
        marks = raw[: len(raw) - len(line)] if line and raw.endswith(line) else inner
        marks = marks if _QUOTE_MARKS.fullmatch(marks) else inner
        yield f"{marks}{'<code>' if index == 0 else ''}{_to_entities(line)}{'</code></pre>' if index == len(code) - 1 else ''}"


def _text_as_fence(text: str) -> str:
    """Return the text as one fence, longer than any run of back-ticks in it."""
    return "\n".join([*_fence(text, "text"), ""])
