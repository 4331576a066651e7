/**
 * Elements of a streaming answer that the style sheet hides, because a newer one shows the same text.
 */

/** A piece whose typeset copy is shown in its place. */
const TYPESET = '.widget-html:has(+ .widget-htmlmath .mathjax_ignore)';

/**
 * Returns the elements that are out of date. A finished answer has none.
 *
 * @param {Element} root
 * @returns {Element[]}
 */
export function outdatedElements(root) {
  const rests = Array.from(root.querySelectorAll('[aria-busy]')).filter(
    element => getComputedStyle(element).display === 'none'
  );
  return [...rests, ...root.querySelectorAll(TYPESET)];
}
