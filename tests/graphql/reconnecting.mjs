// The official client while its server is killed and started again: node reconnecting.mjs URL KEY
// Prints "kill" when the server is to be killed.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, apiKey] = process.argv.slice(2);
const opened = [];
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { apiKey },
  retryAttempts: Infinity,
  shouldRetry: () => true, // also where nobody listens for a while
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  on: { connected: (socket, payload) => opened.push(payload) },
});

const ask = async (query, variables = {}) => {
  for await (const result of client.iterate({ query, variables })) return result;
};
const observe = (word, requestId) =>
  ask(
    `mutation ($word: String!, $requestId: ID) {
      observe(processor: "p1", observation: {strings: [$word]}, requestId: $requestId) {
        interval shortTermMemory
      }
    }`,
    { word, requestId },
  );

const first = await observe("first", "1");
assert.equal(first.data.observe.interval, 1);
assert.deepEqual(await observe("first", "1"), first, "sent again, it is done once");

const told = [];
const waiting = [];
const until = (number) =>
  told.length >= number
    ? Promise.resolve()
    : new Promise((resolve) => waiting.push({ number, resolve }));
const tell = (event) => {
  told.push(event);
  for (const { number, resolve } of waiting) if (told.length >= number) resolve();
};
const ended = client.subscribe(
  {
    query: `subscription {
      events(processor: "p1", topics: [OBSERVATIONS]) {
        __typename epoch ... on ObservedEvent { observation { strings } }
      }
    }`,
  },
  { next: ({ data }) => tell(data.events), error: (error) => assert.fail(JSON.stringify(error)), complete() {} },
);

await until(1);
assert.equal(told[0].__typename, "Subscribed");
await observe("second");
await until(2);
assert.deepEqual(told[1].observation.strings, ["second"]);

console.log("kill");
await until(3);
assert.equal(told[2].__typename, "Subscribed", "it subscribes again by itself");
assert.notEqual(told[2].epoch, told[0].epoch);
const { data } = await observe("third");
assert.deepEqual(data.observe.shortTermMemory, [["first"], ["second"], ["third"]]);
await until(4);
assert.deepEqual(told[3].observation.strings, ["third"]);
assert.ok(opened.length >= 2);
assert.deepEqual(opened[0].scopes, ["read", "write", "admin"]);
ended();
await client.dispose();

const wrong = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { apiKey: "wrong" },
  retryAttempts: 0,
});
const refused = await new Promise((resolve) =>
  wrong.subscribe({ query: "{ ping { timeStamp } }" }, { next() {}, error: resolve, complete() {} }),
);
assert.equal(refused.code, 4403, String(refused.reason));
await wrong.dispose();

const plain = createClient({ url, webSocketImpl: WebSocket, connectionParams: { apiKey } });
const fault = await new Promise((resolve) =>
  plain.subscribe({ query: "{ nothing }" }, { next() {}, error: resolve, complete() {} }),
);
assert.match(fault[0].message, /Cannot query field/);
await plain.dispose();
console.log("done");
