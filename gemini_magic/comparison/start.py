"""Sends the requests of a comparison: all are checked before the first one is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from ..api import Preview, begin, check_request, preview
from ..content import Request
from ..errors import GeminiMagicError, Interrupted
from ..options import Options
from ..recording import ReplayedColumn
from ..text import one_line
from .comparison import Comparison
from .plan import ColumnPlan

__all__ = [
    "PlannedRequest",
    "RequestPreviews",
    "check_columns",
    "failure_of_all",
    "interruption",
    "preview_columns",
    "start_columns",
]


class PlannedRequest(NamedTuple):
    """The request of one column.

    Attributes:
        plan: the column.
        request: the request.
        options: its options.
        sources: the source of each option, as ``resolve`` returned them.
    """

    plan: ColumnPlan
    request: Request
    options: Options
    sources: Mapping[str, str]


class RequestPreviews(NamedTuple):
    """The exact requests of a comparison, as ``--dry-run`` shows them.

    Attributes:
        labels: the labels of the columns.
        requests: their requests.
    """

    labels: tuple[str, ...]
    requests: tuple[Preview, ...]

    def __repr__(self) -> str:
        pairs = zip(self.labels, self.requests, strict=True)
        return "\n\n".join(f"── {one_line(label)}\n{request!r}" for label, request in pairs)

    def _repr_html_(self) -> str:
        return "".join(
            f'<div class="mathjax_ignore tex2jax_ignore"><strong>{escape(one_line(label))}</strong>{request._repr_html_()}</div>'
            for label, request in zip(self.labels, self.requests, strict=True)
        )


def preview_columns(columns: Sequence[PlannedRequest]) -> RequestPreviews:
    """The requests that would be sent. Sends nothing and needs no key; raises as ``preview`` does."""
    found = tuple(preview(each.request, each.options, each.sources) for each in columns)
    return RequestPreviews(tuple(each.plan.label for each in columns), found)


def check_columns(columns: Sequence[PlannedRequest], *, ask_key: Callable[[str], str] | None = None) -> None:
    """Raise the errors of all requests before one is sent; arguments and errors as for :func:`start_columns`."""
    for position, each in enumerate(columns):
        column = ReplayedColumn(each.plan.label, position, each.plan.sample)
        check_request(each.request, each.options, ask_key=ask_key, sources=each.sources, column=column)


def start_columns(
    columns: Sequence[PlannedRequest],
    *,
    ask_key: Callable[[str], str] | None = None,
    notices: Sequence[str] = (),
) -> Comparison:
    """Send the requests of all columns and return at once; the answers arrive in the background.

    Args:
        columns: the columns.
        ask_key: asks the user for a key when none is found; None where the user cannot be asked.
        notices: messages about the requests, which each response notes.

    Raises:
        UsageProblem: a request or a key is missing something. Nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    check_columns(columns, ask_key=ask_key)
    responses = []
    try:
        for position, each in enumerate(columns):
            plan = each.plan
            started = begin(
                each.request,
                each.options,
                ask_key=ask_key,
                notices=notices,
                sources=each.sources,
                column=ReplayedColumn(plan.label, position, plan.sample),
            )
            responses.append(started.response)
    except BaseException:
        for response in responses:
            if response.stream is not None:
                response.stream.cancel("stop")
        raise
    return Comparison(responses, [each.plan.label for each in columns])


def interruption(comparison: Comparison) -> Interrupted:
    """The error of a comparison that the user interrupted; its ``comparison`` has everything that was received."""
    done = sum(each.ok for each in comparison)
    error = Interrupted(
        f"Interrupted: {done} of {len(comparison)} answers are complete.",
        remedy="The other columns have what was received.",
    )
    error.comparison = comparison  # type: ignore[attr-defined]
    return error


def failure_of_all(comparison: Comparison) -> GeminiMagicError | None:
    """The error to raise for a comparison of which no answer is usable; None if there is an answer to read."""
    errors = [each.error for each in comparison]
    if any(error is None or each.text for error, each in zip(errors, comparison, strict=True)):
        return None
    first = errors[0]
    return first if isinstance(first, GeminiMagicError) else None
