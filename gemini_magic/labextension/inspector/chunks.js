/**
 * The chunks of a record: their arrival times, sizes and texts, and their reconstructed JSON.
 *
 * `docs/record.md` describes the columns. A column that does not have the described type counts as empty. JSON texts
 * that would need more memory than any real answer are not reconstructed.
 */

import { COUNTS, getOwn, readArray, readText } from './record.js';

/** The number of chunks that are read. */
const MAX_CHUNKS = 200_000;

/** Limits for the JSON of all chunks together: the number of values, and the number of characters. */
const MAX_VALUES = 10_000_000;
const MAX_CHARACTERS = 64_000_000;

/**
 * @param {any} value
 * @returns {number} the number, or 0 for anything that cannot be added up
 */
const finiteNumber = value => (Number.isFinite(value) && Math.abs(value) < 1e15 ? value : 0);

/**
 * Computes where each chunk's part of a text ends. The lengths are in code points, and JavaScript's strings are indexed
 * by UTF-16 code units.
 *
 * @param {string} text
 * @param {unknown[]} lengths
 * @param {number} count the number of chunks
 * @returns {Uint32Array} indexes into the text; the first is 0, then follows one for each chunk
 */
function endIndexes(text, lengths, count) {
  const ends = new Uint32Array(count + 1);
  const hasSurrogates = /[\ud800-\udbff]/.test(text);
  let end = 0;
  for (let index = 0; index < count; index++) {
    const length = Math.max(0, Math.floor(finiteNumber(lengths[index])));
    if (hasSurrogates) {
      for (let left = length; left > 0 && end < text.length; left--) {
        end += text.codePointAt(end) > 0xffff ? 2 : 1;
      }
    } else {
      end = Math.min(text.length, end + length);
    }
    ends[index + 1] = end;
  }
  return ends;
}

/**
 * @param {unknown[]} differences
 * @param {number} count
 * @returns {Array<number | null>} the running totals; a missing difference stays null
 */
function runningTotals(differences, count) {
  let total = 0;
  return Array.from({ length: count }, (_, index) => {
    const difference = differences[index];
    if (difference == null) {
      return null;
    }
    total += finiteNumber(difference);
    return total;
  });
}

/**
 * The JSON of a chunk: the index of its shape, and the literals between the pieces of the shape.
 *
 * @typedef {{ shape: number, literals: string[] }} ChunkJson
 */

/** The chunks of one answer, addressed by their index. */
export class Chunks {
  /** @param {import('./record.js').AnswerRecord} record */
  constructor(record) {
    let columns = {};
    try {
      columns = JSON.parse(record.chunks || '{}');
    } catch {
      // The column is not valid JSON, so no chunks are shown.
    }
    /** @param {string} name */
    const column = name => readArray(getOwn(columns, name), MAX_CHUNKS);
    const times = column('t');
    /** The number of chunks in the record. */
    this.length = times.length;
    this._record = record;
    /** Arrival times in seconds since the request was sent. */
    this.t = Float64Array.from(runningTotals(times, this.length), value => (value ?? 0) / 1e6);
    const sizes = column('size');
    /** Sizes of the JSON texts in bytes. */
    this.size = Float64Array.from({ length: this.length }, (_, index) =>
      Math.max(0, finiteNumber(sizes[index]))
    );
    this._kinds = column('kinds').map(kind => readText(kind, 100));
    this._kind = column('kind');
    this._textEnds = endIndexes(record.text, column('text'), this.length);
    this._thoughtEnds = endIndexes(record.thoughts, column('thought'), this.length);
    this._finish = new Map(column('finish').map(pair => [getOwn(pair, 0), readText(getOwn(pair, 1))]));
    this._attempt = column('attempt');
    this._round = column('round');
    /**
     * The token counts that were reported: for each name the running totals, null where a chunk has no count.
     *
     * @type {Map<import('./record.js').CountName, Array<number | null>>}
     */
    this.usage = new Map();
    for (const name of COUNTS) {
      const differences = column(name);
      if (differences.length) {
        this.usage.set(name, runningTotals(differences, this.length));
      }
    }
    /** @type {string[][]} */
    this._shapes = column('shapes').map(pieces =>
      readArray(pieces, MAX_CHUNKS).map(piece => readText(piece, MAX_CHARACTERS))
    );
    this._json = this._readJson(column('json'));
  }

