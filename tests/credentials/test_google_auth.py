"""Google sign-in: the real google-auth with a local token endpoint, and the hosts that tokens are sent to."""

from __future__ import annotations

import datetime as dt
import json
import sys
import traceback
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fake_server import Script, finish, google_error, status, text
from far_hosts import FarHosts
from surroundings import CANARY

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.config import resolve
from gemini_magic.credentials import find_key, google_auth
from gemini_magic.credentials import lookup as credentials
from gemini_magic.errors import CredentialsError, OptionError

ACCOUNT = "robot@p.iam.gserviceaccount.com"
ANSWER = "/v1beta1/projects/p/locations/global/publishers/google/models/m:streamGenerateContent"


@pytest.fixture(scope="module")
def private_key():
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def account(fake_server, private_key, tmp_path, monkeypatch):
    """A service account whose tokens the fake server issues."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    path = tmp_path / "account.json"

    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": ACCOUNT,
        "token_uri": f"{fake_server.base_url}/token",
    }
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    credentials.forget_credentials()
    yield
    credentials.forget_credentials()


def grants(*tokens, seconds=3600):
    return [
        Script([status(200, body={"access_token": token, "expires_in": seconds, "token_type": "Bearer"})])
        for token in tokens
    ]


@pytest.fixture
def far(fake_server, tmp_path, monkeypatch):
    with FarHosts(fake_server, tmp_path) as far:
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield far


def ask(**options):
    return gemini_magic.ask(
        "hi", **{"backend": "vertex", "model": "m", "project": "p", "retries": 0, **options}
    )


def test_a_token_is_fetched_before_sending_and_used_until_it_expires(fake_server, account, far):
    fake_server.route("/token", *grants(CANARY))
    fake_server.route(ANSWER, Script([text("ok"), finish()]))
    assert [ask().status for _ in range(2)] == ["complete", "complete"]
    token, first, second = fake_server.requests
    grant = parse_qs(token.raw_body.decode())
    assert grant["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert far.hosts[0] == "aiplatform.googleapis.com"
    for seen in (first, second):
        assert seen.headers["authorization"] == f"Bearer {CANARY}"
        assert "x-goog-user-project" not in seen.headers
        assert "x-goog-api-key" not in seen.headers


def test_an_expired_or_rejected_token_is_replaced(fake_server, account, far):
    fake_server.route("/token", *grants("first", seconds=1), *grants("second", "third"))
    fake_server.route(
        ANSWER,
        Script([text("ok"), finish()]),
        Script(
            [status(401, body=google_error(401, "Request had invalid authentication", "UNAUTHENTICATED"))]
        ),
        Script([text("ok"), finish()]),
    )
    assert [ask().status for _ in range(3)] == ["complete", "error", "complete"]
    sent = [seen.headers["authorization"] for seen in fake_server.requests if seen.path == ANSWER]
    assert sent == ["Bearer first", "Bearer second", "Bearer third"]


def test_the_project_to_bill_is_sent_in_a_header(fake_server, account, far, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")
    fake_server.route("/token", *grants(CANARY))
    fake_server.route(ANSWER, Script([text("ok"), finish()]))
    r = ask()
    assert r.ok
    assert fake_server.requests[-1].headers["x-goog-user-project"] == "payer"
    assert CANARY not in repr(vars(r.ledger)) + repr([vars(each) for each in r.ledger.exchanges])


def test_it_works_with_the_developer_api_and_with_locations(fake_server, account, far):
    fake_server.route("/token", *grants(CANARY))
    fake_server.answers("m", Script([text("ok"), finish()]))
    assert ask(backend="gemini", auth="google").ok
    assert ask(location="us").ok
    assert ask(location="europe-west4").ok
    assert far.hosts == [
        "generativelanguage.googleapis.com",
        "aiplatform.us.rep.googleapis.com",
        "europe-west4-aiplatform.googleapis.com",
    ]
    assert {seen.headers["authorization"] for seen in fake_server.requests[1:]} == {f"Bearer {CANARY}"}


def test_a_token_is_not_sent_to_other_hosts(fake_server, account):
    fake_server.route("/token", *grants(CANARY))
    for address in (fake_server.base_url, "https://googleapis.com.evil.example"):
        with pytest.raises(CredentialsError, match=r"is for googleapis\.com and is not sent to") as caught:
            ask(base_url=address)
        assert "key_env=" in caught.value.remedy
    with pytest.raises(CredentialsError, match="does not use a key"):
        ask(key_env="SOME_KEY")
    assert fake_server.requests == []


def test_signing_in_without_a_project_is_an_error_before_any_request(fake_server, account):
    with pytest.raises(OptionError, match="needs a project"):
        ask(project=None, auth="google")
    assert fake_server.requests == []


def test_the_source_of_the_key_is_known_without_a_request(fake_server, account):
    options = resolve({"backend": "vertex", "project": "p"})[0]
    assert "sign-in" in find_key(backend("vertex"), options, sign_in=False).source
    assert fake_server.requests == []


REFUSALS = [
    (
        Script([status(400, body={"error": "invalid_grant", "error_description": "Invalid JWT"})]),
        "invalid_grant",
    ),
    (Script([status(200, body="<html>login</html>")]), "did not issue a token"),
]


@pytest.mark.parametrize(("script", "message"), REFUSALS)
def test_an_error_of_google_is_shown_without_the_key(fake_server, account, private_key, script, message):
    fake_server.route("/token", script)
    with pytest.raises(CredentialsError, match=message) as caught:
        ask()
    assert "gcloud auth application-default login" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3
    inner = caught.value.__traceback__.tb_next  # the frame of this test contains the key
    report = traceback.TracebackException(type(caught.value), caught.value, inner, capture_locals=True)
    shown = "".join(report.format())
    assert "google_auth.py" in shown
    assert private_key.splitlines()[1] not in shown
    assert caught.value.__context__ is None


def test_missing_and_invalid_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    credentials.forget_credentials()
    with pytest.raises(CredentialsError, match="No usable Google sign-in was found") as caught:
        ask()
    assert "GOOGLE_APPLICATION_CREDENTIALS" in caught.value.remedy
    (tmp_path / "bad.json").write_text('{"type": "nonsense"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "bad.json"))
    with pytest.raises(CredentialsError, match="No usable Google sign-in was found"):
        ask()


def test_without_google_auth_the_error_names_the_command_to_install_it(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "google"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(CredentialsError, match="requires google-auth") as caught:
        ask()
    assert "pip install google-auth" in caught.value.remedy


def test_credentials_of_other_kinds_are_used_unchanged(monkeypatch, account):
    from google.oauth2.credentials import Credentials  # noqa: PLC0415 - only this test

    soon = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=1)
    plain = Credentials(CANARY, expiry=soon, quota_project_id="payer")
    import google.auth  # noqa: PLC0415 - only this test

    monkeypatch.setattr(google.auth, "default", lambda **_: (plain, "p"))
    key = google_auth.token()
    assert (key.value.reveal(), key.headers) == (CANARY, (("x-goog-user-project", "payer"),))
    assert CANARY not in repr(key)
