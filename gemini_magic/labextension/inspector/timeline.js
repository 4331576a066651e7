/**
 * The chart of a stream on a time axis: when chunks arrived, how large they were, the longest gap, and the steps.
 *
 * It is an SVG. Chunks are added up to bars of a few pixels, so the number of elements does not depend on the number of
 * chunks. `timeline_svg.js` draws the parts.
 */

import { html, svg } from './dom.js';
import { formatDuration, quantity } from './format.js';
import { drawSteps, stepLanes, stepsHeight } from './steps.js';
import {
  BAR_WIDTH,
  BOTTOM,
  LANE_GAP,
  LANE_HEIGHT,
  LEFT,
  RIGHT,
  TOP,
  collectBins,
  drawAxis,
  drawBars,
  drawEarlierAttempts,
  drawGap,
  drawMarks
} from './timeline_svg.js';

/** @typedef {import('./timeline_svg.js').Bin} Bin */

const MAX_DELAY = 3600; // seconds of earlier attempts that are shown

/** @type {Array<[import('./timeline_svg.js').LaneName, string]>} */
const LANES = [
  ['thought', 'thinking'],
  ['text', 'answer'],
  ['size', 'bytes']
];

/** The chart of one record. It is drawn again when its width changes. */
export class Timeline {
  /**
   * @param {import('./record.js').AnswerRecord} record
   * @param {import('./chunks.js').Chunks} chunks
   * @param {(index: number) => void} openChunk shows a chunk in the Chunks tab
   */
  constructor(record, chunks, openChunk) {
    this._record = record;
    this._chunks = chunks;
    this._openChunk = openChunk;
    this._width = 0;
    this._caption = html('div', { class: 'gmi-caption', 'aria-hidden': 'true' });
    this._picture = html('div', { class: 'gmi-picture' });
    this.node = html('div', { class: 'gmi-timeline' }, this._picture, this._caption);
    this._resizeObserver = new ResizeObserver(() => this._onResize());
    this._resizeObserver.observe(this._picture);
  }

  /** @returns {void} */
  dispose() {
    this._resizeObserver.disconnect();
  }

  /** @returns {void} */
  _onResize() {
    const width = Math.floor(this._picture.clientWidth);
    if (width > LEFT + RIGHT + BAR_WIDTH && width !== this._width) {
      this._width = width;
      this._picture.replaceChildren(this.draw(width));
      this._describe(null);
    }
  }

  /**
   * Draws the chart.
   *
   * @param {number} width in pixels
   * @returns {SVGElement}
   */
  draw(width) {
    const { timing, delay, attempts, thoughts, steps } = this._record;
    const chunks = this._chunks;
    const before = attempts.length > 1 ? Math.min(delay, MAX_DELAY) : 0;
    const last = chunks.length ? chunks.t[chunks.length - 1] : 0;
    const end = Math.max(timing.total ?? 0, last, 0.001);
    const plotWidth = width - LEFT - RIGHT;
    /** @type {import('./timeline_svg.js').Scale} */
    const scale = time => LEFT + (plotWidth * (time + before)) / (end + before);
    const bins = collectBins(chunks, scale, plotWidth);
    const lanes = LANES.filter(([name]) => name !== 'thought' || thoughts);
    const stepsOfKinds = stepLanes(steps, end);
    const stepsTop = TOP + lanes.length * (LANE_HEIGHT + LANE_GAP);
    const bottom = stepsTop + stepsHeight(stepsOfKinds.length);
    const height = bottom + BOTTOM;
    const chart = svg('svg', {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': `${quantity(chunks.length, 'chunk')} in ${formatDuration(end)}`
    });
    const [gapBand, gapLabel] = drawGap(chunks, end + before, scale, bottom, width);
    chart.append(
      ...drawAxis(before, end, scale, bottom, width),
      ...(before ? drawEarlierAttempts(this._record, scale, bottom) : []),
      ...gapBand
    );
    lanes.forEach(([name, title], lane) => {
      const base = TOP + (lane + 1) * (LANE_HEIGHT + LANE_GAP) - LANE_GAP;
      const middle = base - LANE_HEIGHT / 2 + 4;
      chart.append(
        svg('text', { x: LEFT - 8, y: middle, 'text-anchor': 'end', class: 'gmi-lane' }, title),
        svg('line', { x1: LEFT, x2: width - RIGHT, y1: base + 0.5, y2: base + 0.5, class: 'gmi-base' }),
        ...drawBars(bins, name, base)
      );
    });
    chart.append(
      ...drawMarks(timing, end, scale, bottom, width),
      ...gapLabel,
      this._createPointerLayer(bins, width, height),
      ...drawSteps(stepsOfKinds, scale, stepsTop, LEFT - 8) // they have tooltips
    );
    return chart;
  }

  /**
   * Creates an invisible rectangle that handles the pointer for all bars.
   *
   * @param {Array<Bin | null>} bins
   * @param {number} width
   * @param {number} height
   * @returns {SVGElement}
   */
  _createPointerLayer(bins, width, height) {
    /** @param {MouseEvent} event */
    const nearestBin = event => {
      const x = event.clientX - this._picture.getBoundingClientRect().left - LEFT;
      const middle = Math.floor(x / BAR_WIDTH);
      for (let distance = 0; distance < bins.length; distance++) {
        const bin = bins[middle - distance] ?? bins[middle + distance];
        if (bin) {
          return bin;
        }
      }
      return null;
    };
    return svg('rect', {
      x: LEFT,
      y: 0,
      width: Math.max(0, width - LEFT - RIGHT),
      height,
      class: 'gmi-pointer-layer',
      pointermove: event => this._describe(nearestBin(event)),
      pointerleave: () => this._describe(null),
      click: event => {
        const bin = nearestBin(event);
        if (bin) {
          this._openChunk(bin.first);
        }
      }
    });
  }

  /**
   * Shows the chunks of a bar in the caption.
   *
   * @param {Bin | null} bin null if the pointer is not over the chart
   * @returns {void}
   */
  _describe(bin) {
    if (!bin) {
      this._caption.textContent = 'Hover over a bar for details. Click a bar to open its first chunk.';
      return;
    }
    const { first, last, thought, text, size } = bin;
    const facts = [
      `${this._chunks.t[first].toFixed(3)} s`,
      first === last ? `chunk ${first}` : `chunks ${first}–${last}`,
      thought ? quantity(thought, 'thought character') : '',
      text ? quantity(text, 'answer character') : '',
      quantity(size, 'byte')
    ];
    this._caption.textContent = facts.filter(Boolean).join(' · ');
  }
}
