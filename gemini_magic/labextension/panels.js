/**
 * What the inspector's tabs hold: chunks, usage, request, notes.
 *
 * Each panel is `{node, choose?, shown?, dispose?}`; it is made when its tab is first shown.
 */

import { copy } from './export.js';
import { filterOf } from './filter.js';
import { button, make } from './nodes.js';
import { COUNTS } from './record.js';
import { Table } from './table.js';
import { tree } from './tree.js';
import { count, counted, oneLine, reveal, seconds } from './written.js';

const PAUSE = 150; // milliseconds after the last key, before what was typed is looked for

const NUMBER = { kind: 'right', width: 58 };

/** @returns {import('./table.js').Column[]} */
function chunkColumns(chunks) {
  return [
    { title: '#', hint: 'Index, from 0', ...NUMBER, width: 46, text: row => String(row) },
    { title: 't', hint: 'Seconds since the request was sent', ...NUMBER, width: 64, text: row => seconds(chunks.t[row]) },
    { title: 'gap', hint: 'Seconds since the chunk before', ...NUMBER, text: row => seconds(chunks.gap(row)) },
    { title: 'bytes', hint: 'Bytes of the JSON text', ...NUMBER, spare: true, text: row => count(chunks.size[row]) },
    { title: 'kind', hint: 'What the chunk carries', least: 128, share: 0.5, spare: true, text: row => chunks.kind(row) },
    { title: 'text', hint: 'What it adds to the answer, or to the thoughts', kind: 'said', least: 120, text: row => oneLine(chunks.thought(row) + chunks.text(row)) },
    { title: 'finish', hint: 'The reason to end', width: 84, spare: true, text: row => oneLine(chunks.finish(row), 60) },
    { title: 'tokens', hint: 'The total so far, as sent', ...NUMBER, width: 64, spare: true, text: row => count(chunks.tokens(row)) }
  ];
}

/** The table of chunks, a filter above it, and the JSON of the chosen one beside it. */
export function chunksPanel(record, chunks, copied) {
  const detail = make('div', { class: 'gmi-detail', hidden: '' });
  const table = new Table('Chunks', chunkColumns(chunks), chunks.length, row => open(row));
  const shown = make('span', { class: 'gmi-count' });
  const field = make('input', {
    type: 'search',
    class: 'gmi-filter',
    placeholder: 'Filter: words, /regex/, t > 1.5',
    title: 'Words, a /regular expression/, a path such as usageMetadata, or a condition such as t > 1.5, finish=STOP or candidates.0.finishReason=STOP',
    'aria-label': 'Filter the chunks by words, a /regular expression/ or a condition such as t > 1.5',
    spellcheck: 'false'
  });
  const wrong = make('div', { class: 'gmi-wrong gmi-warning', role: 'status' });
  const missing = make('div', { class: 'gmi-hint', hidden: '' });
  const split = make('div', { class: 'gmi-split' }, table.node, detail);
  const node = make('div', { class: 'gmi-chunks' }, make('div', { class: 'gmi-line' }, field, shown, wrong), split, missing);

  function close() {
    detail.hidden = true;
    split.classList.remove('gmi-two');
    table.leave();
    table.node.focus();
  }

  function open(row) {
    const json = chunks.json(row);
    const facts = [`#${row}`, `${seconds(chunks.t[row])} s`, counted(chunks.size[row], 'byte'), chunks.kind(row)];
    const take = button('Copy', async () => copied(`Chunk ${row}`, await copy(json)), { 'aria-label': `Copy the JSON of chunk ${row}` });
    const shut = button('×', close, { class: 'gmi-button gmi-shut', 'aria-label': 'Close' });
    detail.hidden = false;
    split.classList.add('gmi-two');
    detail.replaceChildren(
      make('div', { class: 'gmi-line gmi-of' }, make('span', {}, facts.filter(Boolean).join(' · ')), json === null ? null : take, shut),
      tree(json)
    );
  }

  function find() {
    let fits;
    field.removeAttribute('aria-invalid');
    wrong.textContent = '';
    try {
      fits = filterOf(field.value);
    } catch (error) {
      field.setAttribute('aria-invalid', 'true');
      wrong.textContent = reveal(error.message);
      return;
    }
    const rows = fits && Array.from({ length: chunks.length }, (_, row) => row).filter(row => fits(chunks, row));
    table.show(rows);
    tell();
  }

  function tell() {
    shown.textContent = table.length === chunks.length ? counted(chunks.length, 'chunk') : `${count(table.length)} of ${counted(chunks.length, 'chunk')}`;
    missing.hidden = table.length > 0;
    missing.textContent = chunks.length ? 'No chunk fits.' : 'No chunk arrived.';
  }

  let waiting = 0;
  field.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, PAUSE);
  });
  node.addEventListener('keydown', event => {
    if (event.key === 'Escape' && !detail.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === 'ArrowDown' && event.target === field) {
      event.preventDefault();
      table.node.focus();
    }
  });
  tell();
  return {
    node,
    dispose: () => clearTimeout(waiting),
    shown: () => table.refresh(),
    choose(row) {
      field.value = '';
      find();
      table.choose(row);
      table.node.focus();
    }
  };
}

