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
 * The pieces of text below an element, in their order; thousands in a long answer, so no filter is called for each.
 *
 * @param {Node} root
 * @param {Node} [after] the place behind which they begin
 * @returns {Generator<Text>}
 */
function* textsOf(root, after = root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  walker.currentNode = after;
  while (walker.nextNode()) {
    yield /** @type {Text} */ (walker.currentNode);
  }
}

/**
 * The texts that the style hides: a growing answer has some that are out of date.
 *
 * @param {Element} root
 * @returns {Set<Text>}
 */
function hiddenTexts(root) {
  const hidden = Array.from(root.querySelectorAll('.gm-rest, style')).filter(
    element => getComputedStyle(element).display === 'none'
  );
  return new Set(hidden.flatMap(element => [...textsOf(element)]));
}

/**
 * The text at one end of a selection: the one it is in, or the next one.
 *
 * @param {Element} root
 * @param {Node} container
 * @param {number} offset
 * @param {Set<Text>} hidden
 * @returns {[Text | undefined, number]} with how much of the text is before that place
 */
function textAt(root, container, offset, hidden) {
  if (container.nodeType === Node.TEXT_NODE) {
    return [container, offset];
  }
  let node = container.childNodes[offset];
  if (node?.nodeType === Node.TEXT_NODE) {
    return [node, 0];
  }
  if (!node) {
    // Behind all that the container holds.
    node = container;
    while (node.lastChild) {
      node = node.lastChild;
    }
  }
  for (const text of textsOf(root, node)) {
    if (!hidden.has(text)) {
      return [text, 0];
    }
  }
  return [undefined, 0];
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
  const hidden = hiddenTexts(root);
  const [first, from] = textAt(root, range.startContainer, range.startOffset, hidden);
  const [last, to] = textAt(root, range.endContainer, range.endOffset, hidden);
  let before = '';
  let said = '';
  let reached = false;
  for (const text of textsOf(root)) {
    if (hidden.has(text)) {
      continue;
    }
    let begin = 0;
    if (text === first) {
      before += text.data.slice(0, from);
      begin = from;
      reached = true;
    }
    const part = text.data.slice(begin, text === last ? to : undefined);
    if (reached) {
      said += part;
    } else {
      before += part;
    }
    if (text === last) {
      break;
    }
  }
  const backwards = selection.anchorNode !== range.startContainer || selection.anchorOffset !== range.startOffset;
  return ink(said) ? { before: ink(before), said: ink(said), backwards } : null;
}

/**
 * Selects the words where they stand now; does nothing unless the text up to their end is the same.
 *
 * @param {Selection} selection
 * @param {Element} root
 * @param {Words} words
 */
export function selectWords(selection, root, { before, said, backwards }) {
  const texts = [...textsOf(root)];
  if (!ink(texts.map(text => text.data).join('')).startsWith(before + said)) {
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
