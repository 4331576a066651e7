"""attach(), the values of --attach, and addresses."""

import base64
import io

import pandas as pd
import pytest
from media_samples import ledger_of, png
from PIL import Image

import gemini_magic
from gemini_magic.content import Blob, File, LocalFile, MediaSettings, Text
from gemini_magic.errors import PromptError
from gemini_magic.media import describe_part
from gemini_magic.prompts import attach, attachments_of_line
from gemini_magic.response import Response

PDF = b"%PDF-1.7\n%\xe2\xe3"
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\0\x08mdat"
WAV = b"RIFF\x10\0\0\0WAVEfmt "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").write_bytes(PDF)
    (tmp_path / "a.mp4").write_bytes(MP4)
    (tmp_path / "a.wav").write_bytes(WAV)
    for name in ("one", "two"):
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")
    return tmp_path


def named(name, variables=None):
    notices = []
    return attachments_of_line([name], variables or {}, notices, 50), notices


PICTURE = png()


def ledger_answer():
    """An answer of a text and two pictures."""
    blob = Blob("image/png", PICTURE)
    return Response(ledger_of("Here.", blob, "And:", blob))


def settings(value, **given):
    (part,) = attach(value, **given).parts
    return part.media


def test_attach_is_a_function_of_the_package(folder):
    assert gemini_magic.attach("a.pdf").parts == (
        LocalFile(str(folder / "a.pdf"), "application/pdf", len(PDF), ""),
    )


def test_settings_say_how_the_server_reads_the_media(folder):
    assert settings("a.pdf", pages=(3, 9), resolution="low") == MediaSettings(pages=(3, 9), resolution="low")
    assert settings("a.pdf", pages=4) == MediaSettings(pages=(4, 4))
    assert settings("a.mp4", start="10s", end="1m30s", fps=1) == MediaSettings(start=10.0, end=90.0, fps=1.0)
    assert settings("a.wav", start=2.5, end="1:02:03.5") == MediaSettings(start=2.5, end=3723.5)
    assert settings(Image.new("RGB", (9, 9)), resolution="ULTRA-HIGH") == MediaSettings(
        resolution="ultra_high"
    )
    assert settings("https://youtu.be/dQw4w9WgXcQ", start="90") == MediaSettings(start=90.0)
    assert settings("https://h.test/unknown", fps=0.5, pages=(1, 2)) == MediaSettings(fps=0.5, pages=(1, 2))
    assert settings("a.pdf") is None


def test_settings_of_an_attachment_are_added_to_its_own(folder):
    first = attach("a.mp4", start=1)
    assert settings(first, fps=2) == MediaSettings(start=1.0, fps=2.0)
    assert settings(first, start=5) == MediaSettings(start=5.0)


@pytest.mark.parametrize(
    ("value", "given", "message"),
    [
        ("a.pdf", {"resolution": "tiny"}, "^resolution 'tiny' is not valid"),
        ("a.pdf", {"pages": (9, 3)}, r"^pages \(9, 3\) is not valid"),
        ("a.pdf", {"pages": 0}, "^pages 0 is not valid"),
        ("a.pdf", {"pages": "3-9"}, "^pages '3-9' is not valid"),
        ("a.pdf", {"pages": True}, "^pages True is not valid"),
        ("a.pdf", {"fps": 1}, "^fps does not apply to document"),
        ("a.pdf", {"start": 1}, "^start does not apply to document"),
        ("one.png", {"pages": 1}, "^pages does not apply to image"),
        ("a.wav", {"resolution": "low"}, "^resolution does not apply to audio"),
        ("a.mp4", {"fps": 25}, "^fps 25 is not valid"),
        ("a.mp4", {"fps": 0}, "^fps 0 is not valid"),
        ("a.mp4", {"start": "soon"}, "^start 'soon' is not a time"),
        ("a.mp4", {"start": ""}, "^start '' is not a time"),
        ("a.mp4", {"end": -1}, "^end -1 is not a time"),
        ("a.mp4", {"start": float("nan")}, "^start nan is not a time"),
        ("a.mp4", {"start": 9, "end": "5s"}, "^end must be after start"),
        (b"words", {"resolution": "low"}, "^resolution does not apply to text"),
        (3, {}, "^The attachment is an object of the type int, which is not media"),
        ("", {}, "^The attachment has no name"),
    ],
)
def test_a_setting_that_is_not_valid_or_does_not_fit_is_an_error(folder, value, given, message):
    with pytest.raises(PromptError, match=message) as caught:
        attach(value, **given)
    assert caught.value.remedy


