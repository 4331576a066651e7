/**
 * One streaming answer: keeps its end in view, restores expanded thoughts, opened blocks, selected text and what plays when
 * the finished answer replaces the widget, and announces the end to screen readers.
 *
 * It depends on the classes of an answer's elements and on how JupyterLab's output area replaces an output. Apart from
 * scrolling, it changes only attributes, the selection, and the error message of a widget whose model does not exist.
 */

import { setLiveLayout } from '../lab/live_layouts.js';
import { keepPictures, openPicture, picturesOf } from '../lab/pictures.js';
import { settings } from '../lab/settings.js';
import { endMessage } from './announcer.js';
import { DetailsState } from './details.js';
import { Follower } from './follow.js';
import { measureLayout } from './live_layout.js';
import { readPlayers, restorePlayers } from './players.js';
import { readSelection, restoreSelection } from './selection.js';

/** An answer that is a widget. */
const LIVE = '.gm-live, .gemini-magic.jupyter-widgets';

/** An answer that is static HTML. */
const STATIC = '.gemini-magic:not(.gm-live, .jupyter-widgets)';

/** The message that JupyterLab shows for a widget whose model does not exist. */
const WIDGET_ERROR = /^Error displaying widget/;

/**
 * Milliseconds within which the finished answer must appear. Until they have passed, a change of its height is followed
 * as well, because formulas are typeset after the answer is rendered.
 */
const SETTLE_TIME = 1000;

/** An answer from the time its widget is created until the finished answer has replaced the widget. */
export class LiveAnswer {
  /**
   * @param {import('@lumino/widgets').Widget} widget the output in its output area
   * @param {string | undefined} id the id of the answer
   * @param {import('./announcer.js').Announcer} announcer
   * @param {() => Promise<HTMLElement>} renderHtml renders the HTML of the output if the widget's model does not exist
   */
  constructor(widget, id, announcer, renderHtml) {
    this._output = widget.node;
    this._id = id;
    this._area = this._output.parentElement;
    this._announcer = announcer;
    this._renderHtml = renderHtml;
    /**
     * The root of the widget while the answer streams.
     *
     * @type {HTMLElement | null}
     */
    this._root = null;
    /** @type {Follower | null} */
    this._follower = null;
    /**
     * The thoughts, once the reader has expanded or collapsed them.
     *
     * @type {HTMLDetailsElement | null}
     */
    this._thinking = null;
    this._thoughtsScrollTop = 0;
    /** The column of these thoughts, -1 for a single answer. */
    this._column = -1;
    /** @type {DetailsState | null} */
    this._details = null;
    /** @type {HTMLImageElement[]} */
    this._pictures = [];
    /** @type {import('./players.js').PlayerState[]} */
    this._players = [];
    /** @type {import('./selection.js').TextSelection | null} */
    this._selection = null;
    /** @type {MutationObserver | null} */
    this._stateObserver = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this.isDisposed = false;
    // Widgets are rendered after their output. The observer is disconnected as soon as the widget is there.
    this._observer = new MutationObserver(() => this._findWidget());
    this._observer.observe(this._output, { childList: true, subtree: true });
    this._widget = widget;
    widget.disposed.connect(this._onWidgetDisposed, this); // the signal is emitted before the node is removed
    this._findWidget();
  }

  /** @returns {void} */
  dispose() {
    this.isDisposed = true;
    this._widget.disposed.disconnect(this._onWidgetDisposed, this);
    this._stopWatchingRoot();
    this._observer.disconnect();
    this._follower?.dispose();
    this._details?.dispose();
    clearTimeout(this._timer);
  }

  /** Whether the object is disposed or its output was removed. JupyterLab has no signal for removed outputs. */
  get isDetached() {
    return this.isDisposed || this._output.parentElement !== this._area;
  }

  /** @returns {void} */
  _findWidget() {
    const root = /** @type {HTMLElement | null} */ (this._output.querySelector(LIVE));
    if (root?.querySelector('.gm-mark.gm-busy')) {
      this._observer.disconnect();
      this._start(root);
    } else if (root?.querySelector('.gm-mark')) {
      this.dispose();
    } else if (!root) {
      const failed = Array.from(this._output.querySelectorAll('.jupyter-widgets')).find(
        node => !node.firstElementChild && WIDGET_ERROR.test(node.textContent)
      );
      if (failed) {
        this.dispose();
        this._renderHtml().then(node => failed.replaceChildren(node));
      }
    }
  }

  /** @returns {void} */
  _onWidgetDisposed() {
    this._players = this._root ? readPlayers(this._root) : [];
    if (this._id && this._root && !document.hidden) {
      const layout = measureLayout(this._root, !this._selection && !this._details.hasChanged && !this._pictures.length);
      if (layout) {
        setLiveLayout(this._id, layout);
      }
    }
  }

