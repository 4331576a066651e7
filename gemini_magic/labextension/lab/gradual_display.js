/**
 * Displays a long finished answer part by part, so that the page never stops for long.
 *
 * The blocks that the reader sees are displayed at once, the others in several tasks. Padding takes their place until
 * then: the height of the answer and the positions of the visible blocks stay those of the streaming answer.
 */

import { takeLiveLayout } from './live_layouts.js';
import { findCharacter, measureCharacter, textNodes, withoutSpace } from './text_positions.js';

/** Elements whose children are displayed one by one. */
const CONTAINER = 'ul, ol, blockquote, table, thead, tbody, .gm-table';

/**
 * What an answer must not contain: formulas, whose heights are known when they are typeset, and parts that are not text, whose
 * heights do not depend on their characters.
 */
const NOT_TEXT = '.mathjax_process, .gm-picture, .gm-sound, .gm-code, .gm-tool, .gm-call';

/** Milliseconds that a task should take, and milliseconds between two tasks. */
const TASK_TIME = 25;
const PAUSE = 16;

/**
 * The smallest number of characters in a task. Each task lays out the containers again, so many small ones would take
 * long on a slow machine.
 */
const MIN_SIZE = 10_000;

/** The number of characters whose text takes as long as an empty block. */
const BLOCK_SIZE = 40;

/** The number of characters in a block of several lines of code. */
const CODE_SIZE = 1000;

/**
 * @typedef {object} Block a parsed element, or several lines of a long piece of code
 * @property {Element} parent the parsed element that contains it
 * @property {Node[]} nodes
 * @property {number} start the position of its text, as in `text_positions.js`
 * @property {number} end
 */

/**
 * Prepares to display an answer part by part, if it has streamed in this page and was long.
 *
 * @param {Element} root the parsed HTML of the finished answer, which is not in the page
 * @param {unknown} metadata of its output
 * @param {(source: Node, isDeep: boolean) => DocumentFragment} copy returns the sanitized copy of a node, with or
 *   without its children
 * @returns {GradualDisplay | null}
 */
export function displayGradually(root, metadata, copy) {
  const layout = takeLiveLayout(metadata);
  return layout && !document.hidden ? new GradualDisplay(root, layout, copy) : null;
}

class GradualDisplay {
  /**
   * @param {Element} root as in `displayGradually`
   * @param {import('./live_layouts.js').LiveLayout} layout of the streaming answer
   * @param {(source: Node, isDeep: boolean) => DocumentFragment} copy as in `displayGradually`
   */
  constructor(root, layout, copy) {
    this._layout = layout;
    this._copy = copy;
    /** The parsed element with the text of the answer. */
    this.source = root.querySelector('.gm-answer');
    /** The element in the page. */
    this._answer = /** @type {HTMLElement | null} */ (null);
    const blocks = this.source && layout.isPlain && !root.querySelector(NOT_TEXT) ? listBlocks(this.source) : [];
    // The blocks from `_first` to before `_last` are displayed.
    this._first = blocks.findIndex(block => block.end > layout.start);
    this._last = 1 + blocks.findLastIndex(block => block.start < layout.end);
    const isSame = this._first >= 0 && textFrom(blocks, this._first, layout) === layout.sample;
    const isWhole = this._first === 0 && this._last === blocks.length;
    /** @type {Block[]} */
    this._blocks = isSame && !isWhole && this._last > this._first ? blocks : [];
    /**
     * The copies of the elements that contain blocks.
     *
     * @type {Map<Element, Element>}
     */
    this._containers = new Map();
    /** The first displayed character, which keeps its place. */
    this._anchor = /** @type {{ text: Text, offset: number } | null} */ (null);
    /** The number of characters in the next task. */
    this._size = MIN_SIZE;
    this._isStarted = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    /**
     * The elements that have a style only while blocks are missing.
     *
     * @type {HTMLElement[]}
     */
    this._styled = [];
  }

  /** The height of the output of the streaming answer, in pixels. */
  get outputHeight() {
    return this._layout.outputHeight;
  }

  /** Whether blocks are missing. All are displayed if their text is not that of the streaming answer, or is one block. */
  get isActive() {
    return this._blocks.length > 0;
  }

