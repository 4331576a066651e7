"""Finds out what bytes are from their first ones: the MIME type in the API's words, text, or a kind that it refuses.

The types that the API takes are those of ai.google.dev ("Image understanding", "Audio understanding", "Video
understanding", "Document understanding"). A file's name is never consulted: it may be wrong, and bytes have none.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Literal, NamedTuple

__all__ = ["HEAD_SIZE", "MediaFormat", "file_suffix", "sniff"]

HEAD_SIZE: Final = 64 * 1024
"""The number of bytes at the start of a file that decide."""


class MediaFormat(NamedTuple):
    """What bytes are.

    Attributes:
        name: the kind in words, without an article: ``PNG image``, ``ZIP archive``.
        mime_type: the MIME type, in the API's spelling where it takes the type.
        use: ``send`` as media; ``convert`` to PNG first, because the API does not take this type of image; send as
            ``text``; or ``refuse``.
    """

    name: str
    mime_type: str
    use: Literal["send", "convert", "text", "refuse"]

    @property
    def family(self) -> str:
        """``image``, ``audio``, ``video``, ``application`` or ``text``."""
        return self.mime_type.partition("/")[0]


_PNG: Final = MediaFormat("PNG image", "image/png", "send")
_JPEG: Final = MediaFormat("JPEG image", "image/jpeg", "send")
_HEIC: Final = MediaFormat("HEIC image", "image/heic", "send")
_HEIF: Final = MediaFormat("HEIF image", "image/heif", "send")
_AVIF: Final = MediaFormat("AVIF image", "image/avif", "convert")
_TIFF: Final = MediaFormat("TIFF image", "image/tiff", "convert")
_BMP: Final = MediaFormat("BMP image", "image/bmp", "convert")
_WAV: Final = MediaFormat("WAV audio", "audio/wav", "send")
_AIFF: Final = MediaFormat("AIFF audio", "audio/aiff", "send")
_MP3: Final = MediaFormat("MP3 audio", "audio/mp3", "send")
_AAC: Final = MediaFormat("AAC audio", "audio/aac", "send")
_M4A: Final = MediaFormat("M4A audio", "audio/m4a", "send")
_OGG: Final = MediaFormat("Ogg audio", "audio/ogg", "send")
_MP4: Final = MediaFormat("MP4 video", "video/mp4", "send")
_MOV: Final = MediaFormat("QuickTime video", "video/quicktime", "send")
_3GP: Final = MediaFormat("3GP video", "video/3gpp", "send")
_MPEG: Final = MediaFormat("MPEG video", "video/mpeg", "send")
_PDF: Final = MediaFormat("PDF document", "application/pdf", "send")
_TEXT: Final = MediaFormat("text", "text/plain", "text")
_SVG: Final = MediaFormat("SVG image", "image/svg+xml", "text")
_EMPTY: Final = MediaFormat("empty file", "application/octet-stream", "refuse")
_OTHER_TEXT: Final = MediaFormat("text that is not UTF-8", "application/octet-stream", "refuse")
_BINARY: Final = MediaFormat("binary data of an unknown kind", "application/octet-stream", "refuse")

# Signatures at the start that no text begins with.
_STRONG: Final[tuple[tuple[bytes, MediaFormat], ...]] = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF87a", MediaFormat("GIF image", "image/gif", "convert")),
    (b"GIF89a", MediaFormat("GIF image", "image/gif", "convert")),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"%PDF-", _PDF),
    (b"FLV\x01", MediaFormat("FLV video", "video/x-flv", "send")),
    (b"\0\0\x01\xba", _MPEG),
    (b"\0\0\x01\xb3", _MPEG),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", MediaFormat("WMV video", "video/wmv", "send")),
    (b"\0\0\x01\0", MediaFormat("ICO image", "image/x-icon", "convert")),
    (b"\0\0\0\x0cjP  ", MediaFormat("JPEG 2000 image", "image/jp2", "convert")),
)
# Signatures of kinds that the API does not take; looked for in data that is not text.
_REFUSED: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"\0\0\0\x0cJXL ", "JPEG XL image", "image/jxl"),
    (b"\xff\x0a", "JPEG XL image", "image/jxl"),
    (b"8BPS", "Photoshop image", "image/vnd.adobe.photoshop"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office file of an old format", "application/x-ole-storage"),
    (b"\x1f\x8b", "gzip file", "application/gzip"),
    (b"BZh", "bzip2 file", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "xz file", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard file", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "RAR archive", "application/vnd.rar"),
    (b"SQLite format 3\0", "SQLite database", "application/vnd.sqlite3"),
    (b"PAR1", "Parquet file", "application/vnd.apache.parquet"),
    (b"ARROW1\0\0", "Arrow file", "application/vnd.apache.arrow.file"),
    (b"\x93NUMPY", "NumPy file", "application/x-numpy"),
    (b"\x89HDF\r\n\x1a\n", "HDF5 file", "application/x-hdf5"),
    (b"\x7fELF", "program", "application/x-executable"),
    (b"MZ", "program", "application/x-executable"),
    (b"\xcf\xfa\xed\xfe", "program", "application/x-executable"),
    (b"\0asm", "WebAssembly program", "application/wasm"),
    (b"MThd", "MIDI file", "audio/midi"),
    (b"wOFF", "font", "font/woff"),
    (b"wOF2", "font", "font/woff2"),
    (b"OTTO", "font", "font/otf"),
    (b"\0\x01\0\0\0", "font", "font/ttf"),
)
_RIFF: Final = {
    b"WAVE": _WAV,
    b"WEBP": MediaFormat("WebP image", "image/webp", "send"),
    b"AVI ": MediaFormat("AVI video", "video/x-msvideo", "send"),
}
_BRANDS: Final = {  # of ISO base media files (mp4ra.org)
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
    **dict.fromkeys((b"mif1", b"msf1"), _HEIF),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), _M4A),
    b"qt  ": _MOV,
    b"crx ": MediaFormat("raw camera image", "image/x-canon-cr3", "refuse"),
}
_OLD_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"pnot")
_OFFICE: Final = (
    (b"word/", "Word document"),
    (b"xl/", "Excel workbook"),
    (b"ppt/", "PowerPoint presentation"),
    (b"opendocument.text", "OpenDocument text"),
    (b"opendocument.spreadsheet", "OpenDocument spreadsheet"),
    (b"opendocument.presentation", "OpenDocument presentation"),
    (b"application/epub+zip", "EPUB book"),
)
_BMP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)  # bytes of the header that follows the first 14
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Control characters that text files contain: tab, line ends, form feed, bell, backspace, escape, separators.
_NOT_TEXT: Final = re.compile(rb"[\x00-\x06\x0e-\x19]")
_SVG_ROOT: Final = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL
)


_SUFFIXES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "image/heic": ".heic",
    "image/avif": ".avif",
    "audio/wav": ".wav",
    "audio/mp3": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/aac": ".aac",
    "audio/m4a": ".m4a",
    "audio/webm": ".webm",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "application/pdf": ".pdf",
}


def file_suffix(data: bytes, *, default: str = ".bin") -> str:
    """The ending of the name of a file with this content.

    Args:
        data: the bytes, which decide: a server may name any type.
        default: the ending for bytes of an unknown type.
    """
    found = sniff(data)
    return _SUFFIXES.get(found.mime_type, ".txt" if default and found.use == "text" else default)


def sniff(data: bytes, *, size: int | None = None) -> MediaFormat:
    """Return what bytes are; never raises.

    Args:
        data: the whole data, or at least its first :data:`HEAD_SIZE` bytes.
        size: the size of the whole data in bytes, if ``data`` is only its beginning.
    """
    whole = len(data) if size is None else size
    head = data[:HEAD_SIZE]
    if not head:
        return _EMPTY
    return _media(head, whole) or _text(head, is_whole=whole <= len(head)) or _refused(head)


def _media(head: bytes, size: int) -> MediaFormat | None:
    for signature, found in _STRONG:
        if head.startswith(signature):
            return found
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if head[4:8] == b"ftyp" and head[0] == 0:
        return _iso_media(head)
    if head[4:8] in _OLD_QUICKTIME and head[0] == 0:
        return _MOV
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(head)
    if head.startswith(b"OggS\0"):
        is_video = b"theora" in head[:512]
        return MediaFormat("Ogg video", "video/ogg", "refuse") if is_video else _OGG
    if head.startswith((b"fLaC\0", b"fLaC\x80")):
        return MediaFormat("FLAC audio", "audio/flac", "send")
    return _bitmap(head, size) or _mpeg_audio(head)


def _iso_media(head: bytes) -> MediaFormat:
    """The kind of an MP4 file and its relatives, by its brand; HEIF may be AVIF by its compatible brands."""
    brand, end = head[8:12], int.from_bytes(head[:4], "big")
    compatible = head[16 : min(end, 256)]
    found = _BRANDS.get(brand)
    if found is _HEIF and b"avif" in compatible:
        return _AVIF
    if found is _HEIF and b"heic" in compatible:
        return _HEIC
    if found is not None:
        return found
    return _3GP if brand.startswith((b"3gp", b"3g2", b"3ge")) else _MP4


def _matroska(head: bytes) -> MediaFormat:
    """WebM, as audio where the tracks have no video; other Matroska files are refused."""
    if b"webm" not in head[:64]:
        return MediaFormat("Matroska video", "video/x-matroska", "refuse")
    is_audio = b"A_" in head and b"V_VP" not in head and b"V_AV1" not in head
    return (
        MediaFormat("WebM audio", "audio/webm", "send")
        if is_audio
        else MediaFormat("WebM video", "video/webm", "send")
    )


def _bitmap(head: bytes, size: int) -> MediaFormat | None:
    """A BMP image: it begins with two letters, so its size or the size of its second header must fit as well."""
    if not head.startswith(b"BM") or head[6:10] != b"\0\0\0\0":
        return None
    fits = int.from_bytes(head[2:6], "little") == size
    return _BMP if fits or int.from_bytes(head[14:18], "little") in _BMP_HEADERS else None


def _mpeg_audio(head: bytes) -> MediaFormat | None:
    """MP3 or AAC: both begin with the same eleven bits, and the bits of the layer tell them apart.

    ``FF FE`` is the byte order mark of UTF-16.
    """
    if head.startswith((b"ID3\x02", b"ID3\x03", b"ID3\x04")):
        return _MP3
    bits = int.from_bytes(head[:3], "big")
    if len(head) < 3 or bits >> 13 != 0b111_1111_1111 or head.startswith(_UTF_16):  # noqa: PLR2004 - bytes
        return None
    version, layer, bit_rate, sample_rate = bits >> 11 & 3, bits >> 9 & 3, bits >> 4 & 15, bits >> 2 & 3
    if layer == 0:
        return _AAC if version & 2 else None
    is_frame = version != 1 and bit_rate not in (0, 15) and sample_rate != 3  # noqa: PLR2004 - reserved values
    return _MP3 if is_frame else None


def _text(head: bytes, *, is_whole: bool) -> MediaFormat | None:
    """Text in UTF-8, or in UTF-16 with a byte order mark; a character that the end of the head cuts is allowed."""
    encoding = "utf-16" if head.startswith(_UTF_16) else "utf-8"
    head = head.removeprefix(codecs.BOM_UTF8)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return None
    control = _NOT_TEXT.search(head) if encoding == "utf-8" else "\0" in text
    if control:
        return None
    return _SVG if _SVG_ROOT.match(text[:4096]) else _TEXT


def _refused(head: bytes) -> MediaFormat:
    """What data is that is neither text nor media that the API takes; a PDF file may begin with something else."""
    if b"%PDF-" in head[:1024]:
        return _PDF
    if head.startswith(b"PK"):
        return _zip(head)
    for signature, name, mime_type in _REFUSED:
        if head.startswith(signature):
            return MediaFormat(name, mime_type, "refuse")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return MediaFormat("pickle file", "application/x-pickle", "refuse")
    return _OTHER_TEXT if not _NOT_TEXT.search(head) else _BINARY


def _zip(head: bytes) -> MediaFormat:
    """A ZIP archive, or an Office file, which is one: its first entries name its parts."""
    for part, name in _OFFICE:
        if part in head and (b"[Content_Types].xml" in head or b"mimetype" in head[:64]):
            return MediaFormat(name, "application/zip", "refuse")
    return MediaFormat("ZIP archive", "application/zip", "refuse")
