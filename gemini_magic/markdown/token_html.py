"""Renders the tokens that markdown-it does not render, or renders differently; the HTML is not yet sanitized.

Which tokens there are is decided in ``parser``.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from .expansion import NOTICE, is_limited
from .footnotes import render_footnote_reference
from .highlight import highlight, language_of
from .images import DATA_ONLY, describe_data_image, image_html
from .inline_html import render_hard_break, render_inline_tag
from .math import render_formula, render_pending
from .sanitize import link_host
from .source_marks import render_source_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

__all__ = ["RENDER_RULES", "is_open_fence"]


def is_open_fence(token: Token) -> bool:
    """Return whether this is a fence whose closing line is missing."""
    return token.type == "fence" and not token.meta.get("closed")


# The rules below become methods of the library's renderer, which calls each with the same five arguments.
def _render_fence(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[idx]
    language = language_of(token.info)
    attribute = f' class="language-{language}"' if language else ""
    code = escape(token.content, quote=False) if is_open_fence(token) else highlight(token.content, language)
    return f"<pre><code{attribute}>{code}</code></pre>\n"


def _plain_text(tokens: Sequence[Token]) -> str:
    """Return an image's description as text."""
    pieces = []
    for token in tokens:
        if token.type == "image":
            pieces.append(_plain_text(token.children or ()) or token.content)
        else:
            pieces.append(" " if token.type in {"softbreak", "hardbreak"} else token.content)
    return "".join(pieces)


def _render_image(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: EnvType
) -> str:
    """Render an image that may be shown; for any other a placeholder with its description and a link."""
    token = tokens[idx]
    url = str(token.attrGet("src") or "")
    alt = _plain_text(token.children or ()) or token.content
    if is_limited(token):
        return f'{_limit_notice(token)}<span class="gm-image">{escape(f"image: {alt}")}</span>'
    image = image_html(url, alt, env.get("images", DATA_ONLY))
    if image:
        return image
    origin = describe_data_image(url) if url.startswith("data:") else link_host(url)
    label = escape(f"image: {alt or 'no description'}" + (f" ({origin})" if origin else ""))
    if link_host(url) and not token.meta.get("linked"):
        label = f'<a href="{escape(url)}" title="Opens the image at {escape(origin)}">{label}</a>'
    return f'<span class="gm-image">{label}</span>'


def _limit_notice(token: Token) -> str:
    """Return the notice before the first link or image that is beyond the budget; ``""`` before all others."""
    return f'<span class="gm-image">{NOTICE}</span> ' if token.meta["limit"] == "first" else ""


def _render_link_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[idx]
    return _limit_notice(token) if is_limited(token) else self.renderToken(tokens, idx, options, env)


def _render_link_close(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    return "" if is_limited(tokens[idx]) else self.renderToken(tokens, idx, options, env)


def _render_task(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f'<span class="gm-task">{tokens[idx].content}</span>'


def _render_nothing(*_: Any) -> str:
    return ""


def _render_table_open(*_: Any) -> str:
    return '<div class="gm-table"><table>\n'


def _render_table_close(*_: Any) -> str:
    return "</table></div>\n"


RENDER_RULES: Final = {
    "fence": _render_fence,
    "image": _render_image,
    "link_open": _render_link_open,
    "link_close": _render_link_close,
    "task": _render_task,
    "nothing": _render_nothing,
    "comment": _render_nothing,
    "hardbreak": render_hard_break,
    "inline_tag": render_inline_tag,
    "table_open": _render_table_open,
    "table_close": _render_table_close,
    "formula": render_formula,
    "formula_block": render_formula,
    "pending": render_pending,
    "footnote_reference": render_footnote_reference,
    "source_mark": render_source_mark,
}
"""The function that renders a token, by the token's type."""
