"""Keys: where they are found, where they may go, and that they show nowhere."""

import copy
import json
import logging
import os
import pickle
import sys
import traceback
import types

import pytest
from client_stage import CANARY, canary, finished, request, start, text
from fake_server import FakeServer, Script, finish, google_error, raw, reset, status
from fake_server import text as say
from far_hosts import FarHosts

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.client import Key, Secret, open_stream, reader
from gemini_magic.config import Options
from gemini_magic.credentials import find_key
from gemini_magic.credentials import lookup as credentials
from gemini_magic.errors import CredentialsError, OptionError
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.recording import Recorder

GEMINI, ECHO = backend("gemini"), backend("echo")


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(
        sys.modules, "keyring", types.SimpleNamespace(get_password=lambda service, name: None)
    )
    credentials.forget_typed()
    yield
    credentials.forget_typed()


def find(dialect=GEMINI, *, ask=None, **said):
    return find_key(dialect, Options(**said), ask=ask)


def found(dialect=GEMINI, **options):
    key = find(dialect, **options)
    return None if key is None else (key.value.reveal(), key.source)


# ---------------------------------------------------------------------------------------------- finding


def test_the_places_in_their_order(monkeypatch, tmp_path):
    asked = []

    def ask(words):
        asked.append(words)
        return "typed"

    assert found(ask=ask) == ("typed", "what you typed")
    assert "googleapis.com" in asked[0]
    ring = types.SimpleNamespace(get_password=lambda service, name: f"{service}/{name}")
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert found(ask=ask) == ("gemini_magic/GEMINI_API_KEY", "keyring entry GEMINI_API_KEY")
    (tmp_path / ".env").write_text("GEMINI_API_KEY='from file'\nGEMINI_API_KEY=\"dotted\"\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert found()[0] == "dotted"
    assert str(tmp_path) in found()[1]
    assert "GEMINI_API_KEY" not in os.environ  # read, never exported
    colab = types.ModuleType("google.colab")
    userdata = types.ModuleType("google.colab.userdata")
    userdata.get = lambda name: f"colab-{name}"
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    assert found() == ("colab-GEMINI_API_KEY", "Colab secret GEMINI_API_KEY")
    monkeypatch.setenv("GEMINI_API_KEY", " 'from-env'\n")
    assert found() == ("from-env", "environment variable GEMINI_API_KEY")
    monkeypatch.setenv("MY_KEY", "mine")
    assert found(key_env="MY_KEY") == ("mine", "environment variable MY_KEY")
    assert len(asked) == 1


def test_the_second_name(monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "second")
    assert found()[0] == "second"
    monkeypatch.setenv("GEMINI_API_KEY", "")  # empty is missing
    assert found()[0] == "second"


def test_places_that_fail_are_passed_over(monkeypatch, tmp_path):
    def locked(*arguments):
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=locked))
    userdata = types.ModuleType("google.colab.userdata")
    userdata.get = locked
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    (tmp_path / ".env").write_bytes(b"\xff\xfe broken")
    with pytest.raises(CredentialsError) as caught:
        find()
    for way in ("GEMINI_API_KEY", ".env", "Colab", "keyring"):
        assert way in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize("answer", ["", "  ", "''"])
def test_nothing_typed_is_no_key(answer):
    with pytest.raises(CredentialsError):
        find(ask=lambda words: answer)


def test_a_typed_key_is_asked_for_once_until_it_is_refused(fake_server, monkeypatch):
    answers = iter(["first", "second"])
    assert [found(ask=lambda words: next(answers))[0] for _ in range(2)] == ["first", "first"]
    fake_server.script(
        status(
            400,
            body=google_error(400, "API key not valid.", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}),
        )
    )
    finished(start(fake_server, key=find(ask=lambda words: next(answers))))
    assert found(ask=lambda words: next(answers))[0] == "second"


@pytest.mark.parametrize("plain", ["auth_tokens/abc", "two words", "smart“quote", "line\nbreak", "schlüssel"])
def test_what_cannot_be_a_key(monkeypatch, plain):
    monkeypatch.setenv("GEMINI_API_KEY", plain)
    with pytest.raises(CredentialsError) as caught:
        find()
    assert plain not in str(caught.value)


# -------------------------------------------------------------------------------- a key belongs to a host

STRANGERS = [
    "http://127.0.0.1:9",
    "https://example.com",
    "http://generativelanguage.googleapis.com",  # not encrypted
    "https://generativelanguage.googleapis.com.evil.example",
    "https://evilgoogleapis.com",
]


@pytest.mark.parametrize("address", STRANGERS)
@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_googles_keys_go_to_google_only(monkeypatch, address, name):
    monkeypatch.setenv(name, CANARY)
    assert find(base_url=address, ask=lambda words: CANARY) is None
    with pytest.raises(CredentialsError) as caught:
        find(base_url=address, key_env=name)
    assert CANARY not in str(caught.value)
    assert "--key-env" in caught.value.remedy


