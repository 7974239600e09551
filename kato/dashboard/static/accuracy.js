/**
 * How often forecasts came true, as it is read.
 *
 * @module accuracy
 */

import { counted, percent } from "./symbols.js";

/**
 * What a processor's status tells of it, once for all events, and once for the latest.
 *
 * @typedef {{ events: number, forecast: number, top_1: number, top_5: number }} Counts
 * @typedef {Counts & { recent: Counts }} Accuracy
 */

const LINES = [
  { name: "top_1", says: "first guess right" },
  { name: "top_5", says: "among first five" },
  { name: "forecast", says: "had a forecast" },
];

/**
 * Each count as a share of the events, of the latest and of all.
 *
 * @param {Accuracy} accuracy
 */
export function lines({ recent, ...all }) {
  return LINES.map(({ name, says }) => ({
    name,
    says,
    recent: share(recent[name], recent.events),
    all: share(all[name], all.events),
    sum: `${of(name, recent, "the latest")}, ${of(name, all, "all")}`,
  }));
}

function of(name, counts, events) {
  return `${counted(counts[name])} of ${events} ${counted(counts.events)}`;
}

function share(count, events) {
  return events ? percent(count / events) : "–";
}
