/**
 * The steps of an answer: the panel of the Steps tab, and the lanes of the timeline.
 *
 * A lane has the steps of one kind, as in `gemini_magic/views/step_lanes.py`.
 */

import { html, svg } from './dom.js';
import { formatDuration, formatNumber, formatSeconds, quantity, reveal, singleLine } from './format.js';
import { Table } from './table.js';

/** @typedef {import('./record.js').StepRecord} StepRecord */

/**
 * Several steps that are close together are one span.
 *
 * @typedef {{ start: number, end: number, steps: number, tokens: number | null, label: string }} StepSpan
 */

/** @typedef {{ kind: string, name: string, spans: StepSpan[] }} StepLane */

// Sizes in pixels.
const LANE_HEIGHT = 16;
const BAR_HEIGHT = 10;

const MAX_LANES = 8;
const MAX_SPANS = 80; // of a lane
const MAX_NAME = 10; // letters of the name of a lane
const OTHER = 'other steps';

/** The names of lanes that are not named as their kind. */
const NAMES = new Map([
  ['model_output', 'output'],
  ['google_search', 'search'],
  ['code_execution', 'code'],
  ['function', 'functions'],
  ['url_context', 'pages'],
  ['google_maps', 'maps'],
  ['file_search', 'files'],
  ['mcp_server_tool', 'MCP'],
  ['processing', 'media']
]);

/** The class of the bars of a kind; all others are tools. */
const CLASSES = new Map([
  ['thought', 'gmi-step-thought'],
  ['model_output', 'gmi-step-output']
]);

/**
 * @param {string} type
 * @returns {string} the type without the ending of a call or a result
 */
const kindOf = type => type.replace(/_call$/, '').replace(/_result$/, '');

/**
 * @param {number | null} first
 * @param {number | null} second
 * @returns {number | null} the sum of those that are known
 */
const sumOf = (first, second) => (first === null || second === null ? (first ?? second) : first + second);

/**
 * @param {StepSpan} first
 * @param {StepSpan} second
 * @returns {StepSpan}
 */
const join = (first, second) => ({
  start: Math.min(first.start, second.start),
  end: Math.max(first.end, second.end),
  steps: first.steps + second.steps,
  tokens: sumOf(first.tokens, second.tokens),
  label: first.label
});

/**
 * Groups steps into lanes, in the order in which their kinds began.
 *
 * @param {StepRecord[]} steps
 * @param {number} end the length of the axis in seconds; a step that has not ended lasts until then
 * @returns {StepLane[]}
 */
export function stepLanes(steps, end) {
  /** @type {Map<string, StepSpan[]>} */
  const lanes = new Map();
  /** @type {Map<string, [StepSpan[], number]>} */
  const calls = new Map();
  for (const step of steps) {
    const kind = kindOf(step.type);
    const lane = lanes.has(kind) || lanes.size < MAX_LANES - 1 ? kind : OTHER;
    if (!lanes.has(lane)) {
      lanes.set(lane, []);
    }
    const spans = lanes.get(lane);
    const start = Math.min(step.started ?? 0, end);
    const span = {
      start,
      end: Math.max(start, Math.min(step.ended ?? end, end)),
      steps: 1,
      tokens: step.tokens,
      label: [kind, step.name].filter(Boolean).join(' ')
    };
    const key = `${kind} ${step.id}`;
    const called = step.type.endsWith('_result') ? calls.get(key) : undefined;
    if (called) {
      const [found, place] = called;
      found[place] = { ...join(found[place], span), steps: found[place].steps };
      calls.delete(key);
      continue;
    }
    const last = spans.length - 1;
    if (last >= 0 && span.start - spans[last].end < end / MAX_SPANS) {
      spans[last] = join(spans[last], span);
    } else {
      spans.push(span);
    }
    if (step.type.endsWith('_call') && step.id) {
      calls.set(key, [spans, spans.length - 1]);
    }
  }
  return [...lanes]
    .filter(([, spans]) => spans.length)
    .map(([kind, spans]) => ({
      kind,
      name: (NAMES.get(kind) ?? reveal(kind).replaceAll('_', ' ')).slice(0, MAX_NAME),
      spans
    }));
}

/**
 * @param {number} lanes how many
 * @returns {number} the height of their drawing in pixels
 */
export const stepsHeight = lanes => (lanes ? lanes * LANE_HEIGHT + 6 : 0);

/**
 * Draws the lanes of steps.
 *
 * @param {StepLane[]} lanes
 * @param {import('./timeline_svg.js').Scale} scale
 * @param {number} top in pixels
 * @param {number} left the right end of the names in pixels
 * @returns {SVGElement[]}
 */
export function drawSteps(lanes, scale, top, left) {
  return lanes.flatMap(({ kind, name, spans }, index) => {
    const y = top + index * LANE_HEIGHT;
    const bars = spans.map(({ start, end, steps, tokens, label }) => {
      const facts = [
        reveal(label),
        steps > 1 ? quantity(steps, 'step') : '',
        `${formatDuration(start)} – ${formatDuration(end)}`,
        tokens === null ? '' : quantity(tokens, 'token')
      ];
      return svg(
        'rect',
        {
          x: scale(start),
          y: y + 2,
          width: Math.max(1, scale(end) - scale(start)),
          height: BAR_HEIGHT,
          rx: 2,
          class: CLASSES.get(kind) ?? 'gmi-step-tool'
        },
        svg('title', {}, facts.filter(Boolean).join(', '))
      );
    });
    return [
      svg('text', { x: left, y: y + BAR_HEIGHT + 1, 'text-anchor': 'end', class: 'gmi-lane' }, name),
      ...bars
    ];
  });
}

/**
 * Creates the Steps panel: a table with one row for each step. A selected row opens the chunk with which the step began.
 *
 * @param {import('./record.js').AnswerRecord} record
 * @param {(index: number) => void} openChunk shows a chunk in the Chunks tab
 * @returns {import('./panels.js').Panel}
 */
export function stepsPanel({ steps, count }, openChunk) {
  /** @param {StepRecord} step */
  const took = ({ started, ended }) =>
    started === null || ended === null || ended < started ? '' : formatDuration(ended - started);
  const number = { kind: 'right', width: 70 };
  /** @type {import('./table.js').Column[]} */
  const columns = [
    { title: '#', hint: 'Number of the step, starting at 0', kind: 'right', width: 46, text: row => String(row) },
    { title: 'type', share: 2, text: row => singleLine(steps[row].type) },
    { title: 'name', optional: true, text: row => singleLine(steps[row].name) },
    {
      title: 't',
      hint: 'When the step began, in seconds since the request was sent',
      ...number,
      text: row => formatSeconds(steps[row].started)
    },
    { title: 'took', hint: 'From its beginning to its end', ...number, text: row => took(steps[row]) },
    {
      title: 'tokens',
      hint: 'As the server reported them for the step',
      ...number,
      text: row => formatNumber(steps[row].tokens)
    }
  ];
  const table = new Table('Steps', columns, steps.length, row => {
    const { chunk } = steps[row];
    if (chunk !== null && chunk < count) {
      openChunk(chunk);
    }
  });
  return {
    node: html('div', {}, html('div', { class: 'gmi-line' }, quantity(steps.length, 'step')), table.node),
    onShow: () => table.refresh()
  };
}
