"""Keys: where they are found, which hosts they are sent to, and that they are never shown."""

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
from projects import write_project

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.client import Key, Secret, open_stream, reader
from gemini_magic.config import Options, resolve, user_file
from gemini_magic.credentials import find_key
from gemini_magic.credentials import lookup as credentials
from gemini_magic.errors import CredentialsError, OptionError
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.recording import Recorder

GEMINI, ECHO = backend("gemini"), backend("echo")


@pytest.fixture(autouse=True)
def _no_stored_keys(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(
        sys.modules, "keyring", types.SimpleNamespace(get_password=lambda service, name: None)
    )
    credentials.forget_credentials()
    yield
    credentials.forget_credentials()


def find(dialect=GEMINI, *, ask=None, **options):
    return find_key(dialect, Options(**options), ask=ask)


def found(dialect=GEMINI, **options):
    key = find(dialect, **options)
    return None if key is None else (key.value.reveal(), key.source)


# ---------------------------------------------------------------------------------------------- finding


def test_the_order_of_precedence(monkeypatch, tmp_path):
    prompts = []

    def ask(prompt):
        prompts.append(prompt)
        return "entered"

    assert found(ask=ask) == ("entered", "your input")
    assert prompts == [
        "API key for googleapis.com (from aistudio.google.com/apikey; it is not shown and not saved): "
    ]
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
    assert len(prompts) == 1


def test_the_second_variable(monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "second")
    assert found()[0] == "second"
    monkeypatch.setenv("GEMINI_API_KEY", "")  # an empty value counts as missing
    assert found()[0] == "second"


def test_sources_that_fail_are_skipped(monkeypatch, tmp_path):
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
    assert caught.value.message == "No key was found. Nothing was sent."
    assert caught.value.remedy == (
        f"{tmp_path / '.env'} could not be read (not valid UTF-16); save it in UTF-8. "
        "Set GEMINI_API_KEY in the environment or in a .env file (or in Colab's secrets or the keyring). "
        "Get a key from aistudio.google.com/apikey. To try without a key: --replay builtin:tour."
    )
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    "data",
    [
        "GEMINI_API_KEY=dotted\n".encode("utf-16"),
        "GEMINI_API_KEY=dotted\r\n".encode("utf-16-le"),
        "GEMINI_API_KEY=dotted\n".encode("utf-16-be"),
        b"\xfe\xff" + "GEMINI_API_KEY=dotted\n".encode("utf-16-be"),
        "GEMINI_API_KEY=dotted\n".encode("utf-8-sig"),
        "# la cl\u00e9\nOTHER=\u00e9\nGEMINI_API_KEY=dotted\n".encode("latin-1"),
        "# la cl\u00e9\nGEMINI_API_KEY=dotted\n".encode(),
    ],
)
def test_a_dotenv_file_is_read_in_every_usual_encoding(tmp_path, data):
    (tmp_path / ".env").write_bytes(data)
    assert found()[0] == "dotted"


@pytest.mark.parametrize("options", [{}, {"key_env": "MY_KEY"}])
def test_a_dotenv_file_that_cannot_be_read_is_named(tmp_path, monkeypatch, options):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / ".env").write_text("GEMINI_API_KEY=dotted\n")
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(CredentialsError) as caught:
        find(**options)
    assert caught.value.remedy.startswith(
        f"{tmp_path / '.env'} could not be read (Permission denied); save it in UTF-8. Set "
    )


@pytest.mark.parametrize("answer", ["", "  ", "''"])
def test_an_empty_input_is_an_error(answer):
    with pytest.raises(CredentialsError):
        find(ask=lambda prompt: answer)


def test_the_user_is_prompted_once_until_the_server_rejects_the_key(fake_server, monkeypatch):
    answers = iter(["first", "second"])
    assert [found(ask=lambda prompt: next(answers))[0] for _ in range(2)] == ["first", "first"]
    fake_server.script(
        status(
            400,
            body=google_error(400, "API key not valid.", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}),
        )
    )
    finished(start(fake_server, key=find(ask=lambda prompt: next(answers))))
    assert found(ask=lambda prompt: next(answers))[0] == "second"


@pytest.mark.parametrize("plain", ["auth_tokens/abc", "two words", "smart“quote", "line\nbreak", "schlüssel"])
def test_values_that_cannot_be_a_key(monkeypatch, plain):
    monkeypatch.setenv("GEMINI_API_KEY", plain)
    with pytest.raises(CredentialsError) as caught:
        find()
    assert plain not in str(caught.value)
    assert str(caught.value).startswith("The key from environment variable GEMINI_API_KEY ")


# ------------------------------------------------------------------------------ a key is for certain hosts

