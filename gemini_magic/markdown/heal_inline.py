"""Mends the last inline source of a growing text: what is open at its end is closed, shown as text or left out.

It knows inline markup only; which source is the last, and what is held back before, is decided in ``heal``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.balance_pairs import link_pairs

from .footnotes import HALF_MARK
from .images import open_data_image
from .math import FORMULA, Found, likely, pending
from .parser import MD, Refs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.rules_inline.state_inline import Delimiter
    from markdown_it.token import Token

__all__ = ["mend"]

_TRAILING: Final = re.compile(r"(?:[*_~`$\\]|!?\[)+$")
_HALF_ENTITY: Final = re.compile(r"&#?[A-Za-z0-9]{0,31}$")
_HALF_AUTOLINK: Final = re.compile(r"<[A-Za-z/][^\s<>]{0,300}$")
_CODE_RUN: Final = re.compile(r"\\.|`+", re.DOTALL)
_BRACKET: Final = re.compile(r"\\.|!?\[|\]", re.DOTALL)
_LITERAL_OPENING: Final = re.compile(r"\[(?:$|[\s\d^]|[xX](?:\]|$))")
_REACH: Final = 2000  # characters back from the end within which an unfinished link is looked for
_DEPTH: Final = 4  # links inside images inside links; more is no answer but an attack


def mend(token: Token, refs: Refs) -> None:
    """Mend the inline source of a token; a formula that is being typed is taken out of it."""
    content = token.content
    image = open_data_image(content)
    content = content[:image] if image >= 0 else content
    formulas = Found(content)
    if FORMULA.search(content):
        MD.inline.tokenize(StateInline(content, MD, {"references": Refs(), "formulas": formulas}, []))
    code = _open_code(_blotted(content, formulas.spans))
    limit = len(content) if code is None else code[0]
    at = next((at for at in sorted(formulas.open) if at < limit and likely(content[at:])), -1)
    if at >= 0:
        opening = content[at : at + (1 if content[at] == "$" != content[at + 1] else 2)]
        token.meta["pending"] = pending(token, opening, content[at + len(opening) :])
        content = content[:at]
    spans = [span for span in sorted(set(formulas.spans)) if span[1] <= len(content)]
    token.content = _mend(content, spans, refs)
    if at >= 0 and content[-1:].isspace() and not token.content[-1:].isspace():
        token.meta["pending"].info = " "


def _blotted(content: str, spans: list[tuple[int, int]]) -> str:
    """Return the content with some spans blotted out, same length."""
    pieces, at = [], 0
    for start, stop in spans:
        if start >= at:
            pieces += [content[at:start], "x" * (stop - start)]
            at = stop
    return "".join([*pieces, content[at:]])


def _mend(content: str, spans: list[tuple[int, int]], refs: Refs) -> str:
    """Return inline source whose open code, links and emphasis at the end are closed or dropped.

    ``spans`` are the formulas in it: nothing in them is markup.
    """
    stand_in = next((chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in content), "")
    formulas = []
    for start, stop in reversed(spans if stand_in else []):
        formulas.append(content[start:stop])
        content = content[:start] + stand_in + content[stop:]
    mended = _without_halves(content, refs)
    for formula in reversed(formulas):
        mended = mended.replace(stand_in, formula, 1)
    return _closed(mended)


def _without_halves(content: str, refs: Refs) -> str:
    code = _open_code(content)
    if code is not None:
        start, ticks = code
        inner = content[start + len(ticks) :].rstrip("`")
        span = ticks + inner + ticks if inner.strip() else ""
        return _half_link((content[:start] + span).rstrip(), refs)
    content = HALF_MARK.sub("", _half_autolink(_HALF_ENTITY.sub("", content)))
    return _without_trailing(_half_link(content, refs))


def _code_runs(content: str) -> Iterator[tuple[int, int]]:
    """Yield where each code span begins and ends; an opening run without its closer ends at -1."""
    runs = [match.span() for match in _CODE_RUN.finditer(content) if match[0][0] == "`"]
    index = 0
    while index < len(runs):
        start, stop = runs[index]
        length = stop - start
        closer = next((i for i in range(index + 1, len(runs)) if runs[i][1] - runs[i][0] == length), None)
        if closer is None:
            yield start, -1
            return
        yield start, runs[closer][1]
        index = closer + 1


def _open_code(content: str) -> tuple[int, str] | None:
    """Return position and back-ticks of the first code span that is not closed."""
    for start, stop in _code_runs(content):
        if stop < 0:
            run = re.match("`+", content[start:])
            return (start, run[0]) if run else None
    return None


def _masked(content: str) -> str:
    """Return the content with its code spans blotted out, same length."""
    return _blotted(content, [span for span in _code_runs(content) if span[1] >= 0])


def _without_trailing(content: str) -> str:
    """Drop a run of delimiters at the end, unless it ends a code span."""
    match = _TRAILING.search(content)
    if not match:
        return content
    return content[: max(match.start(), _last_code_end(content))].rstrip()


def _last_code_end(content: str) -> int:
    return max((stop for _, stop in _code_runs(content)), default=0)


def _half_autolink(content: str) -> str:
    match = _HALF_AUTOLINK.search(content)
    return content[: match.start()] if match and match.start() >= _last_code_end(content) else content


def _half_link(content: str, refs: Refs) -> str:
    """Show a link being typed as its text and an image being typed as nothing."""
    for _ in range(_DEPTH):
        shorter = _one_half_link(content, refs)
        if shorter == content:
            break
        content = shorter
    return content


def _one_half_link(content: str, refs: Refs) -> str:
    masked = _masked(content)
    openings: list[re.Match[str]] = []
    resume = max(0, len(content) - _REACH)
    for match in _BRACKET.finditer(masked, resume):
        if match.start() < resume or match[0][0] == "\\":
            continue
        if match[0] != "]":
            openings.append(match)
        elif openings:
            opening = openings.pop()
            end = _target_end(masked, match.end())
            inner = content[opening.end() : match.start()]
            if end < 0 and not _settled(inner, masked[match.end() :], refs):
                return content[: opening.start()] + ("" if opening[0] == "![" else inner)
            resume = max(end, match.end())
    for opening in openings:
        bracket = opening.end() - 1
        if opening[0] == "![":
            return content[: opening.start()]
        if not _LITERAL_OPENING.match(content[bracket:]) and not content[:bracket][-1:].isalnum():
            return content[:bracket] + content[bracket + 1 :]
    return content


def _target_end(text: str, at: int) -> int:
    """Return where a link's target ends; -1 when it is still being typed (or may yet begin)."""
    if at >= len(text):
        return -1
    if text[at] == "[":
        return text.find("]", at) + 1 or -1
    if text[at] != "(":
        return at
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return -1


def _settled(text: str, rest: str, refs: Refs) -> bool:
    """Say whether a bracket pair at the very end reads well as it is: a known label, ``[1]``, ``[^note]``."""
    return not rest and (
        _LITERAL_OPENING.match("[" + text + "]") is not None or normalizeReference(text) in refs
    )


def _closed(content: str) -> str:
    """Close every emphasis and strikethrough that is open at the end."""
    state = StateInline(content, MD, {"references": Refs()}, [])
    MD.inline.tokenize(state)
    link_pairs(state)
    closers = []
    for delimiter in state.delimiters:
        if delimiter.open and delimiter.end < 0 and not _inside_word(state.tokens, delimiter):
            marker = chr(delimiter.marker)
            closers.append(marker * 2 if marker == "~" else marker)
    return content.rstrip() + "".join(reversed(closers)) if closers else content


def _inside_word(tokens: list[Token], delimiter: Delimiter) -> bool:
    """Say whether a letter or digit stands before the run: ``2*3`` is seldom emphasis."""
    at = delimiter.token - 1
    while at >= 0 and tokens[at].content and not tokens[at].content.strip(chr(delimiter.marker)):
        at -= 1
    return at >= 0 and tokens[at].content[-1:].isalnum()
