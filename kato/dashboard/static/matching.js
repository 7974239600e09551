/**
 * Where a model matches a state: the blocks of Ratcliff/Obershelp, as SPEC 3 has them, which are
 * those of Python's `difflib` without its junk heuristics.
 *
 * @module matching
 */

/** Steps after which a search is given up, so that a page never waits for one. */
const PATIENCE = 100_000;

/**
 * @typedef {{ model: number, state: number, size: number }} Block
 */

/** A state, indexed once and matched against many models. */
export class State {
  /** @param {string[][]} events */
  constructor(events) {
    /** All symbols in order. */
    this.symbols = events.flat();
    /** The number of the event in which each symbol stands. */
    this.events = events.flatMap((event, number) => event.map(() => number));
    this.#index();
  }

  #index() {
    /** @type {Map<string, number[]>} */
    this.positions = new Map();
    this.symbols.forEach((symbol, position) => {
      const known = this.positions.get(symbol);
      if (known) known.push(position);
      else this.positions.set(symbol, [position]);
    });
  }
}

/**
 * The blocks in which a model and a state are the same, in order.
 *
 * @param {string[]} model
 * @param {State} state
 * @param {number} [patience] After how many steps it is given up.
 * @returns {Block[] | null} Null where it was given up.
 */
export function matchingBlocks(model, state, patience = PATIENCE) {
  const budget = { left: patience };
  const found = [];
  const regions = [[0, model.length, 0, state.symbols.length]];
  while (regions.length) {
    const [low, high, start, end] = regions.pop();
    const block = longest(model, state, low, high, start, end, budget);
    if (budget.left < 0) return null;
    if (!block.size) continue;
    found.push(block);
    regions.push([low, block.model, start, block.state]);
    regions.push([block.model + block.size, high, block.state + block.size, end]);
  }
  return found.sort((a, b) => a.model - b.model);
}

/** The longest block, the earliest in the model among equals, then the earliest in the state. */
function longest(model, { positions }, low, high, start, end, budget) {
  const best = { model: low, state: start, size: 0 };
  let before = new Map();
  for (let i = low; i < high && start < end; i++) {
    const now = new Map();
    for (const j of positions.get(model[i]) ?? []) {
      if (j < start) continue;
      if (j >= end || --budget.left < 0) break;
      const size = (before.get(j - 1) ?? 0) + 1;
      now.set(j, size);
      if (size > best.size) Object.assign(best, { model: i - size + 1, state: j - size + 1, size });
    }
    before = now;
  }
  return best;
}
