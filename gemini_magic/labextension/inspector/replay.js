/**
 * The Replay tab: plays a stream with its original timing and shows the text received so far.
 *
 * The text is shown as it is rendered in the answer; as plain text if the answer was not saved as HTML or is very long.
 * Nothing runs while the replay is paused.
 */

import { button, html, prefersReducedMotion } from './dom.js';
import { formatDuration, reveal } from './format.js';
import { RenderedText } from './rendered_text.js';

/**
 * Renders a part of the answer: the element with a class, or null if there is none.
 *
 * @typedef {(className: string) => HTMLElement | null} RenderPart
 */

const SPEEDS = [1, 4, 16];
const SLIDER_STEPS = 1000;
const REDUCED_MOTION_INTERVAL = 250; // milliseconds between updates if the user prefers reduced motion
const MAX_SHOWN = 20_000; // characters of each text, counted from its end; earlier text is out of view
const MAX_RENDERED = 200_000; // characters of a text that is shown as it is rendered
const MIN_DURATION = 0.001; // seconds

/** A panel of the inspector. */
export class Replay {
  /**
   * @param {import('./record.js').AnswerRecord} record
   * @param {import('./chunks.js').Chunks} chunks
   * @param {RenderPart} renderPart
   */
  constructor(record, chunks, renderPart) {
    this._record = record;
    this._chunks = chunks;
    const lastTime = chunks.length ? chunks.t[chunks.length - 1] : 0;
    /** Seconds. */
    this._duration = Math.max(lastTime, record.timing.total ?? 0, MIN_DURATION);
    /** The playback position in seconds. */
    this._time = this._duration;
    this._speed = 1;
    /** The ID of the requested animation frame; 0 while paused. */
    this._frame = 0;
    /** Timestamps of animation frames in milliseconds. */
    this._lastFrameTime = 0;
    this._lastUpdateTime = 0;
    this._playButton = button('▶', () => (this._frame ? this.pause() : this.play()), {
      class: 'gmi-button gmi-play'
    });
    this._slider = html('input', {
      type: 'range',
      class: 'gmi-slider',
      min: 0,
      max: SLIDER_STEPS,
      step: 1,
      'aria-label': 'Playback position',
      input: () => this._seek((Number(this._slider.value) / SLIDER_STEPS) * this._duration),
      keydown: event => this._onKeyDown(event)
    });
    this._speedSelect = html(
      'select',
      {
        class: 'gmi-speed',
        'aria-label': 'Playback speed',
        change: () => (this._speed = Number(this._speedSelect.value))
      },
      ...SPEEDS.map(speed => html('option', { value: speed }, `${speed}×`))
    );
    this._position = html('span', { class: 'gmi-position' });
    this._thoughts = new ReplayText('gmi-replay-thoughts', record.thoughts, () => renderPart('gm-thoughts'));
    this._text = new ReplayText('gmi-replay-text', record.text, () => renderPart('gm-answer'), chunks);
    this._screen = html(
      'div',
      { class: 'gmi-screen', tabindex: 0, role: 'region', 'aria-label': 'Text at the playback position' },
      this._thoughts.node,
      this._text.node
    );
    const controls = [this._playButton, this._slider, this._speedSelect, this._position];
    this.node = html(
      'div',
      { class: 'gmi-replay' },
      html('div', { class: 'gmi-controls' }, ...controls),
      this._screen
    );
    this._update();
  }

  /** @returns {void} */
  dispose() {
    this.pause();
  }

  /** @returns {void} */
  onHide() {
    this.pause();
  }

  /**
   * Plays from the current position; from the start if the position is at the end.
   *
   * @returns {void}
   */
  play() {
    if (this._time >= this._duration) {
      this._time = 0;
    }
    this._lastUpdateTime = 0;
    this._lastFrameTime = performance.now();
    /** @param {number} timestamp */
    const onFrame = timestamp => {
      this._frame = requestAnimationFrame(onFrame);
      this._time += this._elapsedSince(timestamp);
      if (this._time >= this._duration) {
        this._time = this._duration;
        this.pause();
      }
      const isDue = timestamp - this._lastUpdateTime > REDUCED_MOTION_INTERVAL;
      if (!this._frame || !prefersReducedMotion() || isDue) {
        this._lastUpdateTime = timestamp;
        this._update();
      }
    };
    this._frame = requestAnimationFrame(onFrame);
    this._updateButton();
  }

