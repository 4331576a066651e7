"""The interface of a backend: a value that holds everything one API dialect does differently.

A new dialect is a module that defines a :class:`Backend`, and a row in ``registry``. Requests made here hold no key: the
client adds it last, and only for the hosts that the key belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from ..content import CallResult, Request
from ..events import Decoded, Failure, SafetyRating, TokenDetail, TokenScore, Usage
from .auth import Auth
from .http_request import Endpoint, Form, HttpRequest
from .interactions_api import (
    GetInteraction,
    InteractionsApi,
    RemoteInteraction,
    RequestedInteraction,
    ResumedDecoder,
)

__all__ = [
    "Auth",
    "Backend",
    "BatchAnswer",
    "BatchApi",
    "BatchState",
    "CountTokens",
    "Decoder",
    "Endpoint",
    "FilesApi",
    "Form",
    "GetInteraction",
    "HttpRequest",
    "InteractionsApi",
    "ListModels",
    "Model",
    "RemoteFile",
    "RemoteInteraction",
    "RemoteJob",
    "RequestedInteraction",
    "ResumedDecoder",
    "SentRequest",
    "TokenCount",
]


class Decoder(Protocol):
    """Decodes the JSON texts of one stream, in order.

    It may hold state: a dialect whose chunks refer to earlier ones keeps them here. The caller that creates a decoder
    owns it and decides how long it lives. A new one for each exchange is the rule; a caller may keep one over several
    exchanges when the second continues the stream of the first. One decoder belongs to one thread at a time.
    """

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode one JSON text; never raises.

        Args:
            raw: the JSON text as received.
            event: the name in the ``event:`` field of its server-sent event; None without one.
        """


# Anomalies of the framing that are normal for a form.
_FRAMING: Final[dict[Form, tuple[str, ...]]] = {
    "sse": (),
    "json": ("json-array", "json-object"),
    "whole": ("json-object",),
}


class TokenCount(NamedTuple):
    """How many tokens a request has; None if the server did not report it.

    Attributes:
        total: the whole request, system instruction and tools included.
        cached: the part that comes from cached content.
        by_modality: tokens by modality, such as ``{"TEXT": 5}``; empty where the server does not say.
    """

    total: int | None
    cached: int | None
    by_modality: dict[str, int]


class Model(NamedTuple):
    """One model of a server's list; None if the server did not report it.

    Attributes:
        name: the value of ``-m``.
        display_name: the name to show to people.
        input_limit, output_limit: in tokens.
        methods: the API methods that it supports; ``generateContent`` for answers.
        thinking: whether it can think.
    """

    name: str
    display_name: str | None
    input_limit: int | None
    output_limit: int | None
    methods: tuple[str, ...]
    thinking: bool | None


class CountTokens(NamedTuple):
    """How a dialect counts the tokens of a request.

    Attributes:
        encode: ``(request, endpoint)`` -> the HTTP request, without a key.
        decode: the JSON object that the server answers -> the count.
    """

    encode: Callable[[Request, Endpoint], HttpRequest]
    decode: Callable[[dict[str, Any]], TokenCount]


class ListModels(NamedTuple):
    """How a dialect lists its models, page by page.

    Attributes:
        encode: ``(endpoint, page token)`` -> the HTTP request, without a key; the first page has the empty token.
        decode: the JSON object that the server answers -> its models and the token of the next page, empty for the last.
    """

    encode: Callable[[Endpoint, str], HttpRequest]
    decode: Callable[[dict[str, Any]], tuple[list[Model], str]]


class RemoteFile(NamedTuple):
    """A file that was uploaded to a server. Texts are on one line, without control characters.

    Attributes:
        name: its id, such as ``files/abc123``.
        uri: the address that a request contains.
        display_name: the name that the user gave; empty if there is none.
        mime_type: its type.
        size: in bytes; None if the server did not report it.
        state: ``PROCESSING``, ``ACTIVE`` or ``FAILED``.
        created, expires: when it was uploaded, and when the server deletes it; None if the server did not report it.
        digest: the SHA-256 digest in hexadecimal; empty if the server did not report it.
        error: why it FAILED, in the server's words.
    """

    name: str
    uri: str
    display_name: str = ""
    mime_type: str = ""
    size: int | None = None
    state: str = "ACTIVE"
    created: datetime | None = None
    expires: datetime | None = None
    digest: str = ""
    error: str = ""


