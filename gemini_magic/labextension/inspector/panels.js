/**
 * The panels of the Chunks, Usage, Request and Notes tabs.
 */

import { button, html } from './dom.js';
import { copyToClipboard } from './export.js';
import { ExpressionSearch } from './expression_search.js';
import { parseFilter } from './filter.js';
import { formatNumber, formatSeconds, quantity, reveal, singleLine } from './format.js';
import { renderJson } from './json_tree.js';
import { describeParts } from './parts.js';
import { COUNTS } from './record.js';
import { Table } from './table.js';

/** @typedef {import('./record.js').AnswerRecord} AnswerRecord */

/** @typedef {import('./record.js').CountName} CountName */

/** @typedef {import('./chunks.js').Chunks} Chunks */

/**
 * The content of a tab.
 *
 * @typedef {object} Panel
 * @property {HTMLElement} node
 * @property {() => void} [onShow] called when the tab is selected
 * @property {() => void} [onHide] called when the panel is hidden
 * @property {() => void} [dispose]
 * @property {(index: number) => void} [openChunk] shows a chunk; only in the Chunks tab
 */

const FILTER_DELAY = 150; // milliseconds after the last key before the filter is applied

const NUMBER_COLUMN = { kind: 'right', width: 58 };
const INDEX_COLUMN = { title: '#', ...NUMBER_COLUMN, width: 46 };
const TIME_COLUMN = { title: 't', hint: 'Seconds since the request was sent', ...NUMBER_COLUMN, width: 64 };

/**
 * @param {Chunks} chunks
 * @returns {number[]} all indexes
 */
const indexesOf = chunks => Array.from({ length: chunks.length }, (_, index) => index);

// -- Chunks

/** Kinds of parts that are not text, and of sources. */
const PART = /blob|file|call|code|result|step|other|grounding/;

/**
 * @param {Chunks} chunks
 * @param {number} index
 * @returns {string} what a chunk adds to the thoughts and to the answer
 */
function textOf(chunks, index) {
  const parts = PART.test(chunks.kind(index)) ? describeParts(chunks.value(index)) : '';
  return [chunks.thought(index) + chunks.text(index), parts].filter(Boolean).join(' ');
}

/**
 * @param {Chunks} chunks
 * @returns {import('./table.js').Column[]}
 */
function chunkColumns(chunks) {
  return [
    { ...INDEX_COLUMN, hint: 'Index of the chunk, starting at 0', text: index => String(index) },
    { ...TIME_COLUMN, text: index => formatSeconds(chunks.t[index]) },
    {
      title: 'gap',
      hint: 'Seconds since the previous chunk',
      ...NUMBER_COLUMN,
      text: index => formatSeconds(chunks.gap(index))
    },
    {
      title: 'bytes',
      hint: 'Size of the JSON text',
      ...NUMBER_COLUMN,
      optional: true,
      text: index => formatNumber(chunks.size[index])
    },
    {
      title: 'kind',
      hint: 'Kinds of content in the chunk',
      minWidth: 128,
      share: 0.5,
      optional: true,
      text: index => chunks.kind(index)
    },
    {
      title: 'text',
      hint: 'Text that the chunk adds to the thoughts and to the answer, and its other parts',
      kind: 'code',
      minWidth: 120,
      text: index => singleLine(textOf(chunks, index))
    },
    {
      title: 'finish',
      hint: 'Finish reason',
      width: 84,
      optional: true,
      text: index => singleLine(chunks.finish(index), 60)
    },
    {
      title: 'tokens',
      hint: 'Total token count as reported so far',
      ...NUMBER_COLUMN,
      width: 64,
      optional: true,
      text: index => formatNumber(chunks.tokens(index))
    }
  ];
}

/**
 * Creates the Chunks panel: a filter, the table of chunks, and the JSON of the selected chunk beside the table.
 *
 * @param {Chunks} chunks
 * @param {(label: string, isCopied: boolean) => void} onCopy called after an attempt to copy
 * @returns {Panel}
 */
