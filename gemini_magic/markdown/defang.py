"""Makes Markdown harmless for front ends that render it as trusted Markdown; it never makes HTML.

It edits the source line by line (tags escaped, images and unsafe links taken apart), then reads the result as
a permissive renderer would; whatever still holds an element or an unsafe address is shown as code instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt

from .highlight import language_of
from .parser import Refs, blocks_of
from .safe import link_allowed, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from markdown_it.token import Token

__all__ = ["defang"]

_CODE_SPAN: Final = re.compile(r"(\\.)|(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)
_CELL_BORDER: Final = re.compile(r"(?<!\\)\|")
_IMAGE: Final = re.compile(r"!\[([^\[\]`<>!]*)\]\(\s*<?([^\s()<>`]+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
_AUTOLINK: Final = re.compile(r"<(https?://[^\s<>`\"]+)>", re.IGNORECASE)
# What may follow "](" or "]:" for it to stay a link.
_TARGET: Final = re.compile(r"[ \t]*<?((?:https?://|mailto:)[^\s<>()\[\]`\"'&\\]+)", re.IGNORECASE)
_FENCE_LINE: Final = re.compile(r"((?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*)(`{3,}|~{3,})(.*)")
_BACKTICKS: Final = re.compile(r"`+")


class _Permissive(MarkdownIt):
    """Reads as the front end might: HTML on, every address taken."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - the parser's name
        return True


_JUDGE: Final = _Permissive("commonmark", {"html": True}).enable(["table", "strikethrough"])


def defang(text: str) -> str:
    """Return Markdown that shows the same answer and can do nothing when its HTML is trusted.

    Code fences, lists, tables and ordinary links are left as they are. When a text cannot be made
    safe with its markup (a stray fence in a strange place, say), it comes back as one block of code.
    """
    text = visible(text)
    for edit in (_outside_code_spans, _everywhere):
        edited = _edited(text, edit)
        if _harmless(edited):
            return edited
    return _as_code(text)


def _edited(text: str, edit: Callable[[str], str]) -> str:
    """Apply ``edit`` to the source outside fences, a block of inline content at a time."""
    lines = text.split("\n")
    result = list(lines)
    done = 0
    for first, last, kind in _regions(blocks_of(text, Refs())):
        if first < done:  # cells of one row, or the paragraph of an item that was seen already
            continue
        result[done:first] = [edit(line) for line in lines[done:first]]
        if kind == "fence":
            result[first:last] = _tidy_fence(lines[first:last])
        elif kind == "table":
            result[first:last] = [_edit_row(line, edit) for line in lines[first:last]]
        else:
            result[first:last] = edit("\n".join(lines[first:last])).split("\n")
        done = last
    result[done:] = [edit(line) for line in lines[done:]]
    return "\n".join(result)


def _regions(tokens: list[Token]) -> Iterable[tuple[int, int, str]]:
    for token in tokens:
        if token.map is None:
            continue
        if token.type == "fence":
            yield token.map[0], token.map[1], "fence"
        elif token.type == "table_open":
            yield token.map[0], token.map[1], "table"
        elif token.type == "inline":
            yield token.map[0], token.map[1], "inline"


def _edit_row(line: str, edit: Callable[[str], str]) -> str:
    return "|".join(edit(cell) for cell in _CELL_BORDER.split(line))


def _tidy_fence(lines: list[str]) -> list[str]:
    """Keep of the opening line what it must say: an info string can carry anything."""
    match = _FENCE_LINE.fullmatch(lines[0])
    if match:
        lines = [match[1] + match[2] + language_of(match[3]), *lines[1:]]
    return lines


def _outside_code_spans(source: str) -> str:
    """Edit a block of inline source, leaving its code spans alone."""
    pieces: list[str] = []
    at = 0
    for match in _CODE_SPAN.finditer(source):
        if match[2]:
            pieces += [_everywhere(source[at : match.start()]), match[0]]
            at = match.end()
    return "".join([*pieces, _everywhere(source[at:])])


def _everywhere(source: str) -> str:
    source = _IMAGE.sub(_image_as_text, source)
    source = source.replace("![", "&#33;[")
    source = _without_unsafe_targets(source)
    pieces: list[str] = []
    at = 0
    for match in _AUTOLINK.finditer(source):
        if link_allowed(match[1]):
            pieces += [source[at : match.start()].replace("<", "&lt;"), match[0]]
            at = match.end()
    return "".join([*pieces, source[at:].replace("<", "&lt;")])


def _image_as_text(match: re.Match[str]) -> str:
    alt, url = match[1].strip() or "image", match[2]
    return f"[{alt}]({url})" if link_allowed(url) else f"{alt} (`{url}`)"


def _without_unsafe_targets(source: str) -> str:
    """Take a link apart unless its address is one of the allowed kind, written plainly."""
    pieces: list[str] = []
    at = 0
    for match in re.finditer(r"\]([(:])", source):
        target = _TARGET.match(source, match.end())
        if not target or not link_allowed(target[1]):
            pieces += [source[at : match.start()], "]\\", match[1]]
            at = match.end()
    return "".join([*pieces, source[at:]])


def _harmless(text: str) -> bool:
    """Read the text with HTML on and say whether nothing in it is markup of the model's own."""
    env: dict[str, Any] = {}
    tokens = _JUDGE.parse(text, env)
    return all(
        _plain(token) and all(_plain(child) for child in token.children or ()) for token in tokens
    ) and all(link_allowed(definition["href"]) for definition in env.get("references", {}).values())


def _plain(token: Token) -> bool:
    if token.type in {"html_block", "html_inline", "image"}:
        return False
    if token.type == "fence":
        return token.info.strip().lower() == language_of(token.info)
    return token.type != "link_open" or link_allowed(str(token.attrGet("href")))


def _as_code(text: str) -> str:
    """Return the text as one fence longer than any run of back-ticks in it."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}\n"
