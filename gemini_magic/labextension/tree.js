/**
 * A JSON value as a folded tree. Branches are made when they are opened, so that depth and size cost nothing before.
 */

import { button, make } from './nodes.js';
import { count, counted, reveal } from './written.js';

const ENTRIES = 100; // of one branch at a time
const LONG = 300; // characters of a text, before one asks for more
const OPEN = 6; // levels that are open at first, of values that fit into a view
const FITS = 12; // entries

/** @param {string} said */
function longText(said) {
  const node = make('span', { class: 'gmi-string' }, reveal(JSON.stringify(said.length > LONG ? said.slice(0, LONG) : said)));
  if (said.length > LONG) {
    const more = button(`… ${count(said.length - LONG)} more`, () => {
      node.textContent = reveal(JSON.stringify(said));
    });
    node.append(' ', more);
  }
  return node;
}

/** @param {unknown} value one without branches */
function leaf(value) {
  if (typeof value === 'string') {
    return longText(value);
  }
  return make('span', { class: `gmi-${value === null ? 'null' : typeof value}` }, String(value));
}

function summary(value) {
  return Array.isArray(value)
    ? `[${counted(value.length, 'item')}]`
    : `{${oneLineOf(Object.keys(value))}}`;
}

function oneLineOf(names) {
  const shown = names.slice(0, 4).map(name => reveal(name.slice(0, 40))).join(', ');
  return names.length > 4 ? `${shown}, …` : shown;
}

function label(name) {
  return name === null ? null : make('span', { class: 'gmi-name' }, `${reveal(String(name).slice(0, 200))}: `);
}

/** Adds some of a branch's entries, and a button for the next ones. */
function grow(branch, entries, level, from = 0) {
  for (const [name, child] of entries.slice(from, from + ENTRIES)) {
    branch.append(node(name, child, level));
  }
  const left = entries.length - from - ENTRIES;
  if (left > 0) {
    const more = button(`${count(left)} more`, () => {
      more.remove();
      grow(branch, entries, level, from + ENTRIES);
    });
    branch.append(more);
  }
}

function node(name, value, level) {
  if (typeof value !== 'object' || value === null) {
    return make('div', { class: 'gmi-leaf' }, label(name), leaf(value));
  }
  const entries = Object.entries(value);
  if (!entries.length) {
    return make('div', { class: 'gmi-leaf' }, label(name), Array.isArray(value) ? '[]' : '{}');
  }
  const branch = make('div', { class: 'gmi-branch' });
  const fold = make(
    'details',
    { class: 'gmi-fold' },
    make('summary', {}, label(name), make('span', { class: 'gmi-summary' }, summary(value))),
    branch
  );
  const fill = () => {
    if (!branch.firstChild) {
      grow(branch, entries, level + 1);
    }
  };
  fold.addEventListener('toggle', () => fold.open && fill());
  if (level < OPEN && entries.length <= FITS) {
    fold.open = true;
    fill();
  }
  return fold;
}

/**
 * @param {string | null} json a JSON text; null where there is none
 * @returns {HTMLElement} its tree, or the text itself where it is not JSON
 */
export function tree(json) {
  if (json === null) {
    return make('div', { class: 'gmi-tree gmi-hint' }, 'The notebook does not keep the JSON of this chunk; r.raw has it.');
  }
  try {
    return make('div', { class: 'gmi-tree' }, node(null, JSON.parse(json), 0));
  } catch {
    return make('pre', { class: 'gmi-tree gmi-plain' }, reveal(json));
  }
}
