"""What an answer cost: each token once, nothing guessed, nothing raised."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import genai_prices
import pytest
from heard import GOOGLE, counts, heard, said

from gemini_magic import prices
from gemini_magic.events import Usage

# Prices of the table, in dollars for a million tokens: input, cached, output.
FLASH = (0.3, 0.03, 2.5)  # gemini-2.5-flash
WHEN = datetime(2026, 11, 1, tzinfo=UTC)
FULL = Usage(prompt=1000, cached=100, output=500, thoughts=200, tool=50, total=1750)


def priced(model="gemini-2.5-flash", usage=FULL, **more):
    return prices.listed_cost(model, usage, at=WHEN, **more)


def test_cached_and_thinking_tokens_are_counted_once():
    cost = priced()
    fresh, cached, output = FLASH
    assert cost.input == pytest.approx(900 * fresh / 1e6)
    assert cost.cached == pytest.approx(100 * cached / 1e6)
    assert cost.output == pytest.approx(500 * output / 1e6)
    assert cost.thinking == pytest.approx(200 * output / 1e6)
    assert cost.tool == pytest.approx(50 * fresh / 1e6)
    assert cost.amount == pytest.approx(sum((cost.input, cost.cached, cost.output, cost.thinking, cost.tool)))
    assert (cost.currency, cost.source, cost.tier) == ("USD", "genai-prices", "standard")
    assert cost.version
    assert str(cost) == "$0.002038"


@pytest.mark.parametrize("name", ["models/gemini-2.5-flash", "gemini-2.5-flash-001"])
def test_a_model_is_known_by_its_other_names(name):
    assert priced(name) == priced()


def test_a_long_prompt_has_its_price_in_every_share():
    short = priced("gemini-2.5-pro", Usage(1000, 100, 50, 20, None, 1070))
    long = priced("gemini-2.5-pro", Usage(300_000, 100, 50, 20, None, 300_070))
    assert long.input / 299_900 == pytest.approx(2 * short.input / 900)
    assert long.cached == pytest.approx(2 * short.cached)
    assert long.thinking == pytest.approx(1.5 * short.thinking)
    assert long.amount == pytest.approx(sum((long.input, long.cached, long.output, long.thinking)))


def test_modalities_have_prices_of_their_own():
    heardly = priced(details={("prompt", "TEXT"): 700, ("prompt", "AUDIO"): 300, ("cached", "TEXT"): 100})
    assert heardly.amount > priced().amount
    drawn = priced(
        "gemini-3.1-flash-image-preview",
        Usage(10, None, 1300, None, None, 1310),
        details={("output", "IMAGE"): 1290},
    )
    assert drawn.output > 0.07
    # how much of what came from the cache is audio is not known, so neither is the price
    assert priced(details={("prompt", "AUDIO"): 300}) is None


@pytest.mark.parametrize("tier", ["standard", "STANDARD", "default", "ON_DEMAND", None])
def test_the_standard_tier_has_many_names(tier):
    assert priced(tier=tier) == priced()


@pytest.mark.parametrize("tier", ["flex", "priority", "PROVISIONED_THROUGHPUT", "ON_DEMAND_FLEX", "new"])
def test_a_tier_without_a_known_price_has_none(tier):
    assert priced(tier=tier) is None


def test_a_tier_with_a_price_gets_it():
    usage = Usage(1000, None, 500, None, None, 1500)
    cheap = priced("gemini-3.8-flash-tts", usage, tier="flex")
    plain, dear = (
        priced("gemini-3.8-flash-tts", usage),
        priced("gemini-3.8-flash-tts", usage, tier="priority"),
    )
    assert cheap.amount < plain.amount < dear.amount
    assert (cheap.tier, dear.tier) == ("flex", "priority")
    assert priced("gemini-3.8-flash-tts", usage, tier="ON_DEMAND_PRIORITY").amount == dear.amount


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("gemini-0-none", FULL),
        ("", FULL),
        (None, FULL),
        ("gemini-2.5-flash", Usage()),
        ("gemini-2.5-flash", Usage(5)),
    ],
)
def test_what_is_not_known_costs_none_and_not_nothing(model, usage):
    assert priced(model, usage) is None


def test_a_table_that_fails_is_no_error(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no table")

    monkeypatch.setattr(genai_prices, "calc_price", broken)
    assert priced() is None


def test_without_the_table_there_is_no_cost(monkeypatch):
    monkeypatch.setattr(prices, "find_spec", lambda _: None)
    assert priced() is None


# ------------------------------------------------------------------------------ of a response

USED = counts(1000, 500, thoughtsTokenCount=200, cachedContentTokenCount=100)


def test_a_response_is_priced_by_the_model_that_answered():
    r = heard(said("a", finish="STOP", usage=USED, modelVersion="gemini-2.5-pro"))
    assert r.cost.model == "gemini-2.5-pro"
    assert heard(said("a", finish="STOP", usage=USED)).cost.model == "gemini-2.5-flash"  # as the URL asks
    assert heard(said("a", finish="STOP", usage=USED | {"serviceTier": "flex"})).cost is None


def test_an_answer_of_another_server_has_no_list_price():
    assert (
        heard(said("a", finish="STOP", usage=USED), url=GOOGLE.replace("googleapis.com", "example.org")).cost
        is None
    )
    assert (
        heard(
            said("a", finish="STOP", usage=USED),
            url=GOOGLE.replace("https://generativelanguage.", "https://evil"),
        ).cost
        is None
    )
    assert heard(said("a", finish="STOP")).cost is None


@pytest.mark.parametrize(
    ("sent", "amount", "currency"),
    [
        ({"input": 0.1, "output": 0.2, "total": 0.3}, 0.3, "USD"),
        ({"input": 0.1, "output": 0.2, "currency": "eur"}, pytest.approx(0.3), "EUR"),
        ({"total": "0.25"}, 0.25, "USD"),
        (0.5, 0.5, "USD"),
        ({"total": 0}, 0.0, "USD"),
    ],
)
def test_a_gateways_own_cost_is_taken(sent, amount, currency):
    last = {"final": True, "usage": {"input_tokens": 5, "output_tokens": 5, "total_tokens": 10}, "cost": sent}
    cost = heard({"type": "text", "name": "output", "content": "a", "index": 0}, last, dialect="gateway").cost
    assert (cost.amount, cost.currency, cost.source, cost.version) == (amount, currency, "gateway", None)


@pytest.mark.parametrize(
    "sent", ["free", {"total": None}, {"total": -1}, True, {"total": "nan"}, 10**400, {"input": 1}]
)
def test_a_gateways_cost_that_is_none_is_none(sent):
    assert prices.gateway_cost(sent) is None


def test_the_table_is_not_imported_until_a_cost_is_asked_for():
    code = (
        "import sys, gemini_magic\n"
        "r = gemini_magic.ask('hi', backend='echo', keep=0)\n"
        "assert r.cost is None and 'genai_prices' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
