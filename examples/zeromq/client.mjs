// A client of KATO's in a few lines: npm install zeromq @msgpack/msgpack
import { randomUUID } from "node:crypto";
import { decode, encode } from "@msgpack/msgpack";
import { Request } from "zeromq";

const ADDRESS = process.argv[2] ?? "tcp://127.0.0.1:5555";
const SECONDS = Number(process.argv[3] ?? 5);
const TRIES = 5;

// A socket that does not wait for ever.
function connect() {
  const socket = new Request({ linger: 0, receiveTimeout: SECONDS * 1000 });
  socket.connect(ADDRESS);
  return socket;
}

// Asks one processor; an error of the server's is an error here.
class Client {
  constructor(processor) {
    this.processor = processor;
    this.socket = connect();
  }

  // Ask until there is an answer: under its request id, a change is made once.
  async ask(method, params = {}) {
    const request = { method, processor: this.processor, params, request_id: randomUUID() };
    const body = encode(request);
    for (let tries = 0; tries < TRIES; tries++) {
      await this.socket.send(body);
      const [frame] = await this.socket.receive().catch(ifLate);
      if (frame) return answerIn(frame);
      this.socket.close(); // a REQ socket without its reply is of no further use
      this.socket = connect();
    }
    throw new Error(`no answer from ${ADDRESS}`);
  }
}

function ifLate(error) {
  if (error.code !== "EAGAIN") throw error;
  return [];
}

function answerIn(frame) {
  const answer = decode(frame);
  if (answer.status !== "okay") throw new Error(`${answer.error_code}: ${answer.message}`);
  return answer;
}

const client = new Client("p1");
for (const word of ["get", "set", "go"]) await client.ask("observe", { strings: [word] });
console.log((await client.ask("learn")).model_name);
const observations = [{ strings: ["get"] }, { strings: ["set"] }];
await client.ask("observe_sequence", { observations });
for (const { event, share } of (await client.ask("get_forecast")).forecast) {
  console.log(event, share);
}
await client.ask("clear_short_term_memory");
client.socket.close();
