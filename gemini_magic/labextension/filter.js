/**
 * What a reader types to find chunks: words, a regular expression between slashes, a dotted path that must be there, or
 * a condition as `where` takes it: `t > 1.5`, `kind=text`, `candidates.*.finishReason=STOP`, `text ~ ^#`. A column may also
 * be called as its title is: `bytes > 200`.
 *
 * The kernel's `conditions.py` reads the same conditions (a test compares the two).
 */

import { COUNTS, columnOf } from './record.js';

const FIELD = /^(#|[A-Za-z_$@*][\w$@*-]*(?:\.[\w$@*-]+)*)\s*(!~|!=|<=|>=|==|=|<|>|~)\s*(.*)$/s;
const EXPRESSION = /^\/(.+)\/([imsu]*)$/s;
const PATH = /^[A-Za-z_$*][\w$@*-]*(?:\.[\w$@*-]+)+$/;
const POSITION = /^[0-9]+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const QUOTED = /^(["'])(.*)\1$/s;
const ORDER = {
  '<': (found, wanted) => found < wanted,
  '<=': (found, wanted) => found <= wanted,
  '>': (found, wanted) => found > wanted,
  '>=': (found, wanted) => found >= wanted
};

/** The columns of `r.chunks`: name to what a chunk has there. */
const COLUMNS = {
  index: (_, index) => index,
  t: (chunks, index) => chunks.t[index],
  gap: (chunks, index) => chunks.gap(index),
  size: (chunks, index) => chunks.size[index],
  round: (chunks, index) => chunks.round(index),
  attempt: (chunks, index) => chunks.attempt(index),
  kind: (chunks, index) => chunks.kind(index),
  text: (chunks, index) => chunks.text(index),
  thought: (chunks, index) => chunks.thought(index),
  finish_reason: (chunks, index) => chunks.finish(index) || null,
  json: (chunks, index) => chunks.json(index),
  ...Object.fromEntries(COUNTS.map(name => [columnOf(name), (chunks, index) => chunks.tokens(index, name)]))
};

/** The titles that are no names of columns: what a reader sees to what it is called. */
const TITLES = { '#': 'index', bytes: 'size', finish: 'finish_reason', tokens: 'total_tokens' };

/** @returns {any[]} the values at a dotted path: keys, positions, and `*` for all of either */
function at(value, path) {
  let found = [value];
  for (const step of path) {
    found = found.flatMap(each => {
      if (typeof each !== 'object' || each === null) {
        return [];
      }
      if (step === '*') {
        return Object.values(each);
      }
      return Object.hasOwn(each, step) && (!Array.isArray(each) || POSITION.test(step)) ? [each[step]] : [];
    });
  }
  return found;
}

const written = value => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * @param {string} typed
 * @returns {((chunks: import('./chunks.js').Chunks, index: number) => boolean) | null} null where everything fits
 * @throws {SyntaxError} a regular expression that is none, or a comparison with what is no number; the message says so
 */
export function filterOf(typed) {
  const wanted = typed.trim();
  if (!wanted) {
    return null;
  }
  const expression = EXPRESSION.exec(wanted);
  if (expression) {
    const pattern = expressionOf(expression[1], expression[2]);
    return (chunks, index) => everything(chunks, index).some(said => pattern.test(said));
  }
  const field = FIELD.exec(wanted);
  if (field) {
    return condition(field[1], field[2], QUOTED.exec(field[3])?.[2] ?? field[3], wanted);
  }
  const lower = wanted.toLowerCase();
  const path = PATH.test(wanted) ? wanted.split('.') : null;
  return (chunks, index) =>
    everything(chunks, index).some(said => said.toLowerCase().includes(lower)) || (path !== null && at(chunks.value(index), path).some(isThere));
}

/** @returns {boolean} whether a value is more than nothing */
function isThere(value) {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== null && value !== '';
}

/** @returns {RegExp} */
function expressionOf(pattern, flags = '') {
  try {
    return new RegExp(pattern, flags);
  } catch {
    throw new SyntaxError('This is no regular expression yet.');
  }
}

function condition(field, sign, wanted, whole) {
  const holds = test(sign, wanted, whole);
  const path = field.split('.');
  const name = Object.hasOwn(TITLES, field) ? TITLES[field] : field;
  const values = Object.hasOwn(COLUMNS, name)
    ? (chunks, index) => [COLUMNS[name](chunks, index)]
    : (chunks, index) => at(chunks.value(index), path);
  const wantsNone = sign.startsWith('!');
  return (chunks, index) => values(chunks, index).some(holds) !== wantsNone;
}

/** @returns {(found: any) => boolean} whether one value is as wanted */
function test(sign, wanted, whole) {
  if (sign.endsWith('~')) {
    const pattern = expressionOf(wanted);
    return found => found !== null && found !== undefined && pattern.test(written(found));
  }
  const number = NUMBER.test(wanted) ? Number(wanted) : null;
  if (sign in ORDER) {
    if (number === null) {
      throw new SyntaxError(`\`${whole}\` compares with what is no number.`);
    }
    return found => typeof found === 'number' && ORDER[sign](found, number);
  }
  const word = { true: true, false: false, null: null, none: null }[wanted.toLowerCase()];
  return found => {
    if (typeof found === 'number') {
      return found === number;
    }
    if (typeof found === 'boolean' || found === null) {
      return found === word || written(found) === wanted;
    }
    return found !== undefined && written(found) === wanted;
  };
}

/** What a search looks through, each by itself, so that `^` and `$` mean the ends of one. @returns {string[]} */
function everything(chunks, index) {
  return [chunks.kind(index), chunks.thought(index), chunks.text(index), chunks.json(index) ?? ''];
}
