/**
 * The inspector: one line below an answer that opens to a set of tabs and the export buttons.
 *
 * The chunks are read when the inspector is opened, and a panel is created when its tab is selected. The panels are in
 * `panels.js`, `timeline_tab.js`, `tools_tab.js`, `steps.js` and `replay.js`.
 */

import { Chunks } from './chunks.js';
import { button, html } from './dom.js';
import {
  copyToClipboard,
  download,
  MAX_COPY_LENGTH,
  toCsv,
  toCurl,
  toJson,
  toRecording,
  toSse
} from './export.js';
import { formatDuration, formatNumber, quantity } from './format.js';
import { chunksPanel, notesPanel, requestPanel, usagePanel } from './panels.js';
import { Replay } from './replay.js';
import { sourcesPanel } from './sources_tab.js';
import { stepsPanel } from './steps.js';
import { timelinePanel } from './timeline_tab.js';
import { toolsPanel } from './tools_tab.js';

/** @typedef {import('./panels.js').Panel} Panel */

/** @typedef {import('./replay.js').RenderPart} RenderPart */

const MESSAGE_TIME = 1500; // milliseconds that a message is shown

/** The number of inspectors created so far. It makes the IDs of their elements unique. */
let inspectorCount = 0;

/** The inspector of one record. */
export class Inspector {
  /**
   * @param {import('./record.js').AnswerRecord} record
   * @param {{ isOpen: boolean, maxSize: number, renderPart?: RenderPart }} options whether it is initially open, the
   *   size in characters above which a record is not opened, and a function that renders a part of the answer
   */
  constructor(record, { isOpen, maxSize, renderPart }) {
    this._record = record;
    this._renderPart = renderPart ?? (() => null);
    this._maxSize = maxSize;
    this._id = `gmi-${(inspectorCount += 1)}`;
    /** @type {Chunks | null} */
    this._chunks = null;
    /**
     * Functions that create the panels, by the name of their tab.
     *
     * @type {Record<string, () => Panel>}
     */
    this._factories = {};
    /**
     * The panels created so far, by the name of their tab.
     *
     * @type {Map<string, { panel: Panel, frame: HTMLElement }>}
     */
    this._panels = new Map();
    /** @type {HTMLElement[]} */
    this._tabs = [];
    this._message = html('span', { class: 'gmi-message', role: 'status' });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._messageTimer = undefined;
    this._bar = html(
      'summary',
      { class: 'gmi-bar' },
      html('span', { class: 'gmi-caret', 'aria-hidden': 'true' }),
      html('span', { class: 'gmi-title' }, 'Inspect'),
      html('span', { class: 'gmi-facts' }, this._facts())
    );
    this._body = html('div', { class: 'gmi-body' });
    this.node = html(
      'details',
      { class: 'gmi-inspector mathjax_ignore tex2jax_ignore', toggle: () => this._onToggle(), keydown: event => this._onKeyDown(event) },
      this._bar,
      this._body
    );
    if (isOpen) {
      this._build();
      this.node.open = true;
    }
  }

  /** Whether the inspector is open. */
  get isOpen() {
    return this.node.open;
  }

  /** @returns {void} */
  dispose() {
    this._panels.forEach(({ panel }) => panel.dispose?.());
    clearTimeout(this._messageTimer);
  }

  /** @returns {void} */
  _onToggle() {
    if (this.isOpen) {
      this._build();
    } else {
      this._panels.forEach(({ panel }) => panel.onHide?.());
    }
  }

  /** @returns {string} what the closed inspector shows */
  _facts() {
    const { count, timing, usage, truncated } = this._record;
    const facts = [
      quantity(count, 'chunk'),
      timing.total === null ? '' : formatDuration(timing.total),
      usage.total === null ? '' : quantity(usage.total, 'token'),
      truncated.length ? 'record truncated' : ''
    ];
    return facts.filter(Boolean).join(' · ');
  }

  /**
   * Creates the content when the inspector is opened for the first time.
   *
   * @returns {void}
   */
  _build() {
    if (this._body.firstChild) {
      return;
    }
    const record = this._record;
    if (record.size > this._maxSize) {
      const [size, maxSize] = [record.size, this._maxSize].map(each => (each / 1e6).toFixed(1));
      this._showHint(
        `The size of this record is ${size} MB. The setting “Maximum record size” allows ${maxSize} MB.`
      );
      return;
    }
    const chunks = (this._chunks = new Chunks(record));
    /** @param {string} label */
    const onCopy = (label, isCopied = true) => this._showCopied(label, isCopied);
    /** @param {number} index */
    const openChunk = index => {
      this._select('Chunks').openChunk?.(index);
    };
    this._factories = {
      Chunks: () => chunksPanel(chunks, onCopy),
      Timeline: () => timelinePanel(record, chunks, openChunk),
      Replay: () => new Replay(record, chunks, this._renderPart),
      Usage: () => usagePanel(record, chunks, openChunk),
      ...(record.steps.length ? { Steps: () => stepsPanel(record, openChunk) } : {}),
      ...(record.tools.length ? { Tools: () => toolsPanel(record) } : {}),
      Request: () => requestPanel(record),
      ...(record.sources.length || record.queries.length ? { Sources: () => sourcesPanel(record) } : {}),
      Notes: () => notesPanel(record, chunks, openChunk)
    };
    this._tabs = Object.keys(this._factories).map(name => this._createTab(name));
    const tabList = html(
      'div',
      {
        role: 'tablist',
        'aria-label': 'Inspector',
        class: 'gmi-tabs',
        keydown: event => this._onTabKeyDown(event)
      },
      ...this._tabs
    );
    this._body.append(html('div', { class: 'gmi-top' }, tabList, this._createExports()));
    if (record.truncated.length) {
      this._showHint(
        `This record is truncated: it contains ${record.truncated.join(', ')}. ` +
          'While the kernel is running, the Response object contains the complete stream.'
      );
    }
    this._select('Chunks');
  }

