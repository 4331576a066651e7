/**
 * Shows a search engine's suggestions, which come as HTML with a style sheet of their own.
 *
 * The HTML is rebuilt node by node from allow-lists, like an answer, inside a shadow root: its styles do not reach the
 * page, and the page's styles do not reach it. Links and classes are kept. Nothing in it can run, load a resource, or leave
 * its box, whose element outside of the shadow root clips it.
 */

import { html } from './dom.js';
import { reveal } from './format.js';
import { LINK_RELATION, isLinkAllowed, parseInert } from './sanitizer.js';

/** Class of the place of the suggestions in an answer. It contains the queries as plain links. */
const PLACE = 'gm-queries';

/** Class of the box around the shadow root. */
const BOX = 'gmi-suggestions';

const MAX_LENGTH = 40_000; // characters of the HTML
const MAX_NODES = 2_000;
const MAX_RULES = 300;

const HTML = 'http://www.w3.org/1999/xhtml';
const SVG = 'http://www.w3.org/2000/svg';

const HTML_ELEMENTS = new Set('a b br div em i li ol p small span strong ul'.split(' '));
const SVG_ELEMENTS = new Set('svg g path circle ellipse rect line polygon polyline'.split(' '));
const REMOVED_WITH_CONTENT = new Set(
  'script style template noscript iframe object embed title textarea select xmp noembed noframes plaintext'.split(' ')
);

