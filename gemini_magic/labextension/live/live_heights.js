/**
 * The heights of the answers that stream in this page, for the finished answers that replace them.
 */

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
 * @param {string | undefined} id
 * @returns {number | undefined}
 */
export function takeLiveHeight(id) {
  const height = heights.get(id);
  heights.delete(id);
  return height;
}
