/**
 * Documents asked: over HTTP, and where they subscribe over WebSocket by graphql-transport-ws.
 *
 * @module asking
 */

const PROTOCOL = "graphql-transport-ws";

/** What was typed is no JSON. */
export class TypedWrong extends Error {}

/**
 * The variables that were typed; nothing is none.
 *
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
export function readVariables(text) {
  if (text.trim() === "") return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypedWrong(`variables: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new TypedWrong("variables: expected an object");
  return value;
}

/** Whether a document subscribes: it has an operation of that kind. */
export function subscribes(query) {
  const bare = query.replace(/#[^\n]*|"(?:[^"\\\n]|\\.)*"/g, "");
  return /(^|\})\s*subscription\b/.test(bare);
}

/**
 * Ask over HTTP.
 *
 * @param {{ query: string, variables: object }} request
 * @param {string | null} key
 */
export async function ask(request, key) {
  const began = performance.now();
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json",
      "Content-Type": "application/json",
      ...(key === null ? {} : { "X-API-Key": key }),
    },
    body: JSON.stringify(request),
    cache: "no-store",
  });
  const told = await answer.json();
  return { status: answer.status, milliseconds: performance.now() - began, told };
}

/**
 * Listen over WebSocket until it is stopped, or over.
 *
 * @param {{ query: string, variables: object }} request
 * @param {string | null} key
 * @param {{ next: (told: object) => void, ended: (why: string, errors?: object[]) => void }} tell
 * @returns {() => void} Stops it.
 */
export function listen(request, key, { next, ended }) {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, PROTOCOL);
  const send = (message) => socket.send(JSON.stringify(message));
  let over = false;
  const end = (why, errors) => {
    if (over) return;
    over = true;
    socket.close();
    ended(why, errors);
  };
  const does = {
    connection_ack: () => send({ id: "1", type: "subscribe", payload: request }),
    ping: () => send({ type: "pong" }),
    next: ({ payload }) => next(payload),
    error: ({ payload }) => end("It cannot be carried out", payload),
    complete: () => end("It has ended"),
  };
  socket.onopen = () =>
    send({ type: "connection_init", payload: key === null ? {} : { apiKey: key } });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (!over) does[message.type]?.(message);
  };
  socket.onclose = ({ code, reason }) => end(`Closed with ${code}${reason && `: ${reason}`}`);
  return () => end("Stopped");
}
