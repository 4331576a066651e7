"""The object that users explore: everything that was received for one request.

A ``Response`` reads its ledger whenever an attribute is asked for and stores nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from . import diagnostics, recording, views
from . import ledger as records
from . import schema as schemas
from .answer_cost import answer_cost, round_costs, step_cost
from .backends import backend, recorded_backend
from .client import Stream, play
from .content import Call, Part, Request
from .errors import (
    ErrorCopy,
    GeminiMagicError,
    Interrupted,
    MismatchError,
    OptionError,
    RecordingError,
    SchemaError,
)
from .events import Chunk, Citation, Status, Usage
from .ledger import (
    AnswerItem,
    Attempt,
    Candidate,
    ChunkRow,
    DisplayOptions,
    EventRow,
    Exchange,
    Ledger,
    LogprobRow,
    ModalityRow,
    NoteRow,
    PartRow,
    SafetyRow,
    SourceRow,
    ToolRun,
    TranscriptRow,
    UrlContextRow,
    UsageRow,
    asking_exchange,
    block_reason_of,
    citations_of,
    filled_columns,
    grounding_of,
    modality_rows,
    open_calls,
    part_row,
    rows_of,
    typed_form,
)
from .options import Options
from .prices import Cost, TokenPrice
from .tables import Rows
from .text import one_line, visible
from .views import AnswerCandidate, AnswerContent, DisplayedValue

if TYPE_CHECKING:
    from .diff import Difference
    from .ledger import RoundRow, StepRow
    from .schema import Items, Schema
    from .timing import Timing

__all__ = ["Response", "response_from_exchanges"]

R = TypeVar("R", bound="Response")
_FIRST_PIECES, _BEGINNING = 64, 4096  # pieces and bytes of a body that show its API
Replier: TypeAlias = "Callable[[Response, object, Mapping[str, Any]], Response]"


class Response(AnswerContent, DisplayedValue):
    """An answer and everything that was received with it, usable from before the first byte arrives.

    Args:
        ledger: the record that the response shows.
        stream: the stream that fills the record; None for a response that was loaded.
        replier: sends a follow-up, given this response, a prompt and options; None for a response that was loaded.

    Attributes:
        repaired_from: the responses before that did not fit their schema, if ``--repair`` asked again; oldest first.
    """

    def __init__(self, ledger: Ledger, stream: Stream | None = None, replier: Replier | None = None) -> None:
        self.ledger = ledger
        self.stream = stream
        self._replier = replier
        self._error_copy = ErrorCopy()
        self._mismatch_copy = ErrorCopy()
        self.repaired_from: tuple[Response, ...] = ()

    # -- text and parts --------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The text of the answer so far."""
        return self.ledger.answer.text

    @property
    def whole(self) -> str:
        """The answer from its beginning: the part before ``%gemini resume``, then :attr:`text`.

        Equal to :attr:`text` for an answer that was not resumed. A file written by :meth:`save` holds one request and
        its answer, so ``whole`` of a loaded response is its own text; pickling and copying keep both parts.
        """
        return self.ledger.before + self.text

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking so far; empty when it was not requested."""
        return self.ledger.thoughts.text

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the answer in order."""
        return Candidate(self.ledger, 0).parts

    @property
    def candidates(self) -> tuple[AnswerCandidate, ...]:
        """The candidate answers, by index."""
        known = sorted({0, *self.ledger.parts, *self.ledger.finishes})
        return tuple(AnswerCandidate(self.ledger, index) for index in known)

    def content_items(self) -> tuple[int, list[AnswerItem]]:
        """Return 0, the index of the candidate, and the answer in order: stretches of text and all other parts."""
        return 0, Candidate(self.ledger, 0).items

    @property
    def open_calls(self) -> list[Call]:
        """The calls without a result: their function is only declared, or the answer ended before it ran."""
        return open_calls(self.ledger)

    @property
    def citations(self) -> list[Citation]:
        """The passages of the answer that the server attributes to a source."""
        return citations_of(self.ledger, 0)

    @property
    def grounding(self) -> dict[str, Any]:
        """The grounding metadata (searches, sources, the text they support); empty when not sent.

        Metadata that was split over several chunks is merged; ``.events`` has each piece as sent.
        """
        return grounding_of(self.ledger, 0)

    # -- status ----------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """``running``, ``complete``, ``truncated``, ``blocked``, ``error``, ``stalled`` or ``interrupted``."""
        return self.ledger.status

    @property
    def ok(self) -> bool:
        """Whether the answer is complete."""
        return self.ledger.status == "complete"

    @property
    def finish_reason(self) -> str | None:
        """The last finish reason by its documented name, or as sent if it is unknown; None when none was sent."""
        finish = self.ledger.finish
        return None if finish is None else finish.reason

    @property
    def finish_message(self) -> str | None:
        """The server's explanation of the finish reason; None when it sent none."""
        finish = self.ledger.finish
        return None if finish is None else finish.message

    @property
    def block_reason(self) -> str | None:
        """Why the prompt or the answer was blocked; None when it was not blocked."""
        return block_reason_of(self.ledger)

    @property
    def error(self) -> GeminiMagicError | Interrupted | None:
        """The error that describes a bad ending; None while the response runs and after a good ending."""
        return self._error_copy.of(self.ledger.error, self)

    def raise_for_status(self) -> Self:
        """Raise :attr:`error` if there is one, or :attr:`parse_error` if JSON was requested; otherwise return this response."""
        if self.error is not None:
            raise self.error
        if self._requests_json and self.parse_error is not None:
            raise self.parse_error
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the stream ends, at most ``timeout`` seconds, and return this response."""
        if self.stream is not None:
            self.stream.wait(timeout)
        return self

    # -- typed answers ---------------------------------------------------------------------------------------

    @property
    def schema(self) -> Schema | None:
        """The schema that the answer was requested with, as far as it is known; None without one."""
        return self.ledger.schema

    def json(self) -> Any:
        """Return the JSON value of the answer.

        JSON in a code fence or between other text counts.

        Raises:
            MismatchError: the text of the answer has no valid JSON.
            OptionError: the response is still running.
        """
        self._check_ended()
        found = self.ledger.answer_value()
        if (error := self._mismatch_copy.of(found.json_error, self)) is not None:
            raise error
        return found.json

    @property
    def parsed(self) -> Any:
        """The answer as an instance of the type that was requested; without a type its JSON value.

        Raises:
            MismatchError: the answer is not JSON, or does not fit the schema; :attr:`parse_error` does not raise it.
            OptionError: the response is still running.
        """
        self._check_ended()
        if self.parse_error is not None:
            raise self.parse_error
        return self.ledger.answer_value().parsed

    @property
    def parse_error(self) -> MismatchError | None:
        """Why :attr:`parsed` has no value, with one line for each problem in ``problems``; None where it has one.

        None also while the response runs.
        """
        return self._mismatch_copy.of(self.ledger.answer_value().error, self)

    def needs_repair(self) -> bool:
        """Whether the answer is complete, was requested as JSON, and has text that is not JSON or does not fit its schema."""
        return self._requests_json and self.ok and bool(self.text.strip()) and self.parse_error is not None

    @property
    def _requests_json(self) -> bool:
        """Whether a schema or ``-f json`` requested JSON."""
        return self.ledger.schema is not None or self.ledger.display.form == "json"

    def _check_ended(self) -> None:
        if self.status == "running":
            raise OptionError("The response is still running.", remedy="Call r.wait() first.")

    # -- tables ----------------------------------------------------------------------------------------------

    @property
    def raw(self) -> list[Any]:
        """The JSON values exactly as received, one for each chunk."""
        return [chunk.value for chunk in self.ledger.raw]

    @property
    def raw_chunks(self) -> list[Chunk]:
        """The chunks with their bytes; ``chunk.raw`` is the JSON text."""
        return list(self.ledger.raw)

    @property
    def chunks(self) -> Rows[ChunkRow]:
        """One row for each JSON value received; ``pd.DataFrame(r.chunks)`` works."""
        return Rows(self.ledger.chunk_columns)

    @property
    def events(self) -> Rows[EventRow]:
        """One row for each event that the chunks carried."""
        return Rows(self.ledger.event_columns)

    @property
    def parts_table(self) -> Rows[PartRow]:
        """One row for each part of each candidate; text that arrived in several chunks is one part."""
        candidates = [Candidate(self.ledger, index) for index in sorted({0, *self.ledger.parts})]
        return rows_of(
            PartRow,
            (part_row(n, each.index, part) for each in candidates for n, part in enumerate(each.parts)),
        )

    @property
    def usage_history(self) -> Rows[UsageRow]:
        """One row for each usage report: the running totals in tokens, and what the report added to them."""
        return Rows(self.ledger.usage_columns)

    @property
    def usage_by_modality(self) -> Rows[ModalityRow]:
        """One row for each token count that a usage report splits by text, image, audio and so on, as sent."""
        details = backend(self.ledger.backend).token_details
        return rows_of(ModalityRow, modality_rows((chunk, details(chunk.raw)) for chunk in self.ledger.raw))

    @property
    def sources(self) -> Rows[SourceRow]:
        """One row for each source of the answer: what it is grounded on, the pages it read, and what it quotes."""
        return rows_of(SourceRow, records.source_rows(self.ledger))

    @property
    def url_context(self) -> Rows[UrlContextRow]:
        """One row for each page that the server was to read, with its outcome."""
        return rows_of(UrlContextRow, records.url_context_rows(self.ledger))

    @property
    def safety(self) -> Rows[SafetyRow]:
        """One row for each safety rating of the prompt and of the candidates, as sent with each chunk."""
        return rows_of(
            SafetyRow, records.safety_rows(self.ledger, backend(self.ledger.backend).safety_ratings)
        )

    @property
    def logprobs(self) -> views.TokenRows:
        """One row for each token with its log probability; empty unless ``--logprobs`` asked for them.

        In a notebook it displays the text with each token shaded by its probability.
        """
        rows = records.logprob_rows(self.ledger, backend(self.ledger.backend).token_scores)
        return views.TokenRows(filled_columns(LogprobRow, rows))

    @property
    def transcript(self) -> Rows[TranscriptRow]:
        """One row for each piece of what was spoken, with its speaker and times."""
        return rows_of(TranscriptRow, records.transcript_rows(self.ledger))

    @property
    def notes(self) -> Rows[NoteRow]:
        """Notes about anything unusual in the stream, each with severity, place and explanation.

        Notes written while reading come first, then those of an analysis of the whole stream, which parses the JSON
        once more.
        """
        found = diagnostics.all_notes(self.ledger)
        return rows_of(
            NoteRow, ((note.kind, note.severity, note.message, note.chunk, note.offset) for note in found)
        )

    @property
    def attempts(self) -> Rows[Attempt]:
        """One row for each HTTP exchange, retries included."""
        return rows_of(Attempt, (each.summary() for each in list(self.ledger.exchanges)))

    @property
    def items(self) -> Items[Any]:
        """The items of an answer that is an array: objects of the schema's type, each as soon as it is complete.

        The array is the answer itself or, for a schema with one array of objects, that array. Items that do not fit are in
        ``items.invalid``. Without a schema, items are plain JSON values.
        """
        return schemas.Items(self.ledger.read_items)

    @property
    def items_table(self) -> Rows[Any]:
        """One row for each item that fits, with a column for each field; lists and objects are JSON texts."""
        return records.item_rows(self.ledger.read_items())

    @property
    def rounds(self) -> Rows[RoundRow]:
        """One row for each round: a request with its answer. An answer without tools has one."""
        costs = [] if self.status == "running" else round_costs(self.ledger)
        return rows_of(
            records.RoundRow,
            records.round_rows(self.ledger, [cost.amount if cost else None for cost in costs]),
        )

    @property
    def steps(self) -> Rows[StepRow]:
        """One row for each step of the answer: thoughts, text, calls of functions, uses of the server's tools.

        Only the Interactions API answers in steps; for other APIs the table is empty.
        """
        rows = records.step_rows(self.ledger, lambda usage: step_cost(self.ledger, usage))
        return rows_of(records.StepRow, rows)

    @property
    def tool_runs(self) -> list[ToolRun]:
        """What became of the calls in :attr:`calls`, in the same order: arguments, state, result, output, times."""
        return self.ledger.tool_runs

    # -- tokens, cost and time -------------------------------------------------------------------------------

    @property
    def usage(self) -> Usage:
        """The token counts of the last report with a total; counts that were not sent are None."""
        return self.ledger.usage or Usage()

    @property
    def cost(self) -> Cost | None:
        """The cost of the answer; None where it is not known, and while the response runs.

        The gateway's own figure if it sent one; otherwise by the prices of ``--price``; otherwise, for the backend's own
        hosts, the list price by genai-prices (``pip install "gemini-magic[prices]"``), without discounts or free tiers.
        """
        return answer_cost(self.ledger)

    @property
    def timing(self) -> Timing:
        """Where the time went, in seconds; all None for a recording without arrival times."""
        from .timing import measure  # noqa: PLC0415 - read after the answer, and the first cell should import little

        columns = self.ledger.chunk_columns
        times = columns.stored("t", columns.length)
        if self.ledger.source == "recording" and times and not any(times):
            return measure({}, (), self.usage)
        starts = [each.chunks[0] for each in self.ledger.rounds[1:]]
        return measure(self.ledger.marks, times, self.usage, starts)

    @property
    def started(self) -> datetime:
        """When the request was made (UTC)."""
        return self.ledger.started

    # -- request and server ----------------------------------------------------------------------------------

    @property
    def request(self) -> Request | None:
        """The request; None for a response that was loaded from a recording."""
        return self.ledger.request

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last HTTP response, without cookies."""
        exchanges = self.ledger.exchanges
        return dict(exchanges[-1].response_headers) if exchanges else {}

    @property
    def model_version(self) -> str | None:
        """The model that answered, as the server names it; None when it did not."""
        return self.ledger.model_version

    @property
    def response_id(self) -> str | None:
        """The server's id of the answer; None when it sent none."""
        return self.ledger.response_id

    @property
    def extras(self) -> dict[str, Any]:
        """Fields that gateways and newer servers add, as sent: ``provider``, ``cache_tier``, ``serviceTier`` or ``cost``."""
        return dict(self.ledger.extras)

    # -- actions ---------------------------------------------------------------------------------------------

    def reply(self, prompt: object, *, check: bool = False, **options: Any) -> Response:
        """Send a follow-up with the options of this response's request, and wait for the new response.

        Args:
            prompt: the follow-up, as for ``ask``.
            check: whether to raise the new response's error; without it, the response is returned whatever its status.
            options: options of ``%%gemini`` by name, or ``tools``, that replace those of the first request.

        Raises:
            OptionError: this response is still running, was loaded, or has no answer.
            UsageProblem: as for ``ask``; nothing was sent.
            Interrupted: the user stopped it.
        """
        if self._replier is None:
            origin = {"journal": "the journal", "store": "a store"}.get(self.ledger.source, "a file")
            raise OptionError(
                f"Cannot reply to a response that was loaded from {origin}.",
                remedy="Ask the question again with gemini_magic.ask(…) and reply to that response.",
            )
        response = self._replier(self, prompt, options)
        return response.raise_for_status() if check else response

    def inspect(self) -> None:
        """Show the answer with its inspector open, in JupyterLab and Notebook 7; elsewhere only the answer."""
        views.inspect(self.ledger)

    def timeline(self) -> views.Timeline:
        """Return a picture of what arrived when; ``.save("x.svg")`` writes it to a file."""
        return views.Timeline(self.ledger)

    def replay(self, speed: float = 1.0) -> None:
        """Show the answer arriving once more, at ``speed`` times its pace (0: at once). Nothing is sent.

        Raises:
            RecordingError: the response is still running, nothing was received, or the speed is negative.
            Interrupted: the user stopped it.
        """
        if self.status == "running":
            raise RecordingError("The response is still running.", remedy="Call r.wait() first.")
        if not any(exchange.status or exchange.pieces for exchange in self.ledger.exchanges):
            raise RecordingError("Nothing was received, so there is nothing to replay.", remedy="Ask again.")
        own = self.ledger
        ledger = Ledger(
            self.request, backend=own.backend, before=own.before, display=own.display, schema=own.schema
        )
        stream = play(own.exchanges, backend(ledger.backend), ledger, speed=speed)
        try:
            views.watch_stream(ledger, stream)
        except KeyboardInterrupt:
            if ledger.error is None:
                raise
        else:
            return
        type(self)(ledger, stream).raise_for_status()

    def diff(self, other: Response) -> Difference:
        """Compare this response with another: requests, texts, endings, timing, tokens, cost and notes.

        Raises:
            TypeError: the other is not a ``Response``.
        """
        if not isinstance(other, Response):
            raise TypeError(f"diff() expects a Response, not {type(other).__name__}.")
        from .diff import Difference  # noqa: PLC0415 - not needed for an answer

        return Difference(self, other)

    def curl(self) -> str:
        """Return the shell command that sends the last request again; a variable stands in place of the key.

        The command of a response that was loaded has a key only for the backend's own hosts.

        Raises:
            RecordingError: the request is not known, as in a recording of the response body alone, or its URL is not an
                http or https URL.
        """
        return recording.last_curl(self.ledger)

    # -- files and copies ------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write what went over the wire to a file and return its path.

        Args:
            path: a file whose suffix is ``.jsonl`` (everything), ``.httprr`` or ``.sse``.

        Raises:
            RecordingError: the suffix is unknown, or the file cannot be written.
        """
        target = Path(path)
        recording.write_recording(target, self.ledger.exchanges)
        return target

    @classmethod
    def load(
        cls, path: str | Path, *, backend_name: str | None = None, max_total: float = Options.max_total
    ) -> Self:
        """Return the response in a recording, with its arrival times if the format has them.

        Args:
            path: a ``.jsonl``, ``.httprr`` or ``.sse`` file.
            backend_name: the backend that decodes the bodies; by default the one named in the recording, else
                the one whose answer it looks like.
            max_total: MB that a compressed file may expand to.

        Raises:
            RecordingError: the file cannot be read, contains no answer, or expands to more than ``max_total``.
        """
        exchanges = recording.read_recording(Path(path), max_total=max_total)
        return response_from_exchanges(cls, exchanges, backend_name or _backend_of(exchanges[-1]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy what went over the wire; a response that is still running raises TypeError."""
        ledger = self.ledger
        if self.status == "running" or not ledger.exchanges:
            raise TypeError(
                "A response can be pickled or copied only after it has ended. Call r.wait() first."
            )
        arguments = (
            type(self),
            list(ledger.exchanges),
            ledger.backend,
            ledger.request,
            ledger.before,
            ledger.price,
            ledger.schema,
        )
        return response_from_exchanges, arguments

    # -- display ---------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return visible(self.text)  # print(r) prints it; .text is exact

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("A Response is not iterable. Use .text, .chunks, .events or .parts.")

    def __repr__(self) -> str:
        model = self.model_version or (self.request.model if self.request else "recording")
        size = f"{self.ledger.chars:,} characters in {len(self.ledger.raw)} chunks"
        return one_line(f"<Response {self.status}: {model}, {size}>")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return views.value_bundle(self.ledger)


