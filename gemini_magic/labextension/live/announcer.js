/**
 * Messages for screen readers: how an answer ended.
 *
 * It reads the end of an answer from the elements of its status line.
 */

/** Matches a duration in the status line. The fact before the duration states how the answer ended. */
const DURATION = /^\d[\d.]* s$|^\d+ min \d\d s$|^\d+ h \d\d min$/;

/**
 * Composes the message from the status line of an answer.
 *
 * @param {Element} answer
 * @returns {string} how the answer ended, such as "Answer complete, 20 words"
 */
export function endMessage(answer) {
  const facts = Array.from(answer.querySelectorAll('.gm-status .gm-fact'), fact =>
    fact.textContent.replace(/^[\s·]+/, '')
  );
  const end = facts[facts.findIndex(fact => DURATION.test(fact)) - 1] || 'finished';
  const message = /^(answer|rest|prompt|comparison) | rows?\b/.test(end) ? end : `answer ${end}`;
  return message[0].toUpperCase() + message.slice(1);
}

/**
 * A live region of the page, visually hidden.
 *
 * It stays in the page, because screen readers do not announce the content of a live region that is added together with
 * its content.
 */
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

  /**
   * @param {string} message
   * @returns {void}
   */
  announce(message) {
    // A new element is announced even if the message is the same as the last one.
    const line = document.createElement('div');
    line.textContent = message;
    this._node.replaceChildren(line);
  }
}
