// KATO through the official client of graphql-transport-ws: npm install graphql graphql-ws ws
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url = "ws://127.0.0.1:8000/graphql", apiKey] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, connectionParams: { apiKey } });

const ask = async (query, variables = {}) => {
  for await (const { data, errors } of client.iterate({ query, variables })) {
    if (errors) throw new Error(errors[0].message);
    return data;
  }
};

const OBSERVE = `mutation ($observations: [ObservationInput!]!) {
  observeSequence(processor: "p1", observations: $observations) { observed }
}`;
const observe = (...words) =>
  ask(OBSERVE, { observations: words.map((word) => ({ strings: [word] })) });

await observe("get", "set", "go");
const { learn } = await ask(`mutation { learn(processor: "p1") { modelName } }`);
console.log(learn.modelName);

const events = client.iterate({
  query: `subscription {
    events(processor: "p1", topics: [PREDICTIONS]) {
      __typename
      ... on PredictionsEvent { forecast { event share } }
    }
  }`,
});
for await (const { data } of events) {
  const { __typename, forecast } = data.events;
  if (__typename === "Subscribed") observe("get", "set");
  if (!forecast?.length) continue;
  for (const { event, share } of forecast) console.log(event.join(" "), share);
  break;
}

await ask(`mutation { clearShortTermMemory(processor: "p1") { interval } }`);
await client.dispose();
