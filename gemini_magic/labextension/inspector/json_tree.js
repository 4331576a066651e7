/**
 * A JSON value as a tree of collapsible branches. A branch is rendered when it is opened, so that a deep or large value
 * costs nothing before.
 */

import { button, html } from './dom.js';
import { formatNumber, quantity, reveal } from './format.js';

const PAGE_SIZE = 100; // entries of a branch that are rendered at a time
const MAX_TEXT_LENGTH = 300; // characters of a string before it is truncated
const MAX_NAME_LENGTH = 200;
const OPEN_LEVELS = 6; // levels that are initially open
const OPEN_ENTRIES = 12; // number of entries up to which a branch is initially open
const SUMMARY_NAMES = 4; // names in the summary of an object

/**
 * @param {string} text
 * @returns {HTMLElement} the string, with a button that shows the rest of a long one
 */
function renderString(text) {
  const isLong = text.length > MAX_TEXT_LENGTH;
  const shown = isLong ? text.slice(0, MAX_TEXT_LENGTH) : text;
  const node = html('span', { class: 'gmi-string' }, reveal(JSON.stringify(shown)));
  if (isLong) {
    const more = button(`Show ${formatNumber(text.length - MAX_TEXT_LENGTH)} more characters`, () => {
      node.textContent = reveal(JSON.stringify(text));
    });
    node.append(' … ', more);
  }
  return node;
}

/**
 * @param {unknown} value a string, number, boolean or null
 * @returns {HTMLElement}
 */
function renderScalar(value) {
  if (typeof value === 'string') {
    return renderString(value);
  }
  return html('span', { class: `gmi-${value === null ? 'null' : typeof value}` }, String(value));
}

/**
 * @param {object} value an object or an array
 * @returns {string} what a collapsed branch shows
 */
function summarize(value) {
  if (Array.isArray(value)) {
    return `[${quantity(value.length, 'item')}]`;
  }
  const names = Object.keys(value);
  const shown = names.slice(0, SUMMARY_NAMES).map(name => reveal(name.slice(0, 40)));
  return `{${[...shown, ...(names.length > SUMMARY_NAMES ? ['…'] : [])].join(', ')}}`;
}

/**
 * @param {string | null} name null for the root
 * @returns {HTMLElement | null}
 */
function renderName(name) {
  return name === null
    ? null
    : html('span', { class: 'gmi-name' }, `${reveal(name.slice(0, MAX_NAME_LENGTH))}: `);
}

/**
 * Renders some entries of a branch, and a button that renders the next ones.
 *
 * @param {HTMLElement} branch
 * @param {Array<[string, unknown]>} entries
 * @param {number} level
 * @param {number} start the index of the first entry
 * @returns {void}
 */
function renderEntries(branch, entries, level, start = 0) {
  for (const [name, child] of entries.slice(start, start + PAGE_SIZE)) {
    branch.append(renderNode(name, child, level));
  }
  const left = entries.length - start - PAGE_SIZE;
  if (left > 0) {
    const more = button(`Show ${formatNumber(left)} more`, () => {
      more.remove();
      renderEntries(branch, entries, level, start + PAGE_SIZE);
    });
    branch.append(more);
  }
}

/**
 * @param {string | null} name null for the root
 * @param {unknown} value
 * @param {number} level
 * @returns {HTMLElement}
 */
function renderNode(name, value, level) {
  if (typeof value !== 'object' || value === null) {
    return html('div', { class: 'gmi-leaf' }, renderName(name), renderScalar(value));
  }
  const entries = Object.entries(value);
  if (!entries.length) {
    return html('div', { class: 'gmi-leaf' }, renderName(name), Array.isArray(value) ? '[]' : '{}');
  }
  const branch = html('div', { class: 'gmi-branch' });
  const details = html(
    'details',
    { class: 'gmi-fold' },
    html('summary', {}, renderName(name), html('span', { class: 'gmi-summary' }, summarize(value))),
    branch
  );
  const fill = () => {
    if (!branch.firstChild) {
      renderEntries(branch, entries, level + 1);
    }
  };
  details.addEventListener('toggle', () => details.open && fill());
  if (level < OPEN_LEVELS && entries.length <= OPEN_ENTRIES) {
    details.open = true;
    fill();
  }
  return details;
}

/**
 * Renders a JSON text.
 *
 * @param {string | null} json null if the record does not contain the text
 * @returns {HTMLElement} the tree; for text that is not valid JSON, the text itself
 */
export function renderJson(json) {
  if (json === null) {
    return html(
      'div',
      { class: 'gmi-tree gmi-hint' },
      'The JSON of this chunk is not saved in the notebook. While the kernel is running, r.raw contains it.'
    );
  }
  try {
    return html('div', { class: 'gmi-tree' }, renderNode(null, JSON.parse(json), 0));
  } catch {
    return html('pre', { class: 'gmi-tree gmi-plain' }, reveal(json));
  }
}
