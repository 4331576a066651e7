/**
 * The settings of the extension: their defaults, their current values, and a notification when they change.
 *
 * The names and defaults are those of `schemas/gemini-magic/plugin.json`. No other module loads the settings or keeps a
 * copy of a value.
 */

/** ID of the plugin that JupyterLab stores the settings for. */
export const PLUGIN_ID = 'gemini-magic:plugin';

/**
 * @typedef {object} Settings
 * @property {'folded' | 'open'} inspector the initial state of the inspector below an answer
 * @property {number} largestRecord the size in megabytes above which a record is not opened in the inspector
 * @property {boolean} highlight whether `%%gemini` cells are highlighted as Markdown
 * @property {boolean} follow whether the notebook scrolls while an answer streams
 */

/** @type {Readonly<Settings>} */
const DEFAULTS = { inspector: 'folded', largestRecord: 16, highlight: true, follow: true };

/** @type {Settings} */
let values = { ...DEFAULTS };

/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * Replaces the values. A value that is missing or has the wrong type is replaced by its default.
 *
 * @param {Record<string, unknown>} composite the values from JupyterLab: the user's, or else the schema's defaults
 * @returns {void}
 */
function update(composite) {
  const valid = Object.entries(DEFAULTS).map(([name, preset]) => [
    name,
    typeof composite[name] === typeof preset ? composite[name] : preset
  ]);
  values = /** @type {Settings} */ (Object.fromEntries(valid));
  listeners.forEach(listener => listener());
}

export const settings = {
  /**
   * @template {keyof Settings} Name
   * @param {Name} name
   * @returns {Settings[Name]} the current value; the default until the settings are loaded
   */
  get(name) {
    return values[name];
  },

  /**
   * Calls a function after each change of the settings.
   *
   * @param {() => void} listener
   * @returns {() => void} a function that removes the listener
   */
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /**
   * Loads the settings and keeps them up to date. If they cannot be loaded, the defaults stay in effect.
   *
   * @param {import('@jupyterlab/settingregistry').ISettingRegistry} registry
   * @returns {Promise<void>}
   */
  async load(registry) {
    try {
      const loaded = await registry.load(PLUGIN_ID);
      update(loaded.composite);
      loaded.changed.connect(() => update(loaded.composite));
    } catch (error) {
      console.warn('gemini-magic: the settings could not be loaded. The defaults are used.', error);
    }
  }
};