def test_a_strangers_own_key_goes_to_the_stranger(monkeypatch):
    monkeypatch.setenv("STRANGER_KEY", "theirs")
    assert found(base_url="https://example.com", key_env="STRANGER_KEY")[0] == "theirs"
    with pytest.raises(CredentialsError, match="OTHER_KEY"):
        find(base_url="https://example.com", key_env="OTHER_KEY")


def test_echo_needs_none(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    assert find(ECHO) is None


OWN = [
    ("gemini", "GEMINI_API_KEY", None, "generativelanguage.googleapis.com", "x-goog-api-key"),
    ("gemini", "GOOGLE_API_KEY", "bearer", "generativelanguage.googleapis.com", "authorization"),
    ("vertex", "GOOGLE_API_KEY", None, "aiplatform.googleapis.com", "x-goog-api-key"),
    ("adaptive", "ADAPTIVE_API_KEY", None, "www.llmadaptive.uk", "x-goog-api-key"),
    ("adaptive", "ADAPTIVE_API_KEY", "bearer", "www.llmadaptive.uk", "authorization"),
    ("adaptive", "ADAPTIVE_API_KEY", "x-api-key", "www.llmadaptive.uk", "x-api-key"),
    ("adaptive", "ADAPTIVE_API_KEY", "api-key", "www.llmadaptive.uk", "api-key"),
]


@pytest.mark.parametrize(("dialect", "variable", "style", "host", "header"), OWN)
def test_a_backends_key_goes_to_its_own_host_in_its_header(
    fake_server, tmp_path, monkeypatch, dialect, variable, style, host, header
):
    monkeypatch.setenv(variable, CANARY)
    fake_server.model("m", say("ok"), finish())
    with FarHosts(fake_server, tmp_path) as far:
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        r = gemini_magic.ask("hi", backend=dialect, model="m", auth=style, retries=0)
    assert (r.status, far.asked) == ("complete", [host]), r.error
    (seen,) = fake_server.requests
    carriers = [name for name, value in seen.headers.items() if CANARY in value]
    assert carriers == [header]
    assert seen.headers[header] == ("Bearer " if style == "bearer" else "") + CANARY


ELSEWHERE = [
    ("gemini", {}),
    ("gemini", {"auth": "bearer"}),
    ("vertex", {"auth": "x-goog-api-key", "project": "p"}),
    ("adaptive", {}),
    ("adaptive", {"auth": "api-key"}),
    ("gateway", {}),
    ("gateway", {"auth": "x-goog-api-key"}),
]


@pytest.mark.parametrize(("dialect", "said"), ELSEWHERE)
def test_no_variable_of_any_service_is_sent_to_a_stranger(fake_server, tmp_path, monkeypatch, dialect, said):
    names = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "ADAPTIVE_API_KEY", "GATEWAY_API_KEY")
    for name in names:
        monkeypatch.setenv(name, CANARY)
    fake_server.model("m", say("ok"), finish())
    fake_server.route("/api/v1/generate/stream", Script([raw(b'data: {"content":"ok","is_final":true}\n\n')]))
    with FarHosts(fake_server, tmp_path) as far:
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        where = {"backend": dialect, "model": "m", "base_url": "https://stranger.example", **said}
        assert gemini_magic.ask("hi", **where).status == "complete"
        for name in names:
            with pytest.raises(CredentialsError, match="belongs elsewhere"):
                gemini_magic.ask("hi", key_env=name.lower() if name != "GEMINI_API_KEY" else name, **where)
        monkeypatch.setenv("MINE", "for-the-stranger-0123")
        assert gemini_magic.ask("hi", key_env="MINE", **where).status == "complete"
    assert set(far.asked) == {"stranger.example"}
    assert len(fake_server.requests) == 2
    assert CANARY not in str([seen.headers for seen in fake_server.requests])
    assert "for-the-stranger-0123" in str(fake_server.requests[-1].headers)


def test_a_gateway_on_this_machine_gets_its_own_key_or_none(fake_server, monkeypatch):
    fake_server.route("/api/v1/generate/stream", Script([raw(b'data: {"content":"ok","is_final":true}\n\n')]))
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    assert gemini_magic.ask("hi", backend="gateway", base_url=fake_server.base_url).ok
    assert CANARY not in str(fake_server.requests[0].headers)
    monkeypatch.setenv("GATEWAY_API_KEY", "sk_gateway_0123456789")
    r = gemini_magic.ask("hi", backend="gateway", base_url=fake_server.base_url)
    assert fake_server.requests[1].headers["x-api-key"] == "sk_gateway_0123456789"
    assert r.notes == []


def test_the_words_that_ask_for_a_key_name_its_service():
    asked = []
    with pytest.raises(CredentialsError) as caught:
        find(backend("adaptive"), ask=lambda words: asked.append(words) or "")
    assert "llmadaptive.uk" in asked[0]
    assert "ADAPTIVE_API_KEY" in caught.value.remedy
    with pytest.raises(CredentialsError) as caught:
        find(backend("vertex"))
    assert "--project" in caught.value.remedy


