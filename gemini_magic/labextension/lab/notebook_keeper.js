/**
 * Writes the newest state of each answer into every output that belongs to it.
 *
 * JupyterLab applies an update only to the output in which it displayed the answer first. It loses the finished
 * answer if the cell was cut, copied or moved, if the page was loaded in mid-answer, and if the kernel ended first. This
 * module receives the same messages after JupyterLab, and writes what is still missing: nothing in the normal case.
 */

import { findAnswers, isUnfinished, lacksError } from './answer_outputs.js';
import { PENDING_TYPE, RANK, WIDGET_TYPE, answerBundle, htmlOf, isAnswer } from './answer_state.js';
import { pendingBundle, readState, widgetOf } from './answer_state.js';
import { AnswerStore } from './answer_store.js';
import { cutBundle } from './cut_bundle.js';
import { withErrorBox } from './error_box.js';
import { askKernel } from './kernel_query.js';
import { Timers, writeDelay } from './timers.js';

/** Milliseconds in which a new widget must appear, before a partial answer is shown instead. */
const WIDGET_DELAY = 4000;

/** Milliseconds between the first and the last status message about a kernel that ends. */
const STATUS_DELAY = 600;

/** Milliseconds in which the error of an answer must follow the answer. */
const ERROR_DELAY = 1000;

/** Number of characters of HTML above which a partial answer is drawn less often, and how often, in milliseconds. */
const LARGE = 100_000;
const LARGE_DELAY = 5000;

const store = new AnswerStore();

/** @type {Set<NotebookKeeper>} */
const keepers = new Set();

/** Keeps the answers of one notebook. */
export class NotebookKeeper {
  /**
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {import('@jupyterlab/services').Kernel.IManager} kernels
   */
  constructor(panel, kernels) {
    this._panel = panel;
    this._session = panel.sessionContext;
    this._kernels = kernels;
    /**
     * When an output was first seen.
     *
     * @type {WeakMap<object, number>}
     */
    this._seen = new WeakMap();
    /**
     * When a large partial answer was last drawn, by the id of the answer.
     *
     * @type {Map<string, number>}
     */
    this._drawn = new Map();
    /**
     * The ids that a kernel was asked about.
     *
     * @type {Set<string>}
     */
    this._asked = new Set();
    this._timers = new Timers();
    this.isDisposed = false;
    this._session.iopubMessage.connect(this._onMessage, this);
    this._session.statusChanged.connect(this._onStatus, this);
    this._session.kernelChanged.connect(this._onKernelChanged, this);
    this._session.connectionStatusChanged.connect(this._onConnection, this);
    panel.context.saveState.connect(this._onSave, this);
    panel.context.model.cells.changed.connect(this._onCellsChanged, this);
    panel.context.ready.then(() => this._timers.later('cells', 0, () => this._showAll()));
    keepers.add(this);
  }

  /** @returns {void} */
  dispose() {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    keepers.delete(this);
    this._timers.dispose();
    this._session.iopubMessage.disconnect(this._onMessage, this);
    this._session.statusChanged.disconnect(this._onStatus, this);
    this._session.kernelChanged.disconnect(this._onKernelChanged, this);
    this._session.connectionStatusChanged.disconnect(this._onConnection, this);
    this._panel.context.saveState.disconnect(this._onSave, this);
    this._panel.context.model?.cells?.changed.disconnect(this._onCellsChanged, this);
  }

  // -- the outputs of a notebook

  /** @returns {string | undefined} the id of the notebook's kernel */
  get _kernelId() {
    return this._session.session?.kernel?.id;
  }

  /** @returns {boolean} whether the document may be changed */
  get _isWritable() {
    const { context } = this._panel;
    return context.isReady && context.contentsModel?.writable !== false && !context.model.readOnly;
  }

