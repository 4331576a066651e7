/**
 * The JupyterLab plugin that keeps the answers of notebooks: it creates a `NotebookKeeper` for each, and registers the
 * renderer of answers that were saved while they were arriving.
 */

import { PENDING_TYPE } from './answer_state.js';
import { NotebookKeeper } from './notebook_keeper.js';
import { createPendingClass } from './pending_renderer.js';

/** Rank of the renderer of pending answers, before all others. */
const RENDERER_RANK = -20;

/**
 * @param {(packageName: string) => Promise<any>} loadShared loads a library that JupyterLab shares
 * @returns {Promise<import('@jupyterlab/application').JupyterFrontEndPlugin<void>>}
 */
export default async function createPlugin(loadShared) {
  const PendingRenderer = createPendingClass(await loadShared('@lumino/widgets'));
  return {
    id: 'gemini-magic:keeper',
    description: 'Writes the newest state of an answer into every output that belongs to it.',
    autoStart: true,
    activate(app) {
      app.docRegistry.addWidgetExtension('Notebook', {
        /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
        createNew(panel) {
          const factory = {
            safe: false,
            mimeTypes: [PENDING_TYPE],
            /** @param {any} options */
            createRenderer: options => new PendingRenderer(panel, options)
          };
          panel.content.rendermime.addFactory(factory, RENDERER_RANK);
          return new NotebookKeeper(panel, app.serviceManager.kernels);
        }
      });
    }
  };
}
