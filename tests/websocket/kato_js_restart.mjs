// kato.js while its server is killed and started again: node kato_js_restart.mjs URL
// Prints "kill" when the server is to be killed, with requests under way.
import assert from "node:assert/strict";
import WebSocket from "ws";

import { Kato } from "./kato.js";

const p1 = { processor: "p1" };
const kato = await new Kato(process.argv[2], { WebSocket }).ready();
const told = [];
kato.addEventListener("state", ({ detail: { state } }) => told.push(state));

const observe = (word) => kato.request("observe", { strings: [word] }, p1);
await observe("first");

const fresh = [];
const offsets = [];
let again = () => {};
kato.subscribe("p1", {
  topics: ["observations"],
  onFresh: async ({ epoch, offset }) => {
    const { short_term_memory } = await kato.request("get_short_term_memory", {}, p1);
    fresh.push({ epoch, offset, events: short_term_memory.length });
    again();
  },
  onEvent: ({ event, offset }) => event === "observations" && offsets.push(offset),
});
await new Promise((resolve) => (again = resolve));
const read = new Promise((resolve) => (again = resolve));

const words = Array.from({ length: 300 }, (_, number) => `w${number}`);
const answers = words.map(observe);
await answers[10];
console.log("kill");
const intervals = (await Promise.all(answers)).map(({ interval }) => interval);
assert.deepEqual(intervals, words.map((_, number) => number + 2), "each once, in order");
await read;

assert.equal(fresh.length, 2);
assert.notEqual(fresh[0].epoch, fresh[1].epoch);
const { short_term_memory } = await kato.request("get_short_term_memory", {}, p1);
assert.deepEqual(short_term_memory, [["first"], ...words.map((word) => [word])]);
assert.equal(told[0], "waiting");
assert.equal(told.at(-1), "open");
console.log("done");
kato.close();
