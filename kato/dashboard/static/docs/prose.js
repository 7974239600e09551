/**
 * The little of Markdown that descriptions use: paragraphs, code, what is strong, and links.
 *
 * @module prose
 */

import { make } from "../elements.js";

const MARKED = /`([^`]+)`|\*\*([^*]+)\*\*|\[((?:`[^`]+`|[^\]`])+)\]\(([^)\s]+)\)/g;

/**
 * Text with its marks as nodes.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function prose(text) {
  /** @type {(Node | string)[]} */
  const nodes = [];
  let after = 0;
  for (const found of text.matchAll(MARKED)) {
    nodes.push(text.slice(after, found.index), marked(found));
    after = found.index + found[0].length;
  }
  nodes.push(text.slice(after));
  return nodes.filter((node) => node !== "");
}

function marked([, code, strong, words, address]) {
  if (code) return make("code", {}, code);
  if (strong) return make("strong", {}, strong);
  return make("a", { href: address, rel: "noreferrer" }, ...prose(words));
}

/**
 * Paragraphs, with an empty line between each two.
 *
 * @param {string} text
 */
export function paragraphs(text) {
  return text
    .trim()
    .split(/\n\n+/)
    .map((each) => make("p", {}, ...prose(each)));
}
