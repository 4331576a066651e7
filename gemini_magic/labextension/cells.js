/**
 * Watches the code cells of a notebook.
 *
 * It knows which cells there are. What is watched about one is the caller's.
 */

/** Watches the code cells of one notebook, those that come later too. */
export class NotebookWatch {
  /**
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {(cell: import('@jupyterlab/cells').ICodeCellModel) => { dispose(): void }} watch begins to watch a cell
   */
  constructor(panel, watch) {
    this._cells = panel.context.model.cells;
    this._watch = watch;
    /** @type {Map<import('@jupyterlab/cells').ICellModel, { dispose(): void }>} */
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
        this._watches.set(cell, this._watch(cell));
      }
    }
  }
}
