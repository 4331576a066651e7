"""What a notebook and a terminal show of a run over many rows, while it goes on and in the end."""

from __future__ import annotations

import io

import pytest
from hostile_strings import assert_printable, bad
from html_audit import audit_output, payloads, text_of
from row_stage import StagedRun, complete, running, shown_row
from view_stage import WIDGET

from gemini_magic.errors import DisplayError, Interrupted
from gemini_magic.views import (
    DisplayedRun,
    FailedRow,
    FailureReason,
    RowProgress,
    RowsPreview,
    TierPrice,
    rows_bundle,
    rows_plain,
    watch_rows,
)
from gemini_magic.views.row_static import partial_rows_bundle
from gemini_magic.views.row_terminal import TerminalRowsView
from gemini_magic.views.row_text import rows_facts, rows_line
from gemini_magic.views.row_views import HtmlRowsView, LiveRowsView, UnattendedRowsView
from gemini_magic.views.row_watch import RowsWatcher, select_rows_view

# ------------------------------------------------------------------------------ the status line


def test_the_status_line_of_a_run_that_goes_on_names_what_a_user_asks_for():
    line = rows_line(
        RowProgress(**running(useful=32, waiting="rate limit", waiting_until=1_012.0)), now=1_000.0
    )
    assert line == (
        "… 500 of 1,000 rows (50 %) · 10 failed · 195 answered before · 5 skipped · 42 rows/s · 93,000 tokens · "
        "$0.0312 · 12 s left · 24 of 24 at once, 32 are useful · waiting: rate limit, 12 s"
    )


def test_the_status_line_of_a_complete_run_counts_every_outcome():
    assert rows_line(RowProgress(**complete())) == (
        "⚠ 1,000 rows done · 24 s · 790 answered · 10 failed · 195 answered before · 5 skipped · 42 rows/s · "
        "93,000 tokens · $0.0312"
    )


@pytest.mark.parametrize(
    ("progress", "fact"),
    [
        ({"state": "preparing"}, "preparing"),
        ({"state": "preparing", "total": 1}, "preparing 1 row"),
        ({"state": "running", "counts": {"complete": 3}}, "3 rows"),
        ({"state": "running", "total": 0}, "0 of 0 rows (100 %)"),
        (
            {"state": "stopping", "total": 9},
            "stopping, waiting for the requests in flight, 0 of 9 rows (0 %)",
        ),
        ({"state": "stopped", "total": 9, "counts": {"complete": 3}}, "stopped after 3 of 9 rows"),
        ({"state": "interrupted", "total": 9}, "interrupted after 0 of 9 rows"),
        ({"state": "error", "counts": {"error": 1}}, "failed after 1 row"),
        ({"state": "complete", "total": 1, "counts": {"complete": 1}}, "1 row done"),
        # The total is an estimate: an iterator can have more rows than were expected.
        ({"state": "running", "total": 2, "counts": {"complete": 3}}, "3 of 2 rows (100 %)"),
    ],
)
def test_the_first_fact_says_how_many_rows_are_done(progress, fact):
    assert rows_facts(RowProgress(**progress))[0] == fact


@pytest.mark.parametrize(
    ("progress", "fact"),
    [
        ({"cost": 0.0, "max_cost": None}, "$0"),
        ({"cost": 0.5, "cost_is_complete": False}, "at least $0.500"),
        ({"cost": 0.5, "max_cost": 5.0}, "$0.500 of at most $5.00"),
        (
            {"cost": 0.5, "max_cost": 5.0, "spent_before": 2.0},
            "$0.500 and $2.00 in earlier runs, of at most $5.00",
        ),
        ({"rate": 0.05}, "3.0 rows/min"),
        ({"rate": 2.5}, "2.5 rows/s"),
        ({"left": 4_000.0}, "1 h 07 min left"),
        ({"left": 200_000.0}, "2 days left"),
        ({"waiting": "daily limit"}, "waiting: daily limit"),
        ({"unasked": {"lost": 2}}, "2 lost"),
        ({"tokens": 1}, "1 token"),
    ],
)
def test_a_fact_is_written_for_people(progress, fact):
    assert fact in rows_facts(RowProgress(**running(**progress)))


# ------------------------------------------------------------------------------ the static table


