import io
import sys
import tempfile
import zipfile

import pytest
from media_samples import png

from gemini_magic.content import Blob, LocalFile, Text
from gemini_magic.errors import PromptError
from gemini_magic.media import MediaSource, media_parts

PNG = png()


def parts(value, name="x"):
    return media_parts(value, MediaSource(name, []))


def test_an_open_file_is_attached_as_its_path_is(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        file.read(3)
        assert parts(file) == [LocalFile(str(path), "image/png", len(PNG), "")]
        assert file.tell() == 3
    (tmp_path / "a.txt").write_text("words")
    with (tmp_path / "a.txt").open() as file:
        assert parts(file) == [Text("\n`a.txt`:\n```txt\nwords\n```\n")]


def test_what_was_just_written_to_a_file_is_attached(tmp_path):
    with (tmp_path / "a.txt").open("w") as file:
        file.write("words")
        assert "words" in parts(file)[0].text
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(PNG)
        assert parts(file)[0].size == len(PNG)
    with tempfile.TemporaryFile() as file:
        file.write(PNG)
        assert parts(file) == [Blob("image/png", PNG)]


def test_a_stream_in_memory_or_in_an_archive_is_its_content(tmp_path):
    assert parts(io.StringIO("words")) == [Text("words")]
    assert parts(io.BytesIO(PNG)) == [Blob("image/png", PNG)]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", PNG)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("a.png") as file:
        assert parts(file) == [Blob("image/png", PNG)]


def test_a_file_that_was_replaced_is_what_is_open(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        path.rename(tmp_path / "old.png")
        path.write_text("other")
        assert parts(file) == [Blob("image/png", PNG)]


def test_a_stream_that_cannot_be_read_is_an_error_with_a_remedy(tmp_path):
    file = (tmp_path / "a.png").open("wb")
    file.close()
    with pytest.raises(PromptError, match="is an open file that cannot be read: ValueError") as caught:
        parts(file)
    assert caught.value.remedy == "Open it again for reading, or insert its path as a Path."
    with pytest.raises(PromptError, match=r"^x is an open file that cannot be read"):
        parts(closed_bytes())
    with pytest.raises(PromptError, match="which can be read only once or not at all"):
        parts(Once())
    with pytest.raises(PromptError):
        parts(sys.__stdout__)


def closed_bytes():
    stream = io.BytesIO(PNG)
    stream.close()
    return stream


class Once(io.RawIOBase):
    """A stream as of a connection."""

    def readable(self):
        return True


def test_the_response_of_an_http_library_is_its_content():
    response = type("Response", (), {"__module__": "requests.models", "content": PNG})
    assert parts(response()) == [Blob("image/png", PNG)]
