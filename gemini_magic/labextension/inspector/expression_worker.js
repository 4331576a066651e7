/**
 * Searches for a regular expression in a worker, because a search cannot be interrupted: the page stops the worker.
 *
 * The message contains the source and the flags of the expression, and the texts of each chunk. The answer lists for each
 * chunk whether one of its texts matches.
 */

addEventListener('message', ({ data }) => {
  const pattern = new RegExp(data.source, data.flags);
  postMessage(data.texts.map(texts => texts.some(text => pattern.test(text))));
});
