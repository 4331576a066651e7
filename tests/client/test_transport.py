"""What the transport sends and receives: headers, proxies, compression, redirects, certificates, cookies."""

import re
import socket
import ssl
import sys
import threading
import time
import types

import httpcore
import pytest
from calibration import assert_soon
from client_stage import CANARY, canary, finished, start, text, until
from fake_server import FakeServer, finish, gate, raw, status
from fake_server import text as say
from tls_certificate import write

from gemini_magic.backends import HttpRequest, backend
from gemini_magic.client import certificates, open_stream, proxy_transport, transport
from gemini_magic.client.connection import Connection, ConnectionLost, HostUnreachable
from gemini_magic.client.proxies import proxy_for
from gemini_magic.client.transport_errors import ProxyError
from gemini_magic.config import Options
from gemini_magic.content import Request, Text, Turn
from gemini_magic.errors import ConnectionFailed
from gemini_magic.ledger.ledger import Ledger


def test_the_headers_of_a_request(fake_server):
    fake_server.script(say("ok"), finish())
    finished(start(fake_server, key=canary()))
    sent = fake_server.requests[0].headers
    assert sent["accept"] == "text/event-stream"
    assert sent["accept-encoding"] == "identity"
    assert sent["cache-control"] == "no-store"
    assert sent["content-type"] == "application/json"
    assert sent["x-goog-api-key"] == CANARY
    assert re.fullmatch(r"gemini-magic/\S+", sent["user-agent"])
    assert "x-goog-api-client" not in sent  # only Google learns it


def test_the_client_is_named_in_full_to_the_own_host(fake_server):
    connection = Connection(connect=1, first_byte=1, stall=1, total=None)
    fake_server.script(say("ok"), finish())
    target = f"{fake_server.base_url}/v1beta/models/m:streamGenerateContent?alt=sse"
    answer = transport.send(HttpRequest("POST", target, (), b"{}"), connection, None, own_host=True)
    pieces = []
    answer.read(lambda t, piece: pieces.append(piece))
    assert b"ok" in b"".join(pieces)
    answer.close()
    sent = fake_server.requests[0].headers
    assert re.fullmatch(r"gemini-magic/\S+ gl-python/3\.\d+\.\d+\S*", sent["x-goog-api-client"])
    assert sent["user-agent"] == sent["x-goog-api-client"]


def test_compression_that_was_not_requested_is_undone_live(fake_server):
    fake_server.script(say("one "), gate("go"), say("two"), finish(), gzip=True)
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "one ")
    fake_server.open("go")
    assert text(finished(stream)) == "one two"
    kept = b"".join(piece for _, piece in stream.ledger.exchanges[0].pieces)
    assert kept.startswith(b"data: ")


def test_broken_compression_is_an_error(fake_server):
    fake_server.script(raw(b"this is no gzip"), headers={"Content-Encoding": "gzip"})
    ledger = finished(start(fake_server))
    assert ledger.status == "error"
    assert ledger.error.message == "The server's compression is broken."


def test_a_redirect_is_an_error_and_its_target_gets_no_request(fake_server):
    with FakeServer() as other:
        for code in (301, 302, 307, 308):
            fake_server.script(status(code, {"Location": f"{other.base_url}/v1beta/models/m:x"}))
            ledger = finished(start(fake_server, key=canary()))
            assert (ledger.status, ledger.error.code) == ("error", code)
            assert "--base-url" in ledger.error.remedy
        assert other.requests == []


def test_cookies_are_not_kept(fake_server):
    for _ in range(2):
        fake_server.script(say("ok"), finish(), headers={"Set-Cookie": "a=b; Path=/"})
        ledger = finished(start(fake_server))
    assert "cookie" not in fake_server.requests[1].headers
    assert "set-cookie" not in {name.lower() for name, _ in ledger.exchanges[0].response_headers}


def test_connections_are_reused(fake_server):
    for _ in range(3):
        fake_server.script(say("ok"), finish())
        ledger = finished(start(fake_server))
    assert len({seen.connection for seen in fake_server.requests}) == 1
    assert "connect" not in ledger.marks
    assert 0 < ledger.marks["first_byte"] <= ledger.marks["first_text"] <= ledger.marks["total"]


def test_arrival_times_are_taken_at_the_socket(fake_server):
    fake_server.script(gate("begin"), say("a"), gate("go"), say("b"), finish())
    stream = start(fake_server)
    until(lambda: fake_server.requests)
    time.sleep(0.1)  # the server thinks for longer than connecting takes, also on a busy machine
    fake_server.open("begin")
    until(lambda: text(stream.ledger))
    time.sleep(0.1)
    fake_server.open("go")
    ledger = finished(stream)
    first, second, last = (chunk.t for chunk in ledger.raw)
    assert second - first >= 0.1
    assert_soon(last - second, 0.05)
    assert 0 <= ledger.marks["connect"] < first