class FilesApi(NamedTuple):
    """How a dialect uploads files, by Google's resumable protocol, and lists and deletes them.

    Attributes:
        start: ``(endpoint, name, display name, MIME type, size)`` -> the request that begins an upload, without a key.
        get: ``(endpoint, name)`` -> the request for the state of a file.
        list: ``(endpoint, page token)`` -> the request for a page of the list; the first page has the empty token.
        delete: ``(endpoint, name)`` -> the request that deletes a file.
        read: the JSON value of an answer -> the file; None if there is none. Never raises.
        read_list: the JSON object of a page -> its files and the token of the next page, empty for the last.
        missing: the message of an HTTP error -> the name of the file that cannot be used; empty for another error.
    """

    start: Callable[[Endpoint, str, str, str, int], HttpRequest]
    get: Callable[[Endpoint, str], HttpRequest]
    list: Callable[[Endpoint, str], HttpRequest]
    delete: Callable[[Endpoint, str], HttpRequest]
    read: Callable[[Any], RemoteFile | None]
    read_list: Callable[[dict[str, Any]], tuple[Sequence[RemoteFile], str]]
    missing: Callable[[str], str]


BatchState: TypeAlias = Literal[
    "pending", "running", "succeeded", "failed", "cancelled", "expired", "unknown"
]
"""The state of a batch job, in no dialect; ``unknown`` for a value that this version does not know."""


class RemoteJob(NamedTuple):
    """A batch job as the server reports it. Texts are on one line, without control characters.

    Attributes:
        name: its id, such as ``batches/abc123``.
        display_name: the name that the client gave.
        state: its state.
        reported_state: the state in the server's words.
        ended: whether it will not change any more.
        created, finished: when it was created and when it ended; None if the server did not report it.
        requests, succeeded, failed, pending: numbers of its requests; None if the server did not report it.
        result_file: the id of the file with the results; empty if they are inside the answer, or if there are none.
        failure: why the whole job failed.
    """

    name: str
    display_name: str = ""
    state: BatchState = "unknown"
    reported_state: str = ""
    ended: bool = False
    created: datetime | None = None
    finished: datetime | None = None
    requests: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    pending: int | None = None
    result_file: str = ""
    failure: Failure | None = None


class BatchAnswer(NamedTuple):
    """The result of one request of a batch job.

    Attributes:
        key: the key that was sent with the request; None if the result has none.
        body: the JSON of the answer as received, or of an object with ``error``.
        failure: why this request failed; None if it has an answer.
    """

    key: str | None
    body: bytes
    failure: Failure | None = None


class BatchApi(NamedTuple):
    """How a dialect runs many requests as one job, at its own time and at a lower price.

    Attributes:
        inline_row: ``(request, key)`` -> the JSON text of a request inside the job.
        file_row: ``(request, key)`` -> the line of a request in an uploaded file, without the line feed.
        create_inline: ``(endpoint, model, display name, inline rows)`` -> the request that creates a job, without a key.
        create_from_file: ``(endpoint, model, display name, id of the uploaded file)`` -> the same for a file of rows.
        get, cancel, delete: ``(endpoint, name)`` -> the request for a job, to stop it, or to delete its record.
        list: ``(endpoint, page token)`` -> the request for a page of the list; the first page has the empty token.
        download: ``(endpoint, id of a file)`` -> the requests for the content of a file, in the order in which to try them.
        read: the JSON value of an answer -> the job; None if there is none. Never raises.
        read_list: the JSON object of a page -> its jobs, without results, and the token of the next page.
        inline_answers: the body of an answer to ``get`` -> the results inside it, and how many could not be read. Never
            raises.
        file_answer: a line of a file of results -> the result; None if it cannot be read. Never raises.
        file_type: the MIME type of an uploaded file of rows.
        max_inline: bytes that a job with its requests inside may have.
        max_file: bytes that an uploaded file of rows may have.
    """

    inline_row: Callable[[Request, str], bytes]
    file_row: Callable[[Request, str], bytes]
    create_inline: Callable[[Endpoint, str, str, Sequence[bytes]], HttpRequest]
    create_from_file: Callable[[Endpoint, str, str, str], HttpRequest]
    get: Callable[[Endpoint, str], HttpRequest]
    cancel: Callable[[Endpoint, str], HttpRequest]
    delete: Callable[[Endpoint, str], HttpRequest]
    list: Callable[[Endpoint, str], HttpRequest]
    download: Callable[[Endpoint, str], Sequence[HttpRequest]]
    read: Callable[[Any], RemoteJob | None]
    read_list: Callable[[dict[str, Any]], tuple[Sequence[RemoteJob], str]]
    inline_answers: Callable[[bytes], tuple[Sequence[BatchAnswer], int]]
    file_answer: Callable[[bytes], BatchAnswer | None]
    file_type: str
    max_inline: int
    max_file: int


