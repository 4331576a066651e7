"""The store knows what was asked, what was sent and what was answered."""

import pytest
from store_stage import RUN, all_results, attempted, begin, digest, pieces_of, refused, wanted

from gemini_magic.errors import StoreError
from gemini_magic.row_runs.raw import pack_pieces
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE, GRANTED, IN_DOUBT, SENT
from gemini_magic.row_runs.values import Grant, Wanted


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.rows.sqlite") as opened:
        yield opened


def reopened(store):
    store.close()
    return Store.open(store.path)


# -- what a row asks for


def test_a_new_row_is_not_known_and_waits_after_it_was_added(store):
    store.begin_run(RUN)
    (match,) = store.match([wanted(0)])
    assert (match.request, match.known, match.placed) == (None, False, False)
    (request,) = store.add([wanted(0)])
    (match,) = store.match([wanted(0)])
    assert (match.request, match.answer, match.state, match.known, match.placed) == (
        request,
        request,
        GRANTED,
        True,
        True,
    )
    assert [(row.position, row.key, row.status) for row in all_results(store)] == [(0, b"key 0", "waiting")]


def test_equal_requests_share_one_and_its_cost_is_counted_once(store):
    store.begin_run(RUN)
    first, second, other = store.add([wanted(0, "a"), wanted(1, "a"), wanted(2, "b")])
    assert first == second != other
    grant = Grant(first, 1, wanted(0, "a"))
    store.sent([grant])
    store.commit([attempted(grant, "same")])
    rows = all_results(store)
    assert [(row.text, row.cost, row.shared) for row in rows] == [
        ("same", 0.01, None),
        ("same", 0.0, b"key 0"),
        ("", None, None),
    ]
    assert store.cost().dollars == 0.01


def test_a_request_of_another_row_is_found_by_its_hash(store):
    (grant, *_) = begin(store)
    store.commit([attempted(grant)])
    (match,) = store.match([wanted(7, "text 0", key=b"another key")])
    assert (match.request, match.state, match.status, match.known) == (grant.request, DONE, "complete", False)


