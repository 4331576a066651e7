"""--to FILE: the text while it arrives, readable at every moment, and a footer for every ending."""

from __future__ import annotations

import base64

import pytest
from client_stage import finished, kinds, start, until
from fake_server import Script, cut, event, finish, flood, gate, google_error, stall, status
from fake_server import text as chunk
from media_samples import png

from gemini_magic.client import reader
from gemini_magic.errors import OptionError

PNG = png()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answer.md"


def test_the_file_can_be_read_while_it_grows_and_ends_with_the_tokens(fake_server, file):
    fake_server.script(
        chunk("hm", thought=True),
        chunk("Na\u00efve "),
        gate("on"),
        chunk("\U0001f600"),
        finish(usageMetadata={"totalTokenCount": 12}),
    )
    stream = start(fake_server, to=str(file))
    until(lambda: file.read_text() == "Na\u00efve ")
    fake_server.open("on")
    finished(stream)
    assert file.read_text() == "Na\u00efve \U0001f600\n\n---\nTokens: 12\n"


def test_the_footer_contains_the_cost_that_a_gateway_sends(fake_server, file):
    last = {"final": True, "usage": {"total_tokens": 536}, "cost": {"input": 0.0000018, "total": 0.0001554}}
    chunks = ({"output": [{"type": "text", "content": "Hello\n"}]}, last)
    fake_server.route("/api/v1/generate/stream", Script([event(each) for each in chunks]))
    finished(start(fake_server, dialect="gateway", to=str(file)))
    assert file.read_text() == "Hello\n\n---\nTokens: 536\nCost: $0.0002\n"


def test_the_footer_lists_the_sources_and_is_replaced_when_the_answer_is_resumed(fake_server, file):
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a.example/", "title": "A \x1b[31m\n---\nTokens: 5"}},
            {"retrievedContext": {"title": "b.pdf"}},
        ]
    }
    half = {
        "candidates": [
            {
                "content": {"parts": [{"text": "Half"}]},
                "finishReason": "MAX_TOKENS",
                "groundingMetadata": grounding,
            }
        ]
    }
    fake_server.script(event(half))
    finished(start(fake_server, to=str(file)))
    footer = "Status: truncated\nSource 1: A [31m --- Tokens: 5 · a.example · https://a.example/\nSource 2: b.pdf · file\n"
    assert file.read_text() == f"Half\n\n---\n{footer}"
    fake_server.script(chunk(" whole"), finish(usageMetadata={"totalTokenCount": 12}))
    finished(start(fake_server, to=str(file), before="Half"))
    assert file.read_text() == "Half whole\n\n---\nTokens: 12\n"


@pytest.mark.parametrize(
    ("steps", "ending"),
    [
        ([chunk("Half"), cut()], "truncated"),
        ([chunk("Half"), finish("MAX_TOKENS")], "truncated"),
        ([chunk("Half"), event(google_error(503, "busy", "UNAVAILABLE"))], "error"),
        ([chunk("Half"), stall()], "stalled"),
    ],
)
def test_the_footer_names_an_ending_that_is_not_complete(fake_server, file, steps, ending):
    fake_server.script(*steps)
    finished(start(fake_server, to=str(file), stall_timeout=0.2))
    head, _, footer = file.read_text().partition("\n\n---\n")
    assert head == "Half"
    assert footer.splitlines()[-1] == f"Status: {ending}"


def test_without_any_text_a_new_file_holds_only_the_status(fake_server, file):
    fake_server.script(status(400, body=google_error(400, "no", "INVALID_ARGUMENT")))
    ledger = finished(start(fake_server, to=str(file)))
    assert file.read_text() == "---\nStatus: error\n"
    assert ledger.notes[-1].message == f"No text arrived; {file} holds only the status."


def test_cancelling_writes_the_footer_at_once(fake_server, file):
    fake_server.script(chunk("Half"), stall())
    stream = start(fake_server, to=str(file))
    until(lambda: file.read_text() == "Half")
    stream.cancel()
    assert file.read_text().endswith("\nStatus: interrupted\n")
    assert file.read_text().count("---") == 1


def test_a_second_attempt_writes_the_text(fake_server, file, monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.0)
    fake_server.script(status(503))
    fake_server.script(chunk("Hello"), finish())
    finished(start(fake_server, to=str(file)))
    assert file.read_text().startswith("Hello\n\n---\nTokens: ")


def test_a_burst_is_written_completely(fake_server, file):
    fake_server.script(flood(5000, "word "), finish())
    finished(start(fake_server, to=str(file)))
    assert file.read_text().partition("\n\n---\n")[0] == "word " * 5000


