/**
 * Makes elements. The words in them are text, always: nothing here or in its callers parses HTML.
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {Element} node
 * @param {Record<string, unknown>} attributes names are ours; a function is a listener, false and null are left out
 * @param {Array<Node | string | null | undefined>} children
 * @returns {any} the node
 */
function filled(node, attributes, children) {
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

/** @returns {HTMLElement} */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** @returns {SVGElement} */
export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @param {string} words what stands on it
 * @param {() => void} click
 * @param {Record<string, unknown>} more attributes
 * @returns {HTMLButtonElement}
 */
export function button(words, click, more = {}) {
  return make('button', { type: 'button', class: 'gmi-button', click, ...more }, words);
}

/** Whether the user asked for less movement. */
export const still = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;
