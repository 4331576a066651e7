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
const IMAGE = /^data:image\/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]{1,360000}={0,2}$/;
const SIDE = /^[1-9][0-9]{0,3}$/;
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

const align = value => /^text-align: ?(?:left|right|center);?$/.test(value);
const isFormula = (value, node) => value === 'mathjax_process' && !ACTIVE.test(node.textContent);

/** Element to the attributes it may have, each with a test of its value. */
export const ANSWER = {
  ...Object.fromEntries(
    ('b bdi blockquote br del dfn em h1 h2 h3 h4 h5 h6 hr i li p pre s samp strong table tbody thead tr ul var')
      .split(' ')
      .map(name => [name, {}])
  ),
  a: { href: linkAllowed },
  ol: { start: value => /^[0-9]+$/.test(value) },
  code: { class: value => /^language-[A-Za-z0-9_+#.-]{1,40}$/.test(value) },
  span: { class: (value, node) => /^gm-(?:[adeghimotv]|task|image|pending)$/.test(value) || isFormula(value, node) },
  div: { class: (value, node) => /^gm-(?:table|pending)$/.test(value) || isFormula(value, node) },
  sup: { class: value => value === 'gm-def' },
  th: { style: align },
  td: { style: align },
  img: {
    src: value => IMAGE.test(value),
    alt: always,
    width: value => SIDE.test(value),
    height: value => SIDE.test(value),
    loading: value => value === 'lazy',
    referrerpolicy: value => value === 'no-referrer'
  }
};

const framed = value => /^gm-[a-z]+(?:-[a-z]+)?(?: gm-[a-z]+(?:-[a-z]+)?){0,2}$/.test(value) || value === 'gemini-magic mathjax_ignore';
const FRAME_WORDS = {
  class: (value, node) => framed(value) || ANSWER.div.class(value, node),
  role: value => /^(?:region|note|status)$/.test(value),
  'aria-label': always,
  'aria-busy': value => value === 'true'
};

/** The same with the frame that the kernel puts around an answer. */
export const FRAMED = {
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
        to.append(name !== 'img' || made.hasAttribute('src') ? made : instead(node));
      } else if (!DROPPED.has(name)) {
        copy(node, to, lists);
      }
    }
  }
}

/** What stands for a picture that is not shown here: a link, where it leads anywhere. */
function instead(image) {
  const url = image.getAttribute('src') ?? '';
  const made = document.createElement('span');
  made.className = 'gm-image';
  const label = reveal(`image: ${image.getAttribute('alt') || 'no description'}`);
  if (WEB.test(url) && linkAllowed(url)) {
    const link = document.createElement('a');
    Object.assign(link, { href: url, textContent: label, rel: 'noopener noreferrer nofollow', target: '_blank' });
    made.append(link);
  } else {
    made.append(label);
  }
  return made;
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

/** The same with pictures from elsewhere, for a reader who trusts the notebook: the kernel let these hosts through. */
export const TRUSTED = {
  ...FRAMED,
  img: { ...ANSWER.img, src: value => IMAGE.test(value) || (/^https:/i.test(value) && linkAllowed(value)) }
};

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
