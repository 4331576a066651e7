"""What bytes are, by their first ones: of files that libraries write, and of heads as the formats define them."""

import io
import pickle
import sqlite3
import struct
import wave
import zipfile

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from gemini_magic.media import HEAD_SIZE, sniff


def picture(form, mode="RGB", **options):
    target = io.BytesIO()
    Image.new(mode, (20, 10), 3).save(target, form, **options)
    return target.getvalue()


def archive(*names):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in names:
            file.writestr(name, "application/vnd.oasis.opendocument.text" if name == "mimetype" else "x")
    return target.getvalue()


def sound():
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 100)
    return target.getvalue()


def iso(brand, *compatible):
    body = brand + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(body) + 8) + b"ftyp" + body + b"\0\0\0\x08mdat"


def database(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table a (b)")
    connection.commit()
    connection.close()
    return (tmp_path / "a.db").read_bytes()


def array():
    target = io.BytesIO()
    np.save(target, np.zeros(3))
    return target.getvalue()


MEDIA = [
    (picture("PNG"), "image/png"),
    (picture("JPEG"), "image/jpeg"),
    (picture("WEBP"), "image/webp"),
    (iso(b"heic", b"mif1"), "image/heic"),
    (iso(b"mif1", b"heic"), "image/heic"),
    (iso(b"mif1", b"miaf"), "image/heif"),
    (sound(), "audio/wav"),
    (b"FORM\0\0\0\x20AIFFCOMM", "audio/aiff"),
    (b"FORM\0\0\0\x20AIFCFVER", "audio/aiff"),
    (b"ID3\x04\0\0\0\0\0\0", "audio/mp3"),
    (b"\xff\xfb\x90\x64" + b"\0" * 40, "audio/mp3"),
    (b"\xff\xf3\x84\xc4" + b"\0" * 40, "audio/mp3"),
    (b"\xff\xf1\x50\x80" + b"\0" * 40, "audio/aac"),
    (b"\xff\xf9\x50\x80" + b"\0" * 40, "audio/aac"),
    (b"OggS\0\x02" + b"\0" * 22 + b"\x01\x1eOpusHead", "audio/ogg"),
    (b"fLaC\0\0\0\x22", "audio/flac"),
    (iso(b"M4A ", b"isom"), "audio/m4a"),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + b"A_OPUS", "audio/webm"),
    (iso(b"isom", b"mp41"), "video/mp4"),
    (iso(b"M4V "), "video/mp4"),
    (iso(b"qt  "), "video/quicktime"),
    (b"\0\0\0\x08wide\0\0\x10\0mdat", "video/quicktime"),
    (iso(b"3gp5"), "video/3gpp"),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + b"A_OPUS V_VP9", "video/webm"),
    (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
    (b"FLV\x01\x05\0\0\0\x09", "video/x-flv"),
    (b"\0\0\x01\xba\x44\0", "video/mpeg"),
    (b"\0\0\x01\xb3\x14\0", "video/mpeg"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "video/wmv"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (b"junk before\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\n\0", "application/pdf"),
]


@pytest.mark.parametrize(("data", "mime_type"), MEDIA, ids=[kind for _, kind in MEDIA])
def test_media_that_the_api_takes_get_its_spelling_of_their_type(data, mime_type):
    found = sniff(data)
    assert (found.mime_type, found.use) == (mime_type, "send")
    assert found.family == mime_type.split("/")[0]


CONVERTED = [
    (picture("GIF", "P"), "image/gif"),
    (picture("BMP"), "image/bmp"),
    (picture("TIFF"), "image/tiff"),
    (picture("ICO"), "image/x-icon"),
    (iso(b"avif", b"mif1"), "image/avif"),
    (iso(b"mif1", b"avif"), "image/avif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
]


@pytest.mark.parametrize(("data", "mime_type"), CONVERTED, ids=[kind for _, kind in CONVERTED])
def test_images_that_the_api_does_not_take_are_to_be_converted(data, mime_type):
    assert sniff(data)[1:] == (mime_type, "convert")


@pytest.mark.parametrize(
    "data",
    [
        b"plain words",
        "naïve — 日本語\n".encode(),
        b"\xef\xbb\xbfwith a byte order mark",
        "a,b\n1,2\n".encode("utf-16"),
        b'{"a": [1]}',
        b"\x1b[31mcoloured\x1b[0m log\r\n\x0c",
        b"BM is not always a picture",
        b"ID3 tags are explained here",
        b"MZ, PK and PAR1 are signatures",
        b"the free and the wide ones",
        b"RIFF is a container. FORM, too",
        b"A note about %PDF-1.7 headers",
        b"BZh and Rar! and SQLite format 3",
        b"x",
    ],
)
def test_text_is_text_whatever_it_begins_with(data):
    assert sniff(data) == ("text", "text/plain", "text")


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        b'<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE svg PUBLIC "x" "y">\n<svg width="1"></svg>',
    ],
)
def test_svg_is_text_with_the_type_of_svg(data):
    assert sniff(data)[1:] == ("image/svg+xml", "text")


