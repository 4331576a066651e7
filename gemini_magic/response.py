"""What the user explores: a face over one ledger, alive from before the first byte.

Everything shown here is read from the ledger when asked for; nothing is kept twice. Only ``reply`` sends something, by what asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

from . import markdown, views
from .backends import backend
from .client import Stream, play
from .content import Blob, Call, Part, Request, Text, Thought, cleaned, joined
from .diagnostics import all_notes
from .diff import Difference
from .errors import GeminiMagicError, Interrupted, OptionError, RecordingError
from .events import Chunk, Citation, Status, Usage
from .ledger import (
    Attempt,
    ChunkRow,
    EventRow,
    Exchange,
    Ledger,
    ModalityRow,
    NoteRow,
    PartRow,
    UsageRow,
    curl_of,
    modality_rows,
    part_row,
    rows_of,
)
from .prices import Cost, cost_of, said_cost
from .recording import load_exchanges, read_recording, write_recording
from .tables import Rows
from .timing import Timing, measure

__all__ = ["Attempt", "Candidate", "Citation", "Response", "citations_of", "rebuilt"]


def citations_of(ledger: Ledger, candidate: int) -> list[Citation]:
    """The citations of one candidate, without duplicates, in the order of their arrival."""
    evidence = [each for each in ledger.evidence if each.candidate == candidate]
    return list(dict.fromkeys(citation for each in evidence for citation in each.citations))


class Candidate:
    """One candidate answer; the response's own ``text`` and kin are candidate 0's."""

    def __init__(self, ledger: Ledger, index: int) -> None:
        self._ledger = ledger
        self.index = index

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in order, text that was cut into chunks joined again."""
        return cleaned(joined(self._ledger.parts.get(self.index, ())))

    @property
    def text(self) -> str:
        """The answer's text."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking."""
        return "".join(part.text for part in self.parts if isinstance(part, Thought))

    @property
    def finish_reason(self) -> str | None:
        """The last reason the server gave, in its own word."""
        finish = self._ledger.finishes.get(self.index)
        return None if finish is None else finish.reason

    def __repr__(self) -> str:
        return f"<Candidate {self.index}: {len(self.text):,} characters, {self.finish_reason}>"


R = TypeVar("R", bound="Response")


Asker: TypeAlias = "Callable[[Response, str | Sequence[Part], Mapping[str, Any]], Response]"


