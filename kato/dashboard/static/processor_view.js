/**
 * The chosen processor: its head, and all panels below.
 *
 * @module processor_view
 */

import { AccuracyView } from "./accuracy_view.js";
import { confirmed, showModel } from "./dialogs.js";
import { announce, byId, fit, make, say, show } from "./elements.js";
import { EmotivesView } from "./emotives_view.js";
import { ExplanationView } from "./explanation_view.js";
import { ForecastView } from "./forecast_view.js";
import { GenesView } from "./genes_view.js";
import { LearnedView } from "./learned_view.js";
import { ObserveForm } from "./observe_form.js";
import { PredictionsView } from "./predictions_view.js";
import { compact, counted } from "./symbols.js";

export class ProcessorView {
  #request;
  #failed;
  #note = "";

  /**
   * @param {object} ears
   * @param {(method: string, params?: Record<string, any>) => Promise<any>} ears.request Of the
   *   chosen processor.
   * @param {() => void} ears.changed It is to be drawn.
   * @param {() => Promise<void>} ears.ask Predictions are to be asked for.
   * @param {(error: any) => void} ears.failed
   */
  constructor({ request, changed, ask, failed }) {
    this.#request = request;
    this.#failed = failed;
    const choose = (name) => showModel(name, () => request("get_model", { model_name: name }));
    this.predictions = new PredictionsView({
      explanations: new ExplanationView(),
      changed,
      choose,
      ask: () => ask().catch(failed),
    });
    this.forecast = new ForecastView();
    this.accuracy = new AccuracyView();
    this.learned = new LearnedView(choose);
    this.emotives = new EmotivesView();
    this.genes = new GenesView((gene, value) => request("change_gene", { gene, value }));
    this.form = new ObserveForm(request, failed);
    byId("delete-processor").addEventListener("click", () => this.#delete());
  }

  /** The colours are others now. */
  recolour() {
    this.emotives.recolour();
  }

  /** @param {string} text Something about the state as it is shown. */
  note(text) {
    this.#note = text;
  }

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {{ now: number, readOnly: boolean }} moment
   */
  draw(picture, { now, readOnly }) {
    say(byId("processor-id"), picture.id);
    say(byId("note"), this.#said(picture));
    this.#counters(picture);
    this.predictions.draw(picture);
    this.forecast.draw(picture);
    this.accuracy.draw(picture);
    this.learned.draw(picture, now);
    this.emotives.draw(picture);
    this.genes.draw(picture, readOnly);
  }

  #said({ known, away }) {
    if (away) return "Its service is away: what you see may be old.";
    return known ? this.#note : this.#note || "Reading its state…";
  }

  #counters({ counters, stm }) {
    const { models, symbols, vectors, interval } = counters ?? {};
    const told = { observations: interval, models, symbols, vectors, events: stm.length };
    fit(byId("counters"), Object.entries(told), createCounter, (element, [name, value]) => {
      say(element.firstChild, name === "events" ? "events in STM" : name);
      say(element.lastChild, value === undefined ? "–" : compact(value));
      element.title = value === undefined ? "" : `${counted(value)} ${name}`;
      element.dataset.counter = name;
    });
  }

  async #delete() {
    const id = byId("processor-id").textContent;
    const meant = await confirmed({
      title: `Delete ${id}?`,
      text: `All that ${id} has learned is forgotten, and its genes. This cannot be undone.`,
      yes: "Delete",
    });
    if (!meant) return;
    try {
      await this.#request("delete_processor");
      announce(`${id} is deleted`);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {boolean} shown */
  show(shown) {
    show(byId("processor"), shown);
  }
}

function createCounter() {
  return make("div", {}, make("dt"), make("dd"));
}
