"""Rows as batch jobs: each is paid once, joined by its key, and found again after everything that can go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from batch_server import BatchServer
from batch_stage import CANARY, RUN, Stage, asked

from gemini_magic.backends import backend
from gemini_magic.errors import CredentialsError, OptionError, ServiceError, WireError
from gemini_magic.options import Options
from gemini_magic.row_runs import batch_client, batch_pack
from gemini_magic.row_runs.batch_client import BatchClient
from gemini_magic.row_runs.store import Store

TEXTS = ("one", "two", "three", "four")
DONE = [("complete", text.upper()) for text in TEXTS]
LOST = ("lost", "")


@pytest.fixture
def stage(tmp_path):
    with BatchServer() as server, Store.open(tmp_path / "t.rows.sqlite") as store:
        yield Stage(server, store)


# ------------------------------------------------------------------------------ what a run does


def test_rows_are_answered_by_one_job_and_joined_by_key(stage):
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert (stage.server.created, stage.server.paid) == (1, 4)
    (job,) = stage.server.jobs.values()
    assert [json.loads(json.dumps(row["key"])) for row in job.rows] != [
        row["metadata"]["custom_id"] for row in job.results
    ]


def test_the_job_is_deleted_when_its_results_are_stored(stage):
    stage.ask(*TEXTS)
    assert stage.server.deleted == list(stage.server.jobs)
    assert stage.store.jobs() == []


def test_batch_rows_cost_half(stage):
    stage.ask("one")
    (row,) = stage.results()
    assert row.cost == pytest.approx(14 / 2 / 1_000_000)
    assert (row.tokens_in, row.tokens_out) == (7, 7)


def test_the_answer_of_a_row_is_a_response_with_its_json(stage):
    stage.ask("one")
    (row,) = stage.results()
    response = stage.store.response(row.request, asked=asked("one"))
    assert (response.text, response.status, response.usage.prompt) == ("ONE", "complete", 7)
    raw = response.ledger.raw[0].raw
    assert json.loads(raw) == stage.server.response("ONE")
    assert raw.startswith(b"{\n")  # as the server has written it
    assert "other-tier" not in {note.kind for note in response.notes}


def test_many_rows_are_a_file(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 2)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    (job,) = stage.server.jobs.values()
    assert not job.inline
    assert [row["key"][0] for row in job.rows] == ["1", "2", "3", "4"]
    assert stage.server.files == {}  # the uploaded file was deleted, and so was the file of results
    kinds = stage.server.kinds()
    assert kinds[:4] == ["start", "upload", "create", "job"]
    assert kinds.count("delete") == 2


def test_large_rows_are_a_file(stage):
    large = "x" * 11_000_000
    assert stage.ask(large, large + "y")
    (job,) = stage.server.jobs.values()
    assert not job.inline
    assert [status for status, _ in stage.rows()] == ["complete"] * 2


def test_rows_are_split_into_several_jobs(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "MAX_ROWS", 3)
    assert stage.ask(*TEXTS)
    assert [len(job.rows) for job in stage.server.jobs.values()] == [3, 1]
    assert stage.rows() == DONE


def test_the_key_goes_to_the_server_and_nowhere_else(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    stage.server.answer_of = lambda _: f"your key is {CANARY}"
    stage.ask("one", "two")
    assert all(request.keyed for request in stage.server.requests if request.what != "upload")
    stage.store.close()
    assert CANARY.encode() not in stage.store.path.read_bytes()
    assert all(CANARY not in text for _, text in stage.rows())


def test_nothing_is_sent_for_rows_that_are_done(stage):
    stage.ask(*TEXTS)
    before = len(stage.server.requests)
    assert stage.ask(*TEXTS)
    assert len(stage.server.requests) == before


def test_looks_become_less_frequent(stage):
    stage.server.looks = 12
    stage.ask("one")
    waits = [wait for wait in stage.waited if wait]
    assert waits[0] == pytest.approx(5, abs=0.5)
    assert max(waits) == pytest.approx(60, abs=1)


@pytest.mark.parametrize("name", ["vertex", "gateway", "echo", "adaptive", "interactions"])
def test_another_backend_refuses_batch_jobs_before_anything_is_sent(name):
    with pytest.raises(OptionError, match=f"The {name} backend has no batch jobs"):
        BatchClient(backend(name), Options(), None)


# ------------------------------------------------------------------------------ results that are not as they should be


def test_a_request_that_failed_has_its_error(stage):
    stage.server.plan(
        failed={"two": {"code": 3, "message": "Bad prompt."}, "four": {"code": 8, "message": "Full."}}
    )
    stage.ask(*TEXTS)
    rows = stage.results()
    assert [row.status for row in rows] == ["complete", "error", "complete", "error"]
    assert "Bad prompt." in rows[1].error
    assert [rows[1].reason, rows[3].reason] == ["400 INVALID_ARGUMENT", "429 RESOURCE_EXHAUSTED"]
    assert stage.store.response(rows[1].request).status == "error"


def test_a_missing_result_is_lost(stage):
    stage.server.plan(keep=3)
    stage.ask(*TEXTS)
    assert sorted(stage.rows()).count(LOST) == 1
    (lost,) = [row for row in stage.results() if row.status == "lost"]
    assert "without an answer" in lost.error


def test_a_key_with_two_different_results_is_lost(stage):
    def twice(rows):
        return [*rows, {**rows[0], "response": stage.server.response("other")}]

    stage.server.plan(change=twice, shuffle=False)
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST, *DONE[1:]]
    assert "different answers" in stage.results()[0].error
    assert any("1 keys have several" in text for text in stage.notices)


def test_the_same_result_twice_counts_once(stage):
    stage.server.plan(change=lambda rows: [*rows, rows[0]])
    stage.ask(*TEXTS)
    assert stage.rows() == DONE


def test_a_result_with_a_foreign_key_belongs_to_no_row(stage):
    def foreign(rows):
        return [{**rows[0], "metadata": {"custom_id": "9-1-0000000000000000"}}, *rows[1:]]

    stage.server.plan(change=foreign, shuffle=False)
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST, *DONE[1:]]


def test_results_without_any_key_are_joined_by_position_and_marked(stage):
    stage.server.plan(metadata=False, shuffle=False)
    stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert {row.reason for row in stage.results()} == {"joined by position"}
    assert any("joined by position" in text for text in stage.notices)


def test_results_without_any_key_are_lost_if_their_number_differs(stage):
    stage.server.plan(metadata=False, shuffle=False, keep=3)
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST] * 4


def test_one_key_among_the_results_forbids_positions(stage):
    def one(rows):
        return [rows[0], *({"response": row["response"]} for row in rows[1:])]

    stage.server.plan(change=one, shuffle=False)
    stage.ask(*TEXTS)
    assert stage.rows() == [DONE[0], LOST, LOST, LOST]
    assert any("3 results have no key" in text for text in stage.notices)


@pytest.mark.parametrize("places", ["metadata", "response"])
def test_the_results_may_be_in_one_place_only(stage, places):
    stage.server.plan(places=places)
    stage.ask(*TEXTS)
    assert stage.rows() == DONE


def test_results_may_appear_after_the_state(stage):
    stage.server.plan(late=2)
    stage.ask(*TEXTS)
    assert stage.rows() == DONE


def test_a_job_that_never_shows_results_loses_its_rows(stage):
    stage.server.plan(late=10**9)
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST] * 4


def test_hostile_lines_of_a_file_harm_no_other_row(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)

    def hostile(rows):
        return [
            b"",
            b"{",
            b"[" * 100_000,
            b"\xff\xfe",
            b'{"key":"../../x","response":{}}',
            b"x" * 300_000,
            *rows,
            b'{"key":',
        ]

    stage.server.plan(change=hostile)
    stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert any("cannot be read" in text for text in stage.notices)


def test_a_line_without_end_is_one_row(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    monkeypatch.setattr(batch_client, "_MAX_LINE", 2000)
    stage.server.answer_of = lambda prompt: prompt.upper() if prompt != "two" else "x" * 10_000
    stage.ask(*TEXTS)
    assert stage.rows() == [DONE[0], LOST, *DONE[2:]]


def test_a_hostile_answer_is_one_row(stage):
    deep = json.loads("[" * 90 + "]" * 90)

    def hostile(rows):
        return [{**rows[0], "response": {"candidates": deep}}, {**rows[1], "response": []}, *rows[2:]]

    stage.server.plan(change=hostile, shuffle=False)
    stage.ask(*TEXTS)
    rows = stage.rows()
    assert rows[2:] == DONE[2:]
    assert rows[0][0] != "complete"
    assert rows[1] == LOST


# ------------------------------------------------------------------------------ how jobs end


def test_a_failed_job_says_why(stage):
    stage.server.plan(end="FAILED", error={"code": 3, "message": "The input is not valid."})
    stage.ask(*TEXTS)
    assert {status for status, _ in stage.rows()} == {"error"}
    assert {row.reason for row in stage.results()} == {"batch job failed 400 INVALID_ARGUMENT"}
    assert "The input is not valid." in stage.results()[0].error


def test_an_expired_job_loses_its_rows(stage):
    stage.server.plan(end="EXPIRED")
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST] * 4
    assert "48 hours" in stage.results()[0].error


def test_a_cancelled_job_keeps_what_it_has_answered(stage):
    stage.server.plan(looks=10**6, keep=2, shuffle=False)
    stage.stop_after = 3
    assert not stage.ask(*TEXTS)
    stage.stop_after = None
    runner = stage.runner()
    assert runner.reattach()
    assert runner.cancel() == 0
    assert stage.rows() == [*DONE[:2], LOST, LOST]
    assert "cancelled" in stage.results()[3].error


def test_a_job_that_the_server_has_forgotten_loses_its_rows(stage):
    stage.server.plan(looks=10**6)
    stage.stop_after = 3
    stage.ask(*TEXTS)
    stage.stop_after = None
    stage.server.deleted += stage.server.jobs
    stage.ask(*TEXTS)
    assert stage.rows() == [LOST] * 4
    assert stage.server.created == 1


def test_a_job_that_appears_late_is_not_given_up(stage):
    stage.server.looks = 4
    for _ in range(2):
        stage.server.fail("job", status=404, message="Requested entity was not found.")
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE


@pytest.mark.parametrize("named", [True, False])
def test_a_job_of_another_key_is_not_given_up(stage, named):
    stage.server.plan(looks=10**6)
    if not named:
        stage.server.fail("create", lose_answer=True)
        stage.server.listed = False
    stage.stop_after = 3
    stage.ask(*TEXTS)
    stage.stop_after = None
    stage.server.deleted += stage.server.jobs  # as a key of another project sees it
    with pytest.raises(CredentialsError, match="created with another key"):
        stage.ask(*TEXTS, key="AIza-of-another-project-0123456789")
    assert len(stage.store.jobs()) == 1
    stage.server.deleted.clear()
    stage.server.listed = True
    stage.server.finish_all()
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 1


def test_results_that_the_server_has_deleted_are_lost(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    for _ in range(20):
        message = "You do not have permission to access the File batch-1 or it may not exist."
        stage.server.fail("download", status=403, message=message)
    assert stage.ask(*TEXTS)
    assert stage.rows() == [LOST] * 4


def test_a_refused_key_ends_the_run_and_loses_nothing(stage):
    stage.server.fail("job", status=403, message="API key disabled.")
    with pytest.raises(ServiceError, match="disabled"):
        stage.ask(*TEXTS)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 1


def test_an_unknown_state_is_waited_for_and_shown(stage):
    stage.server.plan(looks=10**6)
    stage.stop_after = 3
    stage.store.begin_run(RUN)
    runner = stage.runner()
    runner.reattach()
    assert not runner.run(stage.packed(*TEXTS))
    (view,) = runner.views()
    assert (view.state, view.rows) == ("pending", 4)
    assert str(view).startswith("batches/") and "4 rows" in str(view)
    assert "stuck" in str(view._replace(age=25 * 3600.0))
    (job,) = stage.server.jobs.values()
    job.reported = "MEDITATING"
    stage.stop_after = None
    stage.now += 100
    runner.look()
    assert runner.views()[0].state == "unknown"


# ------------------------------------------------------------------------------ creation happens once


def test_a_lost_answer_about_the_creation_makes_no_second_job(stage):
    stage.server.fail("create", lose_answer=True)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_creation_that_fails_with_a_server_error_is_repeated_only_after_the_list_was_searched(
    stage, status
):
    stage.server.fail("create", status=status)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 1
    kinds = stage.server.kinds()
    assert kinds.index("list-jobs") < len(kinds) - 1 - kinds[::-1].index("create")


def test_a_server_that_never_creates_the_job_ends_the_run(stage):
    for _ in range(10):
        stage.server.fail("create", status=503, message="Down.")
    with pytest.raises(ServiceError, match="Down"):
        stage.ask(*TEXTS)
    assert stage.server.kinds().count("create") == 3
    assert stage.rows() == [("waiting", "")] * 4


def test_an_answer_that_is_no_job_is_not_repeated_without_end(stage):
    stage.server.listed = False
    for _ in range(10):
        stage.server.fail("create", body=b'{"name": "../../x"}')
    with pytest.raises(WireError, match="not a batch job"):
        stage.ask(*TEXTS)
    assert stage.server.created == 3


def test_an_unlisted_job_is_created_again_only_after_a_while(stage):
    stage.server.fail("create", lose_answer=True, status=503)
    stage.ask(*TEXTS)
    assert sum(stage.waited) >= 60


def test_the_list_is_searched_on_all_its_pages(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "MAX_ROWS", 1)
    stage.server.looks = 4
    for _ in range(3):
        stage.server.fail("create", pause=0)
    stage.server.fail("create", lose_answer=True)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 4


def test_jobs_beyond_the_limit_of_enqueued_tokens_wait_for_the_others(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "MAX_ROWS", 2)
    stage.server.fail("create", pause=0)
    stage.server.fail("create", status=429, message="Enqueued tokens exceeded.")
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert any("2 rows wait" in text for text in stage.notices)


def test_a_limit_of_enqueued_tokens_without_other_jobs_is_explained(stage):
    stage.server.fail("create", status=429, message="Enqueued tokens exceeded.")
    with pytest.raises(ServiceError, match="Enqueued tokens") as caught:
        stage.ask(*TEXTS)
    assert "limit=" in caught.value.remedy
    assert stage.rows() == [("waiting", "")] * 4


def test_a_refused_job_leaves_its_rows_waiting(stage):
    stage.server.fail("create", status=400, message="No such model.")
    with pytest.raises(ServiceError, match="No such model"):
        stage.ask(*TEXTS)
    assert stage.rows() == [("waiting", "")] * 4
    assert stage.store.jobs() == []
    stage.ask(*TEXTS)
    assert stage.rows() == DONE


def test_the_server_may_fail_while_a_job_runs(stage):
    stage.server.looks = 6
    for status in (503, 429, 500):
        stage.server.fail("job", status=status)
    stage.server.fail("job", lose_answer=True)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE


def test_a_download_that_is_cut_is_repeated(stage, monkeypatch):
    monkeypatch.setattr(batch_pack, "_MAX_INLINE_ROWS", 1)
    stage.server.fail("download", lose_answer=True)
    stage.server.fail("download", status=503)
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE


# ------------------------------------------------------------------------------ restarts


def test_a_job_is_found_again_after_a_stop(stage):
    stage.server.plan(looks=10**6)
    stage.stop_after = 3
    assert not stage.ask(*TEXTS)
    assert {status for status, _ in stage.rows()} == {"running"}
    stage.stop_after = None
    stage.server.finish_all()
    assert stage.ask(*TEXTS)
    assert stage.rows() == DONE
    assert stage.server.created == 1


def test_a_job_is_found_again_by_another_process(stage):
    stage.server.plan(looks=10**6)
    stage.stop_after = 3
    stage.ask(*TEXTS)
    stage.store.close()
    stage.server.finish_all()
    with Store.open(stage.store.path) as store:
        again = Stage(stage.server, store)
        assert again.ask(*TEXTS, "five")
        assert again.rows() == [*DONE, ("complete", "FIVE")]
    assert stage.server.paid == 5
    assert again.notices[0] == "Found 1 batch job of an earlier run."


_CHILD = """
import sys
from batch_stage import Stage
from gemini_magic.row_runs.store import Store

