/**
 * What was learned just now, the newest first.
 *
 * @module learned_view
 */

import { byId, fit, make, mark, say, show } from "./elements.js";
import { clock, counted, perSecond, shortName, some } from "./symbols.js";

const MOST = 40;
/** Where more than so many come at once, none of them stands out. */
const FEW = 4;
const SIGNS = { learned: "+", updated: "~", deleted: "−", cleared: "∅" };

export class LearnedView {
  #drawn = null;
  #newest = 0;

  /** @param {(name: string) => void} choose A model was chosen. */
  constructor(choose) {
    this.list = byId("learned");
    this.list.addEventListener("click", ({ target }) => {
      const name = target.closest("button")?.closest("[data-model]")?.dataset.model;
      if (name) choose(name);
    });
  }

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {number} now Seconds.
   */
  draw({ learned, lessons }, now) {
    const rate = lessons.rate(now);
    say(byId("learned-rate"), rate ? `${perSecond(rate)} a second` : "");
    if (learned === this.#drawn) return;
    this.#drawn = learned;
    show(byId("no-learned"), !learned.length);
    show(this.list, learned.length);
    const arrived = learned.filter(({ offset }) => offset > this.#newest).length;
    this.#newest = learned[0]?.offset ?? 0;
    const lit = arrived <= FEW ? arrived : 0;
    fit(this.list, learned.slice(0, MOST), createLesson, (element, lesson, place) => {
      fillLesson(element, lesson);
      restart(element, place < lit);
    });
  }
}

function createLesson() {
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button" },
      make("span", { class: "sign", "aria-hidden": "true" }),
      make("span", { class: "what" }, make("span"), make("code")),
      make("time"),
      make("span"),
      make("span", { class: "more" }),
    ),
  );
}

function fillLesson(element, lesson) {
  const [sign, what, time, , more] = element.firstChild.children;
  mark(element, "data-model", lesson.name);
  mark(element, "data-change", lesson.change);
  element.firstChild.disabled = lesson.name === null || lesson.change === "deleted";
  say(sign, SIGNS[lesson.change]);
  say(
    what.children[0],
    lesson.change === "cleared" ? "all of memory cleared" : `${lesson.change} `,
  );
  say(what.children[1], lesson.name ? shortName(lesson.name) : "");
  say(time, clock(lesson.at));
  say(more, details(lesson));
}

/** The highlight of a new entry runs from its beginning. */
function restart(element, arrived) {
  element.classList.remove("new");
  if (!arrived) return;
  void element.offsetWidth;
  element.classList.add("new");
}

function details({ frequency, length, automatic }) {
  const parts = [
    length === null ? null : some(length, "symbol"),
    frequency === null
      ? null
      : frequency === 1
        ? "for the first time"
        : `now ${counted(frequency)} times`,
    automatic ? "by itself" : null,
  ];
  return parts.filter(Boolean).join(", ");
}