  /**
   * Begins to follow the streaming answer.
   *
   * @param {HTMLElement} root
   * @returns {void}
   */
  _start(root) {
    this._root = root;
    root.setAttribute('role', 'region');
    root.setAttribute('aria-label', 'Gemini answer');
    root.setAttribute('aria-busy', 'true');
    this._follower = new Follower(root, () => settings.get('follow'));
    this._follower.reveal();
    this._details = new DetailsState(root);
    for (const type of ['pointerdown', 'pointerup', 'click']) {
      root.addEventListener(type, this._details, true);
    }
    root.addEventListener('click', this, true);
    root.addEventListener('toggle', this, true);
    root.addEventListener('load', this, true);
    root.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('selectionchange', this);
    // Neither observer runs when the text is updated. The first observes the list of outputs, the second the children
    // and the class of the root.
    this._observer = new MutationObserver(records => this._onOutputsChanged(records));
    this._observer.observe(this._area, { childList: true });
    this._stateObserver = new MutationObserver(() => this._onStateChanged());
    this._stateObserver.observe(root, { childList: true, attributes: true, attributeFilter: ['class'] });
  }

  /**
   * Removes everything that is needed only while the answer streams.
   *
   * @returns {void}
   */
  _stopWatchingRoot() {
    const root = this._root;
    if (!root) {
      return;
    }
    this._root = null;
    root.removeAttribute('aria-busy');
    this._details.dispose();
    for (const type of ['pointerdown', 'pointerup', 'click']) {
      root.removeEventListener(type, this._details, true);
    }
    root.removeEventListener('click', this, true);
    root.removeEventListener('toggle', this, true);
    root.removeEventListener('load', this, true);
    root.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('selectionchange', this);
    this._stateObserver.disconnect();
  }

  /**
   * @param {Event} event
   * @returns {void}
   */
  handleEvent(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.type === 'selectionchange') {
      const text = this._root.querySelector('.gm-answer');
      this._selection = text && readSelection(document.getSelection(), text);
    } else if (event.type === 'load') {
      this._pictures = picturesOf(this._root);
    } else if (event.type === 'click' && target.matches('.gm-picture img')) {
      openPicture(event);
    } else if (event.type === 'click' && target.closest('summary')) {
      // The reader starts to read the thoughts at their beginning, so the page must not scroll away.
      this._follower.release();
    } else if (event.type === 'toggle' && target.matches('.gm-thinking')) {
      this._thinking = /** @type {HTMLDetailsElement} */ (target);
      this._column = Array.from(this._root.querySelectorAll('.gm-column')).indexOf(target.closest('.gm-column'));
    } else if (event.type === 'scroll' && target.matches('.gm-thoughts')) {
      this._thoughtsScrollTop = target.scrollTop;
    }
  }

  /**
   * Handles the end of an answer whose widget stays in the page. If the page was loaded while the answer streamed, no
   * output is replaced: the widget itself shows the finished answer.
   *
   * @returns {void}
   */
  _onStateChanged() {
    const root = this._root;
    if (root.matches('.jupyter-widgets-disconnected')) {
      root.querySelector('.gm-stop')?.setAttribute('disabled', '');
      this._announcer.announce('Answer interrupted: the kernel was shut down or restarted');
      this.dispose();
    } else if (root.querySelector('.gm-mark') && !root.querySelector('.gm-mark.gm-busy')) {
      this._announcer.announce(endMessage(root));
      this.dispose();
    }
  }

  /**
   * Handles the replacement of the widget by the finished answer.
   *
   * @param {MutationRecord[]} records
   * @returns {void}
   */
  _onOutputsChanged(records) {
    if (!this.isDetached) {
      return;
    }
    const removed = records.find(record => Array.from(record.removedNodes).includes(this._output));
    const added = records.find(
      record => record.addedNodes.length && removed && record.previousSibling === removed.previousSibling
    );
    const replacement = added?.addedNodes[0];
    this._observer.disconnect();
    this._stopWatchingRoot();
    if (!replacement) {
      this.dispose();
      return;
    }
    this._output = /** @type {HTMLElement} */ (replacement);
    this._timer = setTimeout(() => this.dispose(), SETTLE_TIME);
    this._observer = new MutationObserver(() => this._restoreState());
    this._observer.observe(replacement, { childList: true, subtree: true });
    this._restoreState();
  }

  /**
   * Restores the reader's state in the finished answer. It runs before the answer is painted, so no change is visible.
   *
   * @returns {void}
   */
  _restoreState() {
    const root = /** @type {HTMLElement | null} */ (this._output.querySelector(STATIC));
    if (!root?.querySelector('.gm-mark')) {
      return;
    }
    this._observer.disconnect();
    const place = root.querySelectorAll('.gm-column')[this._column] ?? root;
    const thinking = /** @type {HTMLDetailsElement | null} */ (place.querySelector('details.gm-thinking'));
    if (this._thinking?.open && thinking) {
      thinking.open = true;
      thinking.querySelector('.gm-thoughts').scrollTop = this._thoughtsScrollTop;
    }
    this._details.restore(root);
    keepPictures(this._pictures, root);
    restorePlayers(this._players, root);
    this._follower.replaceElement(root);
    const text = root.querySelector('.gm-answer');
    if (this._selection && text) {
      restoreSelection(document.getSelection(), text, this._selection);
    }
    if (!root.querySelector('.gm-mark.gm-busy')) {
      this._announcer.announce(endMessage(root));
    }
  }
}
