"""Masking a key that a server repeats: however it is escaped and cut, and nothing else."""

import json
import logging
import urllib.parse

import pytest
from byte_cuts import every_cut
from client_stage import CANARY, canary, finished, start
from fake_server import finish, raw, status
from fake_server import text as say

from gemini_magic.client.secret import Mask, Secret

SIGNS = "ya29.a0-B_c/d+e=f01234567"
SECRET = Secret(SIGNS)


@pytest.mark.parametrize(
    "spelt",
    [
        SIGNS,
        json.dumps(SIGNS).strip('"').replace("/", "\\/"),
        SIGNS.replace("=", "\\u003d").replace("-", "\\u002D"),
        urllib.parse.quote(SIGNS, safe=""),
        SIGNS.replace("+", "&#43;").replace("/", "&#x2F;"),
    ],
)
def test_a_key_is_masked_as_json_urls_and_html_escape_it(spelt):
    assert SECRET.mask(f"a{spelt}b{spelt}".encode()) == b"a<key>b<key>"
    assert SECRET.mask_text(f"\ud800{spelt}é") == "\ud800<key>é"


def test_similar_text_and_short_keys_are_not_masked():
    for other in (SIGNS.swapcase(), SIGNS[:-1], SIGNS[1:], SIGNS.replace(".", "x"), ""):
        assert SECRET.mask(other.encode()) == other.encode()
    assert Secret("short").mask(b"a short word") == b"a short word"
    mask = Mask(Secret("short"))
    assert mask.feed(b"sho") == b"sho"


def test_a_key_is_masked_in_pieces_of_any_size():
    text = f"y{SIGNS}ya{SIGNS}{SIGNS[:9]}".encode()
    hidden = b"y<key>ya<key>" + SIGNS[:9].encode()
    for pieces in every_cut(text):
        mask = Mask(SECRET)
        assert b"".join(map(mask.feed, pieces)) + mask.flush() == hidden
        assert mask.flush() == b""


def test_only_a_possible_beginning_of_the_key_is_held_back():
    mask = Mask(SECRET)
    assert mask.feed(b'data: {"text": "holiday"}\n\n') == b'data: {"text": "holiday"}\n\n'
    assert mask.feed(b"holiday") == b"holida"
    assert mask.feed(b".") == b"y."


def test_the_beginning_of_a_key_at_the_end_of_a_body_is_kept(fake_server):
    chunk = b'data: {"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}\n\n'
    fake_server.script(raw(chunk), raw(b": " + CANARY[:9].encode()))
    ledger = finished(start(fake_server, key=canary()))
    kept = b"".join(piece for _, piece in ledger.exchanges[0].pieces)
    assert kept == chunk + b": " + CANARY[:9].encode()
    fake_server.script(status(400, body=f"Your key begins with {CANARY[:9]}"))
    assert finished(start(fake_server, key=canary())).error.message.endswith(CANARY[:9])


def test_log_records_are_masked_and_those_of_other_threads_are_not_changed(fake_server, caplog, monkeypatch):
    monkeypatch.setenv("http_proxy", fake_server.base_url)  # only requests through a proxy are logged
    caplog.set_level(logging.DEBUG)
    fake_server.script(say("x"), finish(), headers={"X-Echo": CANARY})
    finished(start("http://somewhere.invalid", key=canary()))
    assert CANARY not in caplog.text
    assert "X-Echo" in caplog.text
    logging.getLogger("httpx").debug("the user's own %s", "message")
    assert "the user's own message" in caplog.text