OTHER_HOSTS = [
    "http://127.0.0.1:9",
    "https://example.com",
    "http://generativelanguage.googleapis.com",  # not encrypted
    "https://generativelanguage.googleapis.com.evil.example",
    "https://evilgoogleapis.com",
]


@pytest.mark.parametrize("address", OTHER_HOSTS)
@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_keys_of_google_are_sent_to_google_only(monkeypatch, address, name):
    monkeypatch.setenv(name, CANARY)
    assert find(base_url=address, ask=lambda prompt: CANARY) is None
    with pytest.raises(CredentialsError) as caught:
        find(base_url=address, key_env=name)
    assert CANARY not in str(caught.value)
    assert caught.value.message == f"The key in {name} is for another host and is not sent to {address}."
    assert "--key-env" in caught.value.remedy


def test_a_named_key_is_sent_to_another_host(monkeypatch):
    monkeypatch.setenv("NAMED_KEY", "theirs")
    assert found(base_url="https://example.com", key_env="NAMED_KEY")[0] == "theirs"
    with pytest.raises(CredentialsError, match="No key was found in OTHER_KEY"):
        find(base_url="https://example.com", key_env="OTHER_KEY")


def test_echo_needs_no_key(monkeypatch):
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
def test_the_key_of_a_backend_is_sent_to_its_host_in_its_header(
    fake_server, tmp_path, monkeypatch, dialect, variable, style, host, header
):
    monkeypatch.setenv(variable, CANARY)
    fake_server.model("m", say("ok"), finish())
    with FarHosts(fake_server, tmp_path) as far:
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        r = gemini_magic.ask("hi", backend=dialect, model="m", auth=style, retries=0)
    assert (r.status, far.hosts) == ("complete", [host]), r.error
    (seen,) = fake_server.requests
    carriers = [name for name, value in seen.headers.items() if CANARY in value]
    assert carriers == [header]
    assert seen.headers[header] == ("Bearer " if style == "bearer" else "") + CANARY


STYLES = [
    ("gemini", {}),
    ("gemini", {"auth": "bearer"}),
    ("vertex", {"auth": "x-goog-api-key", "project": "p"}),
    ("adaptive", {}),
    ("adaptive", {"auth": "api-key"}),
    ("gateway", {}),
    ("gateway", {"auth": "x-goog-api-key"}),
]


@pytest.mark.parametrize(("dialect", "options"), STYLES)
def test_no_key_of_any_service_is_sent_to_another_host(fake_server, tmp_path, monkeypatch, dialect, options):
    names = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "ADAPTIVE_API_KEY", "GATEWAY_API_KEY")
    for name in names:
        monkeypatch.setenv(name, CANARY)
    fake_server.model("m", say("ok"), finish())
    fake_server.route("/api/v1/generate/stream", Script([raw(b'data: {"content":"ok","is_final":true}\n\n')]))
    with FarHosts(fake_server, tmp_path) as far:
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        where = {"backend": dialect, "model": "m", "base_url": "https://stranger.example", **options}
        assert gemini_magic.ask("hi", **where).status == "complete"
        for name in names:
            with pytest.raises(CredentialsError, match="is for another host"):
                gemini_magic.ask("hi", key_env=name.lower() if name != "GEMINI_API_KEY" else name, **where)
        monkeypatch.setenv("MINE", "for-the-other-host-0123")
        assert gemini_magic.ask("hi", key_env="MINE", **where).status == "complete"
    assert set(far.hosts) == {"stranger.example"}
    assert len(fake_server.requests) == 2
    assert CANARY not in str([seen.headers for seen in fake_server.requests])
    assert "for-the-other-host-0123" in str(fake_server.requests[-1].headers)


def test_a_gateway_on_this_machine_gets_its_own_key_or_no_key(fake_server, monkeypatch):
    fake_server.route("/api/v1/generate/stream", Script([raw(b'data: {"content":"ok","is_final":true}\n\n')]))
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    assert gemini_magic.ask("hi", backend="gateway", base_url=fake_server.base_url).ok
    assert CANARY not in str(fake_server.requests[0].headers)
    monkeypatch.setenv("GATEWAY_API_KEY", "sk_gateway_0123456789")
    r = gemini_magic.ask("hi", backend="gateway", base_url=fake_server.base_url)
    assert fake_server.requests[1].headers["x-api-key"] == "sk_gateway_0123456789"
    assert r.notes == []


def test_the_prompt_for_a_key_names_its_service():
    prompts = []
    with pytest.raises(CredentialsError) as caught:
        find(backend("adaptive"), ask=lambda prompt: prompts.append(prompt) or "")
    assert "llmadaptive.uk" in prompts[0]
    assert "ADAPTIVE_API_KEY" in caught.value.remedy
    with pytest.raises(CredentialsError) as caught:
        find(backend("vertex"))
    assert "--project" in caught.value.remedy


