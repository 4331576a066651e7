/**
 * What the user chose in JupyterLab's Settings editor; the defaults until that is known.
 *
 * It knows the names in `schemas/gemini-magic/plugin.json` and nothing of who reads them.
 */

/** Of the plugin whose settings these are. */
export const PLUGIN = 'gemini-magic:plugin';

const values = { inspector: 'folded', largestRecord: 16, highlight: true, follow: true };

/** @type {Set<() => void>} */
const watchers = new Set();

export const settings = {
  /**
   * @param {keyof typeof values} name
   * @returns {any} its value, of the default's type
   */
  get(name) {
    return values[name];
  },

  /**
   * @param {() => void} callback called after a change
   * @returns {() => void} ends that
   */
  onChange(callback) {
    watchers.add(callback);
    return () => watchers.delete(callback);
  },

  /**
   * Takes values over; what is missing or of another type is left as it was.
   *
   * @param {Record<string, unknown>} composite
   */
  take(composite) {
    for (const name of Object.keys(values)) {
      if (typeof composite[name] === typeof values[name]) {
        values[name] = composite[name];
      }
    }
    watchers.forEach(callback => callback());
  }
};