  /** @returns {void} */
  pause() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
    this._updateButton();
  }

  /**
   * @param {number} timestamp of the animation frame
   * @returns {number} seconds of the stream since the previous animation frame
   */
  _elapsedSince(timestamp) {
    const elapsed = Math.max(0, timestamp - this._lastFrameTime) / 1000;
    this._lastFrameTime = timestamp;
    return elapsed * this._speed;
  }

  /**
   * @param {number} time in seconds
   * @returns {void}
   */
  _seek(time) {
    this._time = Math.min(this._duration, Math.max(0, time));
    this._update();
  }

  /**
   * Moves to the next or previous chunk with the arrow keys.
   *
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  _onKeyDown(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step && this._chunks.length) {
      event.preventDefault();
      const index = Math.min(this._chunks.length - 1, this._chunks.indexAt(this._time) + step);
      this._seek(index < 0 ? 0 : this._chunks.t[index]);
    }
  }

  /** @returns {void} */
  _updateButton() {
    const isPlaying = this._frame !== 0;
    this._playButton.textContent = isPlaying ? '❚❚' : '▶';
    this._playButton.setAttribute('aria-label', isPlaying ? 'Pause' : 'Play');
    this._playButton.title = isPlaying ? 'Pause' : 'Play with the original timing';
  }

  /** @returns {void} */
  _update() {
    const { text, thoughts } = this._record;
    const index = this._chunks.indexAt(this._time);
    const lengths = index < 0 ? { text: 0, thoughts: 0 } : this._chunks.lengthsAt(index);
    const isAtEnd = this._time >= this._duration;
    this._thoughts.show(isAtEnd ? thoughts.length : lengths.thoughts);
    this._text.show(isAtEnd ? text.length : lengths.text, isAtEnd ? Infinity : index);
    this._screen.scrollTop = this._screen.scrollHeight;
    this._slider.value = String(Math.round((this._time / this._duration) * SLIDER_STEPS));
    const position = `${formatDuration(this._time)} of ${formatDuration(this._duration)}`;
    this._slider.setAttribute('aria-valuetext', position);
    this._position.textContent = `${this._time.toFixed(2)} s · ${index + 1} of ${this._chunks.length}`;
    this._updateButton();
  }
}

/** A text of which the start is shown, rendered if possible. */
class ReplayText {
  /**
   * @param {string} className
   * @param {string} source
   * @param {() => HTMLElement | null} render renders the whole text
   * @param {import('./chunks.js').Chunks} [chunks] those in which the parts that are not text arrived
   */
  constructor(className, source, render, chunks) {
    this._source = source;
    /**
     * The chunk with which each part that is not text arrived.
     *
     * @type {number[]}
     */
    this._arrivals = [];
    this.node = html('div', { class: className });
    /** @type {RenderedText | null} */
    this._rendered = null;
    const root = source.length <= MAX_RENDERED ? render() : null;
    if (root) {
      const rendered = new RenderedText(root, source);
      if (rendered.isAligned) {
        this._rendered = rendered;
        this._arrivals = chunks ? arrivalsOf(rendered.itemPositions(), chunks) : [];
        root.removeAttribute('role'); // the screen around it is the region
        root.removeAttribute('aria-label');
        this.node.classList.add('gmi-rendered');
        this.node.append(
          html('div', { class: 'gemini-magic mathjax_ignore tex2jax_ignore jp-RenderedHTMLCommon' }, rendered.node)
        );
      }
    }
  }

  /**
   * @param {number} length of the start
   * @param {number} [index] of the last chunk that has arrived
   * @returns {void}
   */
  show(length, index = Infinity) {
    const items = this._arrivals.filter(arrival => arrival <= index).length;
    this.node.hidden = length === 0 && items === 0;
    if (this._rendered) {
      this._rendered.showItems(items);
      this._rendered.show(length >= this._source.length ? Infinity : length);
    } else {
      showStart(this.node, this._source, length);
    }
  }
}

/** The kinds of the chunks with which parts begin, by the class of the part; any of them for other classes. */
const BEGINNINGS = {
  'gm-picture': /blob/,
  'gm-sound': /blob/,
  'gm-code': /code|blob|call_result/,
  'gm-call': /call/,
  'gm-tool': /call/
};
const ANY_BEGINNING = /blob|file|call|code|other/;

/**
 * Finds the chunks with which the parts of an answer arrived that are not text. Several chunks may belong to one part, and a
 * part after more text came with a chunk after that text.
 *
 * @param {Array<{ position: number, name: string }>} parts in order, each with the length of the text before it and its class
 * @param {import('./chunks.js').Chunks} chunks
 * @returns {number[]} for each part the index of its chunk; a part whose chunk is not known arrives with the last one
 */
function arrivalsOf(parts, chunks) {
  let index = 0;
  let previous = -1;
  return parts.map(({ position, name }) => {
    const begins = BEGINNINGS[name] ?? ANY_BEGINNING;
    const isNext = position > previous;
    previous = position;
    let found = isNext ? index : index + 1;
    while (found < chunks.length && !(begins.test(chunks.kind(found)) && chunks.lengthsAt(found).text >= position)) {
      found += 1;
    }
    if (found < chunks.length) {
      index = found;
    }
    return found < chunks.length ? found : isNext ? chunks.length - 1 : index;
  });
}

/**
 * Shows the start of a text; of a long one only the last part of the start.
 *
 * @param {HTMLElement} node
 * @param {string} text
 * @param {number} length of the start
 * @returns {void}
 */
function showStart(node, text, length) {
  const from = Math.max(0, length - MAX_SHOWN);
  const shown = `${from ? '…' : ''}${reveal(text.slice(from, length))}`;
  if (node.textContent !== shown) {
    node.textContent = shown;
  }
}
