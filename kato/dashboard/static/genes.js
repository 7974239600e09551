/**
 * The genes of a processor as they are edited (SPEC 6). What one accepts is judged by the server.
 *
 * @module genes
 */

/**
 * @typedef {object} Gene
 * @property {string} name
 * @property {string[]} [choices] Where it is one of these,
 * @property {boolean} [switch] or on or off; else it is typed.
 * @property {string} says
 */

const RANKINGS = [
  "potential",
  "similarity",
  "evidence",
  "confidence",
  "snr",
  "frequency",
  "confluence",
  "itfdf_similarity",
  "fragmentation",
];

/** @type {Gene[]} */
export const GENES = [
  { name: "recall_threshold", says: "least similarity of a prediction, 0 to 1" },
  { name: "max_predictions", says: "most predictions, 1 to 10,000" },
  { name: "min_prediction_symbols", says: "symbols before there are predictions, 1 or more" },
  { name: "rank_by", choices: RANKINGS, says: "what predictions are ranked by" },
  { name: "max_sequence_length", says: "events after which it learns by itself; 0: never" },
  {
    name: "stm_mode",
    choices: ["TAIL", "CLEAR", "ROLLING"],
    says: "what learning by itself leaves of the STM",
  },
  { name: "persistence", says: "emotives that a model keeps, 1 or more" },
  { name: "sort", switch: true, says: "strings of an event are sorted" },
  { name: "process_predictions", switch: true, says: "predictions are pushed to this page" },
  { name: "classifier", choices: ["CVC", "DVC"], says: "how vectors become symbols" },
  { name: "vector_neighbors", says: "nearest vectors that count, 0 or more" },
  { name: "vector_max_distance", says: "none farther than this; empty: any" },
  { name: "search_depth", says: "most vectors in a sum, 1 to 100" },
  { name: "track_accuracy", switch: true, says: "events are held against the forecast" },
];

/**
 * A gene's value as it is written.
 *
 * @param {unknown} value
 */
export function geneText(value) {
  return value === null || value === undefined ? "" : String(value);
}
