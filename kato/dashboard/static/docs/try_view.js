/**
 * A form that asks the server, and shows what it answered.
 *
 * @module try_view
 */

import { announce, make, mark, say, show } from "../elements.js";
import { TypedWrong, asked, curl } from "./asking.js";

/** Of a longer answer the rest is not drawn. */
const MOST = 20_000;

export class TryView {
  #fields = new Map();
  #send;

  /**
   * @param {import("./description.js").Operation} operation
   * @param {(request: import("./asking.js").Asked) => Promise<any>} send
   */
  constructor(operation, send) {
    this.operation = operation;
    this.#send = send;
    const id = `op-${operation.id}-try`;
    this.fault = make("p", { class: "fault", id: `${id}-fault`, role: "alert", hidden: true });
    this.button = make("button", { type: "submit", class: "primary" }, "Send");
    this.command = make("pre", { class: "command", tabindex: "0", "aria-label": "As a command" });
    this.answer = make("div", { class: "answer", hidden: true });
    this.element = make(
      "form",
      { class: "try", id, novalidate: true, autocomplete: "off", "aria-label": "Try it" },
      make("h3", {}, "Try it"),
      ...operation.parameters.filter(isTyped).map((each) => this.#parameter(each, id)),
      operation.body ? this.#body(operation.body, id) : null,
      this.fault,
      make("div", { class: "actions" }, this.button),
      this.command,
      this.answer,
    );
    this.element.addEventListener("input", () => this.#show());
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.#show();
  }

  #parameter({ name, in: where, required, schema, example }, id) {
    const attributes = {
      id: `${id}-${name}`,
      name,
      class: "mono",
      spellcheck: "false",
      "aria-describedby": `${id}-fault`,
    };
    const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
    const control = choices
      ? make(
          "select",
          attributes,
          ...(required ? choices : ["", ...choices]).map((each) =>
            make("option", { value: each }, each),
          ),
        )
      : make("input", { ...attributes, placeholder: required ? "" : "left out" });
    if (example !== undefined && where === "path" && !forgets(this.operation))
      control.value = example;
    return this.#field(name, control);
  }

  #body({ example }, id) {
    const attributes = {
      id: `${id}-body`,
      name: "body",
      class: "mono",
      spellcheck: "false",
      "aria-describedby": `${id}-fault`,
    };
    const control = make("textarea", attributes);
    control.value = example === undefined ? "" : JSON.stringify(example, null, 2);
    control.rows = Math.min(14, Math.max(2, control.value.split("\n").length));
    return this.#field("body", control);
  }

  #field(name, control) {
    this.#fields.set(name, control);
    return make("div", { class: "field" }, make("label", { for: control.id }, name), control);
  }

  /** The request as it stands in the form; null where it is not fit to be sent. */
  #asked() {
    this.#wrong(null);
    const typed = Object.fromEntries([...this.#fields].map(([name, each]) => [name, each.value]));
    try {
      return asked(this.operation, typed);
    } catch (error) {
      if (!(error instanceof TypedWrong)) throw error;
      this.#wrong(error);
      return null;
    }
  }

  #wrong(error) {
    for (const [name, control] of this.#fields)
      mark(control, "aria-invalid", error?.field === name ? "true" : null);
    say(this.fault, error?.message ?? "");
    show(this.fault, error);
  }

  /** Show the command that asks for the same. */
  #show() {
    const request = this.#asked();
    if (!request) return;
    const keyed = this.operation.scope !== null && sessionStorage.getItem("kato.key") !== null;
    say(this.command, curl(request, { origin: location.origin, keyed }));
  }

  async #ask() {
    this.#show();
    const request = this.#asked();
    if (!request) return;
    this.button.disabled = true;
    try {
      this.#told(await this.#send(request));
    } catch (error) {
      this.#wrong({ message: `No answer: ${error.message}` });
    } finally {
      this.button.disabled = false;
    }
  }

  #told({ status, milliseconds, requestId, text }) {
    const line = `${status} in ${milliseconds.toFixed(1)} ms`;
    const shown = text.length > MOST ? `${text.slice(0, MOST)}\n…` : text;
    this.answer.replaceChildren(
      make(
        "p",
        { class: "status", "data-good": status < 400 },
        make("strong", {}, line),
        requestId ? make("span", { class: "note" }, ` request ${requestId}`) : null,
      ),
      make("pre", { class: "body", tabindex: "0", "aria-label": "Answer" }, shown),
    );
    show(this.answer, true);
    announce(`Answered ${line}`);
  }
}

/** The id of a request is made where it is left out, and shown with the answer. */
function isTyped({ name }) {
  return name !== "X-Request-ID";
}

/** Whether it forgets for good: then nothing is filled in, so that one click does no harm. */
function forgets({ method, scope }) {
  return method === "DELETE" || scope === "admin";
}
