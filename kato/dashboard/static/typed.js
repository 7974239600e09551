/**
 * What a person types, read: strings, emotives, vectors, a whole observation, the value of a gene.
 *
 * Only what cannot be sent at all is judged here; whether it is fit is for the server to say.
 *
 * @module typed
 */

/** What was typed cannot be read. */
export class TypedError extends Error {
  /**
   * @param {string} field The field at fault: `strings`, `emotives` or `vectors`.
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;
const PIECE = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)|(,))/gy;
const PIECE_BETWEEN_COMMAS = /\s*(?:"((?:[^"\\]|\\.)*)"\s*(?=,|$)|([^,]+)|(,))/gy;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * The observation that three fields make. An observation in JSON may stand in the first.
 *
 * @param {{ strings: string, emotives: string, vectors: string }} fields
 * @returns {Record<string, unknown>}
 */
export function readObservation({ strings, emotives, vectors }) {
  const whole = strings.trim().startsWith("{");
  /** @type {Record<string, unknown>} */
  const observation = whole ? json("strings", strings) : { strings: readStrings(strings) };
  const felt = readEmotives(emotives);
  const seen = readVectors(vectors);
  if (Object.keys(felt).length) observation.emotives = felt;
  if (seen.length) observation.vectors = seen;
  if (Array.isArray(observation.strings) && !observation.strings.length) delete observation.strings;
  return observation;
}

/**
 * Strings: a list in JSON; or words between commas where there is one, else between spaces. What
 * stands in double quotes is one word.
 *
 * @param {string} text
 * @returns {unknown[]}
 */
export function readStrings(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) return json("strings", trimmed);
  const commas = trimmed.replace(QUOTED, "").includes(",");
  const words = [];
  for (const [whole, quoted, bare] of trimmed.matchAll(commas ? PIECE_BETWEEN_COMMAS : PIECE)) {
    if (quoted !== undefined) words.push(json("strings", `"${quoted}"`));
    else if (bare !== undefined && bare.trim()) words.push(bare.trim());
    else if (!whole) break;
  }
  return words;
}

/**
 * Emotives: an object in JSON, or `joy=0.5 fear=-1`; a colon is as good, and so are commas.
 *
 * @param {string} text
 * @returns {Record<string, number>}
 */
export function readEmotives(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) return json("emotives", trimmed);
  const pieces = trimmed
    .replace(/\s*([=:])\s*/g, "$1")
    .split(/[\s,;]+/)
    .filter(Boolean);
  return Object.fromEntries(pieces.map(readEmotive));
}

function readEmotive(piece) {
  const parts = /^(.+?)[=:](.*)$/.exec(piece);
  if (!parts) throw new TypedError("emotives", `"${piece}" has no value: write ${piece}=0.5`);
  const [, name, value] = parts;
  if (!NUMBER.test(value)) throw new TypedError("emotives", `${name}: "${value}" is no number`);
  return [name, Number(value)];
}

/**
 * Vectors: in JSON a list of lists, or one list; or numbers between spaces or commas, and a
 * semicolon between vectors.
 *
 * @param {string} text
 * @returns {unknown[]}
 */
export function readVectors(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) {
    const value = json("vectors", trimmed);
    return value.length && value.every((each) => !Array.isArray(each)) ? [value] : value;
  }
  const vectors = trimmed.split(/[;\n]/).filter((each) => each.trim());
  return vectors.map((each) =>
    each
      .trim()
      .split(/[\s,]+/)
      .map(readComponent),
  );
}

function readComponent(word) {
  if (!NUMBER.test(word)) throw new TypedError("vectors", `"${word}" is no number`);
  return Number(word);
}

/**
 * The value of a gene: a number, `true`, `false` and null (also nothing at all) as such, all else
 * as a string.
 *
 * @param {string} text
 */
export function readGene(text) {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "null") return null;
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  return NUMBER.test(trimmed) ? Number(trimmed) : trimmed;
}

function json(field, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypedError(field, `not JSON: ${error.message}`);
  }
}
