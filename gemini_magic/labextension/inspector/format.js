/**
 * Formats numbers and durations, and makes control characters and hidden characters visible.
 */

const HIDDEN =
  /(\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f})|([\x00-\x08\x0b-\x1f\x7f-\x9f])|([\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}])/gu;

/**
 * Removes control characters, and replaces characters that hide text or reverse its direction by their code points. It
 * returns the same as `reveal` in `gemini_magic/markdown/sanitize.py`.
 *
 * @param {string} text
 * @returns {string}
 */
export function reveal(text) {
  return text.replace(HIDDEN, (_, flag, control, hidden) => {
    if (flag) {
      return flag;
    }
    if (control) {
      return control === '\x0b' || control === '\x0c' ? ' ' : '';
    }
    return `⟨U+${hidden.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/**
 * Puts a text on one line, with symbols for line breaks and tabs.
 *
 * @param {string} text
 * @param {number} maxLength in characters
 * @returns {string}
 */
export function singleLine(text, maxLength = 200) {
  const truncated = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return reveal(truncated.replace(/\r\n?|\n/g, '⏎').replace(/\t/g, '⇥'));
}

const integerFormat = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/**
 * @param {number | null | undefined} value
 * @returns {string} the rounded number with separators, or an empty string
 */
export const formatNumber = value => (value == null ? '' : integerFormat.format(value));

/**
 * @param {number} value
 * @param {string} singular the noun
 * @param {string} plural
 * @returns {string} a number with a noun, such as "40 chunks"
 */
export const quantity = (value, singular, plural = `${singular}s`) =>
  `${formatNumber(value)} ${value === 1 ? singular : plural}`;

/**
 * @param {number | null | undefined} value in seconds
 * @returns {string} the number with three decimals, or an empty string
 */
export const formatSeconds = value => (value == null ? '' : value.toFixed(3));

/**
 * Formats a duration with a unit, as `gemini_magic/views/units.py` does.
 *
 * @param {number} value in seconds
 * @returns {string} such as "620 ms", "1.31 s" or "2 min 05 s"
 */
export function formatDuration(value) {
  const milliseconds = value * 1000;
  if (Math.round(milliseconds) < 1000) {
    return `${milliseconds < 0.95 ? Number(milliseconds.toFixed(1)) : Math.round(milliseconds)} ms`;
  }
  if (value < 59.95) {
    return `${value.toFixed(value < 9.995 ? 2 : 1)} s`;
  }
  const rounded = Math.round(value);
  return `${Math.floor(rounded / 60)} min ${String(rounded % 60).padStart(2, '0')} s`;
}
