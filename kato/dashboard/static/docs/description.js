/**
 * An OpenAPI description, read: its operations, and what they refer to.
 *
 * @module description
 */

const METHODS = ["get", "put", "post", "delete"];

/**
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} method `GET`
 * @property {string} path `/{processor}/observe`
 * @property {string} tag
 * @property {string} summary
 * @property {string} says
 * @property {any[]} parameters Resolved.
 * @property {{ required: boolean, schema: any, example: any } | null} body
 * @property {{ status: string, says: string, schema: any, example: any }[]} responses
 * @property {string | null} scope What a key must have; null: the path is open to all.
 */

export class Description {
  /** @param {any} document */
  constructor(document) {
    this.document = document;
  }

  /**
   * What a reference leads to, whatever it goes through; other things as they are.
   *
   * @param {any} thing
   * @returns {any}
   */
  resolved(thing) {
    if (!thing || typeof thing.$ref !== "string") return thing;
    const { $ref, ...beside } = thing;
    const found = $ref
      .slice(2)
      .split("/")
      .reduce((at, word) => at?.[word.replaceAll("~1", "/").replaceAll("~0", "~")], this.document);
    if (found === undefined) throw new Error(`the description has no ${$ref}`);
    return { ...this.resolved(found), ...beside };
  }

  /** @returns {{ name: string, says: string, operations: Operation[] }[]} */
  get topics() {
    const operations = this.operations;
    return this.document.tags
      .map((tag) => ({
        name: tag.name,
        says: tag.description,
        operations: operations.filter((each) => each.tag === tag.name),
      }))
      .filter((topic) => topic.operations.length);
  }

  /** @returns {Operation[]} */
  get operations() {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => method in methods).map((method) =>
        this.#operation(path, method, methods[method]),
      ),
    );
  }

  #operation(path, method, told) {
    return {
      id: told.operationId,
      method: method.toUpperCase(),
      path,
      tag: told.tags[0],
      summary: told.summary,
      says: told.description ?? `${told.summary}.`,
      parameters: (told.parameters ?? []).map((each) => this.resolved(each)),
      body: this.#body(told.requestBody),
      responses: Object.entries(told.responses).map(([status, response]) =>
        this.#response(status, this.resolved(response)),
      ),
      scope: told.security?.length ? (Object.values(told.security[0])[0][0] ?? "any") : null,
    };
  }

  #body(told) {
    if (!told) return null;
    const { schema, example } = told.content["application/json"];
    return { required: told.required, schema, example };
  }

  #response(status, { description, content = {} }) {
    const [media = {}] = Object.values(content);
    return { status, says: description, schema: media.schema ?? null, example: media.example };
  }
}

/**
 * A word for what a schema takes: `string`, `list of Event`, `integer from 1 to 100`.
 *
 * @param {any} schema
 * @returns {string}
 */
export function kindOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map(kindOf).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(", ");
  if (!schema.type) return "any value";
  if (Array.isArray(schema.type))
    return schema.type.map((type) => kindOf({ ...schema, type })).join(" or ");
  if (schema.type === "array") return `list of ${kindOf(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties)
    return `object of ${kindOf(schema.additionalProperties)}`;
  return schema.type + bounds(schema);
}

function bounds({ type, minimum, maximum, minLength, maxLength }) {
  if (type !== "integer" && type !== "number" && type !== "string") return "";
  const least = minimum ?? minLength;
  const most = maximum ?? maxLength;
  const unit = type === "string" ? " characters" : "";
  if (least === undefined) return most === undefined ? "" : `, at most ${most}${unit}`;
  if (most === undefined || most === Number.MAX_SAFE_INTEGER) return ` from ${least}${unit}`;
  return type === "string" ? `, ${least} to ${most}${unit}` : ` from ${least} to ${most}`;
}
