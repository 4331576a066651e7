/**
 * The record of an answer: its type, and a reader that checks every value.
 *
 * `docs/record.md` describes the format. A record can come from an untrusted notebook, so no value is used before it is
 * checked. The column `chunks` is read by `chunks.js` when it is needed.
 */

/**
 * A record after `readRecord` has checked it. Texts that were missing or invalid are empty, numbers are null.
 *
 * @typedef {object} AnswerRecord
 * @property {string} model the requested model
 * @property {string} model_version the model that answered
 * @property {string} response_id
 * @property {string} backend
 * @property {string} source
 * @property {string} started when the answer was requested, in ISO 8601
 * @property {string} status
 * @property {string} text the answer
 * @property {string} thoughts
 * @property {string} chunks the columns of the chunks as JSON text; see `Chunks`
 * @property {number} count the number of chunks that were received
 * @property {number} delay seconds between `started` and the time when the request was sent
 * @property {Record<TimingName, number | null>} timing seconds since the request was sent
 * @property {Record<CountName, number | null>} usage the final token counts
 * @property {RequestRecord | null} request the last request for an answer
 * @property {ResponseRecord | null} response the head of the response to it
 * @property {AttemptRecord[]} attempts the HTTP exchanges
 * @property {NoteRecord[]} notes
 * @property {SourceRecord[]} sources the numbered sources
 * @property {RoundRecord[]} rounds the rounds of an answer with tool runs
 * @property {ToolRecord[]} tools the tool runs
 * @property {StepRecord[]} steps the steps of an answer of the Interactions API
 * @property {string[]} queries what was searched for
 * @property {string} suggestions HTML with search suggestions; to be shown only by `suggestions.js`
 * @property {string[]} truncated what was left out of the record to limit its size, such as "10 of 40 chunks"
 * @property {number} size the approximate number of characters in the record
 */

/** @typedef {'connect' | 'first_byte' | 'first_thought' | 'first_text' | 'total'} TimingName */

/** @typedef {'prompt' | 'cached' | 'output' | 'thoughts' | 'tool' | 'total'} CountName */

/**
 * @typedef {object} RequestRecord
 * @property {string} method
 * @property {string} url
 * @property {Array<[string, string]>} headers
 * @property {string} body
 */

/**
 * @typedef {object} ResponseRecord
 * @property {string} version the HTTP version, such as HTTP/1.1
 * @property {string} reason the text beside the status code
 * @property {number | null} status the HTTP status code
 * @property {Array<[string, string]>} headers
 */

/**
 * @typedef {object} AttemptRecord
 * @property {string} url
 * @property {string} end how the exchange ended
 * @property {string} problem the error, or an empty string
 * @property {number | null} round
 * @property {number | null} attempt
 * @property {number | null} status the HTTP status code
 * @property {number | null} waited seconds waited before the attempt
 */

/**
 * @typedef {object} NoteRecord
 * @property {string} kind
 * @property {string} message
 * @property {'info' | 'warning' | 'error'} severity
 * @property {number | null} chunk the index of the chunk that the note is about
 * @property {number | null} offset the position in the response in bytes
 */

/**
 * @typedef {object} SourceRecord
 * @property {string} kind
 * @property {string} title
 * @property {string} uri
 * @property {string} domain
 * @property {string} license
 * @property {number} passages the number of passages of the answer that it supports
 */

/**
 * @typedef {object} RoundRecord
 * @property {number | null} started seconds since the first request was sent
 * @property {number | null} ended
 * @property {number | null} chunks how many
 * @property {number | null} calls how many
 * @property {string} finish the finish reason
 * @property {Record<CountName, number | null>} usage the token counts of the round
 */

/**
 * @typedef {object} ToolRecord
 * @property {string} state
 * @property {string} line the text of the folded line
 * @property {string} args the arguments as JSON text
 * @property {string} result
 * @property {string} message why there is no result
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} approved who approved the run; empty if the user was not asked
 * @property {number | null} round
 * @property {number | null} started seconds since the first request was sent
 * @property {number | null} seconds
 * @property {string[]} shortened the properties of which only the beginning is here
 */

