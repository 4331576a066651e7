/**
 * The panel of the Sources tab: the numbered sources of an answer and what was searched for.
 */

import { html } from './dom.js';
import { formatNumber, reveal } from './format.js';
import { LINK_RELATION, isLinkAllowed } from './sanitizer.js';

/**
 * @param {import('./record.js').SourceRecord} source
 * @returns {HTMLElement}
 */
function sourceItem({ title, uri, kind, domain, license, passages }) {
  const name = reveal(title || uri || kind || 'source');
  const facts = [
    kind,
    title.includes(domain) ? '' : domain,
    license && `license: ${license}`,
    passages ? `${formatNumber(passages)} ${passages === 1 ? 'passage' : 'passages'}` : 'no passage'
  ];
  const link = isLinkAllowed(uri)
    ? html('a', { href: uri, rel: LINK_RELATION, target: '_blank' }, name)
    : html('span', {}, name);
  return html('li', {}, link, ` · ${facts.filter(Boolean).map(reveal).join(' · ')}`);
}

/**
 * Creates the Sources panel.
 *
 * @param {import('./record.js').AnswerRecord} record
 * @returns {import('./panels.js').Panel}
 */
export function sourcesPanel({ sources, queries }) {
  return {
    node: html(
      'div',
      { class: 'gmi-sources' },
      sources.length
        ? html('ol', { 'aria-label': 'Sources' }, ...sources.map(sourceItem))
        : html('div', { class: 'gmi-hint' }, 'The server named no sources.'),
      queries.length
        ? html('div', { class: 'gmi-line' }, `Searched for: ${queries.map(reveal).join('; ')}`)
        : null
    )
  };
}
