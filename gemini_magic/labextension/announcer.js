/**
 * Tells readers who listen how an answer ended.
 *
 * It knows the classes of a status line, and nothing of widgets and outputs.
 */

/** A duration in the status line; the fact before it says how the answer ended. */
const DURATION = /^\d[\d.]* s$|^\d+ min \d\d s$/;

/**
 * How an answer ended, for the ear, from the words of its status line.
 *
 * @param {Element} answer
 * @returns {string}
 */
export function endingOf(answer) {
  const facts = Array.from(answer.querySelectorAll('.gm-status .gm-fact'), fact =>
    fact.textContent.replace(/^[\s·]+/, '')
  );
  const said = facts[facts.findIndex(fact => DURATION.test(fact)) - 1] || 'finished';
  const whole = /^(answer|rest|prompt) /.test(said) ? said : `answer ${said}`;
  return whole[0].toUpperCase() + whole.slice(1);
}

/** Tells readers who listen what happened, in one place that is always there: a new one would not be heard. */
export class Announcer {
  constructor() {
    this._node = document.createElement('div');
    this._node.className = 'gm-announcer';
    this._node.setAttribute('role', 'status');
    this._node.setAttribute('aria-live', 'polite');
    Object.assign(this._node.style, {
      position: 'fixed',
      width: '1px',
      height: '1px',
      overflow: 'hidden',
      clipPath: 'inset(50%)',
      whiteSpace: 'nowrap'
    });
    document.body.append(this._node);
  }

  /** @param {string} words */
  say(words) {
    // A new element is heard also when the words are those of the last time.
    const line = document.createElement('div');
    line.textContent = words;
    this._node.replaceChildren(line);
  }
}
