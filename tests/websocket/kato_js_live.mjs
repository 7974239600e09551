// kato.js over real connections, which are cut in the midst of it: node kato_js_live.mjs URL KEY
import assert from "node:assert/strict";
import WebSocket from "ws";

import { Kato } from "./kato.js";

const [url, key] = process.argv.slice(2);
const ROUNDS = 150;
const P1 = { processor: "p1" };

/** The pauses before another connection are shorter here; what takes seconds keeps its time. */
const clock = {
  now: () => Date.now(),
  setTimeout: (call, delay) => setTimeout(call, delay > 8_000 ? delay : delay / 20),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** A client whose connections the test can cut. */
class Cut extends Kato {
  constructor() {
    let socket;
    class Cuttable extends WebSocket {
      constructor(...given) {
        super(...given);
        socket = this;
      }
    }
    super(url, { WebSocket: Cuttable, key, clock });
    this.cut = () => socket.terminate();
    this.cuts = 0;
    this.addEventListener("state", ({ detail }) => (this.cuts += detail.state === "waiting"));
    this.addEventListener("error", ({ detail }) => assert.fail(detail));
  }
}

/** A subscription, what it was told, and a promise for when that is enough. */
function listen(kato, processor, { topics } = {}) {
  const found = { events: [], freshes: [], check: () => {} };
  found.subscription = kato.subscribe(processor, {
    topics,
    onFresh: (fresh) => {
      found.freshes.push(fresh);
      found.check();
    },
    onEvent: (event) => {
      found.events.push(event);
      found.check();
    },
  });
  found.until = (enough) =>
    new Promise((resolve) => {
      found.check = () => enough(found) && resolve();
      found.check();
    });
  found.of = (topic) => found.events.filter((each) => each.event === topic);
  return found;
}

function rising(offsets) {
  return offsets.every((offset, place) => !place || offsets[place - 1] < offset);
}

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

// Another key is refused, until the right one is told.
const refused = new Kato(url, { WebSocket, key: "another" });
await assert.rejects(refused.ready(), { code: "UNAUTHORIZED" });
assert.equal(refused.state, "refused");
await refused.authenticate(key);
assert.deepEqual(refused.scopes, ["read", "write", "admin"]);
refused.close();

// Who has no key is told so.
const guest = new Kato(url, { WebSocket });
await assert.rejects(guest.request("list_processors"), { code: "UNAUTHORIZED" });
assert.equal(guest.state, "refused");

const writer = await new Cut().ready();
const watcher = await new Cut().ready();
const all = listen(watcher, null);
await all.until(({ freshes }) => freshes.length);

// A processor that is not there cannot be listened to.
const nobody = await new Promise((onError) => watcher.subscribe("p1", { onError }));
assert.equal(nobody.code, "PROCESSOR_NOT_FOUND");

await writer.request("create_processor", {}, P1);
await all.until(({ events }) => events.length);
assert.deepEqual(all.events.map(({ data }) => data), [{ change: "came" }]);

const watched = listen(watcher, "p1");
await watched.until(({ freshes }) => freshes.length);
const narrow = listen(writer, "p1", { topics: ["learning"] });
await narrow.until(({ freshes }) => freshes.length);

// Both are cut again and again, also with requests under way.
for (let round = 0; round < ROUNDS; round++) {
  const asked = [
    writer.request("observe", { strings: [`a${round}`] }, P1),
    writer.request("observe", { strings: ["b"] }, P1),
    writer.request("learn", {}, P1),
  ];
  if (round % 7 === 3) writer.cut();
  if (round % 5 === 2) {
    if (round % 15 !== 2) await watcher.ready(); // else also while it connects
    watcher.cut();
  }
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map(({ message }) => message), ["observed", "observed", "learned"]);
  assert.equal(answers[1].interval, 2 * (round + 1), "each was done once, and in order");
}

const observed = () => {
  const events = watched.of("observations");
  return events.length + sum(events.map(({ skipped = 0 }) => skipped));
};
const learned = (found) => found.of("learning").length;
await watched.until(() => learned(watched) >= ROUNDS && observed() >= 2 * ROUNDS);
await narrow.until(() => learned(narrow) >= ROUNDS);
for (const found of [watched, narrow]) {
  const offsets = found.of("learning").map(({ offset }) => offset);
  assert.deepEqual(offsets, Array.from({ length: ROUNDS }, (_, round) => 3 * (round + 1)));
  assert.equal(found.freshes.length, 1, "all was recovered");
}
assert.equal(narrow.events.length, ROUNDS);
assert.equal(observed(), 2 * ROUNDS);
for (const topic of ["observations", "predictions"]) {
  assert.ok(rising(watched.of(topic).map(({ offset }) => offset)), topic);
}
const skipped = watched.events.map((event) => event.skipped ?? 0);
assert.equal(watched.subscription.skipped, sum(skipped));

// Another history begins.
await writer.request("delete_processor", {}, P1);
await watched.until(({ freshes }) => freshes.length === 2);
assert.deepEqual(watched.of("memory").map(({ data }) => data), [{ change: "deleted" }]);
assert.notEqual(watched.freshes[1].epoch, watched.freshes[0].epoch);
watched.events.length = 0;
await writer.request("observe", { strings: ["c"] }, P1);
await watched.until(({ events }) => events.length);
assert.equal(watched.events[0].data.observation.strings[0], "c");

// After its end a subscription is told nothing; another one begins.
watched.subscription.unsubscribe();
const again = listen(watcher, "p1");
await again.until(({ freshes }) => freshes.length);
watched.events.length = 0;
await writer.request("observe", { strings: ["d"] }, P1);
await again.until(() => again.of("observations").length);
assert.deepEqual(watched.events, []);

console.log(JSON.stringify({ cuts: watcher.cuts, resent: writer.cuts, skipped: sum(skipped) }));
writer.close();
watcher.close();
