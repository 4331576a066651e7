/**
 * The stream in other formats: JSON, server-sent events, a recording, CSV, and a curl command; and the ways to copy and
 * save them. Chunks whose JSON is not in the record are left out.
 */

import { COUNTS, columnName } from './record.js';

/** @typedef {import('./record.js').AnswerRecord} AnswerRecord */

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * The header with the API key, by backend. The value is a shell variable.
 *
 * @type {Record<string, string>}
 */
const KEY_HEADERS = {
  gemini: 'x-goog-api-key: $GEMINI_API_KEY',
  vertex: 'x-goog-api-key: $GOOGLE_API_KEY',
  adaptive: 'x-goog-api-key: $ADAPTIVE_API_KEY',
  gateway: 'x-api-key: $GATEWAY_API_KEY'
};

/** Matches text that a spreadsheet would evaluate as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** Headers that curl sets itself. */
const CURL_HEADERS = /^(?:host|content-length|user-agent|connection|accept-encoding)$/i;

/** Characters of a body on the command line. Operating systems limit an argument to 128 kB. */
const MAX_ARGUMENT_LENGTH = 30_000;

const DOWNLOAD_TIMEOUT = 10_000; // milliseconds until the URL of a download is revoked

/**
 * @param {Chunks} chunks
 * @returns {string[]} the JSON texts that the record contains
 */
const jsonTexts = chunks =>
  Array.from({ length: chunks.length }, (_, index) => chunks.json(index)).filter(json => json !== null);

/**
 * @param {Chunks} chunks
 * @returns {string} a JSON array of the chunks, each as it was received
 */
export const toJson = chunks => `[\n${jsonTexts(chunks).join(',\n')}\n]\n`;

/**
 * @param {string} json
 * @returns {string} a server-sent event
 */
const toEvent = json => `data: ${json.replace(/\r\n?|\n/g, '\ndata: ')}\r\n\r\n`;

/**
 * @param {Chunks} chunks
 * @returns {string} the chunks as server-sent events, whatever the original framing was
 */
export const toSse = chunks => jsonTexts(chunks).map(toEvent).join('');

/**
 * @param {AnswerRecord} record
 * @param {Chunks} chunks
 * @returns {string} a recording, version 1, for `Response.load` and `--replay`
 */
export function toRecording(record, chunks) {
  const { method = 'POST', url = '', headers = [], body = '' } = record.request ?? {};
  const backend = record.backend && record.backend !== 'gemini' ? { backend: record.backend } : {};
  const request = { method, url, headers: Object.fromEntries(headers), body };
  /** @type {object[]} */
  const lines = [
    { v: 1, exchange: 0, ...backend, request },
    { exchange: 0, status: 200, headers: { 'content-type': 'text/event-stream' } }
  ];
  for (let index = 0; index < chunks.length; index++) {
    const json = chunks.json(index);
    if (json !== null) {
      lines.push({ exchange: 0, t: chunks.t[index], text: toEvent(json) });
    }
  }
  lines.push({ exchange: 0, end: 'eof' });
  return lines.map(line => `${JSON.stringify(line)}\n`).join('');
}

/**
 * @param {string | number | null} value
 * @returns {string} a CSV field; text that a spreadsheet would evaluate starts with an apostrophe
 */
function toField(value) {
  const text = value == null ? '' : String(value);
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * @param {Chunks} chunks
 * @returns {string} CSV with one row per chunk and the columns of `r.chunks`
 */
export function toCsv(chunks) {
  /** @type {Array<Array<string | number | null>>} */
  const rows = [
    [
      ...[
        'index',
        'round',
        'attempt',
        't',
        'gap',
        'size',
        'kind',
        'text',
        'thought',
        'chars',
        'finish_reason'
      ],
      ...COUNTS.map(columnName)
    ]
  ];
  let chars = 0;
  for (let index = 0; index < chunks.length; index++) {
    chars += Array.from(chunks.text(index)).length;
    rows.push([
      index,
      chunks.round(index),
      chunks.attempt(index),
      chunks.t[index],
      index ? Number(chunks.gap(index).toFixed(6)) : null,
      chunks.size[index],
      chunks.kind(index),
      chunks.text(index),
      chunks.thought(index),
      chars,
      chunks.finish(index),
      ...COUNTS.map(name => chunks.tokens(index, name))
    ]);
  }
  return rows.map(row => `${row.map(toField).join(',')}\r\n`).join('');
}

/**
 * @param {string} text
 * @returns {string} the text without control characters, which could move the cursor of a terminal
 */
const withoutControls = text => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

/**
 * @param {string} text
 * @returns {string} one word of a shell command, in single quotes
 */
const shellQuote = text => `'${withoutControls(text).replaceAll("'", "'\\''")}'`;

/**
 * Creates the curl command of the request, with the API key as a shell variable. `gemini_magic/ledger/exchange.py`
 * creates the same command (a test compares the two).
 *
 * @param {AnswerRecord} record
 * @returns {string | null} null if the record does not contain a request
 */
export function toCurl(record) {
  if (!record.request?.url) {
    return null;
  }
  const { method, url, headers, body } = record.request;
  const key = Object.hasOwn(KEY_HEADERS, record.backend)
    ? KEY_HEADERS[record.backend]
    : 'authorization: Bearer $API_KEY';
  const sent = headers.filter(([name, value]) => value !== '<redacted>' && !CURL_HEADERS.test(name));
  const parts = [
    `curl -sS -N -X ${method} ${shellQuote(url)}`,
    ...sent.map(([name, value]) => `-H ${shellQuote(`${name}: ${value}`)}`),
    `-H "${key}"`
  ];
  const data = withoutControls(body);
  if (data.length <= MAX_ARGUMENT_LENGTH) {
    return [...parts, ...(data ? [`--data-raw ${shellQuote(data)}`] : [])].join(' \\\n  ');
  }
  let delimiter = 'JSON';
  while (`\n${data}\n`.includes(`\n${delimiter}\n`)) {
    delimiter += '_';
  }
  return `${[...parts, `--data-binary @- <<'${delimiter}'`].join(' \\\n  ')}\n${data}\n${delimiter}`;
}

/**
 * Copies a text to the clipboard. Where the clipboard API is not available, it selects the text in a hidden text area
 * and copies the selection.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether the browser copied it
 */
export async function copyToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    focused?.focus?.();
    return isCopied;
  }
}

/**
 * Offers a text as a download.
 *
 * @param {string} text
 * @param {string} fileName
 * @param {string} type the MIME type
 * @returns {void}
 */
export function download(text, fileName, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIMEOUT);
}
