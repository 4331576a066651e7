"""Decides for each row of the input whether it is asked: what the store holds for it, and what the user wants then."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from ..content import Text
from ..errors import OptionError
from .budget import TokenRates, dollars_text
from .keys import show_key
from .limits import tokens_of
from .plan import Plan
from .progress import ProgressCounter
from .store import Store
from .store_schema import DONE, IN_DOUBT
from .store_values import Match
from .values import Grant, Wanted

__all__ = ["Admission", "Checked", "InDoubt", "Stale", "asked_before", "check_store", "limited"]

Stale: TypeAlias = Literal["stop", "keep", "again"]
InDoubt: TypeAlias = Literal["stop", "skip", "again"]

_MOST_ATTEMPTS: Final = 3  # of a row in doubt: it may be the row that ends the process
_NAMED: Final = 3  # keys in a message
_MOST_LEFT: Final = 10_000  # rows that are remembered from the check to the run
_MOST_LEFT_BYTES: Final = 16_000_000  # of their prompts


class _Found(NamedTuple):
    """Rows of one kind that the store holds."""

    rows: int
    tokens: float
    keys: tuple[str, ...]

    def add(self, wanted: Wanted) -> _Found:
        keys = self.keys if len(self.keys) == _NAMED else (*self.keys, show_key(wanted.key))
        return _Found(self.rows + 1, self.tokens + tokens_of(wanted.size), keys)

    @property
    def listed(self) -> str:
        return ", ".join(self.keys) + (" …" if self.rows > len(self.keys) else "")


class Checked:
    """What the check of a store has found about all rows, so that the input is not read a second time.

    Attributes:
        done: rows with their answer, in their place.
        left: the other rows; None if they are too many to be remembered.
        last: the rows with the highest position and sample.
    """

    def __init__(self) -> None:
        self.done = 0
        self.left: list[Wanted] | None = []
        self.last: dict[str, Wanted] = {}
        self._bytes = 0

    def add(self, wanted: Wanted, match: Match) -> None:
        """Add a row, in the order of the input."""
        self.last["position"] = wanted
        if wanted.sample >= self.last.setdefault("sample", wanted).sample:
            self.last["sample"] = wanted
        if match.placed and match.state == DONE:
            self.done += 1
        elif self.left is not None:
            self.left.append(wanted)
            self._bytes += wanted.size
            if len(self.left) > _MOST_LEFT or self._bytes > _MOST_LEFT_BYTES or _has_media(wanted):
                self.left = None

    def batches(self, size: int = 500) -> Iterator[list[Wanted]]:
        """The rows that are left, in batches."""
        left = iter(self.left or ())
        while batch := list(islice(left, size)):
            yield batch


def _has_media(wanted: Wanted) -> bool:
    return any(type(part) is not Text for part in wanted.parts)


def limited(batches: Iterable[list[Wanted]], limit: int | None) -> Iterator[list[Wanted]]:
    """The rows whose position is below a limit."""
    for batch in batches:
        if limit is None or batch[-1].position < limit:
            yield batch
            continue
        if kept := [wanted for wanted in batch if wanted.position < limit]:
            yield kept
        return


def is_stale(match: Match) -> bool:
    """Whether the key of a row stands for another request, and the wanted one has no answer yet."""
    return match.changed and not (match.request is not None and match.state == DONE)


def check_store(
    plan: Plan,
    store: Store,
    *,
    limit: int | None,
    stale: Stale,
    in_doubt: InDoubt,
    rates: TokenRates | None,
) -> Checked | None:
    """Refuse to run over rows whose answers belong to other requests, or that are in doubt, before anything is sent.

    Args:
        plan: what the rows ask.
        store: the store.
        limit: the rows of the input that count, None for all.
        stale: what to do with rows whose answers belong to other requests.
        in_doubt: what to do with rows that were sent and not answered.
        rates: the prices of the model.

    Returns:
        What was found; None if nothing was checked, or too many rows are left.

    Raises:
        OptionError: there are such rows, and the user has not decided about them.
    """
    if not plan.source.again or "stop" not in (stale, in_doubt) or not store.runs():
        return None
    checked = Checked()
    old = doubtful = _Found(0, 0.0, ())
    for batch in limited(plan.batches(), limit):
        for wanted, match in zip(batch, store.match(batch), strict=True):
            checked.add(wanted, match)
            if is_stale(match):
                old = old.add(wanted)
            elif match.state == IN_DOUBT:
                doubtful = doubtful.add(wanted)
    if old.rows and stale == "stop":
        raise _stale_error(old, plan, store, rates)
    if doubtful.rows and in_doubt == "stop":
        raise _doubt_error(doubtful, store, rates)
    return None if checked.left is None else checked


def _price(found: _Found, store: Store, rates: TokenRates | None) -> str:
    """What asking rows again may cost, as a sentence; empty where it is not known."""
    answered = [row.tokens_out or 0 for row in next(store.results(200), []) if row.tokens_out is not None]
    if rates is None:
        return " No price is known."
    each = sum(answered) / len(answered) if answered else 0.0
    return f" Asking them again costs about {dollars_text(rates.cost(found.tokens, found.rows * each))}."


def _stale_error(found: _Found, plan: Plan, store: Store, rates: TokenRates | None) -> OptionError:
    reasons = plan.stale_reasons(asked_before(store))
    rows = "1 row has an answer" if found.rows == 1 else f"{found.rows:,} rows have answers"
    why = "; ".join(reasons)
    return OptionError(
        f"{rows} to another request ({found.listed}). {why}{'' if why.endswith('?') else '.'}{_price(found, store, rates)} Nothing was sent.",
        remedy='stale="again" asks them again and keeps the old answers in the store; stale="keep" shows the old answers.',
    )


def asked_before(store: Store) -> dict[str, Any]:
    """What the last run of a store asked for; empty for a new store."""
    try:
        value = json.loads(store.runs()[-1].options)
    except (ValueError, IndexError):
        return {}
    return value if isinstance(value, dict) else {}


def _doubt_error(found: _Found, store: Store, rates: TokenRates | None) -> OptionError:
    were = "1 row was" if found.rows == 1 else f"{found.rows:,} rows were"
    return OptionError(
        f"{were} sent before an earlier run ended, and not answered ({found.listed}). They may have been paid."
        f"{_price(found, store, rates)} Nothing was sent.",
        remedy='in_doubt="again" asks them again; in_doubt="skip" leaves them out.',
    )


class Admission:
    """Turns the rows of the input into grants, a batch at a time.

    Args:
        store: the store, in which the run has begun.
        progress: counts the rows that are not asked.
        stale, in_doubt: as in :func:`check_store`; ``stop`` raises when such a row is met.
        open_requests: the requests that are waiting or in flight in this run.
    """

    def __init__(
        self,
        store: Store,
        progress: ProgressCounter,
        *,
        stale: Stale,
        in_doubt: InDoubt,
        open_requests: Container[int],
    ) -> None:
        self._store = store
        self._progress = progress
        self._stale = stale
        self._in_doubt = in_doubt
        self._open = open_requests
        self._has_problem = False

    def admit(self, batch: list[Wanted]) -> list[Grant]:
        """Store what the rows ask for; returns the first attempts of those that are to be asked.

        Raises:
            OptionError: a row is stale or in doubt, and the user has not decided about such rows.
            StoreError: the store cannot be read or written.
        """
        add: list[Wanted] = []
        keep: list[Wanted] = []
        asked: dict[int, Match] = {}  # by its place in `add`
        for wanted, match in zip(batch, self._store.match(batch), strict=True):
            if wanted.hash and is_stale(match) and self._stale != "again":
                if self._stale == "stop":
                    raise _met("has an answer to another request", wanted, 'stale="again" or stale="keep"')
                self._progress.count_unasked("stale")
                keep.append(wanted)
                continue
            if self._is_asked(wanted, match):
                asked[len(add)] = match
            elif match.placed:
                continue
            add.append(wanted)
        if keep:
            self._store.keep(keep)
        ids = self._store.add(add) if add else []
        return list(self._grants(add, ids, asked))

    def _is_asked(self, wanted: Wanted, match: Match) -> bool:
        reason = ""
        if not wanted.hash:
            reason = wanted.status
        elif match.request is not None and match.state == DONE:
            reason = "done"
        elif match.request is not None and match.state == IN_DOUBT:
            if self._in_doubt == "stop":
                raise _met("was sent and not answered", wanted, 'in_doubt="again" or in_doubt="skip"')
            if self._in_doubt == "skip":
                reason = "in_doubt"
            elif match.attempts >= _MOST_ATTEMPTS:
                reason = "in_doubt"
                self._progress.add_notice(
                    f"Rows that are in doubt after {_MOST_ATTEMPTS} attempts are not asked again, because such a row may be what "
                    'ends the process. run.retry(status="in_doubt") asks them.'
                )
        if reason:
            self._progress.count_unasked(reason)
        if wanted.problem and not self._has_problem:
            self._has_problem = True
            self._progress.add_notice(
                f"Rows whose prompt cannot be made are skipped, and `_error` says why. The first: {wanted.problem}"
            )
        return not reason

    def _grants(self, add: list[Wanted], ids: list[int | None], asked: dict[int, Match]) -> Iterator[Grant]:
        taken: set[int] = set()
        for place, match in asked.items():
            request = ids[place]
            if request is None:
                continue
            if request in taken or request in self._open:
                self._progress.count_unasked("shared")
                continue
            taken.add(request)
            yield Grant(request, match.attempts + 1, add[place])


def _met(what: str, wanted: Wanted, keywords: str) -> OptionError:
    return OptionError(f"The row {show_key(wanted.key)} {what}.", remedy=f"Decide with {keywords}.")
