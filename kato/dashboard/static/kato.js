/**
 * A client of KATO's over WebSocket: requests, subscriptions, and recovery after a lost connection.
 *
 * One ES module without dependencies, for browsers and for Node. A server gives it at
 * `/static/kato.js`; the protocol, and how this module is used, are told in docs/websocket.md.
 *
 *     import { Kato } from "/static/kato.js";
 *
 *     const kato = new Kato();
 *     kato.subscribe("p1", {
 *       topics: ["learning", "predictions"],
 *       onFresh: async () => draw(await kato.request("get_forecast", {}, { processor: "p1" })),
 *       onEvent: (event) => console.log(event.event, event.data),
 *     });
 *     await kato.request("observe", { strings: ["alpha"] }, { processor: "p1" });
 *
 * A connection that is lost is made anew. Requests under way are then sent again, and what changes
 * something is done once all the same; a subscription goes on where it was.
 *
 * @module kato
 */

/**
 * What the server answers when all is well, and what it tells of an error. Beside these keys stands
 * the result of the operation.
 *
 * @typedef {object} Envelope
 * @property {"okay" | "error"} status
 * @property {string} message What was done, in a word; or what is wrong, in a sentence.
 * @property {number} time_stamp Unix seconds.
 * @property {string} [processor] Whom it is about.
 * @property {number} [interval] The processor's logical clock.
 * @property {string} [error_code] Which error it is.
 * @property {number} [retry_after] Seconds after which the same request may succeed.
 * @property {"unknown"} [outcome] Nobody can tell whether the change was made.
 */

/**
 * Something that happened to a processor; docs/events.md tells `data` of each topic.
 *
 * @typedef {object} KatoEvent
 * @property {Topic} event
 * @property {string} processor
 * @property {number} offset The place of the event among the changes of the processor.
 * @property {number} time_stamp Unix seconds.
 * @property {Record<string, any>} data
 * @property {number} [skipped] How many events of the topic were passed over before this one.
 */

/**
 * @typedef {"observations" | "learning" | "memory" | "predictions" | "status" | "processors"} Topic
 */

/**
 * - `connecting`: a connection is being made, or its key judged;
 * - `open`: requests are answered, and events come;
 * - `waiting`: the connection was lost, and is made anew at `retryAt`;
 * - `refused`: there is no key, or the wrong one; {@link Kato#authenticate} goes on from here;
 * - `closed`: {@link Kato#close} was called.
 *
 * @typedef {"connecting" | "open" | "waiting" | "refused" | "closed"} State
 */

/**
 * The `detail` of the event `state`.
 *
 * @typedef {object} StateDetail
 * @property {State} state
 * @property {string} reason Why it is so, in words; empty where that is plain.
 * @property {number | null} retryAt When it is tried again, in milliseconds as of `Date.now()`.
 */

/**
 * How long things take, in milliseconds.
 *
 * @typedef {object} Clock
 * @property {() => number} now
 * @property {(call: () => void, delay: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/**
 * @typedef {object} Options
 * @property {string | null} [key] The server's API key, where it has one.
 * @property {any} [WebSocket] The class of the connection; in Node before 22, that of package `ws`.
 * @property {number} [timeout] Milliseconds that a request may take, its waiting for a connection
 *   included; `Infinity`: for ever. The default is more than the server's own.
 * @property {Clock} [clock] Another clock, for tests.
 * @property {() => number} [random] Another source of chance, from 0 to 1, for tests.
 * @property {string} [session] What the ids of requests begin with: another one for each client.
 */

/**
 * @typedef {object} RequestOptions
 * @property {string | null} [processor] Whom it is for.
 * @property {string} [requestId] The id under which a change is done once, however often it is
 *   sent; there is one anyway, but who chooses it may use it again after a reload of the page.
 * @property {number} [timeout] Milliseconds, in the place of the client's.
 */

