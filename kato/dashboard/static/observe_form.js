/**
 * Observe, learn and clear by hand.
 *
 * @module observe_form
 */

import { confirmed } from "./dialogs.js";
import { announce, byId, mark, say, show } from "./elements.js";
import { shortName } from "./symbols.js";
import { TypedError, readObservation } from "./typed.js";

const FIELDS = ["strings", "emotives", "vectors"];

export class ObserveForm {
  #request;
  #failed;
  /** Whether something is under way: what is asked for twice in a hurry is done once. */
  #busy = false;

  /**
   * @param {(method: string, params?: Record<string, any>) => Promise<Record<string, any>>} request
   * @param {(error: any) => void} failed What cannot be told by a field.
   */
  constructor(request, failed) {
    this.#request = request;
    this.#failed = failed;
    byId("observe").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(() => this.#observe());
    });
    byId("learn").addEventListener("click", () => this.learn());
    byId("clear-stm").addEventListener("click", () => this.#clear());
    byId("clear-all").addEventListener("click", () => this.#clearAll());
  }

  /** What was typed is kept until it has been observed; what was typed meanwhile, too. */
  async #observe() {
    this.#faults({});
    try {
      const typed = this.#typed();
      const observation = readObservation(typed);
      await this.#request("observe", { ...observation, brief: true });
      announce("Observed");
      if (FIELDS.every((name) => this.#typed()[name] === typed[name])) byId("observe").reset();
    } catch (error) {
      this.#blame(error);
    }
    byId("observe-strings").focus();
  }

  #typed() {
    return Object.fromEntries(FIELDS.map((name) => [name, byId(`observe-${name}`).value]));
  }

  /** The server names the field at fault at the beginning of its message. */
  #blame(error) {
    const named = FIELDS.find((name) =>
      error instanceof TypedError ? error.field === name : error.message.startsWith(name),
    );
    if (named) this.#faults({ [named]: error.message });
    else if (error.code === "INVALID_REQUEST") this.#faults({ strings: error.message });
    else this.#failed(error);
  }

  #faults(messages) {
    for (const name of FIELDS) {
      const text = messages[name] ?? "";
      const fault = byId(`observe-${name}-error`);
      say(fault, text);
      show(fault, text);
      mark(byId(`observe-${name}`), "aria-invalid", text ? "true" : null);
    }
  }

  async learn() {
    await this.#do(async () => {
      const { model_name: name } = await this.#request("learn");
      announce(
        name
          ? `Learned model ${shortName(name)}`
          : "Fewer than two symbols make no model; short-term memory is empty now",
      );
    });
  }

  async #clear() {
    await this.#do(async () => {
      await this.#request("clear_short_term_memory");
      announce("Short-term memory is empty now");
    });
  }

  async #clearAll() {
    const meant = await confirmed({
      title: "Clear all memory?",
      text:
        "Every model and vector of this processor is forgotten, and its short-term memory. " +
        "Its genes stay. This cannot be undone.",
      yes: "Clear all",
    });
    if (!meant) return;
    await this.#do(async () => {
      await this.#request("clear_all_memory");
      announce("All memory is cleared");
    });
  }

  async #do(act) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await act();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }
}
