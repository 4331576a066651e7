"""Heals the last inline source of a growing text: what is open at its end is closed, shown as text or left out.

It knows inline markup only. ``heal_blocks`` decides which inline source is the last one and what is held back
before it.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.balance_pairs import link_pairs

from .bare_urls import last_url
from .delimiters import is_cjk
from .footnotes import PARTIAL_REFERENCE
from .images import open_data_image
from .inline_html import PAIR_LENGTH, PARTIAL_HTML, pair_tags
from .math import FORMULA_START, FormulaSpans, is_likely_formula, pending_token, split_opening
from .parser import MD, References

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

__all__ = ["heal_inline"]

_DELIMITERS: Final = frozenset("*_~`$\\[")
_PARTIAL_BEGIN: Final = re.compile(r"\\(?:b|be|beg|begi|begin(?:\{[a-z]{0,9}\*?)?)$")
_PARTIAL_ENTITY: Final = re.compile(r"&#?[A-Za-z0-9]{0,31}$")
_CODE_RUN: Final = re.compile(r"\\.|`+", re.DOTALL)
_BRACKET: Final = re.compile(r"\\.|!?\[|\]", re.DOTALL)
_LITERAL_OPENING: Final = re.compile(r"\[(?:$|[\s\d^]|[xX](?:\]|$))")
_MAX_LINK: Final = 2000  # characters before the end within which an unfinished link is looked for
_MAX_PARENTHESES: Final = 33  # with the one that opens a destination; the parser accepts no deeper nesting
_MAX_NESTING: Final = 4  # links inside images inside links; deeper nesting is an attack, not an answer
_MAX_OPEN: Final = 40  # emphasis and tags that are open at once; if there are more, they stay text


def heal_inline(token: Token, references: References) -> None:
    """Heal the inline source of a token; an unfinished formula at its end becomes a separate token in ``meta``."""
    content = token.content
    image = open_data_image(content)
    content = content[:image] if image >= 0 else content
    formulas = FormulaSpans(content)
    if FORMULA_START.search(content) or "<!--" in content:
        MD.inline.tokenize(StateInline(content, MD, {"references": References(), "formulas": formulas}, []))
    code = _unclosed_code(_mask(content, [*formulas.spans, *formulas.comments]))
    limit = len(content) if code is None else code[0]
    hidden = min((at for at in formulas.open_comments if at < limit), default=-1)
    if hidden >= 0:
        content, limit = content[:hidden], hidden
    at = next((at for at in sorted(formulas.open) if at < limit and is_likely_formula(content[at:])), -1)
    if at >= 0:
        token.meta["pending"] = pending_token(token, *split_opening(content[at:]))
        content = content[:at]
    spans = sorted({*formulas.spans, *formulas.comments})
    spans = [span for span in spans if span[1] <= len(content)]
    token.content = _heal_source(content, spans, references)
    if at >= 0 and content[-1:].isspace() and not token.content[-1:].isspace():
        token.meta["pending"].info = " "


def _mask(content: str, spans: list[tuple[int, int]]) -> str:
    """Replace the characters in some spans with ``x``; the length stays the same."""
    pieces, at = [], 0
    for start, stop in spans:
        if start >= at:
            pieces += [content[at:start], "x" * (stop - start)]
            at = stop
    return "".join([*pieces, content[at:]])


def _heal_source(content: str, spans: list[tuple[int, int]], references: References) -> str:
    """Return inline source whose open code, links and emphasis at the end are closed or dropped.

    Args:
        content: the source.
        spans: the formulas and comments in it, whose characters are not markup.
        references: the link definitions.
    """
    present = set(content) if spans else set()
    placeholder = next((char for char in map(chr, range(0xE000, 0xF8FF)) if char not in present), "")
    formulas: list[str] = []
    pieces: list[str] = []
    at = 0
    for start, stop in spans if placeholder else []:
        if start >= at:
            pieces += [content[at:start], placeholder]
            formulas.append(content[start:stop])
            at = stop
    healed = _heal_code_and_links("".join([*pieces, content[at:]]), references)
    if formulas:
        first, *others = healed.split(placeholder)
        healed = "".join([first, *chain.from_iterable(zip(formulas, others, strict=False))])
    return _close_emphasis(healed)


def _heal_code_and_links(content: str, references: References) -> str:
    code = _unclosed_code(content)
    if code is not None:
        start, ticks = code
        inner = content[start + len(ticks) :].rstrip("`")
        span = ticks + inner + ticks if inner.strip() else ""
        return _heal_links((content[:start] + span).rstrip(), references)
    # A half-typed URL is no link yet: it would lead to another host.
    content = _PARTIAL_BEGIN.sub("", content)
    url = last_url(content)
    content = f"{content[:url]}\\{content[url:]}" if url >= 0 else content
    content = PARTIAL_REFERENCE.sub("", _drop_partial_html(_PARTIAL_ENTITY.sub("", content)))
    return _drop_trailing_delimiters(_heal_links(content, references))


def _code_spans(content: str) -> Iterator[tuple[int, int]]:
    """Yield where each code span begins and ends; the end is -1 if the closing back-ticks are missing."""
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


def _unclosed_code(content: str) -> tuple[int, str] | None:
    """Return the position and the back-ticks of the first code span that is not closed."""
    for start, stop in _code_spans(content):
        if stop < 0:
            run = re.match("`+", content[start:])
            return (start, run[0]) if run else None
    return None


def _mask_code(content: str) -> str:
    """Mask the code spans in the content; the length stays the same."""
    return _mask(content, [span for span in _code_spans(content) if span[1] >= 0])


def _drop_trailing_delimiters(content: str) -> str:
    """Drop a run of delimiters at the end, unless it ends a code span."""
    end = last = len(content) - content.endswith("\n")
    while end and (
        content[end - 1] in _DELIMITERS or (content[end - 1] == "!" and content[end : end + 1] == "[")
    ):
        end -= 1
    return content if end == last else content[: max(end, _last_code_end(content))].rstrip()


def _last_code_end(content: str) -> int:
    return max((stop for _, stop in _code_spans(content)), default=0)


def _drop_partial_html(content: str) -> str:
    match = PARTIAL_HTML.search(content)
    return content[: match.start()] if match and match.start() >= _last_code_end(content) else content


def _heal_links(content: str, references: References) -> str:
    """Replace an unfinished link at the end by its text, and drop an unfinished image."""
    begin = max(0, len(content) - _MAX_LINK)
    for _ in range(_MAX_NESTING):
        shorter = _heal_one_link(content, begin, references)
        if shorter == content:
            break
        content = shorter
    return content


def _heal_one_link(content: str, resume: int, references: References) -> str:
    masked = _mask_code(content)
    openings: list[re.Match[str]] = []
    for match in _BRACKET.finditer(masked, resume):
        if match.start() < resume or match[0][0] == "\\":
            continue
        if match[0] != "]":
            openings.append(match)
        elif openings:
            opening = openings.pop()
            end = _destination_end(masked, match.end())
            inner = content[opening.end() : match.start()]
            if end < 0 and not _is_complete(inner, masked[match.end() :], references):
                return content[: opening.start()] + ("" if opening[0] == "![" else inner)
            resume = max(end, match.end())
    for opening in openings:
        bracket = opening.end() - 1
        if opening[0] == "![":
            return content[: opening.start()]
        if (
            not _LITERAL_OPENING.match(content, bracket)
            and not content[max(0, bracket - 1) : bracket].isalnum()
        ):
            return content[:bracket] + content[bracket + 1 :]
    return content


def _destination_end(text: str, at: int) -> int:
    """Return where the destination behind a link's text ends; -1 if it is unfinished or may still begin.

    If no destination can be there, whatever follows, the end is its beginning.
    """
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
        if depth > _MAX_PARENTHESES:
            return at
    return -1


def _is_complete(text: str, rest: str, references: References) -> bool:
    """Return whether brackets at the very end stay as they are: ``[1]``, ``[^note]`` or a label that is defined."""
    return not rest and (
        _LITERAL_OPENING.match("[" + text + "]") is not None or normalizeReference(text) in references
    )


def _close_emphasis(content: str) -> str:
    """Close every emphasis, strikethrough and tag that is open at the end."""
    state = StateInline(content, MD, {"references": References()}, [])
    MD.inline.tokenize(state)
    link_pairs(state)
    closers: dict[int, str] = {}  # by the index of the token that they close
    steps = {}
    for delimiter, before in zip(state.delimiters, _tokens_before(state), strict=True):
        if delimiter.end >= 0:
            steps[delimiter.token], steps[state.delimiters[delimiter.end].token] = 1, -1
        elif delimiter.open and not _ends_in_word(before):
            marker = chr(delimiter.marker)
            closers[delimiter.token] = marker * 2 if marker == "~" else marker
    for index in pair_tags(state.tokens, steps):
        if state.tokens[index].meta["at"] >= len(content) - PAIR_LENGTH:
            closers[index] = f"</{state.tokens[index].tag}>"
    if not 0 < len(closers) <= _MAX_OPEN:
        return content
    return content.rstrip() + "".join(closers[index] for index in sorted(closers, reverse=True))


def _tokens_before(state: StateInline) -> Iterator[Token | None]:
    """Yield for each delimiter the token before its run of delimiters; None at the beginning."""
    last_index, last_marker, before = -2, -1, -1
    for delimiter in state.delimiters:
        marker = chr(delimiter.marker)
        at = delimiter.token - 1
        while at >= 0 and state.tokens[at].content and not state.tokens[at].content.strip(marker):
            if at == last_index and delimiter.marker == last_marker:
                at = before
                break
            at -= 1
        last_index, last_marker, before = delimiter.token, delimiter.marker, at
        yield state.tokens[at] if at >= 0 else None


def _ends_in_word(token: Token | None) -> bool:
    """Return whether the text before delimiters ends in a letter or digit: ``2*3`` is seldom emphasis.

    Chinese, Japanese and Korean words are not separated by spaces, so their letters do not count.
    """
    last = token.content[-1:] if token else ""
    return last.isalnum() and not is_cjk(last)