/** Counts that hardly change in an answer, or that many have not. */
const SPARE = ['prompt', 'cached', 'tool'];

const signed = value => (value > 0 ? `+${count(value)}` : count(value));

/** Every usage report: the totals as sent, and what each added. */
export function usagePanel(record, chunks, toChunk) {
  const names = COUNTS.filter(name => chunks.usage.has(name));
  const reports = Array.from({ length: chunks.length }, (_, row) => row).filter(row => names.some(name => chunks.tokens(row, name) !== null));
  const added = new Map(names.map(name => [name, differences(reports.map(row => chunks.tokens(row, name)))]));
  const cell = (name, at) => {
    const total = chunks.tokens(reports[at], name);
    const more = added.get(name)[at];
    return total === null ? '' : `${count(total)}${more && more !== total ? ` (${signed(more)})` : ''}`;
  };
  const columns = [
    { title: '#', hint: 'Index of the chunk', ...NUMBER, width: 46, text: at => String(reports[at]) },
    { title: 't', hint: 'Seconds since the request was sent', ...NUMBER, width: 64, spare: true, text: at => seconds(chunks.t[reports[at]]) },
    ...names.map(name => ({ title: name, hint: 'The total as sent, and what this report added', kind: 'right', spare: SPARE.includes(name), text: at => cell(name, at) }))
  ];
  const final = COUNTS.map(name => `${name} ${record.usage[name] === null ? '–' : count(record.usage[name])}`).join(' · ');
  const table = reports.length ? new Table('Usage', columns, reports.length, at => toChunk(reports[at])) : null;
  return {
    node: make('div', {}, make('div', { class: 'gmi-line' }, `Tokens in the end: ${final}`), table?.node ?? make('div', { class: 'gmi-hint' }, 'No chunk reported usage.')),
    shown: () => table?.refresh()
  };
}

/** Each number less the one before; 0 where there is nothing to compare. */
function differences(values) {
  let former = 0;
  return values.map(value => {
    const more = value === null ? 0 : value - former;
    former = value ?? former;
    return more;
  });
}

/** What was asked, and how often. */
export function requestPanel(record) {
  const { request, attempts } = record;
  if (!request) {
    return { node: make('div', { class: 'gmi-hint' }, 'The record holds no request: the answer was read from elsewhere.') };
  }
  const tries = attempts.map(each => {
    const status = each.status === null ? 'no answer' : `HTTP ${each.status}`;
    const said = each.problem.startsWith(status) ? [each.problem] : [status, each.problem];
    const wait = each.waited ? `after a wait of ${each.waited.toFixed(1)} s` : '';
    const words = [...said, each.end === 'eof' ? '' : each.end, wait].filter(Boolean).map(reveal).join(' · ');
    return make('li', { class: each.problem ? 'gmi-warning' : '' }, words);
  });
  const headers = request.headers.flatMap(([name, said]) => [make('dt', {}, name), make('dd', {}, reveal(said))]);
  return {
    node: make(
      'div',
      { class: 'gmi-request' },
      make('div', { class: 'gmi-address' }, make('b', {}, request.method), ' ', reveal(request.url)),
      tries.length > 1 ? make('ol', { class: 'gmi-tries', 'aria-label': 'Attempts' }, ...tries) : null,
      make('dl', { class: 'gmi-headers' }, ...headers),
      tree(request.body)
    )
  };
}

const SIGNS = { info: '•', warning: '⚠', error: '✕' };

/** Oddities of the stream. */
export function notesPanel(record, chunks, toChunk) {
  if (!record.notes.length) {
    return { node: make('div', { class: 'gmi-hint' }, 'Nothing odd was seen.') };
  }
  const items = record.notes.map(note =>
    make(
      'li',
      { class: `gmi-note-${note.severity}` },
      make('span', { class: 'gmi-sign', role: 'img', 'aria-label': note.severity }, SIGNS[note.severity]),
      make('span', {}, reveal(note.message), ' ', make('code', {}, reveal(note.kind))),
      note.chunk === null || note.chunk >= chunks.length ? null : button(`chunk ${note.chunk}`, () => toChunk(note.chunk))
    )
  );
  return { node: make('ul', { class: 'gmi-notes' }, ...items) };
}