/** @type {Record<string, RegExp>} the attributes of SVG elements, and what their values may consist of */
const SVG_ATTRIBUTES = {
  ...Object.fromEntries('d points viewBox'.split(' ').map(name => [name, /^[\w\s.,+-]{0,8000}$/])),
  ...Object.fromEntries(
    'width height x y x1 x2 y1 y2 cx cy r rx ry stroke-width opacity fill-opacity'
      .split(' ')
      .map(name => [name, /^-?[\d.]{1,20}(?:px|%)?$/])
  ),
  ...Object.fromEntries(
    'fill stroke fill-rule clip-rule stroke-linecap'.split(' ').map(name => [name, /^#?[\w-]{1,30}$/])
  )
};

const CLASSES = /^[\w\s-]{1,300}$/;
const SELECTOR = /^(?:[\w\s.,>+~*-]|:(?:hover|focus|focus-visible|active|first-child|last-child|link|visited)(?![\w-]))+$/;
const CONDITION = /^[\w\s:().,-]{1,200}$/;
const VALUE = /^[\w\s#%.,()/+*-]*$/;
const FONTS = /^[\w\s,"-]*$/;
const LOADING = /(?:url|image|image-set|cross-fade|element|src|paint|attr|env|expression|var)\(/i;
const FORBIDDEN_PROPERTIES = /^(?:--|content$|cursor$|z-index$|behavior$|-moz-binding$|animation|transition|list-style-image$)/;

/**
 * @param {CSSStyleDeclaration} style
 * @returns {string} the declarations that are allowed, without `!important`
 */
function copyDeclarations(style) {
  return Array.from(style, name => [name, style.getPropertyValue(name)])
    .filter(
      ([name, value]) =>
        !FORBIDDEN_PROPERTIES.test(name) &&
        (name === 'font-family' ? FONTS : VALUE).test(value) &&
        !LOADING.test(value) &&
        !(name === 'position' && !/^(?:static|relative|absolute)$/.test(value))
    )
    .map(([name, value]) => `${name}: ${value};`)
    .join(' ');
}

/**
 * The suggestions have a light and a dark style for the color scheme of the system. JupyterLab has its own theme.
 *
 * @param {string} condition of a media rule
 * @returns {string} the condition; for a color scheme, one that is always or never true where JupyterLab has a theme
 */
function themeCondition(condition) {
  const scheme = /^\(prefers-color-scheme: (light|dark)\)$/.exec(condition)?.[1];
  const isLight = document.body.dataset.jpThemeLight;
  return scheme && isLight ? ((scheme === 'light') === (isLight === 'true') ? 'all' : 'not all') : condition;
}

/**
 * @param {CSSRuleList} rules
 * @param {number} depth
 * @returns {string} the style rules and media rules that are allowed
 */
function copyRules(rules, depth = 0) {
  return Array.from(rules)
    .slice(0, MAX_RULES)
    .map(rule => {
      if (rule instanceof CSSStyleRule && SELECTOR.test(rule.selectorText)) {
        return `${rule.selectorText} { ${copyDeclarations(rule.style)} }`;
      }
      if (rule instanceof CSSMediaRule && depth < 2 && CONDITION.test(rule.conditionText)) {
        return `@media ${themeCondition(rule.conditionText)} { ${copyRules(rule.cssRules, depth + 1)} }`;
      }
      return '';
    })
    .join('\n');
}

/**
 * @param {string} source
 * @returns {string} the rules of a style sheet that are allowed; the browser's parser decides what they are
 */
function sanitizeStyle(source) {
  const sheet = new CSSStyleSheet();
  try {
    sheet.replaceSync(source); // a constructed style sheet ignores @import
    return copyRules(sheet.cssRules);
  } catch {
    return '';
  }
}

/**
 * The style sheets as received, by the elements that contain their allowed rules.
 *
 * @type {WeakMap<HTMLStyleElement, string[]>}
 */
const sourceSheets = new WeakMap();

/** @type {MutationObserver | undefined} */
let themeObserver;

/**
 * Writes the allowed rules of style sheets into an element, and again when the theme of JupyterLab changes.
 *
 * @param {HTMLStyleElement} element
 * @param {string[]} sheets
 * @returns {void}
 */
function showStyles(element, sheets) {
  element.textContent = sheets.map(sanitizeStyle).join('\n');
  sourceSheets.set(element, sheets);
  if (!themeObserver) {
    themeObserver = new MutationObserver(() => {
      for (const box of document.querySelectorAll(`.${BOX}`)) {
        const style = box.firstElementChild?.shadowRoot?.querySelector('style');
        if (style && sourceSheets.has(style)) {
          style.textContent = sourceSheets.get(style).map(sanitizeStyle).join('\n');
        }
      }
    });
    themeObserver.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
  }
}

/**
 * Copies the allowed children of a node.
 *
 * @param {Node} source
 * @param {ParentNode} target
 * @param {{ left: number }} budget the number of nodes that may still be copied
 * @returns {void}
 */
function copyChildren(source, target, budget) {
  for (let node = source.firstChild; node && budget.left > 0; node = node.nextSibling) {
    budget.left -= 1;
    if (node.nodeType === Node.TEXT_NODE) {
      target.append(reveal(/** @type {Text} */ (node).data));
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      copyElement(/** @type {Element} */ (node), target, budget);
    }
  }
}

/**
 * @param {Element} element
 * @param {ParentNode} target
 * @param {{ left: number }} budget
 * @returns {void}
 */
function copyElement(element, target, budget) {
  const name = element.localName;
  const isSvg = element.namespaceURI === SVG;
  if (isSvg ? !SVG_ELEMENTS.has(name) : element.namespaceURI !== HTML || REMOVED_WITH_CONTENT.has(name)) {
    return;
  }
  if (!isSvg && !HTML_ELEMENTS.has(name)) {
    copyChildren(element, target, budget);
    return;
  }
  const copy = document.createElementNS(isSvg ? SVG : HTML, name);
  for (const { name: attribute, value } of element.attributes) {
    const isAllowed =
      attribute === 'class'
        ? CLASSES.test(value)
        : isSvg && Object.hasOwn(SVG_ATTRIBUTES, attribute) && SVG_ATTRIBUTES[attribute].test(value);
    if (isAllowed) {
      copy.setAttribute(attribute, value);
    }
  }
  if (name === 'a' && !isSvg) {
    const address = element.getAttribute('href') ?? '';
    if (/^https:/i.test(address) && isLinkAllowed(address)) {
      copy.setAttribute('href', address);
    }
    copy.setAttribute('rel', LINK_RELATION);
    copy.setAttribute('target', '_blank');
  }
  copyChildren(element, copy, budget);
  target.append(copy);
}

/**
 * Shows suggestions in an answer in the place of its links to searches. The links stay if the HTML has no text.
 *
 * @param {Element} answer
 * @param {string} source the HTML as received
 * @returns {void}
 */
export function showSuggestions(answer, source) {
  const place = answer.querySelector(`.${PLACE}`);
  if (!place || !source || source.length > MAX_LENGTH) {
    return;
  }
  const parsed = parseInert(source);
  const content = html('div');
  copyChildren(parsed, content, { left: MAX_NODES });
  if (!content.textContent.trim()) {
    return;
  }
  const sheets = Array.from(parsed.ownerDocument.querySelectorAll('style'), style => style.textContent);
  const style = html('style');
  showStyles(style, sheets);
  const host = html('div');
  const root = host.attachShadow({ mode: 'open' });
  root.append(style, content);
  place.replaceChildren(html('div', { class: BOX }, host));
}
