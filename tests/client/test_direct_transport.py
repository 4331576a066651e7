"""The direct transport: its stack of connections, how it connects and writes, and what it refuses."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from client_stage import finished, kinds, start, text, until
from fake_server import finish, gate
from fake_server import text as say
from raw_server import RawServer
from surroundings import CHECKOUT
from tls_certificate import write

from gemini_magic.backends import HttpRequest
from gemini_magic.client import direct_transport, transport
from gemini_magic.client.connection import Connection, TimedOut

EVENT = b'data: {"candidates":[{"content":{"parts":[{"text":"ok"}]},"finishReason":"STOP"}]}\n\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(EVENT) + EVENT


class Listener:
    """A server whose connections a test serves by hand, each on a thread: `serve(number, sock)`."""

    def __init__(self, serve):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.socks = []
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.socks.append(sock)
            threading.Thread(target=self._answer, args=(len(self.socks) - 1, sock), daemon=True).start()

    def _answer(self, number, sock):
        with contextlib.suppress(OSError):  # the client, or the end of the test, closed it
            self._serve(number, sock)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self.socks:
            sock.close()


@pytest.fixture
def listening():
    """A function that starts a :class:`Listener`."""
    started = []

    def listen(serve):
        started.append(Listener(serve))
        return started[-1]

    yield listen
    for each in started:
        each.close()


def sent(url, *, body=b"{}", headers=(), **limits):
    """Send a request and return the response."""
    connection = Connection(**({"connect": 2, "first_byte": 2, "stall": 2, "total": None} | limits))
    return transport.send(HttpRequest("POST", f"{url}/x", headers, body), connection, None, own_host=False)


def body_of(response):
    pieces = []
    response.read(lambda t, data: pieces.append(data))
    response.close()
    return b"".join(pieces)


def idle(url):
    """How many idle connections the transport keeps."""
    return transport._transport(url)._idle_count


# ------------------------------------------------------------------------------------------ the stack


def test_the_connection_that_was_used_last_is_used_first(fake_server):
    fake_server.model("m", say("a"), gate("on"), finish())
    streams = [start(fake_server) for _ in range(3)]
    until(lambda: all(text(stream.ledger) for stream in streams))
    fake_server.open("on")
    for stream in streams:
        finished(stream)
    fake_server.model("m", say("b"), finish())
    for _ in range(4):
        finished(start(fake_server))
    later = [seen.connection for seen in fake_server.requests[3:]]
    assert len(set(later)) == 1


def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_used(listening):
    closed = []

    def serve(number, sock):
        sock.recv(65536)
        sock.sendall(ANSWER)
        time.sleep(0.02)
        sock.close()
        closed.append(number)

    server = listening(serve)
    for number in range(3):
        ledger = finished(start(server, retries=0))
        assert (ledger.status, kinds(ledger)) == ("complete", [])
        until(lambda number=number: number in closed)
    assert len(server.socks) == 3


def test_a_connection_that_dies_with_the_request_is_tried_once_more_and_noted(listening):
    def serve(number, sock):
        sock.recv(65536)
        sock.sendall(ANSWER)
        if not number:
            sock.recv(65536)
            sock.close()

    server = listening(serve)
    assert text(finished(start(server))) == "ok"
    ledger = finished(start(server))
    assert (ledger.status, text(ledger)) == ("complete", "ok")
    assert "possibly-billed" in kinds(ledger)


def test_idle_connections_are_closed_after_a_while(monkeypatch):
    monkeypatch.setattr(direct_transport, "_IDLE_LIMIT", 0.05)
    server = RawServer([[ANSWER], [ANSWER]])
    try:
        for _ in range(2):
            assert text(finished(start(server, retries=0))) == "ok"
            time.sleep(0.1)
        assert server.connections == 2
    finally:
        server.close()


def test_the_number_of_idle_connections_is_limited(fake_server, monkeypatch):
    monkeypatch.setattr(direct_transport, "_MAX_IDLE", 2)
    fake_server.model("m", say("a"), gate("on"), finish())
    streams = [start(fake_server) for _ in range(5)]
    until(lambda: all(text(stream.ledger) for stream in streams))
    fake_server.open("on")
    for stream in streams:
        finished(stream)
        assert stream._reading.acquire(timeout=60)
    assert idle(fake_server.base_url) <= 2


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1),
        ANSWER.replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"HTTP/1.1 200 OK\r\n\r\n" + EVENT,
    ],
    ids=["close", "HTTP/1.0", "until the end of input"],
)
def test_a_response_that_ends_its_connection_is_followed_by_a_new_one(listening, answer):
    def serve(number, sock):
        sock.recv(65536)
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)

    server = listening(serve)
    for _ in range(2):
        assert body_of(sent(server.base_url)) == EVENT
    assert len(server.socks) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(listening):
    def serve(number, sock):
        while sock.recv(65536):
            sock.sendall(ANSWER)

    server = listening(serve)
    assert body_of(sent(server.base_url)) == EVENT
    child = os.fork()
    if not child:
        os._exit(0 if body_of(sent(server.base_url)) == EVENT else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert body_of(sent(server.base_url)) == EVENT
    assert len(server.socks) == 2


def test_an_interrupted_request_closes_its_connection(listening):
    server = listening(lambda number, sock: sock.recv(65536))
    connection = Connection(connect=2, first_byte=0.05, stall=2, total=None)
    with pytest.raises(TimedOut):
        transport.send(HttpRequest("POST", server.base_url, (), b"{}"), connection, None, own_host=False)
    until(lambda: server.socks[0].recv(1) == b"")


# ---------------------------------------------------------------------------------------- connecting


def test_every_address_of_a_host_is_tried(listening, monkeypatch):
    def serve(number, sock):
        sock.recv(65536)
        sock.sendall(ANSWER)

    server = listening(serve)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = closed.getsockname()
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
        for address in (refusing, ("127.0.0.1", server.port))
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: addresses)
    assert body_of(sent(f"http://localhost:{server.port}")) == EVENT


def test_the_time_to_connect_is_measured_once_for_each_connection(listening):
    def serve(number, sock):
        while sock.recv(65536):
            sock.sendall(ANSWER)

    server = listening(serve)
    seconds = []
    for _ in range(2):
        connection = Connection(connect=2, first_byte=2, stall=2, total=None)
        request = HttpRequest("POST", server.base_url, (), b"{}")
        body_of(transport.send(request, connection, None, own_host=False))
        seconds.append(connection.connect_seconds)
    assert 0 < seconds[0] < 1
    assert seconds[1] is None


def test_transports_that_trust_the_same_certificates_share_a_context(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    direct = transport._transport("https://localhost:1")
    contexts = dict(transport._tls_contexts)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert transport._transport("https://somewhere.invalid") is not direct
    assert transport._tls_contexts == contexts


def test_requests_without_a_proxy_load_neither_httpcore_nor_h11(fake_server):
    fake_server.script(say("ok"), finish())
    code = (
        "import sys, gemini_magic\n"
        f"print(gemini_magic.ask('hi', model='m', base_url={fake_server.base_url!r}, key_env='K').text)\n"
        "print([name for name in ('h11', 'httpcore') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "K": "k"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "ok\n[]\n"


# ------------------------------------------------------------------------------------------- writing


def test_the_head_and_the_body_of_a_request_leave_in_one_write(listening):
    seen = []

    def serve(number, sock):
        seen.append(sock.recv(1_000_000))
        sock.sendall(ANSWER)

    server = listening(serve)
    assert body_of(sent(server.base_url, body=b"x" * 20_000)) == EVENT
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nContent-Length: 20000" in head
    assert body == b"x" * 20_000


def test_a_large_body_arrives_whole(listening):
    size, seen = 5_000_000, []

    def serve(number, sock):
        data = b""
        while not data.endswith(b"end"):
            data += sock.recv(200_000)
        seen.append(data.partition(b"\r\n\r\n")[2])
        sock.sendall(ANSWER)

    server = listening(serve)
    body = os.urandom(size) + b"end"
    assert body_of(sent(server.base_url, body=body)) == EVENT
    assert seen == [body]


def test_an_answer_that_comes_before_the_body_was_read_is_read(listening):
    def serve(number, sock):
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1_000_000):  # otherwise the system would drop the answer with the connection
            pass

    server = listening(serve)
    response = sent(server.base_url, body=b"x" * 3_000_000)
    assert (response.status, body_of(response)) == (413, b"no")


def test_a_server_that_accepts_no_bytes_is_given_up(listening, monkeypatch):
    monkeypatch.setattr(direct_transport, "WRITE_LIMIT", 0.1)
    over = threading.Event()
    server = listening(lambda number, sock: over.wait(60))
    with pytest.raises(TimedOut):
        sent(server.base_url, body=b"x" * 50_000_000)
    over.set()


@pytest.mark.parametrize(
    "header", [("x-a", "b\r\nx-c: d"), ("x-a\r\nb", "c"), ("x a", "b"), ("x-a", "b\0"), ("x-a", "b\n")]
)
def test_a_header_that_would_be_read_as_another_is_not_sent(listening, header):
    seen = []
    server = listening(lambda number, sock: seen.append(sock.recv(65536)))
    with pytest.raises(Exception):  # noqa: B017 - what matters is that nothing leaves
        sent(server.base_url, headers=(header,))
    time.sleep(0.02)
    assert not any(seen)
