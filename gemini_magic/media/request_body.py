"""The body of a request with its media apart: the JSON text contains references, and the bytes of each medium exist once.

A reference is the string ``sha256:`` with the digest in hexadecimal, in place of the base64 text. What is sent is put
together piece by piece, so that no copy of the media is made; recordings, the journal and the record keep the text with
the references. Small media stay in the text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from os import urandom
from typing import Any, Final, NamedTuple

from ..content import Blob
from ..text import one_line
from .source import readable_size

__all__ = [
    "REFERENCE",
    "MediaInsert",
    "StoredMedia",
    "base64_pieces",
    "base64_size",
    "body_pieces",
    "body_size",
    "collapse_media",
    "describe_media",
    "encode_body",
    "expand_media",
    "media_identity",
    "media_in",
    "references_in",
    "summarize_references",
]

REFERENCE: Final = "sha256:"
_TEXT_REFERENCES: Final = re.compile(r'"sha256:([0-9a-f]{64})"')
_SMALL: Final = 1024  # bytes; a smaller medium is not worth a reference
_PIECE: Final = (
    3 * 2**14
)  # bytes of a medium that are encoded at once; a multiple of 3, so that no padding is between
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_REFERENCES: Final = re.compile(rb'"sha256:([0-9a-f]{64})"')
_LONG_TEXTS: Final = re.compile(rb'"([A-Za-z0-9+/_-]{%d,}+={0,2})"' % _SMALL)
# Content of the Interactions API that is a medium, and the fields that hold it.
_CONTENT: Final = ("image", "audio", "video", "document")
_PLACES: Final = ("data", "uri")
_SHOWN: Final = 12  # characters of a digest for people
_BASE64: Final = str.maketrans("-_", "+/")


class StoredMedia(NamedTuple):
    """One medium of a request.

    Attributes:
        digest: the SHA-256 digest in hexadecimal.
        mime_type: its type; empty if it is not known.
        size: in bytes.
        data: the bytes; None if they were not kept.
    """

    digest: str
    mime_type: str
    size: int
    data: bytes | None = None


class MediaInsert(NamedTuple):
    """Where in a body a medium is sent in place of its reference.

    Attributes:
        start, end: the byte offsets of the reference, without its quotation marks.
        media: the medium, with its bytes.
    """

    start: int
    end: int
    media: StoredMedia


def encode_body(body: Mapping[str, Any]) -> tuple[bytes, tuple[MediaInsert, ...]]:
    """Encode a JSON object in which a :class:`~gemini_magic.content.Blob` stands for the base64 text of its data.

    Returns:
        The JSON text with references, and what is sent in place of them.

    Raises:
        UnicodeEncodeError: a text contains a lone surrogate.
        TypeError, ValueError: a value has no JSON form.
    """
    blobs: list[Blob] = []
    mark = ""  # no text of the prompt can contain it

    def placeholder(value: object) -> str:
        nonlocal mark
        if not isinstance(value, Blob):
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
        if len(value.data) < _SMALL:
            return base64.b64encode(value.data).decode()
        mark = mark or f"{REFERENCE}{urandom(16).hex()}:"
        blobs.append(value)
        return f"{mark}{len(blobs) - 1}"

    text = json.dumps(
        body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=placeholder
    ).encode("utf-8")
    inserts: list[MediaInsert] = []
    pieces: list[bytes] = []
    size = position = 0
    for number, blob in enumerate(blobs):
        name = f"{mark}{number}".encode()
        found = text.index(name, position)
        reference = f"{REFERENCE}{blob.digest}".encode()
        pieces += [text[position:found], reference]
        size += found - position
        media = StoredMedia(blob.digest, blob.mime_type, len(blob.data), blob.data)
        inserts.append(MediaInsert(size, size + len(reference), media))
        size += len(reference)
        position = found + len(name)
    return b"".join([*pieces, text[position:]]) if blobs else text, tuple(inserts)


def media_in(inserts: Sequence[MediaInsert]) -> dict[str, StoredMedia]:
    """The media of a body by their digest."""
    return {each.media.digest: each.media for each in inserts}


def references_in(body: bytes, media: Mapping[str, StoredMedia]) -> tuple[MediaInsert, ...]:
    """Where the references of a body are, and to which media."""
    found = ((match, media.get(match[1].decode())) for match in _REFERENCES.finditer(body))
    return tuple(
        MediaInsert(match.start() + 1, match.end() - 1, each) for match, each in found if each is not None
    )


def body_size(body: bytes, inserts: Sequence[MediaInsert]) -> int:
    """Bytes that are sent: the media as base64 in place of their references."""
    return len(body) + sum(base64_size(each.media.size) - (each.end - each.start) for each in inserts)


def base64_size(size: int) -> int:
    """Characters of the base64 text of that many bytes."""
    return (size + 2) // 3 * 4


def body_pieces(body: bytes, inserts: Sequence[MediaInsert]) -> Iterator[bytes]:
    """The body as it is sent, in pieces: the media as base64 in place of their references."""
    position = 0
    for insert in inserts:
        yield body[position : insert.start]
        yield from base64_pieces(insert.media.data or b"")
        position = insert.end
    yield body[position:]


def base64_pieces(data: bytes) -> Iterator[bytes]:
    """The base64 text of bytes, in pieces."""
    view = memoryview(data)
    return (base64.b64encode(view[start : start + _PIECE]) for start in range(0, len(view), _PIECE))


def expand_media(body: bytes, media: Mapping[str, StoredMedia]) -> Iterator[bytes]:
    """The body as it was sent, in pieces. A reference to a medium whose bytes were not kept stays a reference."""
    kept = {digest: each for digest, each in media.items() if each.data is not None}
    yield from body_pieces(body, references_in(body, kept))


def collapse_media(body: bytes) -> tuple[bytes, dict[str, StoredMedia]]:
    """The body with references in place of the base64 texts in it, and the media by their digest.

    The rest of the body is unchanged. A body that is not JSON is returned as it is.
    """
    if len(body) < _SMALL:
        return body, {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body, {}
    found: dict[str, StoredMedia] = {}
    references: dict[bytes, bytes] = {}
    for mime_type, text in _media_texts(value):
        data = _decoded(text) if len(text) > _SMALL else None
        if data is not None and len(data) >= _SMALL:
            media = _stored(mime_type, data)
            found[media.digest] = media
            references[text.encode()] = f'"{REFERENCE}{media.digest}"'.encode()
    if not found:
        return body, {}
    body = _LONG_TEXTS.sub(lambda text: references.get(text[1], text[0]), body)
    present = {text[1].decode() for text in _REFERENCES.finditer(body)}
    return body, {digest: media for digest, media in found.items() if digest in present}


def _stored(mime_type: str, data: bytes) -> StoredMedia:
    return StoredMedia(Blob(mime_type, data).digest, mime_type, len(data), data)


def _media_texts(value: Any) -> Iterator[tuple[str, str]]:
    """The types and base64 texts of the media in a JSON value, of the Gemini API and of the gateway."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            mime_type, text = _type_and_text(each)
            if text:
                yield mime_type, text
            stack += each.values()
        elif isinstance(each, list):
            stack += each


