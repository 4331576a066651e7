"""Limits how much HTML the references of an answer may become.

A link definition is written once and may be used in every third character after it: ``[a]: https://x.y/zzz…`` and then
``[a][a][a]…``. So 160 kB of Markdown would become 252 MB of HTML. Each use therefore counts with the characters of its
address and title, in the order of the text. As soon as the sum passes the budget, that use and all later ones are shown
without a link. The sum depends only on the text before, so a growing view agrees with the rendering of the whole text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.token import Token

__all__ = [
    "BUDGET",
    "NOTICE",
    "ReferenceUse",
    "exceeds_budget",
    "is_limited",
    "limit_references",
    "limit_state",
]

BUDGET: Final = 500_000
"""Characters of addresses and titles that all uses of definitions may add to an answer."""

NOTICE: Final = "from here on, links that repeat a definition are shown as text"
"""What the first use beyond the budget is preceded by."""


class ReferenceUse(NamedTuple):
    """One use of a link definition.

    Attributes:
        opening: the token of the image, or the one that opens the link.
        closing: the token that closes the link; None for an image.
    """

    opening: Token
    closing: Token | None

    @property
    def cost(self) -> int:
        """Characters that the definition adds at this place."""
        return sum(len(str(value)) for value in self.opening.attrs.values())


def exceeds_budget(spent: int) -> bool:
    """Return whether the uses of definitions with this cost are more than may be shown."""
    return spent > BUDGET


def limit_references(tokens: Iterable[Token], spent: int) -> int:
    """Mark the uses of definitions that are beyond the budget, and those that are not.

    Args:
        tokens: block tokens whose inline content is parsed, in the order of the text.
        spent: the cost of all uses before them.

    Returns:
        The cost of all uses up to the end of the tokens.
    """
    for token in tokens:
        for use in token.meta.get("uses", ()) if token.type == "inline" else ():
            before, spent = spent, spent + use.cost
            limit = "" if spent <= BUDGET else "first" if before <= BUDGET else "later"
            use.opening.meta["limit"] = limit
            if use.closing is not None:
                use.closing.meta["limit"] = limit
    return spent


def limit_state(before: int, cost: int) -> int:
    """Return what the marks of some tokens depend on: equal values mean equal marks.

    Args:
        before: the cost of all uses before the tokens.
        cost: the cost of the uses in the tokens.
    """
    return -1 if before + cost <= BUDGET else min(before, BUDGET + 1)


def is_limited(token: Token) -> bool:
    """Return whether a token of a link or an image is beyond the budget."""
    return bool(token.meta.get("limit"))
