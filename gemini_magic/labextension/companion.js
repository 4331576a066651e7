/**
 * Makes a growing answer comfortable: its end stays in view for a reader who is there, what was opened or selected
 * stays so when the finished answer takes the widget's place, and its end is announced.
 *
 * It knows the classes of an answer's parts and JupyterLab's output areas. It reads the page, scrolls, and sets
 * attributes; it knows no kernel, and everything can be seen and read without it. While no answer grows it only hears
 * of outputs that come and go.
 */

import { NotebookWatch } from './cells.js';
import { Follower } from './follow.js';
import { selectedWords, selectWords } from './words.js';

const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** How the HTML begins that stands beside our widgets in their bundle. */
const OURS = '<div class="gemini-magic';

/** An answer that is a widget, and one that is not. */
const LIVE = '.gm-live, .gemini-magic.jupyter-widgets';
const STATIC = '.gemini-magic:not(.gm-live, .jupyter-widgets)';

/** What JupyterLab shows for a widget whose kernel is gone. */
const DEAD = /^Error displaying widget/;

/** Milliseconds in which the finished answer has to be there, and in which it may still grow (formulas are set late). */
const SETTLED = 1000;

/** A duration in the status line; the fact before it says how the answer ended. */
const DURATION = /^\d[\d.]* s$|^\d+ min \d\d s$/;

/** The settings of the whole extension, if it has some. */
const SETTINGS = 'gemini-magic:plugin';

/**
 * How an answer ended, for the ear, from the words of its status line.
 *
 * @param {Element} answer
 * @returns {string}
 */
function endingOf(answer) {
  const facts = Array.from(answer.querySelectorAll('.gm-status .gm-fact'), fact => fact.textContent);
  const said = facts[facts.findIndex(fact => DURATION.test(fact)) - 1] || 'finished';
  const whole = /^(answer|rest|prompt) /.test(said) ? said : `answer ${said}`;
  return whole[0].toUpperCase() + whole.slice(1);
}

/** Tells readers who listen what happened, in one place that is always there: a new one would not be heard. */
class Announcer {
  constructor() {
    this._node = document.createElement('div');
    this._node.className = 'gm-announcer';
    this._node.setAttribute('role', 'status');
    this._node.setAttribute('aria-live', 'polite');
    Object.assign(this._node.style, {
      position: 'fixed',
      width: '1px',
      height: '1px',
      overflow: 'hidden',
      clipPath: 'inset(50%)',
      whiteSpace: 'nowrap'
    });
    document.body.append(this._node);
  }

  /** @param {string} words */
  say(words) {
    // A new element is heard also when the words are those of the last time.
    const line = document.createElement('div');
    line.textContent = words;
    this._node.replaceChildren(line);
  }
}

/** One answer, from the moment its widget is asked for until the finished answer stands in its place. */
class Answer {
  /**
   * @param {HTMLElement} child the output in its area
   * @param {{ follow: boolean, announcer: Announcer }} reader
   * @param {() => Promise<HTMLElement>} fallback makes what is shown if the widget is gone
   */
  constructor(child, reader, fallback) {
    this._child = child;
    this._area = child.parentElement;
    this._reader = reader;
    this._fallback = fallback;
    /** @type {HTMLElement | null} */
    this._root = null;
    /** @type {Follower | null} */
    this._follower = null;
    /** @type {HTMLDetailsElement | null} */
    this._fold = null;
    this._thoughtsTop = 0;
    /** @type {import('./words.js').Words | null} */
    this._words = null;
    this._timer = 0;
    this.isDisposed = false;
    // Widgets come later than their output. Only this output is watched, and only until one of them is there.
    this._observer = new MutationObserver(() => this._seek());
    this._observer.observe(child, { childList: true, subtree: true });
    this._seek();
  }

  dispose() {
    this.isDisposed = true;
    this._letGo();
    this._observer.disconnect();
    this._follower?.dispose();
    clearTimeout(this._timer);
  }

  /** Where the output is no more, nobody else says so. */
  get isGone() {
    return this.isDisposed || this._child.parentElement !== this._area;
  }

  _seek() {
    const root = this._child.querySelector(LIVE);
    if (root?.querySelector('.gm-mark.gm-busy')) {
      this._observer.disconnect();
      this._begin(root);
    } else if (root?.querySelector('.gm-mark')) {
      this.dispose();
    } else if (!root) {
      const dead = Array.from(this._child.querySelectorAll('.jupyter-widgets')).find(
        node => !node.firstElementChild && DEAD.test(node.textContent)
      );
      if (dead) {
        this.dispose();
        this._fallback().then(node => dead.replaceChildren(node));
      }
    }
  }

