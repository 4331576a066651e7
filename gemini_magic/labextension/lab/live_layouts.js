/**
 * Where the answers that streamed in this page were when they ended, for the finished answers that replace them.
 */

import { readState } from './answer_state.js';

/**
 * @typedef {object} LiveLayout
 * @property {boolean} isPlain whether the answer has no pictures, and the reader has neither selected text nor opened
 *   blocks, all of which need the whole finished answer
 * @property {number} outputHeight the height of the output, in pixels
 * @property {number} start the position of the first character near the visible area, as in `text_positions.js`
 * @property {number} top of that character, in pixels below the top of the text
 * @property {string} sample some characters from there
 * @property {number} end the position after the last character near the visible area
 * @property {number[]} columns the widths of the columns, in pixels, if the first character is in a table; or empty
 */

/** @type {Map<string, LiveLayout>} By the id of the answer. */
const layouts = new Map();

const MAX_ANSWERS = 100;

/**
 * @param {string} id the id of the answer
 * @param {LiveLayout} layout
 * @returns {void}
 */
export function setLiveLayout(id, layout) {
  layouts.delete(id);
  layouts.set(id, layout);
  if (layouts.size > MAX_ANSWERS) {
    layouts.delete(layouts.keys().next().value);
  }
}

/**
 * Returns the layout that a streaming answer had at its end, once.
 *
 * @param {unknown} metadata of the output
 * @returns {LiveLayout | undefined}
 */
export function takeLiveLayout(metadata) {
  const id = readState(metadata)?.id;
  const layout = layouts.get(id);
  layouts.delete(id);
  return layout;
}
