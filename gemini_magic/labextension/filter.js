/**
 * What a reader types to find chunks: words, a regular expression, or a field of the JSON by its dotted path.
 */

const FIELD = /^([A-Za-z_$@][\w$@-]*(?:\.[\w$@-]+)*)\s*(!?=|~)\s*(.*)$/s;
const EXPRESSION = /^\/(.+)\/([imsu]*)$/s;

/** @returns {any} the value at a dotted path, through lists by their index; undefined where there is none */
function at(value, path) {
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = value[step];
  }
  return value;
}

const written = value => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/**
 * @param {string} typed
 * @returns {((chunks: import('./chunks.js').Chunks, index: number) => boolean) | null} null where everything fits
 * @throws {SyntaxError} a regular expression that is none
 */
export function filterOf(typed) {
  const wanted = typed.trim();
  if (!wanted) {
    return null;
  }
  const expression = EXPRESSION.exec(wanted);
  if (expression) {
    const pattern = new RegExp(expression[1], expression[2]);
    return (chunks, index) => pattern.test(everything(chunks, index));
  }
  const field = FIELD.exec(wanted);
  if (field) {
    return byField(field[1].split('.'), field[2], field[3]);
  }
  const lower = wanted.toLowerCase();
  return (chunks, index) => everything(chunks, index).toLowerCase().includes(lower);
}

function byField(path, sign, wanted) {
  const lower = wanted.toLowerCase();
  return (chunks, index) => {
    const found = at(chunks.value(index), path);
    if (sign === '~') {
      return found !== undefined && written(found).toLowerCase().includes(lower);
    }
    const same = found !== undefined && (wanted === '*' || written(found) === wanted);
    return same === (sign === '=');
  };
}

/** What a search looks through: the text as it reads, then the JSON. */
function everything(chunks, index) {
  return `${chunks.kind(index)}\n${chunks.thought(index)}${chunks.text(index)}\n${chunks.json(index) ?? ''}`;
}
