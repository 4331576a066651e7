"""The cost of an answer, where it is known."""

from __future__ import annotations

import copy
import json
import sys
from datetime import UTC, datetime

import pytest
from fake_server import event, finish, text

import gemini_magic
from gemini_magic.backends.gemini_usage import price_data
from gemini_magic.config import resolve
from gemini_magic.errors import OptionError
from gemini_magic.events import Usage
from gemini_magic.prices import Cost, TokenPrice, list_price, reported_cost

WHEN = datetime(2026, 6, 1, tzinfo=UTC)
MILLION = 1_000_000


def price(usage, model="gemini-2.5-flash", metadata=None, **more):
    raw = json.dumps({"usageMetadata": metadata or {}}).encode()
    reported = price_data(model or "", usage or Usage(), raw)
    return list_price(usage, model, reported=reported, **{"provider": "google", "when": WHEN, **more})


def test_each_kind_of_token_is_counted_once():
    plain = price(Usage(MILLION, None, MILLION, None, None, 2 * MILLION))
    assert plain.amount == pytest.approx(plain.input + plain.output)
    assert plain.currency == "USD"
    assert plain.source == "genai-prices"
    assert plain.version
    thinking = price(Usage(MILLION, None, MILLION // 2, MILLION // 2, None, 2 * MILLION))
    assert thinking.output == pytest.approx(plain.output)
    cached = price(Usage(MILLION, MILLION, MILLION, None, None, 2 * MILLION))
    assert 0 < cached.input < plain.input / 2  # what is cached is part of the prompt, and cheaper
    tools = price(Usage(MILLION, None, MILLION, None, MILLION, 3 * MILLION))
    assert tools.input == pytest.approx(2 * plain.input)


def test_audio_tokens_have_their_own_price():
    usage = Usage(MILLION, None, 1, None, None, MILLION + 1)
    audio = {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": MILLION}]}
    assert price(usage, metadata=audio).input > 2 * price(usage).input


@pytest.mark.parametrize(
    ("usage", "model", "more"),
    [
        (None, "gemini-2.5-flash", {}),
        (Usage(), "gemini-2.5-flash", {}),
        (Usage(output=3), "gemini-2.5-flash", {}),
        (Usage(3), "gemini-2.5-flash", {}),
        (Usage(0, None, 0, None, None, 0), "gemini-2.5-flash", {}),
        (Usage(1, None, 1), "an-unknown-model", {}),
        (Usage(1, None, 1), None, {}),
        (Usage(1, None, 1), "", {}),
        (Usage(-1, None, 1), "gemini-2.5-flash", {}),
        (Usage(1, None, 1), "gemini-2.5-flash", {"provider": None}),
        (Usage(1, None, 1), "gemini-2.5-flash", {"provider": "an-unknown-provider"}),
        (Usage(1, None, 1), "gemini-2.5-flash", {"tier": "an-unknown-tier"}),
        (Usage(1, None, 1), "gemini-2.5-flash", {"metadata": {"promptTokensDetails": "odd"}}),
    ],
)
def test_an_unknown_cost_is_none_and_never_zero(usage, model, more):
    found = price(usage, model, **more)
    assert found is None or found.amount > 0


def test_a_tier_has_its_listed_price():
    usage = Usage(MILLION, None, MILLION)
    standard = price(usage, "gemini-2.5-flash")
    assert price(usage, "gemini-2.5-flash", tier="standard") == standard
    later = datetime(
        2026, 11, 30, tzinfo=UTC
    )  # the table has a price from October on, and half of the standard one before
    for when in (WHEN, later):
        batch = price(usage, "gemini-2.5-flash", tier="batch", when=when)
        assert batch.amount == pytest.approx(standard.amount / 2)
    assert price(usage, "gemini-2.5-flash", tier="priority") is None


@pytest.mark.parametrize("tier", ["FLEX", "batch"])
def test_a_tier_without_a_listed_price_costs_half_except_for_cached_tokens(tier):
    usage = Usage(MILLION, None, MILLION)
    standard = price(usage, "gemini-3.5-flash")
    half = price(usage, "gemini-3.5-flash", tier=tier)
    assert (half.input, half.output) == pytest.approx((standard.input / 2, standard.output / 2))
    assert half.amount == pytest.approx(standard.amount / 2)
    usage = Usage(MILLION, MILLION, MILLION)
    standard = price(usage, "gemini-3.5-flash")
    half = price(usage, "gemini-3.5-flash", tier=tier)
    assert half.input == pytest.approx(standard.input)
    assert half.output == pytest.approx(standard.output / 2)


def test_without_genai_prices_the_cost_is_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert price(Usage(1, None, 1)) is None


@pytest.mark.parametrize("broken", [ValueError, MemoryError, AttributeError])
def test_a_failure_of_genai_prices_makes_the_cost_unknown(monkeypatch, broken):
    class Table:
        @staticmethod
        def extract_usage(*_, **__):
            raise broken("table")

    monkeypatch.setitem(sys.modules, "genai_prices", Table)
    assert price(Usage(1, None, 1)) is None


@pytest.mark.parametrize(
    ("value", "amount"),
    [(0.0042, 0.0042), ("0.5", 0.5), ({"total": 1, "input": 0.25}, 1.0), (0, None), (None, None)]
    + [
        (value, None) for value in (True, "free", [], {}, {"total": None}, float("nan"), -1, "1e999", 10**400)
    ],
)
def test_a_cost_that_a_gateway_reports(value, amount):
    found = reported_cost(value, source="gateway", model="m")
    assert (found and found.amount) == amount


def test_a_cost_prints_as_dollars():
    shown = [
        str(Cost(amount, "USD", None, None, "s", None, None)) for amount in (12.5, 1, 0.0123456, 0.00000042)
    ]
    assert shown == ["$12.50", "$1.00", "$0.0123", "$0.000000420"]


USAGE = {"promptTokenCount": MILLION, "candidatesTokenCount": 10, "totalTokenCount": MILLION + 10}
LAST = event({"usageMetadata": USAGE, "modelVersion": "gemini-2.5-flash"})


@pytest.fixture
def ask(fake_server, monkeypatch):
    monkeypatch.setenv("FAKE", "k" * 20)

    def ask(*steps, **options):
        fake_server.model("m", text("a"), finish(), *steps)
        return gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, key_env="FAKE", **options)

    return ask


def at(response, url):
    """The response as if it had come from another URL."""
    copied = copy.copy(response)
    copied.ledger.exchanges[-1].url = url
    return copied


def test_a_response_has_its_list_price_unless_the_gateway_reports_one(ask):
    url = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent"
    r = at(ask(LAST), url)
    assert r.cost == price(r.usage, when=r.started)
    assert r.cost.model == "gemini-2.5-flash"
    assert at(ask(LAST, event({"serviceTier": "unheard-of"})), url).cost is None
    assert gemini_magic.ask("hi", backend="echo").cost is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1beta/x", "https://example.org/x", "https://googleapis.com.example.org/x"]
)
def test_list_prices_do_not_apply_to_another_server(ask, url):
    assert at(ask(LAST), url).cost is None


def test_the_cost_by_the_prices_of_the_user(ask):
    r = ask(LAST, price="0.5, 20")
    assert r.cost == Cost(
        0.5 + 10 * 20 / MILLION, "USD", 0.5, 10 * 20 / MILLION, "--price", None, "gemini-2.5-flash"
    )
    assert copy.copy(r).cost == r.cost
    assert TokenPrice(1, 1).cost(Usage(), "m") is None
    assert TokenPrice(1, 2).cost(Usage(MILLION, None, MILLION), "m", "flex").amount == 1.5
    thinking = TokenPrice(1, 10).cost(
        Usage(MILLION, MILLION // 2, MILLION, MILLION, MILLION, 4 * MILLION), "m"
    )
    assert (thinking.input, thinking.output) == (2.0, 20.0)


@pytest.mark.parametrize("value", ["1", "1,2,3", "a,b", "1;2", "-1,2", "nan,1", ","])
def test_prices_that_are_not_two_numbers_are_refused_before_anything_is_sent(ask, fake_server, value):
    with pytest.raises(OptionError, match=r"--price .* is not two prices\."):
        ask(price=value)
    assert not fake_server.requests


def test_a_configured_price_does_not_apply_to_a_server_that_the_call_names():
    own = {"base_url": "https://one.example", "price": "1,2"}
    assert resolve({}, own)[0].price == "1,2"
    assert resolve({"model": "m"}, own)[0].price == "1,2"
    options, sources = resolve({"base_url": "https://two.example"}, own)
    assert options.price is None
    assert "withheld" in sources["price"]
    assert resolve({"base_url": "https://two.example", "price": "3,4"}, own)[0].price == "3,4"
