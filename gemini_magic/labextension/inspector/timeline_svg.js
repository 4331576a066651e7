/**
 * Draws the parts of the timeline as SVG elements: axis, earlier attempts, longest gap, bars and marks.
 */

import { svg } from './dom.js';
import { formatDuration, quantity } from './format.js';
import { notableGap } from './gaps.js';

/** @typedef {import('./record.js').AnswerRecord} AnswerRecord */

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * Converts a time in seconds to a horizontal position in pixels.
 *
 * @typedef {(time: number) => number} Scale
 */

/**
 * The chunks of one bar: the indexes of the first and the last, and the sums of their characters and bytes.
 *
 * @typedef {{ first: number, last: number, thought: number, text: number, size: number }} Bin
 */

/** @typedef {'thought' | 'text' | 'size'} LaneName */

// Sizes in pixels.
export const LEFT = 66;
export const RIGHT = 14;
export const TOP = 48; // three rows of labels: two for the marks, one for the gap
export const BOTTOM = 20; // the labels of the axis
export const LANE_HEIGHT = 46;
export const LANE_GAP = 8;
export const BAR_WIDTH = 3;
const LETTER_WIDTH = 6.4; // approximately
const MARK_LABEL_ROWS = [12, 26]; // baselines

const MINUTES_FROM = 600; // seconds from which the axis uses minutes
const TICK_STEPS = [1, 2, 5, 10];
const TICKS = 6;

/** @type {Array<[import('./record.js').TimingName, string]>} */
const MARKS = [
  ['first_byte', 'first byte'],
  ['first_thought', 'first thought'],
  ['first_text', 'first text']
];

/**
 * Adds up the chunks of each bar.
 *
 * @param {Chunks} chunks
 * @param {Scale} scale
 * @param {number} width
 * @returns {Array<Bin | null>} null where no chunk arrived
 */
export function collectBins(chunks, scale, width) {
  /** @type {Array<Bin | null>} */
  const bins = new Array(Math.max(1, Math.ceil(width / BAR_WIDTH))).fill(null);
  for (let index = 0; index < chunks.length; index++) {
    const column = Math.floor((scale(chunks.t[index]) - LEFT) / BAR_WIDTH);
    const place = Math.min(bins.length - 1, Math.max(0, column));
    const bin = (bins[place] ??= { first: index, last: index, thought: 0, text: 0, size: 0 });
    bin.last = index;
    bin.thought += chunks.thought(index).length;
    bin.text += chunks.text(index).length;
    bin.size += chunks.size[index];
  }
  return bins;
}

/**
 * @param {number} total
 * @param {number} parts
 * @returns {number} a round step that divides the total into at most this many parts
 */
function roundStep(total, parts) {
  const exact = total / parts;
  const power = 10 ** Math.floor(Math.log10(exact));
  return TICK_STEPS.map(step => step * power).find(step => step >= exact) ?? 10 * power;
}

/**
 * @param {number} total seconds that the axis shows
 * @returns {[string, number]} the unit of the axis and its length in seconds, as in `gemini_magic/views/units.py`
 */
function axisUnit(total) {
  if (total >= MINUTES_FROM) {
    return ['min', 60];
  }
  return total >= 1 ? ['s', 1] : ['ms', 0.001];
}

/**
 * @param {number} before seconds of earlier attempts
 * @param {number} end
 * @param {Scale} scale
 * @param {number} bottom
 * @param {number} width of the chart
 * @returns {SVGElement[]}
 */
export function drawAxis(before, end, scale, bottom, width) {
  const [unit, unitSize] = axisUnit(end + before);
  const step = roundStep((end + before) / unitSize, TICKS);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  /** @type {SVGElement[]} */
  const elements = [];
  for (let tick = -Math.floor(before / unitSize / step); tick * step * unitSize <= end; tick++) {
    const x = Math.round(scale(tick * step * unitSize)) + 0.5;
    const label = `${(tick * step).toFixed(digits).replace('-', '−')} ${unit}`;
    const isCut = x + (label.length * LETTER_WIDTH) / 2 > width;
    elements.push(
      svg('line', { x1: x, x2: x, y1: TOP - 4, y2: bottom, class: 'gmi-grid' }),
      svg(
        'text',
        {
          x: isCut ? width - 1 : x,
          y: bottom + 15,
          'text-anchor': isCut ? 'end' : 'middle',
          class: 'gmi-tick'
        },
        label
      )
    );
  }
  return elements;
}

/**
 * Draws the time before the last request: the earlier attempts and the waits between them.
 *
 * @param {AnswerRecord} record
 * @param {Scale} scale
 * @param {number} bottom
 * @returns {SVGElement[]}
 */
