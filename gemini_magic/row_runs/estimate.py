"""Estimates what rows would cost in each service tier, from some counted rows and from the answers that the store has.

Counting tokens is free and sends the prompts of the counted rows to the server, not to the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from ..backends import Backend
from ..catalog import count_request_tokens
from ..client import endpoint_of, plan_media
from ..content import Request, Turn
from ..errors import CredentialsError, GeminiMagicError, OptionError
from ..options import Options
from ..views import TierPrice
from .budget import token_rates
from .limits import tokens_of
from .store import Store
from .values import Wanted

__all__ = ["AnswerTokens", "EvenSample", "PromptTokens", "answer_tokens", "prompt_tokens", "tier_prices"]

SAMPLE: Final = 20
_ANSWERS: Final = 2000  # answers of the store that are averaged
_GUESS: Final = 250  # tokens of an answer of which nothing is known
_ENOUGH: Final = 3  # counted rows from which a line is fitted
_TIERS: Final = ("standard", "flex", "batch")
_NOTES: Final = {
    "flex": "answers can take minutes, and are refused while the servers are busy",
    "batch": "mostly within minutes, at most a day",
}


class EvenSample:
    """Keeps rows that are spread evenly over an input whose length is not known.

    Attributes:
        rows, size: all rows that were added, and the bytes of their prompts.
    """

    def __init__(self, most: int = SAMPLE) -> None:
        self.rows = self.size = 0
        self._most = most
        self._stride = 1
        self._kept: list[Wanted] = []

    def add(self, wanted: Wanted) -> None:
        """Add the next row."""
        if self.rows % self._stride == 0:
            self._kept.append(wanted)
            if len(self._kept) >= 2 * self._most:
                self._kept = self._kept[::2]
                self._stride *= 2
        self.rows += 1
        self.size += wanted.size

    @property
    def chosen(self) -> list[Wanted]:
        """At most as many rows as asked for, spread evenly, with the first one."""
        count = min(self._most, len(self._kept))
        return [self._kept[at * len(self._kept) // count] for at in range(count)]


class PromptTokens(NamedTuple):
    """The tokens of all prompts, estimated.

    Attributes:
        total: tokens, with the system instruction and the tools of each request.
        sentence: how they were found.
        counted: how many rows were counted; 0 if the number comes from bytes alone.
    """

    total: float
    sentence: str
    counted: int = 0


class AnswerTokens(NamedTuple):
    """The tokens of an answer, thinking included.

    Attributes:
        each: tokens.
        sentence: what is assumed, and why.
    """

    each: float
    sentence: str


def prompt_tokens(
    sample: EvenSample,
    request: Request,
    dialect: Backend,
    options: Options,
    ask_key: Callable[[str], str] | None = None,
) -> PromptTokens:
    """Count the tokens of some rows, and estimate those of all.

    Without a key, without a server that counts, and if counting fails, the bytes of the prompts are used.

    Args:
        sample: the rows.
        request: a request of the run, whose last turn is replaced by each row's prompt.
        dialect: the backend.
        options: the address and the limits.
        ask_key: asks the user for a key; None where the user cannot be asked.
    """
    pairs: list[tuple[int, int]] = []
    why = "this server does not count them"
    if dialect.count is not None:
        why = "none could be counted"
        for wanted in sample.chosen:
            try:
                tokens = _count(
                    replace(request, turns=(Turn("user", wanted.parts),)), dialect, options, ask_key
                )
            except CredentialsError:
                why = "no key was found"
                break
            except GeminiMagicError as error:
                why = f"counting failed: {error.message.rstrip('.')}"
                break
            if tokens is not None:
                pairs.append((wanted.size, tokens))
    if not pairs:
        return PromptTokens(
            tokens_of(sample.size),
            f"The tokens of the prompts are estimated from their bytes, because {why}.",
        )
    fixed, slope = _line(pairs)
    total = fixed * sample.rows + slope * sample.size
    of = f"{len(pairs)} of {sample.rows:,} rows" if len(pairs) < sample.rows else "all rows"
    return PromptTokens(total, f"The server counted the tokens of {of}, which is free.", len(pairs))


def _count(
    request: Request, dialect: Backend, options: Options, ask_key: Callable[[str], str] | None
) -> int | None:
    """The tokens of a request; None if it has media that would have to be uploaded for it."""
    if plan_media(request, dialect, options).uploads:
        return None
    return count_request_tokens(request, options, ask_key).total


def _line(pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Tokens of a request without its prompt, and tokens for each byte of the prompt, by least squares."""
    sizes = [size for size, _ in pairs]
    tokens = [count for _, count in pairs]
    mean_size, mean_tokens = sum(sizes) / len(pairs), sum(tokens) / len(pairs)
    spread = sum((size - mean_size) ** 2 for size in sizes)
    if len(pairs) >= _ENOUGH and spread > 0:
        slope = sum((size - mean_size) * (count - mean_tokens) for size, count in pairs) / spread
        fixed = mean_tokens - slope * mean_size
        if slope >= 0 and fixed >= 0:
            return fixed, slope
    return (0.0, mean_tokens / mean_size) if mean_size else (mean_tokens, 0.0)


def answer_tokens(store: Store | None, options: Options) -> AnswerTokens:
    """What an answer has, from the answers in the store, else from ``max_tokens``, else a guess.

    Args:
        store: the store, None if there is none yet.
        options: the longest answer.
    """
    found: list[int] = []
    if store is not None:
        for batch in store.results():
            found += [
                row.tokens_out + (row.tokens_thought or 0) for row in batch if row.tokens_out is not None
            ]
            if len(found) >= _ANSWERS:
                break
    if found:
        each = sum(found) / len(found)
        answers = "the answer" if len(found) == 1 else f"the average of {len(found):,} answers"
        return AnswerTokens(
            each, f"Answers are assumed to have {each:,.0f} tokens with thinking: {answers} in the store."
        )
    if options.max_tokens is not None:
        return AnswerTokens(
            options.max_tokens,
            f"Answers are assumed to have {options.max_tokens:,} tokens with thinking (max_tokens), so the prices are the "
            "highest possible.",
        )
    return AnswerTokens(
        _GUESS,
        f"Answers are assumed to have {_GUESS} tokens with thinking, which is a guess: limit=20 and a store measure it.",
    )


def tier_prices(
    dialect: Backend, request: Request, options: Options, tokens_in: float, tokens_out: float
) -> tuple[TierPrice, ...]:
    """The cost of all rows in each tier that the backend has; empty if no price is known.

    Args:
        dialect: the backend.
        request: a request of the run.
        options: the model, the server, and the prices of the user; list prices are those of the provider's own hosts.
        tokens_in: tokens of all prompts.
        tokens_out: tokens of all answers, with thinking.
    """
    tiers = [*_TIERS, *(["priority"] if options.service_tier == "priority" else [])]
    found = []
    url = dialect.url(options.model, endpoint_of(options))
    for tier in tiers:
        rates = token_rates(dialect, dataclasses.replace(options, service_tier=tier), url)
        if rates is not None and _has_tier(dialect, request, options, tier):
            found.append(TierPrice(tier, rates.cost(tokens_in, tokens_out), _NOTES.get(tier, "")))
    return tuple(found)


def _has_tier(dialect: Backend, request: Request, options: Options, tier: str) -> bool:
    if tier == "batch":
        return dialect.batches is not None
    if tier == "standard":
        return True
    settings = replace(request.settings, service_tier=tier)
    try:
        dialect.encode(replace(request, settings=settings), endpoint_of(options))
    except OptionError:
        return False
    return True