def test_the_value_of_the_option_is_a_variable_a_file_a_pattern_or_an_address(folder):
    image = Blob("image/png", b"x")
    assert named("image", {"image": image}) == ([image], [])
    assert [part.path for part in named("*.png")[0]] == [str(folder / "one.png"), str(folder / "two.png")]
    assert named(str(folder / "a.wav"))[0][0].mime_type == "audio/wav"
    assert named("https://h.test/a.pdf")[0] == [File("https://h.test/a.pdf", "application/pdf")]
    assert named("both", {"both": [image, "a.pdf"]})[0][1].mime_type == "application/pdf"


def test_a_part_of_a_variable_can_be_attached(folder):
    answer = ledger_answer()
    assert [part.data for part in named("drawn.images", {"drawn": answer})[0]] == [PICTURE, PICTURE]
    assert [part.data for part in named("drawn.images[-1]", {"drawn": answer})[0]] == [PICTURE]
    assert named("drawn.chunks", {"drawn": answer})[0][0].text.startswith("\n`drawn.chunks`:\n\n| ")
    with pytest.raises(
        PromptError, match=r"^The attachment drawn\.pictures is neither a file nor a part of drawn"
    ):
        named("drawn.pictures", {"drawn": answer})
    with pytest.raises(PromptError, match=r"is neither a file nor a part of drawn\.images: IndexError"):
        named("drawn.images[7]", {"drawn": answer})
    assert named("one.png", {"one": 1})[0][0].path == str(folder / "one.png")


def test_an_answer_is_attached_as_its_media():
    answer = ledger_answer()
    assert [part.data for part in named("drawn", {"drawn": answer})[0]] == [PICTURE, PICTURE]
    assert len(attach(answer, resolution="low").parts) == 2
    assert len(attach(answer.candidates[0]).parts) == 2
    with pytest.raises(PromptError, match=r"^r is an answer without media\.") as caught:
        named("r", {"r": gemini_magic.ask("hello", backend="echo")})
    assert caught.value.remedy == "Insert its text into the prompt: {{ r }}."


def test_a_table_is_attached_as_text():
    table = pd.DataFrame({"a": [1]})
    assert attach(table).parts == (Text("\n\n| a |\n| --- |\n| 1 |\n\n"),)
    assert named("df", {"df": table})[0] == [Text("\n`df`:\n\n| a |\n| --- |\n| 1 |\n\n")]
    assert len(attach([table, Blob("image/png", b"x")]).parts) == 2
    assert attach(gemini_magic.table(table, format="csv")).parts == (Text("\n\na\n1\n\n"),)
    with pytest.raises(PromptError, match=r"^pages does not apply to text\."):
        attach(table, pages=3)


def test_a_video_of_youtube_needs_no_scheme(folder):
    for address in (
        "youtu.be/dQw4w9WgXcQ",
        "www.youtube.com/watch?v=dQw4w9WgXcQ",
        "youtube.com/shorts/dQw4w9WgXcQ",
    ):
        assert named(address)[0] == [File("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4")]
    with pytest.raises(PromptError) as caught:
        named("example.com/plots/a.png")
    assert caught.value.remedy == "If it is an address, write https:// before it."


