/**
 * How numbers and odd characters are written.
 */

const HIDDEN =
  /(\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f})|([\x00-\x08\x0b-\x1f\x7f-\x9f])|([\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}])/gu;

/**
 * The text without control characters, and with characters that hide text or turn it round made visible: the same
 * as `reveal` in the kernel's `markdown/safe.py`.
 *
 * @param {string} text
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
 * A text on one line, with its line ends shown.
 *
 * @param {string} text
 * @param {number} most characters
 */
export function oneLine(text, most = 200) {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return reveal(cut.replace(/\r\n?|\n/g, '⏎').replace(/\t/g, '⇥'));
}

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** @param {number | null | undefined} value */
export const count = value => (value == null ? '' : counts.format(value));

/**
 * @param {number} value
 * @param {string} one
 * @param {string} more its plural
 */
export const counted = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

/** A duration for a table: three digits behind the point. @param {number | null | undefined} value in seconds */
export const seconds = value => (value == null ? '' : value.toFixed(3));

/** A duration in words, as the kernel's `views/figures.py` writes it. @param {number} value in seconds */
export function duration(value) {
  const thousandths = value * 1000;
  if (Math.round(thousandths) < 1000) {
    return `${thousandths < 0.95 ? Number(thousandths.toFixed(1)) : Math.round(thousandths)} ms`;
  }
  if (value < 59.95) {
    return `${value.toFixed(value < 9.995 ? 2 : 1)} s`;
  }
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
