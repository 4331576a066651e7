/**
 * Shows one answer: its saved HTML, rebuilt, and below it the inspector of its record.
 *
 * It knows JupyterLab's renderers (`IRenderMime.IRenderer`). A record that cannot be read costs the inspector, never the
 * answer.
 */

import { FRAMED, TRUSTED, rebuild } from './answer.js';
import { Inspector } from './inspector.js';
import { make } from './nodes.js';
import { MIME, Unreadable, own, readRecord } from './record.js';
import { settings } from './settings.js';

const HTML = 'text/html';
const PLAIN = 'text/plain';

/** @returns {string} what a bundle says of one MIME type; notebooks may keep texts as lists of lines */
function said(data, mimeType) {
  const value = own(data, mimeType);
  return Array.isArray(value) ? value.filter(line => typeof line === 'string').join('') : typeof value === 'string' ? value : '';
}

/**
 * @param {typeof import('@lumino/widgets').Widget} Widget JupyterLab's own, so that it takes what is made here
 * @returns {new (options: import('@jupyterlab/rendermime-interfaces').IRenderMime.IRendererOptions) => any}
 */
export function rendererOf(Widget) {
  return class AnswerRenderer extends Widget {
    constructor(options) {
      super();
      this._typesetter = options.latexTypesetter;
      // The classes of JupyterLab's own rendered HTML: the answer looks as it does without this extension.
      this._answer = make('div', { class: 'jp-RenderedHTMLCommon jp-RenderedHTML gmi-answer' });
      this._inspector = null;
      this.addClass('gmi-output');
      this.node.append(this._answer);
    }

    /** @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IMimeModel} model */
    async renderModel(model) {
      this._showAnswer(model.data, model.trusted);
      const open = this._inspector?.isOpen ?? own(own(model.metadata, MIME), 'expanded') === true;
      this._inspector?.dispose();
      this._inspector = null;
      this.node.replaceChildren(this._answer, this._below(own(model.data, MIME), open));
      if (this.isAttached) {
        this._typeset();
      }
    }

    dispose() {
      this._inspector?.dispose();
      super.dispose();
    }

    onAfterAttach(_message) {
      this._typeset();
    }

    _showAnswer(data, trusted) {
      const html = said(data, HTML);
      this._answer.replaceChildren(html ? rebuild(html, trusted ? TRUSTED : FRAMED) : make('pre', {}, said(data, PLAIN)));
    }

    /** @returns {Node} the inspector, or a line that says why there is none */
    _below(data, open) {
      try {
        this._inspector = new Inspector(readRecord(data), {
          open: open || settings.get('inspector') === 'open',
          largest: settings.get('largestRecord') * 1e6
        });
        return this._inspector.node;
      } catch (problem) {
        if (!(problem instanceof Unreadable)) {
          console.error('gemini-magic:', problem);
        }
        const why = problem instanceof Unreadable ? problem.message : 'The inspector failed; the console says why.';
        return make('div', { class: 'gmi-none', role: 'note' }, why);
      }
    }

    /** Only formulas: everything else in an answer is marked as none. */
    _typeset() {
      if (this._typesetter && this._answer.querySelector('.mathjax_process')) {
        this._typesetter.typeset(this._answer);
      }
    }
  };
}