def test_the_bundle_has_a_table_the_failures_and_what_to_do_next_in_every_form():
    bundle = rows_bundle(RowProgress(**complete()), name="tickets")
    assert set(bundle) == {"text/html", "text/markdown", "text/plain"}
    for text in (text_of(bundle["text/html"]), bundle["text/plain"]):
        assert "1,000 rows done" in text
        assert "T-0" in text
        assert "answer 19" in text
        assert "The first 20 of 1,000 rows." in text
        assert "10 rows: 503 UNAVAILABLE" in text
        assert "T-9: overloaded" in text
        assert "5 rows lack a value that the prompt uses" in text
        assert "tickets.retry()" in text
    assert audit_output(bundle["text/html"]) == []
    assert "| T-0 | answer 0 | 300 | &#36;0.000300 | 1.20 s |" in bundle["text/markdown"]
    assert "\n\n" not in bundle["text/html"]


def test_fields_are_columns_and_an_error_takes_the_place_of_the_values():
    rows = (
        shown_row(1, fields={"label": "bug", "urgency": 3, "extra": 1}),
        shown_row(2, text="", fields=None, status="error", error="overloaded"),
        shown_row(3, text="{", status="truncated"),
        shown_row(4, fields={"label": None, "urgency": 10**5000}),
        shown_row(5, fields={"label": {"a": [1]}, "urgency": True}),
    )
    plain = rows_plain(RowProgress(**complete())._replace(first=rows, fields=("label", "urgency")))
    lines = [line.split()[:3] for line in plain.splitlines()[:6]]
    assert lines[0] == ["row", "label", "urgency"]
    assert lines[1] == ["T-1", "bug", "3"]
    assert lines[2] == ["T-2", "error:", "overloaded"]
    assert lines[3] == ["T-3", "{", "truncated"]
    assert lines[4] == ["T-4", "a", "very"]
    assert lines[5] == ["T-5", '{"a":', "[1]}"]


def test_the_status_is_a_column_if_an_answer_is_not_complete():
    whole, error = shown_row(1), shown_row(2, text="", status="error", error="overloaded")
    without = RowProgress(**complete())._replace(first=(whole, error), rows=(whole, error))
    assert "status" not in rows_plain(without)
    cut = (shown_row(3, status="truncated"),)
    assert "truncated" in rows_plain(without._replace(first=cut, rows=cut)).splitlines()[1]


def test_a_run_without_a_price_has_no_column_for_the_cost():
    rows = (shown_row(1, cost=None),)
    assert "cost" not in rows_plain(RowProgress(**complete())._replace(first=rows, rows=rows, cost=None))


def test_text_of_models_and_data_is_shown_as_text():
    for start in range(0, len(payloads()), 20):
        attacks = payloads()[start : start + 20]
        rows = tuple(shown_row(n, text=text, error=text)._replace(key=text) for n, text in enumerate(attacks))
        failures = tuple(FailureReason(text, 1, (FailedRow(text, text),)) for text in attacks)
        errors = tuple(row._replace(text="", status="error") for row in rows)
        for shown in (rows, errors):
            progress = RowProgress(
                **running(
                    rows=shown,
                    failures=failures,
                    ending=attacks[0],
                    notices=(attacks[1],),
                    waiting=attacks[2],
                )
            )
            for html in (partial_rows_bundle(progress)["text/html"], rows_bundle(progress)["text/html"]):
                assert audit_output(html) == []
        fields = {attacks[0]: attacks[1]}
        named = RowProgress(**running(rows=(shown_row(1, fields=fields),), fields=tuple(fields)))
        assert audit_output(rows_bundle(named)["text/html"]) == []


def test_no_form_contains_control_characters_of_models_and_data():
    rows = (shown_row(1, text=bad(), error=bad())._replace(key=bad(), status=bad()),)
    reason = FailureReason(bad(), 1, (FailedRow(bad(), bad()),))
    hostile = {"rows": rows, "first": rows, "failures": (reason,), "ending": bad(), "remedy": bad()}
    hostile |= {"notices": (bad(),), "models": (bad("a"), bad("b")), "waiting": bad(), "fields": (bad(),)}
    hostile |= {"unasked": {bad(): 1}, "counts": {bad(): 1}}
    for state in ("running", "stopped", "complete"):
        progress = RowProgress(
            **(running() | hostile),
        )._replace(state=state)
        for form, text in rows_bundle(progress).items():
            assert_printable(text, f"{state} {form}")
        assert_printable(partial_rows_bundle(progress)["text/plain"], state)


