// What kato.js promises, with a server and a clock that the test plays.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Kato, KatoError } from "../../kato/dashboard/static/kato.js";

/** What timers can wait at most; one that should wait longer does not wait at all. */
const LONGEST = 2 ** 31 - 1;

/** A clock that goes when it is told. */
class Clock {
  #time = 1_000_000;
  #timers = new Map();
  #made = 0;

  now = () => this.#time;

  setTimeout = (call, delay) => {
    this.#timers.set(++this.#made, { call, at: this.#time + (delay > LONGEST ? 1 : delay) });
    return this.#made;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  get waiting() {
    return this.#timers.size;
  }

  /** Let time pass, and let happen what is due. */
  advance(delay) {
    const end = this.#time + delay;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      const [timer, { call, at }] = due;
      this.#timers.delete(timer);
      this.#time = at;
      call();
    }
    this.#time = end;
  }

  #due(end) {
    const due = [...this.#timers].filter(([, { at }]) => at <= end);
    return due.sort(([, one], [, other]) => one.at - other.at)[0];
  }
}

/** The server's end of a connection. */
class Socket extends EventTarget {
  static made = [];
  static last = () => Socket.made.at(-1);

  sent = [];
  closed = false;

  constructor(url, protocols) {
    super();
    Object.assign(this, { url, protocols });
    Socket.made.push(this);
  }

  // What the client calls

  send(text) {
    assert.ok(this.opened && !this.closed, "nothing is sent but over an open connection");
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  // What the test calls

  open() {
    this.opened = true;
    this.dispatchEvent(new Event("open"));
    return this;
  }

  tell(frame) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(frame) }));
  }

  lose(code = 1006, reason = "") {
    this.closed = true;
    this.dispatchEvent(new Event("error"));
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }

  /** The last request for an operation, or for an operation of a processor. */
  asked(method, processor) {
    return this.sent.findLast(
      (frame) => frame.method === method && (!processor || frame.processor === processor),
    );
  }

  okay(request, more = {}) {
    this.tell({ status: "okay", message: "done", time_stamp: 1.5, ...more, id: request.id });
  }

  refuse(request, error_code, more = {}) {
    this.tell({ status: "error", message: "no", error_code, ...more, id: request.id });
  }

  /** Answer a subscription that was asked for. */
  subscribed(processor, offset, { epoch = "e1", recovered = false } = {}) {
    this.okay(this.asked("subscribe", processor), { processor, epoch, offset, recovered });
  }
}

let clock;
let reports;

/** A client whose pauses are the longest they may be. */
function client(options = {}) {
  const kato = new Kato("http://host:8000/ws", {
    WebSocket: Socket,
    clock,
    random: () => 1,
    session: "s",
    ...options,
  });
  kato.addEventListener("error", (event) => {
    event.preventDefault();
    reports.push(event.detail);
  });
  return kato;
}

/** An open client, with the server's end of its connection. */
function opened(options) {
  const kato = client(options);
  return { kato, socket: Socket.last().open() };
}

/** A subscription of an open client, and what it was told. */
function listening({ kato, socket }, { processor = "p1", offset = 10, ...callbacks } = {}) {
  const told = [];
  const fresh = [];
  const subscription = kato.subscribe(processor, {
    onEvent: (event) => told.push(`${event.event} ${event.offset}`),
    onFresh: (news) => fresh.push(news),
    ...callbacks,
  });
  socket.subscribed(processor, offset);
  return { subscription, told, fresh };
}

function event(topic, offset, more = {}) {
  return { event: topic, processor: "p1", offset, time_stamp: 2.5, data: {}, ...more };
}

/** Lose the connection, and make the next one. */
function reconnected(code = 1006) {
  Socket.last().lose(code);
  clock.advance(250);
  return Socket.last().open();
}

async function code(promise) {
  const error = await promise.then(assert.fail, (caught) => caught);
  assert.ok(error instanceof KatoError, error);
  return error.code;
}

