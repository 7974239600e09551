// The page of the documentation, in a browser that this plays: node kato_js_page.mjs URL
import assert from "node:assert/strict";
import WebSocket from "ws";

import { Kato } from "./kato.js";

/** What the page shows, and who waits until it shows something. */
const shown = {};
let check = () => {};

globalThis.WebSocket = WebSocket;
globalThis.document = {
  getElementById: (id) => ({
    set innerText(text) {
      shown[id] = text;
      check();
    },
  }),
};

const until = (text) =>
  new Promise((resolve) => {
    check = () => shown.next === text && resolve();
    check();
  });

const p1 = { processor: "p1" };
const kato = new Kato(process.argv[2]);
const words = (...strings) => ({ observations: strings.map((each) => ({ strings: [each] })) });
const learned = { ...words("get", "set", "go"), learn_at_end: true };
await kato.request("observe_sequence", learned, p1);

await import("./page.mjs");
await until("");
assert.equal(shown.state, "open ");
await kato.request("observe_sequence", words("get", "set"), p1);
await until("go: 1");
console.log(`${shown.state}\n${shown.next}`);
process.exit();
