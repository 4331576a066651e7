"""Converts files and bytes to parts: media by their content, text as text, anything else with an error that names it.

A file of media is a :class:`LocalFile` first. :func:`read_files` reads those that fit into the request.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePath
from typing import Final

from msgspec.structs import replace

from ..content import Blob, LocalFile, Part, Text
from ..errors import PromptError
from .damage import damage_of
from .pictures import converted_blob, note_large_png
from .signatures import HEAD_SIZE, MediaFormat, sniff
from .source import MediaSource, readable_size

__all__ = ["bytes_part", "file_part", "read_files"]

_MOST_TEXT: Final = 1_000_000  # bytes of a text file
_MOST_CHECKED: Final = 200_000_000  # bytes of an image file that is checked whether it is whole
_MOST_CONVERTED: Final = 200_000_000  # bytes of an image file that is converted
_MOST_PDF: Final = 50_000_000  # ai.google.dev, "Document understanding"
_MOST: Final = 2_000_000_000  # bytes of a file; ai.google.dev, "Files API"
_NAMES: Final = {  # endings of names, where they promise a certain content
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".pdf": "application/pdf",
    ".wav": "audio/wav",
    ".mp3": "audio/mp3",
    ".mp4": "video/mp4",
}
_OFFICE: Final = ("Word", "Excel", "PowerPoint", "OpenDocument", "Office")
_TABLES: Final = ("Parquet file", "Arrow file", "SQLite database", "HDF5 file", "NumPy file", "pickle file")
_NOTEBOOK: Final = ".ipynb"
_FENCES: Final = re.compile(r"`{3,}")


def file_part(path: PurePath, source: MediaSource) -> list[Part]:
    """The parts of a file: a text, a converted image, or a :class:`LocalFile` whose content is read later.

    Messages name the path.

    Raises:
        PromptError: the file is missing, empty, not readable, too large, or of a type that the API does not take.
    """
    source = source._replace(name=str(path))
    file = Path(path).expanduser()
    size = _checked_size(file, source)
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_SIZE)
            found = sniff(head, size=size)
            rest = b""
            if found.use in ("text", "convert"):
                limit = _MOST_TEXT if found.use == "text" else _MOST_CONVERTED
                _check_limit(size, limit, found, source)
                rest = stream.read(limit)
    except OSError as error:
        raise _unreadable(source, error) from error
    promised = _NAMES.get(file.suffix.lower())
    if promised is not None and promised != found.mime_type and found.use != "refuse":
        source.notices.append(f"{source.name} contains {_article(found.name)}, whatever its name says.")
    if found.use == "text":
        return [_file_text(head + rest, file, found, source)]
    if found.use == "convert":
        return [converted_blob(head + rest, found, source)]
    if found.use == "refuse":
        raise _refused(found, source)
    if found.mime_type == "application/pdf":
        _check_limit(size, _MOST_PDF, found, source)
    _check_limit(size, _MOST, found, source)
    note_large_png(size, found, source)
    return [LocalFile(str(file.absolute()), found.mime_type, size, "")]


def _checked_size(file: Path, source: MediaSource) -> int:
    try:
        status = file.stat()
    except FileNotFoundError:
        raise _missing(file, source) from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise _unreadable(source, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise source.problem(
            "is a folder.", f"Attach its files with a pattern, such as {source.name.rstrip('/')}/*.png."
        )
    if not stat.S_ISREG(status.st_mode):
        raise source.problem("is not a regular file.", "Copy its content into a file, or insert it as bytes.")
    if not status.st_size:
        raise source.problem("is empty.", "Attach a file with content.")
    return status.st_size


def _missing(file: Path, source: MediaSource) -> PromptError:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    try:
        siblings = [each.name for each in file.parent.iterdir()]
    except OSError:
        return source.problem(
            "does not exist, nor does its folder.", f"Relative paths start at {Path.cwd()}."
        )
    names = {name.lower(): name for name in siblings}
    close = [
        str(PurePath(source.name).with_name(names[name]))
        for name in sorted(get_close_matches(file.name.lower(), names, n=3))
    ]
    remedy = f"Did you mean {' or '.join(close)}?" if close else f"Relative paths start at {Path.cwd()}."
    return source.problem("does not exist.", remedy)


def _unreadable(source: MediaSource, error: Exception) -> PromptError:
    reason = getattr(error, "strerror", None) or str(error)
    return source.problem(f"cannot be read: {reason}.", "Check the path and its permissions.")


def _check_limit(size: int, limit: int, found: MediaFormat, source: MediaSource) -> None:
    if size <= limit:
        return
    remedy = {
        "text": "Insert only the part that is needed; gemini_magic.table(df, rows=...) does that for a table.",
        "convert": "Make it smaller, or save it as PNG or JPEG.",
    }.get(found.use, "Attach a smaller file, or only a section of it.")
    raise source.problem(
        f"is {_article(found.name)} of {readable_size(size)}; the limit is {readable_size(limit)}.", remedy
    )


def _check_whole(data: bytes | mmap, mime_type: str, source: MediaSource) -> None:
    if (damage := damage_of(data, mime_type)) is not None:
        raise source.problem(
            f"is a damaged {sniff(data[:HEAD_SIZE]).name}: {damage}.", "Save or download it again."
        )


def _article(name: str) -> str:
    return (
        name
        if name == "text"
        else f"{'an' if name[0] in 'AEIOUaeiou' or name.startswith(('HE', 'MP', 'FL')) else 'a'} {name}"
    )


def _refused(found: MediaFormat, source: MediaSource) -> PromptError:
    if found.name.startswith(_OFFICE):
        sheet = "Excel" in found.name or "spreadsheet" in found.name or found.name.startswith("Office")
        table = ", or insert {{ gemini_magic.table(pandas.read_excel(...)) }}" if sheet else ""
        return source.problem(
            f"is {_article(found.name)}, and the API takes no Office files.", f"Save it as PDF{table}."
        )
    if found.name == "text that is not UTF-8":
        return source.problem(
            "is text in another encoding than UTF-8.",
            'Insert it as text, with its encoding: {{ path.read_text(encoding="cp1252") }}.',
        )
    what = found.name if found.name.startswith("binary") else _article(found.name)
    remedy = (
        "Read it, and insert {{ gemini_magic.table(...) }} or another text."
        if found.name in _TABLES
        else "The API takes images, PDF, audio, video and text."
    )
    return source.problem(f"is {what}, which the API does not take.", remedy)


def bytes_part(data: bytes, source: MediaSource) -> Part:
    """The part of bytes: media or text, by their content.

    Raises:
        PromptError: they are empty, or of a type that the API does not take.
    """
    found = sniff(data)
    if not data:
        raise source.problem("is empty.", "Insert bytes with content.")
    if found.use == "refuse":
        raise _refused(found, source)
    if found.use == "convert":
        return converted_blob(data, found, source)
    if found.use == "text":
        _check_limit(len(data), _MOST_TEXT, found, source)
        return Text(_decoded(data, source))
    _check_whole(data, found.mime_type, source)
    note_large_png(len(data), found, source)
    return Blob(found.mime_type, data)


# -- text files


def _decoded(data: bytes, source: MediaSource) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(MediaFormat("text that is not UTF-8", "", "refuse"), source) from None


def _file_text(data: bytes, file: Path, found: MediaFormat, source: MediaSource) -> Text:
    """The text of a file in a fence that nothing in it can close, with the file's name before it."""
    text, language = _decoded(data, source), file.suffix.removeprefix(".").lower()
    if file.suffix.lower() == _NOTEBOOK and (cells := _notebook_cells(text)) is not None:
        text, language = cells, "python"
        source.notices.append(f"The request contains the cells of {source.name} without their outputs.")
    if found.mime_type == "image/svg+xml":
        source.notices.append(
            f"The request contains {source.name} as its source text, because the API takes no SVG images."
        )
    fence = "`" * (max(map(len, _FENCES.findall(text)), default=2) + 1)
    name = " ".join(file.name.split()).replace("`", "'")
    return Text(f"\n`{name}`:\n{fence}{language}\n{text.rstrip()}\n{fence}\n")


