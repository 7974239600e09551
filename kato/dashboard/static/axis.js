/**
 * Predictions as lanes on one time axis: the observed events are its middle, what a model has
 * before, between and after them takes its place beside.
 *
 * Every lane is held against the observed events alone. Where a model has events between two that
 * were observed one after the other, the axis is widened there for all lanes.
 *
 * @module axis
 */

import { align } from "./alignment.js";
import { width, written } from "./symbols.js";

/** @typedef {import("./alignment.js").Mark} Mark */
/** @typedef {{ mark: Mark, symbol: string }} Token */

/**
 * A column: an observed event, a moment before the first or after the last of them, or a gap.
 *
 * @typedef {object} Column
 * @property {"before" | "event" | "gap" | "after"} kind
 * @property {number} event The number of the observed event, or that which it would have.
 * @property {number} moment How far from now: 0 is the last observed event.
 * @property {number} width In characters.
 */

/**
 * @typedef {object} Cell
 * @property {number} column
 * @property {Token[]} tokens
 * @property {number} more How many tokens do not fit.
 */

/**
 * @typedef {object} Lane
 * @property {Cell[]} cells By rising column.
 * @property {number} depth The most lines that a cell of it needs.
 * @property {boolean} reachesNow Whether the match ends at the last observed symbol.
 * @property {number} earlier How many extra symbols were observed before the match begins.
 * @property {[number, number] | null} strip The columns of these, the first and the last.
 * @property {number} hiddenPast How many past events lie beyond the axis,
 * @property {number} hiddenFuture and how many future ones.
 * @property {boolean} exact Whether the places are those that the server matched.
 */

/**
 * @typedef {object} Axis
 * @property {Column[]} columns
 * @property {number} now The number of the column of the last observed event; -1: there is none.
 * @property {number} hidden How many observed events lie before the first column.
 * @property {number} depth The most lines that an observed event needs.
 * @property {Lane[]} lanes
 */

/** How much is shown at most: events, moments before and after them, and symbols of one event. */
export const LIMITS = { events: 200, before: 8, after: 12, tokens: 5, width: 18 };

/**
 * Lay out the newest observed events and the lanes below them.
 *
 * @param {string[][]} stm All observed events.
 * @param {Record<string, any>[]} predictions Those that are shown.
 * @param {object} [beside]
 * @param {string[][]} [beside.basis] The events which the predictions are about, if not all.
 * @param {string[]} [beside.expected] An event that is shown right of now, in the first row.
 * @param {typeof LIMITS} [beside.limits]
 * @returns {Axis}
 */
export function layOut(stm, predictions, { basis = stm, expected = [], limits = LIMITS } = {}) {
  const shift = continues(stm, basis) ? 0 : stm.length - basis.length;
  const placed = predictions.map((prediction) => moved(align(prediction, basis), shift));
  const first = Math.max(0, stm.length - limits.events);
  const futures = [expected.length ? 1 : 0, ...placed.map(({ future }) => future.length)];
  const columns = build(
    stm.length,
    first,
    placed,
    Math.min(limits.after, Math.max(...futures)),
    limits,
  );
  const at = index(columns);
  const lanes = placed.map((each) => lane(each, at, columns, limits));
  widen(columns, stm, lanes, expected, limits);
  const depth = Math.max(
    1,
    ...[...stm.slice(first), expected].map((event) => lines(event.length, limits)),
  );
  return { columns, now: at.event(stm.length - 1) ?? -1, hidden: first, depth, lanes };
}

/** Whether the events are those of the basis, and perhaps more after them. */
function continues(stm, basis) {
  if (stm === basis) return true;
  const same = (i) => i < 0 || String(stm[i]) === String(basis[i]);
  return (
    stm.length >= basis.length && [1, 2, 3].every((back) => same(basis.length - back)) && same(0)
  );
}

/** An alignment that stands so many events later. */
function moved(alignment, shift) {
  if (!shift) return alignment;
  const later = (placed) => placed.map((each) => ({ ...each, event: each.event + shift }));
  const { past, present, between, first, start } = alignment;
  return {
    ...alignment,
    past: later(past),
    present: later(present),
    between: later(between),
    first: first + shift,
    start: start + shift,
  };
}

