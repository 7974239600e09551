/**
 * The page that shows the API: asks for its description, and has operations tried.
 *
 * @module page
 */

import { KeyDialog } from "../dialogs.js";
import { byId, make, mark, say, show } from "../elements.js";
import { Theme } from "../theme.js";
import { Description } from "./description.js";
import { OperationView } from "./operation_view.js";
import { paragraphs, prose } from "./prose.js";

const KEY = "kato.key";

class Page {
  /** @type {Map<string, OperationView>} */
  #views = new Map();

  constructor() {
    new Theme(() => {});
    this.keys = new KeyDialog((key) => {
      sessionStorage.setItem(KEY, key);
      this.#load();
    });
    byId("show-key").addEventListener("click", () =>
      this.keys.ask({ title: "Use an API key", reason: "" }),
    );
    byId("retry").addEventListener("click", () => this.#load());
    byId("filter").addEventListener("input", () => this.#filter());
    byId("show-contents").addEventListener("click", () => this.#contents());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("main").focus();
    });
    window.addEventListener("hashchange", () => this.#go());
    window.addEventListener("keydown", (event) => this.#pressed(event));
    this.#load();
  }

  async #load() {
    show(byId("error"), false);
    try {
      const answer = await this.#send({ method: "GET", path: "/openapi.json" });
      const told = JSON.parse(answer.text);
      if (answer.status === 401) this.#locked(told.message);
      else if (answer.status !== 200) this.#fail(`${told.error_code}: ${told.message}`);
      else this.#draw(new Description(told));
    } catch (error) {
      this.#fail(`The description cannot be read: ${error.message}`);
    }
  }

  #locked(message) {
    const wrong = sessionStorage.getItem(KEY) !== null;
    sessionStorage.removeItem(KEY);
    this.keys.ask({ title: "This server wants a key", reason: wrong ? message : "" });
  }

  #fail(text) {
    say(byId("error-text"), text);
    show(byId("error"), true);
  }

  /** Send a request, with the key if there is one. */
  async #send({ method, path, headers = {}, body = null }) {
    const key = sessionStorage.getItem(KEY);
    const began = performance.now();
    const answer = await fetch(path, {
      method,
      headers: key === null ? headers : { ...headers, "X-API-Key": key },
      body,
      cache: "no-store",
    });
    const text = await answer.text();
    return {
      status: answer.status,
      milliseconds: performance.now() - began,
      requestId: answer.headers.get("X-Request-ID"),
      text: (answer.headers.get("Content-Type") ?? "").startsWith("application/json")
        ? spread(text)
        : text,
    };
  }

  // Drawing

  /** @param {Description} description */
  #draw(description) {
    const { info } = description.document;
    say(byId("version"), info.version);
    show(byId("version"), true);
    show(byId("raw"), sessionStorage.getItem(KEY) === null);
    byId("about").replaceChildren(
      make("h1", {}, `${info.title} over REST`),
      ...paragraphs(info.description),
    );
    show(byId("about"), true);
    this.#views.clear();
    byId("operations").replaceChildren(
      ...description.topics.map((topic) => this.#topic(topic, description)),
    );
    byId("list").replaceChildren(...description.topics.map(entriesOf));
    this.#filter();
    this.#go();
  }

  #topic({ name, says, operations }, description) {
    return make(
      "section",
      { class: "topic", "aria-labelledby": `topic-${name}` },
      make("h2", { id: `topic-${name}` }, titled(name)),
      make("p", { class: "note" }, ...prose(says)),
      ...operations.map((operation) => {
        const view = new OperationView(operation, description, (request) => this.#send(request));
        this.#views.set(operation.id, view);
        return view.element;
      }),
    );
  }

  /** Open the operation that the address names. */
  #go() {
    const id = location.hash.slice(1);
    for (const link of document.querySelectorAll("#list a"))
      mark(link, "aria-current", link.hash === `#${id}` ? "true" : null);
    this.#views.get(id)?.open();
    this.#contents(false);
  }

  #filter() {
    const wanted = byId("filter").value.trim().toLowerCase();
    let found = 0;
    for (const topic of document.querySelectorAll("#list section")) {
      let shown = 0;
      for (const entry of topic.querySelectorAll("li")) {
        const fits = entry.textContent.toLowerCase().includes(wanted);
        show(entry, fits);
        shown += Number(fits);
      }
      show(topic, shown);
      found += shown;
    }
    say(byId("none"), `None has “${wanted}” in it.`);
    show(byId("none"), wanted && !found);
  }

  /** Show the list of operations where it is no column of its own, or hide it. */
  #contents(shown = !byId("contents").hasAttribute("data-shown")) {
    mark(byId("contents"), "data-shown", shown ? "" : null);
    mark(byId("show-contents"), "aria-expanded", String(shown));
    if (shown) byId("filter").focus();
  }

  #pressed(event) {
    if (event.key === "Escape") this.#contents(false);
    const typing = event.target.closest?.("input, select, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("filter").focus();
  }
}

/** The entries of a topic in the list at the side. */
function entriesOf({ name, operations }) {
  return make(
    "section",
    { "aria-label": titled(name) },
    make("h3", {}, titled(name)),
    make(
      "ul",
      {},
      ...operations.map(({ id, method, path }) =>
        make(
          "li",
          {},
          make(
            "a",
            { href: `#${id}`, "data-method": method, title: `${method} ${path}` },
            make("span", { class: "method" }, method),
            make("span", { class: "name" }, id),
          ),
        ),
      ),
    ),
  );
}

function titled(word) {
  return word[0].toUpperCase() + word.slice(1);
}

/** JSON on lines of its own; what is none stays as it is. */
function spread(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

new Page();
