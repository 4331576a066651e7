/**
 * Adds the error of an answer to an output that is not followed by it, without the kernel, which may have ended.
 *
 * The kernel writes the lines into the metadata of the output. They can come from any notebook file, so they are added as
 * text.
 */

import { html } from '../inspector/dom.js';
import { getOwn } from '../inspector/record.js';
import { METADATA, htmlOf, textOf } from './answer_state.js';
import { inline } from './cut_bundle.js';
import { serialize } from './serialize.js';

const MAX_LINES = 10;
const MAX_LENGTH = 4000;

/** The end of an answer's HTML, with its style sheet. Nothing in that can end its element. */
const END = /(?:<style>[^<]*<\/style>)?<\/div>$/;

/** The tones of a box, as the style sheet names them. */
const TONES = ['bad', 'warn'];

/**
 * @param {unknown} metadata the metadata of an output
 * @returns {{ tone: string, lines: string[] } | null} the error; null if the kernel has not written one
 */
function readError(metadata) {
  const error = getOwn(getOwn(metadata, METADATA), 'error');
  const [lines, tone] = ['lines', 'tone'].map(name => getOwn(error, name));
  const isText = line => typeof line === 'string' && line.length > 0 && line.length <= MAX_LENGTH;
  const shown = Array.isArray(lines) ? lines.slice(0, MAX_LINES).filter(isText) : [];
  return shown.length ? { tone: TONES.includes(tone) ? tone : TONES[0], lines: shown } : null;
}

/**
 * @param {string} text
 * @returns {string} Markdown that shows the text: no character of it is markup, also not for a formula
 */
const escapeMarkdown = text => text.replace(/[^\p{L}\p{N} ]/gu, character => `&#${character.codePointAt(0)};`);

/**
 * @param {string} plain the plain text of an answer, whose last line is the status in brackets
 * @param {string} added
 * @returns {string} the text with another paragraph before that line
 */
function beforeStatus(plain, added) {
  const at = plain.lastIndexOf('\n\n[');
  return at < 0 ? `${added}\n\n${plain}` : `${plain.slice(0, at)}\n\n${added}${plain.slice(at)}`;
}

/**
 * Returns the bundle of an answer with its error.
 *
 * @param {{ data: any, metadata: unknown }} output
 * @returns {{ data: import('@jupyterlab/nbformat').IMimeBundle, metadata: any } | null} null if the error is not known
 */
export function withErrorBox({ data, metadata }) {
  const error = readError(metadata);
  const source = htmlOf(data);
  const end = END.exec(source);
  if (!error || !end) {
    return null;
  }
  const box = html('div', { class: `gm-box gm-${error.tone}`, role: 'note' });
  error.lines.forEach((line, index) => {
    box.append(...(index ? [html('br')] : []), html('span', {}, ...inline(line)));
  });
  const { error_follows: _follows, error: _error, ...own } = getOwn(metadata, METADATA);
  const [first, ...rest] = textOf(data, 'text/markdown').split('\n');
  const quoted = error.lines.map(line => `>\n> ${escapeMarkdown(line)}`);
  return {
    data: {
      ...data,
      'text/html': source.slice(0, end.index) + serialize(box) + end[0],
      'text/markdown': [first, ...quoted, ...rest].join('\n'),
      'text/plain': beforeStatus(textOf(data, 'text/plain'), error.lines.join('\n'))
    },
    metadata: { [METADATA]: own }
  };
}
