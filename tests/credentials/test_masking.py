"""Known keys are masked in text that leaves this machine."""

from __future__ import annotations

import pytest

from gemini_magic.client import Key, Secret
from gemini_magic.credentials import key_mask

NEW = "canary-key-of-this-request"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_key_of_the_request_and_the_keys_of_every_backend_are_masked(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "gemini-canary-1234")
    monkeypatch.setenv("GATEWAY_API_KEY", "gateway-canary-1234")
    monkeypatch.setenv("MY_OWN", "own-canary-1234567")
    mask = key_mask(Key(Secret(NEW), "a test"), "MY_OWN")
    text = f"{NEW}, gemini-canary-1234 gateway-canary-1234 own-canary-1234567 rest"
    assert mask(text) == "<key>, <key> <key> <key> rest"


def test_a_key_in_a_dotenv_file_is_masked(folder, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    (folder / ".env").write_text("GEMINI_API_KEY='dotenv-canary-1234'\nOTHER=not-a-known-name")
    assert key_mask()("dotenv-canary-1234 not-a-known-name") == "<key> not-a-known-name"


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("OPENAI_API_KEY", "sk-canary-123456", True),
        ("AWS_SECRET_ACCESS_KEY", "canary/with+signs=12", True),
        ("GITHUB_PAT", "ghp_canary123456", True),
        ("DB_PASSWORD", "canary-password", True),
        ("SHORT_TOKEN", "hunter2", False),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/credentials.json", False),
        ("KEYBOARD_LAYOUT", "qwerty-canary-layout", False),
        ("MONKEY", "canary-monkey-123", False),
    ],
)
def test_variables_whose_names_say_that_they_are_secret(monkeypatch, name, value, masked):
    monkeypatch.setenv(name, value)
    assert key_mask()(f"a {value} b") == ("a <key> b" if masked else f"a {value} b")


def test_a_key_that_contains_another_one_is_masked_whole(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "canary-12345")
    monkeypatch.setenv("GOOGLE_API_KEY", "canary-12345-and-more")
    assert key_mask()("canary-12345-and-more canary-12345") == "<key> <key>"