def test_a_bundle_does_not_grow_with_the_run():
    long = "x" * 100_000
    reasons = tuple(
        FailureReason(f"{long}{n}", 10**6, tuple(FailedRow(long, long) for _ in range(20)))
        for n in range(1_000)
    )
    rows = tuple(shown_row(n, text=long, error=long, fields={"a": long}) for n in range(20))
    progress = RowProgress(**running(rows=rows, failures=reasons, fields=("a",), ending=long))
    assert len(rows_bundle(progress)["text/html"]) < 300_000
    assert len(partial_rows_bundle(progress)["text/plain"]) < 20_000


def test_an_error_that_follows_is_not_in_the_bundle():
    progress = RowProgress(**complete())._replace(
        state="stopped", ending="max_cost is reached.", remedy="Raise it."
    )
    assert "max_cost is reached." in rows_bundle(progress)["text/html"]
    for text in rows_bundle(progress, error_follows=True).values():
        assert "max_cost is reached." not in text


# ------------------------------------------------------------------------------ the live view


def test_the_live_view_shows_the_line_the_bar_and_the_newest_rows(stage, clock):
    run = StagedRun(total=1_000)
    view = LiveRowsView(run, stop=lambda: None, clock=clock)
    view.open()
    assert "preparing 1,000 rows" in stage.html()
    run.change(**running())
    clock.now += 0.3
    view.update()
    html = stage.html()
    assert "500 of 1,000 rows (50 %)" in html
    assert 'aria-valuenow="50"' in html
    assert "answer 20" in html
    assert "answer 12" not in html  # the newest eight
    assert "10 rows: 503 UNAVAILABLE" in html


def test_the_live_view_sends_at_most_four_updates_a_second_and_only_what_changed(stage, clock):
    run = StagedRun(**running())
    view = LiveRowsView(run, stop=lambda: None, clock=clock)
    view.open()
    before = len(stage.messages)
    for n in range(200):
        run.change(counts={"complete": 290 + n, "error": 10})
        clock.now += 0.05
        view.update()
    sent = stage.messages[before:]
    assert len({time for time, *_ in sent}) <= 41
    assert len(sent) <= 2 * 41 + 2  # the line and the bar; the rows and the failures are the same
    assert {kind for _, kind, *_ in sent} == {"msg"}


def test_the_countdown_of_a_run_that_waits_changes_once_a_second(stage, clock, monkeypatch):
    monkeypatch.setattr("gemini_magic.views.row_text.time.time", clock)
    run = StagedRun(**running(waiting="rate limit", waiting_until=clock.now + 30))
    view = LiveRowsView(run, clock=clock)
    view.open()
    view.update()
    before = len(stage.messages)
    for _ in range(40):
        clock.now += 0.1
        view.update()
    assert 3 <= len(stage.messages) - before <= 5
    assert "waiting: rate limit, 27 s" in stage.html()


def test_the_number_of_widgets_does_not_grow(stage, clock):
    run = StagedRun(**running())
    view = LiveRowsView(run, stop=lambda: None, clock=clock)
    view.open()
    made = len(stage.state)
    for n in range(50):
        run.change(rows=tuple(shown_row(n + k) for k in range(20)))
        clock.now += 0.3
        view.update()
    assert len(stage.state) == made


def test_the_static_bundle_replaces_the_widgets_under_the_same_id(stage, clock):
    run = StagedRun(**running())
    view = LiveRowsView(run, stop=lambda: None, clock=clock, name="tickets")
    view.open()
    run.change(**complete())
    view.close()
    view.close()
    (first, display_id, update, _), (last, same, updated, _) = stage.displays
    assert WIDGET in first
    assert (update, updated) == (False, True)
    assert same == display_id
    assert set(last) == {"text/html", "text/markdown", "text/plain"}
    assert "1,000 rows done" in last["text/html"]
    assert [state["state"] for state in stage.states] == ["live", "final"]
    assert "tickets.df" in stage.html()


def test_a_partial_table_is_sent_once_a_second_with_the_words_for_a_killed_kernel(stage, clock):
    run = StagedRun(**running(store="tickets.rows.sqlite"))
    view = LiveRowsView(run, clock=clock)
    view.open()
    for _ in range(50):
        run.change()
        clock.now += 0.1
        view.update()
    assert 4 <= len(stage.partials) <= 6
    data, state, _ = stage.partials[-1]
    assert set(data) == {"text/html", "text/plain"}
    assert "answer 20" in data["text/html"]
    assert state["state"] == "partial"
    assert state["cut"]["facts"][0] is None
    assert state["cut"]["facts"][1] == "500 of 1,000 rows (50 %)"
    assert "the same cell continues" in state["cut"]["remedy"]
    assert state["cut"]["ends"]["crash"][0] == "the kernel crashed"


