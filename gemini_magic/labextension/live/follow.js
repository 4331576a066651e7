/**
 * Keeps the end of a growing element in view, as long as the reader has not scrolled away from it.
 *
 * Scrolling is always instant. A streaming answer grows in small steps, and some readers prefer reduced motion.
 */

/** Pixels below the visible area within which the end still counts as visible: about one line. */
const TOLERANCE = 24;

/** Pixels between the end of the element and the lower edge of the visible area after scrolling. */
const MARGIN = 8;

/**
 * Returns the nearest ancestor that scrolls: the notebook, or the box of an output with its own scrollbar.
 *
 * @param {Element} element
 * @returns {Element | null}
 */
function findScroller(element) {
  for (let ancestor = element.parentElement; ancestor; ancestor = ancestor.parentElement) {
    if (
      ancestor.scrollHeight > ancestor.clientHeight + 1 &&
      /^(auto|scroll)$/.test(getComputedStyle(ancestor).overflowY)
    ) {
      return ancestor;
    }
  }
  return null;
}

/**
 * Returns the upper and the lower edge of a scroller's visible area, in pixels from the top of the viewport.
 *
 * @param {Element} scroller
 * @returns {{ upper: number, lower: number }}
 */
function visibleEdges(scroller) {
  const upper = scroller.getBoundingClientRect().top + scroller.clientTop;
  return { upper, lower: upper + scroller.clientHeight };
}

/**
 * @param {number} end the position of an element's end
 * @param {number} upper the upper edge of the visible area
 * @param {number} lower the lower edge of the visible area
 * @returns {boolean} whether the end is visible, or below the visible area by the tolerance at most
 */
function isEndVisible(end, upper, lower) {
  return end > upper && end <= lower + TOLERANCE;
}

/**
 * @param {Element} scroller
 * @param {number} top
 * @returns {void}
 */
function scrollTo(scroller, top) {
  scroller.scrollTo({ top, behavior: 'instant' });
}

/**
 * Follows one element.
 *
 * When the element has grown, the follower checks whether its end was visible before: with the previous height and the
 * current scroll position, which includes the reader's last movements. Scrolling up stops following at once, even by
 * less than the tolerance. Scrolling down to the end resumes it.
 */
export class Follower {
  /**
   * @param {HTMLElement} element
   * @param {() => boolean} isEnabled whether the settings allow following
   */
  constructor(element, isEnabled) {
    this._element = element;
    this._isEnabled = isEnabled;
    this._isFollowing = true;
    /** Height in pixels; NaN while the element is hidden. What grows while it is hidden is not followed. */
    this._height = NaN;
    /** @type {Element | null} */
    this._scroller = null;
    this._scrollTop = 0;
    /** Pixels from the start of the scroller's content to the element. */
    this._offset = 0;
    this._onResize(); // the first growth may come before the first call of the observer
    this._resizeObserver = new ResizeObserver(() => this._onResize());
    this._resizeObserver.observe(element);
    // One listener on the document, because the ancestor that scrolls can change with every line.
    document.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('visibilitychange', this);
  }

  /** @returns {void} */
  dispose() {
    this._resizeObserver.disconnect();
    document.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('visibilitychange', this);
  }

  /**
   * Shows the end of the element although it is below the visible area, if the reader has just run its cell: the cell is
   * the active one, and a part of it is visible.
   *
   * @returns {void}
   */
  reveal() {
    const cell = this._element.closest('.jp-Cell.jp-mod-active');
    const scroller = findScroller(this._element);
    if (!cell || !scroller || document.hidden || !this._isEnabled()) {
      return;
    }
    const { upper, lower } = visibleEdges(scroller);
    const { top, bottom } = cell.getBoundingClientRect();
    const end = this._element.getBoundingClientRect().bottom;
    if (top < lower && bottom > upper && end > lower - MARGIN) {
      scrollTo(scroller, scroller.scrollTop + end - lower + MARGIN);
      this._scroller = scroller;
      this._scrollTop = scroller.scrollTop;
    }
  }

