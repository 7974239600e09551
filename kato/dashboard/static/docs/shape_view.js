/**
 * Schemas as tables: a row for each field, what it is, and what it means.
 *
 * @module shape_view
 */

import { make } from "../elements.js";
import { kindOf } from "./description.js";
import { prose } from "./prose.js";

/**
 * A table of what an object has; null where it is none, or empty.
 *
 * @param {any} schema
 * @param {import("./description.js").Description} description
 * @param {string} caption
 */
export function shapeTable(schema, description, caption) {
  const { properties, required = [] } = description.resolved(schema) ?? {};
  const fields = Object.entries(properties ?? {});
  if (!fields.length) return null;
  return table(
    caption,
    fields.map(([name, shape]) => ({
      name,
      note: required.includes(name) ? "" : "optional",
      shape,
      says: shape.description ?? described(shape, description),
      inner: innerOf(shape, description),
    })),
    description,
  );
}

/**
 * The same for parameters.
 *
 * @param {any[]} parameters
 * @param {import("./description.js").Description} description
 */
export function parameterTable(parameters, description) {
  if (!parameters.length) return null;
  return table(
    "Parameters",
    parameters.map(({ name, in: where, required, schema, description: says }) => ({
      name,
      note: required ? where : `${where}, optional`,
      shape: schema,
      says: says ?? "",
      inner: null,
    })),
    description,
  );
}

/** What is said of the thing that a field refers to. */
function described(shape, description) {
  return shape.$ref ? (description.resolved(shape).description ?? "") : "";
}

/** The object that a field, or each of its items, is made of. */
function innerOf(shape, description) {
  const item = shape.items ?? shape.anyOf?.[0] ?? shape;
  return description.resolved(item).properties ? item : null;
}

function table(caption, rows, description) {
  return make(
    "table",
    { class: "shape" },
    make("caption", {}, caption),
    make("tbody", {}, ...rows.map((row) => rowOf(row, description))),
  );
}

function rowOf({ name, note, shape, says, inner }, description) {
  const defaulted = shape.default !== undefined ? ` = ${JSON.stringify(shape.default)}` : "";
  return make(
    "tr",
    {},
    make(
      "th",
      { scope: "row" },
      make("code", {}, name),
      note ? make("span", { class: "where" }, note) : null,
    ),
    make(
      "td",
      {},
      make("p", { class: "kind" }, kindOf(shape) + defaulted),
      says ? make("p", {}, ...prose(says)) : null,
      inner ? innerView(inner, description) : null,
    ),
  );
}

/** The fields of an inner object, which are drawn when they are asked for: they may go deep. */
function innerView(schema, description) {
  const name = schema.$ref ? kindOf(schema) : "the object";
  const details = make("details", { class: "inner" }, make("summary", {}, `Fields of ${name}`));
  details.addEventListener(
    "toggle",
    () => details.append(shapeTable(schema, description, `Fields of ${name}`)),
    { once: true },
  );
  return details;
}
