/**
 * What the page knows of one processor: read once, then kept up to date by its events.
 *
 * @module picture
 */

import { Meter } from "./rates.js";

/** How much is remembered. */
const LEARNED = 100;
const FELT = 400;
const HELD = 1_000;

/** Topics of which only the newest event counts. */
const NEWEST = new Set(["observations", "predictions"]);

/**
 * Something that memory did.
 *
 * @typedef {object} Lesson
 * @property {"learned" | "updated" | "deleted" | "cleared"} change
 * @property {string | null} name The model's.
 * @property {number | null} frequency
 * @property {number | null} length
 * @property {boolean} automatic
 * @property {number} at Unix seconds.
 * @property {number} offset
 */

export class Picture {
  /** @type {string[][]} */
  stm = [];
  /** @type {Record<string, any>[]} */
  predictions = [];
  /** The STM which the predictions are about. */
  basis = this.stm;
  /** @type {Record<string, any>[]} */
  forecast = [];
  /** @type {Lesson[]} The newest first. */
  learned = [];
  /** @type {{ offset: number, emotives: Record<string, number> }[]} The newest last. */
  felt = [];
  /** @type {Record<string, any> | null} */
  genes = null;
  /** @type {{ models: number, symbols: number, vectors: number, interval: number } | null} */
  counters = null;
  /** @type {import("./accuracy.js").Accuracy | null} Null where it is not counted. */
  accuracy = null;
  /** Events that were passed over, because they came too fast. */
  skipped = 0;
  /** The offset of the newest change, and of that which the predictions follow. */
  offset = 0;
  foreseen = 0;
  /** Whether the processor's service is there, and the processor itself. */
  away = false;
  gone = false;

  events = new Meter();
  lessons = new Meter();

  #reading = null;

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  /** Whether all of it is known. */
  get known() {
    return this.#reading === null && this.counters !== null;
  }

  /**
   * The state is being read: what happens meanwhile is held back until it is known.
   *
   * @param {number} offset
   */
  begin(offset) {
    this.#reading = [];
    this.offset = offset;
    this.away = this.gone = false;
  }

  /**
   * The state has been read.
   *
   * @param {object} answers The envelopes of the operations.
   */
  read({ status, memory, predictions, forecast, percept }) {
    const held = this.#reading ?? [];
    this.#reading = null;
    this.take(status);
    this.genes = status.genes;
    this.#remember(memory.short_term_memory);
    this.#foresee(predictions.predictions, forecast.forecast, this.offset);
    if (!this.felt.length) this.#feel(this.offset, percept.emotives);
    for (const event of held) this.#apply(event);
  }

  /**
   * Predictions were asked for.
   *
   * @param {Record<string, any>[]} predictions
   * @param {Record<string, any>[]} forecast
   */
  asked(predictions, forecast) {
    this.#foresee(predictions, forecast, this.offset);
  }

  /**
   * The processor's status, as it tells it now and then.
   *
   * @param {Record<string, any>} status
   */
  take({ models, symbols, vectors, interval, accuracy = null }) {
    this.counters = { models, symbols, vectors, interval };
    this.accuracy = accuracy;
  }

  /**
   * Something happened.
   *
   * @param {import("./kato.js").KatoEvent} event
   * @param {number} now Seconds.
   */
  happened(event, now) {
    this.events.count(now);
    if (event.event === "learning" && event.data.change === "learned") this.lessons.count(now);
    this.skipped += event.skipped ?? 0;
    if (this.known) this.#tally(event);
    if (this.#reading === null) this.#apply(event);
    else this.#hold(event);
  }

  /**
   * What an event says of the counters, which the status tells now and then. Observations are left
   * to the status: one may come after a status that counts it already.
   */
  #tally({ event, data: { change, frequency, memory } }) {
    if (change === "learned" && frequency === 1) this.counters.models += 1;
    else if (event === "learning" && change === "deleted") this.counters.models -= 1;
    else if (memory === "all") this.take({ models: 0, symbols: 0, vectors: 0, interval: 0 });
  }

  /** Of what is held back, too, the newest of some topics is enough. */
  #hold(event) {
    const old = NEWEST.has(event.event)
      ? this.#reading.findIndex((held) => held.event === event.event)
      : -1;
    if (old >= 0) this.#reading.splice(old, 1);
    this.#reading.push(event);
    if (this.#reading.length > HELD) this.#reading.shift();
  }

  #apply(event) {
    const { event: topic, offset, data } = event;
    this.offset = Math.max(this.offset, offset);
    if (topic === "observations") this.#observed(event);
    else if (topic === "learning") this.#lesson(event);
    else if (topic === "memory") this.#changed(event);
    else if (topic === "predictions") this.#foresee(data.predictions, data.forecast, offset);
    else if (topic === "status") this.away = data.state === "away";
  }

  #observed({ offset, data: { observation, short_term_memory: stm } }) {
    this.#remember(stm);
    this.#feel(offset, observation.emotives);
  }

  #feel(offset, emotives) {
    if (Object.keys(emotives).length)
      this.felt = [...this.felt.slice(1 - FELT), { offset, emotives }];
  }

  #lesson({ offset, time_stamp: at, data }) {
    const { change, model_name: name, frequency = null, length = null, automatic = false } = data;
    this.#note({ change, name, frequency, length, automatic, at, offset });
    if (change === "learned") this.#cut(data.events);
  }

  #changed({ offset, time_stamp: at, data }) {
    if (data.change === "genes") this.genes = { ...this.genes, ...data.genes };
    if (data.change === "deleted") this.gone = true;
    if (data.change !== "cleared") return;
    this.#cut(0);
    const nothing = { name: null, frequency: null, length: null, automatic: false };
    if (data.memory === "all") this.#note({ change: "cleared", ...nothing, at, offset });
  }

  #note(lesson) {
    this.learned = [lesson, ...this.learned.slice(0, LEARNED - 1)];
  }

  /** Only the last events of the STM are left. */
  #cut(left) {
    if (left >= this.stm.length) return;
    this.#remember(left ? this.stm.slice(-left) : []);
  }

  #remember(stm) {
    this.stm = stm;
    if (!stm.length) this.#foresee([], [], this.offset);
  }

  #foresee(predictions, forecast, offset) {
    this.predictions = predictions;
    this.forecast = forecast;
    this.foreseen = offset;
    this.basis = this.stm;
  }
}
