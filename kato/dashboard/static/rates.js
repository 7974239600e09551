/**
 * How often something happens. All of it is told the time, in seconds.
 *
 * @module rates
 */

/** Counts what happens, second by second. */
export class Meter {
  #buckets;
  #second = 0;

  /** @param {number} [seconds] How many of them are remembered. */
  constructor(seconds = 60) {
    this.#buckets = new Array(seconds).fill(0);
  }

  /**
   * @param {number} now
   * @param {number} [times]
   */
  count(now, times = 1) {
    this.#advance(now);
    this.#buckets[this.#buckets.length - 1] += times;
  }

  /** How often it happened in the last whole second. */
  rate(now) {
    return this.history(now).at(-1);
  }

  /** How often it happened in each whole second, the last one last. */
  history(now) {
    this.#advance(now);
    return this.#buckets.slice(0, -1);
  }

  #advance(now) {
    const second = Math.floor(now);
    const passed = Math.min(Math.max(second - this.#second, 0), this.#buckets.length);
    for (let i = 0; i < passed; i++) {
      this.#buckets.shift();
      this.#buckets.push(0);
    }
    this.#second = Math.max(second, this.#second);
  }
}

/** How fast two counters of a processor rise, from what it says of itself now and then. */
export class Pulse {
  #last = null;
  #history = [];

  /** Observations and new models a second; null before there are two samples. */
  observations = null;
  learning = null;

  /** @param {{ interval: number, models: number, at: number }} sample */
  sample(sample) {
    const last = this.#last;
    this.#last = sample;
    if (!last || sample.at <= last.at) return;
    const seconds = sample.at - last.at;
    // Clearing all memory begins both counters anew.
    const reset = sample.interval < last.interval;
    this.observations = (sample.interval - (reset ? 0 : last.interval)) / seconds;
    this.learning = Math.max(sample.models - (reset ? 0 : last.models), 0) / seconds;
    this.#history = [...this.#history.slice(-29), this.observations];
  }

  /** The last rates of observations, the newest last. */
  get history() {
    return this.#history;
  }
}

/**
 * The corners of a small curve, from (0, height) to (width, 0).
 *
 * @param {number[]} values
 * @param {{ width: number, height: number, most: number }} room `most`: how many values fill it.
 */
export function curve(values, { width, height, most }) {
  const top = Math.max(...values, 1e-9);
  const start = most - values.length;
  return values.map((value, i) => {
    const x = ((start + i) / Math.max(most - 1, 1)) * width;
    return `${x.toFixed(1)},${(height - (value / top) * height).toFixed(1)}`;
  });
}
