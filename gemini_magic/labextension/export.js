/**
 * The stream in other forms: JSON, server-sent events, a recording, a table, the command that asks again.
 *
 * Texts only; who copies or saves them is the inspector's. What the record does not hold is left out.
 */

import { COUNTS, columnOf } from './record.js';

/** Where the key goes with each backend; the variable is the reader's. */
const KEYS = {
  gemini: 'x-goog-api-key: $GEMINI_API_KEY',
  vertex: 'x-goog-api-key: $GOOGLE_API_KEY',
  adaptive: 'x-goog-api-key: $ADAPTIVE_API_KEY',
  gateway: 'x-api-key: $GATEWAY_API_KEY'
};

/** Which a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** @returns {string[]} the JSON texts of the chunks, as far as they are kept */
function texts(chunks) {
  return Array.from({ length: chunks.length }, (_, index) => chunks.json(index)).filter(json => json !== null);
}

/** All chunks as one JSON list, each as it was received. */
export const toJson = chunks => `[\n${texts(chunks).join(',\n')}\n]\n`;

const event = json => `data: ${json.replace(/\r\n?|\n/g, '\ndata: ')}\r\n\r\n`;

/** The chunks as the server-sent events they were, or would have been. */
export const toSse = chunks => texts(chunks).map(event).join('');

/** A recording, version 1: `Response.load` and `--replay` read it. */
export function toRecording(record, chunks) {
  const { method = 'POST', url = '', headers = [], body = '' } = record.request ?? {};
  const backend = record.backend && record.backend !== 'gemini' ? { backend: record.backend } : {};
  const lines = [
    { v: 1, exchange: 0, ...backend, request: { method, url, headers: Object.fromEntries(headers), body } },
    { exchange: 0, status: 200, headers: { 'content-type': 'text/event-stream' } }
  ];
  for (let index = 0; index < chunks.length; index++) {
    const json = chunks.json(index);
    if (json !== null) {
      lines.push({ exchange: 0, t: chunks.t[index], text: event(json) });
    }
  }
  lines.push({ exchange: 0, end: 'eof' });
  return lines.map(line => `${JSON.stringify(line)}\n`).join('');
}

function cell(value) {
  const said = value == null ? '' : String(value);
  const safe = typeof value === 'string' && FORMULA.test(said) ? `'${said}` : said;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The chunks as comma-separated values, by the names of `r.chunks`; what a spreadsheet would calculate gets an apostrophe before it. */
export function toCsv(chunks) {
  const rows = [
    ['index', 'round', 'attempt', 't', 'gap', 'size', 'kind', 'text', 'thought', 'chars', 'finish_reason', ...COUNTS.map(columnOf)]
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
  return rows.map(row => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What curl writes itself. */
const OURS = /^(?:host|content-length|user-agent|connection|accept-encoding)$/i;
const ARGUMENT = 30_000; // characters of a body on the command line; systems take 128 kB in one argument

/** A text that does not move the cursor of the terminal it is pasted into. */
const plain = said => said.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

/** A text as one word of a shell; nothing in it acts. */
const quoted = said => `'${plain(said).replaceAll("'", "'\\''")}'`;

/**
 * The command that asks the same again, with the key as a variable; null where no request is known. The kernel's `curl.py`
 * writes the same (a test compares the two).
 */
export function toCurl(record) {
  if (!record.request?.url) {
    return null;
  }
  const { method, url, headers, body } = record.request;
  const key = Object.hasOwn(KEYS, record.backend) ? KEYS[record.backend] : 'authorization: Bearer $API_KEY';
  const kept = headers.filter(([name, value]) => value !== '<redacted>' && !OURS.test(name));
  const words = [`curl -sS -N -X ${method} ${quoted(url)}`, ...kept.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`), `-H "${key}"`];
  const said = plain(body);
  if (said.length <= ARGUMENT) {
    return [...words, ...(said ? [`--data-raw ${quoted(said)}`] : [])].join(' \\\n  ');
  }
  let mark = 'JSON';
  while (`\n${said}\n`.includes(`\n${mark}\n`)) {
    mark += '_';
  }
  return `${[...words, `--data-binary @- <<'${mark}'`].join(' \\\n  ')}\n${said}\n${mark}`;
}

/** Puts a text into the clipboard, also where the page may not use the newer way. @returns {Promise<boolean>} */
export async function copy(said) {
  try {
    await navigator.clipboard.writeText(said);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = said;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    before?.focus?.();
    return done;
  }
}

/** Offers a text as a file. */
export function save(said, name, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([said], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
