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
  /** Who came and went while the list is read, which may not know of it; null otherwise. */
  #held = null;

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
    const held = (this.#held = []);
    try {
      const { found, total } = await this.#pages();
      if (held !== this.#held) return;
      this.list.replace(found);
      this.total = total;
      this.known = true;
    } finally {
      if (held === this.#held) this.#goOn();
    }
  }

  async #pages() {
    const found = [];
    let page = { next: null };
    do {
      const params = page.next === null ? { limit: PAGE } : { limit: PAGE, after: page.next };
      page = await this.#kato.request("list_processors", params);
      found.push(...page.processors);
    } while (page.next !== null && found.length < MOST);
    return { found, total: page.total };
  }

  /** The list was read, or cannot be. */
  #goOn() {
    const held = this.#held;
    this.#held = null;
    for (const each of held) this.#change(each);
    this.#ears.came();
    this.#ears.changed();
    this.poll();
  }

  #happened({ event, processor, data }) {
    if (event !== "processors") return;
    if (this.#held) {
      this.#held.push({ processor, came: data.change === "came" });
      return;
    }
    this.#change({ processor, came: data.change === "came" });
    this.#ears.came();
    this.#ears.changed();
    this.poll();
  }

  #change({ processor, came }) {
    const allAreListed = this.list.size === this.total;
    if (came) this.list.came(processor);
    else this.list.went(processor);
    const { size } = this.list;
    this.total = allAreListed ? size : Math.max(this.total + (came ? 1 : -1), size);
  }
}
