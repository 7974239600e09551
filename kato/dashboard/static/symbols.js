/**
 * How symbols, names, numbers and times are written for people.
 *
 * @module symbols
 */

const VECTOR = /^VECTOR\|([0-9a-f]{40})$/;
const MODEL = /^(?:MODEL\|)?([0-9a-f]{40})$/;
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;
const EAST_ASIAN =
  "\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60";
const WIDE = new RegExp(`[${EAST_ASIAN}]|\\p{Extended_Pictographic}`, "u");

/**
 * A symbol as it can be read: what would not be seen is escaped, a vector's hash is cut, and
 * spaces at the ends (or nothing at all) stand in quotes.
 *
 * @param {string} symbol
 */
export function written(symbol) {
  const vector = VECTOR.exec(symbol);
  if (vector) return `vector ${vector[1].slice(0, 6)}`;
  const seen = symbol.replace(UNSEEN, escaped);
  return symbol === "" || symbol !== symbol.trim() ? `"${seen}"` : seen;
}

function escaped(character) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  return short ?? `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * How many columns of a monospaced font a text takes.
 *
 * @param {string} text
 */
export function width(text) {
  let columns = 0;
  for (const character of text) columns += WIDE.test(character) ? 2 : 1;
  return columns;
}

/**
 * A model's name as it is told apart by people: the first eight digits of its hash.
 *
 * @param {string} name
 */
export function shortName(name) {
  return MODEL.exec(name)?.[1].slice(0, 8) ?? name;
}

/**
 * An event in one line.
 *
 * @param {string[]} event
 */
export function eventText(event) {
  return event.map(written).join(" ");
}

/**
 * A whole number with its thousands apart.
 *
 * @param {number} count
 */
export function counted(count) {
  return count.toLocaleString("en");
}

/**
 * A large whole number in little room: 980, 12.3k, 4.1M.
 *
 * @param {number} count
 */
export function compact(count) {
  if (Math.abs(count) < 10_000) return counted(count);
  const [unit, divisor] = Math.abs(count) < 999_950 ? ["k", 1e3] : ["M", 1e6];
  return `${trimmed((count / divisor).toFixed(1))}${unit}`;
}

/**
 * So many of something.
 *
 * @param {number} count
 * @param {string} one The name of one of them.
 * @param {string} [many] The name of several.
 */
export function some(count, one, many = `${one}s`) {
  return `${counted(count)} ${count === 1 ? one : many}`;
}

/**
 * A number of times a second.
 *
 * @param {number | null} rate Null where it is not known.
 */
export function perSecond(rate) {
  if (rate === null) return "–";
  if (rate === 0) return "0";
  if (rate >= 100) return compact(Math.round(rate));
  return rate < 0.05 ? "<0.1" : trimmed(rate.toFixed(1));
}

/**
 * A number as it stands in a sum: at most four decimals, without zeros at the end.
 *
 * @param {number} value
 */
export function decimal(value) {
  if (value !== 0 && Math.abs(value) < 0.00005) return value.toExponential(2);
  return trimmed(value.toFixed(4)).replace("-", "−");
}

/**
 * `= 0.6`, or `≈ 0.6667` where that is not all of it.
 *
 * @param {number} value
 */
export function equals(value) {
  const shown = decimal(value);
  return `${Math.abs(Number(shown.replace("−", "-")) - value) < 1e-12 ? "=" : "≈"} ${shown}`;
}

/**
 * A number in a column: always three decimals.
 *
 * @param {number} value
 */
export function aligned(value) {
  return value.toFixed(3).replace("-", "−");
}

/**
 * A part of one in percent.
 *
 * @param {number} share
 */
export function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

/**
 * The time of day, to the second.
 *
 * @param {number} seconds Unix time.
 */
export function clock(seconds) {
  return new Date(1_000 * seconds).toLocaleTimeString("en-GB");
}

function trimmed(decimals) {
  return decimals.includes(".") ? decimals.replace(/\.?0+$/, "") : decimals;
}
