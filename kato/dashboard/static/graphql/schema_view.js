/**
 * The schema beside the document: types that open, and lead to each other.
 *
 * @module schema_view
 */

import { byId, make, say, show } from "../elements.js";
import { Schema, named, written } from "./schema.js";

export class SchemaView {
  #views = new Map();

  constructor() {
    byId("filter").addEventListener("input", () => this.#filter());
  }

  /** @param {Schema} schema */
  draw(schema) {
    this.#views.clear();
    byId("types").replaceChildren(...schema.types.map((type) => this.#type(type)));
    this.#filter();
  }

  #type(type) {
    const element = make(
      "details",
      { class: "type", "data-kind": type.kind },
      make("summary", {}, make("code", {}, type.name)),
      type.description ? make("p", { class: "note" }, type.description) : null,
      make("ul", {}, ...Schema.members(type).map((each) => this.#member(each))),
      type.kind === "INTERFACE" ? this.#possible(type) : null,
    );
    this.#views.set(type.name, element);
    return element;
  }

  #possible({ possibleTypes }) {
    const links = possibleTypes.flatMap(({ name }) => [this.#link(name, name), " "]);
    return make("p", { class: "note" }, "It is one of ", ...links);
  }

  #member({ name, description, args = [], type, defaultValue = null }) {
    const line = make("p", { class: "member" }, make("code", { class: "name" }, name));
    if (args.length) line.append("(", ...args.flatMap((each, at) => this.#argument(each, at)), ")");
    if (type) line.append(": ", this.#link(named(type), written(type)));
    if (defaultValue !== null) line.append(` = ${defaultValue}`);
    return make("li", {}, line, description ? make("p", { class: "note" }, description) : null);
  }

  #argument({ name, type, defaultValue }, at) {
    const given = defaultValue === null ? "" : ` = ${defaultValue}`;
    return [at ? ", " : "", `${name}: `, this.#link(named(type), written(type)), given];
  }

  /** What leads to a type; a type of GraphQL's own leads nowhere. */
  #link(name, text) {
    const link = make("button", { type: "button", class: "link" }, text);
    link.addEventListener("click", () => this.#go(name));
    return link;
  }

  #go(name) {
    const view = this.#views.get(name);
    if (!view) return;
    byId("filter").value = "";
    this.#filter();
    view.open = true;
    view.scrollIntoView({ block: "nearest" });
    view.querySelector("summary").focus();
  }

  #filter() {
    const wanted = byId("filter").value.trim().toLowerCase();
    let found = 0;
    for (const view of this.#views.values()) {
      const fits = view.textContent.toLowerCase().includes(wanted);
      show(view, fits);
      found += Number(fits);
    }
    say(byId("none"), `Nothing has “${wanted}” in it.`);
    show(byId("none"), wanted && !found);
  }
}
