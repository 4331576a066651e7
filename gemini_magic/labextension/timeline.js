/**
 * The stream on a time axis: what came when, how much, and where nothing came.
 *
 * It draws what a record says, as SVG; however many chunks there are, it draws one bar for each few pixels.
 */

import { notableGap } from './gaps.js';
import { draw, make } from './nodes.js';
import { counted, duration } from './written.js';

const LEFT = 66;
const RIGHT = 14;
const TOP = 48; // below three rows of words: two of moments, one of times
const LANE = 46;
const SPACE = 8;
const BAR = 3; // pixels
const LETTER = 6.4; // pixels of one letter, roughly
const MINUTES = 600; // seconds from which on the axis counts minutes
const STEPS = [1, 2, 5, 10];

const MARKS = [
  ['first_byte', 'first byte'],
  ['first_thought', 'first thought'],
  ['first_text', 'first text']
];

/** @returns {number} a round step that divides a time into some parts */
function stepOf(total, parts) {
  const rough = total / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  return STEPS.map(step => step * power).find(step => step >= rough) ?? 10 * power;
}

/** @returns {[string, number]} the unit of an axis, and its seconds: the same as in the kernel's `views/figures.py` */
const unitOf = total => (total >= MINUTES ? ['min', 60] : total >= 1 ? ['s', 1] : ['ms', 0.001]);

/** Adds the chunks up by pixels. */
function bins(chunks, scale, width) {
  const found = Array.from({ length: Math.max(1, Math.ceil(width / BAR)) }, () => null);
  for (let index = 0; index < chunks.length; index++) {
    const place = Math.min(found.length - 1, Math.max(0, Math.floor((scale(chunks.t[index]) - LEFT) / BAR)));
    const bin = (found[place] ??= { first: index, last: index, thought: 0, text: 0, size: 0 });
    bin.last = index;
    bin.thought += chunks.thought(index).length;
    bin.text += chunks.text(index).length;
    bin.size += chunks.size[index];
  }
  return found;
}

const LANES = [
  ['thought', 'thinking', 'chars'],
  ['text', 'answer', 'chars'],
  ['size', 'bytes', 'bytes']
];

/** The picture of one record; it is drawn again when its width changes. */
export class Timeline {
  /**
   * @param {ReturnType<import('./record.js').readRecord>} record
   * @param {import('./chunks.js').Chunks} chunks
   * @param {(chunk: number) => void} pick
   */
  constructor(record, chunks, pick) {
    this._record = record;
    this._chunks = chunks;
    this._pick = pick;
    this._width = 0;
    this._said = make('div', { class: 'gmi-said', 'aria-hidden': 'true' });
    this._place = make('div', { class: 'gmi-picture' });
    this.node = make('div', { class: 'gmi-timeline' }, this._place, this._said);
    this._watch = new ResizeObserver(() => this._fit());
    this._watch.observe(this._place);
  }

  dispose() {
    this._watch.disconnect();
  }

  _fit() {
    const width = Math.floor(this._place.clientWidth);
    if (width > LEFT + RIGHT + BAR && width !== this._width) {
      this._width = width;
      this._place.replaceChildren(this._draw(width));
      this._say(null);
    }
  }

  _draw(width) {
    const { timing, delay } = this._record;
    const chunks = this._chunks;
    const before = this._record.attempts.length > 1 ? Math.min(delay, 3600) : 0;
    const last = chunks.length ? chunks.t[chunks.length - 1] : 0;
    const end = Math.max(timing.total ?? 0, last, 0.001);
    const inner = width - LEFT - RIGHT;
    const scale = t => LEFT + (inner * (t + before)) / (end + before);
    const found = bins(chunks, scale, inner);
    const lanes = LANES.filter(([name]) => name !== 'thought' || this._record.thoughts);
    const height = TOP + lanes.length * (LANE + SPACE) + 20;
    const bottom = height - 20;
    const svg = draw('svg', {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': `${counted(chunks.length, 'chunk')} in ${duration(end)}`
    });
    svg.append(...axis(before, end, scale, bottom, width));
    if (before) {
      svg.append(...earlier(this._record, scale, bottom));
    }
    const silence = gap(chunks, end + before, scale, bottom, width);
    svg.append(...silence.slice(0, 1));
    lanes.forEach(([name, title], lane) => {
      const foot = TOP + (lane + 1) * (LANE + SPACE) - SPACE;
      svg.append(
        draw('text', { x: LEFT - 8, y: foot - LANE / 2 + 4, 'text-anchor': 'end', class: 'gmi-lane' }, title),
        draw('line', { x1: LEFT, x2: width - RIGHT, y1: foot + 0.5, y2: foot + 0.5, class: 'gmi-foot' }),
        ...bars(found, name, foot)
      );
    });
    svg.append(...marks(timing, end, scale, bottom, width), ...silence.slice(1), this._hit(found, height, width));
    return svg;
  }

