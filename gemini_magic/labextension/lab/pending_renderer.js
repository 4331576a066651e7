/**
 * The renderer of an answer that was saved while it was arriving: the saved text at once, and the widget that shows the
 * answer live as soon as the kernel has sent it.
 *
 * It is not used in notebooks that are not trusted. JupyterLab renders their HTML.
 */

import { html } from '../inspector/dom.js';
import { TRUSTED_OUTPUT_ELEMENTS, sanitize } from '../inspector/sanitizer.js';
import { WIDGET_TYPE, htmlOf, widgetOf } from './answer_state.js';

/**
 * Milliseconds after which the manager of the widgets is registered with the notebook, once the kernel is connected. A
 * renderer that is created earlier never shows its widget.
 */
const MANAGER_DELAY = 300;

/** An answer in a widget that has received its content. */
const SHOWN = '.gm-live .gm-status';

/**
 * Creates the renderer class. The base classes come from JupyterLab.
 *
 * @param {typeof import('@lumino/widgets')} lumino
 * @returns {new (panel: import('@jupyterlab/notebook').NotebookPanel, options: any) => any}
 */
export function createPendingClass({ Panel, Widget }) {
  return class PendingRenderer extends Panel {
    /**
     * @param {import('@jupyterlab/notebook').NotebookPanel} panel
     * @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IRendererOptions} options
     */
    constructor(panel, options) {
      super();
      this._panel = panel;
      this._typesetter = options.latexTypesetter;
      this._answer = html('div', { class: 'jp-RenderedHTMLCommon jp-RenderedHTML gmi-answer' });
      this._text = new Widget({ node: this._answer });
      /** @type {any} */
      this._renderer = null;
      this._isLive = false;
      /** @type {MutationObserver | null} */
      this._observer = null;
      this.addWidget(this._text);
    }

    /**
     * Shows a new state of the answer, unless the widget shows the answer already.
     *
     * @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IMimeModel} model
     * @returns {Promise<void>}
     */
    async renderModel(model) {
      if (this._isLive) {
        return;
      }
      this._answer.replaceChildren(sanitize(htmlOf(model.data), TRUSTED_OUTPUT_ELEMENTS));
      if (this._typesetter && this.isAttached && this._answer.querySelector('.mathjax_process')) {
        this._typesetter.typeset(this._answer);
      }
      const widget = widgetOf(model.data);
      if (widget && !this._observer) {
        this._observer = new MutationObserver(() => this._showWidget());
        this._panel.sessionContext.ready.then(() => {
          setTimeout(() => this._createWidget(widget), MANAGER_DELAY);
        });
      }
    }

    /** @returns {void} */
    dispose() {
      this._observer?.disconnect();
      super.dispose();
    }

    /**
     * Renders the widget without showing it.
     *
     * @param {string} id the model id
     * @returns {void}
     */
    _createWidget(id) {
      const { rendermime } = this._panel.content;
      if (this.isDisposed || !this._panel.sessionContext.session?.kernel) {
        return;
      }
      try {
        this._renderer = rendermime.createRenderer(WIDGET_TYPE);
      } catch {
        return; // this front end has no widgets
      }
      const data = { [WIDGET_TYPE]: { version_major: 2, version_minor: 0, model_id: id } };
      this._renderer.hide();
      this.addWidget(this._renderer);
      this._observer.observe(this._renderer.node, { childList: true, subtree: true });
      this._renderer.renderModel(rendermime.createModel({ data, trusted: true })).catch(() => {});
    }

    /** @returns {void} */
    _showWidget() {
      if (this._renderer.node.querySelector(SHOWN)) {
        this._observer.disconnect();
        this._isLive = true;
        this._text.hide();
        this._renderer.show();
      }
    }
  };
}
