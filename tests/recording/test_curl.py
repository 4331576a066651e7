"""The curl command of a request that someone else recorded runs as one command with one URL, in every shell."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from curl_cases import FOREIGN, GOOGLE, HOSTILE, NO_COMMAND, PROMPT, run_command

from gemini_magic import Response
from gemini_magic.errors import RecordingError
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.recording.curl import curl_of

KEY = ("x-goog-api-key", "", "GEMINI_API_KEY")
SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "ksh") if shutil.which(shell)]
NAMELESS_OPTIONS = ["-sS", "-N", "-g"]


def command_of(case):
    method, url, headers, body = HOSTILE[case]
    return curl_of(Exchange(method, url, headers, body.encode()), KEY)


def options_of(arguments):
    """The options of a command as pairs of name and value; fails if there is any other argument."""
    assert arguments[:3] == NAMELESS_OPTIONS
    rest = arguments[3:]
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    assert {name for name, _ in pairs} <= {"-X", "--url", "-H", "--data-raw", "--data-binary"}
    return pairs


def loaded(tmp_path, method="POST", url=GOOGLE, backend=None):
    path = tmp_path / "stranger.jsonl"
    request = {"method": method, "url": url, "headers": {}, "body": "{}"}
    dialect = {"backend": backend} if backend else {}
    lines = [
        {"v": 1, "exchange": 0, **dialect, "request": request},
        {"exchange": 0, "status": 200, "headers": {}},
        {"exchange": 0, "t": 0.1, "text": 'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'},
        {"exchange": 0, "end": "eof"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Response.load(path)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_request_is_one_command_with_one_url(case, shell, tmp_path):
    command = command_of(case)
    arguments, body, files = run_command(command, tmp_path, shell)
    pairs = options_of(arguments)
    assert files == set()
    assert [name for name, _ in pairs].count("--url") == 1
    assert re.fullmatch("[A-Z]+", dict(pairs)["-X"])
    assert ("-H", "x-goog-api-key: the key") in pairs
    assert dict(pairs).get("--data-raw", body).strip()
    assert all(re.match(r"[a-z0-9_-]+: ", value) for name, value in pairs if name == "-H")


@pytest.mark.parametrize("case", HOSTILE)
def test_a_command_has_no_character_that_a_terminal_obeys_or_hides(case):
    command = command_of(case)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\U000e0000-\U000e007f]", command
    )


def test_escaped_characters_of_a_body_mean_the_same(tmp_path):
    arguments, _, _ = run_command(command_of("body with controls"), tmp_path)
    body = dict(options_of(arguments))["--data-raw"]
    assert json.loads(body) == {"a": "\x1b]0;x\x07\x9b\x7f\u202e\u200b\U000e0041"}
    arguments, _, _ = run_command(command_of("prompt"), tmp_path)
    assert json.loads(dict(options_of(arguments))["--data-raw"]) == PROMPT


def test_a_long_body_reaches_curl_unchanged(tmp_path):
    arguments, body, _ = run_command(command_of("long body"), tmp_path)
    assert dict(options_of(arguments))["--data-binary"] == "@-"
    assert body == HOSTILE["long body"][3] + "\n"


@pytest.mark.parametrize("case", NO_COMMAND)
def test_a_url_that_is_not_http_has_no_command(case, tmp_path):
    assert curl_of(Exchange("POST", NO_COMMAND[case], [], b"{}"), KEY) is None
    with pytest.raises(RecordingError, match="not an http or https URL"):
        loaded(tmp_path, url=NO_COMMAND[case]).curl()


@pytest.mark.parametrize("case", FOREIGN)
def test_a_recording_gets_no_key_for_a_host_that_the_key_does_not_belong_to(case, tmp_path):
    command = loaded(tmp_path, url=FOREIGN[case]).curl()
    assert "API_KEY" not in command
    assert (
        "API_KEY"
        not in loaded(tmp_path, url=FOREIGN[case].replace("localhost", "h.example"), backend="gateway").curl()
    )


def test_a_recording_gets_a_variable_for_the_key_of_its_own_host(tmp_path):
    assert '-H "x-goog-api-key: $GEMINI_API_KEY"' in loaded(tmp_path).curl()
    own = loaded(tmp_path, url="http://localhost:8080/generate/stream", backend="gateway").curl()
    assert '-H "x-api-key: $GATEWAY_API_KEY"' in own


def test_a_user_name_a_password_and_a_key_in_the_url_are_left_out(tmp_path):
    command = loaded(tmp_path, url="https://me:secret@h.example/x?key=AIzaSecret&a=1").curl()
    assert "--url 'https://h.example/x?key=redacted&a=1'" in command
    assert "ecret" not in command


def test_a_variable_that_is_not_a_name_is_left_out():
    exchange = Exchange("POST", GOOGLE, [], b"{}")
    assert "touch" not in curl_of(exchange, ("x-goog-api-key", "", "(touch pwned)"))
