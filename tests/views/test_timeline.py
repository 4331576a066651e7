"""The timeline: its data, the safety, size and legibility of the image, and the sparkline."""

from __future__ import annotations

import itertools
import random
import re
from xml.etree import ElementTree as ET

import pytest
from calibration import assert_ratio_below
from surroundings import CANARY
from view_stage import ATTACK, ENDINGS, feed, finished, new_ledger

from gemini_magic import Response
from gemini_magic.errors import OptionError
from gemini_magic.events import Note
from gemini_magic.ledger.exchange import Exchange, Pause
from gemini_magic.tables import Rows
from gemini_magic.views import Timeline, bundle, page
from gemini_magic.views import timeline_svg as drawing
from gemini_magic.views.snapshot import AnswerSnapshot
from gemini_magic.views.timeline_data import BLOCKS, COLUMNS, sparkline, timeline_data
from gemini_magic.views.units import byte_size, duration, tick_label, ticks

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "desc", "title", "g", "rect", "path", "text"}
# What html5lib's sanitizer allows: no class, nothing that loads or runs, and one style that may be removed.
ATTRIBUTES = {
    *("viewBox", "width", "height", "role", "x", "y", "rx", "d"),
    *("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray"),
    *("font-family", "font-size", "font-weight", "text-anchor"),
}


def elements(svg):
    return list(ET.fromstring(svg).iter())


def texts(svg):
    return [each.text for each in elements(svg) if each.text]


def exchange(attempt=0, *, status=200, problem=None, waited=0.0, started=0.0, last=None):
    made = Exchange("POST", "https://x", (), b"", attempt=attempt)
    made.status, made.problem, made.waited, made.started = status, problem, waited, started
    made.pieces = [] if last is None else [(last, b"x")]
    made.end = None if last is None else "eof"
    return made


def steady(*, thoughts=3, texts=9, first=1.0, step=0.1):
    ledger = new_ledger()
    ledger.mark("first_byte", first)
    for number in range(thoughts + texts):
        share = {"thought": "hm"} if number < thoughts else {"text": "word "}
        feed(ledger, t=first + number * step, usage={"prompt": 7, "output": number, "total": 7}, **share)
    return ledger


