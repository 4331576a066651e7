"""Turns an input and a template into what each row asks for, in batches, with all refusals that are possible before sending."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count, islice
from types import MappingProxyType
from typing import Any, Final, Literal

from ..content import Part
from ..errors import OptionError, PromptError
from ..options import Options
from .identity import Identity, asked_for, changes
from .images import FileDigests, ImageFolder
from .inputs import RowSource, open_source
from .key_checks import NAMED_KEYS, Duplicates, KeyCheck, RepeatCheck
from .key_columns import KeyColumns
from .keys import show_key
from .row_prompts import FirstPrompts, Missing, RowPrompts
from .template import Template, compile_template
from .values import Wanted

__all__ = ["MOST_REPEATS", "Duplicates", "Missing", "Plan", "prepare"]

MOST_REPEATS: Final = 10_000
"""Answers of one row, which are planned at once."""
_BATCH: Final = 500
_AHEAD: Final = 10_000  # rows of an iterator whose keys are checked before the first one is asked
_AHEAD_SECONDS: Final = 1.0
_SMALL: Final = 10_000  # characters
_SINGLE_BRACES: Final = re.compile(r"\{\s*row[.\[]")


def prepare(
    template: str | None,
    data: Any,
    *,
    id: Any = None,  # noqa: A002 - the name that users type
    options: Options | None = None,
    namespace: Mapping[str, Any] = MappingProxyType({}),
    before: Sequence[Part] = (),
    functions: Sequence[Any] = (),
    missing: Missing = "skip",
    duplicates: Duplicates = "error",
    dedupe: bool = True,
    repeat: int = 1,
    max_bytes: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Plan:
    """Return the plan of a run: what each row asks for.

    Args:
        template: the prompt, with ``{{ row.NAME }}``; None if each row is a prompt.
        data: the rows, in any form that :func:`~.inputs.open_source` takes.
        id: the column whose values are the keys of the rows, a list of several, ``"position"``, or None for the index of a
            frame of pandas that has a name, and for a list or iterator of prompts, whose keys are positions.
        options: the resolved options; ``schema`` is a :class:`~gemini_magic.schema.Schema` or None.
        namespace: the user's variables, which expressions of the template may use.
        before: parts that come before the prompt of every row.
        functions: the declarations of the functions that the model may call.
        missing: what happens to a row without a value in a column that its prompt uses: it is skipped, it is an error, or
            it is asked with an empty text. A row whose prompt cannot be made, because an expression fails or a file is
            missing, is an error, or else it is skipped.
        duplicates: whether keys that occur twice are an error, or the first of rows with the same prompt counts.
        dedupe: whether rows with the same prompt share one answer.
        repeat: the number of answers for each row.
        max_bytes: bytes of the prompt's text beyond which a row is ``too_long``; None for any size.
        folder: the folder whose files ``image(row.NAME)`` may send.

    Raises:
        PromptError: the input or the template is not valid, a value is missing with ``missing="error"``, or a value cannot
            be sent.
        OptionError: an argument is not valid, or a key is null or occurs twice. Nothing was sent.
    """
    _check_arguments(missing, duplicates, repeat)
    options = options or Options()
    source = open_source(data)
    images = None if folder is None else ImageFolder(folder)
    return Plan(
        source,
        _compiled(template, source, namespace, images, options.table_rows),
        KeyColumns(source, id),
        asked_for(options, template=template or "", functions=functions, repeat=repeat),
        images=images,
        before=tuple(before),
        missing=missing,
        duplicates=duplicates,
        dedupe=dedupe,
        max_bytes=max_bytes,
    ).checked()


def _check_arguments(missing: str, duplicates: str, repeat: object) -> None:
    for name, value, allowed in (
        ("missing", missing, ("skip", "error", "keep")),
        ("duplicates", duplicates, ("error", "first")),
    ):
        if value not in allowed:
            raise OptionError(
                f"{name}={value!r} is not valid.", remedy=f"Use {', '.join(map(repr, allowed))}."
            )
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 1 <= repeat <= MOST_REPEATS:
        raise OptionError(
            f"repeat={repeat!r} is not valid.",
            remedy=f"Give the number of answers for each row, at most {MOST_REPEATS:,}.",
        )


def _compiled(
    template: str | None,
    source: RowSource,
    namespace: Mapping[str, Any],
    images: ImageFolder | None,
    table_rows: int,
) -> Template | None:
    """The template; None if each row is a prompt.

    Raises:
        PromptError: it is not valid, uses no column, or there is none although the input has columns.
    """
    if template is None:
        if source.columns is not None:
            raise PromptError(
                f"{source.kind[:1].upper()}{source.kind[1:]} needs a prompt that uses its columns.",
                remedy='For example: "Classify: {{ row.NAME }}".',
            )
        return None
    compiled = compile_template(template, source.columns, namespace, images=images, table_rows=table_rows)
    if not compiled.uses_row:
        raise PromptError(
            "The prompt uses no column, so every row would ask the same.",
            remedy=_column_remedy(template, source),
        )
    return compiled


def _column_remedy(template: str, source: RowSource) -> str:
    """How to insert a column of this input."""
    if _SINGLE_BRACES.search(template):
        return "Write two braces: {{ row.NAME }}; in an f-string four: {{{{ row.NAME }}}}."
    name = next((str(each) for each in source.columns or ()), "")
    example = f"row.{name}" if name.isidentifier() else f'row["{name}"]' if name else "row"
    return f"Insert one, for example {{{{ {example} }}}}. For several answers to one prompt use repeat=N."


def _are_small(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether rows hold only short texts, numbers and the like, so that many of them can be in memory."""
    return all(
        len(value) <= _SMALL
        if isinstance(value, str | bytes)
        else value is None or isinstance(value, int | float)
        for values in rows
        for value in values
    )


