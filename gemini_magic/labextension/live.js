/**
 * What is done for one growing answer: its end stays in view for a reader who is there, what was opened or selected
 * stays so when the finished answer takes the widget's place, and its end is announced.
 *
 * It knows the classes of an answer's parts and how JupyterLab's output area replaces an output. It reads the page,
 * scrolls, and sets attributes.
 */

import { endingOf } from './announcer.js';
import { Follower } from './follow.js';
import { selectedWords, selectWords } from './words.js';

/** An answer that is a widget, and one that is not. */
const LIVE = '.gm-live, .gemini-magic.jupyter-widgets';
const STATIC = '.gemini-magic:not(.gm-live, .jupyter-widgets)';

/** What JupyterLab shows for a widget whose kernel is gone. */
const DEAD = /^Error displaying widget/;

/** Milliseconds in which the finished answer has to be there, and in which it may still grow: formulas are set late. */
const SETTLED = 1000;

/**
 * Who reads.
 *
 * @typedef {object} Reader
 * @property {boolean} follow whether the page may scroll along
 * @property {import('./announcer.js').Announcer} announcer
 */

/** One answer, from the moment its widget is asked for until the finished answer stands in its place. */
export class LiveAnswer {
  /**
   * @param {HTMLElement} child the output, in its area
   * @param {Reader} reader
   * @param {() => Promise<HTMLElement>} fallback makes what is shown if the widget is gone
   */
  constructor(child, reader, fallback) {
    this._child = child;
    this._area = child.parentElement;
    this._reader = reader;
    this._fallback = fallback;
    /** @type {HTMLElement | null} */
    this._root = null;
    /** @type {Follower | null} */
    this._follower = null;
    /** @type {HTMLDetailsElement | null} */
    this._fold = null;
    this._thoughtsTop = 0;
    /** @type {import('./words.js').Words | null} */
    this._words = null;
    this._timer = 0;
    this.isDisposed = false;
    // Widgets come later than their output. Only this output is watched, and only until one of them is there.
    this._observer = new MutationObserver(() => this._seek());
    this._observer.observe(child, { childList: true, subtree: true });
    this._seek();
  }

  dispose() {
    this.isDisposed = true;
    this._letGo();
    this._observer.disconnect();
    this._follower?.dispose();
    clearTimeout(this._timer);
  }

  /** Where the output is no more, nobody else says so. */
  get isGone() {
    return this.isDisposed || this._child.parentElement !== this._area;
  }

  _seek() {
    const root = this._child.querySelector(LIVE);
    if (root?.querySelector('.gm-mark.gm-busy')) {
      this._observer.disconnect();
      this._begin(root);
    } else if (root?.querySelector('.gm-mark')) {
      this.dispose();
    } else if (!root) {
      const dead = Array.from(this._child.querySelectorAll('.jupyter-widgets')).find(
        node => !node.firstElementChild && DEAD.test(node.textContent)
      );
      if (dead) {
        this.dispose();
        this._fallback().then(node => dead.replaceChildren(node));
      }
    }
  }

  /** @param {HTMLElement} root */
  _begin(root) {
    this._root = root;
    root.setAttribute('role', 'region');
    root.setAttribute('aria-label', 'Gemini answer');
    root.setAttribute('aria-busy', 'true');
    this._follower = new Follower(root, () => this._reader.follow);
    root.addEventListener('click', this, true);
    root.addEventListener('toggle', this, true);
    root.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('selectionchange', this);
    // Neither of the two sees an update: the first hears of outputs, the second of the root's own children and classes.
    this._observer = new MutationObserver(records => this._onOutputs(records));
    this._observer.observe(this._area, { childList: true });
    this._states = new MutationObserver(() => this._onState());
    this._states.observe(root, { childList: true, attributes: true, attributeFilter: ['class'] });
  }

  /** The answer does not grow any more. */
  _letGo() {
    const root = this._root;
    if (!root) {
      return;
    }
    this._root = null;
    root.removeAttribute('aria-busy');
    root.removeEventListener('click', this, true);
    root.removeEventListener('toggle', this, true);
    root.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('selectionchange', this);
    this._states.disconnect();
  }

  /** @param {Event} event */
  handleEvent(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.type === 'selectionchange') {
      const text = this._root.querySelector('.gm-answer');
      this._words = text && selectedWords(document.getSelection(), text);
    } else if (event.type === 'click' && target.closest('summary')) {
      // The thoughts are read where they begin, so the page must not run away from them.
      this._follower.release();
    } else if (event.type === 'toggle' && target.matches('.gm-thinking')) {
      this._fold = target;
    } else if (event.type === 'scroll' && target.matches('.gm-thoughts')) {
      this._thoughtsTop = target.scrollTop;
    }
  }

  /** A page that was opened in mid-answer sees no change of outputs: the widget itself becomes the finished answer. */
  _onState() {
    const root = this._root;
    if (root.matches('.jupyter-widgets-disconnected')) {
      root.querySelector('.gm-stop')?.setAttribute('disabled', '');
      this._reader.announcer.say('Answer cut off, the kernel ended');
      this.dispose();
    } else if (root.querySelector('.gm-mark') && !root.querySelector('.gm-mark.gm-busy')) {
      this._reader.announcer.say(endingOf(root));
      this.dispose();
    }
  }

  /** @param {MutationRecord[]} records */
  _onOutputs(records) {
    if (!this.isGone) {
      return;
    }
    const removed = records.find(record => Array.from(record.removedNodes).includes(this._child));
    const added = records.find(
      record => record.addedNodes.length && removed && record.previousSibling === removed.previousSibling
    );
    const child = added?.addedNodes[0];
    this._observer.disconnect();
    this._letGo();
    if (!child) {
      this.dispose();
      return;
    }
    this._child = /** @type {HTMLElement} */ (child);
    this._timer = setTimeout(() => this.dispose(), SETTLED);
    this._observer = new MutationObserver(() => this._settle());
    this._observer.observe(child, { childList: true, subtree: true });
    this._settle();
  }

  /** Runs before the finished answer is painted, so that nothing is seen to change. */
  _settle() {
    const root = this._child.querySelector(STATIC);
    if (!root?.querySelector('.gm-mark')) {
      return;
    }
    this._observer.disconnect();
    const fold = root.querySelector('details.gm-thinking');
    if (this._fold?.open && fold) {
      fold.open = true;
      root.querySelector('.gm-thoughts').scrollTop = this._thoughtsTop;
    }
    this._follower.replace(root);
    const text = root.querySelector('.gm-answer');
    if (this._words && text) {
      selectWords(document.getSelection(), text, this._words);
    }
    if (!root.querySelector('.gm-mark.gm-busy')) {
      this._reader.announcer.say(endingOf(root));
    }
  }
}
