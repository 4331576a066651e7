/**
 * The heights of the answers that stream in this page, for the finished answers that replace them.
 */

import { readState } from './answer_state.js';

/** @type {Map<string, number>} In pixels, by the id of the answer. */
const heights = new Map();

const MAX_ANSWERS = 100;

/**
 * @param {string} id the id of the answer
 * @param {number} height of its output, in pixels
 * @returns {void}
 */
export function setLiveHeight(id, height) {
  heights.delete(id);
  heights.set(id, height);
  if (heights.size > MAX_ANSWERS) {
    heights.delete(heights.keys().next().value);
  }
}

/**
 * Returns the height of a streaming answer once.
 *
 * @param {unknown} metadata of the output
 * @returns {number | undefined} in pixels
 */
export function takeLiveHeight(metadata) {
  const id = readState(metadata)?.id;
  const height = heights.get(id);
  heights.delete(id);
  return height;
}
