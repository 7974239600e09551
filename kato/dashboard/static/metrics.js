/**
 * The numbers of a prediction, and how each of them comes about (SPEC 3).
 *
 * @module metrics
 */

import { counted, decimal, equals, some } from "./symbols.js";

/** @typedef {Record<string, any>} Prediction */

/**
 * What is known beside a prediction; null where it is not.
 *
 * @typedef {object} Context
 * @property {number | null} symbols How many distinct symbols all models have.
 * @property {number | null} kept The sum of the frequencies of all kept models.
 */

/**
 * @typedef {object} Explanation
 * @property {string} title
 * @property {string} formula
 * @property {string} sum The formula with this prediction's numbers put in.
 * @property {string} words What it says.
 */

/**
 * @typedef {object} Metric
 * @property {string} name The field of the prediction.
 * @property {string} label
 * @property {string} formula
 * @property {string} words
 * @property {boolean} best Whether the highest is the best.
 * @property {(counts: Counts, prediction: Prediction, context: Context) => string} sum
 */

/**
 * Whole numbers of a prediction.
 *
 * @typedef {object} Counts
 * @property {number} matched
 * @property {number} extras
 * @property {number} model How many symbols the model has,
 * @property {number} present and its present events,
 * @property {number} state and short-term memory.
 * @property {number} blocks
 */

const OF_ALL =
  "p(s) is the part of all learned symbols that s is, over all models: only the server knows it";

/** @type {Metric[]} */
export const METRICS = [
  {
    name: "potential",
    label: "Potential",
    formula: "(evidence + confidence) × snr + itfdf_similarity + 1 / (fragmentation + 1)",
    words:
      "All the others together. Predictions are ranked by it, " +
      "unless the gene rank_by says otherwise.",
    best: true,
    sum: (_, p) =>
      `(${decimal(p.evidence)} + ${decimal(p.confidence)}) × ${signed(p.snr)}` +
      ` + ${signed(p.itfdf_similarity)} + 1 / (${decimal(p.fragmentation)} + 1)` +
      ` ${equals(p.potential)}`,
  },
  {
    name: "similarity",
    label: "Similarity",
    formula: "2 × matched / (symbols of the model + symbols of short-term memory)",
    words:
      "How alike the model and short-term memory are as wholes. " +
      "The gene recall_threshold is held against it.",
    best: true,
    sum: (n, p) => `2 × ${n.matched} / (${n.model} + ${n.state}) ${equals(p.similarity)}`,
  },
  {
    name: "evidence",
    label: "Evidence",
    formula: "matched / symbols of the model",
    words: "How much of the model has been seen.",
    best: true,
    sum: (n, p) => `${n.matched} / ${n.model} ${equals(p.evidence)}`,
  },
  {
    name: "confidence",
    label: "Confidence",
    formula: "matched / symbols of present",
    words: "How much has been seen of those events of the model that are happening now.",
    best: true,
    sum: (n, p) => `${n.matched} / ${n.present} ${equals(p.confidence)}`,
  },
  {
    name: "snr",
    label: "SNR",
    formula: "(2 × matched − extras) / (2 × matched + extras)",
    words:
      "Signal to noise: 1 where nothing was seen that the model does not have, " +
      "lower the more there was.",
    best: true,
    sum: (n, p) =>
      `(2 × ${n.matched} − ${n.extras}) / (2 × ${n.matched} + ${n.extras}) ${equals(p.snr)}`,
  },
  {
    name: "fragmentation",
    label: "Fragm.",
    formula: "blocks − 1",
    words: "Into how many pieces the match falls; 0 where it is one piece.",
    best: false,
    sum: (n, p) => `${n.blocks} − 1 ${equals(p.fragmentation)}`,
  },
  {
    name: "itfdf_similarity",
    label: "ITF-DF",
    formula: "1 − D × frequency / Σ frequencies of all kept models",
    words:
      "How alike short-term memory and present are, when rare symbols count little " +
      "and frequent models much." +
      ` D is the cosine distance of p(s) × count(s) in the two; ${OF_ALL}.`,
    best: true,
    sum: itfdf,
  },
  {
    name: "confluence",
    label: "Confluence",
    formula: "frequency / Σ frequencies of all models × (1 − Π p(s) over present)",
    words:
      "How much of all that was learned is this model, and how unlikely its present is by chance." +
      ` ${OF_ALL}.`,
    best: true,
    sum: (n, p) =>
      `${counted(p.frequency)} / Σ frequencies × (1 − ${product(n.present)})` +
      ` ${equals(p.confluence)}`,
  },
  {
    name: "entropy",
    label: "Entropy",
    formula: "Σ −p(s) log₂ p(s) over present, repeats included",
    words: `How much there is to be surprised at in present, in bits. ${OF_ALL}.`,
    best: true,
    sum: (n, p) =>
      `${some(n.present, "term")}, one for each symbol of present, ${equals(p.entropy)}`,
  },
  {
    name: "hamiltonian",
    label: "Hamiltonian",
    formula:
      "Σ −q log_N q over present, repeats included; q = the part of present that a symbol is",
    words: "How mixed present is in itself. N is the number of distinct symbols in all models.",
    best: true,
    sum: hamiltonian,
  },
  {
    name: "grand_hamiltonian",
    label: "Grand H.",
    formula: "Σ −p(s) log_N p(s) over the distinct symbols of present",
    words:
      "How mixed present is, measured by all that was learned; " +
      `N is the number of distinct symbols there. ${OF_ALL}.`,
    best: true,
    sum: (_, p) =>
      `${some(new Set(p.present.flat()).size, "term")}, one for each distinct symbol, ` +
      equals(p.grand_hamiltonian),
  },
  {
    name: "frequency",
    label: "Freq.",
    formula: "how often the sequence was learned",
    words: "Learning a sequence again raises it by one.",
    best: true,
    sum: (_, p) => `learned ${p.frequency === 1 ? "once" : `${counted(p.frequency)} times`}`,
  },
];

