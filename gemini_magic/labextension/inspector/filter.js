/**
 * The filter of the Chunks tab.
 *
 * A filter is one of: a text to search for; a regular expression between slashes; a dotted path that must exist; or a
 * condition as `where` takes it, such as `t > 1.5`, `kind=text`, `candidates.*.finishReason=STOP` or `text ~ ^#`. In a
 * condition, a column can also be named by its title: `bytes > 200`.
 *
 * `gemini_magic/tables/filters.py` evaluates the same conditions (a test compares the results).
 */

import { COUNTS, columnName } from './record.js';

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * Whether a chunk matches the filter. A filter with a regular expression also has its parts, so that a worker can search.
 *
 * @typedef {((chunks: Chunks, index: number) => boolean) & { search?: ExpressionParts }} ChunkTest
 */

/**
 * @typedef {object} ExpressionParts
 * @property {RegExp} pattern
 * @property {(chunks: Chunks, index: number) => string[]} texts the texts of a chunk to search through
 * @property {boolean} isNegated whether the chunks without a match are shown
 */

const CONDITION = /^(#|[A-Za-z_$@*][\w$@*-]*(?:\.[\w$@*-]+)*)\s*(!~|!=|<=|>=|==|=|<|>|~)\s*(.*)$/s;
const REGULAR_EXPRESSION = /^\/(.+)\/([A-Za-z]*)$/s;
const FLAGS = /^[imsu]*$/;
const PATH = /^[A-Za-z_$*][\w$@*-]*(?:\.[\w$@*-]+)+$/;
const ARRAY_INDEX = /^[0-9]+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const QUOTED = /^(["'])(.*)\1$/s;

/** @type {Record<string, (found: number, wanted: number) => boolean>} */
const COMPARISONS = {
  '<': (found, wanted) => found < wanted,
  '<=': (found, wanted) => found <= wanted,
  '>': (found, wanted) => found > wanted,
  '>=': (found, wanted) => found >= wanted
};

/** @type {Record<string, boolean | null>} */
const KEYWORDS = { true: true, false: false, null: null, none: null };

/**
 * The columns of `r.chunks`, each with a function that returns its value for a chunk.
 *
 * @type {Record<string, (chunks: Chunks, index: number) => any>}
 */
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
  json: (chunks, index) => chunks.json(index)
};
for (const name of COUNTS) {
  COLUMNS[columnName(name)] = (chunks, index) => chunks.tokens(index, name);
}

/**
 * The titles in the Chunks tab that differ from the names of their columns.
 *
 * @type {Record<string, string>}
 */
const TITLES = { '#': 'index', bytes: 'size', finish: 'finish_reason', tokens: 'total_tokens' };

/**
 * @param {any} value
 * @param {string[]} path keys and array indexes; `*` stands for all of them
 * @returns {any[]} the values at the path
 */
function valuesAt(value, path) {
  let found = [value];
  for (const step of path) {
    found = found.flatMap(each => {
      if (typeof each !== 'object' || each === null) {
        return [];
      }
      if (step === '*') {
        return Object.values(each);
      }
      return Object.hasOwn(each, step) && (!Array.isArray(each) || ARRAY_INDEX.test(step))
        ? [each[step]]
        : [];
    });
  }
  return found;
}

/**
 * @param {any} value
 * @returns {string} a string as it is, any other value as JSON
 */
const toText = value => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * Parses a filter.
 *
 * @param {string} input
 * @returns {ChunkTest | null} null if the input is empty, so that all chunks match
 * @throws {SyntaxError} if a regular expression is not valid or the value of a comparison is not a number
 */
export function parseFilter(input) {
  const filter = input.trim();
  if (!filter) {
    return null;
  }
  const expression = REGULAR_EXPRESSION.exec(filter);
  if (expression) {
    return searchFor(parseExpression(expression[1], expression[2]), searchTexts, false);
  }
  const condition = CONDITION.exec(filter);
  if (condition) {
    const [, field, operator, value] = condition;
    return parseCondition(field, operator, QUOTED.exec(value)?.[2] ?? value, filter);
  }
  const lower = filter.toLowerCase();
  const path = PATH.test(filter) ? filter.split('.') : null;
  return (chunks, index) =>
    searchTexts(chunks, index).some(text => text.toLowerCase().includes(lower)) ||
    (path !== null && valuesAt(chunks.value(index), path).some(isNotEmpty));
}

/**
 * @param {any} value
 * @returns {boolean} false for null and for an empty string, array or object
 */
function isNotEmpty(value) {
  return typeof value === 'object' && value !== null
    ? Object.keys(value).length > 0
    : value !== null && value !== '';
}

/**
 * @param {string} pattern
 * @param {string} flags
 * @returns {RegExp}
 * @throws {SyntaxError} if the pattern is not valid
 */
function parseExpression(pattern, flags = '') {
  if (!FLAGS.test(flags)) {
    throw new SyntaxError(`Invalid regular expression: the flags of /${pattern}/${flags} can be i, m, s and u`);
  }
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    // Browsers begin the message with these words and most repeat the expression.
    const reason = /** @type {Error} */ (error).message.replace(/^invalid regular expression:? ?/i, '');
    throw new SyntaxError(`Invalid regular expression${reason ? `: ${reason}` : ''}`);
  }
}

/**
 * @param {RegExp} pattern
 * @param {(chunks: Chunks, index: number) => string[]} texts
 * @param {boolean} isNegated
 * @returns {ChunkTest}
 */
function searchFor(pattern, texts, isNegated) {
  /** @type {ChunkTest} */
  const test = (chunks, index) => texts(chunks, index).some(text => pattern.test(text)) !== isNegated;
  test.search = { pattern, texts, isNegated };
  return test;
}

/**
 * @param {string} field a column, a title, or a dotted path
 * @param {string} operator
 * @param {string} value
 * @param {string} filter the whole filter, for messages
 * @returns {ChunkTest}
 */
function parseCondition(field, operator, value, filter) {
  const path = field.split('.');
  const name = Object.hasOwn(TITLES, field) ? TITLES[field] : field;
  /** @type {(chunks: Chunks, index: number) => any[]} */
  const values = Object.hasOwn(COLUMNS, name)
    ? (chunks, index) => [COLUMNS[name](chunks, index)]
    : (chunks, index) => valuesAt(chunks.value(index), path);
  const isNegated = operator.startsWith('!');
  if (operator.endsWith('~')) {
    const texts = (/** @type {Chunks} */ chunks, /** @type {number} */ index) =>
      values(chunks, index)
        .filter(found => found !== null && found !== undefined)
        .map(toText);
    return searchFor(parseExpression(value), texts, isNegated);
  }
  const test = createTest(operator, value, filter);
  return (chunks, index) => values(chunks, index).some(test) !== isNegated;
}

/**
 * @param {string} operator
 * @param {string} wanted
 * @param {string} filter the whole filter, for messages
 * @returns {(found: any) => boolean} whether a value satisfies the condition, apart from a negation
 */
function createTest(operator, wanted, filter) {
  const number = NUMBER.test(wanted) ? Number(wanted) : null;
  if (Object.hasOwn(COMPARISONS, operator)) {
    if (number === null) {
      throw new SyntaxError(`\`${filter}\`: the value of ${operator} must be a number`);
    }
    return found => typeof found === 'number' && COMPARISONS[operator](found, number);
  }
  const lower = wanted.toLowerCase();
  const keyword = Object.hasOwn(KEYWORDS, lower) ? KEYWORDS[lower] : undefined;
  return found => {
    if (typeof found === 'number') {
      return found === number;
    }
    if (typeof found === 'boolean' || found === null) {
      return found === keyword || toText(found) === wanted;
    }
    return found !== undefined && toText(found) === wanted;
  };
}

/**
 * Returns the texts that a search looks through. They are separate, so that `^` and `$` match the ends of each.
 *
 * @param {Chunks} chunks
 * @param {number} index
 * @returns {string[]}
 */
function searchTexts(chunks, index) {
  return [chunks.kind(index), chunks.thought(index), chunks.text(index), chunks.json(index) ?? ''];
}
