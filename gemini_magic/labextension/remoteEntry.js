/**
 * The door through which JupyterLab and Notebook 7 enter this folder.
 *
 * It is what a bundler would write for module federation, by hand: JupyterLab loads it as a classic script, expects a
 * container under `window._JUPYTERLAB`, calls `init` once and then `get` for each module that `package.json` names.
 * The modules themselves are plain ES modules beside this file.
 */
(() => {
  'use strict';

  /** Name in `package.json` (`jupyterlab._build`) to the file that holds the module. */
  const FILES = { './extension': 'highlight.js' };

  // Only known while the script runs; `get` is called later.
  const folder = new URL('.', document.currentScript.src);

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['gemini-magic'] = {
    /** JupyterLab offers the libraries it shares; no module here needs one so far. */
    init() {},

    /**
     * @param {string} name one of the keys of FILES
     * @returns {Promise<() => object>} makes the module's exports
     */
    async get(name) {
      if (!Object.hasOwn(FILES, name)) {
        throw new Error(`gemini-magic has no module ${name}`);
      }
      const module = await import(new URL(FILES[name], folder).href);
      // JupyterLab writes a property on what it gets, which an ES module's namespace does not allow.
      return () => ({ __esModule: true, default: module.default });
    }
  };
})();
