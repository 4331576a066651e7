/**
 * Writes sanitized elements as HTML.
 */

/** Elements without an end tag, among those that the sanitizer allows. */
const VOID = new Set(['br', 'hr', 'img']);

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\u00a0': '&nbsp;' };

/**
 * @param {string} text
 * @returns {string}
 */
const escape = text => text.replace(/[&<>"\u00a0]/g, character => ENTITIES[character]);

/**
 * @param {Node} node an element, or a text. A style element contains no `<`
 * @returns {string} its HTML
 */
export function serialize(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    return escape(/** @type {Text} */ (node).data);
  }
  if (node.nodeType !== Node.ELEMENT_NODE) {
    return '';
  }
  const element = /** @type {Element} */ (node);
  const name = element.localName;
  const attributes = Array.from(element.attributes, each => ` ${each.name}="${escape(each.value)}"`);
  const start = `<${name}${attributes.join('')}>`;
  if (VOID.has(name)) {
    return start;
  }
  const content =
    name === 'style' ? element.textContent : Array.from(element.childNodes, serialize).join('');
  // A parser removes the first line feed of a pre element.
  const feed = name === 'pre' && content.startsWith('\n') ? '\n' : '';
  return `${start}${feed}${content}</${name}>`;
}
