/**
 * Short-term memory and the lanes of predictions, drawn on their common time axis.
 *
 * @module axis_view
 */

import { LIMITS } from "./axis.js";
import { byId, fit, make, mark, say, show, token } from "./elements.js";
import { spokenPrediction } from "./spoken.js";
import { counted, eventText, shortName, some } from "./symbols.js";

const TOKEN = 22;
const PADDING = 10;
const MOMENTS = 24;
/** What a token needs beside its text. */
const FRAME = 40;
/** Room that is left for the future, but now stands within these parts of the view's width. */
const AHEAD = 210;
const NOW = { least: 0.55, most: 0.8 };

const narrow = matchMedia("(max-width: 860px)");

/** Columns of the grid before the first of the axis: who it is, and room up to it. */
const BEFORE = 3;

export class AxisView {
  #character = 7.3;
  #following = true;
  #scrolling = false;
  #length = 0;
  #at = 0;
  #choose;

  /** @param {(name: string) => void} choose A model was chosen. */
  constructor(choose) {
    this.#choose = choose;
    this.box = byId("axis");
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("to-now").addEventListener("click", () => this.#follow());
    byId("predictions").addEventListener("click", ({ target }) => {
      const lane = target.closest("button.who")?.closest("[data-prediction]");
      if (lane) this.#choose(lane.dataset.prediction);
    });
    this.#measure();
  }

  #measure() {
    const probe = make("span", { class: "token" }, "0".repeat(100));
    probe.style.position = "absolute";
    document.body.append(probe);
    this.#character = (probe.getBoundingClientRect().width - 16) / 100;
    probe.remove();
  }

  /** How high the rows above the lanes are, and each lane. */
  static heights(axis) {
    const row = (depth) => depth * TOKEN + PADDING;
    return { head: MOMENTS + row(axis.depth), lanes: axis.lanes.map(({ depth }) => row(depth)) };
  }

  /**
   * @param {import("./axis.js").Axis} axis
   * @param {string[][]} stm
   * @param {{ prediction: Record<string, any>, rank: number }[]} rows
   * @param {string[]} expected What is most of all expected next.
   */
  draw(axis, stm, rows, expected) {
    this.#columns(axis);
    this.#moments(axis);
    this.#stm(axis, stm, expected);
    const heights = AxisView.heights(axis);
    fit(byId("predictions"), rows, createLane, (lane, row, i) =>
      fillLane(lane, row, axis.lanes[i], heights.lanes[i]),
    );
    this.#note(axis, stm);
    if (this.#following) this.#scroll();
  }

  #columns({ columns, now }) {
    const widths = columns.map(({ width }) => Math.round(width * this.#character) + FRAME);
    const who = narrow.matches ? 40 : 140;
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const view = this.box.clientWidth;
    const home = this.#now;
    const upToNow = who + sum(widths.slice(0, now + 1));
    const room = Math.max(0, home - upToNow);
    const rest = Math.max(0, view - home - sum(widths.slice(now + 1)));
    this.#at = upToNow + room;
    const sheet = this.box.firstElementChild;
    const tracks = [who, room, ...widths, rest].map((each) => `${each}px`).join(" ");
    if (sheet.style.getPropertyValue("--columns") !== tracks)
      sheet.style.setProperty("--columns", tracks);
    byId("now-line").style.left = `${this.#at - 1}px`;
    show(byId("now-line"), columns.length);
  }

  #moments({ columns }) {
    const shown = columns
      .map((column, i) => ({ column, i }))
      .filter(({ column }) => column.kind !== "gap");
    const corner = { column: null, i: -BEFORE + 1 };
    fit(
      byId("moments"),
      [corner, ...shown],
      () => make("span"),
      (element, { column, i }) => {
        element.style.gridColumn = String(i + BEFORE);
        mark(element, "class", column === null ? "who" : column.moment === 0 ? "now" : null);
        say(element, column === null ? "" : moment(column.moment));
      },
    );
  }

  #stm({ columns, depth, hidden }, stm, expected) {
    const list = byId("stm");
    const grown = stm.length - this.#length;
    const arrived = grown > 0 && grown <= 3 ? this.#length : Infinity;
    this.#length = stm.length;
    list.style.height = `${depth * TOKEN + PADDING}px`;
    const events = columns
      .map((column, i) => ({ column, i }))
      .filter(({ column }) => column.kind === "event");
    if (!list.firstElementChild?.matches(".who"))
      list.prepend(make("li", { class: "who", "aria-hidden": "true" }, "STM"));
    this.#cells(list, events, stm, arrived);
    this.#expected(list, columns, expected);
    start(list, hidden);
  }

