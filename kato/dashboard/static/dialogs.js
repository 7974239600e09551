/**
 * Dialogs: one asks whether it is meant, one for a key, one for a new processor, one shows a model.
 *
 * @module dialogs
 */

import { byId, make, say, show, token } from "./elements.js";
import { decimal, shortName, some } from "./symbols.js";

/** @param {string} id */
export function open(id) {
  const dialog = byId(id);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

/**
 * Ask whether it is meant.
 *
 * @param {{ title: string, text: string, yes: string }} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, yes }) {
  say(byId("confirm-title"), title);
  say(byId("confirm-text"), text);
  say(byId("confirm-yes"), yes);
  const dialog = byId("confirm-dialog");
  dialog.returnValue = "no";
  dialog.showModal();
  byId("confirm-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Asks for a key. */
export class KeyDialog {
  /** @param {(key: string) => void} use */
  constructor(use) {
    this.dialog = byId("key-dialog");
    byId("key-form").addEventListener("submit", () => {
      const key = byId("key").value;
      byId("key").value = "";
      use(key);
    });
    byId("key-cancel").addEventListener("click", () => this.dialog.close());
  }

  /** @param {{ title: string, reason: string }} why */
  ask({ title, reason }) {
    say(byId("key-title"), title);
    say(byId("key-reason"), reason);
    if (!this.dialog.open) this.dialog.showModal();
    byId("key").focus();
  }
}

/** Asks for the id of a new processor, until the server takes one. */
export class CreateDialog {
  /** @param {(id: string) => Promise<void>} create Fails with what is wrong. */
  constructor(create) {
    this.dialog = byId("create-dialog");
    byId("create-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(create);
    });
    byId("create-cancel").addEventListener("click", () => this.dialog.close());
  }

  open() {
    byId("create-form").reset();
    this.#fault("");
    this.dialog.showModal();
  }

  async #try(create) {
    this.#fault("");
    byId("create-now").disabled = true;
    try {
      await create(byId("create-id").value.trim());
      this.dialog.close();
    } catch (error) {
      this.#fault(error.message);
      byId("create-id").focus();
    } finally {
      byId("create-now").disabled = false;
    }
  }

  #fault(text) {
    const fault = byId("create-error");
    say(fault, text);
    show(fault, text);
    byId("create-id").toggleAttribute("aria-invalid", false);
    if (text) byId("create-id").setAttribute("aria-invalid", "true");
  }
}

/**
 * Show a model as it is now.
 *
 * @param {string} name
 * @param {() => Promise<Record<string, any>>} get
 */
export async function showModel(name, get) {
  say(byId("model-title"), `Model ${shortName(name)}`);
  byId("model").replaceChildren(make("p", { class: "note" }, "Reading…"));
  open("model-dialog");
  try {
    byId("model").replaceChildren(...modelParts((await get()).model));
  } catch (error) {
    byId("model").replaceChildren(make("p", { class: "fault" }, error.message));
  }
}

function modelParts({ name, sequence, frequency, emotives, length }) {
  const events = sequence
    .slice(0, 200)
    .map((event) => make("li", {}, ...event.map((symbol) => token("seen", symbol))));
  const more = sequence.length - events.length;
  return [
    make("p", { class: "note mono" }, name),
    make(
      "p",
      {},
      `${some(length, "symbol")} in ${some(sequence.length, "event")}, ` +
        `learned ${some(frequency, "time")}.`,
    ),
    make("ol", { class: "sequence", "aria-label": "Events" }, ...events),
    more ? make("p", { class: "note" }, `${some(more, "more event")} not drawn`) : null,
    emotives.length ? felt(emotives) : null,
  ].filter(Boolean);
}

function felt(emotives) {
  const names = [...new Set(emotives.flatMap(Object.keys))].sort();
  const rows = names.map((name) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      ...emotives.map((each) => make("td", {}, name in each ? decimal(each[name]) : "–")),
    ),
  );
  return make(
    "table",
    {},
    make("caption", { class: "unseen" }, "Emotives, the newest last"),
    make("tbody", {}, ...rows),
  );
}
