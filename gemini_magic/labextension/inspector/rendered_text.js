/**
 * Shows the beginning of a rendered text: the part that was received up to a position of its Markdown source.
 *
 * The rendering of the finished answer is cut, so nothing is parsed again. Its characters are found in the source in
 * order; characters of the rendering that the source does not contain, such as the box of a task, are shown with the
 * next one.
 */

/** Characters of the source that are searched for one character of the rendering: a long URL lies between two words. */
const MAX_MARKUP_LENGTH = 2000;

/** How often a character is searched for. A character that the source does not contain at all costs nothing. */
const MAX_TRIES = 50;

/** The share of the characters that must be found; otherwise the rendering does not belong to the source. */
const MIN_FOUND = 0.9;

/** The parts of an answer that are not text (`views/item_html.py`). Their text is not in the source. */
const ITEMS = '.gm-code, .gm-tool, .gm-call, .gm-part, .gm-picture, .gm-sound';

const WHITESPACE = /\s/;
const WORD = /[\p{L}\p{N}]/u;

/** Elements without text, which are shown as soon as the text before them is. */
const EMPTY_ELEMENTS = 'img, hr, br';

/** A rendering that can be cut. */
export class RenderedText {
  /**
   * @param {Element} root the element whose text is cut; it belongs to this object
   * @param {string} source the Markdown source
   */
  constructor(root, source) {
    this.node = root;
    /** @type {Array<{ node: Text, text: string, start: number }>} */
    this._texts = [];
    /** @type {Array<{ element: HTMLElement, start: number }>} */
    this._elements = [];
    /** @type {Array<{ element: HTMLElement, start: number }>} the parts that are not text */
    this._items = [];
    this._shown = 0;
    let rendered = '';
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.nodeType === Node.ELEMENT_NODE && /** @type {Element} */ (node).matches(ITEMS)) {
        this._items.push({ element: /** @type {HTMLElement} */ (node), start: rendered.length });
        walker.currentNode = lastDescendant(node);
      } else if (node.nodeType === Node.TEXT_NODE) {
        const { data } = /** @type {Text} */ (node);
        this._texts.push({ node: /** @type {Text} */ (node), text: data, start: rendered.length });
        rendered += data;
      } else if (node.textContent || /** @type {Element} */ (node).matches(EMPTY_ELEMENTS)) {
        this._elements.push({ element: /** @type {HTMLElement} */ (node), start: rendered.length });
      }
    }
    this._length = rendered.length;
    this._shown = this._length;
    this._ends = alignTexts(rendered, source);
  }

  /**
   * @returns {Array<{ position: number, name: string }>} for each part that is not text, in order, the length of the source
   *   before it and its class
   */
  itemPositions() {
    return this._items.map(({ element, start }) => ({
      position: start ? this._ends[start - 1] : 0,
      name: element.classList[0]
    }));
  }

  /**
   * Shows the first parts that are not text.
   *
   * @param {number} count
   * @returns {void}
   */
  showItems(count) {
    this._items.forEach(({ element }, index) => {
      element.hidden = index >= count;
    });
  }

  /** Whether the rendering belongs to the source. */
  get isAligned() {
    return this._ends !== null;
  }

  /**
   * Shows what the beginning of the source contains.
   *
   * @param {number} length of the beginning of the source; Infinity for all
   * @returns {void}
   */
  show(length) {
    const shown = length === Infinity ? this._length : countUpTo(this._ends, length);
    const [from, to] = [Math.min(shown, this._shown), Math.max(shown, this._shown)];
    this._shown = shown;
    for (let at = firstAfter(this._texts, from); at < this._texts.length; at += 1) {
      const { node, text, start } = this._texts[at];
      if (start > to) {
        break;
      }
      const visible = text.slice(0, Math.max(0, shown - start));
      if (node.data !== visible) {
        node.data = visible;
      }
    }
    for (let at = firstAfter(this._elements, from); at < this._elements.length; at += 1) {
      const { element, start } = this._elements[at];
      if (start > to) {
        break;
      }
      element.hidden = start >= shown && shown < this._length;
    }
  }
}

/**
 * @param {Node} node
 * @returns {Node} the last node below it; the node itself if there is none
 */
function lastDescendant(node) {
  let last = node;
  while (last.lastChild) {
    last = last.lastChild;
  }
  return last;
}

/**
 * Finds the characters of a rendering in its source.
 *
 * @param {string} rendered
 * @param {string} source
 * @returns {Uint32Array | null} for each character the length of the source that contains it and all before; null if
 *   too few are found
 */
function alignTexts(rendered, source) {
  const ends = new Uint32Array(rendered.length);
  let [position, found, wanted] = [0, 0, 0];
  for (let at = 0; at < rendered.length; at += 1) {
    if (!WHITESPACE.test(rendered[at])) {
      wanted += 1;
      const next = findCharacter(rendered, at, source, position);
      if (next >= 0) {
        position = next + 1;
        found += 1;
      }
    }
    ends[at] = position;
  }
  return found >= wanted * MIN_FOUND ? ends : null;
}

/**
 * Finds a character of the rendering in the source. Between it and the previous one is only markup: characters that are
 * neither letters nor digits, or a part such as a URL, after which the source continues as the rendering does.
 *
 * @param {string} rendered
 * @param {number} at where the character is in the rendering
 * @param {string} source
 * @param {number} position where the search begins
 * @returns {number} where the character is in the source; -1 if it was not found
 */
function findCharacter(rendered, at, source, position) {
  const after = rendered.slice(at + 1, at + 4).trimEnd();
  let next = source.indexOf(rendered[at], position);
  for (let tries = 0; tries < MAX_TRIES && next >= 0 && next - position <= MAX_MARKUP_LENGTH; tries += 1) {
    if (source.startsWith(after, next + 1) || !WORD.test(source.slice(position, next))) {
      return next;
    }
    next = source.indexOf(rendered[at], next + 1);
  }
  return -1;
}

/**
 * @param {Uint32Array} ends ascending
 * @param {number} length
 * @returns {number} how many values are at most the length
 */
function countUpTo(ends, length) {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= length) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return length ? low : 0;
}

/**
 * @param {Array<{ start: number }>} items in the order of their starts
 * @param {number} position
 * @returns {number} the index of the item that contains the position, or of the first one that starts there
 */
function firstAfter(items, position) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].start < position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return Math.max(0, low - 1);
}
