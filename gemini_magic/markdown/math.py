r"""Formulas: ``$x$``, ``$$x$$``, ``\(x\)`` and ``\[x\]``, in a text and as a block of their own.

It finds formulas and draws them; what a typesetter may be given is judged in ``tex``.

The rules are made so that a growing text stays exact. Within a paragraph a formula is like code: it ends at the first
delimiter that fits, at most 2000 characters on. A block begins with the line that opens it, whatever follows, and ends
with the line that closes it, before a blank line, and where its list item or quote ends: lines decide, one by one,
and nobody has to look ahead. A block that is not closed is a paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final

from markdown_it.token import Token

from .tex_allowlist import typesettable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.utils import EnvType, OptionsDict

__all__ = [
    "FORMULA",
    "Found",
    "block_formula",
    "draw_formula",
    "inline_formula",
    "likely",
    "may_stand_alone",
    "pending",
]

FORMULA: Final = re.compile(r"\$|\\[(\[]")
"""What every formula begins with, and most other dollars too."""

_OPENING: Final = re.compile(r"\$+|\\[(\[]")
_LINE_OPENING: Final = re.compile(r"\$\$(?![$)])|\\\[")
_CLOSING: Final = {
    "$": re.compile(r"\\.|\$+|`", re.DOTALL),  # code within would be hidden
    "$$": re.compile(r"\\.|\$+", re.DOTALL),
    "\\(": re.compile(r"\\.", re.DOTALL),
    "\\[": re.compile(r"\\.", re.DOTALL),
}
_CLOSES: Final = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_FAR: Final = 2_000  # characters of a formula within a paragraph, and of a block on one line
_MOST: Final = 10_000  # characters of a block
_NOTHING: Final = re.compile(r"[\s\\]*")
_COMMANDS: Final = re.compile(r"\\(?:text\w*|mathrm|operatorname)\{[^{}]*\}?|\\[A-Za-z]+")
_SIGNS: Final = re.compile(r"\$\S*[\\^_{}]")
_WORDS: Final = re.compile(r"[A-Z_]{3}|[^\W\d_]{4}[^\W\d_]*\s|[^\W\d_]{2,}\s[^\W\d_]{2,}\s")
_OPEN: Final = -1  # it may still be closed by what comes
_NONE: Final = -2  # it is no formula, whatever comes


@dataclass
class Found:
    """Where the formulas of a text are; put into the environment of a parse under ``formulas`` it is filled.

    Attributes:
        text: the text, the very object that is parsed; others, such as an image's description, are not looked at.
        spans: of each formula its first character and the one after it.
        open: where formulas begin that more text may complete.
    """

    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    open: list[int] = field(default_factory=list)


def _end(text: str, at: int, end: int, opening: str) -> int:
    """Return where the closing delimiter of a formula begins whose TeX begins at ``at``."""
    if at >= end:
        return _OPEN
    if opening[0] == "$" and (text[at] == ")" or (opening == "$" and text[at].isspace())):
        return _NONE  # a class of prices, ($), or a lone sign
    for match in _CLOSING[opening].finditer(text, at, min(end, at + _FAR)):
        found = match[0]
        if found == _CLOSES[opening]:
            fits = _NOTHING.fullmatch(text, at, match.start()) is None
            if opening == "$":
                after = text[match.end() : match.end() + 1] if match.end() < end else ""
                fits = fits and not text[match.start() - 1].isspace() and not ("0" <= after <= "9")
            return match.start() if fits else _NONE
        if found in {"`", opening} or (found[0] == "$" and (opening == "$" or len(found) > 1)):
            return _NONE
    return _OPEN if end < at + _FAR else _NONE


def inline_formula(state: StateInline, silent: bool) -> bool:
    """Parse a formula within a text."""
    start = state.pos
    match = _OPENING.match(state.src, start, state.posMax)
    if match is None or match[0] not in _CLOSES or (start and state.src[start - 1] == match[0] == "$"):
        return False
    opening = match[0]
    end = _end(state.src, match.end(), state.posMax, opening)
    found: Found | None = state.env.get("formulas")
    if found is not None and found.text is not state.src:
        found = None
    if end < 0:
        if found is not None and end == _OPEN and state.posMax == len(state.src):
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


def block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a formula that has its lines for itself; one that is not closed there becomes a paragraph."""
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _LINE_OPENING.match(line)
    if match is None or len(line) > _FAR:
        return False
    opening = match[0]
    rest = line[match.end() :]
    closing = _closing(rest, opening)
    alone = not rest or rest[0] in " \t" or opening == "$$"
    if rest[closing + 2 :].strip() if closing >= 0 else not alone:
        return False
    if not silent:
        _push(state, start, end, rest, opening)
    return True


