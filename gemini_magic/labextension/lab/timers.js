/**
 * When the keeper of a notebook acts: named timers, and the delay of writes into a shared document.
 */

/** Milliseconds before a page writes into a shared document: one page first, then the others if it did not. */
const LEADER_DELAY = 1500;
const FOLLOWER_DELAY = 10_000;

/**
 * If two pages wrote the same output, the shared document would contain it twice.
 *
 * @param {any} model the model of a document that several pages share
 * @returns {number} milliseconds after which this page writes what is still missing
 */
export function writeDelay({ sharedModel: { awareness } }) {
  const clients = awareness ? Array.from(awareness.getStates().keys()) : [];
  return !awareness || awareness.clientID <= Math.min(...clients) ? LEADER_DELAY : FOLLOWER_DELAY;
}

/** Timers with names, of which each runs once. */
export class Timers {
  constructor() {
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */
    this._timers = new Map();
    this._isDisposed = false;
  }

  /**
   * Runs a function later. A timer with the same name that has not run yet is replaced.
   *
   * @param {string} name
   * @param {number} delay in milliseconds
   * @param {() => void} run
   * @returns {void}
   */
  later(name, delay, run) {
    this.cancel(name);
    if (this._isDisposed) {
      return;
    }
    const timer = setTimeout(() => {
      this._timers.delete(name);
      run();
    }, delay);
    this._timers.set(name, timer);
  }

  /**
   * @param {string} name
   * @returns {boolean} whether the timer has not run yet
   */
  has(name) {
    return this._timers.has(name);
  }

  /**
   * @param {string} name
   * @returns {void}
   */
  cancel(name) {
    clearTimeout(this._timers.get(name));
    this._timers.delete(name);
  }

  /** @returns {void} */
  dispose() {
    this._isDisposed = true;
    this._timers.forEach(timer => clearTimeout(timer));
    this._timers.clear();
  }
}
