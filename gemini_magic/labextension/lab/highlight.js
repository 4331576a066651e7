/**
 * Highlights the text of `%%gemini` cells as Markdown while they are edited.
 *
 * JupyterLab chooses the language of a cell's editor from the MIME type of the cell, and this module sets that type.
 * The MIME type is not saved in the notebook.
 */

import { CodeCellWatcher } from './cells.js';
import { settings } from './settings.js';

/** The MIME type of JupyterLab's Markdown cells: GitHub Flavored Markdown with math. */
const MARKDOWN_TYPE = 'text/x-ipythongfm';

/** Matches the cells that IPython runs as `%%gemini`. Blank lines and spaces may precede the magic. */
const CELL_MAGIC = /^\s*%%gemini(?=\s|$)/;

/** Sets the MIME type of one code cell whenever its text changes. */
class CellHighlighter {
  /**
   * @param {import('@jupyterlab/cells').ICodeCellModel} cell
   * @param {() => string} getKernelType returns the MIME type of the notebook's other code cells
   */
  constructor(cell, getKernelType) {
    this._cell = cell;
    this._sharedModel = cell.sharedModel;
    this._getKernelType = getKernelType;
    this._sharedModel.changed.connect(this._onTextChanged, this);
    // The notebook sets the MIME type of every code cell when the kernel's language becomes known.
    cell.mimeTypeChanged.connect(this._update, this);
    this._removeListener = settings.onChange(() => this._update());
    this._update();
  }

  /** @returns {void} */
  dispose() {
    this._sharedModel.changed.disconnect(this._onTextChanged, this);
    this._cell.mimeTypeChanged.disconnect(this._update, this);
    this._removeListener();
  }

  /**
   * Handles changes of the cell. While an answer streams, most of them are changes of outputs and metadata.
   *
   * @param {unknown} _sender
   * @param {import('@jupyter/ydoc').CellChange} change
   * @returns {void}
   */
  _onTextChanged(_sender, change) {
    if (change.sourceChange) {
      this._update();
    }
  }

  /** @returns {void} */
  _update() {
    if (settings.get('highlight') && CELL_MAGIC.test(this._sharedModel.getSource())) {
      this._cell.mimeType = MARKDOWN_TYPE;
    } else if (this._cell.mimeType === MARKDOWN_TYPE) {
      // Any other MIME type was set by JupyterLab or another extension and is kept.
      this._cell.mimeType = this._getKernelType();
    }
  }
}

/** @type {import('@jupyterlab/application').JupyterFrontEndPlugin<void>} */
const plugin = {
  id: 'gemini-magic:highlight',
  description: 'Highlights %%gemini cells as Markdown.',
  autoStart: true,
  activate(app) {
    // JupyterLab disposes the watcher together with the notebook panel.
    app.docRegistry.addWidgetExtension('Notebook', {
      /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
      createNew: panel =>
        new CodeCellWatcher(panel, cell => new CellHighlighter(cell, () => panel.content.codeMimetype))
    });
  }
};

export default plugin;
