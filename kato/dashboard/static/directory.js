/**
 * Keeps the list of processors: read once, then told of who comes and goes; of those that can be
 * seen the status is asked for every now and then.
 *
 * @module directory
 */

import { ProcessorList } from "./processor_list.js";

const PAGE = 1_000;
const MOST = 10_000;
const EVERY = 2_000;

export class Directory {
  #kato;
  #ears;
  #asked = new Set();

  list = new ProcessorList();
  known = false;
  /** How many there are, which may be more than are listed. */
  total = 0;

  /**
   * @param {import("./kato.js").Kato} kato
   * @param {object} ears
   * @param {() => void} ears.changed
   * @param {() => void} ears.came There are others than before.
   * @param {(status: Record<string, any>) => void} ears.told A processor has told its status.
   * @param {(id: string, error: any) => void} ears.untold It has not.
   * @param {() => string[]} ears.watched Whose status is of interest now.
   */
  constructor(kato, ears) {
    this.#kato = kato;
    this.#ears = ears;
    kato.subscribe(null, {
      onFresh: () => this.#read(),
      onEvent: (event) => this.#happened(event),
      onError: () => {},
    });
    setInterval(() => this.poll(), EVERY);
  }

  /** Ask those that can be seen for their status. */
  poll() {
    if (document.hidden || this.#kato.state !== "open") return;
    for (const id of this.#ears.watched()) if (!this.#asked.has(id)) this.#ask(id);
  }

  async #ask(id) {
    this.#asked.add(id);
    try {
      const status = await this.#kato.request(
        "get_status",
        {},
        { processor: id, timeout: 5 * EVERY },
      );
      this.list.told(status);
      this.#ears.told(status);
      this.#ears.changed();
    } catch (error) {
      this.#ears.untold(id, error);
    } finally {
      this.#asked.delete(id);
    }
  }

  async #read() {
    const found = [];
    let after = null;
    do {
      const params = after === null ? { limit: PAGE } : { limit: PAGE, after };
      const page = await this.#kato.request("list_processors", params);
      found.push(...page.processors);
      this.total = page.total;
      after = page.next;
    } while (after !== null && found.length < MOST);
    this.list.replace(found);
    this.known = true;
    this.#ears.came();
    this.#ears.changed();
    this.poll();
  }

  #happened({ event, processor, data }) {
    if (event !== "processors") return;
    if (data.change === "came") this.list.came(processor);
    else this.list.went(processor);
    this.#ears.came();
    this.total = Math.max(this.total + (data.change === "came" ? 1 : -1), this.list.size);
    this.#ears.changed();
    this.poll();
  }
}