class Plan:
    """What each row of an input asks for. It holds no rows.

    Attributes:
        source: the input.
        template: the template; None if each row is a prompt.
        asked: what all rows ask for, as JSON that is stored with the run.
        repeat: the number of answers for each row.
        repeats: the position of the first row with the same key, for each later one (with ``duplicates="first"``).
        notices: a sentence for the user about each value of the template that is not sent whole.
    """

    def __init__(
        self,
        source: RowSource,
        template: Template | None,
        keys: KeyColumns,
        asked: Mapping[str, Any],
        *,
        images: ImageFolder | None,
        before: tuple[Part, ...],
        missing: Missing,
        duplicates: Duplicates,
        dedupe: bool,
        max_bytes: int | None,
    ) -> None:
        self.source, self.template = source, template
        self.repeat: int = asked["repeat"]
        self.repeats: dict[int, int] = {}
        self._images = images
        self._keys, self._missing, self._duplicates = keys, missing, duplicates
        self._prompts_of = partial(
            RowPrompts,
            source,
            template,
            keys.positions,
            before=before,
            missing=missing,
            dedupe=dedupe,
            max_bytes=max_bytes,
        )
        self._ask(asked)

    def _ask(self, asked: Mapping[str, Any]) -> None:
        self.asked, self.identity = asked, Identity(asked)
        self._prompts = self._prompts_of(identity=self.identity)
        self._read = self._prompts.read

    def use_form(self, form: int) -> None:
        """Make hashes in another version of the canonical form, such as that of the answers in a store.

        Raises:
            OptionError: the version is not known.
        """
        if form != self.identity.form:
            self._ask({**self.asked, "form": form})

    @property
    def length(self) -> int | None:
        """The number of rows of the input; None if it is not known before reading."""
        return self.source.length

    @property
    def key_names(self) -> tuple[Any, ...]:
        """The names of the columns or levels that the keys come from; empty for positions."""
        return self._keys.names

    @property
    def key_origin(self) -> Literal["column", "index", "position"]:
        """Where the keys come from."""
        return self._keys.origin

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence for the user about each value of the template that is not sent whole."""
        return () if self.template is None else self.template.notices

    def stale_reasons(self, before: Mapping[str, Any]) -> list[str]:
        """Why rows are stale: what has changed since an earlier run, one line each.

        Args:
            before: :attr:`asked` of that run.
        """
        if found := changes(before, self.asked):
            return found
        hint = "" if self._keys.origin == "column" else " Were the rows sorted, filtered or numbered again?"
        return [
            f"The request is the same, so these keys now stand for other texts: is {self._keys.described} a real key?{hint}"
        ]

    # -- checks before anything is sent

    def checked(self) -> Plan:
        """Return the plan itself after a check of its keys and, with ``missing="error"``, of its values.

        It reads the key columns once. An input that can be read only once is checked while it is read.

        Raises:
            OptionError: a key is null or occurs twice; the message names three.
            PromptError: a value is missing; the message names three.
        """
        if not self.source.again:
            return self
        if self._keys.positions:
            self._check_keys()
        if self._missing == "error":
            lacking = (
                show_key(self._key(position, values))
                for position, values in self._rows()
                if self._prompts.lacks_value(values)
            )
            if found := list(islice(lacking, NAMED_KEYS + 1)):
                raise self._prompts.lacking_error(found)
        return self

    def _check_keys(self) -> None:
        check = KeyCheck(self._keys, self._duplicates, self.source.length or 0)
        position = 0
        for batch in self.source.read(self._keys.positions):
            rows = list(batch)
            check.add(rows, position)
            position += len(rows)
            if check.is_full:
                break
        check.finish()
        self.repeats = check.repeats
        if self.repeats:
            firsts = set(self.repeats.values())
            compare = RepeatCheck(self.repeats, self._hash, self._key)
            for position, values in self._rows():
                compare.add(position, values, is_first=position in firsts)

    def _key(self, position: int, values: Sequence[Any]) -> bytes:
        return self._keys.keys([values], position)[0]

    def _hash(self, position: int, values: Sequence[Any]) -> bytes:
        return self._prompts.first(position, b"", values).hash

    # -- rows

    def _rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        return enumerate(chain.from_iterable(self.source.read(self._read)))

    def keep_digests(self, digests: FileDigests) -> None:
        """Look up the digests of the files of rows, and keep new ones there."""
        if self._images is not None:
            self._images.digests = digests

    def row_keys(self) -> Iterator[bytes]:
        """Yield the canonical key of every row; nothing for an input that can be read only once."""
        if not self.source.again:
            return
        position = 0
        for batch in self.source.read(self._keys.positions):
            keys = self._keys.keys(list(batch), position)
            yield from keys
            position += len(keys)

    def row(self, position: int, sample: int = 0) -> Wanted | None:
        """What the row at a position asks for; None if the input cannot be read again or does not have it.

        The rows before it are read, too.

        Raises:
            PromptError: a value cannot be sent, or an expression fails.
        """
        if not self.source.again:
            return None
        for at, values in islice(self._rows(), position, position + 1):
            return self._prompts.sample(at, self._key(at, values), values, sample)
        return None

    def _with_keys(self) -> Iterator[tuple[list[Sequence[Any]], list[bytes]]]:
        """The rows of the input, with their keys."""
        position = 0
        for source_batch in self.source.read(self._read):
            rows = list(source_batch)
            yield rows, self._keys.keys(rows, position)
            position += len(rows)

    def _checked_once(self, check: KeyCheck) -> Iterator[tuple[list[Sequence[Any]], list[bytes]]]:
        """The same for an input that can be read only once, with a check of the keys.

        Those of the first 10,000 rows are checked before any row is yielded, if these rows are small and come quickly.

        Raises:
            OptionError: a key is null or occurs twice.
        """
        source, ahead, position = iter(self.source.read(self._read)), deque[Any](), 0
        until, open_ahead = time.monotonic() + _AHEAD_SECONDS, True
        problem: Exception | None = None
        while True:
            try:
                rows = list(next(source))
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - of the input; the rows before it are asked
                problem = error
                break
            ahead.append((rows, check.add(rows, position)))
            position += len(rows)
            open_ahead = open_ahead and position < _AHEAD and time.monotonic() < until and _are_small(rows)
            if not open_ahead:
                check.finish()
                while ahead:
                    yield ahead.popleft()
        check.finish()
        yield from ahead
        if problem is not None:
            raise problem

    def batches(self, size: int = _BATCH) -> Iterator[list[Wanted]]:
        """Yield what the rows ask for, in their order and in batches of ``size``; the last one may be smaller.

        With ``repeat``, a row has one item for each sample. A row whose key occurred before is left out.

        Raises:
            OptionError: a key is null or occurs twice in an input that can be read only once.
            PromptError: the first 20 prompts are equal, or no prompt can be made; with ``missing="error"`` also if one cannot.
        """
        batch: list[Wanted] = []
        first_prompts = FirstPrompts(self._prompts, compares=self.template is not None)
        check = KeyCheck(self._keys, self._duplicates)  # of an input that can be read only once
        compare = RepeatCheck(check.repeats, self._hash, self._key)
        once = not self.source.again
        if once:
            self.repeats = check.repeats
        position = 0
        for rows, keys in self._checked_once(check) if once else self._with_keys():
            for at, key, values in zip(count(position), keys, rows, strict=False):
                if once and self._duplicates == "first":
                    compare.add(at, values, is_first=True)
                if at in self.repeats:
                    continue
                wanted = self._prompts.first(at, key, values)
                batch.append(wanted)
                if self.repeat > 1:
                    batch += [
                        self._prompts.sample(at, key, values, number) for number in range(1, self.repeat)
                    ]
                if first_prompts.is_open:
                    first_prompts.add(wanted)
            position += len(rows)
            if not first_prompts.is_open:
                stop = len(batch) - len(batch) % size
                yield from (batch[start : start + size] for start in range(0, stop, size))
                batch = batch[stop:]
        first_prompts.finish()
        if self._images is not None:
            self._images.digests.flush()
        yield from (batch[start : start + size] for start in range(0, len(batch), size))
