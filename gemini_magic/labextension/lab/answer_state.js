/**
 * The state of an answer in an output, and the parts of its MIME bundle.
 *
 * The kernel writes the id of an answer and its state into the metadata of its outputs. A notebook can come from
 * anywhere, so every value is checked here.
 */

import { MIME_TYPE, getOwn } from '../inspector/record.js';

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
 * @property {boolean} errorFollows whether the error of the answer is the next output, and not in the bundle
 */

/** The key in the metadata of an output. */
export const METADATA = 'gemini_magic';

const ID = /^[A-Za-z0-9_-]{1,100}$/;

/** The start of the HTML of every answer. */
const ANSWER_PREFIX = '<div class="gemini-magic';

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
    kernel: typeof kernel === 'string' && ID.test(kernel) ? kernel : null,
    errorFollows: getOwn(found, 'error_follows') === true
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
