"""What tokens look like: HTML that still has to pass ``sanitize.sanitize_html``.

It draws what the library draws otherwise, or not at all; which token stands where is the parser's to say.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from .footnotes import draw_mark
from .highlight import highlight, language_of
from .images import DATA_ONLY, drawn, spoken
from .math import draw_formula, draw_pending
from .sanitize import link_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

__all__ = ["RULES", "is_open_fence"]


def is_open_fence(token: Token) -> bool:
    """Say whether this is a fence whose closing line has not come."""
    return token.type == "fence" and not token.meta.get("closed")


# The rules below are methods of the library's renderer, called with the same five arguments each.
def _draw_fence(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[idx]
    language = language_of(token.info)
    attribute = f' class="language-{language}"' if language else ""
    code = escape(token.content, quote=False) if is_open_fence(token) else highlight(token.content, language)
    return f"<pre><code{attribute}>{code}</code></pre>\n"


def _words(tokens: Sequence[Token]) -> str:
    """Return an image's description as text."""
    pieces = []
    for token in tokens:
        if token.type == "image":
            pieces.append(_words(token.children or ()) or token.content)
        else:
            pieces.append(" " if token.type in {"softbreak", "hardbreak"} else token.content)
    return "".join(pieces)


def _draw_image(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: EnvType
) -> str:
    token = tokens[idx]
    url = str(token.attrGet("src") or "")
    alt = _words(token.children or ()) or token.content
    image = drawn(url, alt, env.get("images", DATA_ONLY))
    if image:
        return image
    host = spoken(url) if url.startswith("data:") else link_host(url)
    label = escape(f"image: {alt or 'no description'}" + (f" ({host})" if host else ""))
    if link_host(url) and not token.meta.get("linked"):
        label = f'<a href="{escape(url)}" title="Opens the image at {escape(host)}">{label}</a>'
    return f'<span class="gm-image">{label}</span>'


def _draw_task(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f'<span class="gm-task">{tokens[idx].content}</span>'


def _draw_nothing(*_: Any) -> str:
    return ""


def _draw_table_open(*_: Any) -> str:
    return '<div class="gm-table"><table>\n'


def _draw_table_close(*_: Any) -> str:
    return "</table></div>\n"


RULES: Final = {
    "fence": _draw_fence,
    "image": _draw_image,
    "task": _draw_task,
    "nothing": _draw_nothing,
    "table_open": _draw_table_open,
    "table_close": _draw_table_close,
    "formula": draw_formula,
    "formula_block": draw_formula,
    "pending": draw_pending,
    "note_mark": draw_mark,
}
"""How to draw a token, by its type."""
