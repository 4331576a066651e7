/**
 * Keeps the pictures of a streaming answer that are not saved: they stay in the page in which they arrived.
 *
 * No other element can load the data of such a picture again, so the image element itself is moved into the finished answer.
 */

import { PICTURE } from '../inspector/picture_dialog.js';

export { openPicture } from '../inspector/picture_dialog.js';

/**
 * @param {Element} root the root of a streaming answer
 * @returns {HTMLImageElement[]} its pictures, in order
 */
export const picturesOf = root => Array.from(root.querySelectorAll(PICTURE));

/**
 * Puts pictures of a streaming answer into the empty places of the finished one.
 *
 * @param {HTMLImageElement[]} pictures of the streaming answer, in order
 * @param {Element} root the root of the finished answer
 * @returns {void}
 */
export function keepPictures(pictures, root) {
  const places = Array.from(root.querySelectorAll('.gm-picture'));
  pictures.forEach((picture, index) => {
    const place = places[index];
    const empty = /** @type {HTMLImageElement | null} */ (place?.matches('.gm-absent') ? place.querySelector('img') : null);
    if (empty) {
      picture.removeAttribute('class');
      Object.assign(picture, { alt: empty.alt, title: place.textContent });
      place.replaceChildren(picture);
      place.classList.remove('gm-absent');
    }
  });
}