@pytest.mark.parametrize("style", ["x-goog-key", "x-goog"])
def test_a_way_to_send_a_key_that_there_is_not(fake_server, style):
    with pytest.raises(OptionError) as caught:
        gemini_magic.ask("hi", auth=style, base_url=fake_server.base_url)
    assert "Did you mean 'x-goog-api-key'?" in str(caught.value)
    assert fake_server.requests == []


def test_a_configured_key_does_not_follow_to_another_address(fake_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MYKEY", CANARY)
    monkeypatch.setenv("HIS", "for-the-other-0123456789")
    with FakeServer() as other:
        for server in (fake_server, other):
            server.model("m", say("ok"), finish())
        (tmp_path / "pyproject.toml").write_text(
            f'[tool.gemini_magic]\nbase_url = "{fake_server.base_url}"\nkey_env = "MYKEY"\nmodel = "m"\n'
        )
        assert gemini_magic.ask("hi").ledger.notes == []
        r = gemini_magic.ask("hi", base_url=other.base_url)
        (note,) = r.ledger.notes
        assert (r.ok, note.kind, note.severity) == (True, "key-kept-back", "warning")
        assert "key_env" in note.message
        assert "the call" in note.message
        assert gemini_magic.ask("hi", base_url=other.base_url, key_env="HIS").ledger.notes == []
        assert gemini_magic.ask("hi", backend="echo").ledger.notes == []
    assert fake_server.requests[0].headers["x-goog-api-key"] == CANARY
    assert "x-goog-api-key" not in other.requests[0].headers
    assert other.requests[1].headers["x-goog-api-key"] == "for-the-other-0123456789"
    assert CANARY not in str(other.requests)


def test_where_no_other_key_is_found_the_error_tells_of_the_one_kept_back(tmp_path, monkeypatch):
    monkeypatch.setenv("MYKEY", CANARY)
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nbackend = "adaptive"\nkey_env = "MYKEY"\n')
    with pytest.raises(CredentialsError, match="No key was found") as caught:
        gemini_magic.ask("hi", backend="vertex")
    assert caught.value.remedy.startswith("The key in key_env (from ")
    assert "GOOGLE_API_KEY" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


def test_the_transport_looks_again(fake_server):
    """A key that came with the stream all the same does not leave for a host that it does not belong to."""
    for name in (None, "GEMINI_API_KEY"):
        fake_server.script(say("ok"), finish())
        options = Options(base_url=fake_server.base_url, key_env=name)
        stream = open_stream(request(), options, ledger=Ledger(), key=canary(), backend=GEMINI)
        assert "key-kept-back" in [note.kind for note in finished(stream).notes]
    for seen in fake_server.requests:
        assert CANARY not in str(seen.headers)


# ----------------------------------------------------------------------------------------- it never shows


def test_a_secret_shows_itself_nowhere():
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>80}",
        "%s" % secret,  # noqa: UP031 - each way to format is one to leak
        "{:s}".format(secret),  # noqa: UP032 - the same
        "+".join([secret, secret]),  # noqa: FLY002 - the same
        secret + "",
        secret[:],
        secret.encode().decode(),
        json.dumps({"k": secret}),
        repr([secret]),
        repr(Key(secret, "x")),
        repr(copy.copy(secret)),
        repr(Exception(secret)),
        pickle.dumps(Key(secret, "x")).decode("latin-1"),
    ]
    assert not [one for one in shown if CANARY in one]
    assert copy.deepcopy(Key(secret, "x")).value.reveal() == CANARY
    assert pickle.loads(pickle.dumps(secret)) == "<key>"


def test_a_key_is_nowhere_after_a_run(fake_server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(reader, "jittered", lambda attempt: 0.01)
    caplog.set_level(logging.DEBUG)
    fake_server.script(reset())
    fake_server.script(status(503, body=f"<h1>The key {CANARY} is tired</h1>"))
    fake_server.script(say(f"You sent {CANARY}."), finish())
    path = tmp_path / "run.jsonl"
    stream = start(fake_server, key=canary(), recorders=[Recorder(path)])
    ledger = finished(stream)
    assert ledger.status == "complete"
    assert text(ledger) == "You sent <key>."
    assert {seen.headers["x-goog-api-key"] for seen in fake_server.requests} == {CANARY}
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    held = "\n".join(
        [
            logged,
            path.read_text(),
            repr(vars(stream)),
            repr(vars(ledger)),
            *map(repr, map(vars, ledger.exchanges)),
        ]
    )
    assert CANARY not in held


def test_a_key_is_in_no_frame_of_an_error(fake_server):
    key = canary()
    for address in ("http://127.0.0.1:9", fake_server.base_url):
        if address != "http://127.0.0.1:9":
            fake_server.script(reset())
        ledger = finished(start(address, key=key, retries=0))
        with pytest.raises(type(ledger.error)) as caught:
            raise ledger.error
        full = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert CANARY not in "".join(full.format())
        assert caught.value.__context__ is None
        assert CANARY.encode() not in pickle.dumps((ledger.error.args, ledger.error.message))
