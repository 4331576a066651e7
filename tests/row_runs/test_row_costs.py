"""Tests of `gemini_magic.row_runs.row_costs`: computed costs equal those that are looked up."""

import json

import pytest

from gemini_magic.answer_cost import answer_cost
from gemini_magic.backends import backend
from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger import Exchange, Ledger
from gemini_magic.prices import Cost
from gemini_magic.row_runs import row_costs
from gemini_magic.row_runs.row_costs import RowCosts

pytest.importorskip("genai_prices")


def answered(prompt=20, output=30, model="gemini-2.5-flash", *, deferred=True, **counts):
    """The ledger of an answer of text."""
    request = Request(model=model, turns=(Turn("user", (Text("hi"),)),))
    ledger = Ledger(request, backend="gemini", deferred=deferred)
    url = f"https://generativelanguage.googleapis.com/v1beta/models/{model}:streamGenerateContent"
    ledger.begin(Exchange("POST", url, (), b""))
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "totalTokenCount": prompt + output,
        **counts,
    }
    value = {
        "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": model,
    }
    raw = json.dumps(value).encode()
    ledger.add(raw, 0.1, backend("gemini").decoder()(raw))
    ledger.close("end", t=0.2)
    return ledger


def test_costs_of_text_are_computed_after_three_answers(monkeypatch):
    costs = RowCosts()
    looked_up = []
    monkeypatch.setattr(row_costs, "answer_cost", lambda ledger: looked_up.append(1) or answer_cost(ledger))
    for number in range(1, 20):
        ledger = answered(prompt=10 * number, output=7 * number, thoughtsTokenCount=number)
        assert costs.cost(ledger) == pytest.approx(answer_cost(ledger).amount, rel=1e-12)
    assert len(looked_up) == 3


@pytest.mark.parametrize(
    "counts",
    [
        {"cachedContentTokenCount": 5},
        {"toolUsePromptTokenCount": 9},
        {"prompt": 250_000},
        {"model": "gemini-2.5-pro"},
    ],
)
def test_other_answers_are_looked_up(counts):
    costs = RowCosts()
    for _ in range(5):
        costs.cost(answered())
    ledger = answered(**counts)
    assert costs.cost(ledger) == answer_cost(ledger).amount


def test_an_answer_without_a_known_price_costs_nothing_to_look_up(monkeypatch):
    costs = RowCosts()
    looked_up = []
    monkeypatch.setattr(row_costs, "answer_cost", lambda ledger: looked_up.append(1) or answer_cost(ledger))
    assert [costs.cost(answered(model="own-model")) for _ in range(9)] == [None] * 9
    assert len(looked_up) == 3


def test_prices_that_do_not_agree_are_always_looked_up(monkeypatch):
    amounts = iter(range(1, 20))

    def price(ledger):
        amount = float(next(amounts))
        return Cost(amount, "USD", amount / 2, amount / 2, "x", None, None)

    monkeypatch.setattr(row_costs, "answer_cost", price)
    costs = RowCosts()
    assert [costs.cost(answered()) for _ in range(9)] == [float(number) for number in range(1, 10)]


def test_a_deferred_ledger_shows_the_same_tables():
    plain, deferred = answered(deferred=False), answered()
    for name in ("t", "json", "text", "total_tokens"):
        assert list(plain.chunk_columns.stored(name, 1)) == list(deferred.chunk_columns.stored(name, 1))
    assert [chunk.raw for chunk in plain.raw] == [chunk.raw for chunk in deferred.raw]
    assert list(plain.events) == list(deferred.events)
