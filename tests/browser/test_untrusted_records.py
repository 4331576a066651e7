"""A record that someone else wrote neither breaks the inspector nor stops the page."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import time

import pytest
from calibration import assert_soon
from inspector_stage import finished_answer
from modules_page import call, modules_page
from step_stage import step_ledger
from tool_answers import add_parts, begin_round, end_answer, end_round, run_of, tool_ledger

from gemini_magic.response import Response
from gemini_magic.views.record import record
from gemini_magic.views.step_lanes import step_lanes
from gemini_magic.views.steps import ShownStep

WRONG = [
    None,
    True,
    -1,
    0.5,
    1e308,
    "x",
    "__proto__",
    [],
    {},
    {"toString": 1, "valueOf": 2},
    [[[{}]]],
    [None],
    [{"toString": 0}],
    {"0": 1, "length": 9},
]
# Opens the inspector of each record, selects every tab, filters, opens a chunk, and exports. Returns what failed.
USE = """
    const { readRecord, RecordError } = await import('/inspector/record.js');
    const { Chunks } = await import('/inspector/chunks.js');
    const { parseFilter } = await import('/inspector/filter.js');
    const out = await import('/inspector/export.js');
    const failed = [];
    for (const [name, text] of a) {
      try {
        const checked = readRecord(JSON.parse(text));
        const chunks = new Chunks(checked);
        const inspector = new m.Inspector(checked, { isOpen: true, maxSize: 1e9 });
        document.body.append(inspector.node);
        for (const tab of inspector.node.querySelectorAll('[role=tab]')) {
          tab.click();
        }
        if (inspector.node.querySelectorAll('[role=tab]').length !== 6 + Number(checked.tools.length > 0) + Number(checked.steps.length > 0)) {
          failed.push([name, 'tabs are missing']);
        }
        inspector._select('Chunks').openChunk?.(0);
        out.toJson(chunks); out.toSse(chunks); out.toCsv(chunks); out.toRecording(checked, chunks); out.toCurl(checked);
        for (const filter of ['kind=text', 'text', 'usageMetadata', 'candidates.*.index>1', '/a/', 'finish~S', 't>1']) {
          const test = parseFilter(filter);
          for (let index = 0; index < chunks.length; index++) test(chunks, index);
        }
        inspector.dispose();
        inspector.node.remove();
      } catch (error) {
        if (!(error instanceof RecordError)) failed.push([name, String(error.stack)]);
      }
    }
    return failed;
"""
SEARCH = """
    const { Chunks } = await import('/inspector/chunks.js');
    const { readRecord } = await import('/inspector/record.js');
    const { chunksPanel } = await import('/inspector/panels.js');
    const chunks = new Chunks(readRecord(a.record));
    const panel = chunksPanel(chunks, () => {});
    document.body.append(panel.node);
    const field = panel.node.querySelector('.gmi-filter');
    const started = performance.now();
    let longest = 0, last = started;
    const ticks = setInterval(() => { longest = Math.max(longest, performance.now() - last); last = performance.now(); }, 20);
    field.value = a.filter;
    field.dispatchEvent(new Event('input'));
    const text = name => panel.node.querySelector(name).textContent;
    while (performance.now() - started < 8000) {
      await new Promise(resolve => setTimeout(resolve, 50));
      if (text('.gmi-filter-error') || text('.gmi-count').includes(' of ')) break;
    }
    clearInterval(ticks);
    panel.dispose();
    panel.node.remove();
    return { error: text('.gmi-filter-error'), count: text('.gmi-count'), longest };