def test_a_run_without_a_store_does_not_promise_to_continue(stage, clock):
    view = LiveRowsView(StagedRun(**running()), clock=clock)
    view.open()
    assert "lost" in stage.states[0]["cut"]["remedy"]


def test_the_button_says_what_the_next_click_does(stage, clock):
    run = StagedRun(**running())
    view = LiveRowsView(run, stop=lambda: None, clock=clock)
    view.open()
    assert [state["description"] for state in stage.state.values() if "description" in state].count(
        "Stop"
    ) == 1
    run.change(state="stopping")
    clock.now += 1
    view.update()
    assert "Stop now" in [state.get("description") for state in stage.state.values()]


def test_html_continues_when_the_widgets_fail(stage, clock):
    run = StagedRun(**running())
    view = LiveRowsView(run, stop=lambda: None, clock=clock)
    view.open()
    stage.broken = True
    run.change(rows=(shown_row(77),))
    clock.now += 1
    view.update()
    stage.broken = False
    assert "answer 77" in stage.displays[-1][0]["text/html"]
    assert "live widgets unavailable: RuntimeError" in stage.displays[-1][0]["text/html"]
    run.change(**complete())
    view.close()
    assert stage.states[-1]["state"] == "final"
    assert len({display_id for _, display_id, *_ in stage.displays}) == 1


def test_html_is_replaced_at_most_four_times_a_second(stage, clock):
    run = StagedRun(**running())
    view = HtmlRowsView(run, clock=clock)
    view.open()
    for _ in range(100):
        run.change()
        clock.now += 0.05
        view.update()
    assert 15 <= len(stage.displays) <= 22
    view.close()
    assert stage.states[-1]["state"] == "final"


# ------------------------------------------------------------------------------ unattended runs and terminals


def step_through(view, run, clock, *, seconds, rows=1_000):
    """Move a run to its end in as many steps as it has rows."""
    for n in range(1, rows + 1):
        run.change(state="running", counts={"complete": n}, total=rows)
        clock.now += seconds / rows
        view.update()
    run.change(state="complete")


def test_an_unattended_run_prints_a_line_for_each_tenth(stage, clock, capsys):
    run = StagedRun(total=1_000)
    view = UnattendedRowsView(run, clock=clock)
    view.open()
    step_through(view, run, clock, seconds=30)
    view.close()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11  # the start and each tenth
    assert lines[0] == "… preparing 1,000 rows"
    assert "100 of 1,000 rows (10 %)" in lines[1]
    assert [len(stage.displays), stage.displays[0][2]] == [1, False]


def test_a_slow_unattended_run_prints_a_line_each_minute(stage, clock, capsys):
    run = StagedRun(**running())
    view = UnattendedRowsView(run, clock=clock)
    view.open()
    for _ in range(1_000):
        clock.now += 1
        view.update()
    assert len(capsys.readouterr().out.splitlines()) == 17


class _Tty(io.StringIO):
    def isatty(self):
        return True


def test_a_stream_that_is_no_terminal_gets_few_lines_and_the_summary(clock):
    out, run = io.StringIO(), StagedRun(total=1_000)
    view = TerminalRowsView(run, out=out, clock=clock, table=False)
    view.open()
    step_through(view, run, clock, seconds=30)
    view.close()
    lines = out.getvalue().splitlines()
    assert len(lines) <= 16
    assert lines[-1].startswith("[✓ 1,000 rows done")
    assert "\x1b" not in out.getvalue()


