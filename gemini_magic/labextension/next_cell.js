/**
 * Lets a `%%gemini` cell that is run again replace the cell it made below itself, instead of making one more.
 *
 * The kernel can only ask for a new cell; whether it has one already, the notebook knows. A cell that was edited since
 * is the user's and stays, and so do those made before the page was loaded, unless they say exactly the same.
 */

/** The cells whose code goes into a cell below: `%%gemini --next-cell` and `%gemini code`. */
const MAGIC = /^\s*%%?gemini(?=\s|$)/m;

/** Watches the cells that the kernel makes in one notebook. */
class MadeCells {
  /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
  constructor(panel) {
    this._session = panel.sessionContext;
    this._model = panel.context.model;
    this._kernel = null;
    /** What the kernel has asked to be put into a cell; null when that has been done. */
    this._expected = null;
    /** @type {WeakMap<object, {cell: object, text: string}>} by the cell that asked, what was made for it */
    this._made = new WeakMap();
    this.isDisposed = false;
    this._session.kernelChanged.connect(this._onKernelChanged, this);
    this._model.cells.changed.connect(this._onCellsChanged, this);
    this._onKernelChanged();
  }

  dispose() {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this._session.kernelChanged.disconnect(this._onKernelChanged, this);
    this._model.cells.changed.disconnect(this._onCellsChanged, this);
    this._kernel?.anyMessage.disconnect(this._onMessage, this);
  }

  _onKernelChanged() {
    this._kernel?.anyMessage.disconnect(this._onMessage, this);
    this._kernel = this._session.session?.kernel ?? null;
    this._kernel?.anyMessage.connect(this._onMessage, this);
  }

  /** The reply comes here before the notebook acts on it. */
  _onMessage(_kernel, { msg, direction }) {
    if (direction === 'recv' && msg.header.msg_type === 'execute_reply' && msg.content.status === 'ok') {
      const wish = (msg.content.payload ?? []).find(each => each.source === 'set_next_input');
      this._expected = wish && !wish.replace ? wish.text : null;
    }
  }

  _onCellsChanged(cells, change) {
    if (this._expected === null || change.type !== 'add' || change.newValues.length !== 1) {
      return;
    }
    const [cell] = change.newValues;
    const text = this._expected;
    if (cell.sharedModel.getSource() !== text) {
      return;
    }
    this._expected = null;
    const asking = change.newIndex > 0 ? cells.get(change.newIndex - 1) : null;
    if (asking && MAGIC.test(asking.sharedModel.getSource())) {
      // Not while the list tells everybody of this change.
      queueMicrotask(() => this._keepOne(asking, cell, text));
    }
  }

  /** Keeps one of the new cell and the one made for the same asking cell before. */
  _keepOne(asking, cell, text) {
    if (this.isDisposed) {
      return;
    }
    const all = Array.from(this._model.cells);
    const at = all.indexOf(cell);
    if (at < 0) {
      return;
    }
    const below = all[at + 1];
    const before = this._made.get(asking);
    if (below?.type === 'code' && below.sharedModel.getSource() === text) {
      this._model.sharedModel.deleteCell(at);
      this._made.set(asking, { cell: below, text });
      return;
    }
    if (before && before.cell === below && below.sharedModel.getSource() === before.text) {
      this._model.sharedModel.deleteCell(at + 1);
    }
    this._made.set(asking, { cell, text });
  }
}

/** @type {import('@jupyterlab/application').JupyterFrontEndPlugin<void>} */
export default {
  id: 'gemini-magic:next-cell',
  description: 'A %%gemini cell that is run again replaces the cell it made.',
  autoStart: true,
  activate(app) {
    app.docRegistry.addWidgetExtension('Notebook', { createNew: panel => new MadeCells(panel) });
  }
};
