/**
 * A small window beside what it explains, while that has the pointer or the focus.
 *
 * @module explanation_view
 */

import { byId, make, say, show } from "./elements.js";

const MARGIN = 8;

export class ExplanationView {
  #anchor = null;
  #content = null;

  constructor() {
    this.window = byId("explanation");
    this.window.append(...["h3", "p", "p", "p"].map((tag) => make(tag)));
    ["", "formula", "sum", "words"].forEach(
      (name, i) => (this.window.children[i].className = name),
    );
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.hide());
    document.addEventListener("scroll", () => this.#anchor && this.#place(), {
      capture: true,
      passive: true,
    });
  }

  /**
   * Explain things within a part of the page.
   *
   * @param {HTMLElement} part
   * @param {string} selector What is explained there.
   * @param {(element: any) => import("./metrics.js").Explanation | null} explain
   */
  within(part, selector, explain) {
    const over = (event) => {
      const found = event.target.closest(selector);
      if (found) this.#show(found, () => explain(found));
    };
    const out = (event) => {
      const to = event.relatedTarget;
      const stays = to instanceof Node && (this.window.contains(to) || this.#anchor?.contains(to));
      if (!stays && !this.#anchor?.matches(":focus")) this.hide();
    };
    part.addEventListener("pointerover", over);
    part.addEventListener("focusin", over);
    part.addEventListener("pointerout", out);
    part.addEventListener("focusout", () => this.hide());
    this.window.addEventListener("pointerleave", out);
  }

  #show(anchor, content) {
    if (this.#anchor !== anchor) this.hide();
    this.#anchor = anchor;
    this.#content = content;
    anchor.setAttribute("aria-describedby", "explanation");
    this.refresh();
    this.#place();
  }

  /** What is explained may be another thing by now. */
  refresh() {
    if (!this.#anchor) return;
    const content = this.#anchor.isConnected ? this.#content() : null;
    if (!content) {
      this.hide();
      return;
    }
    [content.title, content.formula, content.sum, content.words].forEach((text, i) => {
      say(this.window.children[i], text);
      show(this.window.children[i], text);
    });
    show(this.window, true);
  }

  hide() {
    this.#anchor?.removeAttribute("aria-describedby");
    this.#anchor = null;
    show(this.window, false);
  }

  #place() {
    const here = this.#anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.window;
    const left = Math.min(Math.max(MARGIN, here.right - width), innerWidth - width - MARGIN);
    const below = here.bottom + MARGIN + height < innerHeight;
    this.window.style.left = `${left}px`;
    const top = below ? here.bottom + 4 : Math.max(MARGIN, here.top - height - 4);
    this.window.style.top = `${top}px`;
  }
}
