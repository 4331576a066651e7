/**
 * Asks a kernel for the states of answers whose end this page has not received.
 */

/** The comm target of the kernel. */
const TARGET = 'gemini_magic';

const MAX_IDS = 100;

/**
 * Opens a comm with the ids of the answers. The kernel sends the states of those that it knows, as displays, and
 * replies with the other ids. A kernel in which the extension is not loaded closes the comm at once.
 *
 * @param {import('@jupyterlab/services').Kernel.IKernelConnection} kernel
 * @param {string[]} ids
 * @param {(unknown: string[]) => void} onUnknown receives the ids of answers of an earlier kernel
 * @returns {void}
 */
export function askKernel(kernel, ids, onUnknown) {
  const asked = [...new Set(ids)].slice(0, MAX_IDS);
  const comm = kernel.createComm(TARGET);
  let isAnswered = false;
  comm.onMsg = ({ content }) => {
    isAnswered = true;
    const { unknown } = /** @type {any} */ (content.data);
    onUnknown(Array.isArray(unknown) ? asked.filter(id => unknown.includes(id)) : []);
  };
  comm.onClose = () => {
    if (!isAnswered) {
      onUnknown(asked);
    }
  };
  comm.open({ ids: asked });
}
