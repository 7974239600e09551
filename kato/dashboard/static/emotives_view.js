/**
 * Emotives over time, drawn by uPlot, and a table of the last and the predicted values.
 *
 * @module emotives_view
 */

import { byId, draw, fit, make, mark, say, show } from "./elements.js";
import { columns, last, names, predicted } from "./emotives.js";
import { decimal, some } from "./symbols.js";
import { colour } from "./theme.js";
import uPlot from "./vendor/uPlot.esm.js";

/** How many curves can be told apart: each has a colour and a dash of its own. */
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 6], [1, 4]];

export class EmotivesView {
  #chart = null;
  #names = [];
  #drawn = [];

  constructor() {
    this.box = byId("emotives-chart");
    new ResizeObserver(() => this.#size()).observe(this.box);
  }

  /** The colours are others now. */
  recolour() {
    this.#drawn = [];
    this.#names = [];
  }

  /** @param {import("./picture.js").Picture} picture */
  draw({ felt, predictions }) {
    if (felt === this.#drawn[0] && predictions === this.#drawn[1]) return;
    this.#drawn = [felt, predictions];
    const expected = predicted(predictions);
    const all = names(felt, expected);
    show(byId("emotives"), all.length);
    show(byId("no-emotives"), !all.length);
    say(
      byId("emotives-note"),
      felt.length
        ? `the last ${some(felt.length, "observation")} with any; right of now, as predicted`
        : "",
    );
    if (!all.length) return;
    const shown = all.slice(0, DASHES.length);
    this.#plot(columns(felt, expected, shown), shown);
    this.#table(all, felt, expected);
  }

  #plot(data, shown) {
    if (!this.#chart || String(shown) !== String(this.#names)) this.#create(data, shown);
    else this.#chart.setData(data);
  }

  #create(data, shown) {
    this.#chart?.destroy();
    this.#names = shown;
    this.#chart = new uPlot(options(shown, this.box), data, this.box);
  }

  #size() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width && this.#chart) this.#chart.setSize({ width, height });
  }

  #table(all, felt, expected) {
    fit(byId("emotives-table").tBodies[0], all, createRow, (row, name, place) => {
      const [heading, observed, next] = row.cells;
      mark(row, "data-emotive", name);
      key(heading.firstChild, place);
      say(heading.lastChild, name);
      say(observed, shownValue(last(felt, name)));
      say(next, shownValue(expected[name] ?? null));
    });
  }
}

function shownValue(value) {
  return value === null ? "–" : decimal(value);
}

function createRow() {
  const line = draw(
    "svg",
    { viewBox: "0 0 20 8", "aria-hidden": "true" },
    draw("line", { x1: "0", x2: "20", y1: "4", y2: "4", "stroke-width": "2" }),
  );
  return make("tr", {}, make("th", { scope: "row" }, line, make("span")), make("td"), make("td"));
}

function key(svg, place) {
  const line = svg.firstChild;
  line.style.stroke = `var(--series-${place + 1}, transparent)`;
  line.style.strokeDasharray = (DASHES[place] ?? []).join(" ");
}

function options(shown, { clientWidth: width, clientHeight: height }) {
  const line = (name, i) => ({
    label: name,
    stroke: colour(`--series-${i + 1}`),
    width: 1.75,
    dash: DASHES[i],
    spanGaps: true,
    points: { size: 5 },
  });
  const next = (name, i) => ({
    label: `${name}, predicted`,
    stroke: colour(`--series-${i + 1}`),
    points: { show: true, size: 9, width: 2, fill: colour("--surface") },
  });
  return {
    width: width || 300,
    height: height || 200,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: false, range: (_, low, high) => [Math.min(low, -5), high * 1.6] } },
    series: [{}, ...shown.map(line), ...shown.map(next)],
    axes: [xAxis(), yAxis()],
    hooks: { drawAxes: [nowLine(colour("--text-faint"))] },
  };
}

function axis() {
  const line = colour("--line");
  return {
    stroke: colour("--text-faint"),
    font: '11px system-ui, "Liberation Sans", sans-serif',
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
  };
}

function xAxis() {
  const say = (value) => (value === 0 ? "now" : value > 0 ? "" : `−${-value}`);
  return {
    ...axis(),
    size: 26,
    values: (_, splits) => splits.map((each) => (Number.isInteger(each) ? say(each) : "")),
  };
}

function yAxis() {
  return { ...axis(), size: 46, values: (_, splits) => splits.map(decimal) };
}

function nowLine(stroke) {
  return ({ ctx, bbox: { top, height }, valToPos }) => {
    const x = Math.round(valToPos(0, "x", true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.restore();
  };
}
