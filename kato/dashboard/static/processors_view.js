/**
 * The list of processors at the side: only the rows that can be seen are drawn, of however many.
 *
 * @module processors_view
 */

import { byId, fit, make, mark, say, show, spark } from "./elements.js";
import { visible } from "./processor_list.js";
import { curve } from "./rates.js";
import { compact, counted, perSecond } from "./symbols.js";

const ROW = 50;
const CURVE = { width: 56, height: 14, most: 30 };

export class ProcessorsView {
  #directory;
  #changed;
  #rows = [];
  #chosen = null;

  /**
   * @param {import("./directory.js").Directory} directory
   * @param {() => void} changed Something is to be drawn.
   */
  constructor(directory, changed) {
    this.#directory = directory;
    this.#changed = changed;
    this.box = byId("processors");
    this.items = this.box.querySelector("ul");
    this.box.addEventListener("scroll", changed, { passive: true });
    new ResizeObserver(changed).observe(this.box);
    byId("filter").addEventListener("input", () => this.#filtered());
    byId("filter").addEventListener("keydown", (event) => this.#fromFilter(event));
    this.items.addEventListener("keydown", (event) => this.#moved(event));
    this.#drawer();
  }

  /** The ids of those whose rows can be seen. */
  get seen() {
    if (!this.box.checkVisibility({ visibilityProperty: true })) return [];
    return this.#rows.map(({ id }) => id);
  }

  /** On a narrow screen the list is shown over the page, and only when it is asked for. */
  #drawer() {
    byId("show-processors").addEventListener("click", () =>
      this.#open(!byId("sidebar").hasAttribute("data-shown")),
    );
    this.items.addEventListener("click", () => this.#open(false));
    byId("main").addEventListener("click", () => this.#open(false));
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.#open(false));
  }

  #open(shown) {
    byId("sidebar").toggleAttribute("data-shown", shown);
    byId("show-processors").setAttribute("aria-expanded", String(shown));
    this.#changed();
  }

  #filtered() {
    this.box.scrollTop = 0;
    this.#changed();
  }

  #fromFilter(event) {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.items.querySelector("a")?.focus();
    }
    const [first] = this.#all();
    if (event.key === "Enter" && first) location.hash = first.id;
    if (event.key === "Escape") event.target.blur();
  }

  #moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const id = event.target.closest("[data-processor]")?.dataset.processor;
    if (!step || !id) return;
    event.preventDefault();
    this.#focus(this.#all().findIndex((entry) => entry.id === id) + step);
  }

  /** The processor before or after the chosen one is chosen. */
  step(by) {
    const all = this.#all();
    const here = all.findIndex(({ id }) => id === this.#chosen);
    const next = all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)];
    if (next) location.hash = next.id;
  }

  #focus(place) {
    const all = this.#all();
    const wanted = Math.min(Math.max(place, 0), all.length - 1);
    const top = wanted * ROW;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top + ROW > this.box.scrollTop + this.box.clientHeight)
      this.box.scrollTop = top + ROW - this.box.clientHeight;
    this.draw(this.#chosen);
    this.items.querySelector(`[data-processor="${all[wanted].id}"] a`)?.focus();
  }

  #all() {
    return this.#directory.list.filtered(byId("filter").value);
  }

  /** @param {string | null} chosen */
  draw(chosen) {
    this.#chosen = chosen;
    const all = this.#all();
    const [first, end] = visible({
      top: this.box.scrollTop,
      height: this.box.clientHeight,
      row: ROW,
      rows: all.length,
    });
    this.#rows = all.slice(first, end);
    this.items.style.height = `${all.length * ROW}px`;
    this.#reuse(first, all.length);
    this.#empty(all.length);
    const { total } = this.#directory;
    say(byId("processors-count"), this.#directory.known ? counted(total) : "");
  }

  /** A row that stays keeps its element, and so the focus. */
  #reuse(first, total) {
    const wanted = new Set(this.#rows.map(({ id }) => id));
    const free = [];
    const kept = new Map();
    for (const row of this.items.children) {
      if (wanted.has(row.dataset.processor)) kept.set(row.dataset.processor, row);
      else free.push(row);
    }
    for (const row of free) row.remove();
    let next = this.items.firstElementChild;
    this.#rows.forEach((entry, i) => {
      const row = kept.get(entry.id) ?? free.pop() ?? createRow();
      if (row === next) next = next.nextElementSibling;
      else this.items.insertBefore(row, next);
      this.#fill(row, entry, first + i, total);
    });
  }

  #fill(row, { id, models, events, pulse }, place, total) {
    const link = row.firstChild;
    row.style.top = `${place * ROW}px`;
    mark(row, "data-processor", id);
    mark(row, "aria-posinset", String(place + 1));
    mark(row, "aria-setsize", String(total));
    mark(link, "href", `#${id}`);
    mark(link, "aria-current", id === this.#chosen ? "true" : null);
    mark(link, "data-busy", pulse.observations ? "" : null);
    const [name, sparkline, sizes, rates] = link.children;
    say(name, id);
    mark(sparkline.firstChild, "points", curve(pulse.history, CURVE).join(" "));
    say(
      sizes,
      `${compact(models)} ${models === 1 ? "model" : "models"} · ${compact(events)} in STM`,
    );
    say(rates, rate(pulse));
  }

  #empty(found) {
    const empty = byId("no-processors");
    const filter = byId("filter").value.trim();
    say(empty, filter ? `None has “${filter}” in its id.` : "There are none yet.");
    show(empty, this.#directory.known && !found);
    show(this.box, found);
  }
}

function rate({ observations, learning }) {
  if (observations === null) return "";
  if (!observations && !learning) return "idle";
  return `${perSecond(observations)} obs/s${learning ? ` +${perSecond(learning)} new` : ""}`;
}

function createRow() {
  return make(
    "li",
    {},
    make(
      "a",
      {},
      make("span", { class: "id" }),
      spark(CURVE.width, CURVE.height),
      make("span", { class: "sizes" }),
      make("span", { class: "rates", title: "Observations a second, and new models" }),
    ),
  );
}
