/**
 * The numbers of the predictions as a table, sorted by any of them, each explained.
 *
 * @module metrics_view
 */

import { byId, fit, make, mark, say } from "./elements.js";
import { METRICS, explain } from "./metrics.js";
import { direction, next } from "./sorting.js";
import { aligned, counted, shortName } from "./symbols.js";

/** @typedef {import("./sorting.js").Order} Order */

const WHOLE = new Set(["frequency", "fragmentation"]);

export class MetricsView {
  #rows = [];
  #context = { symbols: null, kept: null };
  #focus = { row: 0, column: 0 };

  /**
   * @param {import("./explanation_view.js").ExplanationView} explanations
   * @param {(change: (order: Order) => Order) => void} reorder
   */
  constructor(explanations, reorder) {
    this.table = byId("metrics");
    this.body = this.table.tBodies[0];
    this.#head(reorder);
    this.body.addEventListener("keydown", (event) => this.#moved(event));
    this.body.addEventListener("focusin", ({ target }) => this.#focused(target));
    explanations.within(this.table, "td[data-metric]", (cell) => this.#explained(cell));
    explanations.within(this.table.tHead, "th[data-metric]", (cell) => {
      const { name, formula, words } = METRICS.find((each) => each.name === cell.dataset.metric);
      return { title: name, formula, sum: "", words };
    });
  }

  #head(reorder) {
    const rank = make("th", { scope: "col", class: "row" }, "Model");
    const headings = METRICS.map(({ name, label, best }) => {
      const button = make("button", { type: "button", "data-sort": name }, label);
      button.addEventListener("click", () => reorder((order) => next(order, name, best)));
      return make("th", { scope: "col", "data-metric": name }, button);
    });
    this.table.tHead.rows[0].append(rank, ...headings);
  }

  /**
   * @param {{ prediction: Record<string, any>, rank: number }[]} rows
   * @param {{ head: number, lanes: number[] }} heights
   * @param {import("./sorting.js").Order} order
   * @param {import("./metrics.js").Context} context
   */
  draw(rows, heights, order, context) {
    this.#rows = rows;
    this.#context = context;
    this.table.tHead.rows[0].style.height = `${heights.head}px`;
    for (const heading of this.table.tHead.querySelectorAll("[data-metric]")) {
      mark(heading, "aria-sort", direction(order, heading.dataset.metric));
    }
    this.#focus.row = Math.min(this.#focus.row, Math.max(rows.length - 1, 0));
    fit(this.body, rows, createRow, (row, shown, i) => this.#fill(row, shown, heights.lanes[i], i));
  }

  #fill(row, { prediction, rank }, height, place) {
    row.style.height = `${height}px`;
    mark(row, "data-prediction", prediction.name);
    say(row.cells[0], `${rank} ${shortName(prediction.name)}`);
    METRICS.forEach(({ name }, column) => {
      const cell = row.cells[column + 1];
      say(cell, WHOLE.has(name) ? counted(prediction[name]) : aligned(prediction[name]));
      mark(
        cell,
        "tabindex",
        place === this.#focus.row && column === this.#focus.column ? "0" : "-1",
      );
    });
  }

  #explained(cell) {
    const row = this.#rows[cell.parentElement.sectionRowIndex];
    const metric = METRICS.find(({ name }) => name === cell.dataset.metric);
    if (!row) return null;
    const explanation = explain(metric, row.prediction, this.#context);
    return { ...explanation, title: `${explanation.title} of ${shortName(row.prediction.name)}` };
  }

  // One cell can be reached by tab, the others from there by arrow keys.

  #focused(target) {
    const cell = target.closest("td[data-metric]");
    if (!cell) return;
    this.body.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
    this.#focus = { row: cell.parentElement.sectionRowIndex, column: cell.cellIndex - 1 };
  }

  #moved(event) {
    const { row, column } = this.#focus;
    const to = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [row, 0],
      End: [row, METRICS.length - 1],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.body.rows[to[0]]?.cells[Math.min(Math.max(to[1], 0), METRICS.length - 1) + 1]?.focus();
  }
}

function createRow() {
  const cells = METRICS.map(({ name }) => make("td", { "data-metric": name, tabindex: "-1" }));
  return make("tr", {}, make("th", { scope: "row", class: "row" }), ...cells);
}
