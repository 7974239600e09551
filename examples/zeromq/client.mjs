// A client of KATO's in a few lines: npm install zeromq @msgpack/msgpack
import { decode, encode } from "@msgpack/msgpack";
import { Request } from "zeromq";

const socket = new Request();
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:5555");

// Ask, and wait for the answer; an error of the server's is an error here.
async function ask(method, params = {}) {
  await socket.send(encode({ method, processor: "p1", params }));
  const [frame] = await socket.receive();
  const answer = decode(frame);
  if (answer.status !== "okay") throw new Error(`${answer.error_code}: ${answer.message}`);
  return answer;
}

for (const word of ["get", "set", "go"]) await ask("observe", { strings: [word] });
console.log((await ask("learn")).model_name);
await ask("observe_sequence", { observations: [{ strings: ["get"] }, { strings: ["set"] }] });
for (const { event, share } of (await ask("get_forecast")).forecast) console.log(event, share);
await ask("clear_short_term_memory");
socket.close();