/**
 * @typedef {object} StepRecord
 * @property {string} type such as `google_search_call`
 * @property {string} id of a call, or of the call that a result belongs to
 * @property {string} name what it calls
 * @property {number | null} started seconds since the first request was sent
 * @property {number | null} ended null for a step that has not ended
 * @property {number | null} chunk the index of the chunk with which it began
 * @property {number | null} tokens
 */

/** The MIME type of records. */
export const MIME_TYPE = 'application/vnd.gemini-stream+json';

/** The only supported version. */
export const VERSION = 1;

const MAX_TEXT_LENGTH = 4000;
const MAX_TOOL_TEXT_LENGTH = 20_000;
const MAX_ENTRIES = 1000;
const MAX_NUMBER = 1e15;

/** @type {CountName[]} */
export const COUNTS = ['prompt', 'cached', 'output', 'thoughts', 'tool', 'total'];

/** @type {TimingName[]} */
const TIMINGS = ['connect', 'first_byte', 'first_thought', 'first_text', 'total'];

const SEVERITIES = ['info', 'warning', 'error'];

/**
 * @param {CountName} name
 * @returns {string} the name of the count's column in `r.chunks`
 */
export const columnName = name => `${name === 'thoughts' ? 'thought' : name}_tokens`;

/** A record that cannot be displayed. The message explains why. */
export class RecordError extends Error {}

/**
 * @param {any} value
 * @param {string | number} name
 * @returns {any} the value of an object's own property, or undefined
 */
export const getOwn = (value, name) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;

/**
 * @param {unknown} value
 * @param {number} maxLength
 * @returns {string} the string, truncated; an empty string for any other type
 */
export const readText = (value, maxLength = MAX_TEXT_LENGTH) =>
  typeof value === 'string' ? value.slice(0, maxLength) : '';

/**
 * @param {unknown} value
 * @returns {number | null} the number if it is in the valid range, else null
 */
const readNumber = value => (typeof value === 'number' && value >= 0 && value <= MAX_NUMBER ? value : null);

/**
 * @param {unknown} value
 * @param {number} maxLength
 * @returns {any[]} the array, truncated; an empty array for any other type
 */
export const readArray = (value, maxLength = MAX_ENTRIES) =>
  Array.isArray(value) ? value.slice(0, maxLength) : [];

/**
 * @param {unknown} value
 * @returns {Array<[string, unknown]>} an object's own entries; an empty array for any other type
 */
const readEntries = value =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).slice(0, MAX_ENTRIES)
    : [];

/**
 * Reads several properties of an object in the same way.
 *
 * @template {string} Name
 * @template Value
 * @param {unknown} value
 * @param {Name[]} names
 * @param {(value: unknown) => Value} read
 * @returns {Record<Name, Value>}
 */
const readProperties = (value, names, read) =>
  /** @type {Record<Name, Value>} */ (
    Object.fromEntries(names.map(name => [name, read(getOwn(value, name))]))
  );

/**
 * @param {unknown} value
 * @returns {string}
 */
const readShortText = value => readText(value);

/**
 * @param {unknown} value
 * @returns {Array<[string, string]>} the headers with valid names
 */
const readHeaders = value =>
  readEntries(value)
    .filter(([name]) => /^[A-Za-z0-9_-]{1,100}$/.test(name))
    .map(([name, content]) => [name, readText(content)]);

/**
 * @param {any} value
 * @returns {ResponseRecord | null}
 */
function readResponse(value) {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  return {
    ...readProperties(value, ['version', 'reason'], readShortText),
    status: readNumber(getOwn(value, 'status')),
    headers: readHeaders(getOwn(value, 'headers'))
  };
}

/**
 * @param {any} value
 * @returns {RequestRecord | null}
 */
function readRequest(value) {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  const method = getOwn(value, 'method');
  return {
    method: typeof method === 'string' && /^[A-Z]{1,20}$/.test(method) ? method : 'POST',
    url: readText(getOwn(value, 'url')),
    headers: readHeaders(getOwn(value, 'headers')),
    body: readText(getOwn(value, 'body'), MAX_NUMBER)
  };
}

/**
 * @param {any} value
 * @returns {NoteRecord}
 */