/** Let promises that are kept be heard of. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  clock = new Clock();
  reports = [];
  Socket.made = [];
});

// The connection

test("it connects when it is made, with the sub-protocol of JSON", async () => {
  const { kato, socket } = opened();
  assert.equal(socket.url, "ws://host:8000/ws");
  assert.deepEqual(socket.protocols, ["kato.v1.json"]);
  assert.equal(await kato.ready(), kato);
  assert.equal(kato.state, "open");
});

test("a page connects to where it came from", () => {
  globalThis.location = { href: "https://host:8443/dashboard?p=1#top" };
  try {
    new Kato(null, { WebSocket: Socket, clock });
    assert.equal(Socket.last().url, "wss://host:8443/ws");
  } finally {
    delete globalThis.location;
  }
});

test("where there is no WebSocket, it says so", () => {
  const there = globalThis.WebSocket;
  globalThis.WebSocket = undefined;
  try {
    assert.throws(() => new Kato("ws://host/ws"), /there is no WebSocket here/);
  } finally {
    globalThis.WebSocket = there;
  }
});

test("it tells what state it is in, and why, and when it is tried again", () => {
  const kato = client();
  const told = [];
  kato.addEventListener("state", ({ detail }) => told.push(detail));
  Socket.last().open();
  Socket.last().lose(1001, "the server stops");
  clock.advance(250);
  kato.close();
  assert.deepEqual(told, [
    { state: "open", reason: "", retryAt: null },
    { state: "waiting", reason: "the server stops", retryAt: 1_000_250 },
    { state: "connecting", reason: "", retryAt: null },
    { state: "closed", reason: "", retryAt: null },
  ]);
});

for (const lost of [1000, 1001, 1006, 1011, 4008]) {
  test(`after ${lost} it connects again`, () => {
    const { kato } = opened();
    reconnected(lost);
    assert.equal(kato.state, "open");
    assert.equal(Socket.made.length, 2);
  });
}

test("the pauses double up to eight seconds, and begin anew once there is a connection", () => {
  const kato = client();
  const pauses = [];
  kato.addEventListener("state", ({ detail: { retryAt } }) => {
    if (retryAt !== null) pauses.push(retryAt - clock.now());
  });
  for (let tries = 0; tries < 7; tries++) {
    Socket.last().lose();
    clock.advance(8_000);
  }
  Socket.last().open().lose();
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 250]);
});

test("half of a pause is chance", () => {
  const kato = client({ random: () => 0 });
  let pause;
  kato.addEventListener("state", ({ detail }) => (pause = detail.retryAt - clock.now()));
  Socket.last().lose();
  assert.equal(pause, 125);
});

test("it connects at once where it is asked to", () => {
  const { kato, socket } = opened();
  kato.reconnect();
  assert.equal(Socket.made.length, 1);
  socket.lose();
  kato.reconnect();
  assert.equal(kato.state, "connecting");
  clock.advance(250);
  assert.equal(Socket.made.length, 2);
});

test("a connection that is not made within ten seconds is given up", () => {
  const kato = client();
  clock.advance(10_000);
  assert.equal(kato.state, "waiting");
  assert.ok(Socket.made[0].closed);
  clock.advance(250);
  assert.equal(Socket.made.length, 2);
});

test("after thirty silent seconds it asks for a sign of life, and gives up after ten more", () => {
  const { kato, socket } = opened();
  clock.advance(29_999);
  socket.tell(event("learning", 1));
  clock.advance(30_000);
  assert.equal(socket.asked("ping"), undefined);
  clock.advance(1);
  socket.okay(socket.asked("ping"));
  clock.advance(10_000);
  assert.equal(kato.state, "open");
  clock.advance(40_000);
  assert.equal(kato.state, "waiting");
  assert.ok(socket.closed);
});

test("what an earlier connection still says is not heard", async () => {
  const { kato, socket } = opened();
  const answer = kato.request("ping");
  kato.authenticate("key");
  socket.okay(socket.asked("ping"));
  socket.lose();
  assert.equal(kato.state, "connecting");
  const next = Socket.last().open();
  next.okay(next.asked("authenticate"), { scopes: ["read"] });
  next.okay(next.asked("ping"), { message: "pong" });
  assert.equal((await answer).message, "pong");
});

// Keys

test("a key is judged before anything else is asked", async () => {
  const { kato, socket } = opened({ key: "clé" });
  const answer = kato.request("ping");
  kato.subscribe("p1");
  assert.deepEqual(socket.sent, [
    { id: 0, method: "authenticate", params: { api_key: "clé" } },
  ]);
  assert.equal(kato.state, "connecting");
  assert.equal(kato.scopes, null);
  socket.okay(socket.asked("authenticate"), { scopes: ["read", "write"] });
  assert.equal(kato.state, "open");
  assert.deepEqual(kato.scopes, ["read", "write"]);
  assert.deepEqual(socket.sent.slice(1).map(({ method }) => method), ["subscribe", "ping"]);
  socket.okay(socket.asked("ping"));
  await answer;
  reconnected();
  assert.equal(kato.scopes, null);
});

test("with the wrong key it stops, until there is another one", async () => {
  const { kato, socket } = opened({ key: "wrong" });
  const ready = kato.ready();
  const answer = kato.request("learn", {}, { processor: "p1" });
  kato.subscribe("p1");
  socket.refuse(socket.asked("authenticate"), "UNAUTHORIZED");
  assert.equal(kato.state, "refused");
  assert.deepEqual(await Promise.all([ready, answer, kato.ready()].map(code)), [
    "UNAUTHORIZED",
    "UNAUTHORIZED",
    "UNAUTHORIZED",
  ]);
  assert.equal(await code(kato.request("ping")), "UNAUTHORIZED");
  clock.advance(100_000);
  assert.equal(Socket.made.length, 1);
  assert.equal(clock.waiting, 0);

  const again = kato.authenticate("right");
  const next = Socket.last().open();
  assert.deepEqual(next.asked("authenticate").params, { api_key: "right" });
  next.okay(next.asked("authenticate"), { scopes: ["read"] });
  assert.equal(await again, kato);
  assert.ok(next.asked("subscribe", "p1"));
});

test("close code 4401 is a refusal, also while a key is judged", async () => {
  const { kato, socket } = opened({ key: "key" });
  socket.lose(4401, "no key within 10 s");
  assert.equal(kato.state, "refused");
  await assert.rejects(kato.ready(), /no key within 10 s/);
  clock.advance(100_000);
  assert.equal(Socket.made.length, 1);
});

test("where a key is wanted and none was given, the first answer says so", async () => {
  const { kato, socket } = opened();
  kato.subscribe(null);
  const answer = kato.request("list_processors");
  socket.refuse(socket.asked("subscribe"), "UNAUTHORIZED");
  assert.equal(kato.state, "refused");
  assert.equal(await code(answer), "UNAUTHORIZED");
  assert.deepEqual(reports, []);
});

test("a key that cannot be judged now is offered again", () => {
  const { kato, socket } = opened({ key: "key" });
  socket.refuse(socket.asked("authenticate"), "TOO_MANY_REQUESTS");
  assert.equal(kato.state, "waiting");
});

test("who is asked for a key in the midst of a refusal may give it there", async () => {
  const { kato, socket } = opened();
  kato.addEventListener("state", ({ detail }) => {
    if (detail.state === "refused") kato.authenticate("right");
  });
  const answer = kato.request("ping");
  socket.lose(4401);
  assert.equal(await code(answer), "UNAUTHORIZED");
  assert.equal(kato.state, "connecting");
});

// Requests

test("a request is answered by the envelope with its id", async () => {
  const { kato, socket } = opened();
  const one = kato.request("get_forecast", { limit: 3 }, { processor: "p1" });
  const other = kato.request("ping");
  assert.deepEqual(socket.sent, [
    { id: 0, method: "get_forecast", params: { limit: 3 }, processor: "p1" },
    { id: 1, method: "ping", params: {} },
  ]);
  socket.okay({ id: 1 }, { message: "pong" });
  socket.okay({ id: 0 }, { message: "forecast", forecast: [] });
  assert.equal((await other).message, "pong");
  assert.deepEqual((await one).forecast, []);
});

test("an error of the server's is a KatoError", async () => {
  const { kato, socket } = opened();
  const answer = kato.request("learn", {}, { processor: "nobody" });
  socket.refuse(socket.asked("learn"), "PROCESSOR_NOT_FOUND", { processor: "nobody" });
  const error = await answer.catch((caught) => caught);
  assert.ok(error instanceof KatoError);
  assert.deepEqual([error.code, error.message], ["PROCESSOR_NOT_FOUND", "no"]);
  assert.equal(error.envelope.processor, "nobody");
  assert.equal(kato.state, "open");
});

test("an answer to nothing that was asked is passed over", () => {
  const { kato, socket } = opened();
  socket.tell({ status: "error", message: "body: no JSON", error_code: "INVALID_REQUEST" });
  socket.okay({ id: 77 });
  assert.equal(kato.state, "open");
});

test("a request that is made before there is a connection waits for it", () => {
  const kato = client();
  kato.request("ping");
  assert.equal(Socket.last().open().sent.length, 1);
});

test("requests under way are sent again, in their order, changes under the same id", async () => {
  const { kato, socket } = opened();
  const answers = [
    kato.request("observe", { strings: ["a"] }, { processor: "p1" }),
    kato.request("get_status", {}, { processor: "p1" }),
    kato.request("learn", {}, { processor: "p1", requestId: "mine" }),
  ];
  const done = kato.request("ping");
  socket.okay(socket.asked("ping"));
  await done;
  const next = reconnected();
  assert.deepEqual(next.sent, socket.sent.slice(0, 3));
  assert.deepEqual(next.sent.map((frame) => frame.request_id), ["s-0", undefined, "mine"]);
  for (const request of next.sent) next.okay(request);
  assert.equal((await Promise.all(answers)).length, 3);
});

test("what is asked while it is told that the connection is open, is asked once", () => {
  const kato = client();
  kato.addEventListener("state", ({ detail }) => {
    if (detail.state !== "open") return;
    kato.request("ping");
    kato.subscribe("p2");
  });
  const socket = Socket.last().open();
  assert.deepEqual(socket.sent.map(({ method }) => method), ["ping", "subscribe"]);
});

test("a request that takes too long fails, connected or not", async () => {
  const { kato, socket } = opened({ timeout: 5_000 });
  const answers = [kato.request("ping"), kato.request("ping", {}, { timeout: 9_000 })];
  const patient = kato.request("ping", {}, { timeout: Infinity });
  socket.lose();
  clock.advance(5_000);
  assert.equal(await code(answers[0]), "TIMEOUT");
  Socket.last().open();
  assert.equal(Socket.last().sent.length, 2);
  clock.advance(4_000);
  assert.equal(await code(answers[1]), "TIMEOUT");
  Socket.last().okay(Socket.last().sent[0]);
  Socket.last().okay(Socket.last().sent[1]);
  await patient;
});

test("a request over 16 MiB is not sent, as it would end the connection", async () => {
  const { kato, socket } = opened();
  const observe = (text) => kato.request("observe", { strings: [text] }, { processor: "p1" });
  assert.equal(await code(observe("é".repeat(8 * 2 ** 20))), "PAYLOAD_TOO_LARGE");
  observe("e".repeat(16 * 2 ** 20 - 200));
  assert.equal(socket.sent.length, 1);
});

test("no more than 10,000 requests wait", async () => {
  const kato = client();
  for (let count = 0; count < 10_000; count++) kato.request("ping", {}, { timeout: Infinity });
  assert.equal(await code(kato.request("ping")), "TOO_MANY_REQUESTS");
});

test("what is no JSON is refused", async () => {
  const { kato } = opened();
  await assert.rejects(kato.request("observe", { metadata: 1n }), TypeError);
});

test("two clients never choose the same id for a change", () => {
  const ids = [1, 2].map(() => {
    const { kato, socket } = opened({ session: undefined });
    kato.request("learn", {}, { processor: "p1" });
    return socket.asked("learn").request_id;
  });
  assert.notEqual(ids[0], ids[1]);
  assert.match(ids[0], /^[0-9a-f]{24}-0$/);
});

// Subscriptions

test("a subscription begins with what is to be read anew", () => {
  const open = opened();
  const { subscription, told, fresh } = listening(open, { topics: ["learning"] });
  assert.deepEqual(open.socket.asked("subscribe"), {
    id: 0,
    method: "subscribe",
    processor: "p1",
    params: { topics: ["learning"] },
  });
  assert.deepEqual(fresh, [{ epoch: "e1", offset: 10 }]);
  assert.deepEqual([subscription.processor, subscription.epoch], ["p1", "e1"]);
  assert.equal(subscription.offset, 10);
  open.socket.tell(event("learning", 11));
  assert.deepEqual(told, ["learning 11"]);
  assert.equal(subscription.offset, 11);
});

test("a subscription that is made before there is a connection waits for it", () => {
  const kato = client();
  kato.subscribe("p1");
  kato.subscribe(null);
  const { sent } = Socket.last().open();
  assert.deepEqual(sent.map(({ processor }) => processor), ["p1", undefined]);
});

test("events go to their subscription, and those of all processors to theirs", () => {
  const open = opened();
  const one = listening(open);
  const all = listening(open, { processor: null });
  const data = { change: "came" };
  open.socket.tell(event("learning", 11));
  open.socket.tell(event("learning", 11, { processor: "p2" }));
  open.socket.tell(event("processors", 11, { data }));
  open.socket.tell({ ...event("status", 11), processor: "" });
  open.socket.tell(event("processors", 12, { processor: "p2", data }));
  assert.deepEqual(one.told, ["learning 11"]);
  assert.deepEqual(all.told, ["processors 11", "status 11", "processors 12"]);
});

test("it says how far it has come, and is told what it missed", () => {
  const open = opened();
  const { subscription, told, fresh } = listening(open);
  open.socket.tell(event("observations", 11));
  open.socket.tell(event("learning", 12));
  open.socket.tell(event("predictions", 12));
  open.socket.tell(event("memory", 13));
  const next = reconnected();
  assert.deepEqual(next.asked("subscribe").params, {
    epoch: "e1",
    since: 13,
    observations: 11,
    predictions: 12,
  });
  next.subscribed("p1", 20, { recovered: true });
  next.tell(event("learning", 14));
  next.tell(event("observations", 20, { skipped: 4 }));
  next.tell(event("predictions", 20, { skipped: 2 }));
  assert.deepEqual(told.slice(4), ["learning 14", "observations 20", "predictions 20"]);
  assert.equal(fresh.length, 1);
  assert.equal(subscription.skipped, 6);
  assert.equal(subscription.offset, 20);
});

test("who was told no observation and no predictions yet lacks those after its beginning", () => {
  const open = opened();
  listening(open, { offset: 42 });
  open.socket.tell(event("learning", 43));
  assert.deepEqual(reconnected().asked("subscribe").params, {
    epoch: "e1",
    since: 43,
    observations: 42,
    predictions: 42,
  });
});

test("nothing is told twice", () => {
  const open = opened();
  const { subscription, told } = listening(open);
  const events = [
    event("observations", 10),
    event("predictions", 9),
    event("predictions", 10),
    event("observations", 11),
    event("predictions", 11, { skipped: 1 }),
    event("learning", 12),
    event("memory", 13),
  ];
  for (const each of [...events, ...events]) open.socket.tell(each);
  assert.deepEqual(told, [
    "predictions 10",
    "observations 11",
    "predictions 11",
    "learning 12",
    "memory 13",
  ]);
  assert.equal(subscription.skipped, 1);
});

test("predictions that come behind later changes set nothing back", () => {
  const open = opened();
  const { told } = listening(open);
  open.socket.tell(event("learning", 12));
  open.socket.tell(event("predictions", 11));
  open.socket.tell(event("learning", 12));
  assert.deepEqual(told, ["learning 12", "predictions 11"]);
  const { since, predictions } = reconnected().asked("subscribe").params;
  assert.deepEqual([since, predictions], [12, 11]);
});

test("an observation is told though it is older than what came, if it is new", () => {
  const open = opened();
  const { subscription, told } = listening(open);
  open.socket.tell(event("learning", 12));
  const next = reconnected();
  next.subscribed("p1", 12, { recovered: true });
  next.tell(event("observations", 11));
  next.tell(event("predictions", 12));
  assert.deepEqual(told, ["learning 12", "observations 11", "predictions 12"]);
  assert.equal(subscription.offset, 12);
});

test("where what was missed cannot be told, the state is read anew", () => {
  const open = opened();
  const { subscription, told, fresh } = listening(open);
  open.socket.tell(event("learning", 11));
  const next = reconnected();
  next.subscribed("p1", 3, { epoch: "e2" });
  next.tell(event("learning", 4));
  assert.deepEqual(fresh, [
    { epoch: "e1", offset: 10 },
    { epoch: "e2", offset: 3 },
  ]);
  assert.deepEqual(told, ["learning 11", "learning 4"]);
  assert.deepEqual([subscription.epoch, subscription.offset], ["e2", 4]);
});

test("a status event may begin another epoch, whatever the topics", () => {
  const open = opened();
  const { subscription, told, fresh } = listening(open, { topics: ["learning"] });
  const data = { state: "anew", epoch: "e2", recovered: false };
  open.socket.tell(event("status", 0, { data }));
  open.socket.tell(event("learning", 1));
  assert.deepEqual(told, ["status 0", "learning 1"]);
  assert.deepEqual(fresh.at(-1), { epoch: "e2", offset: 0 });
  assert.deepEqual(reconnected().asked("subscribe").params, {
    topics: ["learning"],
    epoch: "e2",
    since: 1,
    observations: 0,
    predictions: 0,
  });
  assert.equal(subscription.epoch, "e2");
});

test("a service that goes away and comes back begins nothing", () => {
  const open = opened();
  const { told, fresh } = listening(open);
  open.socket.tell(event("status", 10, { data: { state: "away" } }));
  const back = { state: "back", epoch: "e1", recovered: true };
  open.socket.tell(event("status", 10, { data: back }));
  open.socket.tell(event("learning", 11));
  assert.deepEqual(told, ["status 10", "status 10", "learning 11"]);
  assert.equal(fresh.length, 1);
});

test("what comes before the answer to a subscription belongs to an earlier one", () => {
  const open = opened();
  const first = listening(open);
  first.subscription.unsubscribe();
  const told = [];
  open.kato.subscribe("p1", { onEvent: ({ offset }) => told.push(offset) });
  open.socket.tell(event("learning", 11));
  open.socket.subscribed("p1", 11);
  open.socket.tell(event("learning", 12));
  assert.deepEqual([first.told, told], [[], [12]]);
});

test("after its end a subscription is told nothing", () => {
  const open = opened();
  const { subscription, told } = listening(open);
  subscription.unsubscribe();
  subscription.unsubscribe();
  assert.deepEqual(open.socket.sent.slice(1), [
    { id: 1, method: "unsubscribe", processor: "p1", params: {} },
  ]);
  open.socket.tell(event("learning", 11));
  open.socket.okay(open.socket.asked("unsubscribe"));
  assert.deepEqual(told, []);
  assert.equal(reconnected().sent.length, 0);
});

test("a subscription that ends while it begins is ended at the server, too", () => {
  const { kato, socket } = opened();
  const fresh = [];
  kato.subscribe("p1", { onFresh: (news) => fresh.push(news) }).unsubscribe();
  assert.deepEqual(socket.sent.map(({ method }) => method), ["subscribe", "unsubscribe"]);
  socket.subscribed("p1", 1);
  assert.deepEqual(fresh, []);
});

test("a subscription that ends without a connection is just forgotten", () => {
  const open = opened();
  const { subscription } = listening(open);
  open.socket.lose();
  subscription.unsubscribe();
  clock.advance(250);
  assert.deepEqual(Socket.last().open().sent, []);
});

test("one subscription to a processor is enough", () => {
  const { kato } = opened();
  kato.subscribe("p1");
  kato.subscribe(null);
  assert.throws(() => kato.subscribe("p1"), { code: "CONFLICT" });
  assert.throws(() => kato.subscribe(null), { code: "CONFLICT" });
});

test("a subscription that cannot be says so, and has ended", () => {
  const { kato, socket } = opened();
  const errors = [];
  kato.subscribe("p1", { onError: (error) => errors.push(error.code) });
  kato.subscribe("p2");
  socket.refuse(socket.asked("subscribe", "p1"), "PROCESSOR_NOT_FOUND");
  socket.refuse(socket.asked("subscribe", "p2"), "PROCESSOR_NOT_FOUND");
  assert.deepEqual(errors, ["PROCESSOR_NOT_FOUND"]);
  assert.deepEqual(reports.map((error) => error.code), ["PROCESSOR_NOT_FOUND"]);
  assert.equal(reconnected().sent.length, 0);
  kato.subscribe("p1");
});

test("a subscription that cannot be now is tried again", () => {
  const { kato, socket } = opened();
  kato.subscribe("p1");
  socket.refuse(socket.asked("subscribe"), "PROCESSOR_UNAVAILABLE", { retry_after: 2 });
  clock.advance(1_999);
  assert.equal(socket.sent.length, 1);
  clock.advance(1);
  assert.equal(socket.sent.length, 2);
  socket.refuse(socket.asked("subscribe"), "STORAGE_UNAVAILABLE");
  const next = reconnected();
  clock.advance(5_000);
  assert.equal(next.sent.length, 1);
});

test("a subscription that is ended while it waits is not tried again", () => {
  const { kato, socket } = opened();
  const subscription = kato.subscribe("p1");
  socket.refuse(socket.asked("subscribe"), "PROCESSOR_UNAVAILABLE");
  subscription.unsubscribe();
  clock.advance(5_000);
  assert.equal(socket.sent.length, 1);
});

// Callbacks

test("a callback that fails hurts nobody else", async () => {
  const open = opened();
  listening(open, {
    onFresh: async () => {
      throw new Error("not read");
    },
    onEvent: () => {
      throw new Error("not drawn");
    },
  });
  const { told } = listening(open, { processor: "p2" });
  open.socket.tell(event("learning", 11));
  open.socket.tell(event("learning", 11, { processor: "p2" }));
  await settle();
  assert.deepEqual(told, ["learning 11"]);
  assert.deepEqual(reports.map(({ message }) => message), ["not drawn", "not read"]);
});

test("a subscription that the key is for no more has ended, and is not begun again", () => {
  const open = opened();
  const errors = [];
  listening(open, { onError: (error) => errors.push(error.code) });
  open.socket.tell(event("status", 0, { data: { state: "forbidden" } }));
  assert.deepEqual(errors, ["FORBIDDEN"]);
  assert.equal(reconnected().asked("subscribe"), undefined);
});

test("what nobody takes is written to the console", (context) => {
  const written = context.mock.method(console, "error", () => {});
  const kato = new Kato("ws://host/ws", { WebSocket: Socket, clock });
  const socket = Socket.last().open();
  kato.subscribe("p1");
  socket.refuse(socket.asked("subscribe"), "PROCESSOR_NOT_FOUND");
  assert.equal(written.mock.calls[0].arguments[0].code, "PROCESSOR_NOT_FOUND");
});

test("a callback may end its own subscription, and the client", () => {
  const open = opened();
  const { subscription, fresh } = listening(open, { onEvent: () => subscription.unsubscribe() });
  const data = { state: "anew", epoch: "e2", recovered: false };
  open.socket.tell(event("status", 0, { data }));
  assert.equal(fresh.length, 1);
  listening(open, { onEvent: () => open.kato.close() });
  open.socket.tell(event("learning", 11));
  assert.equal(open.kato.state, "closed");
});

// The end

test("a client that is closed leaves nothing behind", async () => {
  const open = opened();
  listening(open);
  const answer = open.kato.request("ping");
  const waiting = client();
  const ready = waiting.ready();
  for (const kato of [open.kato, waiting]) {
    kato.close();
    kato.close();
    kato.reconnect();
    assert.equal(kato.state, "closed");
  }
  assert.ok(Socket.made.every(({ closed }) => closed));
  assert.equal(clock.waiting, 0);
  const later = [open.kato.request("ping"), open.kato.ready(), open.kato.authenticate("key")];
  for (const promise of [answer, ready, ...later]) assert.equal(await code(promise), "CLOSED");
  assert.throws(() => open.kato.subscribe("p1"), { code: "CLOSED" });
  assert.equal(Socket.made.length, 2);
});
