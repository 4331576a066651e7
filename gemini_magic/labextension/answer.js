/**
 * Rebuilds the HTML of an answer node by node, through allow-lists: what they do not name does not get in.
 *
 * The lists are those of the kernel's `markdown/safe.py` (a test compares the two), and what the frame around an answer
 * adds. It knows no record, and nothing here is ever parsed where it could act.
 */

import { reveal } from './written.js';

const HOST = '(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\\[[0-9A-Fa-f:.]{2,45}\\])';
const WEB = new RegExp(`^https?://${HOST}(?::[0-9]{1,5})?(?:[/?#][^\\s\\\\<>"]*)?$`, 'i');
const MAIL = /^mailto:[^\s\\<>"@]+@[^\s\\<>"@]+$/i;
const IMAGE = /^data:image\/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/;
/** Commands of formulas that do more than draw; MathJax would carry them out. */
const ACTIVE = /\\(?:href|url|class|cssId|style|data|require|unicode|html\w*|[gex]?def|(?:re)?newcommand|newenvironment|let|toggle|action)(?![a-z])/i;

const always = () => true;
/** Attributes that every element may have. */
const ANYWHERE = { title: always, lang: always };

function linkAllowed(url) {
  if (MAIL.test(url)) {
    return true;
  }
  if (!WEB.test(url)) {
    return false;
  }
  try {
    return new URL(url).hostname !== '';
  } catch {
    return false;
  }
}

/** Element to the attributes it may have, each with a test of its value. */
export const ANSWER = {
  ...Object.fromEntries(
    ('blockquote br del em h1 h2 h3 h4 h5 h6 hr li p pre s strong table tbody thead tr ul').split(' ').map(name => [name, {}])
  ),
  a: { href: linkAllowed },
  ol: { start: value => /^[0-9]+$/.test(value) },
  code: { class: value => /^language-[A-Za-z0-9_+#.-]{1,40}$/.test(value) },
  span: { class: (value, node) => /^gm-(?:[abcdefghikmnostv]|task|image)$/.test(value) || isFormula(value, node) },
  div: { class: value => value === 'gm-table' },
  th: { style: value => /^text-align: ?(?:left|right|center);?$/.test(value) },
  td: { style: value => /^text-align: ?(?:left|right|center);?$/.test(value) },
  img: { src: value => IMAGE.test(value), alt: always }
};

const isFormula = (value, node) => value === 'mathjax_process' && !ACTIVE.test(node.textContent);

const framed = value => /^gm-[a-z]+(?:-[a-z]+)?(?: gm-[a-z]+(?:-[a-z]+)?){0,2}$/.test(value) || value === 'gemini-magic mathjax_ignore';
const FRAME_WORDS = {
  class: framed,
  role: value => /^(?:region|note|status)$/.test(value),
  'aria-label': always,
  'aria-busy': value => value === 'true'
};

/** The same with the frame that the kernel puts around an answer. */
const FRAMED = {
  ...ANSWER,
  div: FRAME_WORDS,
  span: {
    class: (value, node) => framed(value) || ANSWER.span.class(value, node),
    role: value => value === 'img',
    'aria-label': always,
    title: always
  },
  details: { class: framed },
  summary: {}
};

/** Elements whose content is no text either; other unknown elements lose their tags only. */
const DROPPED = new Set(
  'script style template noscript iframe object embed title head textarea select xmp noembed noframes plaintext'.split(' ')
);

/**
 * @param {Node} from
 * @param {Node} to
 * @param {typeof ANSWER} lists
 */
function copy(from, to, lists) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      to.append(reveal(node.data));
    } else if (node.nodeType === Node.ELEMENT_NODE && node.namespaceURI === 'http://www.w3.org/1999/xhtml') {
      const name = node.localName;
      if (Object.hasOwn(lists, name)) {
        const made = element(node, name, lists);
        // A picture that may not be shown leaves nothing.
        if (name !== 'img' || made.hasAttribute('src')) {
          to.append(made);
        }
      } else if (!DROPPED.has(name)) {
        copy(node, to, lists);
      }
    }
  }
}

function element(node, name, lists) {
  const made = document.createElement(name);
  const tests = { ...ANYWHERE, ...lists[name] };
  for (const { name: attribute, value } of node.attributes) {
    if (Object.hasOwn(tests, attribute) && tests[attribute](value, node)) {
      made.setAttribute(attribute, attribute === 'style' ? value.replace(/[ ;]/g, '') : reveal(value));
    }
  }
  if (name === 'a') {
    made.rel = 'noopener noreferrer nofollow';
    made.target = '_blank';
  }
  copy(node, made, lists);
  return made;
}

/**
 * @param {string} html
 * @param {typeof ANSWER} lists what is let through
 * @returns {DocumentFragment} what is left of it
 */
export function rebuild(html, lists = FRAMED) {
  const made = document.createDocumentFragment();
  // A document of its own, which loads nothing and runs nothing.
  copy(new DOMParser().parseFromString(html, 'text/html').body, made, lists);
  return made;
}
