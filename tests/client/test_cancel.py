"""Cancelling a stream: within 100 ms, wherever its reader is, from any thread, and only once."""

import socket
import ssl
import threading
import time

import pytest
from calibration import assert_soon
from client_stage import canary, finished, kinds, start, text, time_taken, until
from fake_server import finish, gate, google_error, pause, stall, status
from fake_server import text as say
from tls_certificate import write

SOON = 0.1


def cancelled(stream, cause="interrupt"):
    seconds = time_taken(lambda: stream.cancel(cause))
    assert stream.done
    assert stream.ledger.status == "interrupted"
    assert stream.ledger.cause == cause
    assert_soon(seconds, SOON)
    return seconds


def test_cancel_while_the_server_does_not_accept_the_connection():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        plugs = [socket.socket() for _ in range(4)]
        for plug in plugs:  # from now on the queue of connections that are not accepted is full
            plug.setblocking(False)
            plug.connect_ex(address)
        time.sleep(0.05)
        stream = start(f"http://127.0.0.1:{address[1]}")
        until(lambda: stream.ledger.phase == "connecting")
        time.sleep(0.05)  # it stays there
        assert stream.ledger.phase == "connecting"
        cancelled(stream)
        for plug in plugs:
            plug.close()


def test_cancel_during_the_name_lookup(monkeypatch):
    asked = threading.Event()
    answer = threading.Event()
    look_up = socket.getaddrinfo

    def slow(*arguments, **options):
        asked.set()
        answer.wait(60)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    stream = start("http://localhost:9")
    assert asked.wait(60)
    cancelled(stream)
    version = stream.ledger.version
    answer.set()  # the late result is dropped
    time.sleep(0.05)
    assert stream.ledger.version == version
    assert stream.ledger.exchanges[-1].status is None


def test_cancel_while_waiting_for_the_first_byte(fake_server):
    fake_server.script(gate("never"))
    stream = start(fake_server)
    fake_server.wait_for_requests(1)
    until(lambda: stream.ledger.phase == "waiting")
    cancelled(stream)
    assert fake_server.wait_for_disconnect().request == 0


@pytest.mark.parametrize("reused", [False, True])
def test_cancel_in_mid_answer_while_the_server_is_silent(fake_server, reused):
    if reused:
        fake_server.script(say("first"), finish())
        finished(start(fake_server))
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger) == "half")
    cancelled(stream)
    if reused:
        assert fake_server.requests[0].connection == fake_server.requests[1].connection
    left = fake_server.wait_for_disconnect()
    assert left.request == (1 if reused else 0)
    assert text(stream.ledger) == "half"
    # The connection that was cut is not used again.
    fake_server.script(say("next"), finish())
    assert text(finished(start(fake_server))) == "next"


def test_cancelling_one_stream_does_not_affect_another(fake_server):
    fake_server.script(say("one"), stall())
    one = start(fake_server)
    until(lambda: text(one.ledger))
    fake_server.script(say("two"), gate("on"), say(" more"), finish())
    two = start(fake_server)
    until(lambda: text(two.ledger))
    cancelled(one)
    fake_server.open("on")
    assert text(finished(two)) == "two more"
    assert two.ledger.status == "complete"


def test_cancel_during_the_wait_before_another_attempt(fake_server):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}
    fake_server.script(status(429, body=google_error(429, "Slow down.", "RESOURCE_EXHAUSTED", retry)))
    stream = start(fake_server)
    until(lambda: stream.ledger.phase == "retrying")
    assert stream.ledger.pause.until == pytest.approx(30, abs=5)
    assert stream.ledger.pause[2:] == (2, 4)
    cancelled(stream)
    assert len(fake_server.requests) == 1


def test_the_stop_button_cancels_with_its_own_cause(fake_server):
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    cancelled(stream, "stop")


def test_cancelling_twice_has_no_further_effect(fake_server):
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    stream.cancel("stop")
    version = stream.ledger.version
    stream.cancel("interrupt")
    stream.close()
    assert (stream.ledger.cause, stream.ledger.version) == ("stop", version)


def test_cancelling_after_the_end_has_no_effect(fake_server):
    fake_server.script(say("all"), finish())
    stream = start(fake_server)
    finished(stream)
    stream.cancel()
    assert stream.ledger.status == "complete"


def test_many_threads_may_cancel_at_once(fake_server):
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    threads = [threading.Thread(target=stream.cancel) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stream.ledger.status == "interrupted"
    assert kinds(stream.ledger) == []


def test_cancelling_wakes_every_waiter(fake_server):
    fake_server.script(say("half"), stall())
    stream = start(fake_server)
    until(lambda: text(stream.ledger))
    ended = []
    waiters = [
        threading.Thread(target=lambda: ended.append(stream.wait())),
        threading.Thread(target=lambda: ended.append(list(stream))),
        threading.Thread(target=lambda: ended.append(stream.wait_change(stream.ledger.version, 100))),
    ]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.02)
    stream.cancel()
    for waiter in waiters:
        waiter.join(60)
        assert not waiter.is_alive()
    assert len(ended) == 3


def test_nothing_is_added_to_the_ledger_after_cancelling(fake_server):
    fake_server.script(*[step for n in range(200) for step in (say(f"{n} "), pause(0.0005))], finish())
    stream = start(fake_server)
    until(lambda: len(stream.ledger.raw) > 5)
    stream.cancel()
    seen = (len(stream.ledger.raw), len(stream.ledger.events), stream.ledger.version, stream.ledger.phase)
    time.sleep(0.1)
    ledger = stream.ledger
    assert (len(ledger.raw), len(ledger.events), ledger.version, ledger.phase) == seen


@pytest.fixture
def tls_silent(tmp_path, monkeypatch):
    """A TLS server that sends half an answer and then nothing: its address, and the requests it received."""
    monkeypatch.setenv("SSL_CERT_FILE", str(write(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path, both=True))
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []
    whole = b'data: {"candidates":[{"content":{"parts":[{"text":"half"}]}}]}\r\n\r\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

    def serve():
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as sock:
            while data := sock.recv(65536):
                seen.append(data)
                if b"contents" not in data:
                    continue  # the head alone
                first = len([one for one in seen if b"contents" in one]) == 1
                length = len(whole) if first else 1000
                sock.sendall(head + b"Content-Length: %d\r\n\r\n" % length + whole)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}", seen
    listener.close()
    thread.join(60)


def test_cancel_under_tls_on_a_reused_connection(tls_silent):
    address, seen = tls_silent
    first = start(address, key=canary())
    assert text(finished(first)) == "half"
    assert any(b"CANARY" in data for data in seen)
    second = start(address, key=canary())
    until(lambda: text(second.ledger) == "half")
    cancelled(second)
