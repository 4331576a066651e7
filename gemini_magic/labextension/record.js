/**
 * Reads the record of an answer, which anybody may have written: every value is checked before it is used.
 *
 * It knows the format in `docs/record.md`; it makes no elements. The chunks are read by `chunks.js`, when they are needed.
 */

/** The MIME type of records. */
export const MIME = 'application/vnd.gemini-stream+json';

/** The only version there is so far. */
const VERSION = 1;

const WORDS = 4000;
const ENTRIES = 1000;
const LARGE = 1e15;
export const COUNTS = ['prompt', 'cached', 'output', 'thoughts', 'tool', 'total'];
/** What the columns of `r.chunks` call them. */
export const columnOf = name => `${name === 'thoughts' ? 'thought' : name}_tokens`;
const SEVERITIES = ['info', 'warning', 'error'];

/** A record that cannot be shown; the message says why, in a sentence. */
export class Unreadable extends Error {}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {unknown} the object's own property
 */
export const own = (value, name) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;

/** @returns {string} the text, or an empty one */
export const text = (value, most = WORDS) => (typeof value === 'string' ? value.slice(0, most) : '');

/** @returns {number | null} the number, if it is one within bounds */
export const number = (value, least = 0, most = LARGE) =>
  typeof value === 'number' && value >= least && value <= most ? value : null;

/** @returns {any[]} the list, or an empty one */
export const list = (value, most = ENTRIES) => (Array.isArray(value) ? value.slice(0, most) : []);

/** @returns {Array<[string, unknown]>} an object's own entries */
const entries = value =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).slice(0, ENTRIES) : [];

const named = (value, names, read) => Object.fromEntries(names.map(name => [name, read(own(value, name))]));

function readRequest(value) {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  return {
    method: /^[A-Z]{1,20}$/.test(own(value, 'method')) ? value.method : 'POST',
    url: text(own(value, 'url')),
    headers: entries(own(value, 'headers'))
      .filter(([name]) => /^[A-Za-z0-9-]{1,100}$/.test(name))
      .map(([name, said]) => [name, text(said)]),
    body: text(own(value, 'body'), LARGE)
  };
}

const readNote = value => ({
  kind: text(own(value, 'kind')),
  message: text(own(value, 'message')),
  severity: SEVERITIES.includes(own(value, 'severity')) ? value.severity : 'info',
  chunk: number(own(value, 'chunk')),
  offset: number(own(value, 'offset'))
});

const readAttempt = value => ({
  ...named(value, ['url', 'end', 'problem'], said => text(said)),
  ...named(value, ['round', 'attempt', 'status', 'waited'], said => number(said))
});

/**
 * @param {unknown} data what stands in the notebook
 * @returns {object} the record, checked; what was not as described is empty or null
 * @throws {Unreadable} it is no record, or one of another version
 */
export function readRecord(data) {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new Unreadable('The record of this answer is damaged.');
  }
  const version = own(data, 'v');
  if (version !== VERSION) {
    const said = typeof version === 'number' ? `version ${version}` : 'an unknown version';
    throw new Unreadable(`The record of this answer has ${said}; this inspector reads version ${VERSION}.`);
  }
  const chunks = text(own(data, 'chunks'), LARGE);
  const answer = text(own(data, 'text'), LARGE);
  const thoughts = text(own(data, 'thoughts'), LARGE);
  const request = readRequest(own(data, 'request'));
  const timing = own(data, 'timing');
  return {
    ...named(data, ['model', 'model_version', 'response_id', 'backend', 'source', 'started', 'status'], said => text(said)),
    text: answer,
    thoughts,
    chunks,
    count: number(own(data, 'count')) ?? 0,
    delay: number(own(data, 'delay')) ?? 0,
    timing: named(timing, ['connect', 'first_byte', 'first_thought', 'first_text', 'total'], said => number(said)),
    usage: named(own(data, 'usage'), COUNTS, said => number(said)),
    request,
    attempts: list(own(data, 'attempts')).map(readAttempt),
    notes: list(own(data, 'notes')).map(readNote),
    capped: entries(own(data, 'capped')).map(([, said]) => text(said)).filter(Boolean),
    /** Characters it takes, roughly. */
    size: chunks.length + answer.length + thoughts.length + (request?.body.length ?? 0)
  };
}
