/**
 * How often forecasts came true, while that is counted.
 *
 * @module accuracy_view
 */

import { lines } from "./accuracy.js";
import { byId, fit, make, mark, say, show } from "./elements.js";
import { some } from "./symbols.js";

export class AccuracyView {
  #drawn = undefined;

  /** @param {import("./picture.js").Picture} picture */
  draw({ accuracy }) {
    if (accuracy === this.#drawn) return;
    this.#drawn = accuracy;
    show(byId("accuracy-panel"), accuracy !== null);
    if (!accuracy) return;
    const { events } = accuracy;
    say(byId("accuracy-note"), `${some(events, "event")}; in large, of the latest 1,000`);
    fit(byId("accuracy"), lines(accuracy), createLine, fillLine);
  }
}

function createLine() {
  const [recent, all] = ["recent", "all"].map((name) => make("dd", { class: name }));
  return make("div", {}, make("dt"), recent, all);
}

function fillLine(line, { name, says, recent, all, sum }) {
  const [term, latest, whole] = line.children;
  mark(line, "data-accuracy", name);
  mark(line, "title", sum);
  say(term, says);
  say(latest, recent);
  say(whole, `${all} of all`);
}