def test_a_terminal_without_rich_gets_one_line_that_overwrites_itself(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out, run = _Tty(), StagedRun(**running(rows=(shown_row(1, text="\x1b[2Jgone"),)))
    view = TerminalRowsView(run, out=out, clock=clock)
    view.open()
    for n in range(20):
        run.change(counts={"complete": n})
        clock.now += 0.1
        view.update()
    run.change(**complete())
    view.close()
    text = out.getvalue()
    assert 6 <= text.count("\r\x1b[K") <= 12
    assert "\x1b[2J" not in text
    assert "T-0" in text.rpartition("\r\x1b[K")[2]


# ------------------------------------------------------------------------------ stopping


class _Shell:
    kernel = None


def test_a_click_lets_the_requests_in_flight_end_and_a_second_one_ends_them():
    run = StagedRun(**running())
    run.ends_on = 2
    watcher = RowsWatcher(run, select_rows_view(run))
    run.during_wait = iter([watcher.click, lambda: None, watcher.click])
    watcher.watch()
    assert run.stops == [(False, False), (True, False)]
    assert not watcher.interrupted


def test_two_interrupts_end_the_run_at_once_and_are_raised():
    run = StagedRun(**running())
    run.ends_on = 2

    def interrupt():
        raise KeyboardInterrupt

    run.during_wait = iter([lambda: None, interrupt, lambda: None, interrupt])
    with pytest.raises(Interrupted, match="Without a store, the same cell asks all rows again"):
        watch_rows(run, show=False)
    assert run.stops == [(False, True), (True, True)]


def test_an_error_of_a_view_ends_the_run(monkeypatch):
    run = StagedRun(**running())

    def fail():
        raise ValueError("a fault")

    run.during_wait = iter([fail])
    with pytest.raises(ValueError, match="a fault"):
        watch_rows(run, show=False)
    assert run.stops == [(True, False)]


@pytest.mark.parametrize("display", ["live", "html"])
def test_a_display_that_needs_a_notebook_is_refused_in_a_terminal(display):
    with pytest.raises(DisplayError, match="needs a notebook"):
        select_rows_view(StagedRun(), display=display, shell=_Shell())


def test_an_unknown_display_is_refused():
    with pytest.raises(DisplayError, match="Unknown display"):
        select_rows_view(StagedRun(), display="loud")


def test_a_script_shows_nothing_unless_its_standard_error_is_a_terminal(capsys):
    run = StagedRun(**running())
    run.during_wait = iter([lambda: run.change(**complete())])
    watch_rows(run)
    assert capsys.readouterr() == ("", "")


def test_a_script_that_asks_for_it_prints_the_summary_to_standard_error(capsys):
    run = StagedRun(**running())
    run.during_wait = iter([lambda: run.change(**complete())])
    watch_rows(run, show=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "1,000 rows done" in err
    assert "answer 1" not in err  # a script prints its own results


# ------------------------------------------------------------------------------ the value of a cell


class _Displayed(DisplayedRun):
    def __init__(self, **progress):
        self.held = RowProgress(**progress)

    @property
    def progress(self):
        return self.held


def test_a_run_as_the_value_of_a_cell_is_the_static_table():
    run = _Displayed(**complete())
    run.name = "tickets"
    bundle = run._repr_mimebundle_()
    assert bundle == rows_bundle(run.progress, name="tickets")
    assert run._repr_html_() == bundle["text/html"]
    assert repr(run).startswith("<RowRun complete: 1,000 rows done · 24 s · 790 answered")


def test_the_repr_of_a_run_is_one_harmless_line():
    run = _Displayed(**running(waiting=bad(), unasked={bad(): 2}))
    assert "\n" not in repr(run)
    assert_printable(repr(run), "repr")


def test_a_display_can_be_skipped_once():
    run = _Displayed(**complete())
    run.skip_next_display()
    assert run._ipython_display_() is None
    with pytest.raises(NotImplementedError):
        run._ipython_display_()
    run.skip_next_display()
    run.skip_next_display(skip=False)
    with pytest.raises(NotImplementedError):
        run._ipython_display_()


# ------------------------------------------------------------------------------ the preview of --dry-run


def preview(text="Classify: one", **more):
    known = {
        "prompts": (("T-1", text),),
        "model": "m-1",
        "tokens": 400,
        "prices": (TierPrice("flex", 0.5, "slow"),),
    }
    return RowsPreview(30, 19, {"done": 10, "skipped": 1}, **(known | more))


def test_a_preview_says_what_would_be_asked_in_every_form():
    bundle = preview()._repr_mimebundle_()
    for text in (text_of(bundle["text/html"]), bundle["text/plain"]):
        assert "19 of 30 rows would be asked" in text
        assert "10 answered before" in text
        assert "flex: about $0.500 (slow)" in text
        assert "Classify: one" in text
        assert "nothing was sent" in text
    assert "    Classify: one" in bundle["text/markdown"]


def test_prompts_of_a_preview_are_text_and_are_cut():
    for attack in payloads()[::5]:
        html = preview(attack, notices=(attack,), model=attack)._repr_mimebundle_()["text/html"]
        assert audit_output(html) == []
    for form, text in preview(bad(), notices=(bad(),), model=bad())._repr_mimebundle_().items():
        assert_printable(text, form)
    assert len(repr(preview("x" * 100_000))) < 5_000
    assert "(96,000 more characters)" in repr(preview("x" * 100_000))
