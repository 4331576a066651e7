/**
 * The JupyterLab plugin that renders answers: it registers their renderer and loads the settings of the extension.
 *
 * It is not a MIME extension, because JupyterLab gives those no access to settings. It therefore registers the
 * renderer and its rank itself.
 */

import { MIME_TYPE } from '../inspector/record.js';
import { createRendererClass } from '../inspector/renderer.js';
import { displayGradually } from './gradual_display.js';
import { PLUGIN_ID, settings } from './settings.js';

/** JupyterLab prefers the lowest rank. The renderer of text/html has rank 50. */
const RANK = 0;

const STYLE_SHEETS = ['../answer.css', '../inspector/inspector.css'];

/**
 * Adds a style sheet to the page.
 *
 * @param {string} path relative to this module
 * @returns {Promise<void>} resolves when the style sheet is loaded, or could not be loaded
 */
function addStyleSheet(path) {
  return new Promise(resolve => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = new URL(path, import.meta.url).href;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}

/**
 * @param {(packageName: string) => Promise<any>} loadShared loads a library that JupyterLab shares
 * @returns {Promise<import('@jupyterlab/application').JupyterFrontEndPlugin<void>>}
 */
export default async function createPlugin(loadShared) {
  const [{ IRenderMimeRegistry }, { ISettingRegistry }, { Widget }] = await Promise.all(
    ['@jupyterlab/rendermime', '@jupyterlab/settingregistry', '@lumino/widgets'].map(loadShared)
  );
  // The styles are loaded before JupyterLab starts. Otherwise a saved answer would change its height after it is shown.
  await Promise.all(STYLE_SHEETS.map(addStyleSheet));
  // The few rules in a saved answer do not apply in such a page (gemini_magic/views/saved.css).
  document.documentElement.classList.add('gmi');
  return {
    id: PLUGIN_ID,
    description: 'Renders the answers of %%gemini cells and their inspector.',
    autoStart: true,
    requires: [IRenderMimeRegistry],
    optional: [ISettingRegistry],
    activate(_app, rendermime, registry) {
      const Renderer = createRendererClass(Widget, settings, displayGradually);
      const factory = {
        safe: true,
        mimeTypes: [MIME_TYPE],
        /** @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IRendererOptions} options */
        createRenderer: options => new Renderer(options)
      };
      rendermime.addFactory(factory, RANK);
      if (registry) {
        // Activation does not wait for the settings, so that a notebook that is already open uses the renderer.
        settings.load(registry);
      }
    }
  };
}