function readNote(value) {
  const severity = getOwn(value, 'severity');
  return {
    kind: readText(getOwn(value, 'kind')),
    message: readText(getOwn(value, 'message')),
    severity: SEVERITIES.includes(severity) ? severity : 'info',
    chunk: readNumber(getOwn(value, 'chunk')),
    offset: readNumber(getOwn(value, 'offset'))
  };
}

/**
 * @param {unknown} value
 * @returns {AttemptRecord}
 */
const readAttempt = value => ({
  ...readProperties(value, ['url', 'end', 'problem'], readShortText),
  ...readProperties(value, ['round', 'attempt', 'status', 'waited'], readNumber)
});

/**
 * @param {unknown} value
 * @returns {SourceRecord}
 */
const readSource = value => ({
  ...readProperties(value, ['kind', 'title', 'uri', 'domain', 'license'], readShortText),
  passages: readNumber(getOwn(value, 'passages')) ?? 0
});

/**
 * @param {unknown} value
 * @returns {RoundRecord}
 */
const readRound = value => ({
  ...readProperties(value, ['started', 'ended', 'chunks', 'calls'], readNumber),
  finish: readText(getOwn(value, 'finish')),
  usage: readProperties(getOwn(value, 'usage'), COUNTS, readNumber)
});

/**
 * @param {unknown} value
 * @returns {ToolRecord}
 */
const readTool = value => ({
  ...readProperties(value, ['state', 'line', 'message', 'approved'], readShortText),
  ...readProperties(value, ['args', 'result', 'stdout', 'stderr'], each => readText(each, MAX_TOOL_TEXT_LENGTH)),
  ...readProperties(value, ['round', 'started', 'seconds'], readNumber),
  shortened: readArray(getOwn(value, 'shortened')).map(readShortText)
});

/**
 * @param {unknown} value
 * @returns {StepRecord}
 */
const readStep = value => ({
  ...readProperties(value, ['type', 'id', 'name'], readShortText),
  ...readProperties(value, ['started', 'ended', 'chunk', 'tokens'], readNumber)
});

/**
 * Checks a record.
 *
 * @param {unknown} data the value from the notebook
 * @returns {AnswerRecord}
 * @throws {RecordError} if the value is not an object or has an unsupported version
 */
export function readRecord(data) {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new RecordError('The record of this answer is not valid.');
  }
  const version = getOwn(data, 'v');
  if (version !== VERSION) {
    const found = typeof version === 'number' ? `version ${version}` : 'an unknown version';
    throw new RecordError(
      `The record of this answer has ${found}. This inspector supports version ${VERSION}.`
    );
  }
  const chunks = readText(getOwn(data, 'chunks'), MAX_NUMBER);
  const text = readText(getOwn(data, 'text'), MAX_NUMBER);
  const thoughts = readText(getOwn(data, 'thoughts'), MAX_NUMBER);
  const request = readRequest(getOwn(data, 'request'));
  return {
    ...readProperties(
      data,
      ['model', 'model_version', 'response_id', 'backend', 'source', 'started', 'status'],
      readShortText
    ),
    text,
    thoughts,
    chunks,
    count: readNumber(getOwn(data, 'count')) ?? 0,
    delay: readNumber(getOwn(data, 'delay')) ?? 0,
    timing: readProperties(getOwn(data, 'timing'), TIMINGS, readNumber),
    usage: readProperties(getOwn(data, 'usage'), COUNTS, readNumber),
    request,
    response: readResponse(getOwn(data, 'response')),
    attempts: readArray(getOwn(data, 'attempts')).map(readAttempt),
    notes: readArray(getOwn(data, 'notes')).map(readNote),
    sources: readArray(getOwn(data, 'sources')).map(readSource),
    rounds: readArray(getOwn(data, 'rounds')).map(readRound),
    tools: readArray(getOwn(data, 'tools')).map(readTool),
    steps: readArray(getOwn(data, 'steps')).map(readStep),
    queries: readArray(getOwn(data, 'queries')).map(readShortText).filter(Boolean),
    suggestions: readText(getOwn(data, 'suggestions'), MAX_NUMBER),
    truncated: readEntries(getOwn(data, 'capped'))
      .map(([, part]) => readText(part))
      .filter(Boolean),
    size: chunks.length + text.length + thoughts.length + (request?.body.length ?? 0)
  };
}
