/**
 * The JupyterLab plugin that finds streaming answers in notebooks and creates a `LiveAnswer` for each.
 *
 * It makes a streaming answer easier to read; the answer is complete without it. While no answer streams, it only
 * handles the signals of added and removed outputs.
 */

import { PENDING_TYPE, WIDGET_TYPE, isAnswer, readState } from '../lab/answer_state.js';
import { CodeCellWatcher } from '../lab/cells.js';
import { Announcer } from './announcer.js';
import { LiveAnswer } from './live.js';

/**
 * @param {import('@jupyterlab/rendermime').IOutputModel} output
 * @returns {boolean} whether the output is the widget of a streaming answer
 */
function isLiveAnswer({ data }) {
  return (WIDGET_TYPE in data || PENDING_TYPE in data) && isAnswer(data);
}

/** Watches the outputs of one code cell. */
class OutputWatcher {
  /**
   * @param {import('@jupyterlab/cells').ICodeCellModel} cell
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {Announcer} announcer
   */
  constructor(cell, panel, announcer) {
    this._cell = cell;
    this._outputs = cell.outputs; // a disposed cell has no outputs, so `dispose` needs this reference
    this._panel = panel;
    this._announcer = announcer;
    /** @type {Set<LiveAnswer>} */
    this._answers = new Set();
    this._outputs.changed.connect(this._onOutputsChanged, this);
    if (this._outputs.length) {
      // The model of a saved notebook has outputs before the notebook has rendered them.
      panel.revealed.then(() => this._addAnswers(0, this._outputs.length));
    }
  }

  /** @returns {void} */
  dispose() {
    this._outputs.changed.disconnect(this._onOutputsChanged, this);
    for (const answer of this._answers) {
      answer.dispose();
    }
    this._answers.clear();
  }

  /**
   * @param {unknown} _outputs
   * @param {import('@jupyterlab/outputarea').IOutputAreaModel.ChangedArgs} change
   * @returns {void}
   */
  _onOutputsChanged(_outputs, { type, newIndex, newValues }) {
    for (const answer of this._answers) {
      if (answer.isDetached) {
        this._answers.delete(answer);
      }
    }
    if (type === 'add' && newValues.some(isLiveAnswer)) {
      // The output area may handle the same signal after this listener.
      Promise.resolve().then(() => this._addAnswers(newIndex, newIndex + newValues.length));
    }
  }

  /**
   * Creates a `LiveAnswer` for each streaming answer in a range of outputs.
   *
   * @param {number} start the first index
   * @param {number} end the index after the last
   * @returns {void}
   */
  _addAnswers(start, end) {
    const cellWidget = this._panel.content.widgets.find(widget => widget.model === this._cell);
    const area = /** @type {import('@jupyterlab/cells').CodeCell | undefined} */ (cellWidget)?.outputArea;
    for (let index = start; area && index < end; index += 1) {
      const output = this._outputs.get(index);
      const widget = area.widgets[index];
      if (output && isLiveAnswer(output) && widget?.node.parentElement) {
        const id = readState(output.metadata)?.id;
        this._answers.add(new LiveAnswer(widget, id, this._announcer, () => this._renderHtml(output)));
      }
    }
  }

  /**
   * Renders the HTML of an output as JupyterLab renders untrusted HTML, for a widget whose model does not exist.
   *
   * @param {import('@jupyterlab/rendermime').IOutputModel} output
   * @returns {Promise<HTMLElement>}
   */
  async _renderHtml(output) {
    const { rendermime } = this._panel.content;
    const renderer = rendermime.createRenderer('text/html');
    const data = { 'text/html': output.data['text/html'] };
    await renderer.renderModel(rendermime.createModel({ data, trusted: false }));
    return renderer.node;
  }
}

/** @type {import('@jupyterlab/application').JupyterFrontEndPlugin<void>} */
const plugin = {
  id: 'gemini-magic:companion',
  description:
    'Scrolls along with streaming answers, keeps expanded thoughts and selected text, and informs screen readers.',
  autoStart: true,
  activate(app) {
    const announcer = new Announcer();
    app.docRegistry.addWidgetExtension('Notebook', {
      /** @param {import('@jupyterlab/notebook').NotebookPanel} panel */
      createNew: panel => new CodeCellWatcher(panel, cell => new OutputWatcher(cell, panel, announcer))
    });
  }
};

export default plugin;