"""


@pytest.fixture(scope="module")
def modules(_context):
    page = modules_page(_context)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    page.close()


def answer_with_tools():
    ledger = tool_ledger(
        run_of(result="<b>21</b>", started=1.0, seconds=0.5, stdout="one\n", approved="you"),
        run_of("x\u202e", number=1, state="failed", message="no", started=1.5, seconds=0.1, stderr="two"),
    )
    end_round(ledger, t=1.0, usage={"prompt": 10, "output": 5, "total": 15})
    begin_round(ledger, 1, t=2.0)
    add_parts(ledger, "It is warm.", t=2.5)
    return end_answer(ledger, t=3.0)


@pytest.fixture(scope="module")
def saved():
    tools = record(answer_with_tools())
    made = record(finished_answer()) | {name: tools[name][:1] for name in ("rounds", "tools")}
    return made | {"steps": record(step_ledger())["steps"][1:2]}


def variants(value, path=()):
    """Copies of a JSON value in which one value, at any place, has a wrong type. At most three entries of a list are changed."""
    for wrong in WRONG:
        yield path, wrong
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    )
    for key, child in inner:
        yield from variants(child, (*path, key))


def replaced(value, path, wrong):
    if not path:
        return wrong
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], wrong)
    return changed


def test_a_value_of_a_wrong_type_at_any_place_does_not_break_the_inspector(modules, saved):
    columns = json.loads(saved["chunks"])
    cases = [
        (f"{path} = {wrong}", json.dumps(replaced(saved, path, wrong))) for path, wrong in variants(saved)
    ]
    cases += [
        (
            f"chunks {path} = {wrong}",
            json.dumps({**saved, "chunks": json.dumps(replaced(columns, path, wrong))}),
        )
        for path, wrong in variants(columns)
    ]
    assert len(cases) > 2000
    for start in range(0, len(cases), 200):
        assert call(modules, "inspector/inspector.js", USE, cases[start : start + 200]) == []
    assert modules.errors == []


def test_the_inspector_reads_the_rounds_and_tool_runs_that_the_kernel_writes(modules):
    code = """
        const { readRecord } = await import('/inspector/record.js');
        const { toolsPanel } = await import('/inspector/tools_tab.js');
        const read = readRecord(a);
        const { node } = toolsPanel(read);
        const { longestGap, sortedGaps } = await import('/inspector/gaps.js');
        const { Chunks } = await import('/inspector/chunks.js');
        const chunks = new Chunks(read);
        return { gaps: Array.from(sortedGaps(chunks)), longest: chunks.gap(longestGap(chunks)), read: { rounds: read.rounds, tools: read.tools }, text: node.textContent,
          open: node.querySelectorAll('details').length };
    """
    ledger = answer_with_tools()
    made, timing = record(ledger), Response(ledger).timing
    found = call(modules, "inspector/record.js", code, made)
    for kept, row in zip(found["read"]["tools"], made["tools"], strict=True):
        assert {name: value for name, value in kept.items() if value not in ("", None, [])} == row
    for kept, row in zip(found["read"]["rounds"], made["rounds"], strict=True):
        usage = {name: value for name, value in kept["usage"].items() if value is not None}
        wanted = {name: value for name, value in (row.get("usage") or {}).items() if value is not None}
        assert usage == wanted
        assert {name: kept[name] for name in row if name != "usage"} == {
            n: v for n, v in row.items() if n != "usage"
        }
    assert found["open"] == 2
    assert found["longest"] == pytest.approx(timing.longest_gap) == max(found["gaps"])
    for text in (
        "Round 1: 3 chunks, 2 calls, 15 tokens, 1.00 s, STOP",
        "<b>",
        "printed",
        "approved by the user",
        "⟨U+202E⟩",
    ):
        assert text in found["text"], found["text"]


def test_the_inspector_has_the_steps_and_the_lanes_that_the_kernel_writes(modules):
    code = """
        const { readRecord } = await import('/inspector/record.js');
        const { Chunks } = await import('/inspector/chunks.js');
        const { Timeline } = await import('/inspector/timeline.js');
        const opened = [];
        const read = readRecord(a.record);
        const { node, onShow } = m.stepsPanel(read, index => opened.push(index));
        document.body.append(node);
        onShow();
        node.querySelectorAll('.gmi-row')[1].click();
        const rows = [...node.querySelectorAll('.gmi-row')].slice(0, read.steps.length)
          .map(row => [...row.children].map(cell => cell.textContent));
        node.remove();
        const timeline = new Timeline(read, new Chunks(read), () => {});
        const chart = timeline.draw(600);
        timeline.dispose();
        return { opened, rows, lanes: m.stepLanes(readRecord({ v: 1, steps: a.many }).steps, a.end),
          titles: [...chart.querySelectorAll('.gmi-step-tool title')].map(each => each.textContent),
          names: [...chart.querySelectorAll('.gmi-lane')].map(each => each.textContent) };
    """
    steps = [
        ShownStep(
            n,
            f"kind{n % 12}_{'result' if n % 24 > 11 else 'call'}",
            str(n % 12),
            "",
            n / 9,
            n / 9 + 0.05,
            n,
            n,
        )
        for n in range(900)
    ]
    many = [{name: value for name, value in each._asdict().items() if name != "number"} for each in steps]
    given = {"record": record(step_ledger()), "many": many, "end": 100.0}
    found = call(modules, "inspector/steps.js", code, given)
    assert found["rows"][1] == ["1", "google_search_call", "", "1.000", "100 ms", "20"]
    assert found["opened"] == [2]
    assert found["names"] == ["thinking", "answer", "bytes", "thought", "search", "code", "output"]
    assert found["titles"] == ["google_search, 1.00 s – 3.00 s, 42 tokens", "code_execution, 3.00 s – 4.00 s"]
    for lane, kept in zip(step_lanes(steps, 100.0), found["lanes"], strict=True):
        assert lane.kind == kept["kind"]
        assert [(span.start, span.end, span.steps, span.tokens) for span in lane.spans] == [
            (span["start"], span["end"], span["steps"], span["tokens"]) for span in kept["spans"]
        ]


def test_the_events_of_steps_are_described(modules):
    chunks = [
        {"index": 0, "step": {"type": "mcp_server_tool_call", "name": "forecast"}},
        {"index": 0, "delta": {"type": "text", "text": "Hi"}},
        {"index": 0, "delta": {"type": "thought_summary", "content": {"text": "Hm"}}},
        {"index": 0, "delta": {"type": "google_search_call", "arguments": {"queries": ["x"]}}},
        {"index": 0, "delta": {"type": "image", "mime_type": "image/png", "data": "A" * 4000}},
        {"index": 0, "event_type": "step.stop"},
        {"delta": 7, "step": [3]},
        {"delta": {"type": {"toString": 1}}},
    ]
    found = call(modules, "inspector/parts.js", "return a.map(m.describeParts)", chunks)
    assert found == [
        "begins mcp_server_tool_call forecast",
        "",
        "",
        'google_search_call {"arguments":{"queries":["x"]}}',
        "image/png, 3.0 kB",
        "",
        "",
        "",
    ]


def test_a_small_record_that_expands_does_not_stop_the_page(modules):
    count = 100_000
    columns = {"t": [1] * count, "size": [1] * count, "kinds": ["text"], "kind": [0] * count}
    columns |= {"shapes": [['{"a":"' + "x" * 5000, '"}']], "json": [[0]] * count}
    data = {"v": 1, "chunks": json.dumps(columns, separators=(",", ":"))}
    assert len(json.dumps(data)) < 1_500_000
    code = """
        const { readRecord } = await import('/inspector/record.js');
        const inspector = new m.Inspector(readRecord(a), { isOpen: true, maxSize: 1e9 });
        document.body.append(inspector.node);
        const started = performance.now();
        [...inspector.node.querySelectorAll('.gmi-exports button')].find(each => each.textContent === 'JSON').click();
        await new Promise(resolve => setTimeout(resolve, 0));
        const text = inspector.node.querySelector('.gmi-message').textContent;
        inspector.node.remove();
        return { time: performance.now() - started, text };
    """
    result = call(modules, "inspector/inspector.js", code, data)
    assert result["time"] < 5000
    assert result["text"] == "64 MB are too much for the clipboard. Save JSONL instead."


def test_a_long_text_is_copied_without_the_clipboard_api(modules):
    code = """
        const area = document.createElement('textarea');
        document.body.append(area);
        Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true });
        const started = performance.now();
        const isCopied = await m.copyToClipboard('a\\n"b'.repeat(1_000_000));
        const time = performance.now() - started;
        delete navigator.clipboard;
        return { isCopied, time, length: (await navigator.clipboard.readText()).length };
    """
    modules.context.grant_permissions(["clipboard-read", "clipboard-write"])
    modules.bring_to_front()
    result = call(modules, "inspector/export.js", code)
    assert result["isCopied"]
    assert result["length"] == 4_000_000
    assert result["time"] < 3000


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "a;=1+1",
    'a;"=1',
    "a\n=1",
    "a\t@x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "−1",
    "﹦1",
]


def test_no_cell_of_the_csv_file_is_a_formula_however_the_spreadsheet_splits_it(modules):
    code = """
        const { Chunks } = await import('/inspector/chunks.js');
        const { readRecord } = await import('/inspector/record.js');
        return m.toCsv(new Chunks(readRecord(a)));
    """
    columns = {"t": [1] * len(FORMULAS), "kinds": ["=kind"], "kind": [0] * len(FORMULAS)}
    columns |= {
        "text": [len(each) for each in FORMULAS],
        "finish": [[n, f"={n}"] for n in range(len(FORMULAS))],
    }
    text = call(
        modules,
        "inspector/export.js",
        code,
        {"v": 1, "text": "".join(FORMULAS), "chunks": json.dumps(columns)},
    )
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["text"].replace("'", "") for row in rows] == FORMULAS
    cells = [cell for row in rows for cell in row.values()]
    for separator in (";", "\t", "\n", "\r"):
        cells += [cell for cell in text.split(separator) if separator != "\n" or not cell[:1].isdigit()]
    for cell in cells:
        assert not re.match(r'[\s"]*[=+\-@＝＋－＠−﹦]', cell), cell


@pytest.mark.parametrize("filter_text", ["/(a+)+$/", "text ~ (a|aa)+$", "text !~ (a+)+$"])
def test_a_regular_expression_that_never_ends_is_stopped_while_the_page_stays_usable(modules, filter_text):
    text = "a" * 40 + "!"
    data = {
        "v": 1,
        "text": text,
        "chunks": json.dumps({"t": [1], "text": [len(text)], "kinds": ["text"], "kind": [0]}),
    }
    begun = time.monotonic()
    found = call(modules, "inspector/expression_search.js", SEARCH, {"record": data, "filter": filter_text})
    assert "was stopped after 2 s" in found["error"]
    assert_soon(found["longest"] / 1000, 1)
    assert_soon(time.monotonic() - begun, 8)


def test_a_regular_expression_finds_chunks(modules, saved):
    found = call(
        modules, "inspector/expression_search.js", SEARCH, {"record": saved, "filter": "/Thought [0-3]/"}
    )
    assert (found["error"], found["count"]) == ("", "4 of 40 chunks")
    found = call(
        modules, "inspector/expression_search.js", SEARCH, {"record": saved, "filter": "thought !~ Thought"}
    )
    assert (found["error"], found["count"]) == ("", "34 of 40 chunks")


def test_without_workers_no_regular_expression_is_searched_for(_context, saved):
    page = modules_page(_context, policy="worker-src 'none'")
    try:
        found = call(page, "inspector/expression_search.js", SEARCH, {"record": saved, "filter": "/(a+)+$/"})
        assert "does not allow workers" in found["error"]
        found = call(page, "inspector/expression_search.js", SEARCH, {"record": saved, "filter": "Thought 3"})
        assert found["count"] == "1 of 40 chunks"
    finally:
        page.close()
