/**
 * Where the symbols of a prediction stand among the observed events.
 *
 * A prediction tells what is matched, missing and extra, but not where. The places are found anew
 * by the rule of SPEC 3, and held against what the prediction tells; where that fails (short-term
 * memory has moved on, or is very long), they are guessed from the newest events backwards.
 *
 * @module alignment
 */

import { State, matchingBlocks } from "./matching.js";

/** @typedef {"matched" | "missing" | "extra" | "past" | "future"} Mark */
/** @typedef {{ mark: Mark, symbol: string }} Token */

/**
 * Symbols of a model at an observed event, or at the moment of one that is not there: before the
 * first its number is negative.
 *
 * @typedef {{ event: number, tokens: Token[] }} Placed
 */

/**
 * @typedef {object} Alignment
 * @property {Placed[]} past
 * @property {Placed[]} present Matched, missing and extra symbols.
 * @property {{ event: number, events: Token[][] }[]} between Missing events for which there is no
 *   room between two observed ones; `event` is the second of these.
 * @property {Token[][]} future
 * @property {number} first The number of the first observed event that is matched.
 * @property {number} start That of the first past event, or the same.
 * @property {number} earlier How many extra symbols were observed before it.
 * @property {boolean} reachesNow Whether the last observed symbol is matched.
 * @property {boolean} exact Whether the places are those that the server matched.
 */

/** States with more symbols than this are not searched. */
const LONGEST = 4_000;

/** @type {WeakMap<string[][], State>} */
const states = new WeakMap();

/**
 * @param {Record<string, any>} prediction
 * @param {string[][]} stm The observed events which the prediction is about.
 * @returns {Alignment}
 */
export function align(prediction, stm) {
  const state = stateOf(stm);
  const { model, places, exact } = matched(prediction, state);
  const present = spread(prediction, model, places, state);
  const seen = new Set(places);
  const first = state.events[places[0]] ?? present.start;
  return {
    ...present,
    first,
    past: before(prediction.past, first),
    start: first - prediction.past.length,
    present: [...present.present, ...extras(state, seen, first)],
    future: prediction.future.map((event) => marked("future", event)),
    earlier: earlier(prediction, state, places),
    reachesNow: seen.has(state.symbols.length - 1),
    exact,
  };
}

function stateOf(stm) {
  if (!states.has(stm)) states.set(stm, new State(stm));
  return states.get(stm);
}

function marked(mark, symbols) {
  return symbols.map((symbol) => ({ mark, symbol }));
}

function before(past, first) {
  return past.map((event, i) => ({
    event: first - past.length + i,
    tokens: marked("past", event),
  }));
}

/** The positions of matched symbols: in present, and in the state. */
function matched(prediction, state) {
  return exactly(prediction, state) ?? loosely(prediction, state);
}

function exactly({ past, present, future, matches, extras }, state) {
  const { symbols } = state;
  if (symbols.length > LONGEST || symbols.length !== matches.length + extras.length) return null;
  const blocks = matchingBlocks([...past, ...present, ...future].flat(), state);
  if (!blocks) return null;
  const offset = past.flat().length;
  const model = blocks.flatMap(({ model: from, size }) => run(from - offset, size));
  const places = blocks.flatMap(({ state: from, size }) => run(from, size));
  const agrees =
    places.length === matches.length && places.every((place, i) => symbols[place] === matches[i]);
  return agrees ? { model, places, exact: true } : null;
}

function run(from, size) {
  return Array.from({ length: size }, (_, i) => from + i);
}

/** The last places at which all matches stand in order; none where they do not. */
function loosely({ present, matches }, { symbols }) {
  const model = ordered(present.flat(), matches);
  const places = [];
  let wanted = matches.length - 1;
  for (let place = symbols.length - 1; place >= 0 && wanted >= 0; place--) {
    if (symbols[place] === matches[wanted]) {
      places.unshift(place);
      wanted--;
    }
  }
  return { model, places: wanted < 0 ? places : [], exact: false };
}

function ordered(symbols, matches) {
  const model = [];
  symbols.forEach((symbol, i) => {
    if (symbol === matches[model.length]) model.push(i);
  });
  return model;
}

/** Present, event by event, at the observed events that it matches. */
function spread({ present }, model, places, state) {
  const events = numbered(
    present,
    model,
    places.map((place) => state.events[place]),
  );
  if (!places.length) return alone(events, state);
  const result = { present: [], between: [], start: 0 };
  let last = 0;
  let waiting = [];
  for (const { tokens, at } of events) {
    if (at.length) {
      between(result, last, waiting, at[0]);
      place(result.present, tokens, at[0]);
      waiting = [];
      last = at.at(-1);
    } else waiting.push(tokens.map(({ token }) => token));
  }
  return result;
}

/** The events of present, each with its marked symbols and the observed events that it matches. */
function numbered(present, model, matchedEvents) {
  const event = new Map(model.map((position, i) => [position, matchedEvents[i]]));
  let position = 0;
  return present.map((symbols) => {
    const tokens = symbols.map((symbol) => {
      const here = position++;
      const mark = event.has(here) ? "matched" : "missing";
      return { token: { mark, symbol }, at: event.get(here) };
    });
    return { tokens, at: tokens.flatMap(({ at }) => (at === undefined ? [] : [at])) };
  });
}

/** What is matched stands where it matches, what is missing where the symbol before it does. */
function place(placed, tokens, first) {
  let here = first;
  for (const { token, at } of tokens) {
    here = at ?? here;
    placed.push({ event: here, tokens: [token] });
  }
}

/** Missing events stand where the model lacks what was observed, as far as there is room. */
function between({ present, between: gaps }, last, waiting, next) {
  if (!waiting.length) return;
  if (next === last) {
    present.push(...waiting.map((tokens) => ({ event: last, tokens })));
    return;
  }
  const room = next - last - 1;
  waiting.slice(0, room).forEach((tokens, i) => present.push({ event: last + 1 + i, tokens }));
  if (waiting.length > room) gaps.push({ event: next, events: waiting.slice(room) });
}

/** Present where nothing says what it matches: up to now. */
function alone(events, state) {
  const end = (state.events.at(-1) ?? -1) + 1;
  const start = end - events.length;
  const present = events.map(({ tokens }, i) => ({
    event: start + i,
    tokens: tokens.map(({ token }) => token),
  }));
  return { present, between: [], start };
}

function extras({ symbols, events }, seen, first) {
  if (!seen.size) return [];
  const from = events.indexOf(first);
  const placed = [];
  for (let i = from; i < symbols.length; i++) {
    if (!seen.has(i)) placed.push({ event: events[i], tokens: marked("extra", [symbols[i]]) });
  }
  return placed;
}

function earlier(prediction, { events }, places) {
  return places.length ? events.indexOf(events[places[0]]) : prediction.extras.length;
}
