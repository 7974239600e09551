/**
 * Light, dark, or as the system has it: remembered in this browser.
 *
 * @module theme
 */

import { announce, byId } from "./elements.js";

const STORED = "kato.theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const SAID = { auto: "as the system has it", light: "light", dark: "dark" };

export class Theme {
  #changed;

  /** @param {() => void} changed The colours are others now. */
  constructor(changed) {
    this.#changed = changed;
    byId("theme").addEventListener("click", () => this.next());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    this.#show();
  }

  get chosen() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  next() {
    const next = NEXT[this.chosen];
    if (next === "auto") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem(STORED);
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem(STORED, next);
    }
    this.#show();
    this.#changed();
    announce(`Theme: ${SAID[next]}`);
  }

  #show() {
    const said = `Theme: ${SAID[this.chosen]}`;
    byId("theme").setAttribute("aria-label", said);
    byId("theme").title = said;
  }
}

/**
 * A colour of the style sheet as it is now, for what is not drawn by it.
 *
 * @param {string} name `--accent` for example.
 */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