def test_a_file_may_have_the_characters_of_a_pattern_in_its_name(folder):
    (folder / "plot[1].pdf").write_bytes(PDF)
    assert named("plot[1].pdf")[0][0].path.endswith("plot[1].pdf")


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("fgi", "^fgi is neither a variable nor a file", "Did you mean fig?"),
        ("on.png", r"^on\.png does not exist", "Did you mean one.png"),
        ("*.jpg", r"^No file matches \*\.jpg", "Relative paths start at"),
        ("number", "^number is an object of the type int, which is not media", "Insert it into the prompt"),
        ("http://h.test/a.png", "which the API does not fetch", "Use https"),
        ("https:///a.png", "is not a valid address", "https://HOST/PATH"),
        ("https://h.test/a b.png", "is not a valid address", "https://HOST/PATH"),
        ("https://[::1/a.png", "is not a valid address", "https://HOST/PATH"),
        ("https://h.test/a.DOCX", "is the address of a Word file, which the API does not take", "as PDF"),
        ("https://h.test/a.tar.gz?x=1", "is the address of an archive", "attach its files"),
        ("https://me:pw@h.test/a.png", "contains a user name or a password", "Download"),
        ("https://www.youtube.com/@channel", "address of YouTube without a video", "watch?v="),
        ("data:image/png;base64,!!", "The data: address cannot be decoded", "data:TYPE;base64,DATA"),
    ],
)
def test_a_value_of_the_option_that_cannot_be_sent_is_an_error(folder, name, message, remedy):
    with pytest.raises(PromptError, match=message) as caught:
        named(name, {"fig": 1, "number": 3})
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?feature=shared&v=dQw4w9WgXcQ",
        "https://m.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
    ],
)
def test_every_form_of_an_address_of_youtube_is_one_video(address):
    assert named(address)[0] == [File("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4")]


def test_the_time_in_an_address_of_youtube_is_where_the_video_starts():
    assert named("https://youtu.be/dQw4w9WgXcQ?t=1m30s")[0][0].media == MediaSettings(start=90.0)
    assert named("https://youtu.be/dQw4w9WgXcQ?t=90")[0][0].media == MediaSettings(start=90.0)
    assert named("https://youtu.be/dQw4w9WgXcQ?t=x")[0][0].media is None


@pytest.mark.parametrize(
    ("address", "mime_type"),
    [
        ("https://h.test/a.JPG?size=9", "image/jpeg"),
        ("https://h.test/a", None),
        ("https://h.test/a.php", None),
        ("gs://bucket/talk.mp4", "video/mp4"),
        ("gs://bucket/talk.mov", "video/quicktime"),
        ("https://h.test/a%2Epdf", "application/pdf"),
        ("https://h.test/a.gif", "image/gif"),
    ],
)
def test_the_type_of_an_address_is_that_of_its_ending(address, mime_type):
    assert named(address)[0] == [File(address, mime_type)]


def test_media_inside_an_address_is_decoded():
    data = base64.b64encode(PDF).decode()
    assert named(f"data:application/pdf;base64,{data}")[0] == [Blob("application/pdf", PDF)]
    assert named("data:text/plain,some%20words")[0] == [Text("some words")]


def test_an_attachment_shows_what_it_contains(folder):
    assert repr(attach("*.png")).startswith("<Attachment: image/png, 7")
    assert describe_part(Blob("image/png", b"x" * 2_100_000)) == "image/png, 2.1 MB"
    assert describe_part(File("https://h.test/a")) == "https://h.test/a"
    photo = Image.Exif()
    photo[0x010F] = "maker"
    stored = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stored, "JPEG", exif=photo)
    assert describe_part(Blob("image/jpeg", stored.getvalue())).endswith(" bytes, 9 × 9, with EXIF data")
    assert describe_part(Text("words")) == "text, 5 characters"
    assert describe_part(LocalFile("/x/a.mp4", "video/mp4", 31_400, "")) == "video/mp4, 31.4 kB, a.mp4"
