"""Which media are sent inside a request, which are uploaded, and what a backend without uploads says."""

import hashlib
import os

import pytest

from gemini_magic.backends import backend
from gemini_magic.client import plan_media, without_files
from gemini_magic.config import Options
from gemini_magic.content import Blob, File, LocalFile, MediaSettings, Request, Text, Turn
from gemini_magic.errors import OptionError, PromptError


def planned(*parts, dialect="gemini", offline=False, turns=(), limit=0.1):
    request = Request(model="m", turns=(*turns, Turn("user", parts)))
    return plan_media(request, backend(dialect), Options(inline_limit=limit), offline=offline)


def local(folder, size, name="a.mp4", **fields):
    data = os.urandom(size)
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return LocalFile(str(folder / name), "video/mp4", size, digest, **fields)


def test_a_request_without_media_stays_the_same_object():
    request = Request(model="m", turns=(Turn("user", (Text("a"), File("https://x.test/a"))),))
    plan = plan_media(request, backend("gemini"), Options())
    assert plan.request is request
    assert plan.uploads == {}


def test_the_settings_of_a_medium_stay_with_it(tmp_path):
    settings = MediaSettings(fps=2.0)
    small, large = local(tmp_path, 1000, "s", media=settings), local(tmp_path, 200_000, "l", media=settings)
    _, first, second = planned(Text("?"), small, large).request.turns[0].parts
    assert (type(first), first.media) == (Blob, settings)
    assert (second.uri, second.mime_type, second.media) == (f"sha256:{large.digest}", "video/mp4", settings)


def test_media_of_earlier_turns_count(tmp_path):
    picture = Blob("image/png", os.urandom(80_000))
    earlier = (Turn("user", (Text("a"), picture)), Turn("model", (Text("b"),)))
    small = Blob("image/png", os.urandom(30_000))
    assert list(planned(Text("c"), small, turns=earlier).uploads) == [picture.digest]
    assert planned(Text("c"), small, turns=earlier, limit=0.2).uploads == {}


@pytest.mark.parametrize(
    ("dialect", "remedy"),
    [("vertex", "gs://BUCKET/OBJECT"), ("gateway", "--inline-limit"), ("adaptive", "--inline-limit")],
)
def test_a_backend_without_uploads_names_the_limit_and_a_remedy(tmp_path, dialect, remedy):
    with pytest.raises(OptionError) as problem:
        planned(local(tmp_path, 2_100_000, "talk.mp4"), dialect=dialect, limit=1.5)
    assert problem.value.message == (
        f"talk.mp4 has 2.1 MB; the media of a request to the {dialect} backend may have 1.5 MB in all (--inline-limit)."
    )
    assert remedy in problem.value.remedy
    assert planned(local(tmp_path, 2_100_000), dialect=dialect, limit=3).uploads == {}


def test_a_replay_of_a_backend_without_uploads_has_the_media_inside(tmp_path):
    (part,) = planned(local(tmp_path, 200_000), dialect="gateway", offline=True).request.turns[0].parts
    assert isinstance(part, Blob)


@pytest.mark.parametrize(("dialect", "offline"), [("echo", False), ("gemini", True)])
def test_nothing_has_to_be_uploaded_without_a_server(tmp_path, dialect, offline):
    file = local(tmp_path, 200_000)
    (part,) = planned(file, dialect=dialect, offline=offline).request.turns[0].parts
    assert part.uri == f"sha256:{file.digest}"


def test_a_file_that_changed_or_is_gone_is_an_error(tmp_path):
    file = local(tmp_path, 1000)
    (tmp_path / "a.mp4").write_bytes(b"other")
    with pytest.raises(PromptError, match="has changed since it was attached"):
        planned(file)
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(PromptError, match="cannot be read: No such file"):
        planned(file)


def test_without_files_nothing_is_read():
    request = Request(model="m", turns=(Turn("user", (Text("a"), LocalFile("/gone", "a/b", 5, ""))),))
    assert without_files(request).turns[0].parts == (Text("a"), Blob("a/b", b""))
