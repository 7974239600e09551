/**
 * All processors of the server, with how fast they go.
 *
 * @module processor_list
 */

import { Pulse } from "./rates.js";

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {number} models
 * @property {number} events In short-term memory.
 * @property {Pulse} pulse
 */

export class ProcessorList {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Entry[] | null} */
  #sorted = null;

  get size() {
    return this.#entries.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#entries.get(id);
  }

  /**
   * These are all there are now; of those that were known already the pulse goes on.
   *
   * @param {{ id: string, models: number, events: number }[]} processors
   */
  replace(processors) {
    const known = this.#entries;
    this.#entries = new Map();
    for (const { id, models, events } of processors) {
      this.#entries.set(id, { id, models, events, pulse: known.get(id)?.pulse ?? new Pulse() });
    }
    this.#sorted = null;
  }

  /** @param {string} id */
  came(id) {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, { id, models: 0, events: 0, pulse: new Pulse() });
    this.#sorted = null;
  }

  /** @param {string} id */
  went(id) {
    if (this.#entries.delete(id)) this.#sorted = null;
  }

  /**
   * A processor has told its status.
   *
   * @param {Record<string, any>} status The envelope.
   */
  told({ processor, models, events, interval, time_stamp: at }) {
    const entry = this.#entries.get(processor);
    if (!entry) return;
    Object.assign(entry, { models, events });
    entry.pulse.sample({ interval, models, at });
  }

  /**
   * Those whose ids contain a text, in order.
   *
   * @param {string} text
   */
  filtered(text) {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const wanted = text.trim().toLowerCase();
    return wanted
      ? this.#sorted.filter(({ id }) => id.toLowerCase().includes(wanted))
      : this.#sorted;
  }
}

/**
 * Which rows of a long list can be seen, and a few on both sides.
 *
 * @param {{ top: number, height: number, row: number, rows: number, spare?: number }} view
 *   In pixels, but for the numbers of rows.
 * @returns {[number, number]} The first, and the one after the last.
 */
export function visible({ top, height, row, rows, spare = 4 }) {
  const first = Math.max(0, Math.floor(top / row) - spare);
  return [Math.min(first, rows), Math.min(rows, Math.ceil((top + height) / row) + spare)];
}
