/**
 * Attaches an object to each code cell of a notebook, and disposes it when the cell is removed.
 */

/** Watches the code cells of one notebook, including cells that are added later. */
export class CodeCellWatcher {
  /**
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {(cell: import('@jupyterlab/cells').ICodeCellModel) => { dispose(): void }} attach creates the object of a
   *   cell
   */
  constructor(panel, attach) {
    this._cells = panel.context.model.cells;
    this._attach = attach;
    /** @type {Map<import('@jupyterlab/cells').ICellModel, { dispose(): void }>} */
    this._attached = new Map();
    this.isDisposed = false;
    this._cells.changed.connect(this._onCellsChanged, this);
    this._onCellsChanged();
  }

  /** @returns {void} */
  dispose() {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this._cells.changed.disconnect(this._onCellsChanged, this);
    for (const attached of this._attached.values()) {
      attached.dispose();
    }
    this._attached.clear();
  }

  /**
   * Compares the whole list. JupyterLab does not report which cells were removed, and it reports a moved cell as added
   * first.
   *
   * @returns {void}
   */
  _onCellsChanged() {
    const present = new Set(this._cells);
    for (const [cell, attached] of this._attached) {
      if (!present.has(cell)) {
        attached.dispose();
        this._attached.delete(cell);
      }
    }
    for (const cell of present) {
      if (cell.type === 'code' && !this._attached.has(cell)) {
        const codeCell = /** @type {import('@jupyterlab/cells').ICodeCellModel} */ (cell);
        this._attached.set(cell, this._attach(codeCell));
      }
    }
  }
}