def likely(source: str) -> bool:
    """Say whether the source at the end of a growing text, from a delimiter on, will be a formula: no price, no name."""
    if source[0] == "\\" or source.startswith("$$"):
        return source != "$$"
    rest = _COMMANDS.sub("", source[1:])
    if source[1:2].isdigit():
        return _SIGNS.match(source) is not None
    return len(source) > 1 and not _WORDS.search(rest)


def may_stand_alone(line: str) -> bool:
    """Say whether an unfinished line may become a block, or the beginning of one."""
    return len(line) <= _FAR and line.lstrip(" \t").startswith(("$$", "\\["))


def _closing(line: str, opening: str) -> int:
    """Return where a line closes a block; -1 if it does not."""
    for match in _CLOSING[opening].finditer(line):
        if match[0] == _CLOSES[opening]:
            return match.start()
    return -1


def _push(state: StateBlock, start: int, end: int, rest: str, opening: str) -> None:
    """Add the tokens of a block whose first line goes on with ``rest`` behind the delimiter."""
    lines: list[str] = []
    line, size, closed, more = start, 0, False, True
    while more:
        size += len(rest)
        at = _closing(rest, opening)
        line += 1
        closed = at >= 0 and not rest[at + 2 :].strip()
        lines.append(rest[:at] if closed else rest)
        more = at < 0 and line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent
        if more:
            rest = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
            more = size + len(rest) <= _MOST
    state.line = line
    tex = "\n".join(lines)
    if closed and not _NOTHING.fullmatch(tex):
        token = state.push("formula_block", "", 0)
        token.content, token.markup, token.map = tex, opening, [start, line]
        return
    token = state.push("paragraph_open", "p", 1)
    token.map = [start, line]
    # It ends by other rules than a paragraph.
    token.meta["formula"] = "open" if at < 0 and line >= end else "over"
    token = state.push("inline", "", 0)
    token.map, token.children = [start, line], []
    token.content = state.getLines(start, line, state.blkIndent, False).strip(" \t\n")
    state.push("paragraph_close", "p", -1)


def formula_html(tex: str, *, display: bool) -> str:
    r"""Return TeX between the delimiters that a typesetter looks for, escaped."""
    left, right = ("\\[", "\\]") if display else ("\\(", "\\)")
    return f"{left}{escape(tex.strip(), quote=False)}{right}"


def pending(token: Token, opening: str, tex: str) -> Token:
    """Make a token for a formula that is being typed, in the place of ``token``."""
    made = Token("pending", "", 0, map=token.map, level=token.level, markup=opening)
    made.content = tex.rstrip("$" if opening[0] == "$" else "\\")
    return made


# Methods of the library's renderer.
def draw_formula(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Draw a formula, or its source as code."""
    token = tokens[idx]
    block = token.type == "formula_block"
    if not typesettable(token.content):
        source = escape(token.markup + token.content + _CLOSES[token.markup], quote=False)
        return (
            f'<pre><code class="language-tex">{source}</code></pre>\n' if block else f"<code>{source}</code>"
        )
    html = formula_html(token.content, display=token.markup not in {"$", "\\("})
    kind, end = ("div", "\n") if block else ("span", "")
    return f'<{kind} class="mathjax_process">{html}</{kind}>{end}'


def draw_pending(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any
) -> str:
    """Draw a formula that is being typed."""
    token = tokens[idx]
    left = "\\(" if token.markup in {"$", "\\("} else "\\["
    kind, end = ("div", "\n") if token.block else ("span", "")
    source = escape(token.content, quote=False)
    return f'{token.info}<{kind} class="gm-pending">{left}{source.strip()}</{kind}>{end}'
