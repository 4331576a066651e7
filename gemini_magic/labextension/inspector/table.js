/**
 * A virtual table: only the rows in view have elements, so 100,000 rows scroll as smoothly as ten.
 *
 * Rows are identified by their number. Each column has a function that returns the text of a row.
 */

import { html } from './dom.js';

const ROW_HEIGHT = 22; // pixels, the same as in inspector.css
const VISIBLE_ROWS = 12;
const EXTRA_ROWS = 6; // rows with elements above and below the view
const MIN_WIDTH = 90; // pixels, for a column without a width

/**
 * A column of a table.
 *
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [hint] the tooltip of the title
 * @property {number} [width] a fixed width in pixels
 * @property {number} [minWidth] the minimum width in pixels of a column that grows
 * @property {number} [share] the share of the free width, 1 by default
 * @property {string} [kind] the suffix of the cells' CSS class
 * @property {boolean} [optional] whether the column is hidden in a narrow table
 * @property {(row: number) => string} text
 */

/**
 * @param {Column} column
 * @returns {string} the width for `grid-template-columns`
 */
const gridWidth = ({ width, minWidth, share }) =>
  width ? `${width}px` : `minmax(${minWidth ?? MIN_WIDTH}px, ${share ?? 1}fr)`;

/**
 * @param {Column} column
 * @returns {string}
 */
const cellClass = ({ kind, optional }) => `gmi-cell gmi-${kind ?? 'text'}${optional ? ' gmi-optional' : ''}`;

export class Table {
  /**
   * @param {string} label the accessible name
   * @param {Column[]} columns
   * @param {number} count the number of rows
   * @param {(row: number) => void} onSelect called when a row is selected
   */
  constructor(label, columns, count, onSelect) {
    this._columns = columns;
    this._onSelect = onSelect;
    /**
     * The numbers of the rows that match the filter; null for all rows.
     *
     * @type {number[] | null}
     */
    this._rows = null;
    this._count = count;
    /** The position of the selected row among the matching rows; -1 if there is no selection. */
    this._selected = -1;
    /** @type {HTMLElement[]} */
    this._rowElements = [];
    this._space = html('div', { class: 'gmi-space', role: 'rowgroup' });
    this._view = html(
      'div',
      { class: 'gmi-rows', role: 'presentation', scroll: () => this._render() },
      this._space
    );
    const titles = columns.map(column =>
      html('span', { role: 'columnheader', class: cellClass(column), title: column.hint }, column.title)
    );
    this.node = html(
      'div',
      {
        class: 'gmi-table',
        role: 'grid',
        tabindex: 0,
        'aria-label': label,
        keydown: event => this._onKeyDown(event)
      },
      html('div', { class: 'gmi-head', role: 'row' }, ...titles),
      this._view
    );
    const required = columns.filter(column => !column.optional);
    const minWidth = required.reduce(
      (sum, column) => sum + (column.width ?? column.minWidth ?? MIN_WIDTH),
      0
    );
    this.node.style.setProperty('--gmi-columns', columns.map(gridWidth).join(' '));
    this.node.style.setProperty('--gmi-required-columns', required.map(gridWidth).join(' '));
    this.node.style.setProperty('--gmi-min-width', `${minWidth}px`);
    this._space.addEventListener('click', event => this._onClick(event));
    this.show(null);
  }

  /** The number of rows that match the filter. */
  get length() {
    return this._rows ? this._rows.length : this._count;
  }

  /**
   * Shows only some of the rows.
   *
   * @param {number[] | null} rows the numbers of the rows; null for all rows
   * @returns {void}
   */
  show(rows) {
    const selected = this._selected < 0 ? -1 : this._rowAt(this._selected);
    this._rows = rows;
    this._selected = rows ? rows.indexOf(selected) : selected;
    this._space.style.height = `${this.length * ROW_HEIGHT}px`;
    this._view.style.height = `${Math.max(1, Math.min(VISIBLE_ROWS, this.length)) * ROW_HEIGHT + 1}px`;
    this.node.setAttribute('aria-rowcount', String(this.length));
    this._view.scrollTop = 0;
    this._render();
  }