def _backend_of(exchange: Exchange) -> str:
    """The name of the backend that reads a recorded exchange."""
    beginning = b"".join(data for _, data in exchange.pieces[:_FIRST_PIECES])
    return exchange.backend or recorded_backend(exchange.url, beginning[:_BEGINNING])


def response_from_exchanges(  # noqa: PLR0917 - pickle passes arguments by position
    cls: type[R],
    exchanges: Sequence[Exchange],
    backend_name: str,
    request: Request | None = None,
    before: str = "",
    price: TokenPrice | None = None,
    schema: Schema | None = None,
) -> R:
    """Return the response that a recorded run led to.

    Args:
        cls: the class of the response.
        exchanges: the HTTP exchanges of the run, in order.
        backend_name: the backend that decodes the bodies.
        request: the request, where it is known.
        before: the first part of a resumed answer.
        price: the user's prices.
        schema: the schema of the answer; by default the one in the last request.

    Raises:
        RecordingError: there is no exchange.
    """
    if schema is None and exchanges:
        schema = _schema_of(asking_exchange(exchanges), backend_name)
    display = None if schema is None else DisplayOptions(typed_form(schema))
    ledger = Ledger(request, backend=backend_name, before=before, display=display, price=price, schema=schema)
    recording.load_exchanges(exchanges, backend(backend_name), ledger)
    return cls(ledger)


def _schema_of(exchange: Exchange, backend_name: str) -> Schema | None:
    """The schema in a recorded request; None where it has none, or one that is not valid."""
    if b"chema" not in exchange.body and b"questions" not in exchange.body:
        return None
    found = backend(backend_name).read_request(exchange.url, exchange.body).schema
    try:
        return schemas.as_schema(found) if isinstance(found, dict) else None
    except SchemaError:
        return None
