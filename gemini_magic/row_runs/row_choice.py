"""Which rows of a run a retry asks again: those with some statuses, or those that a mask selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, get_args

from ..errors import OptionError
from .values import RowStatus

__all__ = ["RowChoice", "chosen_rows"]

_STATUSES: Final = tuple(each for union in get_args(RowStatus) for each in get_args(union) or (union,))
_LISTS: Final = ("to_list", "tolist", "to_pylist")  # of polars, pandas and NumPy, and Arrow


class RowChoice(NamedTuple):
    """The rows that a retry asks again.

    Attributes:
        statuses: their statuses; None for those without an answer whose failure may pass.
        mask: for each row of the results, whether it is asked again; None if the statuses decide.
    """

    statuses: tuple[str, ...] | None = None
    mask: Sequence[bool] | None = None


def chosen_rows(given: Any, count: int) -> RowChoice:
    """The rows that an argument of ``retry`` names.

    Args:
        given: None, a status, several statuses, or a mask: a column or list with one bool for each row of the results.
        count: the number of rows of the results.

    Raises:
        OptionError: it is neither, or the mask has another length.
    """
    if given is None:
        return RowChoice()
    if isinstance(given, str):
        given = [given]
    values = _listed(given)
    if any(each is True or each is False for each in values):
        if any(each is not True and each is not False for each in values):
            raise OptionError(
                "The mask has values that are neither True nor False.",
                remedy="Fill the missing ones, in pandas with mask.fillna(False).",
            )
        if len(values) != count:
            raise OptionError(
                f"The mask has {len(values):,} values, and the results have {count:,} rows.",
                remedy="Make the mask from run.df, without filtering it.",
            )
        return RowChoice(mask=values)
    if unknown := [each for each in values if each not in _STATUSES]:
        raise OptionError(
            f"status={unknown[0]!r} is not a status of a row.",
            remedy=f"Use {', '.join(_STATUSES)}, or a mask with one bool for each row of run.df.",
        )
    return RowChoice(tuple(values))


def _listed(given: Any) -> list[Any]:
    """The values of a column or list.

    Raises:
        OptionError: it is neither.
    """
    method = next((found for name in _LISTS if (found := getattr(given, name, None)) is not None), None)
    try:
        values = list(given) if method is None else method()
    except TypeError:
        values = None
    if not isinstance(values, list) or isinstance(given, dict | bytes):
        raise OptionError(
            f"status must be a status, a list of statuses or a mask, not {type(given).__name__}.",
            remedy=f"Use {', '.join(_STATUSES)}, or a mask with one bool for each row of run.df.",
        )
    return values
