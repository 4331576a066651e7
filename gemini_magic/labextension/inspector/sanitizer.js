/**
 * Rebuilds the HTML of an answer node by node. Elements and attributes that are not on the allow-lists are removed.
 *
 * The allow-lists are those of `gemini_magic/markdown/sanitize.py` (a test compares the results), plus the elements that
 * surround an answer in its output. The source is parsed only into a document that loads nothing and runs no scripts.
 */

import { reveal } from './format.js';

/**
 * A test of an attribute's value.
 *
 * @typedef {(value: string, node: Element) => boolean} ValueTest
 */

/**
 * The allowed elements, each with its allowed attributes and the tests of their values.
 *
 * @typedef {Record<string, Record<string, ValueTest>>} AllowList
 */

const HOST = '(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\\[[0-9A-Fa-f:.]{2,45}\\])';
const WEB_URL = new RegExp(`^https?://${HOST}(?::[0-9]{1,5})?(?:[/?#][^\\s\\\\<>"]*)?$`, 'i');
const MAIL_URL = /^mailto:[^\s\\<>"@]+@[^\s\\<>"@]+$/i;
const IMAGE_DATA = /^data:image\/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/;
const AUDIO_DATA = /^data:audio\/(?:wav|mpeg|ogg|flac|aac|mp4|webm);base64,[A-Za-z0-9+/]+={0,2}$/;
const VIDEO_DATA = /^data:video\/(?:mp4|webm);base64,[A-Za-z0-9+/]+={0,2}$/;

/** The maximum length of the address of media, in characters; `MAX_BYTES` in `views/item_html.py` is the same in bytes. */
const MAX_MEDIA = 32_000_100;

const IMAGE_SIDE = /^[1-9][0-9]{0,3}$/;

/** TeX commands that do more than typeset a formula. MathJax would execute them. */
const UNSAFE_TEX =
  /\\(?:href|url|class|cssId|style|data|require|unicode|html\w*|[gex]?def|(?:re)?newcommand|newenvironment|let|toggle|action|genfrac|smash|rule|raise|lower|m?kern|[hm]?space|hskip|bbox|mmlToken)(?![a-z])/i;

export const LINK_RELATION = 'noopener noreferrer nofollow';

/** @type {ValueTest} */
const any = () => true;

/**
 * Attributes that every element may have.
 *
 * @type {Record<string, ValueTest>}
 */
const GLOBAL_ATTRIBUTES = { title: any, lang: any };

/**
 * @param {string} url
 * @returns {boolean} whether an answer may link to the URL
 */
export function isLinkAllowed(url) {
  if (MAIL_URL.test(url)) {
    return true;
  }
  if (!WEB_URL.test(url)) {
    return false;
  }
  try {
    return new URL(url).hostname !== '';
  } catch {
    return false;
  }
}

/** @type {ValueTest} */
const isImageData = value => value.length <= MAX_MEDIA && IMAGE_DATA.test(value);

/** @type {ValueTest} */
const isEmpty = value => value === '';

/** @type {ValueTest} */
const isAuto = value => value === 'auto';

/** @type {ValueTest} */
const isAlignment = value => /^text-align: ?(?:left|right|center);?$/.test(value);

/** @type {ValueTest} */
const isFormula = (value, node) => value === 'mathjax_process tex2jax_process' && !UNSAFE_TEX.test(node.textContent);

