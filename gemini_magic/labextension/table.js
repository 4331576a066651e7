/**
 * A table of which only the rows in view are elements, so that a hundred thousand scroll like ten.
 *
 * It knows rows by their number and columns by a function that gives their text. What a row is, it does not know.
 */

import { make } from './nodes.js';

const ROW = 22; // pixels, also in inspector.css
const SHOWN = 12; // rows
const BEYOND = 6; // rows above and below the view
const LEAST = 90; // pixels of a column that says nothing of its width

/**
 * A column; `width` in pixels is fixed, `least` may grow, by a `share` of what the others take. One that can be done without goes where there is little room.
 *
 * @typedef {{title: string, hint?: string, width?: number, least?: number, share?: number, kind?: string, spare?: boolean,
 *     text: (row: number) => string}} Column
 */

const widthOf = ({ width, least, share }) => (width ? `${width}px` : `minmax(${least ?? LEAST}px, ${share ?? 1}fr)`);
const classOf = ({ kind, spare }) => `gmi-cell gmi-${kind ?? 'text'}${spare ? ' gmi-spare' : ''}`;

export class Table {
  /**
   * @param {string} label for those who hear it
   * @param {Column[]} columns
   * @param {number} count how many rows there are
   * @param {((row: number) => void) | null} pick called when a row is chosen
   */
  constructor(label, columns, count, pick = null) {
    this._columns = columns;
    this._pick = pick;
    this._rows = null; // the numbers of the rows that are left by a filter; null for all
    this._count = count;
    this._chosen = -1; // place among those
    this._pool = [];
    const cell = column => make('span', { role: 'columnheader', class: classOf(column), title: column.hint }, column.title);
    this._space = make('div', { class: 'gmi-space', role: 'rowgroup' });
    this._view = make('div', { class: 'gmi-rows', role: 'presentation', scroll: () => this._draw() }, this._space);
    this.node = make(
      'div',
      { class: 'gmi-table', role: 'grid', tabindex: 0, 'aria-label': label, keydown: event => this._onKey(event) },
      make('div', { class: 'gmi-head', role: 'row' }, ...columns.map(cell)),
      this._view
    );
    const needed = columns.filter(column => !column.spare);
    this.node.style.setProperty('--gmi-columns', columns.map(widthOf).join(' '));
    this.node.style.setProperty('--gmi-needed', needed.map(widthOf).join(' '));
    this.node.style.setProperty('--gmi-least', `${needed.reduce((sum, { width, least }) => sum + (width ?? least ?? LEAST), 0)}px`);
    this._space.addEventListener('click', event => this._onClick(event));
    this.show(null);
  }

  /** How many rows are left by the filter. */
  get length() {
    return this._rows ? this._rows.length : this._count;
  }

  /** @param {number[] | null} rows the numbers of those that are shown; null for all */
  show(rows) {
    const chosen = this._chosen < 0 ? -1 : this._row(this._chosen);
    this._rows = rows;
    this._chosen = rows ? rows.indexOf(chosen) : chosen;
    this._space.style.height = `${this.length * ROW}px`;
    this._view.style.height = `${Math.max(1, Math.min(SHOWN, this.length)) * ROW + 1}px`;
    this.node.setAttribute('aria-rowcount', String(this.length));
    this._view.scrollTop = 0;
    this._draw();
  }

  /** Chooses a row, if it is shown, and brings it into view. @param {number} row */
  choose(row) {
    this._move(this._rows ? this._rows.indexOf(row) : row);
  }

  /** Forgets the choice. */
  leave() {
    this._chosen = -1;
    this._draw();
  }

  /** Draws again after the table was out of sight. */
  refresh() {
    this._draw();
  }

  _row(place) {
    return this._rows ? this._rows[place] : place;
  }

  _move(place) {
    if (place < 0 || place >= this.length) {
      return;
    }
    this._chosen = place;
    const top = place * ROW;
    const height = this._view.clientHeight || SHOWN * ROW;
    if (top < this._view.scrollTop) {
      this._view.scrollTop = top;
    } else if (top + ROW > this._view.scrollTop + height) {
      this._view.scrollTop = top + ROW - height;
    }
    this._draw();
    this._pick?.(this._row(place));
  }

  _onClick(event) {
    const row = event.target.closest('.gmi-row');
    if (row && this._pick) {
      this._move(Number(row.dataset.place));
    }
  }

  _onKey(event) {
    const page = SHOWN - 1;
    const last = this.length - 1;
    const now = this._chosen;
    const to = {
      ArrowDown: now + 1,
      ArrowUp: now < 0 ? last : now - 1,
      PageDown: Math.min(last, Math.max(0, now) + page),
      PageUp: Math.max(0, now - page),
      Home: 0,
      End: last,
      Enter: Math.max(0, now)
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    if (this._pick) {
      this._move(Math.min(last, Math.max(0, to)));
    } else {
      const step = { ArrowDown: ROW, ArrowUp: -ROW, PageDown: page * ROW, PageUp: -page * ROW, Home: -1e9, End: 1e9 }[event.key];
      this._view.scrollTop += step ?? 0;
    }
  }

  _draw() {
    const first = Math.max(0, Math.floor(this._view.scrollTop / ROW) - BEYOND);
    const last = Math.min(this.length, first + SHOWN + 2 * BEYOND);
    while (this._pool.length < last - first) {
      const row = make('div', { class: 'gmi-row', role: 'row' });
      row.append(...this._columns.map(column => make('span', { role: 'gridcell', class: classOf(column) })));
      this._pool.push(row);
      this._space.append(row);
    }
    this._pool.forEach((row, at) => {
      row.hidden = at >= last - first;
      if (!row.hidden) {
        this._fill(row, first + at);
      }
    });
    const chosen = this._chosen >= first && this._chosen < last ? this._pool[this._chosen - first].id : '';
    if (chosen) {
      this.node.setAttribute('aria-activedescendant', chosen);
    } else {
      this.node.removeAttribute('aria-activedescendant');
    }
  }

  _fill(row, place) {
    const number = this._row(place);
    row.id ||= `gmi-row-${Math.random().toString(36).slice(2)}`;
    row.style.transform = `translateY(${place * ROW}px)`;
    row.dataset.place = String(place);
    row.setAttribute('aria-rowindex', String(place + 1));
    row.setAttribute('aria-selected', String(place === this._chosen));
    this._columns.forEach((column, at) => {
      row.children[at].textContent = column.text(number);
    });
  }
}