  /**
   * Finds the stored state of the answer in an output. It is from the notebook's own kernel, or from the kernel that
   * displayed the answer.
   *
   * @param {import('./answer_state.js').AnswerState} own
   * @returns {import('./answer_store.js').Answer | undefined}
   */
  _find({ id, kernel }) {
    return store.get(kernel, id) ?? store.get(this._kernelId, id);
  }

  /** @returns {import('./answer_outputs.js').Place[]} the outputs of answers */
  _findAnswers() {
    const places = findAnswers(this._panel.content);
    for (const { output } of places) {
      if (!this._seen.has(output)) {
        this._seen.set(output, Date.now());
      }
    }
    return places;
  }

  // -- writing

  /**
   * Shows an answer in every output that belongs to it. In a shared document one page writes first.
   *
   * @param {string} id
   * @param {import('./answer_store.js').Answer} [answer] the finished answer, as it may be too large to be stored
   * @param {string} [kernel] the id of the kernel that sent it
   * @returns {void}
   */
  show(id, answer, kernel) {
    const { model } = this._panel.context;
    const name = `show ${id}`;
    if (!model?.collaborative) {
      this._showNow(id, answer, kernel);
    } else if (!this._timers.has(name)) {
      this._timers.later(name, writeDelay(model), () => this._showNow(id, answer, kernel));
    }
  }

  /**
   * @param {string} id
   * @param {import('./answer_store.js').Answer} [answer] as in `show`
   * @param {string} [kernel]
   * @returns {void}
   */
  _showNow(id, answer, kernel) {
    if (!this._isWritable) {
      return;
    }
    for (const place of this._findAnswers()) {
      if (place.own.id === id) {
        const isFrom = kernel && (kernel === this._kernelId || kernel === place.own.kernel);
        const found = isFrom && answer ? answer : this._find(place.own);
        if (found && this._isMissing(place, found)) {
          const { data, metadata } = found;
          place.outputs.set(place.index, {
            output_type: 'display_data',
            data: found.state === 'partial' ? pendingBundle(data, widgetOf(place.output.data)) : data,
            metadata
          });
          if (found.state === 'final') {
            this._timers.later(`error ${id}`, ERROR_DELAY, () => this._addError(id));
          }
        }
      }
    }
  }

  /**
   * Adds the error to outputs that should be followed by it and are not, and requests the complete answer if the
   * kernel still has it. JupyterLab loses the error of a cell that was pasted, or whose page was loaded in mid-answer.
   *
   * @param {string} id the id of the answer
   * @returns {void}
   */
  _addError(id) {
    const places = this._findAnswers().filter(each => each.own.id === id && lacksError(each));
    for (const { outputs, index, output } of places) {
      const complete = withErrorBox(/** @type {any} */ (output));
      if (complete) {
        outputs.set(index, { output_type: 'display_data', ...complete });
      }
    }
    const [place] = places;
    if (place) {
      const { kernel } = place.own;
      const asked = Array.from(keepers).find(({ _kernelId }) => _kernelId === kernel) ?? this;
      const connection = asked._session.session?.kernel;
      if (connection?.connectionStatus === 'connected') {
        askKernel(connection, [id], () => {});
      }
    }
  }

  /**
   * @param {import('./answer_outputs.js').Place} place
   * @param {import('./answer_store.js').Answer} answer
   * @returns {boolean} whether a state of an answer must be written into an output
   */
  _isMissing(place, { id, state, data, metadata }) {
    const { own, output, node } = place;
    if (lacksError(place)) {
      return state === 'final' && !readState(metadata)?.errorFollows;
    }
    // The kernel sends a final answer again when its status line changes, and the details of an error that is below
    // the output belong to a copy without that error only.
    if (own.errorFollows && !readState(metadata)?.errorFollows) {
      return false;
    }
    if (RANK[state] < RANK[own.state] || (state === 'cut' && own.state === 'cut')) {
      return false;
    }
    if (own.state === state && htmlOf(output.data) === htmlOf(data)) {
      return false;
    }
    if (state !== 'partial') {
      return true;
    }
    if (WIDGET_TYPE in output.data || PENDING_TYPE in output.data) {
      const isNew = WIDGET_TYPE in output.data && Date.now() - this._seen.get(output) < WIDGET_DELAY;
      if (isNew || node?.querySelector('.gm-live .gm-status')) {
        return false;
      }
    }
    if (htmlOf(data).length > LARGE) {
      if (Date.now() - (this._drawn.get(id) ?? 0) < LARGE_DELAY) {
        return false;
      }
      this._drawn.set(id, Date.now());
    }
    return true;
  }

