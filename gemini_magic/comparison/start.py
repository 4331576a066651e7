"""Sends the requests of a comparison: all are checked before the first one is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from .. import tools as toolbox
from ..api import Preview, begin, check_request, preview, repair_notice
from ..content import Request, Text, Turn
from ..conversation import answer_open_calls
from ..errors import GeminiMagicError, Interrupted
from ..ledger import answer_turns
from ..options import Options
from ..recording import ReplayedColumn
from ..schema import repair_prompt
from ..text import one_line
from .comparison import Comparison
from .plan import ColumnPlan

if TYPE_CHECKING:
    from ..response import Response
    from ..tools import Tool, ToolUser

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
        tools: the functions that the request offers.
    """

    plan: ColumnPlan
    request: Request
    options: Options
    sources: Mapping[str, str]
    tools: Sequence[Tool] = ()


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
    user_of: Callable[[str], ToolUser] = toolbox.console_user,
    sent: Callable[[PlannedRequest, Response], None] | None = None,
) -> Comparison:
    """Send the requests of all columns and return at once; the answers arrive in the background.

    Whatever waits for the comparison runs the functions of the answers, and asks again for those that do not fit their schema
    (``--repair``).

    Args:
        columns: the columns, which share the room that the notebook has for pictures, audio and videos.
        ask_key: asks the user for a key when none is found; None where the user cannot be asked.
        notices: messages about the requests, which each response notes.
        user_of: how the user is asked whether a function of a column may run, by the label of the column.
        sent: called with each request that was sent and its response, also with those that ask again.

    Raises:
        UsageProblem: a request or a key is missing something. Nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    columns = [_with_share(each, len(columns)) for each in columns]
    check_columns(columns, ask_key=ask_key)
    senders = [_ColumnSender(each, position, ask_key, user_of, sent) for position, each in enumerate(columns)]
    responses: list[Response] = []
    try:
        for sender in senders:
            responses.append(sender.send(notices))  # noqa: PERF401 - those that were sent are cancelled after an error
    except BaseException:
        for response in responses:
            if response.stream is not None:
                response.stream.cancel("stop")
        raise
    again = [sender.ask_again if sender.options.repair else None for sender in senders]
    return Comparison(responses, [each.plan.label for each in columns], again)


def _with_share(column: PlannedRequest, count: int) -> PlannedRequest:
    """A column with its share of the size of media that a notebook stores."""
    options = replace(column.options, media_size=column.options.media_size / count)
    return column._replace(options=options)


class _ColumnSender:
    """Sends the requests of one column: the first one, and those that ask again.

    Args:
        planned: the first request.
        position: the place of the column, from 0.
        ask_key, user_of, sent: as for :func:`start_columns`.

    Attributes:
        options: the options of the column.
    """

    def __init__(
        self,
        planned: PlannedRequest,
        position: int,
        ask_key: Callable[[str], str] | None,
        user_of: Callable[[str], ToolUser],
        sent: Callable[[PlannedRequest, Response], None] | None,
    ) -> None:
        self.options = planned.options
        self._planned = planned
        self._position = position
        self._ask_key, self._user_of, self._sent = ask_key, user_of, sent
        self._played = 0

    def send(self, notices: Sequence[str]) -> Response:
        """Send the request and return its response at once; raises as :func:`start_columns`."""
        planned, plan = self._planned, self._planned.plan
        started = begin(
            planned.request,
            planned.options,
            ask_key=self._ask_key,
            notices=notices,
            sources=planned.sources,
            tools=planned.tools,
            tool_user=self._user_of(plan.label) if planned.tools else None,
            column=ReplayedColumn(plan.label, self._position, plan.sample, self._played),
        )
        if self._sent is not None:
            self._sent(planned, started.response)
        return started.response

    def ask_again(self, response: Response) -> Response | None:
        """Ask again for an answer that does not fit its schema; None if it fits, or was requested often enough.

        Args:
            response: the newest response of the column, which has ended.

        Raises:
            GeminiMagicError: the request is not valid.
        """
        number, error = len(response.repaired_from) + 1, response.parse_error
        answer = answer_turns(response.ledger)
        if number > self.options.repair or not response.needs_repair() or error is None or not answer:
            return None
        request = self._planned.request
        turns = (*request.turns, *answer, Turn("user", (Text(repair_prompt(error)),)))
        settings = structs.replace(request.settings, tool_choice=None)
        request = structs.replace(request, turns=answer_open_calls(turns), settings=settings)
        options = replace(self._planned.options, tool_choice=None)
        self._planned = self._planned._replace(request=request, options=options)
        self._played += len(response.ledger.exchanges)
        found = self.send((repair_notice(number, self.options.repair),))
        found.repaired_from = (*response.repaired_from, response)
        return found


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
