/**
 * Keeps audio and videos that the reader plays in a streaming answer playing when the finished answer replaces the widget.
 *
 * The finished answer has players of its own, which continue at the same position. Where it has only a line, because the
 * notebook does not store the medium, the element of the streaming answer is moved there: nothing else has its data.
 */

/** What a player belongs to: a line with its caption, with or without a player. */
const PLACE = '.gm-sound';

/** @typedef {{ element: HTMLMediaElement, place: number, time: number, isPlaying: boolean }} PlayerState */

/**
 * @param {Element} root the root of a streaming answer
 * @returns {PlayerState[]} the players that the reader has used, as they are now
 */
export function readPlayers(root) {
  const places = Array.from(root.querySelectorAll(PLACE));
  return /** @type {HTMLMediaElement[]} */ (Array.from(root.querySelectorAll('audio, video')))
    .filter(element => element.currentTime > 0 || !element.paused)
    .map(element => ({
      element,
      place: places.indexOf(element.closest(PLACE)),
      time: element.currentTime,
      isPlaying: !element.paused && !element.ended
    }));
}

/**
 * Continues players in the finished answer.
 *
 * @param {PlayerState[]} players of the streaming answer
 * @param {Element} root the root of the finished answer
 * @returns {void}
 */
export function restorePlayers(players, root) {
  const places = Array.from(root.querySelectorAll(PLACE));
  for (const { element, place, time, isPlaying } of players) {
    if (!places[place]) {
      continue;
    }
    const found = /** @type {HTMLMediaElement | null} */ (places[place].querySelector('audio, video'));
    const player = found ?? element;
    if (found) {
      const { volume, muted, playbackRate } = element;
      Object.assign(found, { volume, muted, playbackRate, currentTime: time });
    } else {
      places[place].prepend(element);
    }
    if (isPlaying) {
      player.play().catch(() => {}); // the page may not play without the reader; the position is kept then
    }
  }
}
