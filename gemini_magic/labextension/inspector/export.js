/**
 * The stream in other formats: JSON, server-sent events, a recording, CSV, and a curl command; and the ways to copy and
 * save them. Chunks whose JSON is not in the record are left out.
 */

import { COUNTS, columnName } from './record.js';

/** @typedef {import('./record.js').AnswerRecord} AnswerRecord */

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * The header with the API key, and the hosts that the key belongs to, by backend. The value is a shell variable.
 *
 * `gemini_magic/backends/` has the same (a test compares the two).
 *
 * @type {Record<string, { header: string; hosts: string[] }>}
 */
export const KEYS = {
  gemini: { header: 'x-goog-api-key: $GEMINI_API_KEY', hosts: ['googleapis.com'] },
  interactions: { header: 'x-goog-api-key: $GEMINI_API_KEY', hosts: ['googleapis.com'] },
  vertex: { header: 'x-goog-api-key: $GOOGLE_API_KEY', hosts: ['googleapis.com'] },
  'vertex-interactions': { header: 'x-goog-api-key: $GOOGLE_API_KEY', hosts: ['googleapis.com'] },
  decisions: { header: 'x-goog-api-key: $GEMINI_API_KEY', hosts: ['googleapis.com'] },
  adaptive: { header: 'x-goog-api-key: $ADAPTIVE_API_KEY', hosts: ['llmadaptive.uk'] },
  gateway: { header: 'x-api-key: $GATEWAY_API_KEY', hosts: [] } // only this machine
};

const HTTP_URL = /^https?:\/\/[^\s/?#@\\]+(?:[/?#].*)?$/is;

/** A URL with a plain host name. The groups are the scheme and the host. */
const PLAIN_HOST = /^(https?):\/\/([a-z0-9.-]+|\[::1\])(?::[0-9]*)?(?:[/?#].*)?$/is;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Matches the places before which an apostrophe makes a text harmless in a spreadsheet: before a character that begins a
 * formula, also a full-width one, at the beginning of the text and after a character at which a spreadsheet may split it. Where
 * the list separator is a semicolon, a spreadsheet splits at semicolons and line ends even inside quotation marks.
 */
const FORMULA = /^(?=[\t\r\n])|(?<=(?:^|[;\t\r\n])"*)(?=[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])/g;

/** Headers that curl sets itself. */
const CURL_HEADERS = /^(?:host|content-length|user-agent|connection|accept-encoding)$/i;

/** Characters of a body on the command line. Operating systems limit an argument to 128 kB. */
const MAX_ARGUMENT_LENGTH = 30_000;

/** Characters that are copied. The clipboard takes seconds for more, and the page waits for it. */
export const MAX_COPY_LENGTH = 32_000_000;

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
 * @returns {string} a CSV field; a formula in it has an apostrophe before it
 */
function toField(value) {
  const text = value == null ? '' : String(value);
  const safe = typeof value === 'string' ? text.replace(FORMULA, "'") : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
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

/** Matches characters that a terminal obeys or does not show. `recording/curl.py` has the same set. */
const UNPRINTABLE =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\u{e0000}-\u{e0fff}]/gu;

/**
 * @param {string} text
 * @returns {string} the text on one line, without characters that a terminal obeys or does not show
 */
const toPrintable = text => text.replace(UNPRINTABLE, '').replaceAll('\n', '');

/**
 * @param {string} text
 * @returns {string} JSON escapes of the UTF-16 code units
 */
const jsonEscape = text =>
  Array.from({ length: text.length }, (_, at) => {
    const code = text.charCodeAt(at).toString(16);
    return `\\u${code.padStart(4, '0')}`;
  }).join('');

/**
 * @param {string} text
 * @returns {string} one word of a POSIX shell command, in single quotes
 */
const shellQuote = text => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * @param {string} backend
 * @param {string} url
 * @returns {string | null} the header with the key; null if the key of the backend does not belong to the host of the URL
 */
function keyHeader(backend, url) {
  const match = PLAIN_HOST.exec(url);
  if (!match || !Object.hasOwn(KEYS, backend)) {
    return null;
  }
  const { header, hosts } = KEYS[backend];
  const host = match[2].toLowerCase().replace(/\.+$/, '');
  const isOwn = hosts.length
    ? match[1].toLowerCase() === 'https' && hosts.some(own => host === own || host.endsWith(`.${own}`))
    : LOOPBACK.includes(host);
  return isOwn ? header : null;
}

/**
 * Creates the curl command of the request, with the API key as a shell variable if the key belongs to the host.
 *
 * The record may come from anyone: every value is quoted for the shell, and none can be an option of curl.
 * `gemini_magic/recording/curl.py` creates the same command and explains it (a test compares the two).
 *
 * @param {AnswerRecord} record
 * @returns {{ command: string; hasKey: boolean } | null} null if the record does not contain a request to an http or
 *   https URL
 */
export function toCurl(record) {
  const url = toPrintable(record.request?.url ?? '').trim();
  if (!HTTP_URL.test(url)) {
    return null;
  }
  const { method, headers, body } = record.request;
  const key = keyHeader(record.backend, url);
  const sent = headers.filter(([name, value]) => !value.startsWith('<redacted>') && !CURL_HEADERS.test(name));
  const parts = [
    `curl -sS -N -g -X ${method} --url ${shellQuote(url)}`,
    ...sent.map(([name, value]) => `-H ${shellQuote(toPrintable(`${name}: ${value}`))}`),
    ...(key === null ? [] : [`-H "${key}"`])
  ];
  const data = body.replace(/\r\n?/g, '\n').replaceAll('\t', '  ').replace(UNPRINTABLE, jsonEscape);
  const hasKey = key !== null;
  if (data.length <= MAX_ARGUMENT_LENGTH) {
    const command = [...parts, ...(data ? [`--data-raw ${shellQuote(data)}`] : [])].join(' \\\n  ');
    return { command, hasKey };
  }
  let delimiter = 'JSON';
  while (`\n${data}\n`.includes(`\n${delimiter}\n`)) {
    delimiter += '_';
  }
  const command = `${[...parts, `--data-binary @- <<'${delimiter}'`].join(' \\\n  ')}\n${data}\n${delimiter}`;
  return { command, hasKey };
}

/**
 * Copies a text to the clipboard. Where the clipboard API is not available, it copies the selection of a hidden text area,
 * and puts the text into the event of this copy.
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
    area.value = 'text'; // a selection is required; the layout of a long text would stop the page for seconds
    area.addEventListener('copy', event => {
      event.preventDefault();
      event.stopPropagation();
      event.clipboardData.setData('text/plain', text);
    });
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
