"""The fake server sends exactly the bytes that its steps describe."""

import http.client
import json
import socket
import time
import zlib

import pytest
from calibration import assert_soon
from fake_server import (
    FakeServer,
    Script,
    bare,
    cut,
    dribble,
    endless,
    event,
    finish,
    flood,
    gate,
    hang_up,
    raw,
    reset,
    stall,
    status,
    text,
)

STREAM = "/v1beta/models/{}:streamGenerateContent?alt=sse"


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


@pytest.fixture
def client(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()


def ask(client, model="m", target=STREAM):
    client.request("POST", target.format(model), json.dumps({"contents": []}), {"X-Goog-Api-Key": "k"})
    return client.getresponse()


def values(body):
    return [json.loads(line[6:]) for line in body.decode().split("\r\n\r\n") if line]


def test_a_stream_has_the_format_of_gemini_and_the_connection_stays_open(server, client):
    server.script(text("Hel"), text("lo", createTime="now"), finish())
    response = ask(client)
    assert response.getheader("content-type") == "text/event-stream"
    first, second, last = values(response.read())
    assert first["candidates"][0]["content"] == {"parts": [{"text": "Hel"}], "role": "model"}
    assert second["createTime"] == "now"
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert first["responseId"] == last["responseId"]
    assert first["usageMetadata"]["candidatesTokenCount"] < last["usageMetadata"]["candidatesTokenCount"]
    server.script(event({"n": 1}), event({"n": 2}))
    assert json.loads(ask(client, target="/v1/models/{}:streamGenerateContent").read()) == [
        {"n": 1},
        {"n": 2},
    ]
    one, two = server.requests
    assert one.connection == two.connection
    assert (one.model, one.query, one.body, one.headers["x-goog-api-key"]) == (
        "m",
        {"alt": "sse"},
        {"contents": []},
        "k",
    )


def test_a_closed_gate_delays_the_rest_of_the_answer(server, client):
    server.script(text("before"), gate("go"), raw(b"data: after\r\n\r\n"))
    response = ask(client)
    assert b"before" in response.read1()
    client.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.sock.recv(1, socket.MSG_PEEK)
    client.sock.settimeout(5)
    server.open("go")
    assert b"after" in response.read1()


def test_a_client_that_disconnects_during_a_stall_is_recorded_at_once(server, client):
    server.script(text("only this"), stall())
    response = ask(client)
    assert b"only this" in response.read1()
    left = time.monotonic()
    response.close()
    client.close()
    gone = server.wait_for_disconnect()
    assert gone.request == 0
    assert_soon(gone.time - left, 0.2)


def test_cut_closes_inside_a_chunk_and_reset_resets_the_connection(server, client):
    server.script(text("part"), cut())
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(client).read()
    assert b"part" in caught.value.partial
    client.close()
    server.script(text("part"), gate("read"), reset())
    response = ask(client)
    assert b"part" in response.read1()
    server.open("read")
    with pytest.raises(ConnectionResetError):
        response.read()
    assert server.disconnects == []


def test_dribble_sends_each_piece_in_a_chunk(server):
    server.script(dribble("ä€😀".encode(), 1))
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(
            b"POST /v1beta/models/m:streamGenerateContent?alt=sse HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        )
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            piece = sock.recv(4096)
            assert piece
            received += piece
    assert received.partition(b"\r\n\r\n")[2].count(b"1\r\n") == len("ä€😀".encode())


def test_gzip_is_flushed_after_every_piece_and_works_without_chunks(server, client):
    server.script(text("one"), gate("more"), text("two"), gzip=True, close_delimited=True, content_type="x/y")
    response = ask(client)
    assert (response.getheader("content-encoding"), response.getheader("content-type")) == ("gzip", "x/y")
    unpack = zlib.decompressobj(wbits=31)
    assert b"one" in unpack.decompress(response.read1())
    server.open("more")
    assert b"two" in unpack.decompress(response.read())
    assert unpack.eof


def test_a_status_is_sent_with_its_headers_and_body(server, client):
    server.script(status(429, {"Retry-After": "7"}, {"error": {"code": 429}}))
    response = ask(client)
    assert (response.status, response.getheader("retry-after")) == (429, "7")
    assert json.loads(response.read()) == {"error": {"code": 429}}
    server.script(status(502, body="<h1>Bad gateway</h1>"))
    response = ask(client)
    assert (response.status, response.read()) == (502, b"<h1>Bad gateway</h1>")


@pytest.mark.parametrize(
    ("model", "status", "content"),
    [
        ("quick", 200, b"world"),
        ("blocked", 200, b'"blockReason": "SAFETY"'),
        ("xss", 200, b"javascript:"),
        ("error-mid", 200, b'{\n  "error": {\n    "code": 499'),
        ("thinking", 200, b'"thought": true'),
        ("markdown", 200, b"chlorophyll"),
        ("dribble", 200, "naïve 😀".encode()),
        ("http-503", 503, b"UNAVAILABLE"),
        ("no-such-model", 404, b"models/no-such-model is not found"),
    ],
)
def test_each_named_model_gives_its_answer(client, model, status, content):
    response = ask(client, model)
    assert response.status == status
    assert content in response.read()


def test_requests_for_the_address_in_a_hostile_answer_are_recorded(server, client):
    client.request("GET", "/leak?how=test")
    assert client.getresponse().read().startswith(b"GIF89a")
    assert [leak.query for leak in server.leaks()] == [{"how": "test"}]


def test_the_answers_of_a_model_are_sent_in_order_and_the_last_is_repeated(server, client):
    server.answers("m", Script([text("one")]), Script([text("two")]))
    texts = [values(ask(client).read())[0]["candidates"][0]["content"]["parts"][0]["text"] for _ in range(3)]
    assert texts == ["one", "two", "two"]
    assert len(server.requests_for("m")) == 3
    assert server.requests_for("other") == []


def test_a_flood_has_all_chunks_and_an_endless_answer_ends_when_the_client_disconnects(server, client):
    server.script(flood(1_234, "x"), finish())
    assert len(values(ask(client).read())) == 1_235
    server.script(endless(text("on ")))
    response = ask(client)
    assert response.read(10_000).count(b"on ") > 10
    response.close()
    client.close()
    assert server.wait_for_disconnect().request == 1


def test_bare_bytes_are_sent_without_a_head(server):
    server.script(bare(b"not HTTP"), hang_up())
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(b"POST /v1beta/models/m:streamGenerateContent HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert sock.recv(100, socket.MSG_WAITALL) == b"not HTTP"


def test_cut_sends_its_bytes_before_it_closes(server):
    server.script(cut("ä".encode()[:1]))
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(b"POST /v1beta/models/m:streamGenerateContent HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with sock.makefile("rb") as answer:
            assert answer.read().endswith(b"\r\n\xc3")


def test_an_http_1_0_response_ends_with_the_connection(server, client):
    server.script(text("x"), http10=True)
    response = ask(client)
    assert (response.version, response.getheader("transfer-encoding")) == (10, None)
    assert len(values(response.read())) == 1
