/**
 * Creates elements. Text is always added as text: neither this module nor its callers parse HTML.
 */

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

/**
 * Attributes of an element. A function is added as an event listener. Attributes that are false, null or undefined are
 * omitted.
 *
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes
 */

/**
 * Children of an element. Strings become text nodes. Null and undefined are omitted.
 *
 * @typedef {Array<Node | string | null | undefined>} Children
 */

/**
 * Adds attributes, listeners and children to an element.
 *
 * @template {Element} E
 * @param {E} node
 * @param {Attributes} attributes
 * @param {Children} children
 * @returns {E} the same element
 */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      node.addEventListener(name, value);
    } else if (value !== false && value != null) {
      node.setAttribute(name, String(value));
    }
  }
  node.append(...children.filter(child => child != null));
  return node;
}

/**
 * Creates an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Children} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Creates an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Children} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

/**
 * Creates a button.
 *
 * @param {string} label
 * @param {() => void} onClick
 * @param {Attributes} attributes more attributes
 * @returns {HTMLButtonElement}
 */
export function button(label, onClick, attributes = {}) {
  return html('button', { type: 'button', class: 'gmi-button', click: onClick, ...attributes }, label);
}

/** @returns {boolean} whether the user prefers reduced motion */
export const prefersReducedMotion = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;