  /**
   * Adds the blocks that the reader sees.
   *
   * @param {HTMLElement} answer the empty element of the text
   * @returns {void}
   */
  fill(answer) {
    this._answer = answer;
    answer.style.padding = '1px 0'; // keeps the margins of the first and of the last block inside
    this._styled.push(answer);
    this._containers.set(this.source, answer);
    for (let index = this._first; index < this._last; index += 1) {
      this._add(this._blocks[index], true);
    }
    const first = this._blocks[this._first];
    const block = /** @type {HTMLElement} */ (this._firstElement());
    this._anchor = findCharacter(textNodes(answer), this._layout.start - first.start);
    const list = first.parent;
    if (list.localName === 'ol') {
      // Items that are missing are not counted.
      const number = /** @type {HTMLOListElement} */ (list).start + Array.from(list.children).findIndex(item => item === first.nodes[0]);
      block.style.counterSet = `list-item ${number}`;
      this._styled.push(block);
    }
    this._fixColumns(block.closest('table'));
  }

  /**
   * Begins to display the other blocks. The answer must be in the page.
   *
   * @returns {void}
   */
  start() {
    if (this.isActive && !this._isStarted) {
      this._isStarted = true;
      this._settle();
      this._next();
    }
  }

  /** @returns {void} */
  dispose() {
    clearTimeout(this._timer);
  }

  /** @returns {Element} the element of the first block that is displayed */
  _firstElement() {
    let element = this._answer.firstElementChild;
    while (element.matches(CONTAINER) && element.firstElementChild) {
      element = element.firstElementChild;
    }
    return element;
  }

  /**
   * Adds a block at one end of those that are displayed.
   *
   * @param {Block} block
   * @param {boolean} isBelow whether it is the end, not the start
   * @returns {void}
   */
  _add({ parent, nodes }, isBelow) {
    const container = this._container(parent, isBelow);
    const copies = nodes.map(node => this._copy(node, true));
    const start = isBelow ? null : this._startOf(container);
    copies.forEach(copy => container.insertBefore(copy, start));
  }

  /**
   * @param {Element} source a parsed element that contains blocks
   * @param {boolean} isBelow where to add its copy if there is none
   * @returns {Element} its copy
   */
  _container(source, isBelow) {
    const found = this._containers.get(source);
    if (found) {
      return found;
    }
    const parent = this._container(source.parentElement, isBelow);
    const copy = this._copy(source, false);
    // The copy of a piece of code is surrounded by an element with its button.
    const container = copy.querySelector(source.localName);
    this._containers.set(source, container);
    parent.insertBefore(copy, isBelow ? null : this._startOf(parent));
    return container;
  }

  /**
   * @param {Element} container
   * @returns {Node | null} its first child that is part of the answer
   */
  _startOf(container) {
    const first = container.firstChild;
    return first?.nodeName === 'COLGROUP' ? first.nextSibling : first;
  }

  /**
   * Gives the columns of a table the widths that they have when it has all rows.
   *
   * @param {HTMLTableElement | null} table
   * @returns {void}
   */
  _fixColumns(table) {
    const { columns } = this._layout;
    if (!table || !columns.length) {
      return;
    }
    const group = document.createElement('colgroup');
    for (const width of columns) {
      const column = document.createElement('col');
      column.style.width = `${width}px`;
      group.append(column);
    }
    table.prepend(group);
    table.style.tableLayout = 'fixed';
    table.style.width = `${columns.reduce((sum, width) => sum + width, 0)}px`;
    this._styled.push(table);
    this._columns = group;
  }

  /**
   * Adapts the padding, so that the first character and the end of the answer are where they were.
   *
   * @returns {void}
   */
  _settle() {
    const { style } = this._answer;
    const above = parseFloat(style.paddingTop || '0');
    const { top } = this._answer.getBoundingClientRect();
    const place = measureCharacter(this._anchor.text, this._anchor.offset).top - top;
    style.paddingTop = this._first ? `${Math.max(0, above + this._layout.top - place)}px` : '';
    if (this._last === this._blocks.length) {
      style.paddingBottom = '';
    } else {
      const below = parseFloat(style.paddingBottom || '0');
      // The inspector follows the answer, and the margin of the last block may be between them.
      const inspector = this._answer.closest('.gmi-output').lastElementChild;
      const start = this._answer.closest('.gmi-answer').getBoundingClientRect().top;
      const height = inspector.getBoundingClientRect().top - start;
      style.paddingBottom = `${Math.max(0, below + this._layout.outputHeight - height)}px`;
    }
  }

