"""Turns an input and a template into what each row asks for, in batches, with all refusals that are possible before sending."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from .. import media
from ..content import LocalFile, Part, Text, encodable
from ..errors import OptionError, PromptError
from ..options import Options
from ..prompts import parts_of_prompt
from .identity import FORM, Identity, asked_for, changes
from .images import FileDigests, ImageFolder
from .inputs import RowSource, open_source
from .key_columns import KeyColumns, is_one_of
from .keys import KeyTable, is_missing, is_null, show_key
from .row import Row
from .template import Rendered, Template, compile_template, has_path
from .values import RowStatus, Wanted

__all__ = ["Duplicates", "Missing", "Plan", "prepare"]

_BATCH: Final = 500
_COMPARED: Final = 20  # the first rows, whose prompts must not all be equal
_MOST_COMPARED: Final = 10_000  # rows in which they are looked for; the others are skipped
_NAMED: Final = 3  # keys in a message

Missing: TypeAlias = Literal["skip", "error", "keep"]
Duplicates: TypeAlias = Literal["error", "first"]


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
    digests: FileDigests | None = None,
    form: int = FORM,
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
            it is asked with an empty text.
        duplicates: whether keys that occur twice are an error, or the first of rows with the same prompt counts.
        dedupe: whether rows with the same prompt share one answer.
        repeat: the number of answers for each row.
        max_bytes: bytes of the prompt's text beyond which a row is ``too_long``; None for any size.
        folder: the folder whose files ``image(row.NAME)`` may send.
        digests: the known digests of files; new ones are added.
        form: the version of the canonical form of the hash.

    Raises:
        PromptError: the input or the template is not valid, a value is missing with ``missing="error"``, or a value cannot
            be sent.
        OptionError: an argument is not valid, or a key is null or occurs twice. Nothing was sent.
    """
    _check_arguments(missing, duplicates, repeat)
    options = options or Options()
    source = open_source(data)
    images = None if folder is None else ImageFolder(folder, digests)
    return Plan(
        source,
        _compiled(template, source, namespace, images, options.table_rows),
        KeyColumns(source, id),
        asked_for(options, template=template or "", functions=functions, repeat=repeat, form=form),
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
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
        raise OptionError(
            f"repeat={repeat!r} is not valid.", remedy="Give the number of answers for each row."
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
        name = next((str(each) for each in source.columns or ()), "")
        example = (
            f"{{{{ row.{name} }}}}"
            if name.isidentifier()
            else f'{{{{ row["{name}"] }}}}'
            if name
            else "{{ row }}"
        )
        raise PromptError(
            "The prompt uses no column, so every row would ask the same.",
            remedy=f"Insert one, for example {example}. For several answers to one prompt use repeat=N.",
        )
    return compiled


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
        before: tuple[Part, ...],
        missing: Missing,
        duplicates: Duplicates,
        dedupe: bool,
        max_bytes: int | None,
    ) -> None:
        self.source, self.template, self.asked = source, template, asked
        self.repeat: int = asked["repeat"]
        self.identity = Identity(asked)
        self.repeats: dict[int, int] = {}
        self._keys = keys
        self._before = media.read_files(before, 0) if before else ()
        self._missing, self._duplicates, self._dedupe = missing, duplicates, dedupe
        self._max_bytes = max_bytes
        columns = source.columns or ()
        used = (
            [0]
            if template is None or source.columns is None
            else [_place(columns, each) for each in template.columns]
        )
        whole = list(range(len(columns))) if template is not None and template.whole_row and columns else []
        self._used = slice(len(keys.positions), len(keys.positions) + len(used))
        self._read = [*keys.positions, *used, *whole]
        self._places = {name: at for at, name in enumerate(columns)} if whole else {}

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
        if self.source.again:
            if self._keys.positions:
                self._check_keys()
            if self._missing == "error":
                self._check_values()
        return self

    def _check_keys(self) -> None:
        seen = KeyTable(self.source.length or 0)
        twice: list[str] = []
        nulls: list[str] = []
        for position, values in self._rows(self._keys.positions):
            try:
                key = self._keys.key(values, position)
            except OptionError:
                if not any(map(is_null, values)):
                    raise
                nulls.append(f"row {position + 1:,}")
                if len(nulls) == _NAMED:
                    break
                continue
            first = seen.add(key, position)
            if first is None:
                continue
            if self._duplicates == "first":
                self.repeats[position] = first
                continue
            twice.append(f"{show_key(key)} (rows {first + 1:,} and {position + 1:,})")
            if len(twice) == _NAMED:
                break
        if nulls:
            raise OptionError(
                f"Rows without a key in {self._keys.described}: {_listed(nulls)}. Nothing was sent.",
                remedy="Remove them or give them a key.",
            )
        if twice:
            raise self._duplicated(twice)
        if self.repeats:
            self._check_repeats()

    def _duplicated(self, twice: Sequence[str]) -> OptionError:
        return OptionError(
            f"Keys that occur more than once in {self._keys.described}: {_listed(twice)}. Nothing was sent for them.",
            remedy='Use a column or a list of columns that identifies a row. duplicates="first" allows rows with the same prompt.',
        )

    def _check_repeats(self) -> None:
        """Refuse rows with the same key and another prompt."""
        firsts = set(self.repeats.values())
        hashes: dict[int, bytes] = {}
        for position, values in self._rows(self._read):
            if position in firsts:
                hashes[position] = self._wanted(position, b"", values, 0).hash
            elif position in self.repeats:
                self._compare(position, values, hashes)

    def _compare(self, position: int, values: Sequence[Any], hashes: Mapping[int, bytes]) -> None:
        first = self.repeats[position]
        if self._wanted(position, b"", values, 0).hash != hashes[first]:
            key = self._keys.key(values, position)
            raise OptionError(
                f"Rows {first + 1:,} and {position + 1:,} have the key {show_key(key)} and different prompts.",
                remedy="Use a column or a list of columns that identifies a row.",
            )

    def _check_values(self) -> None:
        found: list[str] = []
        for position, values in self._rows(self._read):
            if any(map(is_missing, values[self._used])):
                found.append(show_key(self._keys.key(values, position)))
                if len(found) == _NAMED:
                    break
        if found:
            raise self._lacking(found)

    def _lacking(self, keys: Sequence[str]) -> PromptError:
        names = ", ".join(map(str, self.template.columns)) if self.template is not None else "prompt"
        return PromptError(
            f"Rows without a value of {names or 'the prompt'}: {_listed(keys)}.",
            remedy='missing="skip" skips them, missing="keep" sends an empty text.',
        )

    # -- rows

    def _rows(self, positions: Sequence[int]) -> Iterator[tuple[int, Sequence[Any]]]:
        position = 0
        for batch in self.source.read(positions):
            for values in batch:
                yield position, values
                position += 1

    def keys(self) -> Iterator[bytes]:
        """Yield the canonical key of every row; nothing for an input that can be read only once."""
        if not self.source.again:
            return
        for position, values in self._rows(self._keys.positions):
            yield self._keys.key(values, position)

    def batches(self, size: int = _BATCH) -> Iterator[list[Wanted]]:
        """Yield what the rows ask for, in their order and in batches of at most ``size``.

        With ``repeat``, a row has one item for each sample. A row whose key occurred before is left out.

        Raises:
            OptionError: a key is null or occurs twice in an input that can be read only once.
            PromptError: a value cannot be sent, an expression fails, or the first 20 prompts are equal.
        """
        batch: list[Wanted] = []
        first_prompts = _FirstPrompts(is_open=self.template is not None)
        seen = None if self.source.again or not self._keys.positions else KeyTable()
        hashes: dict[int, bytes] = {}
        for position, values in self._rows(self._read):
            if position in self.repeats:
                continue
            key = self._keys.key(values, position)
            if seen is not None and (first := seen.add(key, position)) is not None:
                if self._duplicates == "error":
                    raise self._duplicated([f"{show_key(key)} (rows {first + 1:,} and {position + 1:,})"])
                self.repeats[position] = first
                self._compare(position, values, hashes)
                continue
            if seen is not None and self._duplicates == "first":
                hashes[position] = self._wanted(position, b"", values, 0).hash
            for sample in range(self.repeat):
                wanted = self._wanted(position, key, values, sample)
                batch.append(wanted)
            if first_prompts.is_open:
                first_prompts.add(wanted)
            while len(batch) >= size and not first_prompts.is_open:
                yield batch[:size]
                batch = batch[size:]
        for start in range(0, len(batch), size):
            yield batch[start : start + size]

    def _wanted(self, position: int, key: bytes, values: Sequence[Any], sample: int) -> Wanted:
        used = values[self._used]
        if self._missing != "keep" and any(map(is_missing, used)):
            if self._missing == "error":
                raise self._lacking([show_key(key)])
            return Wanted(position, key, b"", status="skipped", sample=sample)
        salt = b"" if self._dedupe else key
        if self.template is None:
            rendered = Rendered(_prompt_of(used[0], position), ())
        else:
            if self._missing == "keep":
                used = [None if is_null(value) else value for value in used]
            arguments = self._arguments(used, values)
            text = None if self._before else self.template.text(arguments)
            if text is not None:
                return self._of_text(position, key, text, sample, salt)
            try:
                rendered = self.template.render(arguments)
            except PromptError as error:
                raise PromptError(
                    f"Row {show_key(key or b'i%d' % position)}: {error.message}", remedy=error.remedy
                ) from error
        parts = (*self._before, *encodable(rendered.parts))
        if any(isinstance(part, LocalFile) and not part.digest for part in parts):
            parts = media.read_files(parts, 0)  # the digest of each
        size = sum(len(part.text.encode()) for part in parts if isinstance(part, Text))
        if self._max_bytes is not None and size > self._max_bytes:
            return Wanted(position, key, b"", size=size, status="too_long", sample=sample)
        digest = self.identity.of(parts, ((None,) * len(self._before)) + rendered.said, sample, salt)
        return Wanted(position, key, digest, parts, size, "waiting", sample)

    def _of_text(self, position: int, key: bytes, text: str, sample: int, salt: bytes) -> Wanted:
        try:
            encoded = text.encode()
        except UnicodeEncodeError:  # lone surrogates, which cannot be sent
            text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            encoded = text.encode()
        status: RowStatus = "waiting"
        if self._max_bytes is not None and len(encoded) > self._max_bytes:
            return Wanted(position, key, b"", (), len(encoded), "too_long", sample)
        return Wanted(
            position,
            key,
            self.identity.of_text(encoded, sample, salt),
            (Text(text),),
            len(encoded),
            status,
            sample,
        )

    def _arguments(self, used: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        """The arguments of the template's functions: the columns, and the row if it is used as a whole."""
        template = self.template
        if template is None or not template.whole_row or self.source.columns is None:
            return used
        return (*used, Row(self._places, values[self._used.stop :]))


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
        return parts_of_prompt(value).parts
    except PromptError as error:
        raise PromptError(f"Row {position + 1:,}: {error.message}", remedy=error.remedy) from error


class _FirstPrompts:
    """Refuses a template whose first 20 prompts are equal.

    Attributes:
        is_open: whether it still compares.
    """

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self._rows = self._equal = 0
        self._hash = b""

    def add(self, wanted: Wanted) -> None:
        """Compare the next prompt.

        Raises:
            PromptError: it is the 20th, and all are equal.
        """
        self._rows += 1
        if wanted.hash and not wanted.sample:
            self._equal += 1
            self.is_open = wanted.hash == (self._hash or wanted.hash) and self._rows < _MOST_COMPARED
            self._hash = wanted.hash
        if self._equal == _COMPARED and self.is_open:
            raise PromptError(
                f"The prompts of the first {_COMPARED} rows are equal, so they would ask the same.",
                remedy="Check the columns in the prompt. For several answers to one prompt use repeat=N.",
            )


def _place(columns: Sequence[Any], name: Any) -> int:
    return next(at for at, each in enumerate(columns) if is_one_of(name, (each,)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) + (" …" if len(names) == _NAMED else "")
