r"""Formulas: ``$x$``, ``$$x$$``, ``\(x\)``, ``\[x\]`` and ``\begin{align}…\end{align}``, inside text and as blocks.

This module parses and renders formulas; ``tex_allowlist`` decides which of them a typesetter may receive.

The rules are made so that freezing stays exact. Inside a paragraph a formula is parsed like code: it ends at
the first matching delimiter, at most 2000 characters later. A formula block begins with the line that opens
it, whatever follows. It ends with the line that closes it, before a blank line, or where its list item or
quote ends. So each line is decided without the lines after it. A block that is not closed is a paragraph.
An environment such as ``align`` needs no delimiters; its ``\begin`` and ``\end`` belong to the formula.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final

from markdown_it.token import Token

from .tex_allowlist import is_typesettable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.utils import EnvType, OptionsDict

__all__ = [
    "BEGIN",
    "FORMULA_START",
    "FormulaSpans",
    "block_environment",
    "block_formula",
    "formula_source",
    "inline_environment",
    "inline_formula",
    "is_likely_formula",
    "may_open_block",
    "pending_token",
    "render_formula",
    "render_pending",
    "split_opening",
]

FORMULA_START: Final = re.compile(r"\$|\\[(\[]|\\begin\{")
"""The start of every formula, and of most other text with a dollar sign."""

BEGIN: Final = "\\begin"
"""The markup of a formula that is an environment; its TeX includes ``\\begin`` and ``\\end``."""

_ENVIRONMENT: Final = re.compile(
    r"\\begin\{(?P<name>(?:align|alignat|gather|multline|equation|eqnarray|flalign)\*?)\}"
)
_OPENING: Final = re.compile(r"\${1,3}|\\[(\[]")  # three dollar signs open nothing
_LINE_OPENING: Final = re.compile(r"\$\$(?![$)])|\\\[")
_CLOSING: Final = {
    "$": re.compile(r"\\.|\$+|`", re.DOTALL),  # a formula must not hide code
    "$$": re.compile(r"\\.|\$+", re.DOTALL),
    "\\(": re.compile(r"\\.", re.DOTALL),
    "\\[": re.compile(r"\\.", re.DOTALL),
}
_CLOSES: Final = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]", BEGIN: ""}
_MAX_INLINE: Final = 2_000  # characters of a formula inside a paragraph, and of a block on one line
_MAX_BLOCK: Final = 10_000  # characters of a block
_EMPTY: Final = re.compile(r"[\s\\]*")
_COMMANDS: Final = re.compile(r"\\(?:text\w*|mathrm|operatorname)\{[^{}]*\}?|\\[A-Za-z]+")
_TEX_SIGNS: Final = re.compile(r"\$\S*[\\^_{}]")
_WORDS: Final = re.compile(r"[A-Z_]{3}|[^\W\d_]{4}[^\W\d_]*\s|[^\W\d_]{2,}\s[^\W\d_]{2,}\s")
_UNFINISHED: Final = -1  # text that follows may still close it
_NOT_A_FORMULA: Final = -2  # it is not a formula, whatever follows


@dataclass
class FormulaSpans:
    """The positions of the formulas and comments in a text.

    A parse fills it in if it is in the environment as ``formulas``.

    Attributes:
        text: the same object as the text that is parsed; other texts, such as an image's description, are
            ignored.
        spans: the start and end of each formula, with its delimiters.
        open: where formulas begin that more text may complete.
        comments: the start and end of each comment.
        open_comments: where comments begin that more text may complete.
    """

    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    open_comments: list[int] = field(default_factory=list)


def _find_closing(text: str, at: int, end: int, opening: str) -> int:
    """Return where the closing delimiter of a formula begins.

    Args:
        text: the text.
        at: where the TeX begins.
        end: where the text ends.
        opening: the opening delimiter.

    Returns:
        A position, ``_UNFINISHED`` or ``_NOT_A_FORMULA``.
    """
    if at >= end:
        return _UNFINISHED
    if opening[0] == "$" and (text[at] == ")" or (opening == "$" and text[at].isspace())):
        return _NOT_A_FORMULA  # a price class such as ($), or a dollar sign alone
    for match in _CLOSING[opening].finditer(text, at, min(end, at + _MAX_INLINE)):
        found = match[0]
        if found == _CLOSES[opening]:
            fits = _EMPTY.fullmatch(text, at, match.start()) is None
            if opening == "$":
                after = text[match.end() : match.end() + 1] if match.end() < end else ""
                fits = fits and not text[match.start() - 1].isspace() and not ("0" <= after <= "9")
            return match.start() if fits else _NOT_A_FORMULA
        if found in {"`", opening} or (found[0] == "$" and (opening == "$" or len(found) > 1)):
            return _NOT_A_FORMULA
    return _UNFINISHED if end < at + _MAX_INLINE else _NOT_A_FORMULA


def inline_formula(state: StateInline, silent: bool) -> bool:
    """Parse a formula inside text."""
    start = state.pos
    match = _OPENING.match(state.src, start, state.posMax)
    if match is None or match[0] not in _CLOSES or (start and state.src[start - 1] == match[0] == "$"):
        return False
    opening = match[0]
    end = _find_closing(state.src, match.end(), state.posMax, opening)
    found: FormulaSpans | None = state.env.get("formulas")
    if found is not None and found.text is not state.src:
        found = None
    if end < 0:
        if found is not None and end == _UNFINISHED and state.posMax == len(state.src):
            found.open.append(start)
        return False
    state.pos = end + len(opening)
    if found is not None:
        found.spans.append((start, state.pos))
    if not silent:
        token = state.push("formula", "", 0)
        token.content = state.src[match.end() : end]
        token.markup = opening
    return True


def _end_of(environment: re.Match[str]) -> str:
    return f"\\end{{{environment['name']}}}"


def inline_environment(state: StateInline, silent: bool) -> bool:
    r"""Parse an environment inside text: it ends at the first ``\end`` with its name."""
    start = state.pos
    match = _ENVIRONMENT.match(state.src, start, state.posMax)
    if match is None:
        return False
    closing = _end_of(match)
    end = state.src.find(closing, match.end(), min(state.posMax, start + _MAX_INLINE))
    found: FormulaSpans | None = state.env.get("formulas")
    found = found if found is not None and found.text is state.src else None
    if end < 0:
        if found is not None and state.posMax == len(state.src) < start + _MAX_INLINE:
            found.open.append(start)
        return False
    state.pos = end + len(closing)
    if found is not None:
        found.spans.append((start, state.pos))
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = state.src[start : state.pos], BEGIN
    return True


def block_environment(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a block that consists of one environment; one that is not closed becomes a paragraph."""
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _ENVIRONMENT.match(line) if len(line) <= _MAX_INLINE else None
    if match is None:
        return False
    closing = _end_of(match)
    at = line.find(closing)
    if at >= 0 and line[at + len(closing) :].strip():
        return False
    if not silent:
        _push_block(state, start, end, line, BEGIN)
    return True


