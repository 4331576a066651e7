/**
 * Replaces the code cell that a `%%gemini` cell created below itself when the `%%gemini` cell is run again.
 *
 * The kernel can only request a new cell. It does not know the cells of the notebook, so this module removes the
 * duplicate. A created cell that the user has edited is kept. So is a cell that was created before the page was loaded,
 * unless its text is equal to the new text.
 */

/** Matches the cells that request a code cell below: `%%gemini --next-cell` and `%gemini code`. */
const MAGIC = /^\s*%%?gemini(?=\s|$)/m;

/** Watches the cells that the kernel creates in one notebook. */
class CreatedCells {
  /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
  constructor(panel) {
    this._session = panel.sessionContext;
    this._model = panel.context.model;
    /** @type {import('@jupyterlab/services').Kernel.IKernelConnection | null} */
    this._kernel = null;
    /**
     * The text of the cell that the kernel has requested; null if there is no pending request.
     *
     * @type {string | null}
     */
    this._requestedText = null;
    /**
     * The created cell and its text, by the cell that requested it.
     *
     * @type {WeakMap<object, { cell: object, text: string }>}
     */
    this._created = new WeakMap();
    this.isDisposed = false;
    this._session.kernelChanged.connect(this._onKernelChanged, this);
    this._model.cells.changed.connect(this._onCellsChanged, this);
    this._onKernelChanged();
  }

  /** @returns {void} */
  dispose() {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this._session.kernelChanged.disconnect(this._onKernelChanged, this);
    this._model.cells.changed.disconnect(this._onCellsChanged, this);
    this._kernel?.anyMessage.disconnect(this._onMessage, this);
  }

  /** @returns {void} */
  _onKernelChanged() {
    this._kernel?.anyMessage.disconnect(this._onMessage, this);
    this._kernel = this._session.session?.kernel ?? null;
    this._kernel?.anyMessage.connect(this._onMessage, this);
  }

  /**
   * Reads the request for a new cell from an `execute_reply`. This runs before the notebook handles the reply.
   *
   * @param {unknown} _kernel
   * @param {{ msg: any, direction: 'send' | 'recv' }} message
   * @returns {void}
   */
  _onMessage(_kernel, { msg, direction }) {
    if (direction === 'recv' && msg.header.msg_type === 'execute_reply' && msg.content.status === 'ok') {
      const payload = /** @type {any[]} */ (msg.content.payload ?? []);
      const request = payload.find(each => each.source === 'set_next_input');
      this._requestedText = request && !request.replace ? request.text : null;
    }
  }

  /**
   * Recognizes the requested cell when the notebook adds it.
   *
   * @param {import('@jupyterlab/notebook').CellList} cells
   * @param {any} change an `IObservableList.IChangedArgs<ICellModel>`
   * @returns {void}
   */
  _onCellsChanged(cells, change) {
    if (this._requestedText === null || change.type !== 'add' || change.newValues.length !== 1) {
      return;
    }
    const [cell] = change.newValues;
    const text = this._requestedText;
    if (cell.sharedModel.getSource() !== text) {
      return;
    }
    this._requestedText = null;
    const requester = change.newIndex > 0 ? cells.get(change.newIndex - 1) : null;
    if (requester && MAGIC.test(requester.sharedModel.getSource())) {
      // The list must not be modified while it emits its signal.
      queueMicrotask(() => this._removeDuplicate(requester, cell, text));
    }
  }

  /**
   * Keeps one cell of the new cell and the cell that was created earlier for the same requester.
   *
   * @param {import('@jupyterlab/cells').ICellModel} requester
   * @param {import('@jupyterlab/cells').ICellModel} cell the new cell
   * @param {string} text the text of the new cell
   * @returns {void}
   */
  _removeDuplicate(requester, cell, text) {
    if (this.isDisposed) {
      return;
    }
    const cells = Array.from(this._model.cells);
    const index = cells.indexOf(cell);
    if (index < 0) {
      return;
    }
    const below = cells[index + 1];
    const previous = this._created.get(requester);
    if (below?.type === 'code' && below.sharedModel.getSource() === text) {
      this._model.sharedModel.deleteCell(index);
      this._created.set(requester, { cell: below, text });
      return;
    }
    if (previous && previous.cell === below && below.sharedModel.getSource() === previous.text) {
      this._model.sharedModel.deleteCell(index + 1);
    }
    this._created.set(requester, { cell, text });
  }
}

/** @type {import('@jupyterlab/application').JupyterFrontEndPlugin<void>} */
const plugin = {
  id: 'gemini-magic:next-cell',
  description: 'Replaces the code cell below a %%gemini cell when the cell is run again.',
  autoStart: true,
  activate(app) {
    app.docRegistry.addWidgetExtension('Notebook', {
      /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
      createNew: panel => new CreatedCells(panel)
    });
  }
};

export default plugin;