  /**
   * Shows all stored answers, and asks the kernel about the others.
   *
   * @param {boolean} [isReconnected] whether messages of the kernel may have been lost
   * @returns {void}
   */
  _showAll(isReconnected = false) {
    const places = this._findAnswers();
    const ids = new Set(places.filter(isUnfinished).map(({ own }) => own.id));
    ids.forEach(id => this.show(id));
    for (const { own } of places.filter(lacksError)) {
      this._timers.later(`error ${own.id}`, ERROR_DELAY, () => this._addError(own.id));
    }
    this._ask(isReconnected);
  }

  // -- signals

  /**
   * @param {unknown} _sender
   * @param {import('@jupyterlab/services').KernelMessage.IIOPubMessage} message
   * @returns {void}
   */
  _onMessage(_sender, { header, content }) {
    if (header.msg_type !== 'display_data' && header.msg_type !== 'update_display_data') {
      return;
    }
    const { data, metadata } = /** @type {any} */ (content);
    const read = readState(metadata);
    const kernel = this._kernelId;
    if (!read || read.state === 'cut' || read.state === 'live' || !kernel || !isAnswer(data)) {
      return;
    }
    const answer = { id: read.id, state: read.state, ...answerBundle(data, metadata) };
    store.put(kernel, answer);
    if (read.state === 'final') {
      this._drawn.delete(read.id);
    }
    for (const keeper of keepers) {
      keeper.show(read.id, read.state === 'final' ? answer : undefined, kernel);
    }
  }

  /** @returns {void} */
  _onCellsChanged() {
    this._timers.later('cells', 0, () => this._showAll());
  }

  /**
   * @param {unknown} _sender
   * @param {string} status
   * @returns {void}
   */
  _onConnection(_sender, status) {
    if (status === 'connected') {
      this._asked.clear();
      this._timers.later('connection', 0, () => this._showAll(true));
    }
  }

  /**
   * Handles a kernel that restarts or dies. The status `terminating` is not used: the kernel may still finish its
   * answers.
   *
   * @param {unknown} _sender
   * @param {string} status
   * @returns {void}
   */
  _onStatus(_sender, status) {
    if (status !== 'restarting' && status !== 'autorestarting' && status !== 'dead') {
      return;
    }
    // A kernel that crashed has the status `restarting` before `autorestarting`.
    const reason = status === 'restarting' && !this._timers.has('crash') ? 'restart' : 'crash';
    this._timers.cancel('restart');
    this._cutLater(this._kernelId, reason);
  }

  /**
   * @param {unknown} _sender
   * @param {import('@lumino/coreutils').PartialJSONObject | any} change
   * @returns {void}
   */
  _onKernelChanged(_sender, { oldValue, newValue }) {
    if (oldValue && oldValue.id !== newValue?.id) {
      this._cutLater(oldValue.id, 'shutdown');
    }
  }

  /**
   * Puts what has arrived of an unfinished answer into the file that is being saved. The page keeps its widget.
   *
   * @param {unknown} _sender
   * @param {string} state
   * @returns {void}
   */
  _onSave(_sender, state) {
    // A shared document is saved by the server, and a silent change would reach the other pages.
    if (state !== 'started' || !this._isWritable || this._panel.context.model.collaborative) {
      return;
    }
    for (const { cell, index, output, own } of this._findAnswers().filter(isUnfinished)) {
      if (!cell) {
        continue;
      }
      const stored = this._find(own);
      const partial = stored?.state === 'partial' ? stored : null;
      const { data, metadata } = partial ?? output;
      const saved = {
        output_type: 'display_data',
        data: pendingBundle(/** @type {any} */ (data), widgetOf(output.data)),
        metadata: /** @type {any} */ (metadata)
      };
      cell.sharedModel.updateOutputs(index, index + 1, [saved], 'silent-change');
    }
  }

