/**
 * One operation: what it takes and gives, and a form to try it.
 *
 * @module operation_view
 */

import { make } from "../elements.js";
import { prose } from "./prose.js";
import { parameterTable, shapeTable } from "./shape_view.js";
import { TryView } from "./try_view.js";

/** What a browser cannot ask for by a form: the connection becomes another one. */
const NOT_ASKED = new Set(["stream"]);

export class OperationView {
  #drawn = false;

  /**
   * @param {import("./description.js").Operation} operation
   * @param {import("./description.js").Description} description
   * @param {(request: import("./asking.js").Asked) => Promise<any>} send
   */
  constructor(operation, description, send) {
    this.operation = operation;
    this.description = description;
    this.send = send;
    this.element = make(
      "details",
      { class: "operation", id: `op-${operation.id}`, "data-method": operation.method },
      make(
        "summary",
        {},
        make("span", { class: "method" }, operation.method),
        make("code", { class: "path" }, ...breakable(operation.path)),
        make("span", { class: "summary" }, ...prose(operation.summary)),
      ),
    );
    this.element.addEventListener("toggle", () => this.#draw());
  }

  /** Show all of it, and go there. */
  open() {
    this.element.open = true;
    this.#draw();
    this.element.scrollIntoView({ block: "start" });
  }

  /** What is inside is drawn when it is looked at first. */
  #draw() {
    if (this.#drawn || !this.element.open) return;
    this.#drawn = true;
    const { says, scope, parameters, body } = this.operation;
    this.element.append(
      make(
        "div",
        { class: "inside" },
        make(
          "div",
          { class: "told" },
          make("p", {}, ...prose(says)),
          make("p", { class: "note" }, needs(scope)),
          parameterTable(parameters, this.description),
          body ? shapeTable(body.schema, this.description, "Body, a JSON object") : null,
          ...this.operation.responses.filter(isSuccess).map((each) => this.#success(each)),
          this.#failures(),
        ),
        NOT_ASKED.has(this.operation.id)
          ? null
          : new TryView(this.operation, this.send).element,
      ),
    );
  }

  #success({ status, says, schema }) {
    const caption = `Answer ${status}`;
    const shape = schema ? shapeTable(schema, this.description, caption) : null;
    return shape ?? make("p", {}, make("strong", {}, status), " ", ...prose(says));
  }

  #failures() {
    const failures = this.operation.responses.filter((each) => !isSuccess(each));
    return make(
      "details",
      { class: "inner" },
      make("summary", {}, `Errors: ${failures.map((each) => each.status).join(", ")}`),
      make(
        "table",
        { class: "shape" },
        make("caption", {}, "Errors"),
        make(
          "tbody",
          {},
          ...failures.map(({ status, says }) =>
            make("tr", {}, make("th", { scope: "row" }, status), make("td", {}, ...prose(says))),
          ),
        ),
      ),
    );
  }
}

function isSuccess({ status }) {
  return Number(status) < 400;
}

function needs(scope) {
  if (scope === null) return "Open to all, without a key.";
  if (scope === "any") return "Where the server has keys, one is needed.";
  return `Where the server has keys, one with the scope ${scope} is needed.`;
}

/** A path that may be broken before its slashes. */
function breakable(path) {
  return path
    .split(/(?=\/)/)
    .flatMap((word, place) => (place ? [make("wbr"), word] : [word]));
}