def block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a formula block; one that is not closed becomes a paragraph."""
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _LINE_OPENING.match(line)
    if match is None or len(line) > _MAX_INLINE:
        return False
    opening = match[0]
    rest = line[match.end() :]
    closing = _find_line_closing(rest, opening)
    alone = not rest or rest[0] in " \t" or opening == "$$"
    if rest[closing + 2 :].strip() if closing >= 0 else not alone:
        return False
    if not silent:
        _push_block(state, start, end, rest, opening)
    return True


def is_likely_formula(source: str) -> bool:
    """Return whether unfinished source will probably become a formula, and not a price or a name such as ``$HOME``.

    Args:
        source: the end of the text, from an opening delimiter on.
    """
    if source[0] == "\\" or source.startswith("$$"):
        return source != "$$"
    rest = _COMMANDS.sub("", source[1:])
    if source[1:2].isdigit():
        return _TEX_SIGNS.match(source) is not None
    return len(source) > 1 and not _WORDS.search(rest)


def may_open_block(line: str) -> bool:
    """Return whether an unfinished line may become a formula block or the beginning of one."""
    return len(line) <= _MAX_INLINE and line.lstrip(" \t").startswith(("$$", "\\[", BEGIN))


def _find_line_closing(line: str, opening: str) -> int:
    """Return where a line closes a formula block; -1 if it does not."""
    for match in _CLOSING[opening].finditer(line):
        if match[0] == _CLOSES[opening]:
            return match.start()
    return -1


def _push_block(state: StateBlock, start: int, end: int, rest: str, opening: str) -> None:
    """Add the tokens of a formula block, or of a paragraph if the block is not closed.

    Args:
        state: the parser's state.
        start: the first line.
        end: the line after the last one available.
        rest: the first line behind the delimiter, or the whole first line of an environment.
        opening: the delimiter.
    """
    environment = _ENVIRONMENT.match(rest) if opening == BEGIN else None
    closing = _end_of(environment) if environment else ""  # it belongs to the TeX
    lines: list[str] = []
    line, size, closed, more = start, 0, False, True
    while more:
        size += len(rest)
        at = rest.find(closing) if closing else _find_line_closing(rest, opening)
        line += 1
        closed = at >= 0 and not rest[at + (len(closing) or 2) :].strip()
        lines.append(rest[: at + len(closing)] if closed else rest)
        more = at < 0 and line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent
        if more:
            rest = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
            more = size + len(rest) <= _MAX_BLOCK
    state.line = line
    tex = "\n".join(lines)
    if closed and not _EMPTY.fullmatch(tex):
        token = state.push("formula_block", "", 0)
        token.content, token.markup, token.map = tex, opening, [start, line]
        return
    token = state.push("paragraph_open", "p", 1)
    token.map = [start, line]
    # It ends by other rules than a paragraph does.
    token.meta["formula"] = "open" if at < 0 and line >= end else "ended"
    token = state.push("inline", "", 0)
    token.map, token.children = [start, line], []
    token.content = state.getLines(start, line, state.blkIndent, False).strip(" \t\n")
    state.push("paragraph_close", "p", -1)


def _formula_html(tex: str, *, display: bool) -> str:
    r"""Return TeX, escaped, between the delimiters that a typesetter looks for."""
    left, right = ("\\[", "\\]") if display else ("\\(", "\\)")
    return f"{left}{escape(tex.strip(), quote=False)}{right}"


def split_opening(source: str) -> tuple[str, str]:
    """Return the opening delimiter of a formula and the TeX after it; the TeX of an environment is the whole source."""
    if source.startswith(BEGIN):
        return BEGIN, source
    size = 1 if source[0] == "$" != source[1:2] else 2
    return source[:size], source[size:]


def pending_token(token: Token, opening: str, tex: str) -> Token:
    """Return a token for an unfinished formula, in the place of ``token``."""
    result = Token("pending", "", 0, map=token.map, level=token.level, markup=opening)
    result.content = tex.rstrip("$" if opening[0] == "$" else "\\")
    return result


def formula_source(token: Token) -> str:
    """Return the source of a formula, with its delimiters."""
    opening = "" if token.markup == BEGIN else token.markup
    return opening + token.content + _CLOSES[token.markup]


# The functions below become methods of the library's renderer.
def render_formula(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Render a formula for the typesetter, or its source as code."""
    token = tokens[idx]
    block = token.type == "formula_block"
    if not is_typesettable(token.content):
        source = escape(formula_source(token), quote=False)
        return (
            f'<pre><code class="language-tex">{source}</code></pre>\n' if block else f"<code>{source}</code>"
        )
    html = _formula_html(token.content, display=token.markup not in {"$", "\\("})
    kind, end = ("div", "\n") if block else ("span", "")
    return f'<{kind} class="mathjax_process tex2jax_process">{html}</{kind}>{end}'


def render_pending(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any
) -> str:
    """Render an unfinished formula as its source."""
    token = tokens[idx]
    left = "\\(" if token.markup in {"$", "\\("} else "\\["
    kind, end = ("div", "\n") if token.block else ("span", "")
    source = escape(token.content, quote=False)
    return f'{token.info}<{kind} class="gm-pending">{left}{source.strip()}</{kind}>{end}'
