"""The inspector's curl command is the kernel's, character by character, also for a hostile record."""

from __future__ import annotations

import re

import pytest
from curl_cases import FOREIGN, GOOGLE, HOSTILE, NO_COMMAND, run_command
from modules_page import call, modules_page

from gemini_magic.backends import backend, names
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.recording.curl import curl_of

KEY = ("x-goog-api-key", "", "GEMINI_API_KEY")
TO_CURL = """
    const { readRecord } = await import('/inspector/record.js');
    return m.toCurl(readRecord(a));
"""


@pytest.fixture(scope="module")
def modules(_context):
    page = modules_page(_context)
    yield page
    page.close()


def copied(modules, request, dialect="gemini"):
    method, url, headers, body = request
    sent = {"method": method, "url": url, "headers": dict(headers), "body": body}
    return call(modules, "inspector/export.js", TO_CURL, {"v": 1, "backend": dialect, "request": sent})


@pytest.mark.parametrize("case", HOSTILE)
def test_the_inspector_copies_the_command_of_the_kernel(modules, case, tmp_path):
    method, url, headers, body = HOSTILE[case]
    made = copied(modules, HOSTILE[case])
    key = KEY if "googleapis" in url else None
    assert made == {
        "command": curl_of(Exchange(method, url, headers, body.encode()), key),
        "hasKey": key is not None,
    }
    assert run_command(made["command"], tmp_path, "bash")[2] == set()


@pytest.mark.parametrize("case", NO_COMMAND)
def test_a_url_that_is_not_http_has_no_command(modules, case):
    assert copied(modules, ("POST", NO_COMMAND[case], [], "{}")) is None


@pytest.mark.parametrize("case", FOREIGN)
def test_a_key_is_not_offered_to_another_host(modules, case):
    assert not copied(modules, ("POST", FOREIGN[case], [], "{}"))["hasKey"]
    url = FOREIGN[case].replace("localhost", "h.example")
    assert not copied(modules, ("POST", url, [], "{}"), "gateway")["hasKey"]


def test_the_inspector_has_the_keys_and_hosts_of_the_backends(modules):
    kernel = {}
    for name in (*names(), "decisions"):  # an option selects this one, so users do not name it
        if auth := backend(name).auth:
            header = f"{auth.header}: {auth.prefix}${auth.env[0]}"
            kernel[name] = {"header": header, "hosts": list(auth.hosts)}
    assert call(modules, "inspector/export.js", "return m.KEYS;") == kernel
    for dialect, url in {"gemini": GOOGLE, "gateway": "http://127.0.0.1:8080/generate/stream"}.items():
        made = copied(modules, ("POST", url, [], "{}"), dialect)
        assert made["hasKey"]
        assert re.search(r'-H "[a-z-]+: \$[A-Z_]+"', made["command"])


def test_the_command_of_a_decision_has_a_key(modules):
    url = "https://generativelanguage.googleapis.com/v1beta/decisions"
    made = copied(modules, ("POST", url, [], "{}"), "decisions")
    assert made == {"command": curl_of(Exchange("POST", url, {}, b"{}"), KEY), "hasKey": True}


@pytest.mark.parametrize("dialect", ["", "unknown", "echo", "constructor", "__proto__"])
def test_an_unknown_backend_has_no_key(modules, dialect):
    assert not copied(modules, ("POST", GOOGLE, [], "{}"), dialect)["hasKey"]
