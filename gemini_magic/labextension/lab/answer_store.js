/**
 * The newest states of the answers that kernels have sent to this page.
 *
 * A kernel has access to its own answers only: they are stored below the id of the kernel that the page received them
 * from, whatever the message says.
 */

import { RANK } from './answer_state.js';

/**
 * @typedef {object} Answer
 * @property {string} id
 * @property {import('./answer_state.js').State} state
 * @property {import('@jupyterlab/nbformat').IMimeBundle} data
 * @property {any} metadata
 */

const MAX_ANSWERS = 100;

/** Approximate maximum number of characters of one answer, and of all together. */
const MAX_SIZE = 2e6;
const MAX_TOTAL = 40e6;

/**
 * @param {unknown} value a JSON value
 * @returns {number} the number of characters in its texts, and one for each other value
 */
function sizeOf(value) {
  if (typeof value === 'string') {
    return value.length;
  }
  return value && typeof value === 'object'
    ? Object.values(value).reduce((total, each) => total + sizeOf(each), 1)
    : 1;
}

export class AnswerStore {
  constructor() {
    /**
     * The newest last.
     *
     * @type {Map<string, Answer & { size: number }>}
     */
    this._answers = new Map();
    this._total = 0;
  }

  /**
   * Stores an answer, unless a state with a higher rank is stored or the answer is too large.
   *
   * @param {string} kernel the id of the kernel
   * @param {Answer} answer
   * @returns {void}
   */
  put(kernel, answer) {
    const key = `${kernel} ${answer.id}`;
    const stored = this._answers.get(key);
    if (stored && RANK[stored.state] > RANK[answer.state]) {
      return;
    }
    this._delete(key);
    const size = sizeOf(answer.data) + sizeOf(answer.metadata);
    if (size > MAX_SIZE) {
      return;
    }
    this._answers.set(key, { ...answer, size });
    this._total += size;
    for (const oldest of this._answers.keys()) {
      if (this._answers.size <= MAX_ANSWERS && this._total <= MAX_TOTAL) {
        break;
      }
      this._delete(oldest);
    }
  }

  /**
   * @param {string | null | undefined} kernel the id of the kernel
   * @param {string} id the id of the answer
   * @returns {Answer | undefined}
   */
  get(kernel, id) {
    return kernel ? this._answers.get(`${kernel} ${id}`) : undefined;
  }

  /**
   * @param {string} key
   * @returns {void}
   */
  _delete(key) {
    this._total -= this._answers.get(key)?.size ?? 0;
    this._answers.delete(key);
  }
}
