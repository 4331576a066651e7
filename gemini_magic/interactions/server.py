"""The requests about stored interactions, each on the caller's thread, and the functions that users call.

An interaction is one answer that a server stores. It can run there without a connection, as those of agents do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import structs

from ..api import begin, closing_on_error
from ..backends import Backend, HttpRequest, InteractionsApi, RemoteInteraction, backend
from ..client import Key, StartedInteraction, endpoint_of, fetch_body
from ..config import CALL, resolve
from ..content import Text
from ..credentials import find_key
from ..errors import Interrupted, OptionError, ServiceError, WireError
from ..journaling import started_interactions
from ..ledger import Exchange
from ..options import Options
from ..prompts import build_request
from ..response import Response, response_from_exchanges
from ..tables import Column, Columns, Rows
from .states import known_states, readable_state

__all__ = [
    "InteractionRow",
    "InteractionServer",
    "asked_options",
    "cancel",
    "delete",
    "follow",
    "get",
    "interaction_rows",
    "list",
    "options_for",
    "state",
]

_NOT_FOUND: Final = 404
_GONE: Final = (
    "Servers delete interactions after some time, and another key cannot read them. "
    "`%gemini interactions list` lists those that were started here."
)
_OTHER_BACKEND: Final = "Select a backend that does, for instance with `--backend interactions` (in Python: backend='interactions')."


class InteractionRow(NamedTuple):
    """One row of the table of interactions.

    Attributes:
        id: its id.
        name: the agent, or the model.
        state: what it does, such as ``in progress`` or ``completed``.
        started: when it was started, in local time.
        question: the beginning of the prompt.
    """

    id: str
    name: str
    state: str
    started: str
    question: str


class InteractionServer:
    """The interactions of one key at one server.

    Args:
        options: the address of the server and the limits.
        ask_key: asks the user for a key if none is found; None in a session without a user.

    Raises:
        OptionError: the backend stores no interactions.
        CredentialsError: there is no key.
    """

    def __init__(self, options: Options, ask_key: Callable[[str], str] | None = None) -> None:
        self._options = options
        self._backend: Backend = backend(options.backend)
        if self._backend.interactions is None:
            raise OptionError(
                f"The {self._backend.name} backend stores no interactions.", remedy=_OTHER_BACKEND
            )
        self._api: InteractionsApi = self._backend.interactions
        self._endpoint = endpoint_of(options)
        self._key: Key | None = find_key(self._backend, options, ask=ask_key)

    def state(self, interaction: str) -> RemoteInteraction:
        """The state of an interaction now.

        Raises:
            OptionError: the id is not valid.
            WireError: the server's answer is not an interaction.
            GeminiMagicError: the server was not reached, or it answered with an error.
        """
        return self._read(interaction, self._fetched(self._api.get(self._endpoint, interaction)))

    def response(self, interaction: str) -> Response:
        """The answer of an interaction, as far as the server has it. An unfinished one has the status ``interrupted``.

        Raises:
            OptionError, WireError, GeminiMagicError: as :meth:`state`.
        """
        http = self._api.get(self._endpoint, interaction)
        body = self._fetched(http)
        found = self._read(interaction, body)
        exchange = Exchange(http.method, http.url, http.headers, http.body, backend=self._backend.name)
        exchange.mark_sent(0.0)
        exchange.set_head(200, headers=(("content-type", "application/json"),))
        exchange.pieces.append((0.0, body))
        exchange.finish("still arriving" if found.running else "eof")
        response = response_from_exchanges(Response, [exchange], self._backend.name)
        response.ledger.set_source("network", started=found.created or datetime.now(UTC))
        if found.running:
            response.ledger.replace_error(_unfinished(found))
        return response

    def cancel(self, interaction: str) -> RemoteInteraction:
        """Stop an interaction that runs in the background. Its state may change a moment later.

        Raises:
            OptionError, WireError, GeminiMagicError: as :meth:`state`.
        """
        return self._read(interaction, self._fetched(self._api.cancel(self._endpoint, interaction)))

    def delete(self, interaction: str) -> None:
        """Delete an interaction from the server, and forget it.

        Raises:
            OptionError, GeminiMagicError: as :meth:`state`.
        """
        self._fetched(self._api.delete(self._endpoint, interaction))
        started_interactions().remove([interaction])

    def _fetched(self, http: HttpRequest) -> bytes:
        try:
            return fetch_body(http, self._backend, self._options, self._key)
        except ServiceError as error:
            if error.code == _NOT_FOUND:
                error.remedy = _GONE
            raise

    def _read(self, interaction: str, body: bytes) -> RemoteInteraction:
        """The interaction in an answer; its state is remembered."""
        try:
            found = self._api.read(msgspec.json.decode(body or b"{}"))
        except (ValueError, RecursionError):
            found = None
        if found is None:
            raise WireError("The server's answer is not an interaction.", remedy="Check --base-url.")
        if found.status:
            started_interactions().set_status(interaction, found.status)
        return found


def _unfinished(found: RemoteInteraction) -> Interrupted:
    """The error of an answer that the server has not finished."""
    return Interrupted(
        f"The interaction is {readable_state(found.status)}: the server has not finished it.",
        remedy="`%gemini interactions follow ID` waits for the answer; `%gemini interactions cancel ID` stops it.".replace(
            "ID", found.id
        ),
    )


def options_for(interaction: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that select the server of an interaction: those with which it was started, and those that are given.

    Args:
        interaction: its id.
        given: options by name; they replace those with which it was started.
    """
    found = started_interactions().find(interaction)
    # An answer that is stored selects a backend that stores answers, unless another one is configured.
    return {**({"server_store": True} if found is None else found.server), **given}


