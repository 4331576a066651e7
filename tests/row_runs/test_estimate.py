"""What rows would cost in each tier: counted rows, assumed answers, and prices; nothing is asked."""

from __future__ import annotations

from itertools import pairwise

import pytest
from batch_server import BatchServer
from batch_stage import asked, wanted

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.errors import OptionError
from gemini_magic.options import Options
from gemini_magic.row_runs.estimate import EvenSample, prompt_tokens, tier_prices

ROWS = [{"id": n, "text": "word " * (n + 1)} for n in range(50)]
PROMPT = "{{ row.text }}"
GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("FAKE", "k" * 20)
    with BatchServer() as server:
        server.count_of = lambda text: 10 + len(text)
        yield server


@pytest.fixture
def dry(server):
    def dry(data=ROWS, **more):
        given = {
            "id": "id",
            "model": "gemini-2.5-flash",
            "base_url": server.base_url,
            "key_env": "FAKE",
            **more,
        }
        return gemini_magic.rows(PROMPT, data, dry_run=True, **given)

    return dry


def amounts(preview):
    return {each.tier: each.amount for each in preview.prices}


@pytest.mark.parametrize("count", [0, 1, 5, 20, 21, 39, 40, 41, 1000, 12345])
def test_a_sample_is_spread_evenly(count):
    sample = EvenSample(20)
    for position in range(count):
        sample.add(wanted(position, "x"))
    chosen = [row.position for row in sample.chosen]
    assert len(chosen) == min(count, 20)
    assert sample.rows == sample.size == count
    if count > 40:
        gaps = [after - before for before, after in pairwise(chosen)]
        assert max(gaps) <= 2 * count / 20
        assert chosen[-1] >= 0.8 * count


def test_twenty_rows_are_counted_and_give_the_tokens_of_all(dry, server):
    preview = dry()
    kinds = server.kinds()
    assert kinds == ["count"] * 20
    assert preview.tokens == sum(10 + len(row["text"]) for row in ROWS)
    assert any("counted the tokens of 20 of 50 rows" in text for text in preview.notices)


def test_standard_flex_and_batch_are_priced(dry):
    preview = dry(price="1,10", max_tokens=100)
    prices = amounts(preview)
    standard = (preview.tokens * 1 + 50 * 100 * 10) / 1e6
    assert prices == pytest.approx({"standard": standard, "flex": standard / 2, "batch": standard / 2})
    assert any("100 tokens with thinking (max_tokens)" in text for text in preview.notices)
    assert "batch: about $" in repr(preview)


def test_priority_is_priced_if_it_is_requested(dry):
    assert "priority" in amounts(dry(price="1,1", service_tier="priority"))


def test_answers_are_assumed_as_in_the_store(dry, server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    given = {
        "store": store,
        "id": "id",
        "base_url": server.base_url,
        "key_env": "FAKE",
        "model": "gemini-2.5-flash",
    }
    gemini_magic.rows(PROMPT, ROWS[:4], show=False, **given)
    preview = dry(store=store, price="0,1")
    assert preview.asked == 46
    (sentence,) = [text for text in preview.notices if "average" in text]
    assert "the average of 4 answers in the store" in sentence
    assert amounts(preview)["standard"] > 0


def test_without_a_key_the_tokens_are_estimated_and_the_prices_known(monkeypatch):
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    preview = gemini_magic.rows(PROMPT, ROWS, id="id", dry_run=True, model="gemini-2.5-flash")
    assert preview.tokens > 0
    assert set(amounts(preview)) == {"standard", "flex", "batch"}
    assert any("estimated from their bytes, because no key was found" in text for text in preview.notices)
    assert any("is a guess" in text for text in preview.notices)


def test_a_failed_count_is_an_estimate(dry, server):
    server.fail("count", status=403, message="No.")
    preview = dry()
    assert any("counting failed: 403 PERMISSION_DENIED: No" in text for text in preview.notices)
    assert server.kinds() == ["count"]


def test_an_unknown_price_is_said(dry):
    preview = dry(model="my-own-model")
    assert preview.prices == ()
    assert any("No price is known for my-own-model" in text for text in preview.notices)


def test_list_prices_are_not_those_of_another_host(dry, server):
    preview = dry()
    assert preview.prices == ()
    host = server.base_url.removeprefix("http://")
    assert any(f"No price is known for gemini-2.5-flash at {host}" in text for text in preview.notices)


def test_stale_rows_are_listed_with_what_has_changed(dry, server, tmp_path):
    given = {"store": tmp_path / "t.rows.sqlite"}
    own = {"id": "id", "base_url": server.base_url, "key_env": "FAKE", "model": "gemini-2.5-flash"}
    gemini_magic.rows(PROMPT, ROWS[:4], show=False, **given, **own)
    for stale in ("again", "keep", "stop"):
        preview = dry(stale=stale, temperature=0.2, **given)
        (sentence,) = [text for text in preview.notices if "to another request" in text]
        assert sentence == "4 rows have answers to another request. temperature: None -> 0.2."
    assert not any("to another request" in text for text in dry(**given).notices)


def test_rows_whose_prompt_cannot_be_made_are_listed():
    failing = gemini_magic.rows(
        "{{ row.text[0] }}",
        [{"id": 1, "text": "a"}, {"id": 2, "text": 7}],
        id="id",
        dry_run=True,
        backend="echo",
    )
    assert failing.asked == 1
    assert any("cannot be made are skipped. The first: Row 2: " in text for text in failing.notices)


def test_a_backend_without_batch_jobs_has_no_price_for_them():
    options = Options(model="gemini-2.5-flash", price="1,1", project="p", backend="vertex")
    found = tier_prices(backend("vertex"), asked("x"), options, 1e6, 0)
    assert [each.tier for each in found] == ["standard", "flex"]
    with pytest.raises(OptionError, match="no batch jobs"):
        gemini_magic.rows(PROMPT, ROWS, id="id", dry_run=True, backend="vertex", service_tier="batch")


def test_equal_rows_are_counted_without_a_fit():
    sample = EvenSample()
    for position in range(3):
        sample.add(wanted(position, "x"))
    dialect = backend("echo")
    found = prompt_tokens(sample, asked("x"), dialect, Options(backend="echo"))
    assert found.counted == 0
    assert "does not count" in found.sentence


def test_a_dry_run_of_the_batch_tier_sends_no_job_and_needs_no_store(dry, server):
    preview = dry(service_tier="batch", price="1,1")
    assert "batch" in amounts(preview)
    assert set(server.kinds()) == {"count"}
