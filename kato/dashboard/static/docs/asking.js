/**
 * Requests made of what was typed, as they are sent and as a command line.
 *
 * @module asking
 */

/** What was typed is no JSON, or missing. */
export class TypedWrong extends Error {
  /**
   * @param {string} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * @typedef {object} Asked
 * @property {string} method
 * @property {string} path With its query.
 * @property {Record<string, string>} headers
 * @property {string | null} body
 */

/**
 * The request that a form makes; a field that is empty is left out.
 *
 * @param {import("./description.js").Operation} operation
 * @param {Record<string, string>} typed By the names of fields.
 * @returns {Asked}
 */
export function asked(operation, typed) {
  let path = operation.path;
  const query = new URLSearchParams();
  /** @type {Record<string, string>} */
  const headers = {};
  for (const { name, in: where, required } of operation.parameters) {
    const value = typed[name] ?? "";
    if (value === "") {
      if (required) throw new TypedWrong(name, `${name}: missing`);
    } else if (where === "path") path = path.replace(`{${name}}`, wordOfPath(name, value));
    else if (where === "query") query.set(name, value);
    else headers[name] = value;
  }
  const body = operation.body ? bodyOf(typed.body ?? "") : null;
  if (body !== null) headers["Content-Type"] = "application/json";
  const queried = query.toString();
  return {
    method: operation.method,
    path: queried ? `${path}?${queried}` : path,
    headers,
    body,
  };
}

/**
 * A word of a path; one that browsers and curl take for a part of the way would ask for something
 * else: `/p1/model/..` is `/p1`, the processor.
 *
 * @param {string} name
 * @param {string} value
 */
function wordOfPath(name, value) {
  if (value === "." || value === "..")
    throw new TypedWrong(name, `${name}: ${value} is the name of nothing`);
  return encodeURIComponent(value);
}

function bodyOf(text) {
  if (text.trim() === "") return null;
  try {
    JSON.parse(text);
  } catch (error) {
    throw new TypedWrong("body", `body: ${error.message}`);
  }
  return text;
}

/**
 * The same for curl; a key is named by a variable, so that it stands in no history.
 *
 * @param {Asked} request
 * @param {{ origin: string, keyed: boolean }} server
 */
export function curl({ method, path, headers, body }, { origin, keyed }) {
  const words = ["curl"];
  if (method !== (body === null ? "GET" : "POST")) words.push("-X", method);
  words.push(quoted(origin + path));
  if (keyed) words.push("-H", '"X-API-Key: $KATO_API_KEY"');
  for (const [name, value] of Object.entries(headers))
    words.push("-H", quoted(`${name}: ${value}`));
  if (body !== null) words.push("-d", quoted(body));
  return words.join(" ");
}

/** A word that a shell takes as it is. */
function quoted(word) {
  return /^[\w:/.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