def asked_options(interaction: str) -> dict[str, Any]:
    """The options of the request that started an interaction, by name; of one that was started elsewhere, only that it is stored.

    Args:
        interaction: its id.
    """
    found = started_interactions().find(interaction)
    if found is None:
        return {"server_store": True, "server_background": True}
    name = {"agent" if found.is_agent else "model": found.name} if found.name else {}
    return {**found.server, **name, "server_store": True, "server_background": found.background}


def interaction_rows(
    started: Sequence[StartedInteraction], states: Mapping[str, str]
) -> Rows[InteractionRow]:
    """The interactions as a table.

    Args:
        started: the interactions, in the order of the rows.
        states: the newest state of each by its id, as :func:`known_states` returns them.
    """
    declared = [Column(name, "string") for name in InteractionRow._fields]
    columns: Columns[InteractionRow] = Columns(InteractionRow, declared, show_all=True)
    for each in started:
        moment = datetime.fromtimestamp(each.started, UTC).astimezone().isoformat(" ", "minutes")
        columns.append(each.id, each.name, states[each.id], moment, each.question)
    return Rows(columns)


def _server(interaction: str, options: Mapping[str, Any]) -> InteractionServer:
    return InteractionServer(resolve(options_for(interaction, options), source=CALL)[0])


def list(*, ask: bool = True) -> Rows[InteractionRow]:  # noqa: A001 - `gemini_magic.interactions.list()`
    """List the interactions that were started from this computer and stored on a server, newest first.

    The API has no list: interactions that were started elsewhere, or that the server did not store, are not in it.

    Args:
        ask: whether to ask the servers for the states of unfinished interactions; otherwise the last known ones are shown.
    """
    started = started_interactions().all()
    states = known_states(started, lambda each: _server(each.id, {}).state(each.id) if ask else None)
    return interaction_rows(started, states)


def state(interaction: str, **options: Any) -> RemoteInteraction:
    """Ask the server for the state of an interaction.

    Args:
        interaction: its id.
        options: any option of ``%%gemini`` by name. The server of an interaction that was started here is known.

    Raises:
        UsageProblem: an option or the id is not valid, there is no key, or the backend stores no interactions.
        GeminiMagicError: the server was not reached, or it answered with an error.
    """
    return _server(interaction, options).state(interaction)


def get(interaction: str, **options: Any) -> Response:
    """Fetch the answer of an interaction, as far as the server has it. An unfinished one has the status ``interrupted``.

    Args:
        interaction: its id.
        options: as for :func:`state`.

    Raises:
        UsageProblem, GeminiMagicError: as :func:`state`.
    """
    return _server(interaction, options).response(interaction)


def follow(interaction: str, **options: Any) -> Response:
    """Read the answer of an interaction while the server makes it, and wait for its end.

    Interrupting the wait cancels an interaction that runs in the background on its server, and raises ``Interrupted``.

    Args:
        interaction: its id.
        options: as for :func:`state`.

    Returns:
        The response, whatever its status.

    Raises:
        UsageProblem: as :func:`state`.
        Interrupted: the user interrupted the wait.
    """
    found = started_interactions().find(interaction)
    resolved, sources = resolve(options, previous=asked_options(interaction), source=CALL)
    request = build_request((Text("" if found is None else found.question),), resolved, ())
    response, stream = begin(structs.replace(request, stored_id=interaction), resolved, sources=sources)
    with closing_on_error(response, stream.close):
        return response.wait()


def cancel(interaction: str, **options: Any) -> RemoteInteraction:
    """Stop an interaction that runs in the background; returns its state, which may change a moment later.

    Args:
        interaction: its id.
        options: as for :func:`state`.

    Raises:
        UsageProblem, GeminiMagicError: as :func:`state`.
    """
    return _server(interaction, options).cancel(interaction)


def delete(interaction: str, **options: Any) -> None:
    """Delete an interaction from the server.

    Args:
        interaction: its id.
        options: as for :func:`state`.

    Raises:
        UsageProblem, GeminiMagicError: as :func:`state`.
    """
    _server(interaction, options).delete(interaction)