  /**
   * @param {string} text
   * @returns {void}
   */
  _showHint(text) {
    this._body.append(html('div', { class: 'gmi-hint', role: 'note' }, text));
  }

  // -- Tabs

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  _createTab(name) {
    const noteCount = this._record.notes.length;
    return html(
      'button',
      {
        type: 'button',
        role: 'tab',
        class: 'gmi-tab',
        id: `${this._id}-${name}-tab`,
        'aria-controls': `${this._id}-${name}`,
        click: () => this._select(name),
        'data-name': name
      },
      name === 'Notes' && noteCount ? `Notes (${formatNumber(noteCount)})` : name
    );
  }

  /**
   * Shows the panel of a tab.
   *
   * @param {string} name
   * @returns {Panel}
   */
  _select(name) {
    for (const tab of this._tabs) {
      const isSelected = tab.dataset.name === name;
      tab.setAttribute('aria-selected', String(isSelected));
      tab.tabIndex = isSelected ? 0 : -1;
    }
    if (!this._panels.has(name)) {
      this._createPanel(name);
    }
    this._panels.forEach(({ panel, frame }, each) => {
      frame.hidden = each !== name;
      if (frame.hidden) {
        panel.onHide?.();
      }
    });
    const { panel } = this._panels.get(name);
    panel.onShow?.();
    return panel;
  }

  /**
   * @param {string} name
   * @returns {void}
   */
  _createPanel(name) {
    const panel = this._factories[name]();
    const id = `${this._id}-${name}`;
    const frame = html(
      'div',
      { role: 'tabpanel', class: 'gmi-panel', id, 'aria-labelledby': `${id}-tab` },
      panel.node
    );
    this._panels.set(name, { panel, frame });
    this._body.append(frame);
  }

  // -- Export

  /** @returns {HTMLElement} the buttons that copy and save the stream */
  _createExports() {
    const record = this._record;
    const chunks = this._chunks;
    const fileName = `gemini-${record.started.replace(/\D/g, '').slice(0, 14) || 'answer'}`;
    /** @type {(label: string, title: string, getText: () => string) => HTMLElement} */
    const copyButton = (label, title, getText) =>
      button(label, () => this._copy(label, getText()), { title });
    /** @type {(label: string, title: string, type: string, getText: () => string) => HTMLElement} */
    const saveButton = (label, title, type, getText) =>
      button(label, () => download(getText(), `${fileName}.${label.toLowerCase()}`, type), { title });
    const curl = toCurl(record);
    return html(
      'div',
      { class: 'gmi-exports' },
      this._message,
      html('span', { class: 'gmi-group' }, 'Copy'),
      copyButton('JSON', 'Copy all chunks as a JSON array', () => toJson(chunks)),
      copyButton('SSE', 'Copy all chunks as server-sent events', () => toSse(chunks)),
      curl === null
        ? null
        : copyButton(
            'curl',
            curl.hasKey
              ? 'Copy the request as a curl command, with the API key as a variable'
              : 'Copy the request as a curl command, without an API key: the record names no host that a key belongs to',
            () => curl.command
          ),
      html('span', { class: 'gmi-group' }, 'Save'),
      saveButton('JSONL', 'Save a recording for Response.load and --replay', 'application/jsonl', () =>
        toRecording(record, chunks)
      ),
      saveButton('CSV', 'Save a table with one row per chunk', 'text/csv', () => toCsv(chunks))
    );
  }

  /**
   * @param {string} label
   * @param {string} text
   * @returns {Promise<void>}
   */
  async _copy(label, text) {
    if (text.length > MAX_COPY_LENGTH) {
      this._showMessage(`${(text.length / 1e6).toFixed(0)} MB are too much for the clipboard. Save JSONL instead.`);
    } else {
      this._showCopied(label, await copyToClipboard(text));
    }
  }

  /**
   * Shows for a short time whether something was copied.
   *
   * @param {string} label what was copied
   * @param {boolean} isCopied
   * @returns {void}
   */
  _showCopied(label, isCopied) {
    this._showMessage(isCopied ? `${label} copied` : 'The browser blocked access to the clipboard');
  }

  /**
   * @param {string} text
   * @returns {void}
   */
  _showMessage(text) {
    this._message.textContent = text;
    clearTimeout(this._messageTimer);
    this._messageTimer = setTimeout(() => (this._message.textContent = ''), MESSAGE_TIME);
  }

  // -- Keyboard

  /**
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  _onTabKeyDown(event) {
    const current = this._tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const last = this._tabs.length - 1;
    const target = {
      ArrowRight: current === last ? 0 : current + 1,
      ArrowLeft: current ? current - 1 : last,
      Home: 0,
      End: last
    }[event.key];
    if (current >= 0 && target !== undefined) {
      event.preventDefault();
      this._select(this._tabs[target].dataset.name);
      this._tabs[target].focus();
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  _onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    // The notebook must not handle keys that are pressed in the inspector: pressing D twice deletes a cell.
    event.stopPropagation();
    if (event.key === 'Escape' && this.isOpen && !event.defaultPrevented) {
      this.node.open = false;
      this._bar.focus();
    }
  }
}
