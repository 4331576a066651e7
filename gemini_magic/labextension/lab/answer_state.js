/**
 * The state of an answer in an output, and the bundle of an answer whose kernel has ended.
 *
 * The kernel writes the id of an answer and its state into the metadata of its outputs. A notebook can come from
 * anywhere, so every value is checked here.
 */

import { html } from '../inspector/dom.js';
import { MIME_TYPE, getOwn } from '../inspector/record.js';
import { TRUSTED_OUTPUT_ELEMENTS, sanitize } from '../inspector/sanitizer.js';

export const WIDGET_TYPE = 'application/vnd.jupyter.widget-view+json';

/** The type of a saved answer that may still be arriving: the model id of its widget. */
export const PENDING_TYPE = 'application/vnd.gemini-pending+json';

/**
 * `live`: the widget shows the answer, the bundle does not contain it. `partial`: the text so far. `cut`: the text so
 * far of an answer whose kernel has ended. `final`: the finished answer.
 *
 * @typedef {'live' | 'partial' | 'cut' | 'final'} State
 */

/**
 * The order of the states. A state never replaces one with a higher rank.
 *
 * @type {Record<State, number>}
 */
export const RANK = { live: 0, partial: 1, cut: 2, final: 3 };

/**
 * @typedef {object} AnswerState
 * @property {string} id identifies the answer
 * @property {State} state
 * @property {string | null} kernel the id of the kernel that displayed the answer, as that kernel wrote it
 */

/** @typedef {'restart' | 'crash' | 'shutdown' | 'unknown'} Reason why a kernel has ended */

/** The key in the metadata of an output. */
const METADATA = 'gemini_magic';

const ID = /^[A-Za-z0-9_-]{1,100}$/;

/** The start of the HTML of every answer. */
const ANSWER_PREFIX = '<div class="gemini-magic';

const MAX_FACTS = 20;
const MAX_LENGTH = 400;

/**
 * @param {unknown} value
 * @returns {string | null} the value, if it is a text of reasonable length
 */
const shortText = value => (typeof value === 'string' && value.length <= MAX_LENGTH ? value : null);

/**
 * Reads the state of an answer from the metadata of an output.
 *
 * @param {unknown} metadata
 * @returns {AnswerState | null} null if the output is not an answer's
 */
export function readState(metadata) {
  const found = getOwn(metadata, METADATA);
  const [id, state, kernel] = ['id', 'state', 'kernel'].map(name => getOwn(found, name));
  if (typeof id !== 'string' || !ID.test(id) || typeof state !== 'string' || !Object.hasOwn(RANK, state)) {
    return null;
  }
  return {
    id,
    state: /** @type {State} */ (state),
    kernel: typeof kernel === 'string' && ID.test(kernel) ? kernel : null
  };
}

/**
 * @param {unknown} data a MIME bundle
 * @param {string} mimeType
 * @returns {string} the text; notebook files may store it as a list of lines
 */
export function textOf(data, mimeType) {
  const value = getOwn(data, mimeType);
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

/**
 * @param {unknown} data a MIME bundle
 * @returns {string} its HTML
 */
export const htmlOf = data => textOf(data, 'text/html');

/**
 * @param {unknown} data a MIME bundle
 * @returns {boolean} whether the bundle is an answer
 */
export const isAnswer = data => htmlOf(data).startsWith(ANSWER_PREFIX);

/**
 * @param {unknown} data a MIME bundle
 * @returns {string | null} the model id of the answer's widget
 */
export function widgetOf(data) {
  const value = getOwn(getOwn(data, WIDGET_TYPE) ?? getOwn(data, PENDING_TYPE), 'model_id');
  return typeof value === 'string' && ID.test(value) ? value : null;
}

/**
 * Copies the parts of a kernel's message that belong to an answer.
 *
 * @param {unknown} data the MIME bundle
 * @param {unknown} metadata the metadata of the output
 * @returns {{ data: import('@jupyterlab/nbformat').IMimeBundle, metadata: any }}
 */
export function answerBundle(data, metadata) {
  const types = [MIME_TYPE, 'text/html', 'text/markdown', 'text/plain'].filter(
    type => getOwn(data, type) !== undefined
  );
  return {
    data: Object.fromEntries(types.map(type => [type, data[type]])),
    metadata: { [METADATA]: getOwn(metadata, METADATA) }
  };
}

/**
 * Returns a bundle for an answer that may still be arriving: with its widget, which is shown when it can be.
 *
 * @param {import('@jupyterlab/nbformat').IMimeBundle} data the partial answer
 * @param {string | null} widget the model id of the widget
 * @returns {import('@jupyterlab/nbformat').IMimeBundle}
 */
export function pendingBundle(data, widget) {
  const { [WIDGET_TYPE]: _widget, [PENDING_TYPE]: _pending, ...rest } = data;
  return widget ? { [PENDING_TYPE]: { model_id: widget }, ...rest } : rest;
}

/**
 * Returns text in which words in back-ticks are code elements.
 *
 * @param {string} text
 * @returns {Array<Node | string>}
 */
const inline = text =>
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
  const root = html('div', { class: 'gemini-magic mathjax_ignore' });
  root.append(...(fragment.firstElementChild?.childNodes ?? []));
  for (const node of root.querySelectorAll(':scope > :is(.gm-unfinished, .gm-box)')) {
    node.remove();
  }
  if (state === 'live') {
    root.replaceChildren(); // only a text for front ends without widgets
  }
  root.querySelector('.gm-answer')?.removeAttribute('aria-busy');
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
  // The style sheet of the saved answer, for pages without this extension. A text cannot end its element.
  const parsed = new DOMParser().parseFromString(htmlOf(data), 'text/html');
  const style = parsed.body.firstElementChild?.querySelector(':scope > style')?.textContent;
  if (style) {
    root.append(html('style', {}, style));
  }
  const saved = textOf(data, 'text/plain');
  const text = saved.replace(/(^|\n\n)\[[^\n]*\]$/, '');
  const plain = [text === saved ? '' : text, ...lines, `[■ ${facts.join(' · ')}]`];
  return {
    data: { 'text/html': root.outerHTML, 'text/plain': plain.filter(Boolean).join('\n\n') },
    metadata: { [METADATA]: { id, state: 'cut', ...(kernel ? { kernel } : {}) } }
  };
}
