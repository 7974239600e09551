/**
 * The page: joins the connection, the list of processors and the chosen one.
 *
 * @module page
 */

import { ConnectionView } from "./connection_view.js";
import { CreateDialog, open } from "./dialogs.js";
import { Directory } from "./directory.js";
import { byId, make, say, show } from "./elements.js";
import { Pace } from "./pace.js";
import { ProcessorView } from "./processor_view.js";
import { ProcessorsView } from "./processors_view.js";
import { Meter, curve } from "./rates.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { clock, counted } from "./symbols.js";
import { Theme } from "./theme.js";
import { Watch } from "./watch.js";

const RATE = { width: 64, height: 16, most: 59 };

class Page {
  /** @type {Watch | null} */
  #watch = null;
  #missing = "";
  #meter = new Meter();

  constructor() {
    this.session = new Session(location.search);
    this.pace = new Pace(() => this.#draw(), {
      frame: (call) => requestAnimationFrame(call),
      now: () => performance.now(),
    });
    const changed = () => this.pace.ask();
    this.connection = new ConnectionView(this.session);
    this.directory = new Directory(this.session.kato, {
      changed,
      came: () => this.#reappear(),
      told: (status) => this.#told(status),
      untold: (id, error) => this.#untold(id, error),
      watched: () => this.#watched(),
    });
    this.processors = new ProcessorsView(this.directory, changed);
    this.processor = new ProcessorView({
      request: (method, params) => this.#request(method, params),
      changed,
      ask: () => this.#watch.ask(),
      failed: (error) => this.fail(error),
    });
    this.theme = new Theme(() => this.#recolour());
    this.#listen(changed);
    this.#choose();
  }

