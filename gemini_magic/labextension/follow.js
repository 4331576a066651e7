/**
 * Keeps the end of a growing element in view for a reader who is there.
 *
 * It knows sizes and scrollers, and nothing of notebooks. It never scrolls smoothly: an answer grows in small steps,
 * and some readers want no motion.
 */

/** Pixels below the lower edge where the end still counts as seen: about one line. */
const NEAR = 24;

/** Pixels that are left between the end and the lower edge. */
const GAP = 8;

/**
 * The nearest ancestor that has more content than room: the notebook, or the box of an output that scrolls by itself.
 *
 * @param {Element} element
 * @returns {Element | null}
 */
function scrollerOf(element) {
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
 * Where the upper and the lower edge of what a scroller shows are on the screen.
 *
 * @param {Element} scroller
 */
function edgesOf(scroller) {
  const upper = scroller.getBoundingClientRect().top + scroller.clientTop;
  return { upper, lower: upper + scroller.clientHeight };
}

/**
 * Whether an end is shown, or so close below that it counts.
 *
 * @param {number} end
 * @param {number} upper
 * @param {number} lower
 */
function isSeen(end, upper, lower) {
  return end > upper && end <= lower + NEAR;
}

/**
 * @param {Element} scroller
 * @param {number} top
 */
function scroll(scroller, top) {
  scroller.scrollTo({ top, behavior: 'instant' });
}

/**
 * Follows one element.
 *
 * Whether its end was in view is measured when the element has grown, with the height it had on the screen before: only
 * then are the reader's last movements in it. Scrolling up lets go at once, also by less than the tolerance; scrolling
 * down to the end takes hold again.
 */
export class Follower {
  /**
   * @param {HTMLElement} element
   * @param {() => boolean} wanted whether the reader's settings allow it
   */
  constructor(element, wanted) {
    this._element = element;
    this._wanted = wanted;
    this._held = true;
    /** Height on the screen; not a number while the element is not shown: what grew then is not followed. */
    this._height = NaN;
    /** @type {Element | null} */
    this._scroller = null;
    this._top = 0;
    /** Pixels from the beginning of what the scroller holds to the element. */
    this._offset = 0;
    this._sizes = new ResizeObserver(() => this._onSize());
    this._sizes.observe(element);
    // One listener for whatever scrolls: which ancestor that is may change with every line.
    document.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('visibilitychange', this);
  }

  dispose() {
    this._sizes.disconnect();
    document.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('visibilitychange', this);
  }

  /** The reader turned to something else: follow no more until the next scrolling down. */
  release() {
    this._held = false;
  }

  /**
   * Another element has taken the place of the first; called before it is painted. The reader's place stays.
   *
   * @param {HTMLElement} element
   */
  replace(element) {
    this._sizes.disconnect();
    this._element = element;
    const scroller = this._scroller;
    const box = scrollerOf(element);
    if (scroller && box && box !== scroller && scroller.contains(box)) {
      this._keepInBox(scroller, box);
    } else if (scroller && scroller.scrollTop < this._top) {
      // For a moment there was nothing, and nowhere to be.
      scroll(scroller, this._top);
    }
    this._onSize();
    this._sizes.observe(element);
  }

  /**
   * Notebook 7 puts a long output into a low box that scrolls by itself when the output changes, which ours does not
   * until it is finished: what was at the edge of the notebook is then at the edge of that box.
   *
   * @param {Element} scroller
   * @param {Element} box
   */
  _keepInBox(scroller, box) {
    const start = this._offset - this._top;
    const end = start + this._height;
    const { upper, lower } = edgesOf(scroller);
    if (isSeen(end, 0, lower - upper)) {
      scroll(box, box.scrollHeight);
      const below = box.getBoundingClientRect().bottom - upper - Math.min(end, lower - upper - GAP);
      scroll(scroller, scroller.scrollTop + below);
    } else {
      scroll(box, -start);
      scroll(scroller, scroller.scrollTop + box.getBoundingClientRect().top - upper - Math.max(start, 0));
    }
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === 'visibilitychange') {
      this._height = this._shownHeight();
    } else if (event.target === this._scroller) {
      this._onScroll(this._scroller);
    }
  }

  /** @returns {number} */
  _shownHeight() {
    return document.hidden ? NaN : this._element.getBoundingClientRect().height || NaN;
  }

  /** @param {Element} scroller */
  _onScroll(scroller) {
    const top = scroller.scrollTop;
    if (top > this._top) {
      this._held = true;
    } else if (top < this._top && top + scroller.clientHeight < scroller.scrollHeight - 1) {
      // At the very bottom it was not the reader: something below became smaller.
      this._held = false;
    }
    this._top = top;
  }

  _onSize() {
    const before = this._height;
    this._height = this._shownHeight();
    if (Number.isNaN(this._height)) {
      return;
    }
    const scroller = scrollerOf(this._element);
    if (scroller !== this._scroller) {
      this._scroller = scroller;
      this._top = scroller ? scroller.scrollTop : 0;
    }
    if (!scroller) {
      return;
    }
    if (this._height > before && this._held && this._wanted()) {
      this._follow(scroller, before);
    }
    this._offset = this._element.getBoundingClientRect().top - edgesOf(scroller).upper + this._top;
  }

  /**
   * @param {Element} scroller
   * @param {number} before the height on which the reader's place is judged
   */
  _follow(scroller, before) {
    const { top, bottom } = this._element.getBoundingClientRect();
    const { upper, lower } = edgesOf(scroller);
    if (bottom > lower - GAP && isSeen(top + before, upper, lower)) {
      scroll(scroller, scroller.scrollTop + bottom - lower + GAP);
      this._top = scroller.scrollTop;
    }
  }
}