class SilentStream(httpcore.NetworkStream):
    """A network stream that records the timeouts of its reads."""

    def __init__(self):
        self.timeouts = []

    def read(self, max_bytes, timeout=None):
        self.timeouts.append(timeout)
        return b"x"

    def write(self, buffer, timeout=None):
        self.timeouts.append(timeout)

    def get_extra_info(self, info):
        return None


def context_of(connection, sent=lambda: None):
    return proxy_transport._ExchangeContext(connection, sent)


def test_every_call_of_a_network_stream_is_for_the_exchange_that_it_is_given():
    first, second = (Connection(connect=1, first_byte=limit, stall=9, total=None) for limit in (5, 7))
    inner = SilentStream()
    stream = proxy_transport._NetworkStream(inner, None)
    for connection in (first, second):
        calls = []
        context = context_of(connection, lambda calls=calls: calls.append("sent"))
        stream.write(b"request", context)
        for _ in range(2):
            stream.read(10, context)
        assert calls == ["sent"]
        assert connection.arrival_time() > 0
        assert_soon(connection.arrival_time(), 1)
    waits = [timeout for timeout in inner.timeouts if timeout != proxy_transport.WRITE_LIMIT]
    assert waits == pytest.approx([5, 5, 7, 7], abs=0.5)
    first.shutdown()
    stream.read(10, context)  # the second exchange is not affected
    with pytest.raises(ConnectionLost):
        stream.read(10, context_of(first))


def test_a_stream_that_negotiates_with_a_proxy_belongs_to_the_request_that_opened_it():
    """httpcore passes no timeout while it negotiates with a SOCKS proxy."""
    opener = Connection(connect=1, first_byte=5, stall=9, total=None)
    stream = proxy_transport._NetworkStream(SilentStream(), context_of(opener))
    assert stream.read(10) == b"x"
    later = Connection(connect=1, first_byte=5, stall=9, total=None)
    stream.read(10, context_of(later))
    assert stream._opened_by is None  # a pooled connection keeps nothing of the stream that opened it
    opener.shutdown()
    fresh = proxy_transport._NetworkStream(SilentStream(), context_of(later))
    later.shutdown()
    with pytest.raises(ConnectionLost):
        fresh.read(10)


# ----------------------------------------------------------------------------------------------- proxies