def _notebook_cells(text: str) -> str | None:
    """The cells of a notebook as a script in the percent format; None if the text is not a notebook."""
    try:
        cells = json.loads(text)["cells"]
        sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return "\n\n".join(
        f"# %%{'' if kind == 'code' else f' [{kind}]'}\n{source}"
        for kind, source in sources
        if source.strip()
    )


# -- reading


def read_files(parts: Sequence[Part], limit: int) -> tuple[Part, ...]:
    """Read the local files that fit into the request beside its other media, the smallest first.

    A file that does not fit stays a :class:`LocalFile`, with the digest of its content.

    Args:
        parts: the parts of the prompt.
        limit: the size in bytes up to which the media of the prompt together are sent inside the request.

    Raises:
        PromptError: a file cannot be read any more, or is a damaged image.
    """
    used = sum(len(part.data) for part in parts if isinstance(part, Blob))
    files = [(part.size, at) for at, part in enumerate(parts) if isinstance(part, LocalFile)]
    read = list(parts)
    for size, at in sorted(files):
        file = parts[at]
        assert isinstance(file, LocalFile)  # noqa: S101 - selected above
        used += size
        read[at] = _inline(file) if used <= limit else _with_digest(file)
    return tuple(read)


def _inline(file: LocalFile) -> Blob:
    try:
        data = Path(file.path).read_bytes()
    except OSError as error:
        raise _unreadable(MediaSource(file.path, []), error) from error
    _check_whole(data, file.mime_type, MediaSource(file.path, []))
    return Blob(file.mime_type, data, file.signature, media=file.media)


def _with_digest(file: LocalFile) -> LocalFile:
    if file.digest:
        return file
    import hashlib  # noqa: PLC0415 - only for a large file

    try:
        with Path(file.path).open("rb") as stream:
            if file.mime_type.startswith("image/") and 0 < file.size <= _MOST_CHECKED:
                # Not read into memory, as an upload is not either.
                with mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
                    _check_whole(content, file.mime_type, MediaSource(file.path, []))
            return replace(file, digest=hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise _unreadable(MediaSource(file.path, []), error) from error
