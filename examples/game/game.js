/** Rock, paper, scissors against KATO: it observes what you show, and beats what it forecasts. */

import { Counting, MOVES, Score, beats, expectation, likeliest, round, winner } from "./rules.js";

const GENES = { max_sequence_length: 3, stm_mode: "ROLLING" };

const asked = new URLSearchParams(location.search);
const server = asked.get("server") ?? "http://127.0.0.1:8000";
const processor = asked.get("processor") ?? remembered();

const $ = (id) => document.getElementById(id);

let kato;
let game;
let busy = true;

/** This browser's own processor, so that KATO knows you again. */
function remembered() {
  localStorage.player ??= `game-${Math.random().toString(36).slice(2, 10)}`;
  return localStorage.player;
}

const ask = (method, params = {}) => kato.request(method, params, { processor });

/** Begin a game; what KATO knows of you it keeps. */
async function begin() {
  await ask("create_processor", { genes: GENES });
  await ask("clear_short_term_memory");
  const { interval } = await ask("get_status");
  game = { known: interval, score: new Score(), counting: new Counting(), simple: new Score() };
  await think();
}

/** Decide, before you do: beat what is expected of you, or show anything. */
async function think() {
  const { forecast } = await ask("get_forecast", { limit: 100 });
  game.expected = expectation(forecast);
  const move = likeliest(game.expected);
  game.answer = move ? beats(move) : MOVES[Math.floor(Math.random() * MOVES.length)];
}

/** Play a round: both show, KATO observes it, and decides anew. */
async function play(you) {
  const { answer, expected } = game;
  game.last = { you, answer, expected, who: winner(answer, you) };
  game.score.add(game.last.who);
  game.simple.add(game.counting.move ? winner(game.counting.move, you) : "nobody");
  game.counting.see(you);
  await ask("observe", { strings: round(answer, you), brief: true });
  game.known += 1;
  await think();
}

/** Forget all of you, and begin anew. */
async function forget() {
  await ask("delete_processor");
  await begin();
}

/** Do one thing at a time, and show what came of it. */
async function one(thing) {
  if (busy) return;
  busy = true;
  try {
    await thing();
    tell("");
  } catch (error) {
    tell(error.message);
  }
  busy = false;
  draw();
}

// What is shown

const RESULT = { kato: "KATO wins", you: "You win", nobody: "A tie" };

function tell(problem) {
  $("problem").textContent = problem;
}

function draw() {
  if (!game) return;
  const { score, simple, last } = game;
  for (const who of ["kato", "you", "nobody"]) $(`score-${who}`).textContent = score[who];
  $("known").textContent = `KATO knows ${game.known} rounds of yours.`;
  $("result").textContent = last ? RESULT[last.who] : "Show something.";
  $("result").dataset.who = last?.who ?? "";
  hand("your-hand", last?.you);
  hand("kato-hand", last?.answer);
  const peeking = $("peek").checked;
  bars(peeking ? game.expected : last?.expected);
  $("expected-of").textContent = peeking ? "your next move" : "your last move, before you made it";
  lines(score.leads, simple.leads);
  const rounds = score.leads.length - 1;
  $("lead").textContent = rounds
    ? `After ${rounds} rounds: KATO ${ahead(score)}, most frequent ${ahead(simple)}.`
    : "";
}

function ahead({ leads }) {
  const lead = leads.at(-1);
  return lead < 0 ? `${-lead} behind` : `${lead} ahead`;
}

function hand(id, move) {
  $(id).querySelector("use").setAttribute("href", `#shape-${move ?? "nothing"}`);
  $(id).querySelector("figcaption span").textContent = move ?? "";
}

function bars(shares) {
  for (const move of MOVES) {
    const share = shares?.[move] ?? 0;
    $(`bar-${move}`).style.inlineSize = `${100 * share}%`;
    $(`share-${move}`).textContent = `${Math.round(100 * share)} %`;
  }
}

function lines(...all) {
  const most = Math.max(3, ...all.flat().map(Math.abs));
  const width = Math.max(10, all[0].length - 1);
  const at = (lead, n) => `${(400 * n) / width},${60 - (54 * lead) / most}`;
  for (const [n, id] of ["line-kato", "line-simple"].entries()) {
    $(id).setAttribute("points", all[n].map(at).join(" "));
  }
}

// What can be done

for (const move of MOVES) $(move).addEventListener("click", () => one(() => play(move)));
$("forget").addEventListener("click", () => one(forget));
$("peek").addEventListener("change", draw);
addEventListener("keydown", ({ key, repeat, ctrlKey, metaKey, altKey }) => {
  const move = MOVES.find((each) => each[0] === key);
  if (move && !repeat && !ctrlKey && !metaKey && !altKey) one(() => play(move));
});

try {
  const { Kato } = await import(`${server}/static/kato.js`);
  kato = new Kato(`${server.replace(/^http/, "ws")}/ws`);
  kato.addEventListener("state", ({ detail }) => {
    $("state").textContent = detail.state === "open" ? "" : `${detail.state} ${detail.reason}`;
  });
  busy = false;
  await one(begin);
} catch {
  tell(`No KATO at ${server} that knows this page: start one with --origin ${location.origin}`);
}
