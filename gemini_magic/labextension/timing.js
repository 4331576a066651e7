/**
 * The tab of the time line: the picture, and below it the same in numbers.
 */

import { longestGap, quantile, sortedGaps } from './gaps.js';
import { make } from './nodes.js';
import { Timeline } from './timeline.js';
import { counted, duration } from './written.js';

/** Figures with their names; those that are not known are left out. @returns {Array<[string, string]>} */
function figures(record, chunks) {
  const { timing, usage, attempts } = record;
  const gaps = sortedGaps(chunks);
  const span = chunks.length > 1 ? chunks.t[chunks.length - 1] - chunks.t[0] : 0;
  const tokens = (usage.output ?? 0) + (usage.thoughts ?? 0);
  const longest = longestGap(chunks);
  const time = value => (value === null ? '' : duration(value));
  const rate = value => (span > 0 && value ? (value / span).toFixed(1) : '');
  const failed = attempts.filter(({ problem }) => problem);
  return [
    ['connected', time(timing.connect)],
    ['first byte', time(timing.first_byte)],
    ['first thought', time(timing.first_thought)],
    ['first text', time(timing.first_text)],
    ['in all', time(timing.total)],
    ['gap, half below', time(quantile(gaps, 0.5))],
    ['gap, 95 % below', time(quantile(gaps, 0.95))],
    ['longest gap', longest < 0 ? '' : `${duration(chunks.gap(longest))} before chunk ${longest}`],
    ['chunks a second', rate(gaps.length)],
    ['tokens a second', rate(tokens)],
    ['attempts', attempts.length > 1 ? `${counted(attempts.length, 'attempt')}: ${failed.map(({ problem }) => problem).join('; ')}` : '']
  ].filter(([, said]) => said);
}

export function timelinePanel(record, chunks, toChunk) {
  const picture = new Timeline(record, chunks, toChunk);
  const numbers = figures(record, chunks).flatMap(([name, said]) => [make('dt', {}, name), make('dd', {}, said)]);
  return {
    node: make('div', {}, picture.node, make('dl', { class: 'gmi-figures' }, ...numbers)),
    dispose: () => picture.dispose()
  };
}
