// A client of KATO's in a few lines: npm install ws; curl -O http://127.0.0.1:8000/static/kato.js
import WebSocket from "ws";
import { Kato } from "./kato.js";

const [url = "ws://127.0.0.1:8000/ws", key] = process.argv.slice(2);
const kato = await new Kato(url, { WebSocket, key }).ready();
const p1 = { processor: "p1" };

for (const word of ["get", "set", "go"]) await kato.request("observe", { strings: [word] }, p1);
console.log((await kato.request("learn", {}, p1)).model_name);

const expected = new Promise((resolve) => {
  const onEvent = ({ data }) => data.forecast?.length && resolve(data.forecast);
  kato.subscribe("p1", { topics: ["predictions"], onEvent });
});
const observations = [{ strings: ["get"] }, { strings: ["set"] }];
await kato.request("observe_sequence", { observations }, p1);
for (const { event, share } of await expected) console.log(event, share);

await kato.request("clear_short_term_memory", {}, p1);
kato.close();
