/**
 * Restores a text selection after the page has rendered the same text with other elements.
 *
 * White space is ignored, because the amount of white space between two blocks depends on their elements.
 */

import { findCharacter, textNodes, withoutSpace } from '../lab/text_positions.js';
import { outdatedElements } from './live_nodes.js';

/**
 * A selection, described by the text instead of by nodes. Both texts are without white space.
 *
 * @typedef {object} TextSelection
 * @property {string} before the text before the selection
 * @property {string} selected the selected text
 * @property {boolean} backwards whether the selection was made from its end to its start
 */

/**
 * Returns the text nodes that are hidden by the style sheet. A streaming answer contains some that are out of date.
 *
 * @param {Element} root
 * @returns {Set<Text>}
 */
function hiddenTextNodes(root) {
  const hidden = [...outdatedElements(root), ...root.querySelectorAll('style')];
  return new Set(hidden.flatMap(element => [...textNodes(element)]));
}

/**
 * Returns the text node at one end of a selection: the node that contains the end, or the next one.
 *
 * @param {Element} root
 * @param {Node} container the container of the end, as in a `Range`
 * @param {number} offset the offset of the end, as in a `Range`
 * @param {Set<Text>} hidden text nodes to skip
 * @returns {[Node | undefined, number]} the text node, and the number of its characters before the end of the selection
 */
function textNodeAt(root, container, offset, hidden) {
  if (container.nodeType === Node.TEXT_NODE) {
    return [container, offset];
  }
  /** @type {Node} */
  let node = container.childNodes[offset];
  if (node?.nodeType === Node.TEXT_NODE) {
    return [node, 0];
  }
  if (!node) {
    // The end is after the last child: continue after the last descendant.
    node = container;
    while (node.lastChild) {
      node = node.lastChild;
    }
  }
  for (const text of textNodes(root, node)) {
    if (!hidden.has(text)) {
      return [text, 0];
    }
  }
  return [undefined, 0];
}

/**
 * Describes the selection in an element.
 *
 * @param {Selection} selection
 * @param {Element} root
 * @returns {TextSelection | null} null if no text is selected or if a part of the selection is outside the element
 */
export function readSelection(selection, root) {
  if (selection.isCollapsed || !root.contains(selection.anchorNode) || !root.contains(selection.focusNode)) {
    return null;
  }
  const range = selection.getRangeAt(0);
  const hidden = hiddenTextNodes(root);
  const [first, startOffset] = textNodeAt(root, range.startContainer, range.startOffset, hidden);
  const [last, endOffset] = textNodeAt(root, range.endContainer, range.endOffset, hidden);
  let before = '';
  let selected = '';
  let isInside = false;
  for (const text of textNodes(root)) {
    if (hidden.has(text)) {
      continue;
    }
    let start = 0;
    if (text === first) {
      before += text.data.slice(0, startOffset);
      start = startOffset;
      isInside = true;
    }
    const part = text.data.slice(start, text === last ? endOffset : undefined);
    if (isInside) {
      selected += part;
    } else {
      before += part;
    }
    if (text === last) {
      break;
    }
  }
  const backwards =
    selection.anchorNode !== range.startContainer || selection.anchorOffset !== range.startOffset;
  return withoutSpace(selected)
    ? { before: withoutSpace(before), selected: withoutSpace(selected), backwards }
    : null;
}

/**
 * Selects the same text again. Does nothing if the text of the element up to the end of the selection has changed.
 *
 * @param {Selection} selection
 * @param {Element} root
 * @param {TextSelection} saved
 * @returns {void}
 */
export function restoreSelection(selection, root, { before, selected, backwards }) {
  const texts = [...textNodes(root)];
  if (!withoutSpace(texts.map(text => text.data).join('')).startsWith(before + selected)) {
    return;
  }
  const start = findCharacter(texts, before.length);
  const end = findCharacter(texts, before.length + selected.length - 1);
  end.offset += 1;
  const [anchor, focus] = backwards ? [end, start] : [start, end];
  selection.setBaseAndExtent(anchor.text, anchor.offset, focus.text, focus.offset);
}
