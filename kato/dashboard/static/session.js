/**
 * The page's connection: its key, and what that key may do.
 *
 * @module session
 */

import { Kato } from "./kato.js";

const KEY = "kato.key";

export class Session {
  #asked;

  /** @param {string} query The page's own, `?read-only` for example. */
  constructor(query) {
    this.#asked = new URLSearchParams(query).has("read-only");
    this.kato = new Kato(null, { key: sessionStorage.getItem(KEY) });
  }

  /** Why nothing can be changed here; null where it can. */
  get readOnly() {
    if (this.#asked) return "This page was asked to be read-only by its address.";
    const scopes = this.kato.scopes;
    return scopes && !scopes.includes("write")
      ? "The key may read, but not change anything."
      : null;
  }

  /** Whether a key is used. */
  get hasKey() {
    return sessionStorage.getItem(KEY) !== null;
  }

  /**
   * Use another key from now on. It is kept in this tab alone.
   *
   * @param {string} key
   */
  async use(key) {
    sessionStorage.setItem(KEY, key);
    try {
      await this.kato.authenticate(key);
    } catch {
      sessionStorage.removeItem(KEY);
    }
  }
}
