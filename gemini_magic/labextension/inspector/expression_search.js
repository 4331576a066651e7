/**
 * Regular expressions with a time limit.
 *
 * Some expressions, such as `(a+)+$`, need more time for a short text than a person lives, and a page cannot interrupt
 * a search. So a worker searches, and is stopped when the time is over. Where the page's security policy forbids workers, no
 * regular expression is searched for.
 */

const TIME_LIMIT = 2000; // milliseconds

const FORBIDDEN = 'This page does not allow workers, which searches for regular expressions need. Search for a text.';

/** A search that did not end. The message explains why. */
export class SearchError extends Error {}

/** One search at a time. */
export class ExpressionSearch {
  constructor() {
    /** @type {Worker | null} */
    this._worker = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /**
   * Stops the search. Its promise is never settled.
   *
   * @returns {void}
   */
  stop() {
    clearTimeout(this._timer);
    this._worker?.terminate();
    this._worker = null;
  }

  /**
   * Searches for an expression, and stops an earlier search.
   *
   * @param {RegExp} pattern
   * @param {string[][]} texts the texts of each chunk
   * @returns {Promise<boolean[]>} whether a text of each chunk matches
   * @throws {SearchError} if the search takes too long, or if workers are not allowed
   */
  run({ source, flags }, texts) {
    this.stop();
    return new Promise((resolve, reject) => {
      /** @param {string} message */
      const fail = message => {
        this.stop();
        reject(new SearchError(message));
      };
      try {
        this._worker = new Worker(new URL('./expression_worker.js', import.meta.url));
      } catch {
        fail(FORBIDDEN);
        return;
      }
      this._worker.addEventListener('error', () => fail(FORBIDDEN));
      this._worker.addEventListener('message', ({ data }) => {
        this.stop();
        resolve(data);
      });
      this._timer = setTimeout(
        () => fail(`The search was stopped after ${TIME_LIMIT / 1000} s. Avoid a repetition inside a repetition.`),
        TIME_LIMIT
      );
      this._worker.postMessage({ source, flags, texts });
    });
  }
}