class Response:
    """An answer and everything that was received with it.

    Args:
        ledger: the record it shows.
        stream: the stream that fills the record, None for one that was loaded.
        asker: asks on after it: given the response, a prompt and options; None for one that was loaded.
    """

    def __init__(self, ledger: Ledger, stream: Stream | None = None, asker: Asker | None = None) -> None:
        self.ledger = ledger
        self.stream = stream
        self._asker = asker
        self._shown = False

    # -- what was said ---------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self.ledger.answer)

    @property
    def whole(self) -> str:
        """The answer from its very beginning: what came before ``%gemini resume``, and :attr:`text`.

        The two are the same where nothing was gone on with. A file that :meth:`save` writes holds one request and
        its answer, so ``whole`` of a loaded response is its text alone; pickling and copying keep all of it.
        """
        return self.ledger.before + self.text

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking so far; empty when none was asked for."""
        return "".join(self.ledger.thoughts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The answer's parts in order."""
        return Candidate(self.ledger, 0).parts

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidate answers."""
        return tuple(
            Candidate(self.ledger, index) for index in sorted({0, *self.ledger.parts, *self.ledger.finishes})
        )

    @property
    def calls(self) -> list[Call]:
        """The functions the model asks for, in order."""
        return [part for part in self.parts if isinstance(part, Call)]

    @property
    def images(self) -> list[Blob]:
        """The pictures in the answer; each shows itself in a notebook, ``image.data`` holds its bytes."""
        return [part for part in self.parts if isinstance(part, Blob) and part.mime_type.startswith("image/")]

    @property
    def citations(self) -> list[Citation]:
        """What the server says the answer quotes."""
        return citations_of(self.ledger, 0)

    @property
    def grounding(self) -> dict[str, Any]:
        """The last grounding metadata (searches, sources, which text they support), as sent; empty without."""
        found = [each.value for each in self.ledger.evidence if each.kind == "grounding"]
        return found[-1] if found and isinstance(found[-1], dict) else {}

    @property
    def code_blocks(self) -> list[markdown.CodeBlock]:
        """The fenced code blocks of the answer, each with ``language`` and ``text``."""
        return markdown.code_blocks(self.text)

    # -- how it ended ----------------------------------------------------------------------------------------

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
        """The last finish reason, in the server's word; None when it gave none."""
        finish = self.ledger.finish
        return None if finish is None else finish.reason

    @property
    def finish_message(self) -> str | None:
        """The server's explanation of the finish reason."""
        finish = self.ledger.finish
        return None if finish is None else finish.message

    @property
    def block_reason(self) -> str | None:
        """Why the prompt or the answer was blocked; None when it was not."""
        if self.ledger.blocked is not None:
            return self.ledger.blocked.reason
        return self.finish_reason if self.status == "blocked" else None

    @property
    def error(self) -> GeminiMagicError | Interrupted | None:
        """What ended it badly, None while it runs and when all is well."""
        error = self.ledger.error
        if error is not None:
            error.response = self
        return error

    def raise_for_status(self) -> Self:
        """Raise :attr:`error` if there is one; otherwise return this response."""
        if self.error is not None:
            raise self.error
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait for the end of the stream, at most ``timeout`` seconds."""
        if self.stream is not None:
            self.stream.wait(timeout)
        return self

    # -- verbs -----------------------------------------------------------------------------------------------

    def inspect(self) -> None:
        """Show the answer with its inspector unfolded, in JupyterLab and Notebook 7; elsewhere the answer alone."""
        views.inspect(self.ledger)

    def save(self, path: str | Path) -> Path:
        """Write what went over the wire: ``.jsonl`` (all of it), ``.httprr`` or ``.sse``.

        Raises:
            RecordingError: the suffix is not known, or the file cannot be written.
        """
        target = Path(path)
        write_recording(target, self.ledger.exchanges)
        return target

    def curl(self) -> str:
        """The command that sends the last request again, for a POSIX shell; the key is a variable there.

        Raises:
            RecordingError: what was sent is not known, as in a recording of the answer alone.
        """
        sent = [each for each in self.ledger.exchanges if each.url and each.method]
        if not sent:
            raise RecordingError(
                "What was sent is not known.", remedy="A .jsonl recording holds the request, too."
            )
        key = sent[-1].key
        if key is None and self.ledger.source == "recording":
            auth = backend(self.ledger.backend).auth
            key = None if auth is None else (auth.header, auth.prefix, next(iter(auth.env), "KEY"))
        return curl_of(sent[-1], key)

    def reply(self, prompt: str | Sequence[Part], **options: Any) -> Response:
        """Ask on after this answer, with the options it was asked with, and wait for the new one.

        Args:
            prompt: the next question, or its parts.
            options: options of ``%%gemini`` by name that are different now.

        Raises:
            OptionError: this answer still runs, was loaded from a file, or says nothing.
            UsageProblem: as for ``ask``; nothing was sent.
            Interrupted: the user stopped it.
        """
        if self._asker is None:
            raise OptionError(
                "This answer was loaded; it cannot be gone on with.",
                remedy="Ask its question again with gemini_magic.ask(…), and reply to that.",
            )
        return self._asker(self, prompt, options)

    def replay(self, speed: float = 1.0) -> None:
        """Show the answer arriving once more, at ``speed`` times its pace (0: at once); nothing is sent.

        Raises:
            RecordingError: the answer has not ended, there is none, or the speed is none.
            Interrupted: the user stopped it.
        """
        if self.status == "running":
            raise RecordingError("There is no whole answer yet.", remedy="r.wait() waits for its end.")
        if not any(exchange.status or exchange.pieces for exchange in self.ledger.exchanges):
            raise RecordingError("Nothing came, so there is nothing to show again.", remedy="Ask again.")
        ledger = Ledger(self.request, backend=self.ledger.backend)
        ledger.before, ledger.look = self.ledger.before, self.ledger.look
        stream = play(self.ledger.exchanges, backend(ledger.backend), ledger, speed=speed)
        try:
            views.watch(ledger, stream)
        except KeyboardInterrupt:
            if (stopped := type(self)(ledger, stream).error) is None:
                raise
            raise stopped from None

    def diff(self, other: Response) -> Difference:
        """This response and another, side by side: requests, texts, endings, timing, tokens, cost, notes.

        Raises:
            TypeError: the other is no response.
        """
        if not isinstance(other, Response):
            raise TypeError(f"A response is compared with a response, not with {type(other).__name__}.")
        return Difference(self, other, (self.text, other.text))

    def timeline(self) -> views.Timeline:
        """When what arrived, as a picture; ``.save("x.svg")`` writes it into a file."""
        return views.Timeline(self.ledger)

    @classmethod
    def load(cls, path: str | Path, *, backend_name: str | None = None) -> Self:
        """A response from a recording, its times included where the format has them.

        Args:
            path: a ``.jsonl``, ``.httprr`` or ``.sse`` file.
            backend_name: the dialect of the bodies; by default the one the recording names, else ``gemini``.

        Raises:
            RecordingError: the file cannot be read, or holds no answer.
        """
        exchanges = read_recording(Path(path))
        spoken = (exchanges[-1].backend if exchanges else None) or "gemini"
        return rebuilt(cls, exchanges, backend_name or spoken, None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied as what went over the wire; a stream that still runs cannot be."""
        if self.status == "running" or not self.ledger.exchanges:
            raise TypeError("Only an answer that has ended can be pickled or copied; r.wait() waits for it.")
        ledger = self.ledger
        return rebuilt, (type(self), list(ledger.exchanges), ledger.backend, ledger.request, ledger.before)

    # -- tables and figures ----------------------------------------------------------------------------------

    @property
    def raw(self) -> list[Any]:
        """The JSON values exactly as received."""
        return [chunk.value for chunk in self.ledger.raw]

    @property
    def raw_chunks(self) -> list[Chunk]:
        """The chunks with their bytes; ``chunk.raw`` is the JSON text."""
        return list(self.ledger.raw)

    @property
    def chunks(self) -> Rows[ChunkRow]:
        """A row for each JSON value received; ``pd.DataFrame(r.chunks)`` works."""
        return Rows(self.ledger.chunk_columns)

    @property
    def events(self) -> Rows[EventRow]:
        """A row for each event the chunks carried."""
        return Rows(self.ledger.event_columns)

    @property
    def parts_table(self) -> Rows[PartRow]:
        """A row for each part of each candidate, text that was cut into chunks joined again."""
        candidates = sorted({0, *self.ledger.parts})
        return rows_of(
            PartRow,
            (
                part_row(index, candidate, part)
                for candidate in candidates
                for index, part in enumerate(Candidate(self.ledger, candidate).parts)
            ),
        )

    @property
    def usage(self) -> Usage:
        """The token counts: the last total the server sent, None where it said nothing."""
        return self.ledger.usage or Usage()

    @property
    def usage_history(self) -> Rows[UsageRow]:
        """Every usage report with what it added."""
        return Rows(self.ledger.usage_columns)

    @property
    def usage_by_modality(self) -> Rows[ModalityRow]:
        """Every count that a usage report splits by text, image, audio and so on, as sent."""
        details = backend(self.ledger.backend).token_details
        return rows_of(
            ModalityRow, modality_rows((chunk, details(chunk.raw)) for chunk in list(self.ledger.raw))
        )

    @property
    def cost(self) -> Cost | None:
        """What the answer cost; None where that is not known, and while it runs.

        A gateway's own figure if it sent one, else the list price by the package genai-prices (``pip install
        "gemini-magic[prices]"``), thoughts, cached and tool tokens and the service tier taken into account. List prices
        know no discounts and no free tier.
        """
        ledger = self.ledger
        if ledger.status == "running":
            return None
        model = ledger.model_version or (ledger.request.model if ledger.request else None)
        if "cost" in ledger.extras:
            return said_cost(ledger.extras["cost"], source=ledger.backend, model=model)
        dialect = backend(ledger.backend)
        asked = dialect.requested_tier(ledger.request) if ledger.request else None
        tier = ledger.extras.get("serviceTier", asked)
        return cost_of(
            ledger.usage,
            model,
            reported=dialect.price_data(model or "", self.usage, self._last_report()),
            provider=dialect.price_provider,
            tier=tier if isinstance(tier, str) else None,
            when=ledger.started,
        )

    def _last_report(self) -> bytes:
        """The chunk with the last total of tokens; empty where no total was reported."""
        rows = self.usage_history
        chunks = [
            chunk for chunk, total in zip(rows["chunk"], rows["total"], strict=True) if total is not None
        ]
        return self.ledger.raw[chunks[-1]].raw if chunks else b""

    @property
    def notes(self) -> Rows[NoteRow]:
        """Oddities of the stream, each with severity, place and explanation.

        First what the readers saw, then what a look over the whole shows, which parses the JSON once more.
        """
        found = all_notes(self.ledger)
        return rows_of(
            NoteRow, ((note.kind, note.severity, note.message, note.chunk, note.offset) for note in found)
        )

    @property
    def extras(self) -> dict[str, Any]:
        """What gateways and newer servers add, as sent: ``provider``, ``cache_tier``, ``serviceTier`` or ``cost``."""
        return dict(self.ledger.extras)

    @property
    def request(self) -> Request | None:
        """What was asked; None for a recording."""
        return self.ledger.request

    @property
    def attempts(self) -> Rows[Attempt]:
        """The HTTP exchanges, retries included."""
        return rows_of(Attempt, (each.summary() for each in list(self.ledger.exchanges)))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last answer, without cookies."""
        exchanges = self.ledger.exchanges
        return dict(exchanges[-1].response_headers) if exchanges else {}

    @property
    def model_version(self) -> str | None:
        """The model that answered, in the server's word."""
        return self.ledger.model_version

    @property
    def response_id(self) -> str | None:
        """The server's id of the answer."""
        return self.ledger.response_id

    @property
    def started(self) -> datetime:
        """When the request was made (UTC)."""
        return self.ledger.started

    @property
    def timing(self) -> Timing:
        """Where the time went, in seconds; all None for a recording without arrival times."""
        columns = self.ledger.chunk_columns
        times = columns.given("t", columns.length)
        if self.ledger.source == "recording" and times and not any(times):
            return measure({}, (), self.usage)
        return measure(self.ledger.marks, times, self.usage)

    # -- how it looks ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return self.text

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("A Response is not a sequence: take .text, .chunks, .events or .parts.")

    def __repr__(self) -> str:
        model = self.model_version or (self.request.model if self.request else "recording")
        return f"<Response {self.status}: {model}, {self.ledger.chars:,} characters in {len(self.ledger.raw)} chunks>"

    def _ipython_display_(self) -> None:
        """Nothing, once, right after the live view has shown it; then the static bundle as for any object."""
        if self._shown:
            self._shown = False
            return
        raise NotImplementedError  # IPython then asks _repr_mimebundle_

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return views.bundle(self.ledger)

    def _repr_html_(self) -> str:
        return str(self._repr_mimebundle_()["text/html"])


def rebuilt(
    kind: type[R], exchanges: Sequence[Exchange], backend_name: str, request: Request | None, before: str = ""
) -> R:
    """A response from what went over the wire."""
    ledger = Ledger(request, backend=backend_name)
    ledger.before = before
    load_exchanges(exchanges, backend(backend_name), ledger)
    return kind(ledger)
