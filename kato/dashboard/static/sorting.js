/**
 * The order in which predictions and processors are shown.
 *
 * @module sorting
 */

/**
 * @typedef {{ by: string, descending: boolean }} Order `by` is the name of a number of predictions,
 *   or `rank`: as the server ranks them.
 */

/** @type {Order} */
export const AS_RANKED = { by: "rank", descending: false };

/**
 * The places of predictions in an order; equal ones stay as they are ranked.
 *
 * @param {Record<string, any>[]} predictions
 * @param {Order} order
 * @returns {number[]}
 */
export function places(predictions, { by, descending }) {
  const all = predictions.map((_, place) => place);
  if (by === "rank") return descending ? all.reverse() : all;
  const sign = descending ? -1 : 1;
  return all.sort((a, b) => sign * (predictions[a][by] - predictions[b][by]) || a - b);
}

/**
 * The order after a column's heading was chosen: first the best on top, then the reverse, then as
 * ranked again.
 *
 * @param {Order} order
 * @param {string} by
 * @param {boolean} best Whether the highest is the best.
 * @returns {Order}
 */
export function next(order, by, best) {
  if (order.by !== by) return { by, descending: best };
  if (order.descending === best && by !== "rank") return { by, descending: !best };
  return AS_RANKED;
}

/**
 * As `aria-sort` tells it.
 *
 * @param {Order} order
 * @param {string} by
 */
export function direction(order, by) {
  if (order.by !== by) return "none";
  return order.descending ? "descending" : "ascending";
}
