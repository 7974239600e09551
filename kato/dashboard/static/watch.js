/**
 * Watches one processor: subscribes, reads its state when that is needed, keeps a picture of it.
 *
 * @module watch
 */

import { Picture } from "./picture.js";

const PASSING = new Set([
  "PROCESSOR_UNAVAILABLE",
  "STORAGE_UNAVAILABLE",
  "TIMEOUT",
  "TOO_MANY_REQUESTS",
  "INTERNAL_ERROR",
]);
const PAUSE = 1;

export class Watch {
  #kato;
  #ears;
  #subscription;
  #times = 0;
  #ended = false;

  /**
   * @param {import("./kato.js").Kato} kato
   * @param {string} id
   * @param {object} ears
   * @param {() => void} ears.changed The picture is another one.
   * @param {() => void} ears.anew The state was read anew, not for the first time.
   * @param {(error: any) => void} ears.failed
   */
  constructor(kato, id, ears) {
    this.#kato = kato;
    this.#ears = ears;
    this.picture = new Picture(id);
    this.#subscription = kato.subscribe(id, {
      onFresh: ({ offset }) => this.#read(offset, ++this.#times),
      onEvent: (event) => {
        this.picture.happened(event, Date.now() / 1_000);
        ears.changed();
      },
      onError: (error) => this.#ended || ears.failed(error),
    });
  }

  /** Ask now for predictions, which may not be told. */
  async ask() {
    const [predictions, forecast] = await Promise.all([
      this.#ask("get_predictions"),
      this.#ask("get_forecast"),
    ]);
    this.picture.asked(predictions.predictions, forecast.forecast);
    this.#ears.changed();
  }

  end() {
    this.#ended = true;
    this.#subscription.unsubscribe();
  }

  async #read(offset, times) {
    this.picture.begin(offset);
    this.#ears.changed();
    try {
      const answers = await this.#state();
      if (this.#ended || times !== this.#times) return;
      this.picture.read(answers);
      this.#ears.changed();
      if (times > 1) this.#ears.anew();
    } catch (error) {
      if (!this.#ended && times === this.#times) this.#again(error, offset, times);
    }
  }

  #again(error, offset, times) {
    this.#ears.failed(error);
    if (!PASSING.has(error.code)) return;
    const pause = 1_000 * (error.envelope?.retry_after ?? PAUSE);
    setTimeout(() => this.#ended || times !== this.#times || this.#read(offset, times), pause);
  }

  async #state() {
    const methods = [
      "get_status",
      "get_short_term_memory",
      "get_predictions",
      "get_forecast",
      "get_percept_data",
    ];
    const [status, memory, predictions, forecast, percept] = await Promise.all(
      methods.map((each) => this.#ask(each)),
    );
    return { status, memory, predictions, forecast, percept };
  }

  #ask(method) {
    return this.#kato.request(method, {}, { processor: this.picture.id });
  }
}
