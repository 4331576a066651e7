/**
 * The plugin that shows answers: it registers their renderer, and keeps the settings up to date.
 *
 * It knows JupyterLab's registries. It asks for the renderer's rank itself instead of being a MIME extension, because
 * those are given no settings.
 */

import { MIME } from './record.js';
import { rendererOf } from './renderer.js';
import { PLUGIN, settings } from './settings.js';

/** Before text/html, which is 50. */
const RANK = 0;

const SHEETS = ['answer.css', 'inspector.css'];

/**
 * @param {string} name a style sheet in this folder
 * @returns {Promise<void>} when it is in effect, or cannot be: an answer is shown in any case
 */
function addSheet(name) {
  return new Promise(done => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = new URL(name, import.meta.url).href;
    link.onload = link.onerror = () => done();
    document.head.append(link);
  });
}

/**
 * @param {(library: string) => Promise<any>} shared gives a library that JupyterLab shares
 * @returns {Promise<import('@jupyterlab/application').JupyterFrontEndPlugin<void>>}
 */
export default async function plugin(shared) {
  const [{ IRenderMimeRegistry }, { ISettingRegistry }, { Widget }] = await Promise.all(
    ['@jupyterlab/rendermime', '@jupyterlab/settingregistry', '@lumino/widgets'].map(shared)
  );
  // Before JupyterLab starts, so that no answer is drawn without them and changes its height.
  await Promise.all(SHEETS.map(addSheet));
  return {
    id: PLUGIN,
    description: 'Answers of %%gemini with their inspector.',
    autoStart: true,
    requires: [IRenderMimeRegistry],
    optional: [ISettingRegistry],
    activate(_app, rendermime, registry) {
      const Renderer = rendererOf(Widget);
      rendermime.addFactory(
        { safe: true, mimeTypes: [MIME], createRenderer: options => new Renderer(options) },
        RANK
      );
      // Not waited for: notebooks that are open already would be drawn without the renderer.
      registry
        ?.load(PLUGIN)
        .then(loaded => {
          settings.take(loaded.composite);
          loaded.changed.connect(() => settings.take(loaded.composite));
        })
        .catch(problem => console.warn('gemini-magic: no settings', problem));
    }
  };
}
