/**
 * Colours the text of a `%%gemini` cell as Markdown while it is edited.
 *
 * It knows cells and their MIME types, from which JupyterLab chooses the editor's language. It knows nothing of
 * kernels, answers and CodeMirror, and it changes nothing that is saved.
 */

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

/** Watches the code cells of one notebook, those that come later too. */
class NotebookWatch {
  /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
  constructor(panel) {
    this._notebook = panel.content;
    this._cells = panel.context.model.cells;
    /** @type {Map<import('@jupyterlab/cells').ICellModel, CellWatch>} */
    this._watches = new Map();
    this.isDisposed = false;
    this._cells.changed.connect(this._onCellsChanged, this);
    this._onCellsChanged();
  }

  dispose() {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this._cells.changed.disconnect(this._onCellsChanged, this);
    for (const watch of this._watches.values()) {
      watch.dispose();
    }
    this._watches.clear();
  }

  /** Compares the whole list: JupyterLab does not say which cells it removed, and a moved one is added first. */
  _onCellsChanged() {
    const present = new Set(this._cells);
    for (const [cell, watch] of this._watches) {
      if (!present.has(cell)) {
        watch.dispose();
        this._watches.delete(cell);
      }
    }
    for (const cell of present) {
      if (cell.type === 'code' && !this._watches.has(cell)) {
        this._watches.set(cell, new CellWatch(cell, () => this._notebook.codeMimetype));
      }
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
    app.docRegistry.addWidgetExtension('Notebook', { createNew: panel => new NotebookWatch(panel) });
  }
};

export default plugin;
