/**
 * Elements of the page, found and made. Text is always set as text, never as HTML.
 *
 * @module elements
 */

import { written } from "./symbols.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element with an id, which must be there.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `class` and so on; what is null or false is left out.
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false && value !== undefined)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * The same for SVG.
 *
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...Node} children
 * @returns {any}
 */
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A small curve, of which the corners are set later. */
export function spark(width, height) {
  const box = {
    class: "spark",
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  };
  return draw("svg", box, draw("polyline"));
}

/**
 * A symbol with its mark.
 *
 * @param {string} mark
 * @param {string} symbol
 */
export function token(mark, symbol) {
  const text = written(symbol);
  return make(
    "span",
    { class: "token", "data-mark": mark, title: text === symbol ? symbol : JSON.stringify(symbol) },
    make("bdi", {}, text),
  );
}

/**
 * Set a text where it is another one, so that what is the same is not touched.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Show an element or not.
 *
 * @param {HTMLElement} element
 * @param {unknown} shown
 */
export function show(element, shown) {
  const hidden = !shown;
  if (element.hidden !== hidden) element.hidden = hidden;
}

/**
 * Set an attribute, or take it away where the value is null.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Make a list's elements as many as there are things to show, and fill each.
 *
 * @template T
 * @param {Element} parent
 * @param {T[]} things
 * @param {(thing: T, place: number) => Element} create
 * @param {(element: any, thing: T, place: number) => void} fill
 */
export function fit(parent, things, create, fill) {
  while (parent.children.length > things.length) parent.lastElementChild.remove();
  things.forEach((thing, place) => {
    if (place >= parent.children.length) parent.append(create(thing, place));
    fill(parent.children[place], thing, place);
  });
}

/**
 * Tell those who do not see the page what was done.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("live").textContent = text;
}