def long(count):
    ledger, chance, t = new_ledger(), random.Random(count), 1.0
    for number in range(count):
        t += chance.expovariate(100)
        share = [{"thought": "hm "}, {"text": "word "}, {"text": "word "}, {}][number % 4]
        usage = {"prompt": 9, "output": number, "thoughts": number // 3, "total": 9 + number}
        feed(ledger, t=t, usage=usage, **share)
    ledger.close("end", t=t)
    return ledger


def retried():
    ledger = new_ledger()
    ledger.begin(exchange(status=503, problem="503: overloaded", last=0.25))
    ledger.mark("first_byte", 0.25)
    ledger.begin(exchange(1, waited=2.0, started=2.5))
    for number in range(10):
        feed(ledger, "word ", t=3.0 + number / 10)
    ledger.exchanges[-1].pieces = [(1.4, b"x")]
    return ledger


def hostile():
    ledger = new_ledger(model=f"\x1b[2J</text>\ufffe\ud800\u202e{ATTACK}")
    ledger.begin(exchange(status=500, problem=f"\x07{ATTACK} AIza{'x' * 30}", last=0.1))
    ledger.begin(exchange(1, started=0.2))
    feed(ledger, ATTACK, t=0.5)
    ledger.close("cut", t=1.0)
    return ledger


CASES = {
    **ENDINGS,
    "steady": steady,
    "long": lambda: long(3000),
    "retried": retried,
    "empty": new_ledger,
    "one": lambda: feed(new_ledger(), "hi", t=0.7),
    "all-at-zero": lambda: finished("a b c", t=0.0, thought="hm"),
    "hostile": hostile,
}


# ------------------------------------------------------------------------------------------ what it shows


def test_chunks_are_in_the_lane_and_the_column_of_their_arrival():
    ledger = steady()
    feed(ledger, finish="STOP", t=3.0)
    ledger.close("end", t=4.0)
    shown = timeline_data(ledger)
    assert (shown.end, shown.chunks, shown.size) == (4.0, 13, 26)
    assert {name: sum(bar.chunks for bar in bars) for name, bars in shown.lanes.items()} == {
        "thinking": 3,
        "answer": 9,
        "other": 1,
    }
    first = shown.lanes["answer"][0]
    assert (first.first, first.t, first.chars) == (3, 1.3, 5)
    assert first.column == int(1.3 / 4 * COLUMNS)
    assert shown.moments == [("first byte", 1.0), ("first thought", 1.0), ("first text", 1.3)]
    assert (shown.longest_gap.start, shown.longest_gap.end, shown.longest_gap.label) == (
        2.1,
        3.0,
        "longest gap",
    )
    assert shown.usage_steps[-1][1:] == (7, 11, 0)
    assert shown.attempts == []


def test_the_time_before_a_bad_end_counts_as_a_gap():
    shown = timeline_data(ENDINGS["stalled"]())
    assert (shown.longest_gap.start, shown.longest_gap.end, shown.longest_gap.label) == (
        1.0,
        61.0,
        "no data",
    )


GAPS = [
    (0.051, 0.051, False),
    (0.051, 0.1, False),
    (0.051, 0.16, True),
    (0.001, 0.09, False),
    (0.001, 0.11, True),
]


@pytest.mark.parametrize(("step", "gap", "notable"), GAPS)
def test_a_gap_is_drawn_only_if_it_is_far_longer_than_the_median(step, gap, notable):
    ledger, t = new_ledger(), 1.0
    for number in range(12):
        t += gap if number == 6 else step
        feed(ledger, "word ", t=t)
    feed(ledger, finish="STOP", t=t + step)
    ledger.close("end", t=t + step)
    made = Timeline(ledger)
    text = f"longest gap {duration(gap)}"
    assert (text in texts(made.svg)) == notable
    assert ('fill="#b97a16"' in made.svg) == notable
    assert f"{text} at " in " ".join(texts(made.svg))  # the summary always has it


def test_attempts_and_the_pause_between_them():
    ledger = retried()
    ledger.close("end", t=4.0)
    failed, pause, last = timeline_data(ledger).attempts
    assert (failed.kind, failed.start, failed.end) == ("failed", 0.0, 0.5)  # silent until it was given up
    assert (pause.kind, pause.start, pause.end) == ("pause", 0.5, 2.5)
    assert (last.kind, last.start, last.end) == ("attempt", 2.5, 4.0)
    assert failed.label == "attempt 1: HTTP 503, 503: overloaded"
    assert "attempt 1: HTTP 503, 503: overloaded, 500 ms" in str(Timeline(ledger)).splitlines()
    assert "wait before attempt 2, 2.00 s" in str(Timeline(ledger))


def test_a_running_ledger_is_shown_up_to_now_and_the_timeline_does_not_change_later():
    ledger = steady()
    made = Timeline(ledger, now=5.0)
    assert made.data.end == 5.0
    before = made.svg, str(made)
    feed(ledger, "more", t=6.0)
    ledger.close("end", t=6.0)
    assert (made.svg, str(made)) == before
    assert "running 5.00 s" in texts(made.svg)
    assert Timeline(ledger).data.end == 6.0


def test_a_current_pause_is_shown():
    ledger = new_ledger()
    ledger.begin(exchange(status=503, problem="503: overloaded", last=0.2))
    ledger.set_phase("retrying", Pause("503: overloaded", 9.0, 2, 4))
    tries = timeline_data(ledger, now=3.0).attempts
    assert [span.kind for span in tries] == ["failed", "pause"]
    assert tries[-1].label == "retrying in 6 s (503: overloaded), attempt 2 of 4"
    assert tries[-1].end == 3.0


def test_without_arrival_times_the_chunks_are_shown_in_order(tmp_path):
    body = exchange(last=1.0)
    body.pieces = [
        (0.5, b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'),
        (1.0, b'data: {"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}\n\n'),
    ]
    ledger = new_ledger()
    ledger.begin(body)
    ledger.close("end", t=1.0)
    Response(ledger).save(tmp_path / "bare.sse")
    made = Response.load(tmp_path / "bare.sse").timeline()
    remark = "This recording has no arrival times. The chunks are shown in order."
    assert remark in texts(made.svg)
    assert remark in str(made)
    assert [bar.column for bar in made.data.lanes["answer"]] == [COLUMNS // 4, COLUMNS * 3 // 4]
    assert "0" in texts(made.svg)  # chunks on the axis, not seconds
    assert not [text for text in texts(made.svg) if text.endswith(" ms")]


@pytest.mark.parametrize(
    "times",
    [
        [-3.0, -2.0, -1.0, 1.0] * 3,
        [*range(9), 2.0],
        [float("nan")] * 9,
        [*range(8), float("inf")],
        [*range(-9, 0)],
        [float("nan"), *range(9)],
    ],
)
def test_invalid_times_are_replaced_by_the_order(times):
    ledger = new_ledger()
    for t in times:
        feed(ledger, "x", t=float(t))
    ledger.close("end", t=1.0)
    made = Timeline(ledger)
    remark = "The arrival times of this recording are not valid. The chunks are shown in order."
    assert remark in " ".join(texts(made.svg))
    assert len(made.data.lanes["answer"]) == len(times)
    assert len(sparkline(ledger)) in (0, 16)


@pytest.mark.parametrize(
    "counts",
    [(-5, -7), (1, -1), (10**400, 3), (0, 0), (None, None), (5, None)],
    ids=lambda pair: str(pair)[:20],
)
def test_invalid_token_counts_are_accepted(counts):
    ledger = new_ledger()
    for output, thoughts in (counts, counts[::-1]):
        feed(ledger, "x", t=1.0, usage={"prompt": output, "output": output, "thoughts": thoughts, "total": 1})
    ledger.close("end", t=2.0)
    assert elements(Timeline(ledger).svg)
    assert str(Timeline(ledger))


def test_a_remark_says_that_no_chunks_were_received():
    for ledger, now in ((new_ledger(), 2.0), (new_ledger(), 0.0), (ENDINGS["refused"](), None)):
        made = Timeline(ledger, now=now)
        assert "No chunks received." in texts(made.svg)
        assert "No chunks received." in str(made)


def test_the_tooltip_of_a_bar_describes_its_chunks():
    ledger = steady(thoughts=0, texts=3, step=0.0001)
    ledger.close("end", t=2.0)
    assert "3 chunks from #0 · 1.00 s · 6 B · 15 chars" in texts(Timeline(ledger).svg)


# -------------------------------------------------------------------------------------------- the image


@pytest.mark.parametrize("name", CASES)
def test_the_image_is_xml_with_basic_shapes_and_text_only(name):
    made = Timeline(CASES[name](), now=2.0)
    whole, *_ = every = elements(made.svg)
    assert whole.attrib.pop("style") == "max-width:100%;height:auto"
    assert whole.attrib["viewBox"].split()[2:] == [whole.attrib["width"], whole.attrib["height"]]
    for each in every:
        assert each.tag.removeprefix(SVG) in ELEMENTS
        assert set(each.attrib) <= ATTRIBUTES
    assert not re.search(r"url\(|script|javascript:|&#|href", re.sub(r">[^<]*<", "><", made.svg))
    shown = "".join(texts(made.svg)) + str(made)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown.replace("\n", " "))
    assert "AIzax" not in shown
    assert CANARY not in shown


@pytest.mark.parametrize("name", CASES)
def test_the_image_is_readable_in_an_output_of_370_pixels(name):
    whole, *rest = elements(Timeline(CASES[name](), now=2.0).svg)
    width, size = float(whole.attrib["width"]), float(whole.attrib["font-size"])
    assert size * 370 / width >= 8.5
    for each in rest:
        if each.tag == f"{SVG}text":
            length, x = len(each.text or "") * size * 0.5, float(each.attrib["x"])  # narrow letters
            start = {"start": x, "middle": x - length / 2, "end": x - length}[each.attrib["text-anchor"]]
            assert start >= -4
            assert start + length <= width + 4


def test_text_from_the_server_stays_text():
    made = Timeline(hostile())
    assert "</text>⟨U+202E⟩" in "".join(texts(made.svg)).replace("\ufffd", "")
    assert "<script>" in made._repr_mimebundle_()["text/plain"]
    assert "<script" not in made.svg


def test_labels_never_overlap_and_lines_never_cross_them():
    chance = random.Random(7)
    for _ in range(300):
        labels = drawing._Labels()
        right = drawing._RIGHT
        for x in [right, *sorted(chance.uniform(84, right) for _ in range(4))]:
            labels.add(x, "x" * chance.randint(5, 40), "#000")
        placed = [flag[1:4] for flag in labels._labels]
        for (start, stop, row), (begin, end, other) in itertools.combinations(placed, 2):
            assert row != other or stop <= begin or end <= start
        for x, first, last, _ in labels.lines():
            rows = {row for begin, end, row in placed if begin < x < end}
            assert not [row for row in rows if first <= row < (last or 99)]
        assert all(start >= 0 for _, start, *_ in labels._labels)


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "ground", ["#ffffff", "#111111", "#0d1117"]
)  # JupyterLab's two and GitHub's dark one
def test_every_color_is_legible_on_white_and_on_black(ground):
    everything = Timeline(retried(), now=9.0).svg + Timeline(steady(), now=4.0).svg + Timeline(finished()).svg
    colours = set(re.findall('(?:fill|stroke)="(#[0-9a-f]{6})"', everything)) - {
        "#808080"
    }  # the ground itself
    assert len(colours) == 6
    for colour in colours:
        lighter, darker = sorted((_luminance(colour), _luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) > 3.5, colour


def test_twenty_thousand_chunks_give_a_small_image_in_linear_time():
    few, many = long(2_500), long(20_000)
    for ledger in (few, many):
        assert (
            len(Rows(ledger.usage_columns)) == ledger.chunk_columns.length
        )  # made once, before the clock runs
    made = Timeline(many)
    assert len(made.svg.encode()) < 60_000
    assert sum(bar.chunks for bars in made.data.lanes.values() for bar in bars) == 20_000
    assert [len(bars) for bars in made.data.lanes.values()] == [COLUMNS] * 3
    ratio = assert_ratio_below(lambda: Timeline(many).svg, lambda: Timeline(few).svg, 3 * 8)
    print(f"timeline of 20,000 chunks: {len(made.svg):,} bytes, {ratio:.1f} times the CPU time of 2,500")


# ------------------------------------------------------------------------------------------ texts and axes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0.4 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.00 s"),
        (1.314, "1.31 s"),
        (9.996, "10.0 s"),
        (59.96, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (1e308, "16666666666 min 40 s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_sizes():
    assert [byte_size(size) for size in (0, 999, 1000, 18_345, 999_960, 2_345_678)] == [
        *("0 B", "999 B", "1.0 kB", "18.3 kB", "1.0 MB", "2.3 MB")
    ]


@pytest.mark.parametrize("end", [0.0007, 0.013, 0.3, 1, 1.26, 4.85, 15.6, 61, 200, 599, 601, 4000, 90_000])
def test_ticks_are_round_and_few(end):
    places = ticks(end)
    assert 3 <= len(places) <= 9
    assert places[0] == 0
    assert places[-1] <= end * 1.0001
    unit = 60 if end >= 600 else 1
    digits = f"{places[1] / unit:.6e}"
    assert digits[0] in "125"
    assert set(digits[1:8]) <= set(".0")
    assert len({tick_label(place, end) for place in places}) == len(places)
    assert all(len(tick_label(place, end)) < 9 for place in places)


# -------------------------------------------------------------------------------------- text, file, bundle


@pytest.mark.parametrize("name", CASES)
def test_the_text_fits_a_terminal(name):
    lines = str(Timeline(CASES[name](), now=2.0)).splitlines()
    assert all(len(line) <= 79 for line in lines if not line.startswith("attempt "))
    assert all(len(line) <= 300 for line in lines)


@pytest.mark.parametrize("end", [0.00105, 0.9, 1.0, 2.0, 15.6, 599.0, 1200.0, 90_000.0])
def test_lanes_and_axis_fit_a_narrow_notebook(end):
    ledger = new_ledger()
    for n in range(200):
        feed(ledger, "word ", thought="hm" if n < 50 else "", t=end * (n + 1) / 200)
    ledger.close("end", t=end)
    lines = str(Timeline(ledger)).splitlines()
    drawn = [line for line in lines if "╵" in line or set(line) & set(BLOCKS)]
    assert len(drawn) >= 2
    assert all(len(line) <= 48 for line in lines if not line.startswith("attempt "))
    assert drawn[-1].count("╵") >= 2
    assert drawn[-1].rindex("╵") <= 9 + 34


def test_lines_are_wrapped_between_facts():
    ledger = steady(thoughts=0, texts=40)
    ledger.model_version = "a-model-with-a-rather-long-name-of-its-own"
    ledger.close("end", t=9.0)
    first, second, *_ = str(Timeline(ledger)).splitlines()
    assert first.endswith(" ·")
    assert second.startswith("  ")
    assert f"{first} {second.strip()}".split(" · ")[1].startswith("truncated: ended without a finish reason")


def test_the_text_shows_each_lane_with_block_characters():
    ledger = steady()
    ledger.close("end", t=2.5)
    lines = str(Timeline(ledger)).splitlines()
    thinking = next(line for line in lines if line.startswith("thinking"))
    answer = next(line for line in lines if line.startswith("answer"))
    assert thinking.count("█") == 3
    assert answer.index("█") > thinking.rindex("█")
    assert lines[-2:] == ["first byte 1.00 s · first thought 1.00 s ·", "  first text 1.30 s"]


def test_a_notebook_gets_an_image_and_text():
    made = Timeline(finished())
    assert made._repr_mimebundle_() == {"image/svg+xml": made.svg, "text/plain": str(made)}
    assert repr(made) == "<Timeline: 1 chunk · 2 B>"


def test_it_is_saved_as_svg_only(tmp_path):
    made = Timeline(finished())
    assert made.save(tmp_path / "new" / "line.svg").read_text("utf-8") == made.svg
    with pytest.raises(OptionError) as caught:
        made.save(tmp_path / "line.png")
    assert caught.value.message == "A timeline is saved as an SVG file, but the name is 'line.png'."
    assert ".svg" in caught.value.remedy
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OptionError, match="Cannot write"):
        made.save(tmp_path / "file" / "line.svg")


# ------------------------------------------------------------------------------------------- the sparkline


def test_a_sparkline_counts_chunks_over_time():
    ledger = new_ledger()
    for t in (2.0, *[3.0 + n / 100 for n in range(12)], 4.0):
        feed(ledger, "x", t=t)
    blocks = sparkline(ledger)
    assert len(blocks) == 16
    assert set(blocks[:8]) == {BLOCKS[0]}  # two of four seconds without anything
    assert blocks[8] == blocks[-1] == "▂"  # one chunk is more than none
    assert blocks[12] == "█"


def test_short_streams_and_streams_without_times_have_no_sparkline():
    assert sparkline(new_ledger()) == ""
    assert sparkline(steady(thoughts=0, texts=7)) == ""
    assert sparkline(steady(thoughts=0, texts=8)) != ""
    assert sparkline(steady(step=0.0)) == ""


def test_the_status_line_of_a_finished_answer_has_a_sparkline_with_a_text_alternative():
    ledger = steady()
    assert "gm-spark" not in page.status_html(AnswerSnapshot(ledger))
    feed(ledger, finish="STOP", t=2.2)
    ledger.close("end", t=2.2)
    line = page.status_html(AnswerSnapshot(ledger))
    label = "Arrival of 13 chunks, from the request to the last chunk"
    assert (
        f'<span class="gm-spark" style="opacity:.5" role="img" aria-label="{label}" title="{label}">{sparkline(ledger)}</span>'
        in line
    )
    assert line in bundle(ledger)["text/html"]
    assert "gm-spark" not in page.status_html(AnswerSnapshot(finished()))


def test_a_note_about_a_broken_recording_does_not_remove_its_times():
    ledger = steady()
    ledger.notes.append(Note("recording-lacks", "Line 3 of x.jsonl is broken."))
    ledger.close("end", t=2.2)
    assert timeline_data(ledger).remark == ""
