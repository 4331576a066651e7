/**
 * The panel of the Tools tab: the rounds of an answer and its tool runs, each with its arguments, its result and its output.
 */

import { html } from './dom.js';
import { formatDuration, formatNumber, quantity, reveal } from './format.js';

/** Who approved a run, by the value in the record. */
const APPROVALS = {
  you: 'approved by the user',
  always: 'approved by the user for all calls of this tool in the session'
};

/**
 * @param {import('./record.js').ToolRecord} run
 * @returns {HTMLElement}
 */
function runItem(run) {
  /** @type {Array<[string, string]>} */
  const sections = [
    ['arguments', run.args],
    ['result', run.result],
    ['message', run.message],
    ['printed', run.stdout],
    ['printed to stderr', run.stderr]
  ];
  const names = { arguments: 'args', result: 'result', printed: 'stdout', 'printed to stderr': 'stderr' };
  const facts = [
    run.started === null ? '' : `began at ${formatDuration(run.started)}`,
    Object.hasOwn(APPROVALS, run.approved) ? APPROVALS[run.approved] : ''
  ].filter(Boolean);
  return html(
    'details',
    { class: 'gmi-tool' },
    html('summary', {}, reveal(run.line)),
    ...sections
      .filter(([, text]) => text)
      .flatMap(([title, text]) => [
        html('div', { class: 'gmi-label' }, run.shortened.includes(names[title]) ? `${title} (beginning)` : title),
        html('pre', {}, reveal(text))
      ]),
    facts.length ? html('div', { class: 'gmi-label' }, facts.join(' · ')) : null
  );
}

/**
 * @param {import('./record.js').RoundRecord} round
 * @param {number} index
 * @returns {string} such as "Round 2: 5 chunks, 1 call, 120 tokens, 0.81 s"
 */
function roundTitle({ started, ended, chunks, calls, finish, usage }, index) {
  const facts = [
    quantity(chunks ?? 0, 'chunk'),
    calls ? quantity(calls, 'call') : '',
    usage.total === null ? '' : `${formatNumber(usage.total)} tokens`,
    started === null || ended === null || ended < started ? '' : formatDuration(ended - started),
    reveal(finish)
  ];
  return `Round ${index + 1}: ${facts.filter(Boolean).join(', ')}`;
}

/**
 * Creates the Tools panel.
 *
 * @param {import('./record.js').AnswerRecord} record
 * @returns {import('./panels.js').Panel}
 */
export function toolsPanel({ rounds, tools }) {
  const sections = rounds.map((round, index) =>
    html(
      'section',
      { 'aria-label': `Round ${index + 1}` },
      html('div', { class: 'gmi-round' }, roundTitle(round, index)),
      ...tools.filter(run => run.round === index).map(runItem)
    )
  );
  const others = tools.filter(run => !(run.round in rounds));
  return { node: html('div', { class: 'gmi-tools' }, ...sections, ...others.map(runItem)) };
}