class Server:
    base_url = sys.argv[1]

with Store.open(sys.argv[2]) as store:
    Stage(Server, store).ask("one", "two", "three", "four")
"""


@pytest.mark.parametrize(
    "moment", ["after creation", "before the server has it", "while it runs", "while results are fetched"]
)
def test_a_process_that_is_killed_pays_for_no_second_job(stage, moment):
    stage.store.close()
    server = stage.server
    killed = []

    def kill(*_):
        if not killed:
            killed.append(server.child)
            os.kill(server.child, signal.SIGKILL)

    def tell(job):
        if moment == "after creation":
            kill()

    server.on_create = tell
    what = {
        "before the server has it": "create",
        "while it runs": "job",
        "while results are fetched": "delete-job",
    }.get(moment)
    original = server.fault

    def fault(kind):
        if kind == what:
            kill()
            if kind == "create" and len(killed) == 1:
                killed.append(None)
                raise ConnectionError("the request never arrived")
        return original(kind)

    server.fault = fault
    paths = os.pathsep.join(sys.path)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, server.base_url, str(stage.store.path)],
        env={**os.environ, "PYTHONPATH": paths},
    )
    server.child = child.pid
    assert child.wait(120) == -signal.SIGKILL
    with Store.open(stage.store.path) as store:
        again = Stage(server, store)
        assert again.ask(*TEXTS)
        assert again.rows() == DONE
    assert (server.created, server.paid) == (1, 4)
