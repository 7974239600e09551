/**
 * What is seen, in words for those who hear it.
 *
 * @module spoken
 */

import { eventText, some, written } from "./symbols.js";

/**
 * A prediction in a sentence.
 *
 * @param {Record<string, any>} prediction
 */
export function spokenPrediction({ frequency, past, present, future, matches, missing, extras }) {
  const parts = [
    `learned ${some(frequency, "time")}`,
    events("past", past),
    events("present", present),
    symbols("matched", matches),
    symbols("missing", missing),
    symbols("extra", extras),
    events("future", future),
  ];
  return parts.filter(Boolean).join("; ");
}

function events(name, all) {
  return all.length ? `${name}: ${all.map(eventText).join(", then ")}` : "";
}

function symbols(name, all) {
  if (!all.length) return "";
  const told = all.slice(-12).map(written).join(", ");
  return all.length > 12
    ? `${name}: ${some(all.length, "symbol")}, the last ones ${told}`
    : `${name}: ${told}`;
}
