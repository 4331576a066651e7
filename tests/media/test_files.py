"""Files and bytes: what is sent, what is converted, and which error names the way before anything is sent."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gemini_magic.content import Blob, LocalFile, MediaSettings, Text
from gemini_magic.errors import PromptError
from gemini_magic.media import MediaSource, media_parts, read_files

MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\0\x08mdat"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parts(path):
    notices = []
    return media_parts(path, MediaSource("x", notices)), notices


def write(path, data):
    path.write_bytes(data)
    return path


def saved(path, form=None, side=20):
    Image.new("RGB", (side, side), 5).save(path, form)
    return path


def test_a_file_of_media_is_read_when_it_is_sent(folder):
    path = write(folder / "clip.mp4", MP4)
    (part,), notices = parts(path)
    assert part == LocalFile(str(path), "video/mp4", len(MP4), "")
    assert notices == []
    assert read_files([Text("a"), part], 100) == (Text("a"), Blob("video/mp4", MP4))


def test_a_file_above_the_limit_stays_a_file_with_its_digest(folder):
    small, large = write(folder / "a.mp4", MP4), write(folder / "b.mp4", MP4 * 9)
    files = [parts(large)[0][0], parts(small)[0][0]]
    digest = hashlib.sha256(MP4 * 9).hexdigest()
    expected = (LocalFile(str(large), "video/mp4", len(MP4 * 9), digest), Blob("video/mp4", MP4))
    assert read_files(files, 100) == expected
    assert read_files(expected, 100) == expected


def test_the_limit_counts_all_media_of_the_prompt(folder):
    file = parts(write(folder / "a.mp4", MP4))[0][0]
    image = Blob("image/png", b"x" * 80)
    assert isinstance(read_files([image, file], 80 + len(MP4))[1], Blob)
    assert isinstance(read_files([image, file], 79 + len(MP4))[1], LocalFile)
    assert read_files([image], 79) == (image,)  # which is uploaded


def test_settings_stay_with_a_file_that_is_read(folder):
    file = LocalFile(
        str(write(folder / "a.mp4", MP4)), "video/mp4", len(MP4), "", media=MediaSettings(fps=2.0)
    )
    assert read_files([file], 1000) == (Blob("video/mp4", MP4, None, MediaSettings(fps=2.0)),)


def test_a_file_that_is_gone_when_it_is_sent_is_an_error(folder):
    file = LocalFile(str(folder / "gone.mp4"), "video/mp4", 3, "")
    for limit in (1, 1000):
        with pytest.raises(PromptError, match="cannot be read: No such file or directory"):
            read_files([file], limit)


def test_the_content_decides_and_a_wrong_name_is_reported(folder):
    path = saved(folder / "photo.png", "JPEG")
    (part,), notices = parts(path)
    assert part.mime_type == "image/jpeg"
    assert notices == [f"{path} contains a JPEG image, whatever its name says."]
    assert parts(saved(folder / "fine.jpg", "JPEG"))[1] == []
    assert parts(saved(folder / "none", "PNG"))[0][0].mime_type == "image/png"


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "AVIF", "ICO", "JPEG2000"])
def test_an_image_of_another_type_is_converted_to_png(folder, form):
    path = saved(folder / f"a.{form.lower()}", form)
    (part,), notices = parts(path)
    assert (part.mime_type, part.data[:4]) == ("image/png", b"\x89PNG")
    assert len([notice for notice in notices if notice.endswith("converted to PNG.")]) == 1


def test_without_pillow_an_image_of_another_type_is_an_error(folder, monkeypatch):
    path = saved(folder / "a.gif", "GIF")
    monkeypatch.setattr("gemini_magic.media.pictures.find_spec", lambda name: None)
    with pytest.raises(PromptError, match="is a GIF image, which the API does not take") as caught:
        parts(path)
    assert "%pip install pillow" in caught.value.remedy
    monkeypatch.undo()
    with pytest.raises(PromptError, match=r"is a BMP image that cannot be read: UnidentifiedImageError"):
        parts(write(folder / "a.bmp", b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0"))


def test_a_text_file_is_text_with_its_name_and_a_fence_that_it_cannot_close(folder):
    (part,), notices = parts(write(folder / "a.py", b"print('`')\n"))
    assert part == Text("\n`a.py`:\n```py\nprint('`')\n```\n")
    assert notices == []
    (part,), _ = parts(write(folder / "b.md", "````\nnaïve\n````".encode("utf-16")))
    assert part == Text("\n`b.md`:\n`````md\n````\nnaïve\n````\n`````\n")


def test_a_notebook_is_sent_without_its_outputs(folder):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "1 + 1", "outputs": [{"data": {"image/png": "A" * 5000}}]},
    ]
    path = write(folder / "a.ipynb", json.dumps({"cells": cells}).encode())
    (part,), notices = parts(path)
    assert part.text == "\n`a.ipynb`:\n```python\n# %% [markdown]\n# Title\ntext\n\n# %%\n1 + 1\n```\n"
    assert notices == [f"The request contains the cells of {path} without their outputs."]
    assert "not a notebook" in parts(write(folder / "b.ipynb", b"not a notebook"))[0][0].text


def test_an_svg_file_is_its_source_text(folder):
    (part,), notices = parts(write(folder / "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"))
    assert "```svg\n<svg xmlns" in part.text
    assert notices[0].endswith("because the API takes no SVG images.")


MISTAKES = [
    ("plot.pgn", r"^plot\.pgn does not exist\.", "Did you mean plot.png?"),
    ("other", "^other does not exist", "Relative paths start at "),
    ("no/such/file.png", "does not exist, nor does its folder", "Relative paths start at "),
    ("sub", r"^sub is a folder\.", "Attach its files with a pattern, such as sub/*.png."),
    ("void.txt", r"^void\.txt is empty\.", "Attach a file with content."),
    ("a.docx", "is a Word document, and the API takes no Office files", "Save it as PDF."),
    ("a.xlsx", "is an Excel workbook", "gemini_magic.table(pandas.read_excel(...))"),
    (
        "a.zip",
        "is a ZIP archive, which the API does not take",
        "The API takes images, PDF, audio, video and text.",
    ),
    ("a.npy", "is a NumPy file", "gemini_magic.table(...)"),
    ("latin.csv", "is text in another encoding than UTF-8", 'path.read_text(encoding="cp1252")'),
    ("big.log", r"is text of 1\.2 MB; the limit is 1\.0 MB\.", "Insert only the part that is needed"),
    ("big.pdf", r"is a PDF document of 60\.0 MB; the limit is 50\.0 MB\.", "Attach a smaller file"),
    ("pipe", "is not a regular file", "Copy its content into a file"),
    ("nul\0l", "cannot be read: embedded null byte", "Check the path"),
]


@pytest.fixture
def mistakes(folder):
    saved(folder / "plot.png")
    (folder / "sub").mkdir()
    (folder / "void.txt").touch()
    for name, first in (("a.docx", "word/document.xml"), ("a.xlsx", "xl/workbook.xml"), ("a.zip", "x")):
        with zipfile.ZipFile(folder / name, "w") as file:
            file.writestr("[Content_Types].xml", "x")
            file.writestr(first, "x")
    np.save(folder / "a.npy", np.zeros(3))
    write(folder / "latin.csv", "Kürbis;1".encode("latin-1"))
    write(folder / "big.log", b"line\n" * 240_000)
    with (folder / "big.pdf").open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(60_000_000)
    os.mkfifo(folder / "pipe")


@pytest.mark.parametrize(("name", "message", "remedy"), MISTAKES, ids=[name[:9] for name, *_ in MISTAKES])
def test_a_file_that_cannot_be_sent_is_an_error_with_a_remedy(mistakes, name, message, remedy):
    with pytest.raises(PromptError, match=message) as caught:
        parts(Path(name))
    assert remedy in caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_an_error(folder):
    path = saved(folder / "secret.png")
    path.chmod(0)
    with pytest.raises(PromptError, match="cannot be read: Permission denied"):
        parts(path)
