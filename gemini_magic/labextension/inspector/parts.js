/**
 * Describes the parts of a chunk that are not text: media, code, results, function calls and parts of unknown kinds; and
 * the sources that it names.
 *
 * The JSON comes from the record of an answer, so nothing in it is trusted, and long values in it are truncated.
 */

import { getOwn, readArray, readText } from './record.js';

/** What the kernel puts in the place of the end of a long value (`views/record_chunks.py`). */
const LEFT_OUT = /… ([\d,]{1,20}) characters left out$/;

const FLAGS = new Set(['thought', 'thoughtSignature']);
const MAX_LENGTH = 300;
const MAX_TITLES = 3; // of sources

/**
 * @param {unknown} data base64, perhaps truncated
 * @returns {string} the size of the data, such as "781.5 kB"
 */
function sizeOf(data) {
  const text = readText(data, Infinity);
  const leftOut = LEFT_OUT.exec(text);
  const length = leftOut ? leftOut.index + Number(leftOut[1].replaceAll(',', '')) : text.length;
  const bytes = Math.floor((length * 3) / 4);
  return bytes < 1000 ? `${bytes} B` : bytes < 999_950 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * @param {unknown} value
 * @returns {string} JSON text, truncated
 */
const jsonOf = value => (JSON.stringify(value) ?? '').slice(0, MAX_LENGTH);

/**
 * @param {unknown} part
 * @returns {string} a description; empty for text
 */
function describePart(part) {
  const [name] = Object.keys(Object(part)).filter(each => !FLAGS.has(each));
  const value = getOwn(part, name);
  const nameOf = () => readText(getOwn(value, 'name'), MAX_LENGTH);
  switch (name) {
    case undefined:
    case 'text':
      return '';
    case 'inlineData':
      return `${readText(getOwn(value, 'mimeType'), MAX_LENGTH)}, ${sizeOf(getOwn(value, 'data'))}`;
    case 'fileData':
      return `file ${readText(getOwn(value, 'fileUri'), MAX_LENGTH)}`;
    case 'executableCode':
      return readText(getOwn(value, 'code'), MAX_LENGTH);
    case 'codeExecutionResult':
      return `${readText(getOwn(value, 'outcome'), MAX_LENGTH)} ${readText(getOwn(value, 'output'), MAX_LENGTH)}`;
    case 'functionCall':
      return `${nameOf()}(${jsonOf(getOwn(value, 'args') ?? getOwn(value, 'partialArgs') ?? {})})`;
    default:
      return `${name} ${jsonOf(value)}`;
  }
}

/**
 * Describes what an event of the Interactions API adds to a step.
 *
 * @param {unknown} chunk
 * @returns {string[]} empty for text, and for a chunk of another API
 */
function describeStep(chunk) {
  const step = getOwn(chunk, 'step');
  const delta = getOwn(chunk, 'delta');
  const type = readText(getOwn(step ?? delta, 'type'), MAX_LENGTH);
  if (!type) {
    return [];
  }
  if (step) {
    const name = readText(getOwn(step, 'name'), MAX_LENGTH);
    return [[`begins ${type}`, name].filter(Boolean).join(' ')];
  }
  const { type: _, text, content, ...fields } = Object(delta);
  const data = readText(getOwn(fields, 'data'), Infinity);
  if (data) {
    return [`${readText(getOwn(fields, 'mime_type'), MAX_LENGTH) || type}, ${sizeOf(data)}`];
  }
  return Object.keys(fields).length ? [`${type} ${jsonOf(fields)}`] : [];
}

/**
 * @param {unknown} candidate
 * @returns {string} how many sources a candidate names, and the titles of the first ones; empty without any
 */
function describeSources(candidate) {
  const sources = readArray(getOwn(getOwn(candidate, 'groundingMetadata'), 'groundingChunks'));
  const titles = sources.slice(0, MAX_TITLES).map(source => {
    const [kind] = Object.keys(Object(source));
    const value = getOwn(source, kind);
    return readText(getOwn(value, 'title'), MAX_LENGTH) || readText(getOwn(value, 'uri'), MAX_LENGTH) || kind;
  });
  const rest = sources.length > titles.length ? ', …' : '';
  return sources.length ? `${sources.length} source${sources.length === 1 ? '' : 's'}: ${titles.join(', ')}${rest}` : '';
}

/**
 * @param {unknown} chunk the parsed JSON of a chunk
 * @returns {string} a description of its parts that are not text, and of its sources; empty if it has none
 */
export function describeParts(chunk) {
  const candidates = readArray(getOwn(chunk, 'candidates'));
  const parts = candidates.flatMap(candidate => readArray(getOwn(getOwn(candidate, 'content'), 'parts'))).map(describePart);
  return [...describeStep(chunk), ...parts, ...candidates.map(describeSources)].filter(Boolean).join(' · ');
}
