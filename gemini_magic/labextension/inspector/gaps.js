/**
 * The times between consecutive chunks, and which of them is notable.
 */

const NOTABLE_FACTOR = 3; // times the median gap
const MIN_NOTABLE_GAP = 0.1; // seconds
const MIN_NOTABLE_SHARE = 0.02; // of the time that the timeline shows

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * @param {Chunks} chunks
 * @returns {Float64Array} the gaps in seconds, in ascending order
 */
export const sortedGaps = chunks =>
  Float64Array.from({ length: Math.max(0, chunks.length - 1) }, (_, index) => chunks.gap(index + 1)).sort();

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
    if (longest < 0 || chunks.gap(index) > chunks.gap(longest)) {
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
