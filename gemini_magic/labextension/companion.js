/**
 * Makes growing answers comfortable; everything can be seen and read without it.
 *
 * It knows notebooks and their outputs, and finds those that are live answers. While none is there it only hears of
 * outputs that come and go.
 */

import { Announcer } from './announcer.js';
import { NotebookWatch } from './cells.js';
import { LiveAnswer } from './live.js';

const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** How the HTML begins that stands beside our widgets in their bundle. */
const OURS = '<div class="gemini-magic';

/** The settings of the whole extension, if it has some. */
const SETTINGS = 'gemini-magic:plugin';

/**
 * Whether an output is a widget of ours.
 *
 * @param {import('@jupyterlab/rendermime').IOutputModel} output
 */
function isOurs({ data }) {
  return WIDGET in data && String(data['text/html']).startsWith(OURS);
}

/** Hears of the outputs of one code cell. */
class CellWatch {
  /**
   * @param {import('@jupyterlab/cells').ICodeCellModel} cell
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {import('./live.js').Reader} reader
   */
  constructor(cell, panel, reader) {
    this._cell = cell;
    this._outputs = cell.outputs; // a disposed cell has none
    this._panel = panel;
    this._reader = reader;
    /** @type {Set<LiveAnswer>} */
    this._answers = new Set();
    this._outputs.changed.connect(this._onChanged, this);
    if (this._outputs.length) {
      // Saved outputs are there before the notebook has made anything of them.
      panel.revealed.then(() => this._watch(0, this._outputs.length));
    }
  }

  dispose() {
    this._outputs.changed.disconnect(this._onChanged, this);
    for (const answer of this._answers) {
      answer.dispose();
    }
    this._answers.clear();
  }

  /**
   * @param {unknown} _outputs
   * @param {import('@jupyterlab/outputarea').IOutputAreaModel.ChangedArgs} change
   */
  _onChanged(_outputs, { type, newIndex, newValues }) {
    for (const answer of this._answers) {
      if (answer.isGone) {
        this._answers.delete(answer);
      }
    }
    if (type === 'add' && newValues.some(isOurs)) {
      // The area may hear of it after this.
      Promise.resolve().then(() => this._watch(newIndex, newIndex + newValues.length));
    }
  }

  /**
   * @param {number} first
   * @param {number} after
   */
  _watch(first, after) {
    const area = this._panel.content.widgets.find(widget => widget.model === this._cell)?.outputArea;
    for (let index = first; area && index < after; index += 1) {
      const output = this._outputs.get(index);
      const child = area.widgets[index]?.node;
      if (output && isOurs(output) && child?.parentElement) {
        this._answers.add(new LiveAnswer(child, this._reader, () => this._fallback(output)));
      }
    }
  }

  /**
   * What the output says where there are no widgets, drawn as JupyterLab draws what it does not trust.
   *
   * @param {import('@jupyterlab/rendermime').IOutputModel} output
   * @returns {Promise<HTMLElement>}
   */
  async _fallback(output) {
    const { rendermime } = this._panel.content;
    const renderer = rendermime.createRenderer('text/html');
    const data = { 'text/html': output.data['text/html'] };
    await renderer.renderModel(rendermime.createModel({ data, trusted: false }));
    return renderer.node;
  }
}

/**
 * Keeps the reader's wishes as the settings say, now and after each change; as by default where there are none.
 *
 * @param {import('@jupyterlab/settingregistry').ISettingRegistry} registry
 * @param {{ follow: boolean }} reader
 */
async function obey(registry, reader) {
  const { ids } = await registry.connector.list('ids');
  if (!ids.includes(SETTINGS)) {
    return;
  }
  const settings = await registry.load(SETTINGS);
  const read = () => {
    reader.follow = settings.composite.follow !== false;
  };
  settings.changed.connect(read);
  read();
}

/**
 * @param {(library: string) => Promise<object>} shared
 * @returns {Promise<import('@jupyterlab/application').JupyterFrontEndPlugin<void>>}
 */
export default async function companion(shared) {
  const { ISettingRegistry } = await shared('@jupyterlab/settingregistry');
  return {
    id: 'gemini-magic:companion',
    description: 'Comfort for growing answers: following, what was opened and selected, announcements.',
    autoStart: true,
    optional: [ISettingRegistry],
    activate(app, registry) {
      const reader = { follow: true, announcer: new Announcer() };
      app.docRegistry.addWidgetExtension('Notebook', {
        createNew: panel => new NotebookWatch(panel, cell => new CellWatch(cell, panel, reader))
      });
      if (registry) {
        app.restored.then(() => obey(registry, reader));
      }
    }
  };
}
