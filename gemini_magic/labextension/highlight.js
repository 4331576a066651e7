/**
 * Colours the text of a `%%gemini` cell as Markdown while it is edited.
 *
 * It knows cells and their MIME types, from which JupyterLab chooses the editor's language. It knows nothing of
 * kernels, answers and CodeMirror, and it changes nothing that is saved.
 */

import { NotebookWatch } from './cells.js';
import { settings } from './settings.js';

/** JupyterLab's Markdown: GitHub's flavour, with formulas. */
const MARKDOWN = 'text/x-ipythongfm';

/** Where IPython sees the magic: blank lines and spaces may come before it. */
const MAGIC = /^\s*%%gemini(?=\s|$)/;

/** Keeps the MIME type of one code cell true to its text. */
class CellWatch {
  /**
   * @param {import('@jupyterlab/cells').ICodeCellModel} cell
   * @param {() => string} kernelType the MIME type of the notebook's other code cells, as known now
   */
  constructor(cell, kernelType) {
    this._cell = cell;
    this._text = cell.sharedModel;
    this._kernelType = kernelType;
    this._text.changed.connect(this._onTextChanged, this);
    // The notebook sets every code cell to the kernel's language, and again whenever that becomes known.
    cell.mimeTypeChanged.connect(this._update, this);
    this._unwatch = settings.onChange(() => this._update());
    this._update();
  }

  dispose() {
    this._text.changed.disconnect(this._onTextChanged, this);
    this._cell.mimeTypeChanged.disconnect(this._update, this);
    this._unwatch();
  }

  /**
   * Outputs and metadata change too, many times a second while an answer streams.
   *
   * @param {unknown} _text
   * @param {import('@jupyter/ydoc').CellChange} change
   */
  _onTextChanged(_text, change) {
    if (change.sourceChange) {
      this._update();
    }
  }

  _update() {
    if (settings.get('highlight') && MAGIC.test(this._text.getSource())) {
      this._cell.mimeType = MARKDOWN;
    } else if (this._cell.mimeType === MARKDOWN) {
      // Any other type was set by somebody else and is theirs.
      this._cell.mimeType = this._kernelType();
    }
  }
}

/** @type {import('@jupyterlab/application').JupyterFrontEndPlugin<void>} */
const plugin = {
  id: 'gemini-magic:highlight',
  description: 'Markdown colours in %%gemini cells.',
  autoStart: true,
  activate(app) {
    // JupyterLab disposes the watch together with the notebook's panel.
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: panel => new NotebookWatch(panel, cell => new CellWatch(cell, () => panel.content.codeMimetype))
    });
  }
};

export default plugin;
