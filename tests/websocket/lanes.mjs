// Reads worlds of an engine's predictions, and tells where the dashboard draws them and how it
// explains them. A world is { stm, genes, symbols, predictions }.

import { readFileSync } from "node:fs";

import { layOut } from "../../kato/dashboard/static/axis.js";
import { State, matchingBlocks } from "../../kato/dashboard/static/matching.js";
import { METRICS, context, explain } from "../../kato/dashboard/static/metrics.js";

/** Nothing is cut. */
const ALL = { events: 1_000, before: 1_000, after: 1_000, tokens: 1_000, width: 18 };

function blocks(prediction, stm) {
  const model = [...prediction.past, ...prediction.present, ...prediction.future].flat();
  const found = matchingBlocks(model, new State(stm));
  return found.map(({ model: i, state: j, size }) => [i, j, size]);
}

function drawn({ columns, lanes }, place) {
  const { cells, earlier, exact, reachesNow } = lanes[place];
  const tokens = cells.flatMap(({ column, tokens: all }) =>
    all.map(({ mark, symbol }) => [mark, symbol, columns[column].kind, columns[column].event]),
  );
  return { tokens, earlier, exact, reachesNow };
}

function told({ stm, genes, symbols, predictions }) {
  const axis = layOut(stm, predictions, { limits: ALL });
  const beside = context(predictions, { symbols, genes });
  return predictions.map((prediction, place) => ({
    blocks: blocks(prediction, stm),
    ...drawn(axis, place),
    sums: Object.fromEntries(
      METRICS.map((metric) => [metric.name, explain(metric, prediction, beside).sum]),
    ),
  }));
}

console.log(JSON.stringify(JSON.parse(readFileSync(0)).map(told)));
