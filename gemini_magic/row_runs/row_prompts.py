"""From the values of a row to what it asks: the rendered prompt, its size and its hash, or why it is not asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

from .. import media
from ..content import LocalFile, Part, Text, encodable
from ..errors import PromptError, UsageProblem
from ..prompts import parts_of_prompt
from ..text import short_line
from .identity import Identity
from .inputs import RowSource
from .key_checks import listed_keys
from .key_columns import is_one_of
from .keys import is_missing, is_null, show_key
from .row import Row
from .template import Rendered, Template, has_path
from .values import Wanted

__all__ = ["FirstPrompts", "Missing", "RowPrompts"]

Missing: TypeAlias = Literal["skip", "error", "keep"]
"""What happens to a row without a value in a column that its prompt uses."""

_COMPARED: Final = 20  # the first rows, whose prompts must not all be equal
_LONGEST: Final = 500  # characters of the sentence about a prompt that cannot be made
_MOST_COMPARED: Final = 10_000  # rows in which they are looked for; the others are skipped


class RowPrompts:
    """Makes what a row asks for.

    Args:
        source: the input.
        template: the template; None if each row is a prompt.
        keys: the positions of the key columns.
        identity: makes the hashes.
        before: parts that come before the prompt of every row.
        missing: what happens to a row without a value.
        dedupe: whether rows with the same prompt share one answer.
        max_bytes: bytes of the prompt's text beyond which a row is ``too_long``; None for any size.

    Attributes:
        first_problem: the error of the first row whose prompt could not be made; None without one.
        read: the positions of the columns that a row consists of: the keys, those of the template, and all if it uses the
            row as a whole.
        first: returns what a row asks for from its position, its key and its values; as :meth:`sample` with the number 0.
    """

    def __init__(
        self,
        source: RowSource,
        template: Template | None,
        keys: Sequence[int],
        identity: Identity,
        *,
        before: Sequence[Part] = (),
        missing: Missing = "skip",
        dedupe: bool = True,
        max_bytes: int | None = None,
    ) -> None:
        self.first_problem: UsageProblem | None = None
        self._template, self._identity = template, identity
        self._before = media.read_files(before, 0) if before else ()
        self._missing, self._dedupe, self._max_bytes = missing, dedupe, max_bytes
        columns = source.columns or ()
        used = (
            [0]
            if template is None or source.columns is None
            else [_place(columns, each) for each in template.columns]
        )
        whole = list(range(len(columns))) if template is not None and template.whole_row else []
        self._used = slice(len(keys), len(keys) + len(used))
        self.read = [*keys, *used, *whole]
        self._places = {name: at for at, name in enumerate(columns)} if whole else None
        self.first = self._text_function() or self._first

    def lacks_value(self, values: Sequence[Any]) -> bool:
        """Whether a column that the prompt uses has no value."""
        return any(map(is_missing, values[self._used]))

    def lacking_error(self, keys: Sequence[str]) -> PromptError:
        """The error for rows with these keys, which lack a value."""
        names = ", ".join(map(str, self._template.columns)) if self._template is not None else ""
        return PromptError(
            f"Rows without a value of {names or 'the prompt'}: {listed_keys(keys)}. They were not sent.",
            remedy='missing="skip" skips them, missing="keep" sends an empty text.',
        )

    def _first(self, position: int, key: bytes, values: Sequence[Any]) -> Wanted:
        return self.sample(position, key, values, 0)

    def _text_function(self) -> Callable[[int, bytes, Sequence[Any]], Wanted] | None:
        """A faster function for prompts that are usually text; None if there is none."""
        template = self._template
        if template is None or template.texts is None or self._places is not None or self._before:
            return None
        if not self._dedupe or self._missing == "keep":
            return None
        texts, start, stop = template.texts, self._used.start, self._used.stop
        hashed, most = self._identity.of_text, self._max_bytes
        join, make, sample = "".join, tuple.__new__, self.sample

        def first(position: int, key: bytes, values: Sequence[Any]) -> Wanted:
            used = values[start:stop]
            for value in used:
                if (not value or value.isspace()) if value.__class__ is str else is_missing(value):
                    return sample(position, key, values, 0)
            try:
                text = join(texts(*used))
                data = text.encode()
            except Exception:  # noqa: BLE001 - a value that is not text, or an error that `sample` describes
                return sample(position, key, values, 0)
            size = len(data)
            if text.isspace() or not text or (most is not None and size > most):
                return sample(position, key, values, 0)
            return make(Wanted, (position, key, hashed(data), (Text(text),), size, "waiting", 0, ""))

        return first

    def sample(self, position: int, key: bytes, values: Sequence[Any], number: int) -> Wanted:
        """What a row asks for.

        Args:
            position: its position.
            key: its key.
            values: the values of :attr:`read`.
            number: the number of the sample.

        Raises:
            PromptError: with ``missing="error"``: a value is missing or cannot be sent, or an expression fails.
        """
        if self._missing != "keep" and self.lacks_value(values):
            return self._skipped(position, key, number)
        try:
            rendered = self._rendered(position, key, values)
            parts = (*self._before, *encodable(rendered.parts))
            if any(isinstance(part, LocalFile) and not part.digest for part in parts):
                parts = media.read_files(parts, 0)  # the digest of each
        except UsageProblem as problem:
            if self._missing == "error":
                raise
            self.first_problem = self.first_problem or problem
            return Wanted(
                position,
                key,
                b"",
                status="skipped",
                sample=number,
                problem=short_line(problem.message, _LONGEST),
            )
        if rendered.lacks_value and self._missing != "keep":
            return self._skipped(position, key, number)
        if all(isinstance(part, Text) and not part.text.strip() for part in parts):  # it cannot be sent
            return self._skipped(position, key, number)
        size = sum(len(part.text.encode()) for part in parts if isinstance(part, Text))
        if self._max_bytes is not None and size > self._max_bytes:
            return Wanted(position, key, b"", size=size, status="too_long", sample=number)
        digests = (*(None for _ in self._before), *rendered.digests)
        salt = b"" if self._dedupe else key
        return Wanted(
            position, key, self._identity.of(parts, digests, number, salt), parts, size, "waiting", number
        )

    def _skipped(self, position: int, key: bytes, number: int) -> Wanted:
        if self._missing == "error":
            raise self.lacking_error([show_key(key)])
        return Wanted(position, key, b"", status="skipped", sample=number)

    def _rendered(self, position: int, key: bytes, values: Sequence[Any]) -> Rendered:
        used = values[self._used]
        if self._template is None:
            return Rendered(_prompt_of(used[0], position))
        if self._missing == "keep":
            used = [None if is_null(value) else value for value in used]
        if self._places is not None:
            used = (*used, Row(self._places, values[self._used.stop :]))
        try:
            return self._template.render(used)
        except PromptError as error:
            name = show_key(key) if key else f"{position + 1:,}"
            remedy = error.remedy.removesuffix(
                " Nothing was sent."
            )  # rows before this one may have been sent
            if self._places is None and isinstance(error.__cause__, AttributeError | TypeError | KeyError):
                remedy = "These rows have no columns: write {{ row }}."
            raise PromptError(f"Row {name}: {error.message}", remedy=remedy) from error


def _prompt_of(value: Any, position: int) -> tuple[Part, ...]:
    """The parts of a row that is a prompt itself. Text is sent as it is, and the file of a path is not sent.

    Raises:
        PromptError: it cannot be sent.
    """
    if has_path(value):
        raise PromptError(
            f"Row {position + 1:,} is a path, and the file of a path in a row is not sent.",
            remedy="Write gemini_magic.attach(path) to send a file, or str(path) to send its name.",
        )
    try:
        return parts_of_prompt(str(value) if isinstance(value, str) else value).parts
    except PromptError as error:
        raise PromptError(f"Row {position + 1:,}: {error.message}", remedy=error.remedy) from error


class FirstPrompts:
    """Refuses a run whose first 20 prompts are equal, or in which no prompt of the first rows can be made.

    Args:
        prompts: makes the prompts.
        compares: whether prompts are compared, because they have one template.

    Attributes:
        is_open: whether it still looks at prompts; the rows before belong to a run that may be refused.
    """

    def __init__(self, prompts: RowPrompts, *, compares: bool) -> None:
        self.is_open = True
        self._prompts, self._compares = prompts, compares
        self._rows = self._equal = self._failed = 0
        self._parts: tuple[Part, ...] = ()

    def add(self, wanted: Wanted) -> None:
        """Compare the next prompt.

        Raises:
            PromptError: it is the 20th, and all are equal; or none of the first 20 could be made.
        """
        self._rows += 1
        self._failed += bool(wanted.problem)
        if self._failed == _COMPARED:
            self.finish()
        if wanted.parts and not self._compares:
            self.is_open = False
        elif wanted.parts:
            self._equal += 1
            self.is_open = wanted.parts == (self._parts or wanted.parts) and self._rows < _MOST_COMPARED
            self._parts = wanted.parts
        if self._equal == _COMPARED and self.is_open:
            raise PromptError(
                f"The prompts of the first {_COMPARED} rows are equal, so they would ask the same.",
                remedy="Check the columns in the prompt. For several answers to one prompt use repeat=N.",
            )

    def finish(self) -> None:
        """Look at the end of the input.

        Raises:
            PromptError: the prompt of some row could not be made, and that of no row could.
        """
        if self._failed and not self._equal and self.is_open and self._prompts.first_problem is not None:
            raise self._prompts.first_problem


def _place(columns: Sequence[Any], name: Any) -> int:
    return next(at for at, each in enumerate(columns) if is_one_of(name, (each,)))
