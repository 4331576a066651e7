"""What an answer says and how it ended, read from one ledger; what was received with it is in ``received``.

It reads when asked and can do nothing with the answer: that is the response's.
"""

from __future__ import annotations

from typing import Any, Self

from . import markdown
from .content import Blob, Call
from .errors import GeminiMagicError, Interrupted
from .events import Status
from .received import Received
from .spoken import Candidate, Citation, citations_of

__all__ = ["Answer"]


class Answer(Received):
    """An answer, its text and its ending, with the evidence."""

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
        found = [each.value for each in self.ledger.evidence if each.name == "groundingMetadata"]
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
