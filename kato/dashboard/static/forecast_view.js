/**
 * What comes next, as bars.
 *
 * @module forecast_view
 */

import { byId, fit, make, mark, say, show } from "./elements.js";
import { compact, eventText, percent, some } from "./symbols.js";

export class ForecastView {
  #drawn = null;

  /** @param {import("./picture.js").Picture} picture */
  draw({ forecast }) {
    if (forecast === this.#drawn) return;
    this.#drawn = forecast;
    show(byId("no-forecast"), !forecast.length);
    show(byId("forecast"), forecast.length);
    fit(byId("forecast"), forecast, createEntry, fillEntry);
  }
}

function createEntry() {
  return make(
    "li",
    {},
    make("span", { class: "event" }),
    make("span", { class: "share" }),
    make("span", { class: "bar", "aria-hidden": "true" }, make("span")),
    make("span", { class: "votes" }),
  );
}

function fillEntry(entry, { event, share, models, frequency }) {
  const [name, part, bar, votes] = entry.children;
  const text = eventText(event);
  mark(entry, "data-forecast", JSON.stringify(event));
  say(name, text);
  mark(name, "title", text);
  say(part, percent(share));
  bar.firstChild.style.width = `${100 * share}%`;
  say(votes, `${some(models, "model")} ×${compact(frequency)}`);
  mark(votes, "title", `${some(models, "model")}, learned ${some(frequency, "time")} in all`);
}