export function drawEarlierAttempts(record, scale, bottom) {
  const width = Math.max(1, scale(0) - LEFT);
  const label = quantity(record.attempts.length - 1, 'earlier attempt');
  const title = `${label}, ${formatDuration(record.delay)}`;
  const fits = width > label.length * LETTER_WIDTH + 4;
  return [
    svg(
      'rect',
      { x: LEFT, y: TOP - 4, width, height: bottom - TOP + 4, class: 'gmi-before' },
      svg('title', {}, title)
    ),
    ...(fits ? [svg('text', { x: LEFT + 4, y: TOP - 8, class: 'gmi-mark' }, label)] : [])
  ];
}

/**
 * Draws the longest gap if it is notable.
 *
 * @param {Chunks} chunks
 * @param {number} total seconds that the chart shows
 * @param {Scale} scale
 * @param {number} bottom
 * @param {number} width of the chart
 * @returns {[SVGElement[], SVGElement[]]} the band, which belongs below the bars, and its label
 */
export function drawGap(chunks, total, scale, bottom, width) {
  const index = notableGap(chunks, total);
  if (index < 0) {
    return [[], []];
  }
  const start = scale(chunks.t[index - 1]);
  const bandWidth = Math.max(1, scale(chunks.t[index]) - start);
  const label = `longest gap ${formatDuration(chunks.gap(index))}`;
  const half = (label.length * LETTER_WIDTH) / 2;
  const middle = Math.min(width - half, Math.max(scale(0) + half, start + bandWidth / 2));
  const band = svg(
    'rect',
    { x: start, y: TOP - 4, width: bandWidth, height: bottom - TOP + 4, class: 'gmi-gap' },
    svg('title', {}, label)
  );
  const text = svg(
    'text',
    { x: middle, y: TOP - 8, 'text-anchor': 'middle', class: 'gmi-mark gmi-gap-label' },
    label
  );
  return [[band], [text]];
}

/**
 * @param {Array<Bin | null>} bins
 * @param {LaneName} name
 * @param {number} base the vertical position of the bars' lower end
 * @returns {SVGElement[]}
 */
export function drawBars(bins, name, base) {
  const largest = Math.max(1, ...bins.map(bin => bin?.[name] ?? 0));
  return bins.flatMap((bin, place) => {
    if (!bin?.[name]) {
      return [];
    }
    const height = Math.max(2, (LANE_HEIGHT * bin[name]) / largest);
    return [
      svg('rect', {
        x: LEFT + place * BAR_WIDTH,
        y: base - height,
        width: BAR_WIDTH - 1,
        height,
        class: `gmi-bar-${name}`
      })
    ];
  });
}

/**
 * Draws the marks of the timings. Marks at the same position share a label. A label that would overlap another is left
 * out; the tooltip of the line contains it.
 *
 * @param {AnswerRecord['timing']} timing
 * @param {number} end
 * @param {Scale} scale
 * @param {number} bottom
 * @param {number} width of the chart
 * @returns {SVGElement[]}
 */
export function drawMarks(timing, end, scale, bottom, width) {
  /** @type {Map<number, { titles: string[], time: number }>} */
  const marks = new Map();
  for (const [name, title] of MARKS) {
    const time = timing[name];
    if (time !== null && time <= end) {
      const exact = Math.round(scale(time)) + 0.5;
      const x = [exact - 1, exact, exact + 1].find(each => marks.has(each)) ?? exact;
      marks.set(x, { titles: [...(marks.get(x)?.titles ?? []), title], time });
    }
  }
  // For each row of labels the position from which it is free.
  const freeFrom = MARK_LABEL_ROWS.map(() => 0);
  return [...marks].flatMap(([x, { titles, time }]) => {
    const label = `${titles.join(', ')} ${formatDuration(time)}`;
    const labelWidth = label.length * LETTER_WIDTH;
    const isLeft = x + 3 + labelWidth > width; // to the right, it would not fit into the chart
    const start = isLeft ? x - 3 - labelWidth : x;
    const row = freeFrom.findIndex(position => position <= start);
    const line = svg(
      'line',
      {
        x1: x,
        x2: x,
        y1: (row === 0 ? MARK_LABEL_ROWS[0] : MARK_LABEL_ROWS[1]) + 2,
        y2: bottom,
        class: 'gmi-mark-line'
      },
      svg('title', {}, label)
    );
    if (row < 0) {
      return [line];
    }
    freeFrom[row] = start + labelWidth + 8;
    const text = svg(
      'text',
      {
        x: isLeft ? x - 3 : x + 3,
        y: MARK_LABEL_ROWS[row],
        'text-anchor': isLeft ? 'end' : 'start',
        class: 'gmi-mark'
      },
      label
    );
    return [line, text];
  });
}
