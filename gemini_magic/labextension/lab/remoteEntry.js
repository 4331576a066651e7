/**
 * The entry script that JupyterLab and Notebook 7 load.
 *
 * It does by hand what a bundler generates for module federation. JupyterLab loads it as a classic script, expects a
 * container in `window._JUPYTERLAB`, calls `init` once, and then calls `get` for each module named in `package.json`.
 * The plugins are plain ES modules in this folder and in the folders next to it.
 */
(() => {
  'use strict';

  /**
   * The modules named in `package.json` (`jupyterlab._build`), each with the files of its plugins.
   *
   * @type {Record<string, string[]>}
   */
  const PLUGIN_FILES = {
    './extension': ['lab/highlight.js', 'lab/keeper.js', 'live/companion.js', 'lab/next_cell.js', 'lab/plugin.js']
  };

  // The browser sets `currentScript` only while this script runs, and `get` is called later.
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const extensionUrl = new URL('..', script.src);

  /**
   * JupyterLab's shared libraries: for each package name the available versions.
   *
   * @type {Record<string, Record<string, { get(): Promise<() => object> }>>}
   */
  let sharedLibraries = {};

  /**
   * Loads a library that JupyterLab shares. JupyterLab provides one version of each.
   *
   * @param {string} packageName
   * @returns {Promise<object>} the exports of the library
   */
  const loadShared = async packageName => (await Object.values(sharedLibraries[packageName])[0].get())();

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['gemini-magic'] = {
    /**
     * @param {Record<string, Record<string, { get(): Promise<() => object> }>>} scope JupyterLab's shared libraries
     */
    init(scope) {
      sharedLibraries = scope;
    },

    /**
     * @param {string} name a key of `PLUGIN_FILES`
     * @returns {Promise<() => object>} a function that returns the exports of the module
     */
    async get(name) {
      if (!Object.hasOwn(PLUGIN_FILES, name)) {
        throw new Error(`gemini-magic has no module ${name}`);
      }
      const modules = await Promise.all(
        PLUGIN_FILES[name].map(file => import(new URL(file, extensionUrl).href))
      );
      // A plugin that needs a shared library is exported as a function that receives `loadShared`.
      const plugins = await Promise.all(
        modules.map(({ default: plugin }) => (typeof plugin === 'function' ? plugin(loadShared) : plugin))
      );
      // JupyterLab sets a property on the exports. It cannot do so on the namespace object of an ES module.
      return () => ({ __esModule: true, default: plugins });
    }
  };
})();