@pytest.mark.parametrize("name", ["missing/answer.md", "."])
def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_sent(fake_server, tmp_path, name):
    fake_server.model("m", chunk("Hello"), finish())
    with pytest.raises(OptionError, match=r"--to .* cannot be written"):
        start(fake_server, to=str(tmp_path / name))
    assert fake_server.requests == []


def test_an_existing_file_is_kept_when_the_request_is_not_valid(fake_server, file):
    file.write_text("before")
    with pytest.raises(OptionError):
        start(fake_server, model="no such model", to=str(file))
    assert file.read_text() == "before"


def test_a_full_disk_is_noted(fake_server):
    fake_server.script(chunk("Hello"), finish())
    ledger = finished(start(fake_server, to="/dev/full"))
    assert ledger.status == "complete"
    assert kinds(ledger).count("not-written") == 1


def test_a_forked_child_does_not_write_to_the_file(fake_server, file):
    fake_server.script(chunk("Half"), stall())
    stream = start(fake_server, to=str(file))
    until(lambda: file.read_text() == "Half")
    stream._close_in_child()  # as a child does after a fork
    assert stream.ledger.status == "truncated"
    assert file.read_text() == "Half"
    stream._connection.shutdown()


@pytest.mark.parametrize("steps", [[status(503, body=google_error(503, "busy", "UNAVAILABLE"))], [finish()]])
def test_a_run_without_text_keeps_the_answer_in_the_file(fake_server, file, steps):
    fake_server.script(chunk("Hello"), finish())
    finished(start(fake_server, to=str(file)))
    good = file.read_text()
    fake_server.script(*steps)
    ledger = finished(start(fake_server, to=str(file), overwrite=True, retries=0))
    assert file.read_text() == good
    assert [(note.kind, note.severity, str(file) in note.message) for note in ledger.notes][-1] == (
        "kept",
        "info",
        True,
    )


def test_the_old_content_stays_until_the_first_new_text(fake_server, file):
    file.write_text("a longer answer from before")
    fake_server.script(gate("first"), chunk("New"), gate("on"), finish())
    stream = start(fake_server, to=str(file), overwrite=True)
    fake_server.wait_for_requests(1)
    assert file.read_text() == "a longer answer from before"
    fake_server.open("first")
    until(lambda: file.read_text() == "New")
    fake_server.open("on")
    assert kinds(finished(stream)).count("written") == 1
    assert file.read_text().startswith("New\n\n---\n")


def test_a_resumed_answer_replaces_the_file_of_its_first_part(fake_server, file):
    file.write_text("Half\n\n---\nStatus: truncated\n")
    fake_server.script(status(400, body=google_error(400, "no", "INVALID_ARGUMENT")))
    finished(start(fake_server, to=str(file), before="Half"))
    assert file.read_text() == "Half\n\n---\nStatus: truncated\n"
    fake_server.script(chunk(" whole"), finish())
    finished(start(fake_server, to=str(file), before="Half"))
    assert file.read_text().startswith("Half whole\n\n---\nTokens")


def test_an_existing_file_is_not_replaced_without_being_asked(fake_server, file):
    file.write_text("precious")
    with pytest.raises(OptionError) as caught:
        start(fake_server, to=str(file))
    assert caught.value.message == f"--to {file}: the file exists."
    assert caught.value.remedy == (
        "Add --overwrite to replace it or --append to write at its end, or choose another file."
    )
    assert (fake_server.requests, file.read_text()) == ([], "precious")
    fake_server.script(chunk("New"), finish())
    finished(start(fake_server, to=str(file), overwrite=True))
    assert file.read_text().startswith("New\n\n---\n")
    assert "precious" not in file.read_text()


@pytest.mark.parametrize(
    ("name", "old", "result"),
    [
        ("a.md", "One\n\n---\nTokens: 3\n", "One\n\n---\nTokens: 3\n\nNew\n\n---\nTokens: 12\n"),
        ("a.txt", "no end", "no end\n\nNew\n\n---\nTokens: 12\n"),
        ("a.jsonl", '{"a": 1}\n', '{"a": 1}\nNew'),
        ("a.jsonl", '{"a": 1}', '{"a": 1}\nNew'),
    ],
)
def test_append_writes_behind_the_content(fake_server, tmp_path, name, old, result):
    file = tmp_path / name
    file.write_text(old)
    fake_server.script(chunk("New"), finish(usageMetadata={"totalTokenCount": 12}))
    finished(start(fake_server, to=str(file), append=True))
    assert file.read_text() == result