  /**
   * Selects a row and scrolls it into view, unless the filter hides it.
   *
   * @param {number} row
   * @returns {void}
   */
  select(row) {
    this._selectPosition(this._rows ? this._rows.indexOf(row) : row);
  }

  /** @returns {void} */
  clearSelection() {
    this._selected = -1;
    this._render();
  }

  /**
   * Renders the rows again after the table was hidden.
   *
   * @returns {void}
   */
  refresh() {
    this._render();
  }

  /**
   * @param {number} position among the matching rows
   * @returns {number} the number of the row
   */
  _rowAt(position) {
    return this._rows ? this._rows[position] : position;
  }

  /**
   * @param {number} position among the matching rows
   * @returns {void}
   */
  _selectPosition(position) {
    if (position < 0 || position >= this.length) {
      return;
    }
    this._selected = position;
    const top = position * ROW_HEIGHT;
    const height = this._view.clientHeight || VISIBLE_ROWS * ROW_HEIGHT;
    if (top < this._view.scrollTop) {
      this._view.scrollTop = top;
    } else if (top + ROW_HEIGHT > this._view.scrollTop + height) {
      this._view.scrollTop = top + ROW_HEIGHT - height;
    }
    this._render();
    this._onSelect(this._rowAt(position));
  }

  /**
   * @param {MouseEvent} event
   * @returns {void}
   */
  _onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest('.gmi-row'));
    if (row) {
      this._selectPosition(Number(row.dataset.position));
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  _onKeyDown(event) {
    const page = VISIBLE_ROWS - 1;
    const last = this.length - 1;
    const selected = this._selected;
    /** @type {Record<string, number>} */
    const positions = {
      ArrowDown: selected + 1,
      ArrowUp: selected < 0 ? last : selected - 1,
      PageDown: Math.max(0, selected) + page,
      PageUp: selected - page,
      Home: 0,
      End: last,
      Enter: selected
    };
    if (!Object.hasOwn(positions, event.key) || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    this._selectPosition(Math.min(last, Math.max(0, positions[event.key])));
  }

  /** @returns {void} */
  _render() {
    const first = Math.max(0, Math.floor(this._view.scrollTop / ROW_HEIGHT) - EXTRA_ROWS);
    const end = Math.min(this.length, first + VISIBLE_ROWS + 2 * EXTRA_ROWS);
    while (this._rowElements.length < end - first) {
      const row = html('div', { class: 'gmi-row', role: 'row' });
      row.append(
        ...this._columns.map(column => html('span', { role: 'gridcell', class: cellClass(column) }))
      );
      this._rowElements.push(row);
      this._space.append(row);
    }
    this._rowElements.forEach((row, index) => {
      row.hidden = index >= end - first;
      if (!row.hidden) {
        this._renderRow(row, first + index);
      }
    });
    if (this._selected >= first && this._selected < end) {
      this.node.setAttribute('aria-activedescendant', this._rowElements[this._selected - first].id);
    } else {
      this.node.removeAttribute('aria-activedescendant');
    }
  }

  /**
   * @param {HTMLElement} element
   * @param {number} position among the matching rows
   * @returns {void}
   */
  _renderRow(element, position) {
    const row = this._rowAt(position);
    element.id ||= `gmi-row-${Math.random().toString(36).slice(2)}`;
    element.style.transform = `translateY(${position * ROW_HEIGHT}px)`;
    element.dataset.position = String(position);
    element.setAttribute('aria-rowindex', String(position + 1));
    element.setAttribute('aria-selected', String(position === this._selected));
    this._columns.forEach((column, index) => {
      element.children[index].textContent = column.text(row);
    });
  }
}