  // -- kernels that have ended

  /**
   * Marks the unfinished answers of a kernel that has ended, in all notebooks, unless the kernel finishes them now. A
   * kernel that restarts has the same id, so answers that begin later are not marked.
   *
   * @param {string | undefined} kernel the id of the kernel
   * @param {import('./cut_bundle.js').Reason} reason
   * @returns {void}
   */
  _cutLater(kernel, reason) {
    const ids = new Set();
    for (const keeper of keepers) {
      for (const { own } of keeper._findAnswers().filter(isUnfinished)) {
        const isKnown = keeper === this && (own.kernel === null || !!store.get(kernel, own.id));
        if (own.kernel === kernel || isKnown) {
          ids.add(own.id);
        }
      }
    }
    if (kernel && ids.size) {
      this._timers.later(reason, STATUS_DELAY, () => {
        keepers.forEach(keeper => keeper._cut(kernel, reason, own => ids.has(own.id)));
      });
    }
  }

  /**
   * Marks unfinished answers as cut off.
   *
   * @param {string} kernel the id of the kernel that has ended
   * @param {import('./cut_bundle.js').Reason} reason
   * @param {(own: import('./answer_state.js').AnswerState) => boolean} isSelected
   * @returns {void}
   */
  _cut(kernel, reason, isSelected) {
    if (!this._isWritable) {
      return;
    }
    for (const { output, own } of this._findAnswers().filter(isUnfinished)) {
      if (isSelected(own)) {
        const stored = this._find(own);
        if (!stored || stored.state === 'partial') {
          const cut = cutBundle(stored ?? { data: output.data, metadata: output.metadata }, reason);
          store.put(own.kernel ?? kernel, { id: own.id, state: 'cut', ...cut });
        }
        this.show(own.id);
      }
    }
  }

  /**
   * Asks the kernel about answers whose end this page has not received.
   *
   * @param {boolean} isReconnected whether to ask also about answers of which a partial state was received
   * @returns {Promise<void>}
   */
  async _ask(isReconnected) {
    const kernel = this._session.session?.kernel;
    if (!kernel || kernel.connectionStatus !== 'connected' || !this._isWritable) {
      return;
    }
    const unfinished = this._findAnswers()
      .filter(isUnfinished)
      .map(({ own }) => own)
      .filter(own => !this._asked.has(own.id) && (isReconnected || !this._find(own)));
    if (!unfinished.length) {
      return;
    }
    unfinished.forEach(({ id }) => this._asked.add(id));
    try {
      await this._kernels.refreshRunning();
      const running = new Set(Array.from(this._kernels.running(), ({ id }) => id));
      const ids = unfinished
        .filter(own => own.kernel === null || own.kernel === kernel.id || !running.has(own.kernel))
        .map(({ id }) => id);
      if (ids.length && !this.isDisposed && !kernel.isDisposed) {
        askKernel(kernel, ids, unknown => {
          if (!this.isDisposed && this._kernelId === kernel.id) {
            // A restarted kernel can answer before its new status is handled, which gives a better reason.
            const delay = this._timers.has('restart') || this._timers.has('crash') ? 3 * STATUS_DELAY : 0;
            const isUnknown = ({ id }) => unknown.includes(id);
            this._timers.later('unknown', delay, () => this._cut(kernel.id, 'unknown', isUnknown));
          }
        });
      }
    } catch (error) {
      console.warn('gemini-magic: the kernel could not be asked about unfinished answers.', error);
    }
  }
}
