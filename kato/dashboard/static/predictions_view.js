/**
 * The predictions: lanes on the time axis, their numbers beside, in an order that can be chosen.
 *
 * @module predictions_view
 */

import { layOut } from "./axis.js";
import { AxisView } from "./axis_view.js";
import { byId, make, mark, say, show } from "./elements.js";
import { context } from "./metrics.js";
import { MetricsView } from "./metrics_view.js";
import { AS_RANKED, places } from "./sorting.js";
import { counted, some } from "./symbols.js";

const FIRST = 10;
const MORE = 20;
const MOST = 210;

export class PredictionsView {
  #order = AS_RANKED;
  #most = FIRST;
  #drawn = [];
  #changed;

  /**
   * @param {object} ears
   * @param {import("./explanation_view.js").ExplanationView} ears.explanations
   * @param {() => void} ears.changed It is to be drawn.
   * @param {(name: string) => void} ears.choose A model was chosen.
   * @param {() => void} ears.ask Predictions are to be asked for.
   */
  constructor({ explanations, changed, choose, ask }) {
    this.#changed = changed;
    this.explanations = explanations;
    this.axis = new AxisView(choose);
    this.metrics = new MetricsView(explanations, (reorder) =>
      this.#update(() => (this.#order = reorder(this.#order))),
    );
    byId("more-predictions").addEventListener("click", () =>
      this.#update(() => (this.#most += MORE)),
    );
    this.askButton = make(
      "button",
      { type: "button", class: "small", id: "ask-predictions" },
      "Ask now",
    );
    this.askButton.addEventListener("click", ask);
    byId("no-predictions").append(make("p"), this.askButton);
    new ResizeObserver(() => this.redraw()).observe(byId("axis"));
    this.#light();
  }

  /** Draw anew even what is the same. */
  redraw() {
    this.#drawn = [];
    this.#changed();
  }

  #update(change) {
    change();
    this.redraw();
  }

  /** A lane and its numbers are lit together. */
  #light() {
    const part = byId("timeline");
    part.addEventListener("pointerover", ({ target }) => {
      const name = target.closest("[data-prediction]")?.dataset.prediction;
      for (const row of part.querySelectorAll("[data-prediction]"))
        mark(row, "data-lit", row.dataset.prediction === name ? "" : null);
    });
  }

  /** @param {import("./picture.js").Picture} picture */
  draw(picture) {
    const { stm, predictions, forecast, basis, genes, counters } = picture;
    this.#note(picture);
    const same = [stm, predictions, forecast, genes, counters?.symbols];
    if (same.every((each, i) => each === this.#drawn[i]) && this.#drawn.length) return;
    this.#drawn = same;
    const rows = places(predictions, this.#order)
      .slice(0, Math.min(this.#most, MOST))
      .map((place) => ({ prediction: predictions[place], rank: place + 1 }));
    const expected = forecast[0]?.event ?? [];
    const axis = layOut(
      stm,
      rows.map(({ prediction }) => prediction),
      { basis, expected },
    );
    this.axis.draw(axis, stm, rows, expected);
    this.metrics.draw(
      rows,
      AxisView.heights(axis),
      this.#order,
      context(predictions, { symbols: counters?.symbols ?? null, genes }),
    );
    this.explanations.refresh();
    this.#more(rows.length, predictions.length);
  }

  #more(shown, all) {
    show(byId("metrics-side"), shown);
    show(byId("predictions-more"), all > FIRST);
    show(byId("more-predictions"), shown < Math.min(all, MOST));
    say(byId("predictions-note"), `${counted(shown)} of ${some(all, "prediction")}`);
  }

  #note({ stm, predictions, genes, known, offset, foreseen }) {
    const pushed = genes?.process_predictions ?? true;
    const behind = offset - foreseen;
    const old = !pushed && behind > 0;
    show(byId("no-predictions"), known && (!predictions.length || old));
    show(this.askButton, !pushed);
    say(byId("no-predictions").firstElementChild, why({ stm, predictions, genes, pushed, old }));
  }
}

function why({ stm, predictions, genes, pushed, old }) {
  if (!pushed && old && predictions.length)
    return "These predictions may be old: the gene process_predictions is off, so none are pushed.";
  if (!pushed) return "None are pushed: the gene process_predictions is off.";
  if (!stm.length)
    return (
      "Nothing has been observed since memory was last learned or cleared. " +
      "Observe something, and predictions appear here."
    );
  const symbols = stm.reduce((sum, event) => sum + event.length, 0);
  if (symbols < (genes?.min_prediction_symbols ?? 0)) {
    return (
      `No predictions yet: the gene min_prediction_symbols wants ${genes.min_prediction_symbols} ` +
      `symbols, and there ${symbols === 1 ? "is 1" : `are ${symbols}`}.`
    );
  }
  const least = genes?.recall_threshold ?? 0;
  return (
    `No model matches what was observed with a similarity of at least ${least} ` +
    "(the gene recall_threshold)."
  );
}
