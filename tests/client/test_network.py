"""Network: only HTTP/1.1, proxies of every variable, and which connections are reused."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time

import pytest
from calibration import assert_soon
from client_stage import CANARY, canary, finished, request, start, text, until
from fake_server import cut, endless, finish, gate, stall, status
from fake_server import text as say
from tls_certificate import write
from upload_server import UploadServer

from gemini_magic.backends import backend
from gemini_magic.client import Asker, SingleAttempt, open_stream
from gemini_magic.config import Options
from gemini_magic.content import Blob, Request, Turn
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response

BODY = b'data: {"candidates":[{"content":{"parts":[{"text":"here"}]},"finishReason":"STOP"}]}\n\n'


def test_only_http_1_1_is_offered(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    context.set_alpn_protocols(["h2", "http/1.1"])  # this server would rather speak HTTP/2
    listener = socket.create_server(("127.0.0.1", 0))
    chosen, lines = [], []

    def serve():
        plain, _ = listener.accept()
        with plain, context.wrap_socket(plain, server_side=True) as sock:
            chosen.append(sock.selected_alpn_protocol())
            data = b""
            while b"contents" not in data:
                data += sock.recv(65536)
            lines.append(data.partition(b"\r\n")[0])
            sock.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY
            )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ledger = finished(start(f"https://localhost:{listener.getsockname()[1]}", retries=0))
    thread.join(60)
    listener.close()
    assert text(ledger) == "here"
    assert chosen[0] in ("http/1.1", None)
    assert lines[0].endswith(b" HTTP/1.1")
    assert ledger.exchanges[0].http_version == "HTTP/1.1"


def test_a_recorded_http_2_response_is_read(tmp_path):
    asked = b"POST http://h/v1beta/models/m:x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
    response = b"HTTP/2.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + BODY
    file = tmp_path / "old.httprr"
    file.write_bytes(b"httprr trace v1\n%d %d\n" % (len(asked), len(response)) + asked + response)
    response = Response.load(file)
    assert (response.text, response.status) == ("here", "complete")
    assert response.ledger.exchanges[0].http_version == "HTTP/2.0"


@pytest.fixture
def relay():
    """A proxy that opens any tunnel, and the first lines that it received."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen, open_ones = [], []

    def pump(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(1)
            line = head.partition(b"\r\n")[0].decode()
            seen.append(line)
            host, _, port = line.split()[1].rpartition(":")
            target = socket.create_connection((host, int(port)))
            open_ones.extend([sock, target])
            sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for pair in ((sock, target), (target, sock)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(60)
    for sock in open_ones:
        sock.close()


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """The address of a TLS server that answers each request on each connection."""
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(plain):
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as sock:
            data = b""
            while got := sock.recv(65536):
                data += got
                if b"contents" in data:
                    data = b""
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(plain,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://localhost:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def secure_uploads(tmp_path, monkeypatch):
    """A TLS server with the Files API."""
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    with UploadServer(context) as server:
        yield server


def start_upload(server, size):
    request = Request(model="m", turns=(Turn("user", (Blob("video/mp4", os.urandom(size)),)),))
    options = Options(base_url=server.base_url, key_env="TEST_KEY", inline_limit=1)
    ledger = Ledger(request)
    return open_stream(request, options, ledger=ledger, backend=backend("gemini"), key=canary())


@pytest.mark.parametrize("proxied", [False, True])
def test_an_upload_goes_over_tls_and_through_a_proxy(relay, secure_uploads, monkeypatch, proxied, caplog):
    caplog.set_level("DEBUG")
    if proxied:
        monkeypatch.setenv("HTTPS_PROXY", relay[0])
    ledger = finished(start_upload(secure_uploads, 20_000_000))
    assert text(ledger) == "I see it."
    assert secure_uploads.kinds() == ["start", "upload", "upload", "upload", "generate"]
    assert bool(relay[1]) == proxied
    assert not [secret for secret in (*secure_uploads.secrets(), CANARY) if secret in caplog.text]


@pytest.mark.parametrize("proxied", [False, True])
def test_an_upload_over_tls_and_through_a_proxy_stops_at_once(relay, secure_uploads, monkeypatch, proxied):
    if proxied:
        monkeypatch.setenv("HTTPS_PROXY", relay[0])
    secure_uploads.fail("upload", slow=200_000)
    stream = start_upload(secure_uploads, 40_000_000)
    until(lambda: "upload" in secure_uploads.kinds())
    time.sleep(0.2)
    began = time.perf_counter()
    stream.cancel("stop")
    assert stream._reading.acquire(timeout=60)
    assert_soon(time.perf_counter() - began, 0.3)
    assert stream.ledger.status == "interrupted"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_https_goes_through_the_proxy_of_any_variable(relay, secure, monkeypatch, name):
    address, seen = relay
    monkeypatch.setenv(name, address)
    assert text(finished(start(secure, retries=0))) == "here"
    assert seen == [f"CONNECT {secure.removeprefix('https://')} HTTP/1.1"]


def test_leave_to_send_is_asked_when_the_tunnel_stands_and_before_the_request(relay, secure, monkeypatch):
    address, seen = relay
    monkeypatch.setenv("HTTPS_PROXY", address)
    asker = Asker(Options(base_url=secure, key_env="TEST_KEY"), backend("gemini"), canary())

    def made(may_send):
        attempt = SingleAttempt(asker, request(), Ledger(request()), may_send)
        outcome = attempt.run()
        return attempt, outcome

    tunnels = []
    attempt, outcome = made(lambda: tunnels.append(len(seen)) or False)
    assert (tunnels, outcome.end, attempt.sent(outcome)) == ([1], "not sent", False)
    attempt, outcome = made(lambda: tunnels.append(len(seen)) or True)
    assert text(attempt.ledger) == "here"
    assert len(tunnels) == 2
    assert attempt.sent(outcome)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_hosts_in_no_proxy_are_connected_directly(relay, secure, monkeypatch, name):
    address, seen = relay
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv(name, "localhost")
    assert text(finished(start(secure, retries=0))) == "here"
    assert seen == []


@pytest.mark.parametrize(
    ("steps", "options"),
    [
        ([say("a"), cut()], {}),
        ([say("a"), stall()], {"stall_timeout": 0.1}),
        ([endless(say("word " * 100))], {"max_total": 0.05}),
        ([say("a"), say("x" * 100_000), stall()], {"max_event": 0.05}),
    ],
    ids=["cut", "stalled", "larger than all may be", "larger than one may be"],
)
def test_a_connection_that_was_abandoned_in_mid_answer_is_closed_and_not_reused(fake_server, steps, options):
    fake_server.script(*steps)
    fake_server.script(say("ok"), finish())
    assert finished(start(fake_server, **options)).status != "complete"
    assert text(finished(start(fake_server))) == "ok"
    first, second = (seen.connection for seen in fake_server.requests)
    assert first != second


def test_a_connection_is_reused_after_a_refusal(fake_server):
    fake_server.script(status(400, body={"error": {"code": 400, "message": "no"}}))
    fake_server.script(say("ok"), finish())
    finished(start(fake_server))
    assert text(finished(start(fake_server))) == "ok"
    assert len({seen.connection for seen in fake_server.requests}) == 1


def test_simultaneous_streams_use_separate_connections(fake_server):
    fake_server.model("m", say("a"), gate("on"), finish())
    streams = [start(fake_server) for _ in range(3)]
    until(lambda: all(text(stream.ledger) for stream in streams))
    fake_server.open("on")
    assert [finished(stream).status for stream in streams] == ["complete"] * 3
    assert len({seen.connection for seen in fake_server.requests}) == 3