/**
 * What a subscription tells. A callback that throws, or gives a promise that fails, hurts nobody
 * else: the client dispatches an event `error`.
 *
 * @typedef {object} Callbacks
 * @property {Topic[]} [topics] Which events; all where it is left out.
 * @property {(event: KatoEvent) => unknown} [onEvent] Something happened. Nothing is told twice.
 * @property {(fresh: { epoch: string, offset: number }) => unknown} [onFresh] The state must be
 *   read anew: at first, and whenever what was missed cannot be told any more. All that happens
 *   after it is told by `onEvent`.
 * @property {(error: KatoError) => unknown} [onError] The subscription cannot be, and has ended.
 */

/** An error of the server's, or of the way to it. */
export class KatoError extends Error {
  /**
   * @param {string} code As in {@link KatoError#code}.
   * @param {string} message
   * @param {Envelope | null} [envelope]
   */
  constructor(code, message, envelope = null) {
    super(message);
    this.name = "KatoError";
    /**
     * The server's `error_code`; or `TIMEOUT`, `CLOSED`, `UNAUTHORIZED`, `CONFLICT`,
     * `PAYLOAD_TOO_LARGE` or `TOO_MANY_REQUESTS` where the request never got an answer.
     *
     * @type {string}
     */
    this.code = code;
    /**
     * What the server answered, if it did.
     *
     * @type {Envelope | null}
     */
    this.envelope = envelope;
  }
}

const ANYWHERE = { connect: "connecting", close: "closed" };

/** What may follow on what. */
const NEXT = {
  connecting: { open: "open", lose: "waiting", refuse: "refused", ...ANYWHERE },
  open: { lose: "waiting", refuse: "refused", ...ANYWHERE },
  waiting: ANYWHERE,
  refused: ANYWHERE,
  closed: {},
};

/** Operations that change something, older names included: they are sent with a request id. */
const CHANGES = new Set([
  "create_processor",
  "delete_processor",
  "observe",
  "observe_sequence",
  "learn",
  "clear_short_term_memory",
  "clear_stm",
  "clear_all_memory",
  "clear_all",
  "change_gene",
  "gene_change",
  "change_genes",
  "update_model",
  "delete_model",
]);

/** Errors that pass: what failed with one of them may succeed a little later. */
const PASSING = new Set([
  "INTERNAL_ERROR",
  "PROCESSOR_UNAVAILABLE",
  "STORAGE_UNAVAILABLE",
  "TIMEOUT",
  "TOO_MANY_REQUESTS",
]);

const PROTOCOL = "kato.v1.json";
const REFUSED = 4401;
const SILENT = "the server does not answer";
const LARGEST = 16 * 1024 * 1024;
const MOST = 10_000;

const TIMEOUT = 40_000;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8_000;
const PATIENCE = 10_000;
const HEARTBEAT = 30_000;

