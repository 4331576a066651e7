/**
 * Plays a stream again with its own timing: the text as it stood at each moment.
 *
 * It shows the answer's Markdown as text. It knows chunks and a clock, and does nothing while nobody plays.
 */

import { button, make, still } from './nodes.js';
import { duration, reveal } from './written.js';

const SPEEDS = [1, 4, 16];
const STEP = 1000; // of the slider, for the whole time
const CALM = 250; // milliseconds between pictures for those who want less movement
const TAIL = 20_000; // characters: what is above cannot be seen anyway

export class Replay {
  /**
   * @param {ReturnType<import('./record.js').readRecord>} record
   * @param {import('./chunks.js').Chunks} chunks
   */
  constructor(record, chunks) {
    this._record = record;
    this._chunks = chunks;
    const last = chunks.length ? chunks.t[chunks.length - 1] : 0;
    this._total = Math.max(last, record.timing.total ?? 0, 0.001);
    this._now = this._total;
    this._speed = 1;
    this._frame = 0;
    this._build();
    this._show();
  }

  dispose() {
    this.pause();
  }

  _build() {
    this._button = button('▶', () => (this._frame ? this.pause() : this.play()), { class: 'gmi-button gmi-play' });
    this._slider = make('input', {
      type: 'range',
      class: 'gmi-slider',
      min: 0,
      max: STEP,
      step: 1,
      'aria-label': 'Moment of the stream',
      input: () => this._seek((Number(this._slider.value) / STEP) * this._total),
      keydown: event => this._onKey(event)
    });
    this._speeds = make(
      'select',
      { class: 'gmi-speed', 'aria-label': 'Speed', change: () => (this._speed = Number(this._speeds.value)) },
      ...SPEEDS.map(speed => make('option', { value: speed }, `${speed}×`))
    );
    this._where = make('span', { class: 'gmi-where' });
    this._thoughts = make('div', { class: 'gmi-said-thoughts' });
    this._text = make('div', { class: 'gmi-said-text' });
    this._screen = make('div', { class: 'gmi-screen', tabindex: 0, role: 'region', 'aria-label': 'The answer at this moment' }, this._thoughts, this._text);
    this.node = make(
      'div',
      { class: 'gmi-replay' },
      make('div', { class: 'gmi-controls' }, this._button, this._slider, this._speeds, this._where),
      this._screen
    );
  }

  play() {
    if (this._now >= this._total) {
      this._now = 0;
    }
    this._drawn = 0;
    const tick = time => {
      this._frame = requestAnimationFrame(tick);
      this._now += this._since(time);
      if (this._now >= this._total) {
        this._now = this._total;
        this.pause();
      }
      if (!this._frame || !still() || time - this._drawn > CALM) {
        this._drawn = time;
        this._show();
      }
    };
    this._former = performance.now();
    this._frame = requestAnimationFrame(tick);
    this._name();
  }

  pause() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
    this._name();
  }

  /** Seconds of the stream that passed since the last picture. */
  _since(time) {
    const passed = Math.max(0, time - this._former) / 1000;
    this._former = time;
    return passed * this._speed;
  }

  _seek(time) {
    this._now = Math.min(this._total, Math.max(0, time));
    this._show();
  }

  /** Arrows go from chunk to chunk. */
  _onKey(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step && this._chunks.length) {
      event.preventDefault();
      const now = this._chunks.at(this._now);
      const next = Math.min(this._chunks.length - 1, now + step);
      this._seek(next < 0 ? 0 : this._chunks.t[next]);
    }
  }

  _name() {
    const plays = this._frame !== 0;
    this._button.textContent = plays ? '❚❚' : '▶';
    this._button.setAttribute('aria-label', plays ? 'Pause' : 'Play');
    this._button.title = plays ? 'Pause' : 'Play with the original timing';
  }

  _show() {
    const index = this._chunks.at(this._now);
    const reached = index < 0 ? { text: 0, thoughts: 0 } : this._chunks.reached(index);
    const whole = this._now >= this._total;
    put(this._thoughts, this._record.thoughts, whole ? this._record.thoughts.length : reached.thoughts);
    put(this._text, this._record.text, whole ? this._record.text.length : reached.text);
    this._screen.scrollTop = this._screen.scrollHeight;
    this._slider.value = String(Math.round((this._now / this._total) * STEP));
    this._slider.setAttribute('aria-valuetext', `${duration(this._now)} of ${duration(this._total)}`);
    this._where.textContent = `${this._now.toFixed(2)} s · ${index + 1} of ${this._chunks.length}`;
    this._name();
  }
}

/** Shows the first characters of a text. */
function put(node, whole, length) {
  const start = Math.max(0, length - TAIL);
  const said = `${start ? '…' : ''}${reveal(whole.slice(start, length))}`;
  if (node.textContent !== said) {
    node.textContent = said;
  }
}
