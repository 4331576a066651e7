/**
 * The line below an answer that unfolds into the inspector: tabs, and the stream to take away.
 *
 * Nothing is computed before it is unfolded, and each tab only when it is shown. What the tabs hold is in `panels.js`.
 */

import { Chunks } from './chunks.js';
import { copy, save, toCsv, toCurl, toJson, toRecording, toSse } from './export.js';
import { button, make } from './nodes.js';
import { chunksPanel, notesPanel, requestPanel, usagePanel } from './panels.js';
import { Replay } from './replay.js';
import { timelinePanel } from './timing.js';
import { count, counted, duration } from './written.js';

const SAID = 1500; // milliseconds that a button says what it did

/** A number for each inspector on the page, so that its parts can name each other. */
let number = 0;

export class Inspector {
  /**
   * @param {ReturnType<import('./record.js').readRecord>} record
   * @param {{open: boolean, largest: number}} options whether it is unfolded; the largest record it opens, in characters
   */
  constructor(record, { open, largest }) {
    this._record = record;
    this._largest = largest;
    this._id = `gmi-${(number += 1)}`;
    this._panels = new Map();
    this._bar = make(
      'summary',
      { class: 'gmi-bar' },
      make('span', { class: 'gmi-caret', 'aria-hidden': 'true' }),
      make('span', { class: 'gmi-title' }, 'Inspect'),
      make('span', { class: 'gmi-facts' }, this._facts())
    );
    this._body = make('div', { class: 'gmi-body' });
    this.node = make(
      'details',
      { class: 'gmi-inspector', toggle: () => this._onToggle(), keydown: event => this._onKey(event) },
      this._bar,
      this._body
    );
    if (open) {
      this._build();
      this.node.open = true;
    }
  }

  get isOpen() {
    return this.node.open;
  }

  dispose() {
    this._panels.forEach(panel => panel.dispose?.());
  }

  _onToggle() {
    if (this.isOpen) {
      this._build();
    } else {
      this._panels.get('Replay')?.pause();
    }
  }

  _facts() {
    const { count: chunks, timing, usage, capped } = this._record;
    return [
      counted(chunks, 'chunk'),
      timing.total === null ? '' : duration(timing.total),
      usage.total === null ? '' : counted(usage.total, 'token'),
      capped.length ? 'kept in part' : ''
    ]
      .filter(Boolean)
      .join(' · ');
  }

  _build() {
    if (this._body.firstChild) {
      return;
    }
    if (this._record.size > this._largest) {
      const words = `This record takes ${count(this._record.size / 1e6)} MB; the setting “Largest record shown” allows ${count(this._largest / 1e6)} MB.`;
      this._body.append(make('div', { class: 'gmi-hint', role: 'note' }, words));
      return;
    }
    const record = this._record;
    const chunks = (this._chunks = new Chunks(record));
    const toChunk = index => {
      this._choose('Chunks');
      this._panels.get('Chunks').choose(index);
    };
    this._makers = {
      Chunks: () => chunksPanel(record, chunks, words => this._copied(words)),
      Timeline: () => timelinePanel(record, chunks, toChunk),
      Replay: () => new Replay(record, chunks),
      Usage: () => usagePanel(record, chunks, toChunk),
      Request: () => requestPanel(record),
      Notes: () => notesPanel(record, chunks, toChunk)
    };
    this._tabs = Object.keys(this._makers).map(name => this._tab(name));
    const tabs = make('div', { role: 'tablist', 'aria-label': 'Inspector', class: 'gmi-tabs', keydown: event => this._onTabKey(event) }, ...this._tabs);
    this._said = make('span', { class: 'gmi-done', role: 'status' });
    this._body.append(make('div', { class: 'gmi-top' }, tabs, this._exports()));
    if (record.capped.length) {
      const words = `The notebook keeps a part of this stream: ${record.capped.join(', ')}. All of it is in the response, until the kernel ends.`;
      this._body.append(make('div', { class: 'gmi-hint', role: 'note' }, words));
    }
    this._choose('Chunks');
  }

  _tab(name) {
    const notes = this._record.notes.length;
    const words = name === 'Notes' && notes ? `Notes (${count(notes)})` : name;
    return make(
      'button',
      { type: 'button', role: 'tab', class: 'gmi-tab', id: `${this._id}-${name}-tab`, 'aria-controls': `${this._id}-${name}`, click: () => this._choose(name), 'data-name': name },
      words
    );
  }

  _choose(name) {
    for (const tab of this._tabs) {
      const chosen = tab.dataset.name === name;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    if (!this._panels.has(name)) {
      const panel = this._makers[name]();
      this._panels.set(name, panel);
      panel.frame = make('div', { role: 'tabpanel', class: 'gmi-panel', id: `${this._id}-${name}`, 'aria-labelledby': `${this._id}-${name}-tab` }, panel.node);
      this._body.append(panel.frame);
    }
    this._panels.forEach((panel, each) => {
      panel.frame.hidden = each !== name;
    });
    if (name !== 'Replay') {
      this._panels.get('Replay')?.pause();
    }
    this._panels.get(name).shown?.();
  }

  // -- to take away

  _exports() {
    const record = this._record;
    const chunks = this._chunks;
    const take = (words, hint, text) => button(words, async () => this._copied(words, await copy(text())), { title: hint });
    const name = `gemini-${record.started.replace(/\D/g, '').slice(0, 14) || 'answer'}`;
    const file = (words, hint, text, type) =>
      button(words, () => save(text(), `${name}.${words.toLowerCase()}`, type), { title: hint });
    return make(
      'div',
      { class: 'gmi-exports' },
      this._said,
      make('span', { class: 'gmi-group' }, 'Copy'),
      take('JSON', 'All chunks as one JSON list', () => toJson(chunks)),
      take('SSE', 'All chunks as server-sent events', () => toSse(chunks)),
      ...(toCurl(record) ? [take('curl', 'The command that asks the same again, with the key as a variable', () => toCurl(record))] : []),
      make('span', { class: 'gmi-group' }, 'Save'),
      file('JSONL', 'A recording: Response.load and --replay read it', () => toRecording(record, chunks), 'application/jsonl'),
      file('CSV', 'A row for each chunk', () => toCsv(chunks), 'text/csv')
    );
  }

  _copied(words, done = true) {
    this._said.textContent = done ? `${words} copied` : 'The browser did not allow copying';
    clearTimeout(this._silence);
    this._silence = setTimeout(() => (this._said.textContent = ''), SAID);
  }

  // -- keys

  _onTabKey(event) {
    const now = this._tabs.indexOf(document.activeElement);
    const last = this._tabs.length - 1;
    const to = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: now ? now - 1 : last, Home: 0, End: last }[event.key];
    if (now >= 0 && to !== undefined) {
      event.preventDefault();
      this._choose(this._tabs[to].dataset.name);
      this._tabs[to].focus();
    }
  }

  _onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    // A notebook's own keys (two d delete a cell) are not meant while somebody works in here.
    event.stopPropagation();
    if (event.key === 'Escape' && this.isOpen && !event.defaultPrevented) {
      this.node.open = false;
      this._bar.focus();
    }
  }
}
