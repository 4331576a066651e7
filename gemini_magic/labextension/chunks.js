/**
 * The chunks of a record: when each came, what it added to the text, and its JSON, put together again.
 *
 * It knows the columns in `docs/record.md`. A list that is not as described counts as empty, and what would take more
 * room than any real answer is not put together.
 */

import { COUNTS, list, own, text } from './record.js';

const MOST = 200_000;
/** Values of all chunks together, and characters of all their JSON. */
const MOST_VALUES = 10_000_000;
const MOST_CHARACTERS = 400_000_000;

/** @returns {number} a number that can be added up */
const amount = value => (Number.isFinite(value) && Math.abs(value) < 1e15 ? value : 0);

/**
 * Where in a text each chunk's share ends. The lengths are in characters, and JavaScript counts halves of some.
 *
 * @param {string} whole
 * @param {unknown[]} lengths
 * @param {number} count
 * @returns {Uint32Array} one more than there are chunks; the first is 0
 */
function endsOf(whole, lengths, count) {
  const ends = new Uint32Array(count + 1);
  const plain = !/[\ud800-\udbff]/.test(whole);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const length = Math.max(0, Math.floor(amount(lengths[index])));
    if (plain) {
      at = Math.min(whole.length, at + length);
    } else {
      for (let left = length; left > 0 && at < whole.length; left--) {
        at += whole.codePointAt(at) > 0xffff ? 2 : 1;
      }
    }
    ends[index + 1] = at;
  }
  return ends;
}

/** @returns {Array<number | null>} running totals of differences; null stays null */
function totals(differences, count) {
  let total = 0;
  return Array.from({ length: count }, (_, index) => {
    const difference = differences[index];
    if (difference == null) {
      return null;
    }
    total += amount(difference);
    return total;
  });
}

/** One answer's chunks, by their index. */
export class Chunks {
  /** @param {ReturnType<import('./record.js').readRecord>} record */
  constructor(record) {
    let columns = {};
    try {
      columns = JSON.parse(record.chunks || '{}');
    } catch {
      // Damaged: there are no chunks to show.
    }
    const column = name => list(own(columns, name), MOST);
    const times = column('t');
    this.length = times.length;
    this._record = record;
    this.t = Float64Array.from(totals(times, this.length), value => (value ?? 0) / 1e6);
    const sizes = column('size');
    this.size = Float64Array.from({ length: this.length }, (_, index) => Math.max(0, amount(sizes[index])));
    this._kinds = column('kinds').map(kind => text(kind, 100));
    this._kind = column('kind');
    this._ends = endsOf(record.text, column('text'), this.length);
    this._thoughtEnds = endsOf(record.thoughts, column('thought'), this.length);
    this._finish = new Map(column('finish').map(pair => [own(pair, 0), text(own(pair, 1))]));
    this._attempt = column('attempt');
    this._round = column('round');
    /** The counts that were sent: name to running totals, null where a chunk said nothing. */
    this.usage = new Map(
      COUNTS.map(name => [name, column(name)])
        .filter(([, differences]) => differences.length)
        .map(([name, differences]) => [name, totals(differences, this.length)])
    );
    this._shapes = column('shapes').map(pieces => list(pieces, MOST).map(piece => text(piece, MOST_CHARACTERS)));
    this._values = this._read(column('json'));
  }

  /** Reads what each chunk says of its JSON; a chunk that says less than all takes the rest from one before. */
  _read(rows) {
    const former = this._shapes.map(pieces => new Array(Math.max(0, pieces.length - 1)).fill(''));
    const lengths = this._shapes.map(pieces => pieces.reduce((sum, piece) => sum + piece.length, 0));
    let values = 0;
    let characters = 0;
    return Array.from({ length: this.length }, (_, index) => {
      const row = rows[index];
      const shape = Array.isArray(row) ? row[0] : null;
      if (!Number.isInteger(shape) || !(shape in former)) {
        return null;
      }
      const literals = former[shape].slice();
      values += literals.length;
      characters += lengths[shape];
      for (let at = 1; at + 1 < row.length; at += 2) {
        if (!Number.isInteger(row[at]) || row[at] < 0 || row[at] >= literals.length) {
          return null;
        }
        literals[row[at]] = this._literal(row[at + 1], index);
      }
      if (values > MOST_VALUES || characters > MOST_CHARACTERS) {
        return null;
      }
      characters += literals.reduce((sum, literal) => sum + literal.length, 0);
      former[shape] = literals;
      return { shape, literals };
    });
  }

  _literal(value, index) {
    if (typeof value === 'boolean') {
      return JSON.stringify(value ? this.text(index) : this.thought(index));
    }
    return typeof value === 'number' ? String(value) : text(value, MOST_CHARACTERS);
  }

  /** What a chunk added to the answer. */
  text(index) {
    return this._record.text.slice(this._ends[index], this._ends[index + 1]);
  }

  /** What a chunk added to the thoughts. */
  thought(index) {
    return this._record.thoughts.slice(this._thoughtEnds[index], this._thoughtEnds[index + 1]);
  }

  /** How much of answer and thoughts had come with a chunk, in JavaScript's characters. */
  reached(index) {
    return { text: this._ends[index + 1], thoughts: this._thoughtEnds[index + 1] };
  }

  kind(index) {
    return this._kinds[this._kind[index]] ?? '';
  }

  /** Seconds since the chunk before; null at the first. */
  gap(index) {
    return index ? this.t[index] - this.t[index - 1] : null;
  }

  /** The reason to end that a chunk gave, or an empty text. */
  finish(index) {
    return this._finish.get(index) ?? '';
  }

  attempt(index) {
    return amount(this._attempt[index]);
  }

  round(index) {
    return amount(this._round[index]);
  }

  /** What a chunk said of a count, or null. */
  tokens(index, name = 'total') {
    return this.usage.get(name)?.[index] ?? null;
  }

  /** @returns {string | null} the JSON text as it was received; null where the record does not hold it */
  json(index) {
    const kept = this._values[index];
    if (!kept) {
      return null;
    }
    return this._shapes[kept.shape].map((piece, at) => piece + (kept.literals[at] ?? '')).join('');
  }

  /** @returns {any} its value; undefined where there is none */
  value(index) {
    try {
      return JSON.parse(this.json(index) ?? '');
    } catch {
      return undefined;
    }
  }

  /** @returns {number} the last chunk that had come by a time, -1 for none */
  at(time) {
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
