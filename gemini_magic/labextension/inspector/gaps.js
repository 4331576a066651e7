/**
 * The times between consecutive chunks, and which of them is notable.
 */

const NOTABLE_FACTOR = 3; // times the median gap
const MIN_NOTABLE_GAP = 0.1; // seconds
const MIN_NOTABLE_SHARE = 0.02; // of the time that the timeline shows

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * Between two rounds, functions run, so the time before the first chunk of a round is no gap.
 *
 * @param {Chunks} chunks
 * @param {number} index
 * @returns {boolean} whether there is a gap before a chunk
 */
const hasGap = (chunks, index) => index > 0 && chunks.round(index) === chunks.round(index - 1);

/**
 * @param {Chunks} chunks
 * @returns {Float64Array} the gaps in seconds, in ascending order
 */
export function sortedGaps(chunks) {
  const gaps = [];
  for (let index = 1; index < chunks.length; index++) {
    if (hasGap(chunks, index)) {
      gaps.push(chunks.gap(index));
    }
  }
  return Float64Array.from(gaps).sort();
}

/**
 * @param {Float64Array} sorted numbers in ascending order
 * @param {number} q the quantile, from 0 to 1
 * @returns {number | null} null for no numbers
 */
export const quantile = (sorted, q) =>
  sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : null;

/**
 * @param {Chunks} chunks
 * @returns {number} the index of the chunk after the longest gap; -1 if there are no gaps
 */
export function longestGap(chunks) {
  let longest = -1;
  for (let index = 1; index < chunks.length; index++) {
    if (hasGap(chunks, index) && (longest < 0 || chunks.gap(index) > chunks.gap(longest))) {
      longest = index;
    }
  }
  return longest;
}

/**
 * Returns the chunk after the longest gap if that gap is much longer than the median and long enough to be visible. The
 * same rule is in `gemini_magic/views/timeline_data.py` and `timeline_svg.py`.
 *
 * @param {Chunks} chunks
 * @param {number} total seconds that the timeline shows
 * @returns {number} the index of the chunk; -1 if the gap is not notable
 */
export function notableGap(chunks, total) {
  const index = longestGap(chunks);
  const gap = index < 0 ? 0 : chunks.gap(index);
  const isNotable =
    gap >= MIN_NOTABLE_GAP &&
    gap >= NOTABLE_FACTOR * quantile(sortedGaps(chunks), 0.5) &&
    gap > MIN_NOTABLE_SHARE * total;
  return isNotable ? index : -1;
}