export function chunksPanel(chunks, onCopy) {
  const detail = html('div', { class: 'gmi-detail', hidden: '' });
  const table = new Table('Chunks', chunkColumns(chunks), chunks.length, index => openDetail(index));
  const matchCount = html('span', { class: 'gmi-count' });
  const field = html('input', {
    type: 'search',
    class: 'gmi-filter',
    placeholder: 'Filter: text, /regex/, t > 1.5',
    title:
      'A text, a /regular expression/, a path such as usageMetadata, or a condition such as t > 1.5, finish=STOP or candidates.0.finishReason=STOP',
    'aria-label': 'Filter the chunks by a text, a /regular expression/ or a condition such as t > 1.5',
    spellcheck: 'false'
  });
  const filterError = html('div', { class: 'gmi-filter-error gmi-warning', role: 'status' });
  const emptyHint = html('div', { class: 'gmi-hint', hidden: '' });
  const split = html('div', { class: 'gmi-split' }, table.node, detail);
  const node = html(
    'div',
    { class: 'gmi-chunks' },
    html('div', { class: 'gmi-line' }, field, matchCount, filterError),
    split,
    emptyHint
  );

  function closeDetail() {
    detail.hidden = true;
    split.classList.remove('gmi-has-detail');
    table.clearSelection();
    table.node.focus();
  }

  /** @param {number} index */
  function openDetail(index) {
    const json = chunks.json(index);
    const facts = [
      `#${index}`,
      `${formatSeconds(chunks.t[index])} s`,
      quantity(chunks.size[index], 'byte'),
      chunks.kind(index)
    ];
    const copyButton = button('Copy', async () => onCopy(`Chunk ${index}`, await copyToClipboard(json)), {
      'aria-label': `Copy the JSON of chunk ${index}`
    });
    const closeButton = button('×', closeDetail, { class: 'gmi-button gmi-close', 'aria-label': 'Close' });
    detail.hidden = false;
    split.classList.add('gmi-has-detail');
    detail.replaceChildren(
      html(
        'div',
        { class: 'gmi-line gmi-detail-head' },
        html('span', {}, facts.filter(Boolean).join(' · ')),
        json === null ? null : copyButton,
        closeButton
      ),
      renderJson(json)
    );
  }

  const search = new ExpressionSearch();

  /** @returns {Promise<void>} */
  async function applyFilter() {
    search.stop();
    field.removeAttribute('aria-invalid');
    filterError.textContent = '';
    const all = indexesOf(chunks);
    let shown = null;
    try {
      const matches = parseFilter(field.value);
      if (matches?.search) {
        const { pattern, texts, isNegated } = matches.search;
        const found = await search.run(
          pattern,
          all.map(index => texts(chunks, index))
        );
        shown = all.filter(index => found[index] !== isNegated);
      } else if (matches) {
        shown = all.filter(index => matches(chunks, index));
      }
    } catch (error) {
      field.setAttribute('aria-invalid', 'true');
      filterError.textContent = reveal(/** @type {Error} */ (error).message);
      return;
    }
    table.show(shown);
    updateCount();
  }

  function updateCount() {
    const total = quantity(chunks.length, 'chunk');
    matchCount.textContent =
      table.length === chunks.length ? total : `${formatNumber(table.length)} of ${total}`;
    emptyHint.hidden = table.length > 0;
    const isOpenExpression = /^\/[^/]*$/.test(field.value.trim());
    const hint = isOpenExpression ? ' A regular expression ends with a slash, such as /a|b/.' : '';
    emptyHint.textContent = chunks.length ? `No chunks match the filter.${hint}` : 'No chunks were received.';
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(applyFilter, FILTER_DELAY);
  });
  node.addEventListener('keydown', event => {
    if (event.key === 'Escape' && !detail.hidden) {
      event.preventDefault();
      closeDetail();
    } else if (event.key === 'ArrowDown' && event.target === field) {
      event.preventDefault();
      table.node.focus();
    }
  });
  updateCount();
  return {
    node,
    dispose() {
      clearTimeout(timer);
      search.stop();
    },
    onShow: () => table.refresh(),
    openChunk(index) {
      field.value = '';
      applyFilter();
      table.select(index);
      table.node.focus();
    }
  };
}

// -- Usage

/**
 * Counts whose columns are hidden in a narrow table: they seldom change during an answer, or are seldom reported.
 *
 * @type {CountName[]}
 */
const OPTIONAL_COUNTS = ['prompt', 'cached', 'tool'];

/**
 * @param {Array<number | null>} values
 * @returns {number[]} each value minus the previous one; 0 for a missing value
 */
function differences(values) {
  let previous = 0;
  return values.map(value => {
    const difference = value === null ? 0 : value - previous;
    previous = value ?? previous;
    return difference;
  });
}

/**
 * Creates the Usage panel: the final token counts, and a table of all usage reports.
 *
 * @param {AnswerRecord} record
 * @param {Chunks} chunks
 * @param {(index: number) => void} openChunk
 * @returns {Panel}
 */
