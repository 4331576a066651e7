/**
 * Finds selected words again after the page has drawn the same text anew.
 *
 * It knows text and the classes of an answer's parts. White space does not count: how much of it stands between two
 * blocks depends on how they were drawn.
 */

/**
 * Words in a text.
 *
 * @typedef {object} Words
 * @property {string} before all text before them
 * @property {string} said the words
 * @property {boolean} backwards whether they were selected from the end to the beginning
 */

/** @param {string} text */
const ink = text => text.replace(/\s+/g, '');

/**
 * The pieces of text that are shown; a growing answer has some beside them that the style hides.
 *
 * @param {Element} root
 * @returns {Generator<Text>}
 */
function* shownTexts(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, node => {
    if (node.nodeType === Node.TEXT_NODE) {
      return NodeFilter.FILTER_ACCEPT;
    }
    const hidden = node.classList.contains('gm-rest') && getComputedStyle(node).display === 'none';
    return hidden || node.localName === 'style' ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  });
  while (walker.nextNode()) {
    yield /** @type {Text} */ (walker.currentNode);
  }
}

/**
 * The selected words, if any are selected and all of them are in the text.
 *
 * @param {Selection} selection
 * @param {Element} root
 * @returns {Words | null}
 */
export function selectedWords(selection, root) {
  if (selection.isCollapsed || !root.contains(selection.anchorNode) || !root.contains(selection.focusNode)) {
    return null;
  }
  const range = selection.getRangeAt(0);
  let before = '';
  let said = '';
  for (const text of shownTexts(root)) {
    if (range.intersectsNode(text)) {
      const from = text === range.startContainer ? range.startOffset : 0;
      const to = text === range.endContainer ? range.endOffset : text.length;
      before += ink(text.data.slice(0, from));
      said += ink(text.data.slice(from, to));
    } else if (said) {
      break;
    } else {
      before += ink(text.data);
    }
  }
  const backwards = selection.anchorNode !== range.startContainer || selection.anchorOffset !== range.startOffset;
  return said ? { before, said, backwards } : null;
}

/**
 * Selects the words where they stand now; does nothing unless the text up to their end is the same.
 *
 * @param {Selection} selection
 * @param {Element} root
 * @param {Words} words
 */
export function selectWords(selection, root, { before, said, backwards }) {
  const texts = [...shownTexts(root)];
  const all = texts.map(text => ink(text.data)).join('');
  if (!all.startsWith(before + said)) {
    return;
  }
  const start = placeOf(texts, before.length);
  const end = placeOf(texts, before.length + said.length - 1);
  end.offset += 1;
  const [anchor, focus] = backwards ? [end, start] : [start, end];
  selection.setBaseAndExtent(anchor.text, anchor.offset, focus.text, focus.offset);
}

/**
 * Where the character is that has so many others before it.
 *
 * @param {Text[]} texts
 * @param {number} count
 * @returns {{ text: Text, offset: number }}
 */
function placeOf(texts, count) {
  for (const text of texts) {
    const length = ink(text.data).length;
    if (count >= length) {
      count -= length;
      continue;
    }
    let offset = 0;
    while (/\s/.test(text.data[offset]) || count-- > 0) {
      offset += 1;
    }
    return { text, offset };
  }
  throw new RangeError('the text is shorter');
}