  #cells(list, events, stm, arrived) {
    const known = new Map(
      [...list.querySelectorAll("[data-event]")].map((cell) => [Number(cell.dataset.event), cell]),
    );
    for (const { column, i } of events) {
      const { event } = column;
      const cell =
        known.get(event) ??
        list.appendChild(make("li", { class: "cell", "data-event": String(event) }));
      known.delete(event);
      cell.style.gridColumn = String(i + BEFORE);
      fillEvent(cell, stm[event], event >= arrived);
    }
    for (const cell of known.values()) cell.remove();
  }

  /** What is most of all expected next stands right of now. */
  #expected(list, columns, expected) {
    list.querySelector(".expected")?.remove();
    const after = columns.findIndex(({ kind }) => kind === "after");
    if (!expected.length) return;
    const cell = make("li", { class: "cell expected", title: `Forecast: ${eventText(expected)}` });
    cell.append(make("span", { class: "unseen" }, "forecast:"), ...fitting("future", expected));
    cell.style.gridColumn = String(after + BEFORE);
    list.append(cell);
  }

  #note({ hidden }, stm) {
    const newest = stm.length - hidden;
    const all = some(stm.length, "event");
    const text = hidden ? `newest ${newest} of ${all}, ${counted(hidden)} more not drawn` : all;
    say(byId("stm-note"), text);
  }

  // Following now

  #scrolled() {
    if (this.#scrolling) {
      this.#scrolling = false;
      return;
    }
    this.#following = Math.abs(this.box.scrollLeft - this.#home()) < 8;
    show(byId("to-now"), !this.#following);
  }

  #home() {
    const most = this.box.scrollWidth - this.box.clientWidth;
    return Math.min(Math.max(0, this.#at - this.#now), most);
  }

  /** Where now stands in the view: always at the same place, whatever comes. */
  get #now() {
    const view = this.box.clientWidth;
    return Math.round(Math.min(Math.max(view - AHEAD, NOW.least * view), NOW.most * view));
  }

  #scroll() {
    const home = this.#home();
    if (Math.abs(this.box.scrollLeft - home) < 1) return;
    this.#scrolling = true;
    this.box.scrollLeft = home;
  }

  #follow() {
    this.#following = true;
    show(byId("to-now"), false);
    this.#scroll();
    this.box.focus();
  }
}

function moment(number) {
  if (number === 0) return "now";
  return number < 0 ? `−${-number}` : `+${number}`;
}

function start(list, hidden) {
  mark(list, "start", hidden ? String(hidden + 1) : null);
}

function fillEvent(cell, event, arrived) {
  const key = JSON.stringify(event);
  if (cell.dataset.key === key) return;
  cell.dataset.key = key;
  cell.classList.toggle("new", arrived);
  cell.replaceChildren(...fitting("seen", event));
}

/** An event's tokens as far as they fit. */
function fitting(mark, event) {
  const shown = event.length > LIMITS.tokens ? event.slice(0, LIMITS.tokens - 1) : event;
  return stacked(
    shown.map((symbol) => ({ mark, symbol })),
    event.length - shown.length,
  );
}

/** Tokens, and how many more there are. */
function stacked(tokens, more) {
  const drawn = tokens.map(({ mark: each, symbol }) => token(each, symbol));
  if (more) drawn.push(make("span", { class: "token rest", title: `${more} more` }, `+${more}`));
  return drawn;
}

function createLane() {
  const who = make(
    "button",
    { class: "who", type: "button" },
    make("span", { class: "rank" }),
    make("span", { class: "name" }),
    make("span", { class: "times" }),
    make("span", { class: "unseen" }),
  );
  return make("li", { class: "lane" }, who);
}

function fillLane(lane, { prediction, rank }, laid, height) {
  mark(lane, "data-prediction", prediction.name);
  mark(lane, "data-rank", String(rank));
  mark(lane, "data-short", laid.reachesNow ? null : "");
  mark(lane, "data-guessed", laid.exact ? null : "");
  lane.style.height = `${height}px`;
  const who = lane.firstChild;
  say(who.children[0], String(rank));
  say(who.children[1], shortName(prediction.name));
  say(who.children[2], `×${prediction.frequency}`);
  say(who.children[3], spokenPrediction(prediction));
  mark(who, "title", about(prediction, laid));
  lane.replaceChildren(who, ...cells(laid));
}

function about({ name, frequency }, { exact }) {
  const guess = exact
    ? ""
    : "; where it matches is guessed, since memory is too long or has moved on";
  return `${name}, learned ${some(frequency, "time")}${guess}`;
}

function cells(laid) {
  const drawn = laid.cells.map(({ column: place, tokens, more }) => {
    const cell = make("div", { class: "cell", "aria-hidden": "true" }, ...stacked(tokens, more));
    cell.style.gridColumn = String(place + BEFORE);
    return cell;
  });
  if (laid.strip) drawn.push(strip(laid));
  return drawn;
}

function strip({ strip: [from, to], earlier }) {
  const title = `${some(earlier, "extra symbol")} before the match begins`;
  const drawn = make("div", { class: "strip", "aria-hidden": "true", title });
  drawn.style.gridColumn = `${from + BEFORE} / ${to + BEFORE + 1}`;
  return drawn;
}
