/**
 * Says how the page is connected, and why it is not; asks for a key where one is wanted.
 *
 * @module connection_view
 */

import { KeyDialog } from "./dialogs.js";
import { announce, byId, mark, say, show } from "./elements.js";

const SAID = {
  connecting: "Connecting",
  open: "Live",
  waiting: "Disconnected",
  refused: "No access",
  closed: "Closed",
};

export class ConnectionView {
  #session;
  #dialog;
  #detail = { state: "connecting", reason: "", retryAt: null };
  #lost = false;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.#session = session;
    this.#dialog = new KeyDialog((key) => session.use(key));
    session.kato.addEventListener("state", ({ detail }) => this.#moved(detail));
    byId("retry").addEventListener("click", () => this.#retry());
    byId("show-key").addEventListener("click", () => this.askForKey());
    setInterval(() => this.#count(), 250);
    this.#draw();
  }

  askForKey() {
    this.#dialog.ask({ title: "Use another API key", reason: "" });
  }

  #moved(detail) {
    const before = this.#detail.state;
    this.#detail = detail;
    if (detail.state === "refused") this.#refused(detail.reason);
    if (detail.state === "waiting" && !this.#lost)
      announce(`Disconnected: ${plainly(detail.reason)}`);
    if (detail.state === "open" && this.#lost) announce("Connected again");
    if (detail.state !== "connecting") this.#lost = detail.state !== "open";
    if (before !== detail.state || detail.reason) this.#draw();
  }

  /** Without a key the server says what a program is to do, which is no help to a person. */
  #refused(reason) {
    const { hasKey } = this.#session;
    this.#dialog.ask({
      title: hasKey ? "The key was refused" : "This server wants a key",
      reason: hasKey ? reason : "",
    });
  }

  #retry() {
    if (this.#detail.state === "refused") this.#refused(this.#detail.reason);
    else this.#session.kato.reconnect();
  }

  #draw() {
    const { state } = this.#detail;
    mark(byId("connection"), "data-state", state);
    say(byId("connection-text"), SAID[state]);
    say(byId("retry"), state === "refused" ? "Enter a key" : "Try now");
    show(byId("banner"), this.#lost || state === "refused");
    show(byId("retry"), state === "waiting" || state === "refused");
    const why = this.#session.readOnly;
    say(byId("read-only"), "Read-only");
    byId("read-only").title = why ?? "";
    show(byId("read-only"), why);
    document.body.toggleAttribute("data-read-only", Boolean(why));
    this.#count();
  }

  /** The banner counts down. */
  #count() {
    const { state, reason, retryAt } = this.#detail;
    if (state === "refused")
      say(
        byId("banner-text"),
        "No access: this server wants a key, and has not been given the right one.",
      );
    if (state === "connecting" && this.#lost)
      say(byId("banner-text"), "Disconnected. Trying again now…");
    if (state !== "waiting") return;
    const seconds = Math.max(0, Math.ceil(((retryAt ?? 0) - Date.now()) / 1_000));
    say(
      byId("banner-text"),
      `Disconnected: ${plainly(reason)}. Trying again in ${seconds} s. What you see may be old.`,
    );
  }
}

/** A browser tells of a server that is not there nothing but a number. */
function plainly(reason) {
  return reason.includes("(1006)") ? "the server cannot be reached" : reason;
}