/**
 * @param {Prediction} prediction
 * @returns {Counts}
 */
export function counts(prediction) {
  const { matches, extras, past, present, future, fragmentation } = prediction;
  const length = (events) => events.reduce((sum, event) => sum + event.length, 0);
  return {
    matched: matches.length,
    extras: extras.length,
    model: length(past) + length(present) + length(future),
    present: length(present),
    state: matches.length + extras.length,
    blocks: fragmentation + 1,
  };
}

/**
 * How a number of a prediction comes about, with its own numbers put in.
 *
 * @param {Metric} metric
 * @param {Prediction} prediction
 * @param {Context} context
 * @returns {Explanation}
 */
export function explain(metric, prediction, context) {
  const { name, formula, words } = metric;
  return { title: name, formula, sum: metric.sum(counts(prediction), prediction, context), words };
}

/**
 * What is known beside the predictions, from all of them and from the processor's status.
 *
 * @param {Prediction[]} predictions
 * @param {{ symbols: number | null, genes: Record<string, any> | null }} status
 * @returns {Context}
 */
export function context(predictions, { symbols, genes }) {
  const all = genes !== null && predictions.length < genes.max_predictions;
  return {
    symbols,
    kept: all ? predictions.reduce((sum, { frequency }) => sum + frequency, 0) : null,
  };
}

function itfdf(_, { frequency, itfdf_similarity: value }, { kept }) {
  if (kept === null) return `1 − D × ${counted(frequency)} / Σ frequencies ${equals(value)}`;
  const distance = ((1 - value) * kept) / frequency;
  return `1 − ${decimal(distance)} × ${counted(frequency)} / ${counted(kept)} ${equals(value)}`;
}

/** With N known the terms can be told; where they do not come to the value, N has changed since. */
function hamiltonian(_, { present, hamiltonian: value }, { symbols }) {
  const all = present.flat();
  const groups = new Map();
  for (const symbol of all) groups.set(symbol, (groups.get(symbol) ?? 0) + 1);
  const term = (times) =>
    -(times / all.length) * (Math.log(times / all.length) / Math.log(symbols));
  const sum = [...groups.values()].reduce((total, times) => total + times * term(times), 0);
  const told = symbols !== null && symbols > 1 && Math.abs(sum - value) < 1e-9;
  if (!told) return `${some(all.length, "term")}, one for each symbol of present, ${equals(value)}`;
  const parts = tally(groups.values()).map(([times, distinct]) => {
    const q = fraction(times, all.length);
    return `${times * distinct} × −${q} log_${symbols} ${q}`;
  });
  return `${parts.join(" + ")} ${equals(value)}`;
}

/** How many symbols occur once, twice and so on, as pairs of times and symbols. */
function tally(times) {
  const groups = new Map();
  for (const each of times) groups.set(each, (groups.get(each) ?? 0) + 1);
  return [...groups].sort(([a], [b]) => a - b);
}

function fraction(part, whole) {
  return part === whole ? "1" : `${part}/${whole}`;
}

function signed(value) {
  return value < 0 ? `(${decimal(value)})` : decimal(value);
}

function product(factors) {
  const index = [...String(factors)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
  return factors > 1 ? `p₁ × … × p${index}` : "p₁";
}
