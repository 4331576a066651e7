"""Requests from recordings that someone else wrote, for tests of the curl command; and a curl that prints its arguments."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse"
PROMPT = {"contents": [{"parts": [{"text": 'It\'s `$(id)` "$HOME" \\ !ls\nnext'}]}]}

# Every case is a request: method, URL, headers, body.
HOSTILE: dict[str, tuple[str, str, list[tuple[str, str]], str]] = {
    "method": ("$(touch pwned)", GOOGLE, [], "{}"),
    "method is an option": ("-K./evil.cfg", GOOGLE, [], "{}"),
    "method with a line": ("POST\ntouch pwned\n", GOOGLE, [], "{}"),
    "quote in the url": ("POST", "https://h.example/'$(touch pwned)'`touch pwned`", [], "{}"),
    "line in the url": ("POST", "https://h.example/a\ntouch pwned\n", [], "{}"),
    "escape in the url": ("POST", "https://h.example/\x1b]52;c;aGk=\x07\x9b2J\u202eexe", [], "{}"),
    "pattern in the url": ("POST", "https://h.example/[1-999999]/{a,b}", [], "{}"),
    "semicolon": ("POST", "https://h.example/;touch pwned;", [], "{}"),
    "header": ("POST", GOOGLE, [("x-a", "'; touch pwned; '"), ("x-b", "a\r\nx-c: d\x1b[2J")], "{}"),
    "header name": ("POST", GOOGLE, [("@/etc/passwd", "x"), ("$(touch pwned)", "x"), ("a b", "x")], "{}"),
    "header key": ("POST", GOOGLE, [("x-goog-api-key", "<redacted>"), ("accept", "*/*")], "{}"),
    "body": ("POST", GOOGLE, [], "'; touch pwned; '"),
    "body is a file": ("POST", GOOGLE, [], "@/etc/passwd"),
    "body with controls": ("POST", GOOGLE, [], '{"a": "\x1b]0;x\x07\x9b\x7f\u202e\u200b\U000e0041"}\r\n\t\r'),
    "prompt": ("POST", GOOGLE, [], json.dumps(PROMPT)),
    "long body": ("POST", GOOGLE, [], json.dumps(PROMPT) + "\nJSON\n$(touch pwned)\nJSON_\n" + "x" * 40_000),
}
NO_COMMAND = {
    "option": "-K./evil.cfg",
    "long option": "--output=x",
    "file": "file:///etc/passwd",
    "list of urls": "@urls.txt",
    "other scheme": "gopher://h.example/_x",
    "no host": "https:///etc/passwd",
    "back slash": "https://h.example\\.googleapis.com/",
}
FOREIGN = {
    "other host": "https://evil.example/v1beta/models/m",
    "host as a suffix": "https://evilgoogleapis.com/",
    "host in the query": "https://evil.example?generativelanguage.googleapis.com",
    "host in the fragment": "https://evil.example#.googleapis.com",
    "host in the path": "https://evil.example/.googleapis.com",
    "not encrypted": "http://generativelanguage.googleapis.com/",
    "escaped host": "https://evil.example%2f.googleapis.com/",
    "half an address": "https://[::1",
    "this machine": "http://localhost:8080/",
}

_FAKE_CURL = """#!/bin/sh
: > "$GM_ARGUMENTS"
for each in "$@"; do printf '%s\\0' "$each" >> "$GM_ARGUMENTS"; done
case " $* " in *" @- "*) cat > "$GM_INPUT";; esac
"""


def run_command(command: str, folder: Path, shell: str = "sh") -> tuple[list[str], str, set[str]]:
    """Run a shell command with a curl that only writes down its arguments.

    Returns:
        The arguments, the standard input, and the files that the command made in its working folder.
    """
    tools, work = folder / "tools", folder / "work"
    tools.mkdir(parents=True, exist_ok=True)
    work.mkdir(exist_ok=True)
    curl = tools / "curl"
    curl.write_text(_FAKE_CURL)
    curl.chmod(0o755)
    environment: dict[str, Any] = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GM_ARGUMENTS": str(tools / "arguments"),
        "GM_INPUT": str(tools / "input"),
        "GEMINI_API_KEY": "the key",
    }
    for name in ("arguments", "input"):
        (tools / name).unlink(missing_ok=True)
    done = subprocess.run(
        [shell],
        input=f"{command}\n".encode(),
        cwd=work,
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    arguments = (tools / "arguments").read_bytes().decode().split("\0")[:-1]
    given = (tools / "input").read_text() if (tools / "input").exists() else ""
    return arguments, given, {each.name for each in work.iterdir()}
