/**
 * Keys that do something. Keys of one letter can be switched off, since they may be pressed by
 * mistake, or by a voice.
 *
 * @module shortcuts
 */

import { byId, make } from "./elements.js";

const STORED = "kato.shortcuts";

/**
 * @typedef {{ key: string, says: string, run: () => void }} Shortcut
 */

export class Shortcuts {
  #shortcuts;

  /** @param {Shortcut[]} shortcuts */
  constructor(shortcuts) {
    this.#shortcuts = shortcuts;
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list();
    const on = byId("shortcuts-on");
    on.checked = this.on;
    on.addEventListener("change", () => {
      if (on.checked) localStorage.removeItem(STORED);
      else localStorage.setItem(STORED, "off");
    });
  }

  get on() {
    return localStorage.getItem(STORED) !== "off";
  }

  #list() {
    const rows = this.#shortcuts.flatMap(({ key, says }) => [
      make("dt", {}, make("kbd", {}, key)),
      make("dd", {}, says),
    ]);
    byId("shortcuts").append(...rows);
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !this.on) return;
    if (document.querySelector("dialog[open]") || types(event.target)) return;
    const found = this.#shortcuts.find(({ key }) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found.run();
  }
}

/** Whether keys are for writing there. */
function types(target) {
  return (
    target instanceof Element &&
    target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")
  );
}