  /**
   * Displays the next blocks in another task: first those below, then those above, the nearest first.
   *
   * @returns {void}
   */
  _next() {
    if (this._first === 0 && this._last === this._blocks.length) {
      this._end();
      return;
    }
    this._timer = setTimeout(() => {
      const began = performance.now();
      for (let size = 0; size < this._size && (this._first > 0 || this._last < this._blocks.length);) {
        const isBelow = this._last < this._blocks.length;
        const block = this._blocks[isBelow ? this._last++ : --this._first];
        this._add(block, isBelow);
        size += block.end - block.start + BLOCK_SIZE;
      }
      if (this._answer.isConnected) {
        this._settle();
      }
      const taken = Math.max(1, performance.now() - began);
      this._size = Math.max(MIN_SIZE, this._size * Math.min(2, TASK_TIME / taken));
      this._next();
    }, PAUSE);
  }

  /** @returns {void} */
  _end() {
    this._blocks = [];
    this._containers.clear();
    this._styled.forEach(element => element.removeAttribute('style'));
    this._columns?.remove();
  }
}

/**
 * @param {Element} answer
 * @returns {Block[]} the blocks of an answer, in the order of the document
 */
function listBlocks(answer) {
  /** @type {Block[]} */
  const blocks = [];
  let position = 0;
  /**
   * @param {Element} parent
   * @param {Node[]} nodes
   */
  const add = (parent, nodes) => {
    const start = position;
    position += withoutSpace(joinTexts(nodes)).length;
    blocks.push({ parent, nodes, start, end: position });
  };
  /** @param {Element} parent */
  const visit = parent => {
    for (const element of parent.children) {
      const code = longCode(element);
      if (code) {
        splitLines(code).forEach(nodes => add(code, nodes));
      } else if (element.matches(CONTAINER)) {
        visit(element);
      } else {
        add(parent, [element]);
      }
    }
  };
  visit(answer);
  return blocks;
}

/**
 * @param {Element} element
 * @returns {Element | null} the `code` element of a piece of code that is long
 */
function longCode(element) {
  const code = element.localName === 'pre' ? element.firstElementChild : null;
  const isOnly = code?.localName === 'code' && element.childNodes.length === 1;
  return isOnly && code.textContent.length > 2 * CODE_SIZE ? code : null;
}

/**
 * Splits the content of a parsed element after lines, also within a text.
 *
 * @param {Element} code
 * @returns {Node[][]} the nodes of the parts; a text is copied piece by piece, in linear time
 */
function splitLines(code) {
  /** @type {Node[][]} */
  const parts = [[]];
  let size = 0;
  for (const node of code.childNodes) {
    const text = node.textContent;
    if (node.nodeType !== Node.TEXT_NODE) {
      parts.at(-1).push(node);
      size += text.length;
      continue;
    }
    for (let start = 0, end; start < text.length; start = end) {
      const line = text.indexOf('\n', start + Math.max(0, CODE_SIZE - size));
      end = line < 0 ? text.length : line + 1;
      parts.at(-1).push(document.createTextNode(text.slice(start, end)));
      size += end - start;
      if (line >= 0) {
        parts.push([]);
        size = 0;
      }
    }
  }
  return parts.filter(nodes => nodes.length);
}

/**
 * @param {Node[]} nodes
 * @returns {string}
 */
const joinTexts = nodes => nodes.map(node => node.textContent).join('');

/**
 * @param {Block[]} blocks
 * @param {number} first the block that contains the start
 * @param {import('./live_layouts.js').LiveLayout} layout
 * @returns {string} the text of the blocks at the place of the layout's sample
 */
function textFrom(blocks, first, { start, sample }) {
  let text = withoutSpace(joinTexts(blocks[first].nodes)).slice(start - blocks[first].start);
  for (let index = first + 1; index < blocks.length && text.length < sample.length; index += 1) {
    text += withoutSpace(joinTexts(blocks[index].nodes));
  }
  return text.slice(0, sample.length);
}