function build(length, first, placed, after, limits) {
  const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), 0);
  const before = first ? 0 : Math.min(limits.before, most(placed.map(({ start }) => -start)));
  const gaps = widest(placed);
  const column = (kind, event) => ({ kind, event, moment: event - length + 1, width: 2 });
  const columns = [];
  for (let event = -before; event < 0; event++) columns.push(column("before", event));
  for (let event = first; event < length; event++) {
    for (let i = 0; i < (gaps.get(event) ?? 0); i++) columns.push(column("gap", event));
    columns.push(column("event", event));
  }
  for (let event = length; event < length + after; event++) columns.push(column("after", event));
  return columns;
}

/** How many columns each gap needs, by the event after it. */
function widest(placed) {
  const gaps = new Map();
  for (const { between } of placed) {
    for (const { event, events } of between)
      gaps.set(event, Math.max(gaps.get(event) ?? 0, events.length));
  }
  return gaps;
}

function index(columns) {
  const of = (kinds) =>
    new Map(columns.flatMap((each, i) => (kinds.includes(each.kind) ? [[each.event, i]] : [])));
  const moments = of(["before", "event", "after"]);
  return {
    /** The column of an event, if it is on the axis. */
    event: (number) => moments.get(number),
    /** The column so many places before the event. */
    gap: (number, places) => moments.has(number) && moments.get(number) - places,
  };
}

function lane(placed, at, columns, limits) {
  const tokens = new Map();
  const put = (column, found) => {
    if (column === undefined || column === false) return false;
    tokens.set(column, [...(tokens.get(column) ?? []), ...found]);
    return true;
  };
  const past = (event) => put(at.event(event.event), event.tokens);
  const hiddenPast = placed.past.filter((event) => !past(event)).length;
  for (const event of placed.present) put(at.event(event.event), event.tokens);
  for (const { event, events } of placed.between) {
    events.forEach((found, i) => put(at.gap(event, events.length - i), found));
  }
  const after = columns.findIndex(({ kind }) => kind === "after");
  const shown = placed.future.filter((event, i) => i < limits.after && put(after + i, event));
  const cells = [...tokens]
    .sort(([a], [b]) => a - b)
    .map(([column, found]) => cell(column, found, limits));
  return {
    cells,
    depth: Math.max(1, ...cells.map((each) => each.tokens.length + (each.more ? 1 : 0))),
    reachesNow: placed.reachesNow,
    earlier: placed.earlier,
    strip: strip(placed, at, columns),
    hiddenPast,
    hiddenFuture: placed.future.length - shown.length,
    exact: placed.exact,
  };
}

function strip({ earlier, first }, at, columns) {
  const start = columns.findIndex(({ kind }) => kind === "event");
  const end = at.event(first);
  if (!earlier || start < 0 || end === undefined || end <= start) return null;
  return [start, end - 1];
}

function cell(column, tokens, limits) {
  const shown = tokens.length > limits.tokens ? limits.tokens - 1 : tokens.length;
  return { column, tokens: tokens.slice(0, shown), more: tokens.length - shown };
}

function lines(tokens, limits) {
  return Math.min(tokens, limits.tokens);
}

/** Make every column as wide as what stands in it. */
function widen(columns, stm, lanes, expected, limits) {
  const take = (column, symbol) => {
    if (column)
      column.width = Math.min(Math.max(column.width, width(written(symbol))), limits.width);
  };
  for (const column of columns) {
    if (column.kind === "event")
      for (const symbol of stm[column.event].slice(0, limits.tokens)) take(column, symbol);
  }
  for (const symbol of expected.slice(0, limits.tokens))
    take(
      columns.find(({ kind }) => kind === "after"),
      symbol,
    );
  for (const { cells } of lanes) {
    for (const { column, tokens } of cells)
      for (const { symbol } of tokens) take(columns[column], symbol);
  }
}
