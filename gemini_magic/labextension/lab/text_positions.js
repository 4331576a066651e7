/**
 * Positions in the text of an answer, counted in characters that are not white space. They are the same in the
 * streaming and in the finished answer, whose elements differ: the white space between blocks depends on the elements.
 */

/**
 * @param {string} text
 * @returns {string} the text without white space
 */
export const withoutSpace = text => text.replace(/\s+/g, '');

/**
 * Yields the text nodes below an element in document order. A long answer has thousands, so the tree walker has no
 * filter function, which would be called for each.
 *
 * @param {Node} root
 * @param {Node} [after] the node after which to start
 * @returns {Generator<Text>}
 */
export function* textNodes(root, after = root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  walker.currentNode = after;
  while (walker.nextNode()) {
    yield /** @type {Text} */ (walker.currentNode);
  }
}

/**
 * Finds the character at a position.
 *
 * @param {Iterable<Text>} texts
 * @param {number} position the number of characters before it
 * @returns {{ text: Text, offset: number }}
 * @throws {RangeError} if the texts have fewer characters
 */
export function findCharacter(texts, position) {
  let remaining = position;
  for (const text of texts) {
    const { length } = withoutSpace(text.data);
    if (remaining >= length) {
      remaining -= length;
      continue;
    }
    let offset = 0;
    while (/\s/.test(text.data[offset]) || remaining-- > 0) {
      offset += 1;
    }
    return { text, offset };
  }
  throw new RangeError('The texts have fewer characters.');
}

/**
 * @param {Text} text
 * @param {number} offset of a character in the text node
 * @returns {DOMRect} the rectangle of the character
 */
export function measureCharacter(text, offset) {
  const range = document.createRange();
  range.setStart(text, offset);
  range.setEnd(text, offset + 1);
  return range.getBoundingClientRect();
}
