"""Addresses are split as httpx splits them; a plain one is split without importing httpx."""

import subprocess
import sys
from itertools import product

import httpx
import pytest

from gemini_magic.client import address
from gemini_magic.client.address import address_of
from gemini_magic.client.transport_errors import InvalidURL

SCHEMES = ["http", "https", "HTTP", "ftp"]
HOSTS = [
    "a.example",
    "generativelanguage.googleapis.com",
    "us-east1-x.example",
    "a",
    "A.Example",
    "a_b",
    "a.",
    "a..b",
    "127.0.0.1",
    "127.0.0.01",
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    "1a",
    "1.2.3.4a",
    "[::1]",
    "u:p@a.example",
    "a.example@b",
    "bücher.example",
    "-a",
    "a%2eb",
    "xn--bcher-kva.example",
    "",
]
PORTS = ["", ":", ":0", ":80", ":443", ":0443", ":8080", ":99999", ":123456", ":x"]
TARGETS = [
    "/",
    "/v1beta/models/m:stream?alt=sse",
    "/a//b?x=1,2&y=a+b",
    "/a/./b",
    "/a/../b",
    "/.a",
    "/a.",
    "/a%20b",
    "/a%zz",
    "/ä",
    "/a?b?c",
    "/a?ä",
    "/a#b",
    "/a?",
    "?",
    "?x=1",
    "/a?x=%2F&y=[]",
    "/a;b",
    "/a'b",
    "/a\\b",
    "/a|b",
    "/~a_b@c=d",
    "//b",
    "/a?x=../.",
    "",
    "/a b",
    "/a\n",
    "/a\x00",
    "/a?x=1\n",
]


def expected(url):
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        return str(error)
    if not parsed.host:
        parsed = httpx.URL("")
    return (
        parsed.scheme,
        parsed.raw_host.decode("ascii"),
        parsed.port,
        parsed.netloc,
        parsed.raw_path,
    )


def found(url):
    try:
        return tuple(address_of(url))
    except (InvalidURL, UnicodeError) as error:
        return str(error)


def test_an_address_is_split_as_httpx_splits_it():
    some = [
        *product(SCHEMES, HOSTS, PORTS, ["/v1:a?b=c"]),
        *product(["http"], ["a.example", "1.2.3.4"], ["", ":81"], TARGETS),
    ]
    urls = [f"{scheme}://{host}{port}{target}" for scheme, host, port, target in some]
    urls += ["", "a", "/a", "http:", "http:/a", "http:a", " http://a/", "http://a/ "]
    assert {url: found(url) for url in urls} == {url: expected(url) for url in urls}


@pytest.mark.parametrize(
    "url",
    [
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p-1/locations/us-central1/publishers/google/models/m:x",
        "http://127.0.0.1:8080/v1/chat/completions",
        "http://localhost:8080/v1beta/interactions/v1_abc?stream=true&last_event_id=x",
    ],
)
def test_the_address_of_a_usual_request_is_plain(url):
    assert address._PLAIN.fullmatch(url)


def test_a_long_address_is_refused_in_linear_time():
    for piece in ("a.", "1.", "/", "/a", "a-"):
        assert not address._PLAIN.fullmatch("http://" + piece * 50_000 + "\n")


def test_a_plain_address_needs_no_httpx():
    code = "import sys; from gemini_magic.client import address, transport; address.address_of('https://a.example/b'); print('httpx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
