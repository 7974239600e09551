/**
 * Emotives over time as columns of numbers, and what is predicted beside.
 *
 * @module emotives
 */

/**
 * @typedef {{ offset: number, emotives: Record<string, number> }} Felt
 */

/**
 * The names of all emotives, in order.
 *
 * @param {Felt[]} felt
 * @param {Record<string, number>} predicted
 */
export function names(felt, predicted) {
  const all = new Set(Object.keys(predicted));
  for (const { emotives } of felt) for (const name of Object.keys(emotives)) all.add(name);
  return [...all].sort();
}

/**
 * What is felt next: of each emotive, what the best prediction that has it says.
 *
 * @param {{ emotives: Record<string, number> }[]} predictions Best first.
 */
export function predicted(predictions) {
  const found = {};
  for (const { emotives } of predictions) {
    for (const [name, value] of Object.entries(emotives)) found[name] ??= value;
  }
  return found;
}

/**
 * Columns for a chart: how long ago, then each emotive as observed, then each as predicted, a
 * little right of now however long the time before it is.
 *
 * @param {Felt[]} felt
 * @param {Record<string, number>} expected
 * @param {string[]} shown The names.
 * @returns {(number | null)[][]}
 */
export function columns(felt, expected, shown) {
  const last = felt.length;
  const ago = [...felt.map((_, i) => i + 1 - last), Math.max(1, Math.round(last * 0.06))];
  const observed = shown.map((name) => [
    ...felt.map(({ emotives }) => emotives[name] ?? null),
    null,
  ]);
  const next = shown.map((name) => [...felt.map(() => null), expected[name] ?? null]);
  return [ago, ...observed, ...next];
}

/**
 * The last value of an emotive, up to a place in time.
 *
 * @param {Felt[]} felt
 * @param {string} name
 */
export function last(felt, name) {
  return felt.findLast(({ emotives }) => name in emotives)?.emotives[name] ?? null;
}
