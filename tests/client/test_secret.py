"""Masking a key that a server repeats: however it is escaped and cut, and nothing else."""

import json
import logging
import re
import time
import urllib.parse

import pytest
from byte_cuts import every_cut
from client_stage import CANARY, canary, finished, start
from fake_server import finish, raw, status
from fake_server import text as say

from gemini_magic.client.secret import Mask, Secret
from gemini_magic.recording import Recorder
from gemini_magic.views.record import record

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


def body_with_texts(*texts, more=b""):
    """Server-sent events of Gemini, one for each text, with other members before and after the text."""
    return b"".join(
        b'data: {"modelVersion":"AIm","candidates":[{"content":{"parts":[{"text":%b}],"role":"model"},"index":0}]%b}\r\n\r\n'
        % (json.dumps(text).encode(), more)
        for text in texts
    )


def texts_of(data):
    return "".join(json.loads(each) for each in re.findall(rb'"text":("(?:[^"\\\\]|\\\\.)*")', data))


KEY = "AIzaSyA-secret_0123456789abcdefghijklmn"
SPLITS = {
    "two": [KEY[:20], KEY[20:]],
    "two inside other text": ["The key is " + KEY[:20], KEY[20:] + ", as sent"],
    "single characters": list(KEY),
    "pairs": [KEY[at : at + 2] for at in range(0, len(KEY), 2)],
    "an empty text between": [KEY[:9], "", KEY[9:11], "", KEY[11:]],
    "a long beginning": [KEY[:-1], KEY[-1:]],
    "a short beginning": [KEY[:1], KEY[1:]],
    "twice": ["x" + KEY[:7], KEY[7:] + KEY[:30], KEY[30:] + "y"],
    "a false beginning": ["AIza", "AIzaSy", KEY[6:]],
}


def fed(pieces, key=KEY):
    mask = Mask(Secret(key))
    return b"".join(map(mask.feed, pieces)) + mask.flush()


@pytest.mark.parametrize("case", SPLITS)
def test_a_key_is_masked_that_is_spread_over_the_texts_of_several_events(case):
    whole = "".join(SPLITS[case])
    body = body_with_texts(*SPLITS[case])
    by_event = [each + b"\r\n\r\n" for each in body.split(b"\r\n\r\n")[:-1]]
    for pieces in ([body], by_event, [bytes([each]) for each in body], *every_cut(body)):
        found = texts_of(fed(pieces))
        assert KEY not in found
        assert KEY[6:] not in found
        hidden = found.replace("<key>", "")
        assert len(hidden) <= len(whole.replace(KEY, "")) + 4 * whole.count(KEY)
        assert found.count("<key>") == whole.count(KEY)


@pytest.mark.parametrize(
    "texts",
    [
        [KEY[:20], "other"],
        ["A", "B"],
        ["AI", "za", "x"],
        ["AIzaSy", ""],
        [KEY[:30]],
        ["AIza", KEY[5:]],
        ['"A"', '\\"AI"'],
    ],
)
def test_texts_that_only_begin_like_a_key_are_unchanged(texts):
    body = body_with_texts(*texts)
    for pieces in ([body], *every_cut(body)):
        assert fed(pieces) == body


def test_an_event_is_passed_on_at_once_unless_it_ends_with_the_beginning_of_the_key():
    mask = Mask(Secret(KEY))
    for text in ("Hello", "A", " AIza", "no"):
        event = body_with_texts(text)
        assert mask.feed(event) == event
    held = mask.feed(body_with_texts(KEY[:10]))
    assert KEY[:10].encode() not in held
    assert held + mask.feed(body_with_texts("x")) == body_with_texts(KEY[:10], "x")


def test_masking_texts_takes_linear_time():
    def seconds(count):
        pieces = [body_with_texts(KEY[: n % 39]) for n in range(count)]
        begun = time.process_time()
        fed(pieces)
        fed([b"".join(pieces)])
        return time.process_time() - begun

    small = min(seconds(1000) for _ in range(3))
    assert min(seconds(2000) for _ in range(3)) < 3 * small + 0.05


def test_a_key_in_two_events_reaches_neither_text_nor_record_nor_recording(fake_server, tmp_path):
    half = len(CANARY) // 2
    path = tmp_path / "run.jsonl"
    fake_server.script(say(f"key {CANARY[:half]}"), say(f"{CANARY[half:]} end"), finish())
    ledger = finished(start(fake_server, "hi", recorders=[Recorder(path)], key=canary()))
    assert "".join(ledger.answer) == "key <key> end"
    saved = json.dumps(record(ledger)) + path.read_text()
    assert CANARY[half:] not in saved
    assert CANARY[:half] not in saved
