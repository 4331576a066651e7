"""Pictures, audio and code runs as users get them from a response."""

from __future__ import annotations

import base64
import io
import wave

import pytest
from media_samples import SVG, ledger_of, picture, png, sound, tone

from gemini_magic.content import Blob, Call, Code, CodeResult
from gemini_magic.errors import OptionError
from gemini_magic.prompts import parts_of_prompt
from gemini_magic.response import Response


def response(*parts, candidate=0):
    return Response(ledger_of(*parts, candidate=candidate))


def test_a_picture_displays_itself_and_names_its_format_and_size():
    [found] = response("Here: ", picture(640, 480)).images
    assert repr(found) == f"<picture 1: PNG 640×480, {len(found.data) / 1000:.1f} kB>"
    assert found.size == (640, 480)
    bundle = found._repr_mimebundle_()
    assert bundle["image/png"] == base64.b64encode(found.data).decode()
    assert bundle["text/plain"] == f"[{found.label}]"


def test_the_bytes_decide_how_a_picture_is_displayed():
    wrong, svg, heic = response(
        Blob("image/jpeg", png()), Blob("image/svg+xml", SVG), Blob("image/heic", b"?")
    ).images
    assert set(wrong._repr_mimebundle_()) == {"image/png", "text/plain"}
    assert set(svg._repr_mimebundle_()) == {"text/plain"}
    assert set(heic._repr_mimebundle_()) == {"text/plain"}


def test_a_picture_is_saved_under_a_new_name_or_the_given_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [found] = response(picture()).images
    assert [found.save().name, found.save().name] == ["picture-1.png", "picture-1 (2).png"]
    assert found.save("mine").name == "mine.png"
    assert found.save(tmp_path / "other.dat").read_bytes() == found.data
    with pytest.raises(OptionError, match="Cannot write"):
        found.save(tmp_path / "missing" / "x.png")


def test_pictures_of_candidates_are_distinguished(tmp_path):
    [found] = response(picture(), candidate=1).candidates[1].images
    assert found.label.startswith("picture 1 of candidates[1]: PNG")
    assert found.save(tmp_path).name == "picture-c1-1.png"


def test_audio_is_one_wav_file_with_a_player(tmp_path):
    [found] = response(*sound(0.5, pieces=7)).audio
    with wave.open(io.BytesIO(found.data)) as read:
        assert read.readframes(read.getnframes()) == tone(0.5)
    assert found.seconds == 0.5
    assert found.label == "audio 1: WAV, 500 ms, 24.0 kB"
    assert found._repr_mimebundle_()["text/html"].startswith(
        '<audio controls src="data:audio/wav;base64,UklGR'
    )
    assert found.save(tmp_path).name == "audio-1.wav"


def test_audio_that_no_browser_plays_is_described():
    [found] = response(Blob('audio/mp3"><script>', b"<script>")).audio
    assert set(found._repr_mimebundle_()) == {"text/plain"}


def test_a_video_has_a_player():
    mp4 = b"\0\0\0\x18ftypisom" + bytes(40)
    [found] = response(Blob("video/mp4", mp4)).videos
    assert "<video controls" in found._repr_mimebundle_()["text/html"]


def test_code_runs_have_their_output_and_pictures():
    parts = Code("1/0", "PYTHON"), CodeResult("OUTCOME_OK", "done"), picture(), "Text", picture()
    answer = response(*parts)
    [run] = answer.code_runs
    assert (run.code, run.output, run.ok) == ("1/0", "done", True)
    assert [each.label for each in run.images] == [answer.images[0].label]


def test_a_call_in_pieces_is_one_call():
    pieces = [Call("f", will_continue=True), Call(None, {"x": 1})]
    assert [(call.name, call.args) for call in response(*pieces).calls] == [("f", {"x": 1})]


def test_media_of_an_answer_can_be_sent_again():
    answer = response(picture(), *sound())
    assert [
        part.mime_type
        for value in (answer.images[0], answer.audio[0])
        for part in parts_of_prompt([value]).parts
    ] == [
        "image/png",
        "audio/wav",
    ]
