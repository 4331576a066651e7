"""Runs in the batch tier from end to end: `rows(…, service_tier="batch")`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from batch_server import BatchServer

import gemini_magic
from gemini_magic.api import resolved_options
from gemini_magic.errors import GeminiMagicError, OptionError, StoreError
from gemini_magic.row_runs import RowArguments, batch, batch_pack, start_rows
from gemini_magic.row_runs.run import RowRun

ROWS = [{"id": f"T-{n}", "text": f"text {n}"} for n in range(5)]
PROMPT = "{{ row.text }}"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(batch, "_FIRST_LOOK", 0.01)
    monkeypatch.setattr(batch, "_SETTLE", 0.2)
    monkeypatch.setenv("FAKE", "k" * 20)
    with BatchServer() as server:
        yield server


@pytest.fixture
def ask(server, tmp_path):
    def ask(data=ROWS, **more):
        given = {
            "id": "id",
            "store": tmp_path / "t.rows.sqlite",
            "model": "gemini-2.5-flash",
            "base_url": server.base_url,
            "key_env": "FAKE",
            "service_tier": "batch",
            "price": "1,1",
            "show": False,
            **more,
        }
        return gemini_magic.rows(PROMPT, data, **given)

    return ask


@pytest.fixture
def begin(server, tmp_path):
    """Starts a run and returns at once."""

    def begin(data=ROWS, **more):
        options = {
            "model": "gemini-2.5-flash",
            "base_url": server.base_url,
            "key_env": "FAKE",
            "service_tier": "batch",
            **more,
        }
        arguments = RowArguments(id="id", store=tmp_path / "t.rows.sqlite")
        resolved, sources = resolved_options(options)
        return start_rows(PROMPT, data, arguments, resolved, sources=sources)

    return begin


def texts(run: RowRun):
    return [(row.status, row.text) for rows in run.results() for row in rows]


DONE = [("complete", f"TEXT {n}") for n in range(5)]


def wait_for_job(server, run):
    """Wait until a job was looked at."""
    for _ in range(2000):
        if any(job.looks for job in server.jobs.values()):
            return
        run.wait(0.01)
    raise AssertionError("no job was created")


def test_all_rows_are_one_job_at_half_the_price(ask, server):
    run = ask()
    assert texts(run) == DONE
    assert run.progress.state == "complete"
    assert run.progress.counts == {"complete": 5}
    assert run.progress.cost == pytest.approx(5 * 14 / 2 / 1e6)
    assert (server.created, server.paid) == (1, 5)
    assert not any(request.what == "generate" for request in server.requests)


def test_a_second_run_sends_nothing_and_new_rows_are_a_new_job(ask, server):
    ask()
    before = len(server.requests)
    assert texts(ask()) == DONE
    assert len(server.requests) == before
    run = ask([*ROWS, {"id": "T-9", "text": "new"}])
    assert texts(run)[-1] == ("complete", "NEW")
    assert [len(job.rows) for job in server.jobs.values()] == [5, 1]


def test_equal_rows_are_asked_once(ask, server):
    run = ask([{"id": 1, "text": "same"}, {"id": 2, "text": "same"}])
    assert texts(run) == [("complete", "SAME")] * 2
    assert server.paid == 1


def test_the_response_of_a_row_has_its_cost_and_no_note_about_its_tier(ask):
    run = ask()
    (row, *_) = next(run.results())
    response = run.response(row.request)
    assert response.text == run.at["T-0"].text == "TEXT 0"
    assert response.usage.output == 7


def test_an_answer_of_a_batch_job_costs_half_also_in_a_run_of_another_tier(ask, server):
    ask()
    run = ask([*ROWS, {"id": "T-9", "text": "new"}], service_tier="standard")
    half = 14 / 2 / 1e6
    assert run.at["T-0"].cost.amount == pytest.approx(half)
    assert run.at["T-9"].cost.amount == pytest.approx(2 * half)
    assert server.paid == 5


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"store": None}, "needs a store"),
        ({"max_cost": 1.0}, "max_cost cannot be kept"),
        ({"cluster": object()}, "Client|cluster"),
        ({"backend": "echo"}, "no batch jobs"),
        ({"backend": "vertex"}, "no batch jobs"),
    ],
)
def test_what_the_batch_tier_cannot_do_is_refused_before_anything_is_sent(ask, server, more, message):
    with pytest.raises(OptionError, match=message):
        ask(**more)
    assert server.requests == []


def test_a_single_prompt_of_the_batch_tier_is_refused(server):
    with pytest.raises(OptionError, match="many rows only"):
        gemini_magic.ask("hi", service_tier="batch", base_url=server.base_url, key_env="FAKE")
    assert server.requests == []


def test_a_stop_leaves_the_job_running_and_says_how_to_go_on(begin, server):
    server.plan(looks=10**9)
    run = begin()
    wait_for_job(server, run)
    assert "pending" in run.progress.waiting or "running" in run.progress.waiting
    run.stop(interrupted=True)
    assert run.wait(60)
    progress = run.progress
    assert progress.state == "interrupted"
    assert "5 rows goes on at the server" in progress.ending
    assert "run.cancel()" in progress.remedy
    assert {status for status, _ in texts(run)} == {"running"}
    server.finish_all()
    again = begin()
    assert again.wait(60)
    assert texts(again) == DONE
    assert again.progress.counts == {"complete": 5}
    assert server.created == 1


def test_a_run_in_another_tier_does_not_pay_for_rows_in_a_job(begin, ask, server):
    server.plan(looks=10**9)
    run = begin()
    wait_for_job(server, run)
    run.stop()
    run.wait(60)
    before = len(server.requests)
    with pytest.raises(OptionError, match="5 rows of this store are in batch jobs"):
        ask(service_tier="standard")
    assert len(server.requests) == before


def test_a_job_is_cancelled_while_the_run_waits(begin, server):
    server.plan(looks=10**9, keep=2, shuffle=False)
    run = begin()
    wait_for_job(server, run)
    run.cancel()
    assert run.done
    assert texts(run) == [*DONE[:2], *[("lost", "")] * 3]
    assert "cancelled" in run.progress.ending


def test_a_job_is_cancelled_after_the_run_was_stopped(begin, server):
    server.plan(looks=10**9)
    run = begin()
    wait_for_job(server, run)
    run.stop()
    run.wait(60)
    run.cancel()
    assert texts(run) == [("lost", "")] * 5


def test_the_jobs_of_a_store_are_cancelled_without_a_run(begin, server, tmp_path):
    server.plan(looks=10**9)
    run = begin()
    wait_for_job(server, run)
    run.stop()
    run.wait(60)
    path = tmp_path / "t.rows.sqlite"
    assert gemini_magic.cancel_batch_jobs(path, base_url=server.base_url, key_env="FAKE") == 0
    assert gemini_magic.cancel_batch_jobs(path, base_url=server.base_url, key_env="FAKE") == 0
    assert texts(run) == [("lost", "")] * 5


def test_lost_rows_are_asked_again_by_retry(ask, server):
    server.plan(keep=3, shuffle=False)
    run = ask()
    assert run.progress.counts == {"complete": 3, "lost": 2}
    run = run.retry(status=["lost"])
    assert texts(run) == DONE
    assert [len(job.rows) for job in server.jobs.values()] == [5, 2]


def test_failed_rows_are_asked_again_in_another_tier_or_with_other_options(ask, server):
    server.plan(failed={"text 1": {"code": 13, "message": "Internal."}})
    run = ask()
    assert run.progress.counts == {"complete": 4, "error": 1}
    run = run.retry(max_tokens=99)
    assert texts(run) == DONE
    (_, job) = server.jobs.values()
    assert job.rows[0]["request"]["generationConfig"] == {"maxOutputTokens": 99}


def test_the_schema_is_sent_and_checked(ask, server):
    server.answer_of = lambda prompt: '{"label": "a"}' if prompt != "text 2" else "no JSON"
    run = ask(schema="label str")
    statuses = [status for status, _ in texts(run)]
    assert statuses == ["complete", "complete", "mismatch", "complete", "complete"]
    (job,) = server.jobs.values()
    assert job.rows[0]["request"]["generationConfig"]["responseMimeType"] == "application/json"


def test_the_answers_of_an_earlier_job_belong_to_its_own_schema(begin, server):
    server.plan(looks=10**9)
    server.answer_of = lambda _: '{"label": "a"}'
    run = begin(schema="label str")
    wait_for_job(server, run)
    run.stop()
    assert run.wait(60)
    server.finish_all()
    rows = [{"id": "U-1", "text": "other"}]
    again = begin(rows, schema="urgency int")
    assert again.wait(60)
    assert texts(again) == [("mismatch", '{"label": "a"}')]
    last = begin(schema="label str")
    assert last.wait(60)
    assert texts(last) == [("complete", '{"label": "a"}')] * 5
    assert server.paid == 6


def test_an_upload_ends_when_the_run_is_stopped(begin, server, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    server.fail("upload", slow=2000)
    run = begin()
    while "upload" not in server.kinds():
        run.wait(0.01)
    run.stop()
    assert run.wait(60)
    assert run.progress.state == "stopped"
    assert server.created == 0
    assert texts(begin_and_wait(begin)) == DONE


def begin_and_wait(begin):
    run = begin()
    assert run.wait(60)
    return run


def test_a_refused_job_ends_the_run_with_its_error(ask, server):
    server.fail("create", status=404, message="models/x is not found.")
    run = ask()
    assert run.progress.state == "error"
    with pytest.raises(GeminiMagicError, match="not found"):
        run.raise_for_status()
    assert {status for status, _ in texts(run)} == {"waiting"}


def test_an_error_is_the_reason_of_the_end_while_other_jobs_go_on(ask, server, monkeypatch):
    monkeypatch.setattr(batch_pack, "MAX_ROWS", 3)
    server.plan(looks=10**9)
    server.fail("create", pause=0)
    server.fail("create", status=403, message="Billing is off.")
    run = ask()
    assert run.progress.state == "error"
    assert "Billing is off" in run.progress.ending
    assert any("3 rows goes on at the server" in notice for notice in run.progress.notices)
    server.finish_all()
    assert texts(ask()) == DONE
    assert server.paid == 5


def test_a_full_disk_ends_the_run_with_a_remedy(ask, server, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    monkeypatch.setattr(batch_pack.tempfile, "NamedTemporaryFile", full)
    run = ask()
    assert "No space left on device" in run.progress.ending
    assert "TMPDIR" in run.progress.remedy
    assert {status for status, _ in texts(run)} == {"waiting"}


def test_max_cost_limits_the_rows_of_a_job(ask, server):
    each = (2 + 1000) / 2 / 1e6  # about what a row is reserved at
    run = ask(max_cost=2.5 * each, max_tokens=1000)
    assert server.created > 1  # the answers were cheaper than reserved, so more rows followed
    assert texts(run) == DONE
    server.jobs.clear()
    run = ask(
        [{"id": f"U-{n}", "text": f"text {n + 10}"} for n in range(3)], max_cost=0.5 * each, max_tokens=1000
    )
    assert server.created == 0
    assert "max_cost" in run.progress.ending


def test_max_seconds_leaves_the_job_running(ask, server):
    server.plan(looks=10**9)
    run = ask(max_seconds=0.05)
    assert run.progress.state == "stopped"
    assert "max_seconds" in run.progress.ending
    assert any("goes on at the server" in notice for notice in run.progress.notices)
    server.finish_all()
    assert texts(ask()) == DONE


def test_no_thread_is_left(ask):
    before = threading.active_count()
    ask()
    assert threading.active_count() <= before + 3  # the server's connections


_CHILD = """
import sys
import gemini_magic
from gemini_magic.row_runs import batch
batch._FIRST_LOOK = 0.01
rows = [{"id": f"T-{n}", "text": f"text {n}"} for n in range(5)]
gemini_magic.rows("{{ row.text }}", rows, id="id", store=sys.argv[2], model="gemini-2.5-flash", base_url=sys.argv[1],
                  key_env="FAKE", service_tier="batch", show=False)
"""


def test_rows_of_a_killed_process_are_not_in_doubt_and_not_paid_again(ask, server, tmp_path):
    def kill(_):
        server.on_create = lambda _: None
        os.kill(child.pid, signal.SIGKILL)

    server.on_create = kill
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, server.base_url, str(tmp_path / "t.rows.sqlite")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.wait(60) == -signal.SIGKILL
    assert texts(ask()) == DONE  # with in_doubt="stop"
    assert (server.created, server.paid) == (1, 5)


def test_the_jobs_of_a_store_that_does_not_exist_cannot_be_cancelled(tmp_path):
    path = tmp_path / "none.rows.sqlite"
    with pytest.raises(StoreError, match="does not exist"):
        gemini_magic.cancel_batch_jobs(path)
    assert not path.exists()