export function usagePanel(record, chunks, openChunk) {
  const names = COUNTS.filter(name => chunks.usage.has(name));
  const reports = indexesOf(chunks).filter(index => names.some(name => chunks.tokens(index, name) !== null));
  const changes = new Map(
    names.map(name => [name, differences(reports.map(index => chunks.tokens(index, name)))])
  );
  /** @type {(name: CountName, row: number) => string} */
  const cellText = (name, row) => {
    const total = chunks.tokens(reports[row], name);
    const change = changes.get(name)[row];
    if (total === null) {
      return '';
    }
    const sign = change > 0 ? '+' : '';
    return `${formatNumber(total)}${change && change !== total ? ` (${sign}${formatNumber(change)})` : ''}`;
  };
  /** @type {import('./table.js').Column[]} */
  const columns = [
    { ...INDEX_COLUMN, hint: 'Index of the chunk', text: row => String(reports[row]) },
    { ...TIME_COLUMN, optional: true, text: row => formatSeconds(chunks.t[reports[row]]) },
    ...names.map(name => ({
      title: name,
      hint: 'Total as reported, and the change since the previous report',
      kind: 'right',
      optional: OPTIONAL_COUNTS.includes(name),
      /** @param {number} row */
      text: row => cellText(name, row)
    }))
  ];
  const totals = COUNTS.map(name => `${name} ${formatNumber(record.usage[name]) || '–'}`).join(' · ');
  const table = reports.length
    ? new Table('Usage', columns, reports.length, row => openChunk(reports[row]))
    : null;
  return {
    node: html(
      'div',
      {},
      html('div', { class: 'gmi-line' }, `Final token counts: ${totals}`),
      table?.node ?? html('div', { class: 'gmi-hint' }, 'No chunk reported token counts.')
    ),
    onShow: () => table?.refresh()
  };
}

// -- Request

/**
 * @param {import('./record.js').AttemptRecord} attempt
 * @returns {string} its status, error, end and wait
 */
function describeAttempt(attempt) {
  const status = attempt.status === null ? 'no response' : `HTTP ${attempt.status}`;
  const facts = [
    attempt.problem.startsWith(status) ? '' : status,
    attempt.problem,
    attempt.end === 'eof' ? '' : attempt.end,
    attempt.waited ? `sent after waiting ${attempt.waited.toFixed(1)} s` : ''
  ];
  return facts.filter(Boolean).map(reveal).join(' · ');
}

/**
 * @param {string} label
 * @param {Array<[string, string]>} headers
 * @returns {HTMLElement}
 */
function headerList(label, headers) {
  const items = headers.flatMap(([name, value]) => [html('dt', {}, name), html('dd', {}, reveal(value))]);
  return html('dl', { class: 'gmi-headers', 'aria-label': label }, ...items);
}

/**
 * @param {import('./record.js').ResponseRecord} response
 * @returns {string} the HTTP version, the status code and the reason
 */
function describeStatus({ version, status, reason }) {
  return reveal([version, status === null ? 'no status' : String(status), reason].filter(Boolean).join(' '));
}

/**
 * Creates the Request panel: the last request, the head of its response, and the attempts if there were several.
 *
 * @param {AnswerRecord} record
 * @returns {Panel}
 */
export function requestPanel({ request, response, attempts }) {
  if (!request) {
    return { node: html('div', { class: 'gmi-hint' }, 'This record does not contain a request.') };
  }
  const attemptItems = attempts.map(attempt =>
    html('li', { class: attempt.problem ? 'gmi-warning' : '' }, describeAttempt(attempt))
  );
  const reply = response
    ? [
        html('div', { class: 'gmi-url' }, html('b', {}, 'Response '), describeStatus(response)),
        headerList('Response headers', response.headers)
      ]
    : [];
  return {
    node: html(
      'div',
      { class: 'gmi-request' },
      html('div', { class: 'gmi-url' }, html('b', {}, request.method), ' ', reveal(request.url)),
      attemptItems.length > 1
        ? html('ol', { class: 'gmi-attempts', 'aria-label': 'Attempts' }, ...attemptItems)
        : null,
      headerList('Request headers', request.headers),
      ...reply,
      html('div', { class: 'gmi-url' }, html('b', {}, 'Request body')),
      renderJson(request.body)
    )
  };
}

// -- Notes

const SEVERITY_SYMBOLS = { info: '•', warning: '⚠', error: '✕' };

/**
 * Creates the Notes panel: the diagnostics of the stream.
 *
 * @param {AnswerRecord} record
 * @param {Chunks} chunks
 * @param {(index: number) => void} openChunk
 * @returns {Panel}
 */
export function notesPanel({ notes }, chunks, openChunk) {
  if (!notes.length) {
    return { node: html('div', { class: 'gmi-hint' }, 'There are no notes on this stream.') };
  }
  const items = notes.map(note =>
    html(
      'li',
      { class: `gmi-note-${note.severity}` },
      html(
        'span',
        { class: 'gmi-severity', role: 'img', 'aria-label': note.severity },
        SEVERITY_SYMBOLS[note.severity]
      ),
      html('span', {}, reveal(note.message), ' ', html('code', {}, reveal(note.kind))),
      note.chunk === null || note.chunk >= chunks.length
        ? null
        : button(`chunk ${note.chunk}`, () => openChunk(note.chunk))
    )
  );
  return { node: html('ul', { class: 'gmi-notes' }, ...items) };
}