  /** @param {HTMLElement} root */
  _begin(root) {
    this._root = root;
    root.setAttribute('role', 'region');
    root.setAttribute('aria-label', 'Gemini answer');
    root.setAttribute('aria-busy', 'true');
    this._follower = new Follower(root, () => this._reader.follow);
    root.addEventListener('click', this, true);
    root.addEventListener('toggle', this, true);
    root.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('selectionchange', this);
    // Neither of the two sees an update: the first hears of outputs, the second of the root's own children and classes.
    this._observer = new MutationObserver(records => this._onOutputs(records));
    this._observer.observe(this._area, { childList: true });
    this._states = new MutationObserver(() => this._onState());
    this._states.observe(root, { childList: true, attributes: true, attributeFilter: ['class'] });
  }

  /** The answer does not grow any more. */
  _letGo() {
    const root = this._root;
    if (!root) {
      return;
    }
    this._root = null;
    root.removeAttribute('aria-busy');
    root.removeEventListener('click', this, true);
    root.removeEventListener('toggle', this, true);
    root.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('selectionchange', this);
    this._states.disconnect();
  }

  /** @param {Event} event */
  handleEvent(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.type === 'selectionchange') {
      const text = this._root.querySelector('.gm-answer');
      this._words = text && selectedWords(document.getSelection(), text);
    } else if (event.type === 'click' && target.closest('summary')) {
      // The thoughts are read where they begin, so the page must not run away from them.
      this._follower.release();
    } else if (event.type === 'toggle' && target.matches('.gm-thinking')) {
      this._fold = target;
    } else if (event.type === 'scroll' && target.matches('.gm-thoughts')) {
      this._thoughtsTop = target.scrollTop;
    }
  }

  /** A page that was opened in mid-answer sees no change of outputs: the widget itself becomes the finished answer. */
  _onState() {
    const root = this._root;
    if (root.matches('.jupyter-widgets-disconnected')) {
      this._reader.announcer.say('Answer cut off, the kernel ended');
      this.dispose();
    } else if (root.querySelector('.gm-mark') && !root.querySelector('.gm-mark.gm-busy')) {
      this._reader.announcer.say(endingOf(root));
      this.dispose();
    }
  }

  /** @param {MutationRecord[]} records */
  _onOutputs(records) {
    if (!this.isGone) {
      return;
    }
    const removed = records.find(record => Array.from(record.removedNodes).includes(this._child));
    const added = records.find(
      record => record.addedNodes.length && removed && record.previousSibling === removed.previousSibling
    );
    const child = added?.addedNodes[0];
    this._observer.disconnect();
    this._letGo();
    if (!child) {
      this.dispose();
      return;
    }
    this._child = /** @type {HTMLElement} */ (child);
    this._timer = setTimeout(() => this.dispose(), SETTLED);
    this._observer = new MutationObserver(() => this._settle());
    this._observer.observe(child, { childList: true, subtree: true });
    this._settle();
  }

  /** Runs before the finished answer is painted, so that nothing is seen to change. */
  _settle() {
    const root = this._child.querySelector(STATIC);
    if (!root?.querySelector('.gm-mark')) {
      return;
    }
    this._observer.disconnect();
    const fold = root.querySelector('details.gm-thinking');
    if (this._fold?.open && fold) {
      fold.open = true;
      root.querySelector('.gm-thoughts').scrollTop = this._thoughtsTop;
    }
    this._follower.replace(root);
    const text = root.querySelector('.gm-answer');
    if (this._words && text) {
      selectWords(document.getSelection(), text, this._words);
    }
    if (!root.querySelector('.gm-mark.gm-busy')) {
      this._reader.announcer.say(endingOf(root));
    }
  }
}

/** Hears of the outputs of one code cell. */
class CellWatch {
  /**
   * @param {import('@jupyterlab/cells').ICodeCellModel} cell
   * @param {import('@jupyterlab/notebook').NotebookPanel} panel
   * @param {{ follow: boolean, announcer: Announcer }} reader
   */
  constructor(cell, panel, reader) {
    this._cell = cell;
    this._outputs = cell.outputs; // a disposed cell has none
    this._panel = panel;
    this._reader = reader;
    /** @type {Set<Answer>} */
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
        this._answers.add(new Answer(child, this._reader, () => this._fallback(output)));
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
 * Whether an output is a widget of ours.
 *
 * @param {import('@jupyterlab/rendermime').IOutputModel} output
 */
function isOurs({ data }) {
  return WIDGET in data && String(data['text/html']).startsWith(OURS);
}

/**
 * Keeps the reader's wishes as the settings say, now and after each change; without a schema nothing is asked.
 *
 * @param {import('@jupyterlab/settingregistry').ISettingRegistry} registry
 * @param {{ follow: boolean }} reader
 */
async function obey(registry, reader) {
  if (!(SETTINGS in registry.plugins)) {
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
