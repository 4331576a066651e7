/**
 * Finds the outputs of answers in a notebook, also those inside `Output` widgets.
 */

import { WIDGET_TYPE, isAnswer, readState } from './answer_state.js';

/**
 * @typedef {object} Place an output of an answer
 * @property {import('@jupyterlab/outputarea').IOutputAreaModel} outputs the list that contains it
 * @property {number} index its position in the list
 * @property {import('@jupyterlab/rendermime').IOutputModel} output
 * @property {import('./answer_state.js').AnswerState} own its state
 * @property {HTMLElement | undefined} node its element
 * @property {import('@jupyterlab/cells').ICodeCellModel | null} cell null if the output is inside an `Output` widget
 */

/**
 * @param {import('@jupyterlab/notebook').Notebook} notebook
 * @returns {Place[]} the outputs of answers
 */
export function findAnswers(notebook) {
  /** @type {Place[]} */
  const found = [];
  for (const widget of notebook.widgets) {
    if (widget.model.type === 'code') {
      const { model, outputArea } = /** @type {import('@jupyterlab/cells').CodeCell} */ (widget);
      addOutputs(model.outputs, outputArea, model, found);
    }
  }
  return found;
}

/**
 * @param {import('@jupyterlab/outputarea').IOutputAreaModel} outputs
 * @param {any} area the output area that shows the outputs
 * @param {import('@jupyterlab/cells').ICodeCellModel | null} cell
 * @param {Place[]} found
 * @returns {void}
 */
function addOutputs(outputs, area, cell, found) {
  for (let index = 0; index < outputs.length; index += 1) {
    const output = outputs.get(index);
    const own = readState(output.metadata);
    const child = area?.widgets[index];
    if (own && isAnswer(output.data)) {
      found.push({ outputs, index, output, own, node: child?.node, cell });
    } else if (child && WIDGET_TYPE in output.data) {
      addNested(child, found);
    }
  }
}

/**
 * @param {import('@lumino/widgets').Widget} widget
 * @param {Place[]} found
 * @returns {void}
 */
function addNested(widget, found) {
  for (const child of widget.children()) {
    const area = /** @type {any} */ (child);
    if (child.hasClass('jp-OutputArea') && area.model) {
      addOutputs(area.model, area, null, found);
    } else {
      addNested(child, found);
    }
  }
}

/**
 * @param {Place} place
 * @returns {boolean} whether the output omits the error of its answer although the error is not in a later output
 */
export function lacksError({ own, outputs, index }) {
  if (own.state !== 'final' || !own.errorFollows) {
    return false;
  }
  for (let next = index + 1; next < outputs.length; next += 1) {
    if (outputs.get(next).type === 'error') {
      return false;
    }
  }
  return true;
}

/**
 * @param {Place} place
 * @returns {boolean} whether the answer may still be arriving
 */
export const isUnfinished = ({ own }) => own.state === 'live' || own.state === 'partial';
