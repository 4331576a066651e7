/**
 * The Timeline tab: the chart, and a list of timings below it.
 */

import { html } from './dom.js';
import { formatDuration, quantity } from './format.js';
import { longestGap, quantile, sortedGaps } from './gaps.js';
import { Timeline } from './timeline.js';

/**
 * Returns the known timings with their labels. The labels are the same as in `gemini_magic/timing.py`.
 *
 * @param {import('./record.js').AnswerRecord} record
 * @param {import('./chunks.js').Chunks} chunks
 * @returns {Array<[string, string]>} label and value
 */
function timings(record, chunks) {
  const { timing, usage, attempts } = record;
  const gaps = sortedGaps(chunks);
  const whole = chunks.length > 1 ? chunks.t[chunks.length - 1] - chunks.t[0] : 0;
  const span = record.rounds.length > 1 ? gaps.reduce((sum, gap) => sum + gap, 0) : whole;
  const tokens = (usage.output ?? 0) + (usage.thoughts ?? 0);
  const longest = longestGap(chunks);
  const problems = attempts.map(({ problem }) => problem).filter(Boolean);
  /** @param {number | null} value */
  const duration = value => (value === null ? '' : formatDuration(value));
  /** @param {number} amount */
  const rate = amount => (span > 0 && amount ? (amount / span).toFixed(1) : '');
  /** @type {Array<[string, string]>} */
  const rows = [
    ['connect', duration(timing.connect)],
    ['first byte', duration(timing.first_byte)],
    ['first thought', duration(timing.first_thought)],
    ['first text', duration(timing.first_text)],
    ['total', duration(timing.total)],
    ['median gap', duration(quantile(gaps, 0.5))],
    ['p95 gap', duration(quantile(gaps, 0.95))],
    ['longest gap', longest < 0 ? '' : `${formatDuration(chunks.gap(longest))} before chunk ${longest}`],
    ['chunks/s', rate(gaps.length)],
    ['tokens/s', rate(tokens)],
    ['attempts', attempts.length > 1 ? `${quantity(attempts.length, 'attempt')}: ${problems.join('; ')}` : '']
  ];
  return rows.filter(([, value]) => value);
}

/**
 * @param {import('./record.js').AnswerRecord} record
 * @param {import('./chunks.js').Chunks} chunks
 * @param {(index: number) => void} openChunk shows a chunk in the Chunks tab
 * @returns {import('./panels.js').Panel}
 */
export function timelinePanel(record, chunks, openChunk) {
  const timeline = new Timeline(record, chunks, openChunk);
  const rows = timings(record, chunks).flatMap(([label, value]) => [
    html('dt', {}, label),
    html('dd', {}, value)
  ]);
  return {
    node: html('div', {}, timeline.node, html('dl', { class: 'gmi-figures' }, ...rows)),
    dispose: () => timeline.dispose()
  };
}