class SentRequest(NamedTuple):
    """A request read again from what went over the wire; None if the dialect has no such field.

    Attributes:
        model: the requested model.
        question, system: the last turn and the system instruction: text, or the JSON value of anything else.
        turns_before: the number of turns before the question.
        config: the generation settings as sent.
        rest: every other field of the body.
        schema: the JSON Schema that the answer was to fit.
    """

    model: str | None = None
    question: Any = None
    turns_before: int | None = None
    system: Any = None
    config: Any = None
    rest: Mapping[str, Any] = MappingProxyType({})
    schema: Any = None


def _unread(url: str, body: bytes) -> SentRequest:  # noqa: ARG001 - other backends find the model in it
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    return SentRequest(rest=value if isinstance(value, dict) else {})


def _no_request_notes(request: Request) -> Sequence[str]:  # noqa: ARG001 - other backends have some
    return ()


def _no_results(body: bytes, media: Mapping[str, bytes]) -> Sequence[CallResult]:  # noqa: ARG001 - other backends read it
    return ()


def _never_continues(body: bytes, later: bytes) -> bool:  # noqa: ARG001 - other backends compare them
    return False


def _no_details(raw: bytes) -> Sequence[TokenDetail]:  # noqa: ARG001 - other backends read it
    return ()


def _no_ratings(raw: bytes) -> Sequence[SafetyRating]:  # noqa: ARG001 - other backends read it
    return ()


def _no_scores(raw: bytes) -> Sequence[TokenScore]:  # noqa: ARG001 - other backends read it
    return ()


def _no_price_data(model: str, usage: Usage, raw: bytes) -> dict[str, Any]:  # noqa: ARG001 - other backends need them
    return {}


def _requested_tier(request: Request) -> Any:
    return request.settings.service_tier