def _type_and_text(fields: dict[str, Any]) -> tuple[str, str]:
    mime_type = fields.get("mimeType", fields.get("mime_type"))
    text = fields.get("data", fields.get("content") if fields.get("type") != "text" else None)
    if isinstance(mime_type, str) and isinstance(text, str):
        return mime_type, text
    return "", ""


def _decoded(text: str) -> bytes | None:
    """The bytes of a base64 text of either alphabet, with or without padding; None if it is not one."""
    try:
        plain = text.translate(_BASE64).rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def media_identity(value: Any, files: Mapping[str, str]) -> Any:
    """A JSON value in which each medium is its digest, however it was sent: inline, by reference, or uploaded.

    Args:
        value: the JSON value of a body.
        files: the digests of uploaded files by their URI.
    """
    if isinstance(value, list):
        return [media_identity(each, files) for each in value]
    if not isinstance(value, dict):
        return value
    for name in ("inlineData", "inline_data", "fileData", "file_data"):
        digest = _digest_of(value.get(name), files)
        if digest is not None:
            rest = {key: media_identity(each, files) for key, each in value.items() if key != name}
            return {**rest, "media": digest, "mediaType": _type_of(value[name])}
    if value.get("type") in _CONTENT and (digest := _digest_of(value, files)) is not None:
        rest = {key: media_identity(each, files) for key, each in value.items() if key not in _PLACES}
        return {**rest, "media": digest}
    return {key: media_identity(each, files) for key, each in value.items()}


def _type_of(fields: Mapping[str, Any]) -> Any:
    """The type of a medium: a server reads the same bytes differently as ``text/plain`` and as ``text/html``."""
    return fields.get("mimeType", fields.get("mime_type"))


def _digest_of(fields: Any, files: Mapping[str, str]) -> str | None:
    """The digest of the medium in the data of a part; None if it is not known."""
    if not isinstance(fields, dict):
        return None
    uri = fields.get("fileUri", fields.get("file_uri", fields.get("uri")))
    if isinstance(uri, str):
        return files.get(uri) or _referred(uri)
    text = fields.get("data")
    if not isinstance(text, str):
        return None
    data = None if text.startswith(REFERENCE) else _decoded(text)
    return _referred(text) if data is None else _stored("", data).digest


def _referred(text: str) -> str | None:
    digest = text.removeprefix(REFERENCE)
    return digest if digest != text and _DIGEST.fullmatch(digest) else None


def describe_media(media: StoredMedia) -> str:
    """A medium for people: ``[image/png, 781 kB, sha256 0123456789ab…]``."""
    kind = one_line(media.mime_type) or "media"
    return f"[{kind}, {readable_size(media.size)}, sha256 {media.digest[:_SHOWN]}…]"


def summarize_references(body: str, media: Mapping[str, StoredMedia]) -> str:
    """The text of a body in which each reference describes its medium."""
    described = {
        digest: json.dumps(describe_media(each), ensure_ascii=False) for digest, each in media.items()
    }
    return _TEXT_REFERENCES.sub(lambda found: described.get(found[1], found[0]), body) if media else body