/** @type {Clock} */
const CLOCK = {
  now: () => Date.now(),
  setTimeout: (call, delay) => setTimeout(call, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * How far a subscription has come.
 *
 * `since` is the offset of the last event that was told. An observation that gave way to a newer
 * one, and predictions, may be older than that, so both have their own.
 */
class Cursor {
  /** @type {string | null} */
  epoch = null;
  since = 0;
  skipped = 0;
  #start = 0;
  #last = { observations: 0, predictions: 0 };

  /** Begin anew, after the event at `offset` of an epoch. */
  begin(epoch, offset) {
    this.epoch = epoch;
    this.since = this.#start = offset;
    // Predictions that follow on the change at `offset` may be still to come.
    this.#last = { observations: offset, predictions: offset - 1 };
  }

  /** Go past an event; gives whether it is new. */
  pass({ event, offset, skipped = 0 }) {
    if (event === "status") return true;
    if (offset <= (this.#last[event] ?? this.since)) return false;
    if (event in this.#last) this.#last[event] = offset;
    this.since = Math.max(this.since, offset);
    this.skipped += skipped;
    return true;
  }

  /** What tells the server what to send again. */
  get params() {
    if (this.epoch === null) return {};
    const predictions = Math.max(this.#last.predictions, this.#start);
    return { epoch: this.epoch, since: this.since, ...this.#last, predictions };
  }
}

/** A subscription, as {@link Kato#subscribe} gives it. */
export class Subscription {
  #cursor;
  #end;

  /**
   * @param {string | null} processor
   * @param {Cursor} cursor
   * @param {() => void} end
   */
  constructor(processor, cursor, end) {
    /**
     * Whose events these are; null: those of processors that come and go.
     *
     * @readonly
     */
    this.processor = processor;
    this.#cursor = cursor;
    this.#end = end;
  }

  /** The name of the history to which the offsets belong; null before the first. */
  get epoch() {
    return this.#cursor.epoch;
  }

  /** The offset of the last event that was told. */
  get offset() {
    return this.#cursor.since;
  }

  /** How many events were passed over so far, because they came faster than they could be told. */
  get skipped() {
    return this.#cursor.skipped;
  }

  /** End it: no event comes after this. */
  unsubscribe() {
    this.#end();
  }
}

/** One connection, from its beginning to its end, which is told once. */
class Wire {
  #socket;
  #ended = false;

  /**
   * @param {WebSocket} socket
   * @param {object} ear
   * @param {() => void} ear.opened
   * @param {(frame: any) => void} ear.told
   * @param {(code: number, reason: string) => void} ear.lost
   */
  constructor(socket, { opened, told, lost }) {
    this.#socket = socket;
    this.#listen("open", opened);
    this.#listen("message", ({ data }) => told(JSON.parse(data)));
    this.#listen("error", () => {}); // it says nothing, and a close follows
    this.#listen("close", ({ code, reason }) => {
      this.#ended = true;
      lost(code, reason);
    });
  }

  #listen(name, call) {
    this.#socket.addEventListener(name, (event) => this.#ended || call(event));
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text);
  }

  end() {
    this.#ended = true;
    this.#socket.close();
  }
}

/**
 * A client of one server. It connects when it is made, and again whenever the connection is lost.
 *
 * Events: `state`, a `CustomEvent` with a {@link StateDetail}; `error`, one whose detail is what a
 * callback has thrown, or a subscription without `onError` met. Unless `preventDefault` is called,
 * the latter is written to the console.
 */
export class Kato extends EventTarget {
  #url;
  #key;
  #WebSocket;
  #timeout;
  #clock;
  #random;
  #session;

  /** @type {State} */
  #state = "connecting";
  #reason = "";
  /** @type {string[] | null} */
  #scopes = null;
  /** @type {Wire | null} */
  #wire = null;
  #pauses = 0;
  #heard = false;
  #timer = null;

  #ids = 0;
  /** What has no answer yet, by the ids of the requests. */
  #asked = new Map();
  /** Subscriptions, by processor; "" is the one to all of them. */
  #subscribed = new Map();
  #ready = [];

  /**
   * @param {string | URL | null} [url] The server, `ws://host:8000/ws` for example; where it is
   *   left out, that from which the page came.
   * @param {Options} [options]
   */
  constructor(url = null, options = {}) {
    super();
    this.#url = address(url);
    this.#key = options.key ?? null;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#timeout = options.timeout ?? TIMEOUT;
    this.#clock = options.clock ?? CLOCK;
    this.#random = options.random ?? Math.random;
    this.#session = options.session ?? unique();
    if (!this.#WebSocket) throw new TypeError("there is no WebSocket here: the options need one");
    this.#connect();
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * What the key may do: some of `read`, `write` and `admin`. Null where no key was given, and
   * before the server has judged it.
   *
   * @returns {string[] | null}
   */
  get scopes() {
    return this.#scopes;
  }

  /**
   * Wait until requests are answered.
   *
   * @returns {Promise<this>} Fails where the key is refused, and where the client is closed.
   */
  ready() {
    if (this.#state === "open") return Promise.resolve(this);
    const error = this.#over();
    if (error) return Promise.reject(error);
    return new Promise((resolve, reject) => this.#ready.push({ resolve, reject }));
  }

  /**
   * Use another key from now on, over a new connection.
   *
   * @param {string | null} key
   * @returns {Promise<this>} As {@link Kato#ready}.
   */
  authenticate(key) {
    this.#key = key;
    if (this.#state !== "closed") this.#connect();
    return this.ready();
  }

  /** Connect at once, where that would be tried later. */
  reconnect() {
    if (this.#state === "waiting") this.#connect();
  }

  /**
   * Ask for an operation. What is under way when the connection is lost is sent again.
   *
   * @param {string} method The name of the operation, `observe` for example.
   * @param {Record<string, any>} [params]
   * @param {RequestOptions} [options]
   * @returns {Promise<Envelope & Record<string, any>>} Fails with a {@link KatoError}.
   */
  request(method, params = {}, { processor = null, requestId, timeout = this.#timeout } = {}) {
    const frame = { method, params };
    if (processor !== null) frame.processor = processor;
    if (requestId !== undefined) frame.request_id = requestId;
    else if (CHANGES.has(method)) frame.request_id = `${this.#session}-${this.#ids}`;
    return new Promise((resolve, reject) => {
      const error = this.#over();
      if (error) return reject(error);
      this.#limit(this.#ask(frame, { resolve, reject, lasting: true }), timeout);
    });
  }

  /**
   * Be told what happens; also while there is no connection yet. The subscription goes on over new
   * connections until it is ended.
   *
   * @param {string | null} processor Whose events; null: those of processors that come and go.
   * @param {Callbacks} [callbacks]
   * @returns {Subscription}
   * @throws {KatoError} `CONFLICT` where there is a subscription to it already, `CLOSED`.
   */
  subscribe(processor, { topics, onEvent, onFresh, onError } = {}) {
    const key = processor ?? "";
    if (this.#state === "closed") throw this.#over();
    if (this.#subscribed.has(key)) {
      throw new KatoError("CONFLICT", `subscribed to ${processor ?? "all processors"} already`);
    }
    const cursor = new Cursor();
    const line = { processor, topics, onEvent, onFresh, onError, cursor, sent: false, live: false };
    this.#subscribed.set(key, line);
    if (this.#state === "open") this.#begin(line);
    return new Subscription(processor, cursor, () => this.#unsubscribe(line));
  }

  /** End the connection and all subscriptions; requests under way fail with `CLOSED`. */
  close() {
    if (this.#state === "closed") return;
    this.#drop();
    this.#fail(new KatoError("CLOSED", "the client was closed"));
    this.#move("close");
  }

  // The connection

  #connect() {
    this.#drop();
    this.#scopes = null;
    this.#wire = new Wire(new this.#WebSocket(this.#url, [PROTOCOL]), {
      opened: () => this.#opened(),
      told: (frame) => this.#told(frame),
      lost: (code, reason) => this.#lost(code, reason),
    });
    this.#next(() => this.#lose(SILENT), PATIENCE);
    this.#move("connect");
  }

  #opened() {
    if (this.#key === null) return this.#open(null);
    this.#ask(about(null, "authenticate", { api_key: this.#key }), {
      resolve: ({ scopes }) => this.#open(scopes),
      reject: ({ code, message }) =>
        PASSING.has(code) ? this.#lose(message) : this.#refuse(message),
    });
  }

  /** All that waited goes out before others learn of it, who may ask for more. */
  #open(scopes) {
    this.#scopes = scopes;
    this.#pauses = 0;
    this.#watch();
    for (const line of this.#subscribed.values()) this.#begin(line);
    for (const { text, lasting } of this.#asked.values()) if (lasting) this.#wire.send(text);
    this.#move("open");
    for (const { resolve } of this.#ready.splice(0)) resolve(this);
  }

  #lost(code, reason) {
    if (code === REFUSED) this.#refuse(reason || "the server wants another key");
    else this.#lose(reason || `the connection was lost (${code})`);
  }

  #lose(reason) {
    this.#drop();
    const pause = pauseAfter(this.#pauses++, this.#random());
    this.#next(() => this.#connect(), pause);
    this.#move("lose", reason, this.#clock.now() + pause);
  }

  #refuse(reason) {
    this.#drop();
    this.#fail(new KatoError("UNAUTHORIZED", reason));
    this.#move("refuse", reason);
  }

  /** Leave the connection, and what was asked for it alone. */
  #drop() {
    this.#clock.clearTimeout(this.#timer);
    this.#wire?.end();
    this.#wire = null;
    for (const [id, { lasting }] of this.#asked) if (!lasting) this.#asked.delete(id);
    for (const line of this.#subscribed.values()) this.#rest(line);
  }

  /** Ask for a sign of life where there was none for long: a browser shows no pings. */
  #watch() {
    this.#heard = false;
    this.#next(() => (this.#heard ? this.#watch() : this.#probe()), HEARTBEAT);
  }

  #probe() {
    this.#ask(about(null, "ping"));
    this.#next(() => (this.#heard ? this.#watch() : this.#lose(SILENT)), PATIENCE);
  }

  /** What the connection does next, in the place of what it would have done. */
  #next(call, delay) {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(call, delay);
  }

  #move(what, reason = "", retryAt = null) {
    const state = (this.#state = NEXT[this.#state][what]);
    this.#reason = reason;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason, retryAt } }));
  }

  /** Why nothing can be asked any more, if it cannot. */
  #over() {
    if (this.#state === "closed") return new KatoError("CLOSED", "the client is closed");
    if (this.#state === "refused") return new KatoError("UNAUTHORIZED", this.#reason);
    return null;
  }

  // Requests

  /**
   * Send a request, now or when there is a connection. What is not lasting is for this connection
   * alone, and forgotten with it.
   *
   * @param {object} frame
   * @param {object} [asked]
   * @param {(envelope: any) => void} [asked.resolve]
   * @param {(error: KatoError) => void} [asked.reject]
   * @param {boolean} [asked.lasting]
   * @throws {KatoError} where a limit is reached.
   */
  #ask(frame, { resolve = () => {}, reject = () => {}, lasting = false } = {}) {
    const id = this.#ids++;
    const text = JSON.stringify({ id, ...frame });
    if (lasting) judge(text, this.#asked.size);
    this.#asked.set(id, { text, resolve, reject, lasting, timer: null });
    if (!lasting || this.#state === "open") this.#wire.send(text);
    return id;
  }

  #limit(id, timeout) {
    if (timeout === Infinity) return;
    const late = `there was no answer within ${timeout} ms`;
    const giveUp = () => this.#take(id).reject(new KatoError("TIMEOUT", late));
    this.#asked.get(id).timer = this.#clock.setTimeout(giveUp, timeout);
  }

  /** What was asked under an id, which is now answered in one way or the other. */
  #take(id) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked) this.#clock.clearTimeout(asked.timer);
    return asked;
  }

  #fail(error) {
    for (const id of [...this.#asked.keys()]) this.#take(id).reject(error);
    for (const { reject } of this.#ready.splice(0)) reject(error);
  }

  #told(frame) {
    this.#heard = true;
    if ("event" in frame) this.#happened(frame);
    else this.#answered(frame);
  }

  #answered(envelope) {
    const asked = this.#take(envelope.id);
    if (!asked) return;
    if (envelope.status === "okay") return asked.resolve(envelope);
    const error = new KatoError(envelope.error_code, envelope.message, envelope);
    asked.reject(error);
    if (error.code === "UNAUTHORIZED" && this.#state === "open") this.#refuse(error.message);
  }

  // Subscriptions

  #begin(line) {
    line.sent = true;
    const params = { topics: line.topics, ...line.cursor.params };
    this.#ask(about(line.processor, "subscribe", params), {
      resolve: (answer) => this.#begun(line, answer),
      reject: (error) => this.#notBegun(line, error),
    });
  }

  #begun(line, { epoch, offset, recovered }) {
    if (!this.#has(line)) return;
    line.live = true;
    if (!recovered) this.#freshen(line, epoch, offset);
  }

  #notBegun(line, error) {
    line.sent = false;
    if (!this.#has(line) || error.code === "UNAUTHORIZED") return;
    if (PASSING.has(error.code)) {
      const pause = 1_000 * (error.envelope.retry_after ?? 1);
      line.retry = this.#clock.setTimeout(() => this.#begin(line), pause);
      return;
    }
    this.#forget(line);
    this.#call(line.onError ?? ((unheard) => this.#report(unheard)), error);
  }

  #happened(event) {
    const line = this.#subscribed.get(whose(event));
    if (!line?.live || !line.cursor.pass(event)) return;
    this.#call(line.onEvent, event);
    if (event.data.state === "forbidden") return this.#notForUs(line, event);
    const anew = event.event === "status" && event.data.recovered === false;
    if (anew && this.#has(line)) this.#freshen(line, event.data.epoch, event.offset);
  }

  /** The key has become one that is not for this. */
  #notForUs(line, event) {
    if (!this.#has(line)) return;
    this.#forget(line);
    const error = new KatoError("FORBIDDEN", "this key is not for it any more", event);
    this.#call(line.onError ?? ((unheard) => this.#report(unheard)), error);
  }

  /** What was told of an earlier epoch says nothing any more. */
  #freshen(line, epoch, offset) {
    line.cursor.begin(epoch, offset);
    this.#call(line.onFresh, { epoch, offset });
  }

  #unsubscribe(line) {
    if (!this.#has(line)) return;
    if (line.sent) this.#ask(about(line.processor, "unsubscribe"));
    this.#forget(line);
  }

  /** No connection tells it anything now. */
  #rest(line) {
    line.live = line.sent = false;
    this.#clock.clearTimeout(line.retry);
  }

  #forget(line) {
    this.#rest(line);
    this.#subscribed.delete(line.processor ?? "");
  }

  #has(line) {
    return this.#subscribed.get(line.processor ?? "") === line;
  }

  // Callbacks

  /** Call what the user gave; whatever comes of it, the others go on. */
  #call(callback, value) {
    try {
      const given = callback?.(value);
      given?.then?.(undefined, (error) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error) {
    const event = new CustomEvent("error", { detail: error, cancelable: true });
    if (this.dispatchEvent(event)) console.error(error);
  }
}

/** How long to wait after so many attempts; half of it is chance, so that not all come at once. */
function pauseAfter(attempts, chance) {
  return Math.min(FIRST_PAUSE * 2 ** attempts, LONGEST_PAUSE) * (0.5 + chance / 2);
}

/**
 * Judge a request, before others wait behind it.
 *
 * @throws {KatoError} where it is too long, or one too many.
 */
function judge(text, waiting) {
  if (waiting >= MOST) throw new KatoError("TOO_MANY_REQUESTS", `${waiting} requests wait already`);
  const bytes = 3 * text.length <= LARGEST ? 0 : new TextEncoder().encode(text).length;
  if (bytes > LARGEST) throw new KatoError("PAYLOAD_TOO_LARGE", `${bytes} bytes are too many`);
}

/** Where the server's WebSocket is; `http` is as good as `ws`. */
function address(url) {
  const found = new URL(url ?? "/ws", globalThis.location?.href);
  found.protocol = found.protocol.replace(/^http/, "ws");
  return found.href;
}

/** What no other client's requests begin with. (`crypto.randomUUID` is on secure pages only.) */
function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function about(processor, method, params = {}) {
  return processor === null ? { method, params } : { method, processor, params };
}

/** The processor of whose subscription an event is; "": of the one to all of them. */
function whose({ event, processor }) {
  return event === "processors" ? "" : (processor ?? "");
}