def _every_rule(schema: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG001 - other backends leave some out
    return ()


def _same(style: str | None, endpoint: Endpoint) -> str | None:  # noqa: ARG001 - other backends need the endpoint
    return style


class Backend(Struct, frozen=True, kw_only=True):
    """One API dialect. Only the fields without a default have to be set.

    Attributes:
        name: the value of ``--backend``.
        default_model: the model that is used when the user names none.
        auth: how its key is sent; None for a backend without keys.
        url: ``(model, endpoint)`` -> the URL of a request.
        encode: ``(request, endpoint)`` -> the HTTP request, without a key. It raises ``OptionError`` for anything that the
            dialect cannot express, and ``SchemaError`` for such a schema, so that nothing is sent.
        decoder: creates a :class:`Decoder`; its docstring says who owns it and how long it may live.
        normal_anomalies: kinds of :class:`~gemini_magic.wire.Anomaly` that the dialect documents, such as
            ``done-marker`` for a stream that ends with ``[DONE]`` or ``field-event`` for events with names; they are not
            noted.
        failure: ``(status, body)`` of an HTTP error -> the failure that it describes; never raises.
        auth_style: ``(value of --auth or None, endpoint)`` -> the style to use; None for the style of ``auth``.
        count: how the tokens of a request are counted; None if the server cannot do that.
        models: how the models are listed; None if the server has no list.
        files: how files are uploaded; None if the server cannot do that.
        upload_remedy: what to do about media that are too large for a request and cannot be uploaded.
        batches: how batch jobs are run; None if the server cannot do that.
        batch_remedy: what to do if there are no batch jobs.
        interactions: how answers that the server stores are read, stopped and deleted; None if it stores none.
        request_notes: a request -> sentences for the user about what an option implies and about settings that the server may
            ignore; never raises.
        token_details: the token counts by modality that one JSON text reports; never raises.
        safety_ratings: the safety ratings that one JSON text reports; never raises.
        token_scores: the tokens with their log probabilities that one JSON text reports; never raises.
        price_provider: the provider whose list prices apply, as genai-prices names it; None without list prices.
        price_data: ``(model, final counts, the chunk with the last total)`` -> the JSON value of the provider's API from
            which genai-prices reads them; never raises.
        undocumented: yields the kind of a note and a name for everything in one JSON value that the dialect's reference
            does not document (see :func:`~.gemini_reference.undocumented`); None without such a check.
        read_request: ``(url, body)`` of a request that was sent -> its content; never raises.
        read_results: ``(body, media by their digest)`` of a request that was sent -> the results of functions in its last
            turn; never raises.
        continues: ``(body, later body)`` of two requests that were sent -> whether the later one goes on with the conversation
            of the other; never raises.
        requested_tier: the service tier that a request asks for, whether an option or the user's own JSON set it.
        unenforced_rules: a JSON Schema -> the rules in it that the server does not enforce, one line each, because its
            dialect has no keyword for them; they are checked when the answer has ended. It raises ``SchemaError`` as
            ``encode`` does.
        decisions: the name of the backend that asks for decisions at the same server; None if the server has none.
        local: for an offline backend: the request -> ``(seconds to wait, bytes)`` pieces of an SSE body.
    """

    name: str
    default_model: str
    auth: Auth | None
    url: Callable[[str, Endpoint], str]
    encode: Callable[[Request, Endpoint], HttpRequest]
    decoder: Callable[[], Decoder]
    failure: Callable[[int, bytes], Failure]
    normal_anomalies: tuple[str, ...] = ()
    auth_style: Callable[[str | None, Endpoint], str | None] = _same
    count: CountTokens | None = None
    models: ListModels | None = None
    files: FilesApi | None = None
    upload_remedy: str = (
        "Use smaller media, or increase --inline-limit if the server accepts larger requests."
    )
    batches: BatchApi | None = None
    batch_remedy: str = "Use another service tier, or the Gemini API (backend='gemini')."
    interactions: InteractionsApi | None = None
    request_notes: Callable[[Request], Sequence[str]] = _no_request_notes
    token_details: Callable[[bytes], Sequence[TokenDetail]] = _no_details
    safety_ratings: Callable[[bytes], Sequence[SafetyRating]] = _no_ratings
    token_scores: Callable[[bytes], Sequence[TokenScore]] = _no_scores
    price_provider: str | None = None
    price_data: Callable[[str, Usage, bytes], dict[str, Any]] = _no_price_data
    undocumented: Callable[[Any], Iterable[tuple[str, str]]] | None = None
    read_request: Callable[[str, bytes], SentRequest] = _unread
    read_results: Callable[[bytes, Mapping[str, bytes]], Sequence[CallResult]] = _no_results
    continues: Callable[[bytes, bytes], bool] = _never_continues
    requested_tier: Callable[[Request], Any] = _requested_tier
    unenforced_rules: Callable[[Mapping[str, Any]], Sequence[str]] = _every_rule
    decisions: str | None = None
    local: Callable[[HttpRequest], Iterator[tuple[float, bytes]]] | None = None

    def expected_anomalies(self, form: Form) -> tuple[str, ...]:
        """The kinds of anomalies that are normal in an answer requested in this form."""
        return _FRAMING[form] + self.normal_anomalies

    def auth_for(self, style: str | None, endpoint: Endpoint) -> Auth | None:
        """How the key is sent to an endpoint; None for a backend without keys.

        Args:
            style: the value of ``--auth``, or None.
            endpoint: where the request is sent.

        Raises:
            OptionError: the style is not supported, or the endpoint lacks something that it needs.
        """
        return None if self.auth is None else self.auth.with_style(self.auth_style(style, endpoint))