@pytest.fixture
def proxy():
    """An HTTP proxy that answers by itself, and the first lines it saw."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []
    body = b'data: {"candidates":[{"content":{"parts":[{"text":"by proxy"}]},"finishReason":"STOP"}]}\n\n'

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                data = b""
                while b"contents" not in data and b"CONNECT" not in data:
                    data += sock.recv(65536)
                seen.append(data.partition(b"\r\n")[0].decode())
                if data.startswith(b"CONNECT"):
                    sock.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                else:
                    sock.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
                        + body
                    )

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://user:{CANARY}@127.0.0.1:{listener.getsockname()[1]}", seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_the_proxy_of_the_environment_is_used(proxy, monkeypatch):
    address, seen = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    monkeypatch.setenv("http_proxy", address)
    assert text(finished(start("http://somewhere.invalid"))) == "by proxy"
    assert seen == ["POST http://somewhere.invalid/v1beta/models/m:streamGenerateContent?alt=sse HTTP/1.1"]


def test_hosts_in_no_proxy_use_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com,somewhere.invalid")
    assert proxy_for("http://somewhere.invalid/v1") is None
    assert proxy_for("http://elsewhere.invalid/v1") == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("*", "https://a.example", True),
        ("example", "https://a.example", True),
        (".example", "https://a.example", True),
        ("*.example", "https://a.example", True),
        ("*.example", "https://a.b.EXAMPLE.", True),
        ("ample", "https://a.example", False),
        ("*.other, b.example", "https://a.example", False),
        ("*.other b.example\ta.example", "https://a.example", True),
        ("a.example:443", "https://a.example", True),
        ("a.example:443", "https://a.example:8443", False),
        ("a.example:8443", "https://a.example:8443", True),
        ("a.example:80", "http://a.example", True),
        ("*.example:80", "https://a.example", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.9.9.9/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8:8443", "https://10.1.2.3:8443", True),
        ("10.0.0.0/8:8443", "https://10.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("2.3", "https://10.1.2.3", False),
        ("10.0.0.0/99,,:,[", "https://10.1.2.3", False),
        ("::1", "https://[::1]:8443", True),
        ("[::1]:8443", "https://[::1]:8443", True),
        ("[::1]:8443", "https://[::1]", False),
        ("fd00::/8", "https://[fd12::1]", True),
        ("fd00::/8", "https://10.1.2.3", False),
        ("10.0.0.0/8", "https://ten.example", False),
    ],
)
def test_no_proxy_lists_hosts_suffixes_ports_and_networks(monkeypatch, entry, url, direct):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", entry)
    assert proxy_for(url) == (None if direct else "http://127.0.0.1:9")


def test_a_host_name_that_cannot_be_encoded_is_a_connection_error():
    failed = finished(start("https://xn--a", retries=0)).error
    assert isinstance(failed, ConnectionFailed)
    assert failed.message.startswith("The host name of the server or of the proxy is not valid: ")
    assert failed.remedy == "Check --base-url, HTTPS_PROXY and ALL_PROXY."
    with pytest.raises(HostUnreachable), transport._host_names_checked():
        "a..b".encode("idna")  # as the socket module encodes the name of a proxy


def test_plain_http_to_this_machine_uses_no_proxy(proxy, monkeypatch, fake_server):
    address, seen = proxy
    monkeypatch.setenv("http_proxy", address)
    fake_server.script(say("direct"), finish())
    assert text(finished(start(fake_server))) == "direct"
    assert seen == []


def test_a_proxy_that_refuses_is_a_connection_error(proxy, monkeypatch):
    address, seen = proxy
    monkeypatch.setenv("https_proxy", address)
    ledger = finished(start("https://somewhere.invalid", retries=0))
    assert isinstance(ledger.error, ConnectionFailed)
    assert "403" in ledger.error.message
    assert CANARY not in str(ledger.error)
    assert seen == ["CONNECT somewhere.invalid:443 HTTP/1.1"]


def test_a_proxy_that_wants_a_password_is_named(fake_server):
    connection = Connection(connect=1, first_byte=1, stall=1, total=None)
    refused = transport._translation(ProxyError("407 Proxy Authentication Required"), connection)
    assert not refused.retryable
    assert "407 Proxy Authentication Required" in refused.error.message
    assert "HTTPS_PROXY" in refused.error.remedy
    fake_server.script(status(407))
    ledger = finished(start(fake_server, retries=0))
    assert ledger.error.message == "407: Proxy Authentication Required"
    assert "HTTPS_PROXY" in ledger.error.remedy


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("socks5://127.0.0.1:1", "The SOCKS proxy needs a package that is not installed."),
        ("ftp://127.0.0.1:1", "The proxy or certificate settings are not valid (ValueError)."),
        (f"http://u:{CANARY}@127.0.0.1:x", "The proxy or certificate settings are not valid (InvalidURL)."),
    ],
)
def test_a_proxy_address_that_is_not_valid_is_a_connection_error(monkeypatch, address, message):
    monkeypatch.setenv("all_proxy", address)
    ledger = finished(start("http://somewhere.invalid", retries=3))
    assert isinstance(ledger.error, ConnectionFailed)
    assert ledger.error.message == message
    assert len(ledger.exchanges) == 1  # another attempt cannot help
    assert CANARY not in str(ledger.error)


# --------------------------------------------------------------------------------------------------- TLS


def test_an_untrusted_certificate_is_a_connection_error(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        plain, _ = listener.accept()
        with plain, pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(plain, server_side=True).recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ledger = finished(start(f"https://localhost:{listener.getsockname()[1]}", key=canary()))
    thread.join(60)
    listener.close()
    assert isinstance(ledger.error, ConnectionFailed)
    assert "certificate" in ledger.error.message.lower()
    assert "SSL_CERT_FILE" in ledger.error.remedy
    assert len(ledger.exchanges) == 1


def _serve_tls(listener, context, connected, requests):
    """One connection: a tunnel if asked for one, then TLS, then an answer in three chunks for each request."""
    texts = (
        b'data: {"candidates":[{"content":{"parts":[{"text":"%s"}]}%s}]}\r\n\r\n' % (word, tail)
        for word, tail in ((b"by ", b""), (b"tunnel", b',"finishReason":"STOP"'))
    )
    body = b"".join(b"%x\r\n%s\r\n" % (len(text), text) for text in texts) + b"0\r\n\r\n"
    sock, _ = listener.accept()
    with sock:
        if connected is not None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(1)
            connected.append(head.partition(b"\r\n")[0].decode())
            sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with context.wrap_socket(sock, server_side=True) as secured:
            data = b""
            while got := secured.recv(65536):
                data += got
                if b"contents" in data:
                    requests.append(data.partition(b"\r\n")[0].decode())
                    data = b""
                    secured.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


@pytest.mark.parametrize("tunnel", [False, True], ids=["direct", "through a proxy"])
def test_chunked_responses_are_read_over_tls(tmp_path, monkeypatch, tunnel):
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    connected, requests = [], []
    thread = threading.Thread(
        target=_serve_tls, args=(listener, context, connected if tunnel else None, requests), daemon=True
    )
    thread.start()
    if tunnel:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
    for _ in range(2):
        assert text(finished(start(f"https://localhost:{port}", retries=0))) == "by tunnel"
    assert len(requests) == 2  # on one connection: the server takes no other
    assert connected == [f"CONNECT localhost:{port} HTTP/1.1"] * tunnel
    transport._transport(f"https://localhost:{port}").close()
    thread.join(60)
    assert not thread.is_alive()
    listener.close()


def test_certificates_that_cannot_be_read_are_a_connection_error(monkeypatch, tmp_path):
    (tmp_path / "no.pem").write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "no.pem"))
    ledger = finished(start("https://localhost:9"))
    assert isinstance(ledger.error, ConnectionFailed)
    assert f"The certificates of SSL_CERT_FILE={tmp_path / 'no.pem'} cannot be read: " in ledger.error.message
    assert (
        ledger.error.remedy == "Name an existing file with certificates in PEM format, or unset the variable."
    )


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_certificates_of_each_variable_are_trusted(tmp_path, monkeypatch, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    threading.Thread(target=_serve_tls, args=(listener, context, None, []), daemon=True).start()
    monkeypatch.setenv(name, str(write(tmp_path)))
    assert text(finished(start(f"https://localhost:{port}", retries=0))) == "by tunnel"
    transport._transport(f"https://localhost:{port}").close()
    listener.close()


def test_a_folder_of_certificates_and_their_precedence(tmp_path, monkeypatch):
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(OSError):
        certificates.tls_context()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))  # a folder
    assert certificates.tls_context().verify_mode is ssl.CERT_REQUIRED
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    assert len(certificates.tls_context().get_ca_certs()) == 1


def test_certificates_that_are_loaded_in_advance_are_loaded_once(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    certificates.load_certificates()  # the first request reports the mistake
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    certificates.load_certificates()
    until(
        lambda: certificates._contexts.get(
            (certificates.trusted_certificates(), certificates._SYSTEM_STORE, certificates._SYSTEM_FILES)
        )
    )
    first = certificates.tls_context()
    assert certificates.tls_context() is first
    monkeypatch.setattr(certificates, "_new_context", lambda: pytest.fail("made twice"))
    assert certificates.tls_context() is first
    assert capfd.readouterr() == ("", "")


def test_without_a_variable_the_certificates_of_the_system_are_trusted(monkeypatch, tmp_path):
    where = types.SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(certificates.ssl, "get_default_verify_paths", lambda: where)
    monkeypatch.setattr(certificates, "_SYSTEM_FILES", ("/no/such/file", str(write(tmp_path))))
    assert len(certificates.tls_context().get_ca_certs()) == 1
    monkeypatch.setattr(certificates, "_SYSTEM_FILES", ())
    assert len(certificates.tls_context().get_ca_certs()) > 50  # certifi's
    monkeypatch.setattr(certificates, "_SYSTEM_STORE", True)  # as on macOS and Windows
    system = types.ModuleType("truststore")
    system.SSLContext = lambda protocol: ("of the system", protocol)
    monkeypatch.setitem(sys.modules, "truststore", system)
    assert certificates.tls_context() == ("of the system", ssl.PROTOCOL_TLS_CLIENT)


def test_plain_http_loads_no_certificates(monkeypatch, tmp_path, fake_server):
    (tmp_path / "no.pem").write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "no.pem"))
    fake_server.script(say("plain"), finish())
    assert text(finished(start(fake_server))) == "plain"


def test_an_address_that_is_not_valid_is_a_connection_error():
    turn = Turn("user", (Text("hi"),))
    ledger = Ledger()
    options = Options(base_url="http://1.2.3.999")
    stream = open_stream(Request(model="m", turns=(turn,)), options, ledger=ledger, backend=backend("gemini"))
    error = finished(stream).error
    assert isinstance(error, ConnectionFailed)
    assert error.message.startswith("The server's address is not valid: ")
    assert error.remedy == "Check --base-url."
