/**
 * The page on which to try GraphQL.
 *
 * @module page
 */

import { KeyDialog } from "../dialogs.js";
import { announce, byId, make, mark, say, show } from "../elements.js";
import { Theme } from "../theme.js";
import { TypedWrong, ask, listen, readVariables, subscribes } from "./asking.js";
import { EXAMPLES } from "./examples.js";
import { INTROSPECTION, Schema } from "./schema.js";
import { SchemaView } from "./schema_view.js";

const KEY = "kato.key";
const DOCUMENT = "kato.graphql";

/** Of a longer result the rest is not drawn; of events so many are shown. */
const MOST = 50_000;
const EVENTS = 50;

class Page {
  #schema = new SchemaView();
  #stop = null;
  #events = [];

  constructor() {
    new Theme(() => {});
    this.keys = new KeyDialog((key) => {
      sessionStorage.setItem(KEY, key);
      this.#load();
    });
    byId("show-key").addEventListener("click", () =>
      this.keys.ask({ title: "Use an API key", reason: "" }),
    );
    byId("show-schema").addEventListener("click", () => this.#contents());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("query").focus();
    });
    byId("asking").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run();
    });
    byId("asking").addEventListener("input", () => this.#keep());
    byId("stop").addEventListener("click", () => this.#stop?.());
    window.addEventListener("keydown", (event) => this.#pressed(event));
    this.#fill();
    this.#load();
  }

  get #key() {
    return sessionStorage.getItem(KEY);
  }

  // What is asked

  #fill() {
    const names = EXAMPLES.map(({ name }, at) => make("option", { value: String(at) }, name));
    byId("example").append(...names);
    byId("example").addEventListener("change", ({ target }) => {
      this.#show(EXAMPLES[Number(target.value)]);
      this.#keep();
    });
    const kept = sessionStorage.getItem(DOCUMENT);
    this.#show(kept === null ? EXAMPLES[0] : JSON.parse(kept));
  }

  #show({ query, variables }) {
    byId("query").value = query;
    byId("variables").value =
      typeof variables === "string" ? variables : JSON.stringify(variables, null, 2);
  }

  /** Keep what was typed, until this tab is closed. */
  #keep() {
    const typed = { query: byId("query").value, variables: byId("variables").value };
    sessionStorage.setItem(DOCUMENT, JSON.stringify(typed));
  }

  async #load() {
    try {
      const { status, told } = await ask({ query: INTROSPECTION }, this.#key);
      if (status === 401) this.#locked(told.message);
      else if (told.data) this.#schema.draw(new Schema(told.data));
      else this.#fault(told.message ?? told.errors[0].message);
    } catch (error) {
      this.#fault(`The schema cannot be read: ${error.message}`);
    }
  }

  #locked(message) {
    const wrong = this.#key !== null;
    sessionStorage.removeItem(KEY);
    this.keys.ask({ title: "This server wants a key", reason: wrong ? message : "" });
  }

  #fault(text, field = null) {
    say(byId("fault"), text);
    show(byId("fault"), text);
    mark(byId("variables"), "aria-invalid", field === "variables" ? "true" : null);
  }

  async #run() {
    this.#stop?.();
    this.#fault("");
    try {
      const variables = readVariables(byId("variables").value);
      const request = { query: byId("query").value, variables };
      if (subscribes(request.query)) this.#listen(request);
      else this.#told(await ask(request, this.#key));
    } catch (error) {
      if (error instanceof TypedWrong) this.#fault(error.message, "variables");
      else this.#fault(`No answer: ${error.message}`);
    }
  }

  // What comes of it

  #told({ status, milliseconds, told }) {
    if (status === 401) this.#locked(told.message);
    const good = status < 300 && !told.errors;
    this.#say(`${status} in ${milliseconds.toFixed(1)} ms`, good);
    this.#draw(told);
  }

  #listen(request) {
    this.#events = [];
    this.#draw(null);
    this.#say("Listening", true);
    show(byId("stop"), true);
    this.#stop = listen(request, this.#key, {
      next: (told) => this.#heard(told),
      ended: (why, errors) => {
        this.#stop = null;
        show(byId("stop"), false);
        this.#say(why, !errors && !why.startsWith("Closed"));
        if (errors) this.#draw({ errors });
      },
    });
  }

  #heard(told) {
    this.#events = [told, ...this.#events].slice(0, EVENTS);
    this.#draw(this.#events);
  }

  #say(text, good) {
    say(byId("status"), text);
    mark(byId("status"), "data-good", good ? "" : null);
    announce(text);
  }

  #draw(told) {
    const text = told === null ? "" : JSON.stringify(told, null, 2);
    say(byId("result"), text.length > MOST ? `${text.slice(0, MOST)}\n…` : text);
  }

  // Keys

  /** Show the schema where it is no column of its own, or hide it. */
  #contents(shown = !byId("schema").hasAttribute("data-shown")) {
    mark(byId("schema"), "data-shown", shown ? "" : null);
    mark(byId("show-schema"), "aria-expanded", String(shown));
    if (shown) byId("filter").focus();
  }

  #pressed(event) {
    if (event.key === "Escape") this.#contents(false);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#run();
    }
    const typing = event.target.closest?.("input, select, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("filter").focus();
  }
}

new Page();
