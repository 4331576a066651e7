/**
 * The renderer of an answer: the saved HTML, rebuilt by the sanitizer, and the inspector below it.
 *
 * It implements JupyterLab's `IRenderMime.IRenderer`. If the record cannot be read, the answer is shown without the
 * inspector.
 */

import { addCodeButtons, addCopyButtons } from './copy_buttons.js';
import { html } from './dom.js';
import { Inspector } from './inspector.js';
import { openPicture } from './picture_dialog.js';
import { MIME_TYPE, RecordError, VERSION, getOwn, readRecord, readText } from './record.js';
import { showSuggestions } from './suggestions.js';
import { OUTPUT_ELEMENTS, TRUSTED_OUTPUT_ELEMENTS, parseInert, sanitize, sanitizeElement } from './sanitizer.js';

const HTML_TYPE = 'text/html';
const TEXT_TYPE = 'text/plain';

/**
 * Reads a text from a MIME bundle. Notebook files may store a text as a list of lines.
 *
 * @param {object} data the MIME bundle
 * @param {string} mimeType
 * @returns {string} the text, or an empty string
 */
function readBundle(data, mimeType) {
  const value = getOwn(data, mimeType);
  if (Array.isArray(value)) {
    return value.filter(line => typeof line === 'string').join('');
  }
  return typeof value === 'string' ? value : '';
}

/**
 * @param {unknown} data the record
 * @returns {string} the Markdown source of the answer; empty if the record does not contain all of it or is not supported
 */
function readSource(data) {
  const isTruncated = getOwn(getOwn(data, 'capped'), 'text') !== undefined;
  return isTruncated || getOwn(data, 'v') !== VERSION ? '' : readText(getOwn(data, 'text'), Infinity);
}

/**
 * Creates the renderer class. The base class comes from JupyterLab, which accepts only instances of its own class.
 *
 * @param {typeof import('@lumino/widgets').Widget} Widget
 * @param {typeof import('../lab/settings.js').settings} settings the settings of the extension
 * @param {typeof import('../lab/gradual_display.js').displayGradually} displayGradually
 * @returns {new (options: import('@jupyterlab/rendermime-interfaces').IRenderMime.IRendererOptions) => any}
 */
export function createRendererClass(Widget, settings, displayGradually) {
  return class AnswerRenderer extends Widget {
    /** @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IRendererOptions} options */
    constructor(options) {
      super();
      this._typesetter = options.latexTypesetter;
      // With the classes of JupyterLab's rendered HTML, the answer looks the same as without this extension.
      this._answer = html('div', { class: 'jp-RenderedHTMLCommon jp-RenderedHTML gmi-answer', click: openPicture });
      /** The HTML of the answer. */
      this._source = '';
      /** @type {Inspector | null} */
      this._inspector = null;
      /** @type {ReturnType<typeof displayGradually>} */
      this._display = null;
      this.addClass('gmi-output');
      this.node.append(this._answer);
    }

    /**
     * @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IMimeModel} model
     * @returns {Promise<void>}
     */
    async renderModel(model) {
      this._renderAnswer(model);
      const isOpen =
        this._inspector?.isOpen ?? getOwn(getOwn(model.metadata, MIME_TYPE), 'expanded') === true;
      this._inspector?.dispose();
      this._inspector = null;
      const data = getOwn(model.data, MIME_TYPE);
      const inspector = this._renderInspector(data, isOpen);
      showSuggestions(this._answer, readText(getOwn(data, 'suggestions'), Infinity));
      addCopyButtons(this._answer, readSource(data));
      this.node.replaceChildren(this._answer, inspector);
      if (this._display?.isActive) {
        this._display.fill(this._answer.querySelector('.gm-answer'));
      } else if (this._display) {
        this._showInNextFrame(this._display.outputHeight);
      }
      if (this.isAttached) {
        this._show();
      }
    }

    /**
     * Leaves an empty area of the same height until the next frame. The page lays out the answer then, in another task,
     * before anything is painted.
     *
     * @param {number} height of the answer, in pixels
     * @returns {void}
     */
    _showInNextFrame(height) {
      const area = html('div', {});
      area.style.height = `${height}px`;
      this._answer.replaceWith(area);
      requestAnimationFrame(() => {
        if (area.parentNode === this.node) {
          area.replaceWith(this._answer);
          this._typeset();
        }
      });
    }

    /** @returns {void} */
    dispose() {
      this._display?.dispose();
      this._inspector?.dispose();
      super.dispose();
    }

    /** @returns {void} */
    onAfterAttach() {
      this._show();
    }

    /** @returns {void} */
    _show() {
      this._display?.start();
      this._typeset();
    }

    /**
     * Renders the HTML of the answer. A long answer that has streamed in this page is left empty.
     *
     * @param {import('@jupyterlab/rendermime-interfaces').IRenderMime.IMimeModel} model
     * @returns {void}
     */
    _renderAnswer({ data, metadata, trusted }) {
      this._display?.dispose();
      this._display = null;
      this._source = readBundle(data, HTML_TYPE);
      if (!this._source) {
        this._answer.replaceChildren(html('pre', {}, readBundle(data, TEXT_TYPE)));
        return;
      }
      const allowed = trusted ? TRUSTED_OUTPUT_ELEMENTS : OUTPUT_ELEMENTS;
      const parsed = parseInert(this._source);
      this._display = displayGradually(parsed, metadata, (element, isDeep) => {
        const copy = sanitizeElement(element, allowed, isDeep ? null : element);
        addCodeButtons(copy);
        return copy;
      });
      this._answer.replaceChildren(
        sanitizeElement(parsed, allowed, this._display?.isActive ? this._display.source : null)
      );
    }

    /**
     * Renders a part of the answer once more.
     *
     * @param {string} className the class of the part
     * @returns {HTMLElement | null} the part, or null if the answer has none
     */
    _renderPart(className) {
      const part = sanitize(this._source, OUTPUT_ELEMENTS).querySelector(`.${className}`);
      return /** @type {HTMLElement | null} */ (part);
    }

    /**
     * @param {unknown} data the record
     * @param {boolean} isOpen whether the inspector is open regardless of the settings
     * @returns {Node} the inspector, or a message if the record cannot be displayed
     */
    _renderInspector(data, isOpen) {
      try {
        this._inspector = new Inspector(readRecord(data), {
          isOpen: isOpen || settings.get('inspector') === 'open',
          maxSize: settings.get('largestRecord') * 1e6,
          renderPart: className => this._renderPart(className)
        });
        return this._inspector.node;
      } catch (error) {
        if (!(error instanceof RecordError)) {
          console.error('gemini-magic:', error);
        }
        const message =
          error instanceof RecordError
            ? error.message
            : 'The inspector could not be displayed. See the browser console for details.';
        return html('div', { class: 'gmi-unavailable', role: 'note' }, message);
      }
    }

    /**
     * Typesets the formulas. All other parts of an answer are marked to be ignored.
     *
     * @returns {void}
     */
    _typeset() {
      if (this._typesetter && this._answer.isConnected && this._answer.querySelector('.mathjax_process')) {
        this._typesetter.typeset(this._answer);
      }
    }
  };
}