  /**
   * Reads the literals of each chunk's JSON. Literals that a row omits are those of the previous chunk of that shape.
   *
   * @param {any[]} rows
   * @returns {Array<ChunkJson | null>}
   */
  _readJson(rows) {
    const previous = this._shapes.map(
      pieces => /** @type {string[]} */ (new Array(Math.max(0, pieces.length - 1)).fill(''))
    );
    const shapeLengths = this._shapes.map(pieces => pieces.reduce((sum, piece) => sum + piece.length, 0));
    let values = 0;
    let characters = 0;
    return Array.from({ length: this.length }, (_, index) => {
      const row = rows[index];
      const shape = Array.isArray(row) ? row[0] : null;
      if (!Number.isInteger(shape) || !(shape in previous)) {
        return null;
      }
      const literals = previous[shape].slice();
      values += literals.length;
      characters += shapeLengths[shape];
      for (let at = 1; at + 1 < row.length; at += 2) {
        if (!Number.isInteger(row[at]) || row[at] < 0 || row[at] >= literals.length) {
          return null;
        }
        literals[row[at]] = this._readLiteral(row[at + 1], index);
      }
      if (values > MAX_VALUES || characters > MAX_CHARACTERS) {
        return null;
      }
      characters += literals.reduce((sum, literal) => sum + literal.length, 0);
      previous[shape] = literals;
      return { shape, literals };
    });
  }

  /**
   * @param {unknown} value
   * @param {number} index of the chunk
   * @returns {string} the literal as JSON text
   */
  _readLiteral(value, index) {
    if (typeof value === 'boolean') {
      return JSON.stringify(value ? this.text(index) : this.thought(index));
    }
    return typeof value === 'number' ? String(value) : readText(value, MAX_CHARACTERS);
  }

  /**
   * @param {number} index
   * @returns {string} the text that the chunk adds to the answer
   */
  text(index) {
    return this._record.text.slice(this._textEnds[index], this._textEnds[index + 1]);
  }

  /**
   * @param {number} index
   * @returns {string} the text that the chunk adds to the thoughts
   */
  thought(index) {
    return this._record.thoughts.slice(this._thoughtEnds[index], this._thoughtEnds[index + 1]);
  }

  /**
   * @param {number} index
   * @returns {{ text: number, thoughts: number }} the lengths of the answer and the thoughts up to and including the
   *   chunk, in UTF-16 code units
   */
  lengthsAt(index) {
    return { text: this._textEnds[index + 1], thoughts: this._thoughtEnds[index + 1] };
  }

  /**
   * @param {number} index
   * @returns {string} the kinds of content, such as "text+usage"
   */
  kind(index) {
    return this._kinds[finiteNumber(this._kind[index])] ?? '';
  }

  /**
   * @param {number} index
   * @returns {number | null} seconds since the previous chunk; null for the first chunk
   */
  gap(index) {
    return index ? this.t[index] - this.t[index - 1] : null;
  }

  /**
   * @param {number} index
   * @returns {string} the finish reason, or an empty string
   */
  finish(index) {
    return this._finish.get(index) ?? '';
  }

  /**
   * @param {number} index
   * @returns {number} the index of the attempt that received the chunk
   */
  attempt(index) {
    return finiteNumber(this._attempt[index]);
  }

  /**
   * @param {number} index
   * @returns {number} the index of the round that received the chunk
   */
  round(index) {
    return finiteNumber(this._round[index]);
  }

  /**
   * @param {number} index
   * @param {import('./record.js').CountName} name
   * @returns {number | null} the token count that the chunk reports, or null
   */
  tokens(index, name = 'total') {
    return this.usage.get(name)?.[index] ?? null;
  }

  /**
   * @param {number} index
   * @returns {string | null} the JSON text as received, or null if the record does not contain it
   */
  json(index) {
    const saved = this._json[index];
    if (!saved) {
      return null;
    }
    return this._shapes[saved.shape].map((piece, at) => piece + (saved.literals[at] ?? '')).join('');
  }

  /**
   * @param {number} index
   * @returns {any} the parsed JSON; undefined if it is not in the record or not valid
   */
  value(index) {
    try {
      return JSON.parse(this.json(index) ?? '');
    } catch {
      return undefined;
    }
  }

  /**
   * @param {number} time in seconds since the request was sent
   * @returns {number} the index of the last chunk that had arrived by then; -1 if no chunk had arrived
   */
  indexAt(time) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.t[middle] <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }
}
