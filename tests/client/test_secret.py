"""A key that a server repeats: found however it is spelt and however it is cut, and nothing else is touched."""

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
def test_it_is_found_as_json_urls_and_html_write_it(spelt):
    assert SECRET.mask(f"a{spelt}b{spelt}".encode()) == b"a<key>b<key>"
    assert SECRET.mask_text(f"\ud800{spelt}é") == "\ud800<key>é"


def test_what_is_like_it_is_left_alone():
    for other in (SIGNS.swapcase(), SIGNS[:-1], SIGNS[1:], SIGNS.replace(".", "x"), ""):
        assert SECRET.mask(other.encode()) == other.encode()
    assert Secret("short").mask(b"a short word") == b"a short word"
    mask = Mask(Secret("short"))
    assert mask.feed(b"sho") == b"sho"


def test_it_is_found_in_pieces_of_any_size():
    words = f"y{SIGNS}ya{SIGNS}{SIGNS[:9]}".encode()
    hidden = b"y<key>ya<key>" + SIGNS[:9].encode()
    for pieces in every_cut(words):
        mask = Mask(SECRET)
        assert b"".join(map(mask.feed, pieces)) + mask.flush() == hidden
        assert mask.flush() == b""


def test_a_piece_that_ends_in_no_beginning_of_it_is_handed_on_at_once():
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


def test_what_is_logged_on_other_threads_is_left_alone(fake_server, caplog):
    caplog.set_level(logging.DEBUG)
    fake_server.script(say("x"), finish(), headers={"X-Echo": CANARY})
    finished(start(fake_server, key=canary()))
    assert CANARY not in caplog.text
    assert "X-Echo" in caplog.text
    logging.getLogger("httpx").debug("the user's own %s", "words")
    assert "the user's own words" in caplog.text
