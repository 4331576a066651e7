/**
 * Measures where the text of a streaming answer is, immediately before the finished answer replaces it.
 */

import { measureCharacter, textNodes, withoutSpace } from '../lab/text_positions.js';
import { outdatedElements } from './live_nodes.js';

/** Number of characters above which the finished answer is displayed part by part. */
const LONG = 20_000;

/** The number of characters by which the finished answer is compared with the streaming one. */
const SAMPLE_LENGTH = 40;

/**
 * @param {Element} root the root of the streaming answer
 * @param {boolean} isPlain as in `LiveLayout`
 * @returns {import('../lab/live_layouts.js').LiveLayout | null} null if the answer is short, has several candidates, or is
 *   not displayed
 */
export function measureLayout(root, isPlain) {
  const answers = root.querySelectorAll('.gm-answer');
  if (answers.length !== 1 || root.textContent.length < LONG) {
    return null;
  }
  const [answer] = answers;
  const { top, height } = answer.getBoundingClientRect();
  if (!height) {
    return null;
  }
  const hidden = new Set(outdatedElements(answer).flatMap(element => [...textNodes(element)]));
  const shown = [...textNodes(answer)].filter(text => /\S/.test(text.data) && !hidden.has(text));
  // One screen above and below the visible area, so that the reader can scroll at once.
  const first = findFrom(shown, text => text.parentElement.getBoundingClientRect().bottom > -innerHeight);
  const last = findFrom(shown, text => text.parentElement.getBoundingClientRect().top > 2 * innerHeight);
  if (first >= shown.length) {
    return null;
  }
  const start = countCharacters(shown.slice(0, first));
  const { data } = shown[first];
  const row = shown[first].parentElement.closest('tr');
  return {
    isPlain,
    outputHeight: root.parentElement.getBoundingClientRect().height,
    start,
    top: measureCharacter(shown[first], data.search(/\S/)).top - top,
    sample: withoutSpace(joinTexts(shown.slice(first, first + SAMPLE_LENGTH))).slice(0, SAMPLE_LENGTH),
    end: start + countCharacters(shown.slice(first, last)),
    columns: row ? Array.from(row.cells, cell => cell.getBoundingClientRect().width) : []
  };
}

/**
 * @param {Text[]} texts
 * @returns {string}
 */
const joinTexts = texts => texts.map(text => text.data).join('');

/**
 * @param {Text[]} texts
 * @returns {number} the number of their characters that are not white space
 */
const countCharacters = texts => withoutSpace(joinTexts(texts)).length;

/**
 * @param {Text[]} texts
 * @param {(text: Text) => boolean} isReached false for the texts before some index, and true from there on
 * @returns {number} that index
 */
function findFrom(texts, isReached) {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(texts[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