def test_append_keeps_the_file_when_no_text_arrives_and_continues_a_resumed_answer(fake_server, file):
    file.write_text("One\n\nHalf\n\n---\nStatus: truncated\n")
    fake_server.script(finish())
    finished(start(fake_server, to=str(file), append=True, before="Half"))
    assert file.read_text() == "One\n\nHalf\n\n---\nStatus: truncated\n"
    fake_server.script(chunk(" whole"), finish(usageMetadata={"totalTokenCount": 12}))
    finished(start(fake_server, to=str(file), append=True, before="Half"))
    assert file.read_text() == "One\n\nHalf whole\n\n---\nTokens: 12\n"


def test_a_file_that_holds_only_a_status_is_not_an_answer(fake_server, file):
    file.write_text("---\nStatus: error\n")
    fake_server.script(chunk("New"), finish(usageMetadata={"totalTokenCount": 12}))
    finished(start(fake_server, to=str(file)))
    assert file.read_text() == "New\n\n---\nTokens: 12\n"


@pytest.mark.parametrize(
    ("name", "form"), [("a.json", "markdown"), ("a.py", "text"), ("a.md", "json"), ("a", "code")]
)
def test_no_footer_follows_json_or_code(fake_server, tmp_path, name, form):
    fake_server.script(chunk('{"a": 1}'), finish(usageMetadata={"totalTokenCount": 12}))
    finished(start(fake_server, to=str(tmp_path / name), format=form))
    assert (tmp_path / name).read_text() == '{"a": 1}'


def test_without_a_footer_the_note_names_the_ending(fake_server, tmp_path):
    file = tmp_path / "a.json"
    fake_server.script(chunk('{"a"'), cut())
    ledger = finished(start(fake_server, to=str(file)))
    assert file.read_text() == '{"a"'
    assert f"The text of the answer is in {file}; it is incomplete (truncated)." in [
        note.message for note in ledger.notes
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overwrite": True}, "--overwrite has no effect without --to."),
        ({"append": True}, "--append has no effect without --to."),
        ({"to": "x.md", "overwrite": True, "append": True}, "--overwrite and --append exclude each other."),
    ],
)
def test_options_about_the_file_that_contradict_each_other_are_refused(fake_server, options, message):
    with pytest.raises(OptionError) as caught:
        start(fake_server, **options)
    assert caught.value.message == message


def test_a_note_names_the_file(fake_server, file):
    fake_server.script(chunk("Hello"), finish())
    (note,) = finished(start(fake_server, to=str(file))).notes
    assert (note.kind, note.message) == ("written", f"The text of the answer is in {file}.")


def media_chunk(*media):
    parts = [
        {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}} for kind, data in media
    ]
    return event({"candidates": [{"content": {"parts": parts}}]})


def test_the_media_of_the_answer_are_written_beside_the_file(fake_server, file):
    pictures = media_chunk(("image/png", PNG), ("audio/L16;rate=24000", b"\0\1" * 50), ("x/y", b"\0\1\2"))
    fake_server.script(chunk("See: "), pictures, finish())
    file.with_name("answer-2.wav").write_text("another file")
    stream = start(fake_server, to=str(file))
    finished(stream)
    assert file.with_name("answer-1.png").read_bytes() == PNG
    assert file.with_name("answer-2.wav").read_text() == "another file"
    assert file.with_name("answer-3.wav").read_bytes()[:4] == b"RIFF"
    assert file.with_name("answer-4.bin").read_bytes() == b"\0\1\2"
    assert file.with_name("answer-1.png").stat().st_mode & 0o077 == 0
    (note,) = (note for note in stream.ledger.notes if note.kind == "written")
    assert note.message == (
        f"The text of the answer is in {file}. Its media are beside it: answer-1.png, answer-3.wav, answer-4.bin."
    )
    fake_server.script(media_chunk(("image/png", PNG + b"2")), finish())
    finished(stream := start(fake_server, to=str(file), overwrite=True))
    assert file.with_name("answer-1.png").read_bytes() == PNG + b"2"
    (note,) = (note for note in stream.ledger.notes if note.kind == "kept")
    assert note.message.endswith("was not changed. Its media is beside it: answer-1.png.")


def test_media_that_cannot_be_written_are_reported(fake_server, file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gemini_magic.client.answer_media.open_private", full)
    fake_server.script(chunk("See"), media_chunk(("image/png", PNG)), finish())
    finished(stream := start(fake_server, to=str(file)))
    problem = "The media of the answer could not be written beside answer.md: No space left on device."
    assert [note.message for note in stream.ledger.notes if note.kind == "not-written"] == [problem]