def test_a_character_that_the_end_of_the_head_cuts_is_forgiven_only_there():
    text = "ä" * HEAD_SIZE  # two bytes each
    data = b"x" + text.encode()
    assert sniff(data).use == "text"
    assert sniff(data[:HEAD_SIZE], size=len(data)).use == "text"
    assert sniff(data[:HEAD_SIZE]).use == "refuse"
    assert sniff("Kürbis;1,5".encode("latin-1")) == (
        "text that is not UTF-8",
        "application/octet-stream",
        "refuse",
    )


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda _: b"", "empty file"),
        (lambda _: archive("[Content_Types].xml", "word/document.xml"), "Word document"),
        (lambda _: archive("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook"),
        (lambda _: archive("[Content_Types].xml", "ppt/presentation.xml"), "PowerPoint presentation"),
        (lambda _: archive("mimetype", "content.xml"), "OpenDocument text"),
        (lambda _: archive("xl/notes.txt"), "ZIP archive"),
        (lambda _: archive(), "ZIP archive"),
        (lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 20, "Office file of an old format"),
        (database, "SQLite database"),
        (lambda _: b"PAR1\x15\x04\x15\0", "Parquet file"),
        (lambda _: array(), "NumPy file"),
        (lambda _: pickle.dumps([1, 2, 3]), "pickle file"),
        (lambda _: b"\x1f\x8b\x08\0", "gzip file"),
        (lambda _: b"MZ\x90\0\x03\0\0\0", "program"),
        (lambda _: b"\x7fELF\x02\x01\x01\0", "program"),
        (lambda _: b"\x1a\x45\xdf\xa3\x01\0\0\0matroska", "Matroska video"),
        (lambda _: b"OggS\0\x02" + b"\0" * 22 + b"\x01\x2a\x80theora", "Ogg video"),
        (lambda _: b"MThd\0\0\0\x06\0\x01", "MIDI file"),
        (lambda _: b"\0\x01\x02\x03\x04", "binary data of an unknown kind"),
        (lambda _: b"\xff\xfe\x00", "binary data of an unknown kind"),
    ],
)
def test_what_the_api_does_not_take_is_refused_by_name(tmp_path, make, name):
    found = sniff(make(tmp_path))
    assert (found.name, found.use) == (name, "refuse")


def test_every_beginning_of_a_file_is_sniffed_without_an_error():
    for data, _ in MEDIA + CONVERTED:
        for end in range(min(len(data), 40)):
            assert sniff(data[:end]).use in ("send", "convert", "text", "refuse")


@example(b"", b"\xef")  # the beginning of a byte order mark
@given(
    st.sampled_from([data for data, _ in MEDIA + CONVERTED] + [b"PK\3\4", b"MZ", b"\xff\xfe"]),
    st.binary(max_size=60),
)
def test_any_bytes_are_sniffed_without_an_error(head, rest):
    for data in (head + rest, head[: len(head) // 2] + rest, rest):
        found = sniff(data)
        assert found.use in ("send", "convert", "text", "refuse")
        if found.use == "text":
            assert (
                data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig") is not None
            )