  /** An invisible layer that tells what is below the pointer. */
  _hit(found, height, width) {
    const place = event => {
      const x = event.clientX - this._place.getBoundingClientRect().left - LEFT;
      const middle = Math.floor(x / BAR);
      for (let off = 0; off < found.length; off++) {
        const bin = found[middle - off] ?? found[middle + off];
        if (bin) {
          return bin;
        }
      }
      return null;
    };
    return draw('rect', {
      x: LEFT,
      y: 0,
      width: Math.max(0, width - LEFT - RIGHT),
      height,
      class: 'gmi-hit',
      pointermove: event => this._say(place(event)),
      pointerleave: () => this._say(null),
      click: event => {
        const bin = place(event);
        if (bin) {
          this._pick(bin.first);
        }
      }
    });
  }

  _say(bin) {
    if (!bin) {
      this._said.textContent = 'Point at a bar to read it; click to see its chunk.';
      return;
    }
    const { first, last, thought, text, size } = bin;
    const which = first === last ? `chunk ${first}` : `chunks ${first}–${last}`;
    const parts = [
      `${this._chunks.t[first].toFixed(3)} s`,
      which,
      thought ? counted(thought, 'character of thoughts', 'characters of thoughts') : '',
      text ? counted(text, 'character') : '',
      counted(size, 'byte')
    ];
    this._said.textContent = parts.filter(Boolean).join(' · ');
  }
}

function axis(before, end, scale, bottom, width) {
  const [unit, size] = unitOf(end + before);
  const step = stepOf((end + before) / size, 6);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const drawn = [];
  for (let at = -Math.floor(before / size / step); at * step * size <= end; at++) {
    const x = Math.round(scale(at * step * size)) + 0.5;
    const words = `${(at * step).toFixed(digits).replace('-', '−')} ${unit}`;
    const beyond = x + (words.length * LETTER) / 2 > width;
    drawn.push(
      draw('line', { x1: x, x2: x, y1: TOP - 4, y2: bottom, class: 'gmi-grid' }),
      draw('text', { x: beyond ? width - 1 : x, y: bottom + 15, 'text-anchor': beyond ? 'end' : 'middle', class: 'gmi-tick' }, words)
    );
  }
  return drawn;
}

/** The time before the request that was answered: attempts, and waits between them. */
function earlier(record, scale, bottom) {
  const x = LEFT;
  const width = Math.max(1, scale(0) - LEFT);
  const words = counted(record.attempts.length - 1, 'earlier attempt');
  const said = `${words}, ${duration(record.delay)}`;
  return [
    draw('rect', { x, y: TOP - 4, width, height: bottom - TOP + 4, class: 'gmi-before' }, draw('title', {}, said)),
    ...(width > words.length * LETTER + 4 ? [draw('text', { x: x + 4, y: TOP - 8, class: 'gmi-mark' }, words)] : [])
  ];
}

/** The longest gap, where it is worth it: a band, and what is said of it in the row above, wherever there is room. */
function gap(chunks, total, scale, bottom, whole) {
  const index = notableGap(chunks, total);
  if (index < 0) {
    return [];
  }
  const x = scale(chunks.t[index - 1]);
  const width = Math.max(1, scale(chunks.t[index]) - x);
  const said = `longest gap ${duration(chunks.gap(index))}`;
  const half = (said.length * LETTER) / 2;
  const middle = Math.min(whole - half, Math.max(scale(0) + half, x + width / 2));
  return [
    draw('rect', { x, y: TOP - 4, width, height: bottom - TOP + 4, class: 'gmi-gap' }, draw('title', {}, said)),
    draw('text', { x: middle, y: TOP - 8, 'text-anchor': 'middle', class: 'gmi-mark gmi-gap-said' }, said)
  ];
}

function bars(found, name, foot) {
  const most = Math.max(1, ...found.map(bin => bin?.[name] ?? 0));
  return found.flatMap((bin, place) => {
    if (!bin?.[name]) {
      return [];
    }
    const height = Math.max(2, (LANE * bin[name]) / most);
    return [draw('rect', { x: LEFT + place * BAR, y: foot - height, width: BAR - 1, height, class: `gmi-bar-${name}` })];
  });
}

/** Moments with a name, those of one place together; labels that would lie over each other are left out, their lines tell in a tooltip. */
function marks(timing, end, scale, bottom, width) {
  const places = new Map();
  for (const [name, title] of MARKS) {
    if (timing[name] !== null && timing[name] <= end) {
      const x = Math.round(scale(timing[name])) + 0.5;
      const there = [x - 1, x, x + 1].find(each => places.has(each)) ?? x;
      places.set(there, { titles: [...(places.get(there)?.titles ?? []), title], t: timing[name] });
    }
  }
  let free = [0, 0];
  return [...places].flatMap(([x, { titles, t }]) => {
    const said = `${titles.join(', ')} ${duration(t)}`;
    const wide = said.length * LETTER;
    const left = x + 3 + wide > width; // it would leave the picture
    const start = left ? x - 3 - wide : x;
    const row = free.findIndex(edge => edge <= start);
    free = free.map((edge, at) => (at === row ? start + wide + 8 : edge));
    return [
      draw('line', { x1: x, x2: x, y1: row === 0 ? 14 : 28, y2: bottom, class: 'gmi-moment' }, draw('title', {}, said)),
      ...(row < 0 ? [] : [draw('text', { x: left ? x - 3 : x + 3, y: row === 0 ? 12 : 26, 'text-anchor': left ? 'end' : 'start', class: 'gmi-mark' }, said)])
    ];
  });
}
