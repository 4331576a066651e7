/**
 * Keeps the blocks of an answer that the reader has opened or closed (`<details>`) as they are, when the page renders
 * their text again: each time the unfinished block grows, and when the finished answer replaces the widget.
 *
 * A block is identified by its position among all blocks of the answer, because blocks are only added at the end.
 */

import { outdatedElements } from './live_nodes.js';

/**
 * The blocks of the text and the tool runs. Neither the thoughts nor pictures are among them: a streaming picture is not a
 * block. The arguments of a run that waits for the reader go when it is decided.
 */
const BLOCK = '.gm-answer details:not(.gm-picture, .gm-rest)';

/** The summary of the second and every later piece of a long block, which the style sheet hides. */
const CONTINUATION = ':scope > summary:empty';

/**
 * @param {Element} root the root of an answer
 * @returns {HTMLDetailsElement[]} its blocks, each once
 */
function findBlocks(root) {
  const outdated = outdatedElements(root);
  return /** @type {HTMLDetailsElement[]} */ (Array.from(root.querySelectorAll(BLOCK))).filter(
    block =>
      !outdated.some(element => element.contains(block)) &&
      !(block.closest('.gm-run-details') && block.querySelector(CONTINUATION))
  );
}

export class DetailsState {
  /** @param {Element} root the root of the streaming answer */
  constructor(root) {
    this._root = root;
    /**
     * Whether the reader wants a block to be open, by the position of the block.
     *
     * @type {Map<number, boolean>}
     */
    this._wanted = new Map();
    /**
     * The summary on which a pointer was pressed, and the position of its block.
     *
     * @type {{ summary: Element, index: number } | null}
     */
    this._pressed = null;
    // It observes only when the reader has opened or closed a block.
    this._observer = new MutationObserver(() => this.restore(this._root));
  }

  /** Whether the reader has opened or closed a block. */
  get hasChanged() {
    return this._wanted.size > 0;
  }

  /** @returns {void} */
  dispose() {
    this._observer.disconnect();
  }

  /**
   * Handles a pointer or a click on a summary. A block that is rendered again between the press and the release of a
   * pointer gets no click, so it is opened or closed here.
   *
   * @param {MouseEvent} event `pointerdown`, `pointerup` or `click`
   * @returns {void}
   */
  handleEvent({ type, target, button }) {
    const summary = /** @type {Element} */ (target).closest('summary');
    const block = /** @type {HTMLDetailsElement | null} */ (summary?.closest(BLOCK) ?? null);
    const index = block ? findBlocks(this._root).indexOf(block) : -1;
    if (type === 'pointerdown') {
      this._pressed = index < 0 || button !== 0 ? null : { summary, index };
    } else if (index >= 0 && (type === 'click' || this._isReplacement(summary, index))) {
      this._wanted.set(index, !block.open); // before the browser changes it
      this._observer.observe(this._root, { childList: true, subtree: true });
      if (type === 'pointerup') {
        this.restore(this._root);
      }
    }
  }

  /**
   * @param {Element} summary
   * @param {number} index the position of its block
   * @returns {boolean} whether the pressed summary was another element for the same block
   */
  _isReplacement(summary, index) {
    return this._pressed?.index === index && this._pressed.summary !== summary;
  }

  /**
   * Opens and closes the blocks of an answer as the reader did.
   *
   * @param {Element} root the root of the same answer, streaming or finished
   * @returns {void}
   */
  restore(root) {
    if (this._wanted.size) {
      const blocks = findBlocks(root);
      for (const [index, isOpen] of this._wanted) {
        if (blocks[index] && blocks[index].open !== isOpen) {
          blocks[index].open = isOpen;
        }
      }
    }
  }
}
