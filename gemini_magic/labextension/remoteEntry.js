/**
 * The door through which JupyterLab and Notebook 7 enter this folder.
 *
 * It is what a bundler would write for module federation, by hand: JupyterLab loads it as a classic script, expects a
 * container under `window._JUPYTERLAB`, calls `init` once and then `get` for each module that `package.json` names.
 * The modules themselves are plain ES modules beside this file.
 */
(() => {
  'use strict';

  /** Name in `package.json` (`jupyterlab._build`) to the files that hold the plugins. */
  const FILES = { './extension': ['highlight.js', 'companion.js', 'next_cell.js', 'plugin.js'] };

  // Only known while the script runs; `get` is called later.
  const folder = new URL('.', document.currentScript.src);

  /** Library to its versions, each with a `get`; the first one is the one that runs. */
  let libraries = {};

  /**
   * @param {string} library a package that JupyterLab shares
   * @returns {Promise<object>} its exports
   */
  const shared = async library => (await Object.values(libraries[library])[0].get())();

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['gemini-magic'] = {
    /** @param {object} scope the libraries that JupyterLab shares */
    init(scope) {
      libraries = scope;
    },

    /**
     * @param {string} name one of the keys of FILES
     * @returns {Promise<() => object>} makes the module's exports
     */
    async get(name) {
      if (!Object.hasOwn(FILES, name)) {
        throw new Error(`gemini-magic has no module ${name}`);
      }
      const modules = await Promise.all(FILES[name].map(file => import(new URL(file, folder).href)));
      // A plugin that needs a shared library is made by a function; only then are they asked for.
      const plugins = await Promise.all(
        modules.map(({ default: made }) => (typeof made === 'function' ? made(shared) : made))
      );
      // JupyterLab writes a property on what it gets, which an ES module's namespace does not allow.
      return () => ({ __esModule: true, default: plugins });
    }
  };
})();