/** @type {AllowList} The elements of a rendered answer. */
export const ANSWER_ELEMENTS = {
  ...Object.fromEntries(
    'b bdi blockquote br del dfn em hr i kbd li mark pre s samp strong sub table tbody thead tr u var'
      .split(' ')
      .map(name => [name, {}])
  ),
  ...Object.fromEntries('h1 h2 h3 h4 h5 h6 p summary ul'.split(' ').map(name => [name, { dir: isAuto }])),
  a: { href: isLinkAllowed },
  details: { open: isEmpty },
  ol: { start: value => /^[0-9]+$/.test(value), dir: isAuto },
  code: { class: value => /^language-[A-Za-z0-9_+#.-]{1,40}$/.test(value) },
  span: {
    class: (value, node) => /^gm-(?:[adeghimotuv]|task|image|pending)$/.test(value) || isFormula(value, node)
  },
  div: { class: (value, node) => /^gm-(?:table|pending)$/.test(value) || isFormula(value, node) },
  sup: { class: value => /^gm-(?:def|cite)$/.test(value) },
  th: { style: isAlignment, dir: isAuto },
  td: { style: isAlignment, dir: isAuto, colspan: value => /^[1-9][0-9]?$/.test(value) },
  img: {
    src: isImageData,
    alt: any,
    width: value => IMAGE_SIDE.test(value),
    height: value => IMAGE_SIDE.test(value),
    loading: value => value === 'lazy',
    referrerpolicy: value => value === 'no-referrer'
  }
};

/** @type {ValueTest} */
const isOutputClass = value =>
  /^gm-[a-z]+(?:-[a-z]+)?(?: gm-[a-z]+(?:-[a-z]+)?){0,2}$/.test(value) ||
  value === 'gemini-magic mathjax_ignore tex2jax_ignore';

/** @type {AllowList} The elements of a saved output: the answer, its status line, thoughts and messages. */
export const OUTPUT_ELEMENTS = {
  ...ANSWER_ELEMENTS,
  div: {
    class: (value, node) => isOutputClass(value, node) || ANSWER_ELEMENTS.div.class(value, node),
    role: value => /^(?:region|note|status)$/.test(value),
    'aria-label': any,
    'aria-busy': value => value === 'true'
  },
  span: {
    class: (value, node) => isOutputClass(value, node) || ANSWER_ELEMENTS.span.class(value, node),
    role: value => value === 'img',
    'aria-label': any,
    title: any
  },
  details: { class: isOutputClass, open: isEmpty },
  audio: { controls: isEmpty, src: value => value.length <= MAX_MEDIA && AUDIO_DATA.test(value) },
  video: { controls: isEmpty, src: value => value.length <= MAX_MEDIA && VIDEO_DATA.test(value) }
};

/** @type {AllowList} For trusted notebooks: also images from the web, whose hosts the kernel has checked. */
export const TRUSTED_OUTPUT_ELEMENTS = {
  ...OUTPUT_ELEMENTS,
  img: {
    ...ANSWER_ELEMENTS.img,
    src: (value, node) => isImageData(value, node) || (/^https:/i.test(value) && isLinkAllowed(value))
  }
};

/** Elements that are removed together with their content. Other unknown elements are replaced by their content. */
const REMOVED_WITH_CONTENT = new Set(
  'script style template noscript iframe object embed title head textarea select xmp noembed noframes plaintext'.split(
    ' '
  )
);

/**
 * Copies the allowed children of a node.
 *
 * @param {Node} source
 * @param {ParentNode} target
 * @param {AllowList} allowed
 * @param {Element | null} [emptied] an element that is copied without its children
 * @returns {void}
 */
function copyChildren(source, target, allowed, emptied) {
  for (let node = source.firstChild; node; node = node.nextSibling) {
    copyNode(node, target, allowed, emptied);
  }
}

/**
 * Copies what is allowed of a node.
 *
 * @param {Node} node
 * @param {ParentNode} target
 * @param {AllowList} allowed
 * @param {Element | null} [emptied] as in `copyChildren`
 * @returns {void}
 */
function copyNode(node, target, allowed, emptied) {
  if (node.nodeType === Node.TEXT_NODE) {
    target.append(reveal(/** @type {Text} */ (node).data));
    return;
  }
  const element = /** @type {Element} */ (node);
  if (node.nodeType !== Node.ELEMENT_NODE || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') {
    return;
  }
  const name = element.localName;
  if (Object.hasOwn(allowed, name)) {
    const copy = copyElement(element, name, allowed, emptied);
    target.append(name !== 'img' || copy.hasAttribute('src') ? copy : imagePlaceholder(element));
  } else if (!REMOVED_WITH_CONTENT.has(name)) {
    copyChildren(element, target, allowed, emptied);
  }
}

/**
 * Copies an allowed element with its allowed attributes and children.
 *
 * @param {Element} source
 * @param {string} name the name of the element
 * @param {AllowList} allowed
 * @param {Element | null} [emptied] as in `copyChildren`
 * @returns {Element}
 */
function copyElement(source, name, allowed, emptied) {
  const copy = document.createElement(name);
  const own = allowed[name];
  for (const { name: attribute, value } of source.attributes) {
    const tests = Object.hasOwn(own, attribute) ? own : GLOBAL_ATTRIBUTES;
    if (Object.hasOwn(tests, attribute) && tests[attribute](value, source)) {
      copy.setAttribute(attribute, cleanValue(attribute, value));
    }
  }
  if (name === 'a') {
    Object.assign(copy, { rel: LINK_RELATION, target: '_blank' });
  }
  if (source !== emptied) {
    copyChildren(source, copy, allowed, emptied);
  }
  return copy;
}

/**
 * @param {string} attribute
 * @param {string} value an allowed value
 * @returns {string} the value as it is copied; the address of media, which is long, is copied unchanged
 */
function cleanValue(attribute, value) {
  if (attribute === 'src' && value.startsWith('data:')) {
    return value;
  }
  return attribute === 'style' ? value.replace(/[ ;]/g, '') : reveal(value);
}

/**
 * Creates the replacement of an image that is not displayed: its description, with a link if the URL is allowed.
 *
 * @param {Element} image
 * @returns {Element}
 */
function imagePlaceholder(image) {
  const url = image.getAttribute('src') ?? '';
  const placeholder = document.createElement('span');
  placeholder.className = 'gm-image';
  const label = reveal(`image: ${image.getAttribute('alt') || 'no description'}`);
  if (WEB_URL.test(url) && isLinkAllowed(url)) {
    const link = document.createElement('a');
    Object.assign(link, { href: url, textContent: label, rel: LINK_RELATION, target: '_blank' });
    placeholder.append(link);
  } else {
    placeholder.append(label);
  }
  return placeholder;
}

/**
 * Parses HTML without sanitizing it. The document is inert: it loads no resources and runs no scripts.
 *
 * @param {string} source
 * @returns {HTMLElement} the body of another document; its nodes must not be moved into the page
 */
export function parseInert(source) {
  return new DOMParser().parseFromString(source, 'text/html').body;
}

/**
 * Sanitizes a parsed element or text.
 *
 * @param {Node} parsed
 * @param {AllowList} allowed
 * @param {Element | null} [emptied] an element that is copied without its children
 * @returns {DocumentFragment} the sanitized element, or its sanitized children if the element is not allowed
 */
export function sanitizeElement(parsed, allowed, emptied) {
  const fragment = document.createDocumentFragment();
  copyNode(parsed, fragment, allowed, emptied);
  return fragment;
}

/**
 * Sanitizes HTML.
 *
 * @param {string} source
 * @param {AllowList} allowed
 * @returns {DocumentFragment}
 */
export function sanitize(source, allowed = OUTPUT_ELEMENTS) {
  return sanitizeElement(parseInert(source), allowed);
}