  /**
   * Stops following until the reader scrolls down again.
   *
   * @returns {void}
   */
  release() {
    this._isFollowing = false;
  }

  /**
   * Continues with another element that has replaced the first, and keeps the reader's position. Must be called before
   * the new element is painted.
   *
   * @param {HTMLElement} element
   * @returns {void}
   */
  replaceElement(element) {
    this._resizeObserver.disconnect();
    this._element = element;
    const scroller = this._scroller;
    const box = findScroller(element);
    if (scroller && box && box !== scroller && scroller.contains(box)) {
      this._keepPositionInBox(scroller, box);
    } else if (scroller && scroller.scrollTop < this._scrollTop) {
      // While there was no element, the content was too short for the scroll position.
      scrollTo(scroller, this._scrollTop);
    }
    this._onResize();
    this._resizeObserver.observe(element);
  }

  /**
   * Keeps the reader's position when the new element is in a box with its own scrollbar. Notebook 7 puts a long output
   * into such a box when the output changes, which an answer does only when it is finished. The text at the edge of the
   * notebook's visible area is then at the edge of the box.
   *
   * @param {Element} scroller the notebook
   * @param {Element} box
   * @returns {void}
   */
  _keepPositionInBox(scroller, box) {
    const start = this._offset - this._scrollTop;
    const end = start + this._height;
    const { upper, lower } = visibleEdges(scroller);
    if (isEndVisible(end, 0, lower - upper)) {
      scrollTo(box, box.scrollHeight);
      const below = box.getBoundingClientRect().bottom - upper - Math.min(end, lower - upper - MARGIN);
      scrollTo(scroller, scroller.scrollTop + below);
    } else {
      scrollTo(box, -start);
      scrollTo(scroller, scroller.scrollTop + box.getBoundingClientRect().top - upper - Math.max(start, 0));
    }
  }

  /**
   * @param {Event} event
   * @returns {void}
   */
  handleEvent(event) {
    if (event.type === 'visibilitychange') {
      this._height = this._measureHeight();
    } else if (event.target === this._scroller) {
      this._onScroll(this._scroller);
    }
  }

  /** @returns {number} the height of the element in pixels; NaN while it is hidden */
  _measureHeight() {
    return document.hidden ? NaN : this._element.getBoundingClientRect().height || NaN;
  }

  /**
   * @param {Element} scroller
   * @returns {void}
   */
  _onScroll(scroller) {
    const top = scroller.scrollTop;
    if (top > this._scrollTop) {
      this._isFollowing = true;
    } else if (top < this._scrollTop && top + scroller.clientHeight < scroller.scrollHeight - 1) {
      // At the very bottom, the position also decreases when content below the element becomes smaller.
      this._isFollowing = false;
    }
    this._scrollTop = top;
  }

  /** @returns {void} */
  _onResize() {
    const previousHeight = this._height;
    this._height = this._measureHeight();
    if (Number.isNaN(this._height)) {
      return;
    }
    const scroller = findScroller(this._element);
    if (scroller !== this._scroller) {
      this._scroller = scroller;
      this._scrollTop = scroller ? scroller.scrollTop : 0;
    }
    if (!scroller) {
      return;
    }
    if (this._height > previousHeight && this._isFollowing && this._isEnabled()) {
      this._scrollToEnd(scroller, previousHeight);
    }
    this._offset = this._element.getBoundingClientRect().top - visibleEdges(scroller).upper + this._scrollTop;
  }

  /**
   * Scrolls to the end of the element if its end was visible before it grew.
   *
   * @param {Element} scroller
   * @param {number} previousHeight
   * @returns {void}
   */
  _scrollToEnd(scroller, previousHeight) {
    const { top, bottom } = this._element.getBoundingClientRect();
    const { upper, lower } = visibleEdges(scroller);
    if (bottom > lower - MARGIN && isEndVisible(top + previousHeight, upper, lower)) {
      scrollTo(scroller, scroller.scrollTop + bottom - lower + MARGIN);
      this._scrollTop = scroller.scrollTop;
    }
  }
}