@pytest.mark.parametrize("style", ["x-goog-key", "x-goog"])
def test_an_unknown_authentication_style(fake_server, style):
    with pytest.raises(OptionError) as caught:
        gemini_magic.ask("hi", auth=style, base_url=fake_server.base_url)
    assert "Did you mean 'x-goog-api-key'?" in str(caught.value)
    assert fake_server.requests == []


def test_a_configured_key_is_not_sent_to_another_address(fake_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MYKEY", CANARY)
    monkeypatch.setenv("OTHERS", "for-the-other-0123456789")
    with FakeServer() as other:
        for server in (fake_server, other):
            server.model("m", say("ok"), finish())
        project = f'base_url = "{fake_server.base_url}"\nkey_env = "MYKEY"\nmodel = "m"\n'
        write_project(tmp_path, project, trusted=True)
        assert gemini_magic.ask("hi").ledger.notes == []
        r = gemini_magic.ask("hi", base_url=other.base_url)
        (note,) = r.ledger.notes
        assert (r.ok, note.kind, note.severity) == (True, "key-kept-back", "warning")
        assert "key_env" in note.message
        assert "the call" in note.message
        assert gemini_magic.ask("hi", base_url=other.base_url, key_env="OTHERS").ledger.notes == []
        assert gemini_magic.ask("hi", backend="echo").ledger.notes == []
    assert fake_server.requests[0].headers["x-goog-api-key"] == CANARY
    assert "x-goog-api-key" not in other.requests[0].headers
    assert other.requests[1].headers["x-goog-api-key"] == "for-the-other-0123456789"
    assert CANARY not in str(other.requests)


def test_the_error_for_a_missing_key_mentions_a_configured_key_that_is_for_another_host(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("MYKEY", CANARY)
    write_project(tmp_path, 'backend = "adaptive"\nkey_env = "MYKEY"\n', trusted=True)
    with pytest.raises(CredentialsError, match="No key was found") as caught:
        gemini_magic.ask("hi", backend="vertex")
    assert caught.value.remedy.startswith("The key in key_env (from ")
    assert "GOOGLE_API_KEY" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


def test_the_transport_checks_the_host_again(fake_server):
    """A key that was handed to the stream anyway is not sent to a host that it is not for."""
    for name in (None, "GEMINI_API_KEY"):
        fake_server.script(say("ok"), finish())
        options = Options(base_url=fake_server.base_url, key_env=name)
        stream = open_stream(request(), options, ledger=Ledger(), key=canary(), backend=GEMINI)
        assert "key-kept-back" in [note.kind for note in finished(stream).notes]
    for seen in fake_server.requests:
        assert CANARY not in str(seen.headers)


# ---------------------------------------------------------------------------------- keys are never shown


def test_a_secret_is_never_shown():
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>80}",
        "%s" % secret,  # noqa: UP031 - every way to format must hide it
        "{:s}".format(secret),  # noqa: UP032 - likewise
        "+".join([secret, secret]),  # noqa: FLY002 - likewise
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
    assert not [text for text in shown if CANARY in text]
    assert copy.deepcopy(Key(secret, "x")).value.reveal() == CANARY
    assert pickle.loads(pickle.dumps(secret)) == "<key>"


def test_a_key_is_not_in_any_record_of_a_run(fake_server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(reader, "backoff", lambda attempt: 0.01)
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("http_proxy", fake_server.base_url)  # only requests through a proxy are logged
    fake_server.script(reset())
    fake_server.script(status(503, body=f"<h1>The key {CANARY} is tired</h1>"))
    fake_server.script(say(f"You sent {CANARY}."), finish())
    path = tmp_path / "run.jsonl"
    stream = start("http://somewhere.invalid", key=canary(), recorders=[Recorder(path)])
    ledger = finished(stream)
    assert ledger.status == "complete"
    assert text(ledger) == "You sent <key>."
    assert {seen.headers["x-goog-api-key"] for seen in fake_server.requests} == {CANARY}
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    recorded = "\n".join(
        [
            logged,
            path.read_text(),
            repr(vars(stream)),
            repr(vars(ledger)),
            *map(repr, map(vars, ledger.exchanges)),
        ]
    )
    assert CANARY not in recorded


def test_a_key_is_not_in_the_frames_of_an_error(fake_server):
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


@pytest.mark.parametrize(
    "host", ["llm.example.org", "llm.example.org:8000", "127.0.0.2", "localhost.example.org"]
)
def test_a_key_is_not_sent_over_plain_http_unless_the_users_configuration_allows_the_host(
    tmp_path, monkeypatch, host
):
    monkeypatch.setenv("MYKEY", CANARY)
    address = {"base_url": f"http://{host}", "key_env": "MYKEY"}

    def lookup(**more):
        options, _ = resolve({**address, **more})
        return find_key(backend("gemini"), options)

    with pytest.raises(CredentialsError) as caught:
        lookup()
    assert caught.value.message.startswith(
        f"The key in MYKEY is not sent to http://{host}: http is not encrypted"
    )
    assert caught.value.remedy == (
        f'Use https. For a network that you trust, add `http_hosts = ["{host}"]` to {user_file()}.'
    )
    assert CANARY not in str(caught.value)
    write_project(tmp_path, f'http_hosts = ["{host}"]', trusted=True)
    with pytest.raises(CredentialsError):
        lookup()
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(f'http_hosts = ["{host.upper()}"]')
    assert lookup().value.reveal() == CANARY
    user_file().write_text(f'http_hosts = ["{host.partition(":")[0]}"]')
    assert lookup().value.reveal() == CANARY
    user_file().write_text('http_hosts = ["other.example"]')
    with pytest.raises(CredentialsError):
        lookup()
    assert lookup(base_url=f"https://{host}").value.reveal() == CANARY
    for local in ("localhost:1", "127.0.0.1:1", "[::1]:1"):
        assert lookup(base_url=f"http://{local}").value.reveal() == CANARY


def test_the_search_for_a_dotenv_file_ends_at_the_repository_and_skips_files_of_other_users(
    tmp_path, monkeypatch
):
    inner = tmp_path / "repository"
    inner.mkdir()
    (tmp_path / ".env").write_text("GEMINI_API_KEY=outside\n")
    monkeypatch.chdir(inner)
    assert find_key(backend("gemini"), Options()).value.reveal() == "outside"
    monkeypatch.setattr("gemini_magic.credentials.lookup.is_own", lambda path: False)
    with pytest.raises(CredentialsError) as caught:
        find_key(backend("gemini"), Options())
    assert caught.value.remedy.startswith(f"{tmp_path / '.env'} was skipped, because another user owns it. ")
    monkeypatch.undo()
    monkeypatch.chdir(inner)
    (inner / ".git").mkdir()
    with pytest.raises(CredentialsError, match="No key was found"):
        find_key(backend("gemini"), Options())


def test_a_dotenv_file_sets_no_option_and_no_proxy(tmp_path, monkeypatch):
    lines = "GEMINI_MAGIC_BACKEND=gateway\nGEMINI_MAGIC_MODEL=m\nGOOGLE_CLOUD_PROJECT=p\nGOOGLE_GEMINI_BASE_URL=http://x\n"
    (tmp_path / ".env").write_text(f"{lines}HTTPS_PROXY=http://x\nGEMINI_API_KEY=k\n")
    before = resolve()
    assert find_key(backend("gemini"), before[0]).value.reveal() == "k"
    assert resolve() == before
    assert before[0] == Options()
    assert not {"HTTPS_PROXY", "GOOGLE_GEMINI_BASE_URL"} & os.environ.keys()


def test_the_first_key_from_a_dotenv_file_is_noted_once(tmp_path, monkeypatch, fake_server):
    fake_server.model("m", say("ok"), finish())
    (tmp_path / ".env").write_text("MYKEY=from-the-file\n")
    where = {"base_url": fake_server.base_url, "key_env": "MYKEY", "model": "m"}
    first, second = (gemini_magic.ask("hi", **where).ledger.notes for _ in range(2))
    (note,) = first
    assert (note.kind, note.severity) == ("key-from-file", "warning")
    assert note.message.startswith(f"The key is MYKEY in .env of {tmp_path}. ")
    assert second == []
    monkeypatch.setattr(
        "gemini_magic.project_files.trust_store._known_key_files", set()
    )  # as in another process
    assert gemini_magic.ask("hi", **where).ledger.notes == []


def test_settings_of_a_project_that_are_ignored_are_noted_and_shown_once(tmp_path, fake_server):
    fake_server.model("m", say("ok"), finish())
    path = write_project(tmp_path, 'record = "r.jsonl"')
    first, second = (
        gemini_magic.ask("hi", base_url=fake_server.base_url, model="m").ledger.notes for _ in range(2)
    )
    assert [(note.kind, note.severity) for note in (*first, *second)] == [
        ("settings-ignored", "warning"),
        ("settings-ignored", "info"),
    ]
    assert first[0].message.startswith(f"record in {path} was ignored: ")
    assert not (tmp_path / "r.jsonl").exists()


def test_the_error_for_a_missing_key_mentions_settings_that_were_ignored(tmp_path):
    path = write_project(tmp_path, 'key_env = "MYKEY"')
    with pytest.raises(CredentialsError, match="No key was found") as caught:
        gemini_magic.ask("hi")
    assert caught.value.remedy.startswith(f"key_env in {path} was ignored: the file is not trusted. ")