  #listen(changed) {
    const kato = this.session.kato;
    kato.addEventListener("state", changed);
    kato.addEventListener("error", (event) => {
      event.preventDefault();
      this.fail(event.detail);
    });
    window.addEventListener("hashchange", () => this.#choose());
    setInterval(() => {
      this.#reappear();
      changed();
    }, 1_000);
    byId("error-close").addEventListener("click", () => show(byId("error"), false));
    byId("show-help").addEventListener("click", () => open("help-dialog"));
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("main").focus();
    });
    const create = new CreateDialog((id) => this.#create(id));
    byId("new-processor").addEventListener("click", () => create.open());
    this.shortcuts = new Shortcuts(this.#keys(create));
  }

  #keys(create) {
    const writable = (act) => () => this.session.readOnly || act();
    const chosen = (act) => writable(() => this.#watch && act());
    return [
      { key: "?", says: "this help", run: () => open("help-dialog") },
      { key: "/", says: "filter the processors", run: () => byId("filter").focus() },
      { key: "j", says: "the next processor", run: () => this.processors.step(1) },
      { key: "k", says: "the one before", run: () => this.processors.step(-1) },
      { key: "o", says: "observe", run: chosen(() => byId("observe-strings").focus()) },
      { key: "L", says: "learn", run: chosen(() => this.processor.form.learn()) },
      {
        key: "g",
        says: "the genes",
        run: chosen(() => byId("genes").querySelector("input").focus()),
      },
      { key: "n", says: "a new processor", run: writable(() => create.open()) },
      { key: "t", says: "light, dark, or as the system has it", run: () => this.theme.next() },
    ];
  }

  // The chosen processor

  #choose() {
    const id = this.#id;
    if (this.#watch?.picture.id === id) return;
    this.#watch?.end();
    this.#watch = null;
    this.#missing = "";
    show(byId("error"), false);
    if (id) this.#begin(id);
    this.pace.ask();
  }

  #begin(id) {
    this.processor.note("");
    this.#watch = new Watch(this.session.kato, id, {
      changed: () => this.#changed(),
      anew: () =>
        this.processor.note(
          `Read anew at ${clock(Date.now() / 1_000)}: what was missed could not be told.`,
        ),
      failed: (error) => this.#lost(id, error),
    });
  }

  #changed() {
    const picture = this.#watch?.picture;
    if (picture?.gone)
      this.#lost(picture.id, {
        code: "PROCESSOR_NOT_FOUND",
        message: `${picture.id} was deleted.`,
      });
    this.pace.ask();
  }

  /** A processor that is not there is no longer watched, until it comes (back). */
  #lost(id, error) {
    if (error.code !== "PROCESSOR_NOT_FOUND" && error.code !== "INVALID_REQUEST") {
      this.fail(error);
      return;
    }
    this.#watch?.end();
    this.#watch = null;
    this.#missing =
      error.code === "PROCESSOR_NOT_FOUND" ? `There is no processor ${id}.` : error.message;
    this.pace.ask();
  }

  #request(method, params = {}) {
    return this.session.kato.request(method, params, {
      processor: this.#watch?.picture.id ?? null,
    });
  }

  async #create(id) {
    await this.session.kato.request("create_processor", {}, { processor: id });
    if (this.#id === id) this.#choose();
    else location.hash = id;
  }

  #watched() {
    const chosen = this.#watch?.picture.id;
    return [...new Set([...(chosen ? [chosen] : []), ...this.processors.seen])];
  }

  #told(status) {
    const picture = this.#watch?.picture;
    if (picture?.id === status.processor && picture.known) picture.take(status);
  }

  #untold(id, error) {
    const picture = this.#watch?.picture;
    if (picture?.id !== id || picture.known) return;
    this.processor.note(`Cannot be read: ${error.message}`);
    this.pace.ask();
  }

  /** A processor that was not there may be by now. */
  #reappear() {
    if (this.#missing && this.directory.list.get(this.#id)) this.#choose();
  }

  /** The processor that the address names; empty where it names none. */
  get #id() {
    return location.hash.slice(1);
  }

  /** @param {any} error */
  fail(error) {
    if (error.code === "UNAUTHORIZED" || error.code === "CLOSED") return;
    say(
      byId("error-text"),
      error.code ? `${error.code}: ${error.message}` : String(error.message ?? error),
    );
    show(byId("error"), true);
  }

  // Drawing

  #recolour() {
    this.processor.recolour();
    this.pace.ask();
  }

  #draw() {
    const now = Date.now() / 1_000;
    const picture = this.#watch?.picture ?? null;
    this.#controls();
    this.processors.draw(this.#id);
    this.processor.show(picture !== null);
    this.#welcome(picture === null);
    if (picture) this.processor.draw(picture, { now, readOnly: this.session.readOnly !== null });
    this.#rate(picture, now);
    document.title = picture ? `${picture.id} · KATO` : "KATO";
  }

  #controls() {
    const readOnly = this.session.readOnly !== null;
    for (const element of document.querySelectorAll(".writes")) show(element, !readOnly);
  }

  #rate(picture, now) {
    const events = picture?.events ?? this.#meter;
    const rate = events.rate(now);
    say(byId("rate"), counted(rate));
    byId("rate").dataset.value = String(rate);
    byId("rate-curve").firstElementChild.setAttribute(
      "points",
      curve(events.history(now), RATE).join(" "),
    );
    const skipped = picture?.skipped ?? 0;
    show(byId("skipped"), skipped);
    say(byId("skipped"), `${counted(skipped)} skipped`);
    byId("skipped").dataset.value = String(skipped);
  }

  /** What is shown where no processor is. */
  #welcome(shown) {
    const welcome = byId("welcome");
    show(welcome, shown && this.directory.known);
    if (!shown) return;
    const text =
      this.#missing ||
      (this.directory.list.size ? "Choose a processor." : "There is no processor yet.");
    if (welcome.dataset.text === text) return;
    welcome.dataset.text = text;
    welcome.replaceChildren(...this.#welcomeParts(text));
  }

  #welcomeParts(text) {
    const heading = make("h1", {}, text);
    if (this.directory.list.size && !this.#missing) {
      return [
        heading,
        make("p", {}, "What it observes, learns and predicts is shown as it happens."),
      ];
    }
    const id = this.#id || "p1";
    const request = `curl ${location.origin}/${id}/observe \\\n  -d '{"strings": ["sun", "warm"]}'`;
    const button = make(
      "button",
      { type: "button", class: "primary writes", id: "create-missing" },
      `Create ${id}`,
    );
    button.addEventListener("click", () => this.#create(id).catch((error) => this.fail(error)));
    return [
      heading,
      make("p", {}, "One is made by the first observation that it is sent:"),
      make("pre", {}, make("code", {}, request)),
      make("p", {}, button),
    ];
  }
}

new Page();
