/**
 * The bundle of an answer whose kernel has ended: the text that had arrived, and what happened.
 *
 * The kernel sends the words together with each state of an answer, because it cannot send them when it has ended. They
 * can come from any notebook file, so every value is checked.
 */

import { html } from '../inspector/dom.js';
import { getOwn } from '../inspector/record.js';
import { TRUSTED_OUTPUT_ELEMENTS, sanitize } from '../inspector/sanitizer.js';
import { METADATA, htmlOf, readState, textOf } from './answer_state.js';
import { serialize } from './serialize.js';

/** @typedef {'restart' | 'crash' | 'shutdown' | 'unknown'} Reason why a kernel has ended */

/** The style sheet at the end of an answer. Nothing in it can end its element. */
const STYLE = /<style>([^<]*)<\/style><\/div>$/;

const MAX_FACTS = 20;
const MAX_LENGTH = 400;

/**
 * @param {unknown} value
 * @returns {string | null} the value, if it is a text of reasonable length
 */
const shortText = value => (typeof value === 'string' && value.length <= MAX_LENGTH ? value : null);

/**
 * Returns text in which words in back-ticks are code elements.
 *
 * @param {string} text
 * @returns {Array<Node | string>}
 */
export const inline = text =>
  text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? html('code', {}, part) : part));

/**
 * Reads the words for an ended kernel from the metadata of an output.
 *
 * @param {unknown} metadata
 * @param {Reason} reason
 * @returns {{ facts: string[], lines: string[] }} the status line, and the lines of the box below the answer
 */
function cutWords(metadata, reason) {
  const cut = getOwn(getOwn(metadata, METADATA), 'cut');
  const words = getOwn(getOwn(cut, 'ends'), reason);
  const [fact, sentence] = (Array.isArray(words) ? words : []).map(shortText);
  const remedy = shortText(getOwn(cut, 'remedy'));
  const facts = getOwn(cut, 'facts');
  const shown = Array.isArray(facts) && facts.length <= MAX_FACTS ? facts : [null];
  return {
    facts: shown.map(value => (value === null ? (fact ?? 'the kernel ended') : shortText(value))).filter(Boolean),
    lines: [sentence ?? 'The kernel ended before the answer did.', remedy].filter(Boolean)
  };
}

/**
 * Composes the bundle of an answer whose kernel has ended: the text that had arrived, and what happened.
 *
 * The HTML is rebuilt by the sanitizer of the inspector. Everything else is added as text.
 *
 * @param {{ data: unknown, metadata: unknown }} partial the last state of the answer
 * @param {Reason} reason
 * @returns {{ data: import('@jupyterlab/nbformat').IMimeBundle, metadata: any }}
 */
export function cutBundle({ data, metadata }, reason) {
  const { id, state, kernel } = readState(metadata);
  const { facts, lines } = cutWords(metadata, reason);
  const fragment = sanitize(htmlOf(data), TRUSTED_OUTPUT_ELEMENTS);
  const root = html('div', { class: 'gemini-magic mathjax_ignore tex2jax_ignore' });
  root.append(...(fragment.firstElementChild?.childNodes ?? []));
  for (const node of root.querySelectorAll(':scope > :is(.gm-unfinished, .gm-box)')) {
    node.remove();
  }
  if (state === 'live') {
    root.replaceChildren(); // only a text for front ends without widgets
  }
  for (const answer of root.querySelectorAll('.gm-answer[aria-busy]')) {
    answer.removeAttribute('aria-busy');
  }
  for (const mark of root.querySelectorAll('.gm-column .gm-mark.gm-busy')) {
    mark.className = 'gm-mark gm-warn';
    mark.textContent = '■';
  }
  const items = facts.map((fact, index) =>
    html('span', { class: 'gm-fact' }, index ? html('span', { class: 'gm-dot' }, ' · ') : null, fact)
  );
  const status = html(
    'div',
    { class: 'gm-status' },
    html('span', { class: 'gm-mark gm-warn' }, '■'),
    ' ',
    html('span', { class: 'gm-facts' }, ...items)
  );
  root.querySelector(':scope > .gm-bar')?.remove();
  root.prepend(html('div', { class: 'gm-bar' }, status));
  const box = html('div', { class: 'gm-box gm-warn', role: 'note' });
  lines.forEach((line, index) => {
    box.append(...(index ? [html('br')] : []), html('span', {}, ...inline(line)));
  });
  root.append(box);
  // The style sheet of the saved answer, for pages without this extension.
  const style = STYLE.exec(htmlOf(data))?.[1];
  if (style) {
    root.append(html('style', {}, style));
  }
  const saved = textOf(data, 'text/plain');
  const text = saved.replace(/(^|\n\n)\[[^\n]*\]$/, '');
  const plain = [text === saved ? '' : text, ...lines, `[■ ${facts.join(' · ')}]`];
  return {
    data: { 'text/html': serialize(root), 'text/plain': plain.filter(Boolean).join('\n\n') },
    metadata: { [METADATA]: { id, state: 'cut', ...(kernel ? { kernel } : {}) } }
  };
}
