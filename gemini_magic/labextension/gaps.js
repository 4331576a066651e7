/**
 * The times between chunks: how long they are as a rule, and which one is worth a word.
 */

const NOTABLE = 3; // times the median
const LEAST = 0.1; // seconds
const SEEN = 0.02; // of the whole time

/** @returns {Float64Array} the times between chunks, the shortest first */
export const sortedGaps = chunks => Float64Array.from({ length: Math.max(0, chunks.length - 1) }, (_, index) => chunks.gap(index + 1)).sort();

/** @returns {number | null} of sorted numbers the one below which a share of them lies */
export const quantile = (sorted, share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null);

/** The chunk before which nothing came for longest, or -1. */
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
 * The chunk before the longest gap, where that is far longer than an ordinary one and wide enough to be seen, else -1: the
 * same rule as in the kernel's `views/arrivals.py` and `drawing.py`.
 *
 * @param {import('./chunks.js').Chunks} chunks
 * @param {number} total seconds that the picture shows
 */
export function notableGap(chunks, total) {
  const index = longestGap(chunks);
  const gap = index < 0 ? 0 : chunks.gap(index);
  return gap >= LEAST && gap >= NOTABLE * quantile(sortedGaps(chunks), 0.5) && gap > SEEN * total ? index : -1;
}