def test_a_changed_prompt_is_noticed_and_the_old_answer_stays(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([attempted(grant, "old")])
    (match,) = store.match([wanted(0, "new prompt")])
    assert (match.request, match.changed, match.previous, match.placed) == (None, True, grant.request, False)
    (request,) = store.add([wanted(0, "new prompt")])
    assert request != grant.request
    assert all_results(store)[0].status == "waiting"
    (back,) = store.match([wanted(0)])
    assert (back.request, back.state, back.status, back.changed) == (grant.request, DONE, "complete", True)
    store.add([wanted(0)])
    assert (all_results(store)[0].status, all_results(store)[0].text) == ("complete", "old")


def test_a_row_that_keeps_its_old_answer_is_stale(store):
    grants = begin(store)
    store.commit([attempted(grant) for grant in grants])
    store.keep([wanted(0, "new prompt")])
    assert [row.status for row in all_results(store)] == ["stale", "complete", "complete"]
    assert store.counts() == {"stale": 1, "complete": 2}
    (match,) = store.match([wanted(0, "new prompt")])
    assert (match.changed, match.previous) == (True, grants[0].request)


def test_a_row_that_may_not_be_asked_has_a_status_and_no_request(store):
    store.begin_run(RUN)
    rows = [Wanted(0, b"a", b"", status="skipped"), Wanted(1, b"b", b"", status="too_long"), wanted(2)]
    assert store.add(rows)[:2] == [None, None]
    assert [row.status for row in all_results(store)] == ["skipped", "too_long", "waiting"]
    assert [match.placed for match in store.match(rows)] == [True, True, True]
    assert store.match([wanted(0, key=b"a")])[0].changed is False


def test_rows_that_moved_are_placed_anew_and_rows_that_left_are_not_in_the_results(store):
    begin(store, 4)
    store.begin_run(RUN)
    moved = [wanted(0, "text 2", key=b"key 2"), wanted(1, "text 0", key=b"key 0")]
    matches = store.match(moved)
    assert [(match.known, match.changed, match.placed) for match in matches] == [(True, False, False)] * 2
    store.add(moved)
    assert [row.key for row in all_results(store)] == [b"key 2", b"key 0"]
    assert all(match.placed for match in store.match(moved))


def test_the_extent_of_the_input_outlives_the_process(store):
    begin(store, 4)
    store.begin_run(RUN)
    batch = [wanted(0), wanted(1)]
    assert all(match.placed for match in store.match(batch))  # nothing to write
    with reopened(store) as again:
        assert len(all_results(again)) == 2


def test_samples_of_a_prompt_are_rows_of_their_own(store):
    store.begin_run(RUN)
    batch = [wanted(0, f"a {n}", key=b"k", sample=n) for n in range(3)]
    assert len(set(store.add(batch))) == 3
    assert [(row.position, row.sample) for row in all_results(store, 2)] == [(0, 0), (0, 1), (0, 2)]
    store.begin_run(RUN)
    store.match(batch[:1])
    assert len(all_results(store)) == 1


# -- attempts


def test_sent_then_done_then_the_answer_is_there(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    assert store.match([grant.wanted])[0].state == SENT
    assert store.counts() == {"running": 1, "waiting": 2}
    assert [(row.attempt, row.ended) for row in store.attempts(grant.request)] == [(1, None)]
    store.commit(done=[attempted(grant)])
    row = all_results(store)[0]
    assert (row.status, row.text, row.tokens_in, row.tokens_out, row.cost, row.attempts, row.model) == (
        "complete",
        "an answer",
        5,
        3,
        0.01,
        1,
        "m-001",
    )
    assert (row.first_text, row.seconds) == (0.1, 0.2)
    (line,) = store.attempts(grant.request)
    assert (line.attempt, line.status, line.ended, line.cost) == (1, 200, "eof", 0.01)
    assert line.sent <= line.done
    assert line.size


def test_done_of_one_and_sent_of_the_next_are_one_commit(store):
    first, second, _ = begin(store)
    store.sent([first])
    before = store.commits
    store.commit([attempted(first)], [second])
    assert store.commits == before + 1
    assert store.counts() == {"complete": 1, "running": 1, "waiting": 1}


def test_answers_that_are_handed_over_are_written_without_waiting(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.hand_over([attempted(grant)])
    store.commit()  # whatever was handed over before is written first
    assert store.counts()["complete"] == 1


def test_an_attempt_that_may_be_repeated_leaves_the_row_waiting_with_a_line_for_each_attempt(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([refused(grant)])
    match = store.match([grant.wanted])[0]
    assert (match.state, match.attempts) == (GRANTED, 1)
    assert all_results(store)[0].status == "waiting"
    again = grant._replace(attempt=2)
    store.sent([again])
    store.commit([attempted(again)])
    assert [(row.attempt, row.status) for row in store.attempts(grant.request)] == [(1, 429), (2, 200)]
    assert all_results(store)[0].attempts == 2


def test_an_attempt_that_was_not_sent_is_not_counted(store):
    (grant, other, third) = begin(store)
    store.commit([attempted(grant, status="waiting", sent=False, cost=None)])
    store.sent([other])
    store.commit(unsent=[other])
    store.sent([third])
    store.commit([attempted(third, "", status="error", sent=False, error="no route", cost=None)])
    assert [match.attempts for match in store.match([g.wanted for g in (grant, other, third)])] == [0, 0, 0]
    assert [store.attempts(g.request) for g in (grant, other, third)] == [[], [], []]
    assert [(row.status, row.error) for row in all_results(store)] == [
        ("waiting", ""),
        ("waiting", ""),
        ("error", "no route"),
    ]


def test_what_was_sent_and_not_answered_is_in_doubt_after_the_process(store):
    sent, done, _ = begin(store)
    store.sent([sent, done])
    store.commit([attempted(done)])
    with reopened(store) as again:
        assert again.counts() == {"in_doubt": 1, "complete": 1, "waiting": 1}
        match = again.match([sent.wanted])[0]
        assert (match.state, match.attempts) == (IN_DOUBT, 1)
        assert [row.ended for row in again.attempts(sent.request)] == ["kernel ended"]
        assert again.cost().in_doubt == 1
        second = sent._replace(attempt=2)
        again.sent([second])
        again.commit([attempted(second)])
        assert [row.ended for row in again.attempts(sent.request)] == ["kernel ended", "eof"]
        assert again.counts() == {"complete": 2, "waiting": 1}


def test_the_grants_of_a_lost_worker_are_in_doubt(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit(in_doubt=[grant])
    assert store.counts()["in_doubt"] == 1
    store.commit([attempted(grant)])  # its answer arrives late: it was paid
    assert store.counts()["complete"] == 1


def test_a_complete_answer_is_not_replaced_by_a_failure(store):
    (grant, *_) = begin(store)
    second = grant._replace(attempt=2)
    store.sent([grant])
    store.sent([second])
    store.commit([attempted(grant, "the answer")])
    store.commit([attempted(second, "", status="error", error="500", cost=0.02)])
    row = all_results(store)[0]
    assert (row.status, row.text, row.cost) == ("complete", "the answer", 0.03)
    assert store.match([grant.wanted])[0].state == DONE


def test_a_retry_with_other_options_answers_the_row_and_does_not_make_it_stale(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([attempted(grant, "cut", status="truncated")])
    (match,) = store.retry([(grant.request, digest("more tokens"))])
    retry = Grant(match.request, 1, grant.wanted._replace(hash=digest("more tokens")))
    assert retry.request != grant.request
    store.sent([retry])
    assert all_results(store)[0].text == "cut"
    store.commit([attempted(retry, "whole")])
    row = all_results(store)[0]
    assert (row.status, row.text, row.cost, row.attempts, row.request) == (
        "complete",
        "whole",
        0.02,
        2,
        retry.request,
    )
    (match,) = store.match([grant.wanted])
    assert (match.request, match.answer, match.status, match.changed) == (
        grant.request,
        retry.request,
        "complete",
        False,
    )
    assert store.response(grant.request).text == "whole"


def test_the_best_answer_of_several_retries_counts(store):
    (grant, *_) = begin(store)
    store.commit([attempted(grant, "cut", status="truncated")])
    (one,) = store.retry([(grant.request, digest("one"))])
    (two,) = store.retry([(one.request, digest("two"))])  # a retry of the retry
    shown = []
    for match, text, status in (
        (one, "", "error"),
        (two, "whole", "complete"),
        (one, "cut again", "truncated"),
    ):
        store.commit([attempted(Grant(match.request, 1, grant.wanted), text, status=status)])
        row = all_results(store)[0]
        shown.append((row.text, row.status))
    assert shown == [("cut", "truncated"), ("whole", "complete"), ("whole", "complete")]
    (match,) = store.match([grant.wanted._replace(hash=digest("one"))])
    assert (match.request, match.answer, match.status) == (one.request, two.request, "complete")


def test_a_retry_with_the_same_options_is_the_same_request(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([attempted(grant, "cut", status="truncated")])
    (match,) = store.retry([(grant.request, grant.wanted.hash)])
    assert (match.request, match.attempts, match.status) == (grant.request, 1, "truncated")
    second = grant._replace(attempt=2)
    store.sent([second])
    store.commit([attempted(second, "", status="error", error="500")])
    row = all_results(store)[0]
    assert (row.status, row.text, row.attempts) == ("truncated", "cut", 2)
    with pytest.raises(StoreError, match="has no request 99"):
        store.retry([(99, digest("x"))])


def test_values_that_a_server_invents_can_be_stored(store):
    (grant, *_) = begin(store)
    hostile = attempted(
        grant,
        "a\ud800b",
        error="\udfff",
        model="\ud83d",
        tokens_in=10**30,
        tokens_out=-(10**30),
        cost=float("nan"),
    )
    store.commit([hostile])
    row = all_results(store)[0]
    assert (row.text, row.error, row.tokens_in, row.tokens_out, row.cost) == (
        "a\ufffdb",
        "\ufffd",
        None,
        None,
        None,
    )


def test_answers_that_cost_an_unknown_price_are_counted(store):
    first, second, _ = begin(store)
    store.commit([attempted(first, cost=None), attempted(second, cost=0.25)])
    assert store.cost()[:2] == (0.25, 1)


# -- the response


def test_a_response_has_every_piece_at_its_time(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([attempted(grant, "Hello world")])
    response = store.response(grant.request)
    assert (response.text, response.status) == ("Hello world", "complete")
    assert list(response.ledger.exchanges[0].pieces) == pieces_of("Hello", " world")
    assert [round(chunk.t, 6) for chunk in response.chunks] == [0.1, 0.2]
    assert response.usage.total == 8
    assert "Hello world" in response._repr_html_()


def test_a_response_has_the_refused_attempts_before_its_answer(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    store.commit([refused(grant)])
    second = grant._replace(attempt=2)
    store.sent([second])
    store.commit([attempted(second)])
    response = store.response(grant.request)
    assert (response.text, [each.status for each in response.attempts]) == ("an answer", [429, 200])


def test_an_earlier_attempt_with_a_part_of_an_answer_is_a_response_of_its_own(store):
    (grant, *_) = begin(store)
    store.sent([grant])
    half = pack_pieces(pieces_of("half an", " answer")[:1])
    store.commit([attempted(grant, "half an", status="stalled", ended="stalled", pieces=half)])
    second = grant._replace(attempt=2)
    store.sent([second])
    store.commit([attempted(second, "whole")])
    assert store.response(grant.request).text == "whole"
    early = store.response(grant.request, attempt=1)
    assert (early.text, early.status) == ("half an", "stalled")


def test_a_row_without_an_answer_has_no_response(store):
    (grant, *_) = begin(store)
    with pytest.raises(StoreError, match="no response yet"):
        store.response(grant.request)
    with pytest.raises(StoreError, match="has no request 99"):
        store.response(99)


def test_results_can_be_read_after_the_store_was_closed(store):
    (grant, *_) = begin(store)
    store.commit([attempted(grant)])
    store.close()
    store.close()
    assert [row.status for row in all_results(store)] == ["complete", "waiting", "waiting"]
    assert store.response(grant.request).text == "an answer"
    with pytest.raises(StoreError, match="not open for writing"):
        store.sent([grant])


def test_results_are_read_in_batches_in_the_order_of_the_input(store):
    begin(store, 25)
    batches = list(store.results(10))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [row.position for batch in batches for row in batch] == list(range(25))


def test_the_settings_of_each_run_are_kept(store):
    store.begin_run(RUN)
    store.add([wanted(0)])
    store.begin_run(RUN._replace(model="other", options='{"temperature": 0.2}'))
    first, second = store.runs()
    assert (first.id, first.model, first.rows, second.id, second.options) == (
        1,
        "m",
        1,
        2,
        '{"temperature": 0.2}',
    )
    assert first.began <= second.began


# -- batch jobs


def test_the_requests_of_a_batch_job_are_not_in_doubt_while_the_job_is_open(store):
    grants = begin(store)
    job = store.add_job("rows-1", grants[:2])
    store.update_job(job, name="batches/123", state="BATCH_STATE_PENDING")
    with reopened(store) as again:
        (found,) = again.jobs()
        assert (found.label, found.name, found.state) == ("rows-1", "batches/123", "BATCH_STATE_PENDING")
        assert again.job_grants(job) == [grant._replace(wanted=grant.wanted) for grant in grants[:2]]
        assert again.counts() == {"running": 2, "waiting": 1}
        again.commit([attempted(grants[0])])
        assert again.job_grants(job) == grants[1:2]
        again.update_job(job, state="BATCH_STATE_SUCCEEDED", ended=1.0)
        assert again.jobs() == []
        assert again.counts() == {"complete": 1, "in_doubt": 1, "waiting": 1}


# -- a temporary store


def test_a_temporary_store_is_private_and_deleted_when_it_is_not_used():
    store = Store.open()
    (grant, *_) = begin(store)
    store.commit([attempted(grant)])
    path = store.path
    assert path.exists()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    store.close()
    assert all_results(store)[0].status == "complete"
    again = Store.open(path)
    assert again.temporary
    del store
    assert again.counts() == {"complete": 1, "waiting": 2}  # it stays as long as one of its stores
    again.close()
    del again
    assert not path.parent.exists()
