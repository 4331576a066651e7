"""The table of log probabilities, which displays the text with each token shaded by its probability.

Color is not the only sign: a token that was improbable is underlined, too, and its tooltip has the numbers. Everything is
in inline styles, so that the display also works in a saved, untrusted notebook and in light and dark themes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Any, Final

from ..backends import backend
from ..ledger import Ledger, LogprobRow, logprob_rows
from ..tables import Rows
from ..text import visible

__all__ = ["TokenRows", "answer_heat_html", "answer_heat_text"]

_MAX_TOKENS: Final = 3_000  # that are displayed; each takes some 200 characters of HTML
_MAX_IN_ANSWER: Final = 800  # in an answer, which is saved in the notebook
_FIRST_CHUNKS: Final = 20  # of which one has probabilities if the answer has any
_LEAST: Final = 5  # improbable tokens that a sentence names
_CERTAIN: Final = 0.9  # the probability of a token that is not worth naming
_ALTERNATIVES: Final = 5  # in a tooltip
_TOKEN: Final = 60  # characters of a token in a tooltip
_COLOR: Final = (
    "230,120,0"  # orange: darker on white, lighter on black, and distinct for all kinds of color vision
)
_STRONGEST: Final = 0.6  # opacity of the color for a probability of 0
# Up to which probability a token has an underline, and its style.
_LINES: Final = ((0.1, "2px solid"), (0.5, "2px dotted"))
_SAMPLES: Final = (0.99, 0.7, 0.3, 0.05)


class TokenRows(Rows[LogprobRow]):
    """The tokens of an answer with their log probabilities; displayed as shaded text above the table."""

    def _repr_html_(self) -> str:
        """Return the text with its shades, and the first and last rows as a table."""
        return f"{heat_html(self)}{super()._repr_html_()}"


def answer_heat_html(ledger: Ledger) -> str:
    """Return a folded section of an answer with its tokens; empty if their probabilities did not arrive.

    Args:
        ledger: the record of an answer that has ended.
    """
    rows = _answer_rows(ledger)
    found = "" if rows is None else heat_html(rows, most=_MAX_IN_ANSWER)
    return (
        f'<details class="gm-code gm-heat"><summary>Token probabilities</summary>{found}</details>'
        if found
        else ""
    )


def answer_heat_text(ledger: Ledger) -> str:
    """Return the same as one sentence: how probable the tokens were, and which of them least; not free of control characters.

    Args:
        ledger: the record of an answer that has ended.
    """
    rows = _answer_rows(ledger)
    if rows is None:
        return ""
    tokens = list(islice((row for row in rows if row.candidate == 0), _MAX_IN_ANSWER + 1))
    scored = [
        (probability, row)
        for row in tokens[:_MAX_IN_ANSWER]
        if (probability := _probability(row.logprob)) is not None
    ]
    if not scored:
        return ""
    mean = sum(probability for probability, _ in scored) / len(scored)
    first = "the first " if len(tokens) > _MAX_IN_ANSWER else ""
    least = [
        f"{row.token[:_TOKEN]!r} {_percent(probability)}"
        for probability, row in sorted(scored, key=lambda each: each[0])[:_LEAST]
        if probability < _CERTAIN
    ]
    text = f"Token probabilities: {_percent(mean)} on average of {first}{len(scored):,} token{'' if len(scored) == 1 else 's'}"
    return f"{text}; the least probable are {', '.join(least)}." if least else f"{text}."


def _answer_rows(ledger: Ledger) -> Iterable[LogprobRow] | None:
    """The tokens of an answer; None if their probabilities did not arrive."""
    read = backend(ledger.backend).token_scores
    if not any(read(chunk.raw) for chunk in islice(ledger.raw, _FIRST_CHUNKS)):
        return None
    return logprob_rows(ledger, read)


def heat_html(rows: Iterable[LogprobRow], most: int = _MAX_TOKENS) -> str:
    """Return the text of the tokens, each shaded by its probability; empty without tokens.

    Args:
        rows: the tokens; those of candidate 0 are shown.
        most: how many of them are shown.
    """
    tokens = list(islice((row for row in rows if row.candidate == 0), most + 1))
    if not tokens:
        return ""
    text = "".join(map(_token_html, tokens[:most]))
    more = ""
    if len(tokens) > most:
        where = "" if most == _MAX_TOKENS else f", <code>r.logprobs</code> shows {_MAX_TOKENS:,}"
        more = f" Only the first {most:,} tokens are shown{where}."
    samples = " ".join(f'<span style="{_style(p)}">{p:.0%}</span>' for p in _SAMPLES)
    return (
        '<div class="mathjax_ignore tex2jax_ignore" role="region" aria-label="Log probabilities">'
        f'<div style="white-space:pre-wrap">{text}</div>'
        f"<p><small>Probability of each token: {samples}.{more}</small></p></div>"
    )


def _probability(logprob: float | None) -> float | None:
    return None if logprob is None else math.exp(min(0.0, logprob))


def _style(probability: float) -> str:
    shade = round(_STRONGEST * (1 - probability), 2)
    line = next((line for limit, line in _LINES if probability <= limit), "")
    return f"background-color:rgba({_COLOR},{shade})" + (f";border-bottom:{line}" if line else "")


def _token_html(row: LogprobRow) -> str:
    token = escape(visible(row.token)).replace("\n", "&#8629;<br>")
    probability = _probability(row.logprob)
    if probability is None:
        return f"<span>{token}</span>"
    title = escape(f"{_percent(probability)}{_alternatives(row)}")
    return f'<span title="{title}" style="{_style(probability)}">{token}</span>'


def _percent(probability: float) -> str:
    return f"{probability:.2%}" if probability < 0.01 or 0.99 < probability < 1 else f"{probability:.0%}"  # noqa: PLR2004 - one percent


def _alternatives(row: LogprobRow) -> str:
    """The best alternatives to a token, for its tooltip."""
    found: list[Any] = json.loads(row.json)["alternatives"]
    others = [
        f"{visible(token)[:_TOKEN]!r} {_percent(probability)}"
        for token, logprob in found
        if token != row.token and (probability := _probability(logprob)) is not None
    ]
    return f"; also {', '.join(others[:_ALTERNATIVES])}" if others else ""
