/**
 * Buttons that copy the answer as Markdown and the code of its blocks.
 *
 * They contain no text, so the text of an answer, which selections and screen readers use, stays the same.
 */

import { html, svg } from './dom.js';
import { copyToClipboard } from './export.js';

const MESSAGE_TIME = 1500; // milliseconds that the result is shown

/** @returns {SVGElement} two overlapping sheets; or a check mark, which the style sheet shows instead after a copy */
function icon() {
  const shape = { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.3 };
  return svg(
    'svg',
    { viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true' },
    svg('path', { class: 'gmi-sheets', d: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3', ...shape }),
    svg('path', { class: 'gmi-check', d: 'M3 8.5l3.5 3.5L13 4.5', ...shape })
  );
}

/**
 * @param {string} label what a click does
 * @param {() => string} getText
 * @returns {HTMLButtonElement}
 */
function copyButton(label, getText) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {string} text */
  const setLabel = text => {
    node.setAttribute('aria-label', text);
    node.title = text;
  };
  const node = html(
    'button',
    {
      type: 'button',
      class: 'gmi-copy',
      async click() {
        const isCopied = await copyToClipboard(getText());
        node.classList.toggle('gmi-copied', isCopied);
        setLabel(isCopied ? 'Copied' : 'The browser blocked access to the clipboard');
        clearTimeout(timer);
        timer = setTimeout(() => {
          node.classList.remove('gmi-copied');
          setLabel(label);
        }, MESSAGE_TIME);
      }
    },
    icon()
  );
  setLabel(label);
  return node;
}

/**
 * @param {HTMLTableCellElement} cell
 * @returns {string} the whole value in Markdown: of a value that is cut, what can be unfolded
 */
function cellMarkdown(cell) {
  const folded = cell.querySelector('details');
  const isMessage = folded?.querySelector('summary > em');
  const text = folded && !isMessage ? folded.lastChild?.textContent : (cell.querySelector('em') ?? cell).textContent;
  return (text ?? '').replace(/\s+/g, ' ').trim().replace(/[\\`*_[\]<>|~$#]/g, '\\$&');
}

/**
 * @param {HTMLElement} answer
 * @returns {string} the Markdown of an answer that is shown as a table of items; empty for any other answer
 */
function tableMarkdown(answer) {
  const table = answer.querySelector('.gm-as-table table');
  if (!(table instanceof HTMLTableElement)) {
    return '';
  }
  const [head, ...rows] = [...table.rows].map(row => [...row.cells].map(cellMarkdown));
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map(cells => `| ${head.map((_, at) => cells[at] ?? '').join(' | ')} |\n`).join('');
}

/**
 * Adds the buttons to a finished answer.
 *
 * @param {HTMLElement} answer the element that contains the status line and the answer
 * @param {string} source the text of the whole answer; empty if it is not known. Of an array, the table is copied.
 * @returns {void}
 */
export function addCopyButtons(answer, source) {
  const status = answer.querySelector('.gm-status');
  if (status && source) {
    status.append(copyButton('Copy the answer as Markdown', () => tableMarkdown(answer) || source));
  }
  addCodeButtons(answer);
}

/**
 * Adds a button to each block of code.
 *
 * @param {ParentNode} parent
 * @returns {void}
 */
export function addCodeButtons(parent) {
  for (const block of parent.querySelectorAll('pre')) {
    const frame = html('div', { class: 'gmi-code' });
    block.replaceWith(frame);
    frame.append(block, copyButton('Copy the code', () => block.textContent.replace(/\n$/, '')));
  }
}
