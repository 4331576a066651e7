/**
 * Shows a picture of an answer in its real size when it is clicked.
 *
 * A picture of a streaming answer is an image element whose data no other element can load again. So the element itself is
 * moved into the dialog and back.
 */

import { html } from './dom.js';

/** A picture of an answer. An empty place is not one. */
export const PICTURE = '.gm-picture:not(.gm-absent) img';

/**
 * Handles a click in an answer: shows the picture that was clicked in its real size.
 *
 * @param {Event} event
 * @returns {void}
 */
export function openPicture(event) {
  const target = /** @type {Element} */ (event.target);
  if (!target.matches(PICTURE)) {
    return;
  }
  event.preventDefault();
  const picture = /** @type {HTMLImageElement} */ (target);
  const { height } = picture.getBoundingClientRect();
  const place = html('div', {});
  place.style.height = `${height}px`;
  const dialog = html('dialog', {
    class: 'gmi-viewer',
    'aria-label': picture.alt || 'Picture',
    click: () => dialog.close(),
    keydown: each => each.stopPropagation(),
    close: () => {
      place.replaceWith(picture);
      dialog.remove();
    }
  });
  picture.replaceWith(place);
  dialog.append(picture);
  document.body.append(dialog);
  dialog.showModal();
}
