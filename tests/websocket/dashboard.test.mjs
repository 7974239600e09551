// What the modules of the dashboard promise that touch no page: layout, explanations, what is
// typed, order, rates, and what is known of a processor.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lines } from "../../kato/dashboard/static/accuracy.js";
import { align } from "../../kato/dashboard/static/alignment.js";
import { LIMITS, layOut } from "../../kato/dashboard/static/axis.js";
import { Directory } from "../../kato/dashboard/static/directory.js";
import * as emotives from "../../kato/dashboard/static/emotives.js";
import { GENES, geneText } from "../../kato/dashboard/static/genes.js";
import { State, matchingBlocks } from "../../kato/dashboard/static/matching.js";
import { METRICS, context, counts, explain } from "../../kato/dashboard/static/metrics.js";
import { Pace } from "../../kato/dashboard/static/pace.js";
import { Picture } from "../../kato/dashboard/static/picture.js";
import { ProcessorList, visible } from "../../kato/dashboard/static/processor_list.js";
import { Meter, Pulse, curve } from "../../kato/dashboard/static/rates.js";
import { AS_RANKED, direction, next, places } from "../../kato/dashboard/static/sorting.js";
import { spokenPrediction } from "../../kato/dashboard/static/spoken.js";
import * as symbols from "../../kato/dashboard/static/symbols.js";
import * as typed from "../../kato/dashboard/static/typed.js";

const words = (text) => text.split("|").map((event) => event.split(" ").filter(Boolean));
const events = (text) => words(text).filter((event) => event.length);

/** A prediction with these parts; its numbers do not matter. */
function prediction({
  past = "",
  present,
  future = "",
  matches,
  missing = "",
  extras = "",
  ...rest
}) {
  return {
    name: "MODEL|0123456789abcdef0123456789abcdef01234567",
    frequency: 1,
    fragmentation: 0,
    past: events(past),
    present: events(present),
    future: events(future),
    matches: words(matches)[0],
    missing: words(missing)[0],
    extras: words(extras)[0],
    emotives: {},
    ...rest,
  };
}

/** A lane, column by column, each symbol with the first letter of its mark. */
function lane(axis, number = 0) {
  const drawn = axis.columns.map(({ kind }) => (kind === "gap" ? "~" : "-"));
  for (const { column, tokens, more } of axis.lanes[number].cells) {
    drawn[column] = tokens.map(({ mark, symbol }) => `${mark[0]}:${symbol}`).join(" ");
    if (more) drawn[column] += ` +${more}`;
  }
  return drawn;
}

// Matching

test("blocks are the longest first, then those beside it", () => {
  const blocks = matchingBlocks(["a", "b", "c", "d"], new State([["b", "c"], ["x"], ["d"]]));
  assert.deepEqual(blocks, [
    { model: 1, state: 0, size: 2 },
    { model: 3, state: 3, size: 1 },
  ]);
});

test("what would take too long is given up", () => {
  const same = Array(200).fill("a");
  assert.equal(matchingBlocks(same, new State([same]), 1_000), null);
  assert.equal(matchingBlocks(same, new State([same])).length, 1);
});

// The time axis

test("past, present and future stand on the axis of what was observed", () => {
  const stm = events("z|a|b");
  const one = prediction({
    past: "p",
    present: "a|b",
    future: "c|d",
    matches: "a b",
    extras: "z",
  });
  const axis = layOut(stm, [one]);
  assert.deepEqual(lane(axis), ["p:p", "m:a", "m:b", "f:c", "f:d"]);
  assert.deepEqual(
    axis.columns.map(({ moment }) => moment),
    [-2, -1, 0, 1, 2],
  );
  assert.equal(axis.now, 2);
  assert.equal(axis.lanes[0].exact, true);
  assert.equal(axis.lanes[0].reachesNow, true);
  assert.equal(axis.lanes[0].earlier, 1);
  assert.deepEqual(axis.lanes[0].strip, [0, 0]);
});

test("a past that goes back farther than what was observed has columns of its own", () => {
  const one = prediction({ past: "p|q", present: "a", matches: "a", future: "" });
  const axis = layOut(events("a"), [one]);
  assert.deepEqual(lane(axis), ["p:p", "p:q", "m:a"]);
  assert.deepEqual(
    axis.columns.map(({ kind, moment }) => [kind, moment]),
    [
      ["before", -2],
      ["before", -1],
      ["event", 0],
    ],
  );
});

test("missing events take the place of others that were observed", () => {
  const one = prediction({
    present: "a|b|c",
    matches: "a c",
    missing: "b",
    extras: "x",
    fragmentation: 1,
  });
  assert.deepEqual(lane(layOut(events("a|x|c"), [one])), ["m:a", "m:b e:x", "m:c"]);
});

test("where there is no room for a missing event, the axis is widened for all lanes", () => {
  const gap = prediction({
    present: "a|b|c",
    matches: "a c",
    missing: "b",
    fragmentation: 1,
  });
  const whole = prediction({ present: "a|c", matches: "a c", future: "d" });
  const axis = layOut(events("a|c"), [gap, whole]);
  assert.deepEqual(lane(axis, 0), ["m:a", "m:b", "m:c", "-"]);
  assert.deepEqual(lane(axis, 1), ["m:a", "~", "m:c", "f:d"]);
});

test("symbols of one event are matched, missing and extra each by itself", () => {
  const one = prediction({
    present: "cold rain",
    matches: "cold",
    missing: "rain",
    extras: "sun",
    future: "warm",
  });
  const axis = layOut(events("cold sun"), [one]);
  assert.deepEqual(lane(axis), ["m:cold m:rain e:sun", "f:warm"]);
  assert.equal(axis.lanes[0].cells[0].tokens[1].mark, "missing");
  assert.equal(axis.lanes[0].depth, 3);
  assert.equal(axis.lanes[0].reachesNow, false);
});

test("a future begins after now, also where the match has ended before", () => {
  const one = prediction({ present: "a", matches: "a", extras: "x y", future: "b" });
  assert.deepEqual(lane(layOut(events("a|x|y"), [one])), ["m:a", "e:x", "e:y", "f:b"]);
});

test("one event may match several, and several one", () => {
  const spread = prediction({ present: "a b", matches: "a b" });
  assert.deepEqual(lane(layOut(events("a|b"), [spread])), ["m:a", "m:b"]);
  const together = prediction({ present: "a|b", matches: "a b" });
  assert.deepEqual(lane(layOut(events("a b"), [together])), ["m:a m:b"]);
});

test("only the newest events are on the axis, and only so much beside them", () => {
  const stm = Array.from({ length: 100_000 }, (_, i) => [`s${i}`]);
  const far = Array.from({ length: 30 }, (_, i) => `f${i}`).join("|");
  const one = prediction({
    past: far,
    present: "s99999",
    matches: "s99999",
    future: far,
    extras: stm.slice(0, -1).flat().join(" "),
  });
  const axis = layOut(stm, [one]);
  assert.equal(axis.columns.length, LIMITS.events + LIMITS.after);
  assert.equal(axis.hidden, 100_000 - LIMITS.events);
  assert.equal(axis.lanes[0].hiddenFuture, 30 - LIMITS.after);
  assert.equal(axis.lanes[0].exact, false, "such a state is not searched");
  assert.deepEqual(lane(axis)[axis.now], "m:s99999");
});

test("an event of many symbols is cut", () => {
  const axis = layOut(events("a b c d e f g"), []);
  assert.equal(axis.depth, LIMITS.tokens);
  const one = prediction({ present: "a b c d e f g", matches: "a b c d e f g" });
  assert.deepEqual(lane(layOut(events("a b c d e f g"), [one])), ["m:a m:b m:c m:d +3"]);
});

test("predictions of an earlier memory stay where they were while it grows", () => {
  const basis = events("a|b");
  const one = prediction({ present: "a|b", matches: "a b", future: "c" });
  const axis = layOut([...basis, ["x"]], [one], { basis });
  assert.deepEqual(lane(axis), ["m:a", "m:b", "-", "f:c"]);
});

test("of a memory that went on otherwise, they end at now", () => {
  const one = prediction({ present: "a|b", matches: "a b", future: "c" });
  const axis = layOut(events("b|x"), [one], { basis: events("a|b") });
  assert.deepEqual(lane(axis), ["m:a", "m:b", "f:c"]);
});

test("a prediction that is not about these events is shown up to now, as a guess", () => {
  const one = prediction({ present: "a|b", matches: "a b", future: "c" });
  const placed = align(one, events("x|y|z"));
  assert.equal(placed.exact, false);
  assert.deepEqual(lane(layOut(events("x|y|z"), [one])), ["-", "m:a", "m:b", "f:c"]);
  assert.deepEqual(lane(layOut([], [one])), ["m:a", "m:b", "f:c"]);
});

test("what is expected has its place right of now", () => {
  const axis = layOut(events("a"), [], { expected: ["long_symbol", "b"] });
  assert.deepEqual(
    axis.columns.map(({ kind, width }) => [kind, width]),
    [
      ["event", 2],
      ["after", 11],
    ],
  );
  assert.equal(axis.depth, 2);
});

test("without anything observed or expected there is no axis", () => {
  assert.deepEqual(layOut([], []), { columns: [], now: -1, hidden: 0, depth: 1, lanes: [] });
});

// Metrics

const EXPLAINED = prediction({
  past: "p",
  present: "a b|c",
  future: "d",
  matches: "a c",
  missing: "b",
  extras: "x",
  frequency: 3,
  fragmentation: 1,
  similarity: 0.5,
  evidence: 0.4,
  confidence: 0.666666666667,
  snr: 0.6,
  entropy: 1.2,
  hamiltonian: 0.564575034055,
  grand_hamiltonian: 0.4,
  confluence: 0.3,
  itfdf_similarity: 0.7,
  potential: 1.84,
});

/** The explanation's sum, with these symbols known and all kept models shown. */
function sum(name, beside = { symbols: 7, kept: 10 }) {
  const metric = METRICS.find((each) => each.name === name);
  return explain(metric, EXPLAINED, beside).sum;
}

test("the counts of a prediction are taken from its fields", () => {
  assert.deepEqual(counts(EXPLAINED), {
    matched: 2,
    extras: 1,
    model: 5,
    present: 3,
    state: 3,
    blocks: 2,
  });
});

test("each number is explained with the prediction's own numbers", () => {
  assert.equal(sum("similarity"), "2 × 2 / (5 + 3) = 0.5");
  assert.equal(sum("evidence"), "2 / 5 = 0.4");
  assert.equal(sum("confidence"), "2 / 3 ≈ 0.6667");
  assert.equal(sum("snr"), "(2 × 2 − 1) / (2 × 2 + 1) = 0.6");
  assert.equal(sum("fragmentation"), "2 − 1 = 1");
  assert.equal(sum("potential"), "(0.4 + 0.6667) × 0.6 + 0.7 + 1 / (1 + 1) = 1.84");
  assert.equal(sum("frequency"), "learned 3 times");
});

test("what needs all models is said in words, and its part that does not in numbers", () => {
  assert.equal(sum("confluence"), "3 / Σ frequencies × (1 − p₁ × … × p₃) = 0.3");
  assert.equal(sum("entropy"), "3 terms, one for each symbol of present, = 1.2");
  assert.equal(sum("itfdf_similarity"), "1 − 1 × 3 / 10 = 0.7");
  assert.equal(
    sum("itfdf_similarity", { symbols: null, kept: null }),
    "1 − D × 3 / Σ frequencies = 0.7",
  );
});

test("the hamiltonian is written out where the number of symbols is known, and is the same", () => {
  assert.equal(sum("hamiltonian"), "3 × −1/3 log_7 1/3 ≈ 0.5646");
  assert.match(sum("hamiltonian", { symbols: 8, kept: null }), /^3 terms/);
  assert.match(sum("hamiltonian", { symbols: null, kept: null }), /^3 terms/);
});

test("every explanation has a formula and words", () => {
  for (const metric of METRICS) {
    const { title, formula, words: said } = explain(metric, EXPLAINED, { symbols: 7, kept: 10 });
    assert.equal(title, metric.name);
    assert.ok(formula && said);
  }
});

test("all kept models are known only where there are fewer than at most", () => {
  const genes = { max_predictions: 2 };
  assert.deepEqual(context([EXPLAINED], { symbols: 7, genes }), { symbols: 7, kept: 3 });
  assert.equal(context([EXPLAINED, EXPLAINED], { symbols: 7, genes }).kept, null);
  assert.equal(context([EXPLAINED], { symbols: 7, genes: null }).kept, null);
});

// Order

test("predictions are sorted by a number, equal ones as ranked", () => {
  const all = [{ snr: 0.5 }, { snr: 0.9 }, { snr: 0.5 }];
  assert.deepEqual(places(all, AS_RANKED), [0, 1, 2]);
  assert.deepEqual(places(all, { by: "snr", descending: true }), [1, 0, 2]);
  assert.deepEqual(places(all, { by: "snr", descending: false }), [0, 2, 1]);
});

test("a heading sorts best first, then the other way round, then no more", () => {
  const first = next(AS_RANKED, "snr", true);
  const second = next(first, "snr", true);
  assert.deepEqual([first.descending, second.descending], [true, false]);
  assert.deepEqual(next(second, "snr", true), AS_RANKED);
  assert.equal(next(AS_RANKED, "fragmentation", false).descending, false);
  assert.deepEqual(
    ["snr", "evidence"].map((name) => direction(first, name)),
    ["descending", "none"],
  );
});

// What is typed

test("strings are words between spaces, or between commas, or JSON", () => {
  for (const [text, read] of [
    ["", []],
    ["  a  b ", ["a", "b"]],
    ["a, b c,d", ["a", "b c", "d"]],
    [',a,,"b, c" ,', ["a", "b, c"]],
    ['"two words" one', ["two words", "one"]],
    ['"" a', ["", "a"]],
    ['["a", ""]', ["a", ""]],
    ['["a", 3]', ["a", 3]],
    ['"open a', ['"open', "a"]],
    ["日本 ü", ["日本", "ü"]],
  ]) {
    assert.deepEqual(typed.readStrings(text), read, text);
  }
});

test("emotives are pairs, or JSON", () => {
  assert.deepEqual(typed.readEmotives("joy=0.5, fear : -1;calm=1e-2"), {
    joy: 0.5,
    fear: -1,
    calm: 0.01,
  });
  assert.deepEqual(typed.readEmotives('{"joy": 1}'), { joy: 1 });
  assert.deepEqual(typed.readEmotives(" "), {});
});

test("vectors are numbers, or JSON", () => {
  assert.deepEqual(typed.readVectors("1 0.5; 0,2"), [
    [1, 0.5],
    [0, 2],
  ]);
  assert.deepEqual(typed.readVectors("[1, 2]"), [[1, 2]]);
  assert.deepEqual(typed.readVectors("[[1], [2]]"), [[1], [2]]);
  assert.deepEqual(typed.readVectors(""), []);
});

test("what cannot be read names its field", () => {
  for (const [read, text, field] of [
    [typed.readStrings, '["a', "strings"],
    [typed.readEmotives, "joy", "emotives"],
    [typed.readEmotives, "joy=much", "emotives"],
    [typed.readVectors, "1 two", "vectors"],
    [typed.readVectors, "[1", "vectors"],
  ]) {
    assert.throws(
      () => read(text),
      (error) => error instanceof typed.TypedError && error.field === field,
    );
  }
});

test("three fields make an observation, without what is empty", () => {
  const fields = { strings: "a b", emotives: "", vectors: "1 2" };
  assert.deepEqual(typed.readObservation(fields), { strings: ["a", "b"], vectors: [[1, 2]] });
  const whole = { strings: '{"strings": ["a"], "unique_id": "7"}', emotives: "joy=1", vectors: "" };
  assert.deepEqual(typed.readObservation(whole), {
    strings: ["a"],
    unique_id: "7",
    emotives: { joy: 1 },
  });
  assert.deepEqual(typed.readObservation({ strings: "", emotives: "joy=1", vectors: "" }), {
    emotives: { joy: 1 },
  });
});

test("a gene's value is a number where it is one, and else what stands there", () => {
  for (const [text, value] of [
    [" 0.5 ", 0.5],
    ["7", 7],
    ["", null],
    ["null", null],
    ["true", true],
    ["lots", "lots"],
    ["1,000", "1,000"],
  ]) {
    assert.equal(typed.readGene(text), value, text);
  }
  for (const value of [0.5, 7, "TAIL", null]) {
    assert.equal(typed.readGene(geneText(value)), value);
  }
});

test("no gene is told twice", () => {
  assert.equal(new Set(GENES.map(({ name }) => name)).size, GENES.length);
});

// How often forecasts came true

test("accuracy is told as shares of the latest events and of all", () => {
  const recent = { events: 1000, forecast: 900, top_1: 500, top_5: 750 };
  const told = lines({ events: 4000, forecast: 2000, top_1: 1000, top_5: 1500, recent });
  assert.deepEqual(
    told.map(({ name, recent, all }) => [name, recent, all]),
    [
      ["top_1", "50.0 %", "25.0 %"],
      ["top_5", "75.0 %", "37.5 %"],
      ["forecast", "90.0 %", "50.0 %"],
    ],
  );
  assert.equal(told[0].sum, "500 of the latest 1,000, 1,000 of all 4,000");
});

test("before there is an event to count, nothing is divided by", () => {
  const none = { events: 0, forecast: 0, top_1: 0, top_5: 0 };
  for (const { recent, all } of lines({ ...none, recent: none })) {
    assert.deepEqual([recent, all], ["–", "–"]);
  }
});

// How things are written

test("a symbol is written so that it can be read", () => {
  const hash = "24e0f524f26eecfb14849cf3b3b57c44f3e705c2";
  for (const [symbol, written] of [
    ["sun", "sun"],
    ["", '""'],
    [" a", '" a"'],
    ["a\nb", "a\\nb"],
    ["a\u202eb", "a\\u202eb"],
    [`VECTOR|${hash}`, "vector 24e0f5"],
    ["VECTOR|x", "VECTOR|x"],
  ]) {
    assert.equal(symbols.written(symbol), written);
  }
  assert.equal(symbols.shortName(`MODEL|${hash}`), "24e0f524");
  assert.equal(symbols.width("日a"), 3);
});

test("numbers are written with what matters of them", () => {
  assert.equal(symbols.compact(9_999), "9,999");
  assert.equal(symbols.compact(12_345), "12.3k");
  assert.equal(symbols.compact(4_100_000), "4.1M");
  assert.equal(symbols.decimal(-0.25), "−0.25");
  assert.equal(symbols.decimal(0.00001), "1.00e-5");
  assert.equal(symbols.equals(0.6), "= 0.6");
  assert.equal(symbols.equals(2 / 3), "≈ 0.6667");
  assert.equal(symbols.equals(-0.25), "= −0.25");
  assert.deepEqual([null, 0, 0.01, 2.5, 1234].map(symbols.perSecond), [
    "–",
    "0",
    "<0.1",
    "2.5",
    "1,234",
  ]);
  assert.equal(symbols.percent(0.00001), "<0.1 %");
  assert.equal(symbols.percent(0.5), "50.0 %");
  assert.equal(symbols.some(1, "model"), "1 model");
  assert.equal(symbols.some(2, "model"), "2 models");
});

test("a prediction is told in a sentence", () => {
  assert.equal(
    spokenPrediction(EXPLAINED),
    "learned 3 times; past: p; present: a b, then c; matched: a, c; missing: b; extra: x; " +
      "future: d",
  );
  const many = Array.from({ length: 20 }, (_, i) => `x${i}`);
  assert.match(
    spokenPrediction({ ...EXPLAINED, extras: many }),
    /extra: 20 symbols, the last ones x8/,
  );
});

// Rates and drawing

test("a meter counts by whole seconds, and forgets", () => {
  const meter = new Meter(4);
  meter.count(100.2);
  meter.count(100.9, 2);
  assert.equal(meter.rate(100.9), 0, "the second is not over");
  assert.equal(meter.rate(101.1), 3);
  assert.deepEqual(meter.history(102), [0, 3, 0]);
  assert.equal(meter.rate(9_999), 0);
});

test("a pulse is how fast the counters of a processor rise, and begins anew with them", () => {
  const pulse = new Pulse();
  pulse.sample({ interval: 10, models: 1, at: 100 });
  assert.equal(pulse.observations, null);
  pulse.sample({ interval: 30, models: 2, at: 102 });
  assert.deepEqual([pulse.observations, pulse.learning], [10, 0.5]);
  pulse.sample({ interval: 4, models: 0, at: 104 });
  assert.deepEqual([pulse.observations, pulse.learning], [2, 0]);
  assert.deepEqual(pulse.history, [10, 2]);
});

test("a curve fills its room from the right", () => {
  const room = { width: 10, height: 4, most: 3 };
  assert.deepEqual(curve([1, 2], room), ["5.0,2.0", "10.0,0.0"]);
});

test("what is asked for is drawn once a frame, and never for more than half of the time", () => {
  const frames = [];
  let now = 0;
  let drawn = 0;
  const draw = () => {
    drawn++;
    now += 30;
  };
  const pace = new Pace(draw, { frame: (call) => frames.push(call), now: () => now });
  const frame = (length = 16) => {
    now += length;
    for (const call of frames.splice(0)) call();
  };
  for (let i = 0; i < 1_000; i++) pace.ask();
  frame();
  assert.equal(drawn, 1);
  pace.ask();
  frame();
  assert.equal(drawn, 1, "it rests as long as it has drawn");
  frame();
  assert.equal(drawn, 2);
  frame();
  assert.equal(drawn, 2, "nobody has asked");
});

// The list of processors

test("who comes and goes is listed in order, and found by a part of the id", () => {
  const list = new ProcessorList();
  list.replace([
    { id: "b2", models: 1, events: 0 },
    { id: "B1", models: 2, events: 3 },
  ]);
  const pulse = list.get("b2").pulse;
  list.came("a1");
  list.came("a1");
  list.told({ processor: "b2", models: 5, events: 1, interval: 9, time_stamp: 1 });
  const ids = (text) => list.filtered(text).map(({ id }) => id);
  assert.deepEqual(ids(""), ["B1", "a1", "b2"]);
  assert.deepEqual(ids(" B"), ["B1", "b2"]);
  assert.equal(list.get("b2").models, 5);
  list.went("a1");
  assert.equal(list.size, 2);
  list.replace([{ id: "b2", models: 6, events: 0 }]);
  assert.equal(list.get("b2").pulse, pulse, "what is measured goes on");
});

/** A directory, and the server that it asks: pages of its list are given when the test says so. */
function directory(t) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  globalThis.document = { hidden: true };
  const waiting = [];
  let ears;
  const kato = {
    state: "open",
    subscribe: (_, callbacks) => (ears = callbacks),
    request: (_, params) => new Promise((give, fail) => waiting.push({ params, give, fail })),
  };
  const made = new Directory(kato, {
    changed: () => {},
    came: () => {},
    told: () => {},
    untold: () => {},
    watched: () => [],
  });
  const happens = (change, processor) =>
    ears.onEvent({ event: "processors", processor, data: { change } });
  const ids = () => made.list.filtered("").map(({ id }) => id);
  return { made, ids, waiting, happens, read: () => ears.onFresh() };
}

const page = (total, next, ...ids) => ({
  processors: ids.map((id) => ({ id, models: 0, events: 0 })),
  total,
  next,
});

test("who comes and goes while the list is read is not lost", async (t) => {
  const { made, ids, waiting, happens, read } = directory(t);
  const done = read();
  happens("came", "b");
  waiting.shift().give(page(4, "c", "b", "c"));
  await null;
  happens("came", "a");
  happens("went", "c");
  await null;
  waiting.shift().give(page(4, null, "d", "e"));
  await done;
  assert.deepEqual(ids(), ["a", "b", "d", "e"]);
  assert.equal(made.total, 4);
  happens("came", "f");
  assert.deepEqual([ids().at(-1), made.total], ["f", 5]);
});

test("a list that is read anew meanwhile, or cannot be read, holds up nobody", async (t) => {
  const { made, ids, waiting, happens, read } = directory(t);
  const first = read();
  happens("came", "gone");
  const second = read();
  happens("came", "a");
  const [late, anew] = waiting.splice(0);
  anew.give(page(1, null, "b"));
  await second;
  late.give(page(1, null, "gone"));
  await first;
  assert.deepEqual(ids(), ["a", "b"]);
  const third = read();
  happens("came", "c");
  waiting.shift().fail(new Error("too late"));
  await assert.rejects(third, /too late/);
  assert.deepEqual(ids(), ["a", "b", "c"]);
  assert.equal(made.total, 3);
});

test("of a long list only the rows that can be seen are drawn", () => {
  assert.deepEqual(visible({ top: 0, height: 500, row: 50, rows: 1_000 }), [0, 14]);
  assert.deepEqual(visible({ top: 25_000, height: 500, row: 50, rows: 1_000 }), [496, 514]);
  assert.deepEqual(visible({ top: 0, height: 500, row: 50, rows: 3 }), [0, 3]);
  assert.deepEqual(visible({ top: 900, height: 500, row: 50, rows: 3 }), [3, 3]);
});

// The picture of a processor

const GENES_NOW = { max_predictions: 100, recall_threshold: 0.1 };

/** A picture that has been read, with this short-term memory. */
function picture(stm = [], offset = 5) {
  const known = new Picture("p1");
  known.begin(offset);
  known.read(answers(stm));
  return known;
}

function answers(stm) {
  return {
    status: { models: 2, symbols: 3, vectors: 0, interval: 7, genes: GENES_NOW },
    memory: { short_term_memory: stm },
    predictions: { predictions: [EXPLAINED] },
    forecast: { forecast: [] },
    percept: { emotives: {} },
  };
}

function observed(offset, stm, felt = {}) {
  const observation = { strings: stm.at(-1) ?? [], emotives: felt };
  return {
    event: "observations",
    offset,
    time_stamp: offset,
    data: { observation, short_term_memory: stm },
  };
}

function learned(offset, left, more = {}) {
  const data = {
    change: "learned",
    model_name: `MODEL|${offset}`,
    frequency: 1,
    length: 2,
    automatic: false,
    events: left,
    ...more,
  };
  return { event: "learning", offset, time_stamp: offset, data };
}

function memory(offset, data) {
  return { event: "memory", offset, time_stamp: offset, data };
}

test("the counters follow what is learned and forgotten, and are corrected by the status", () => {
  const known = picture([["a"]]);
  known.happened(observed(6, [["a"], ["b"]]), 1);
  known.happened(learned(10, 0), 1);
  known.happened(learned(11, 0, { frequency: 2 }), 1);
  assert.deepEqual(known.counters, { models: 3, symbols: 3, vectors: 0, interval: 7 });
  known.happened(learned(12, 0, { change: "deleted" }), 1);
  assert.equal(known.counters.models, 2);
  known.take({ models: 9, symbols: 4, vectors: 1, interval: 12 });
  known.happened(memory(13, { change: "cleared", memory: "short_term" }), 1);
  assert.deepEqual(known.counters, { models: 9, symbols: 4, vectors: 1, interval: 12 });
  known.happened(memory(14, { change: "cleared", memory: "all" }), 1);
  assert.deepEqual(known.counters, { models: 0, symbols: 0, vectors: 0, interval: 0 });
  known.begin(14);
  known.happened(learned(15, 0), 1);
  known.read(answers([]));
  assert.equal(known.counters.models, 2, "what was read shows what happened meanwhile");
});

test("accuracy is what the status says, and is gone with all memory", () => {
  const known = picture([["a"]]);
  assert.equal(known.accuracy, null, "it is not counted");
  const accuracy = { events: 1, forecast: 1, top_1: 1, top_5: 1, recent: {} };
  known.take({ models: 9, symbols: 4, vectors: 1, interval: 12, accuracy });
  assert.deepEqual(known.accuracy, accuracy);
  known.happened(memory(14, { change: "cleared", memory: "all" }), 1);
  assert.equal(known.accuracy, null);
});

test("a picture is read, and goes on with what happens", () => {
  const known = picture(events("a"));
  assert.equal(known.known, true);
  known.happened(observed(6, events("a|b"), { joy: 1 }), 100);
  assert.deepEqual(known.stm, events("a|b"));
  assert.deepEqual(known.felt, [{ offset: 6, emotives: { joy: 1 } }]);
  assert.equal(known.offset, 6);
  const data = { predictions: [], forecast: [{ event: ["c"] }] };
  known.happened({ event: "predictions", offset: 6, data }, 100);
  assert.deepEqual(known.forecast, [{ event: ["c"] }]);
  assert.equal(known.basis, known.stm);
  assert.equal(known.foreseen, 6);
});

test("learning leaves the last events; without any there are no predictions", () => {
  const known = picture(events("a|b|c"));
  known.happened(learned(6, 1), 100);
  assert.deepEqual(known.stm, events("c"));
  assert.deepEqual(known.predictions, [EXPLAINED]);
  known.happened(learned(7, 0), 100);
  assert.deepEqual([known.stm, known.predictions], [[], []]);
  assert.deepEqual(
    known.learned.map(({ name }) => name),
    ["MODEL|7", "MODEL|6"],
  );
});

test("what memory and genes become is shown", () => {
  const known = picture(events("a|b"));
  known.happened(memory(6, { change: "genes", genes: { recall_threshold: 0.5 } }), 100);
  assert.deepEqual(known.genes, { max_predictions: 100, recall_threshold: 0.5 });
  known.happened(memory(7, { change: "cleared", memory: "short_term" }), 100);
  assert.deepEqual([known.stm, known.learned.length], [[], 0]);
  known.happened(memory(8, { change: "cleared", memory: "all" }), 100);
  assert.equal(known.learned[0].change, "cleared");
  known.happened(memory(9, { change: "deleted" }), 100);
  assert.equal(known.gone, true);
});

test("what happens while the state is read is held back, of observations the newest", () => {
  const known = picture(events("a"));
  known.begin(10);
  assert.equal(known.known, false);
  for (let i = 11; i <= 5_000; i++) known.happened(observed(i, [["x"], [`s${i}`]]), 100);
  known.happened(learned(5_001, 1), 100);
  assert.deepEqual(known.stm, events("a"));
  known.read(answers(events("r")));
  assert.deepEqual(known.stm, events("s5000"));
  assert.equal(known.learned.length, 1);
  assert.equal(known.offset, 5_001);
});

test("what was passed over is counted, and a service that is away is told", () => {
  const known = picture();
  known.happened({ ...observed(6, events("a")), skipped: 41 }, 100);
  known.happened({ ...observed(9, events("a")), skipped: 1 }, 100);
  assert.equal(known.skipped, 42);
  known.happened({ event: "status", offset: 9, data: { state: "away" } }, 100);
  assert.equal(known.away, true);
  known.happened({ event: "status", offset: 9, data: { state: "back" } }, 100);
  assert.equal(known.away, false);
});

test("a picture never grows without an end", () => {
  const known = picture();
  for (let i = 6; i < 3_000; i++) {
    known.happened(observed(i, [["a"]], { joy: i }), 100);
    known.happened(learned(i, 0), 100);
  }
  assert.ok(known.felt.length <= 400 && known.learned.length <= 100);
  assert.equal(known.felt.at(-1).emotives.joy, 2_999);
});

// Emotives

test("emotives are columns over time, with what is predicted after now", () => {
  const felt = [
    { offset: 1, emotives: { joy: 1 } },
    { offset: 2, emotives: { joy: 2, fear: 3 } },
  ];
  const expected = emotives.predicted([
    { emotives: {} },
    { emotives: { joy: 5 } },
    { emotives: { joy: 9 } },
  ]);
  const names = emotives.names(felt, expected);
  assert.deepEqual(names, ["fear", "joy"]);
  assert.deepEqual(emotives.columns(felt, expected, names), [
    [-1, 0, 1],
    [null, 3, null],
    [1, 2, null],
    [null, null, null],
    [null, null, 5],
  ]);
  assert.equal(emotives.last(felt, "fear"), 3);
  assert.equal(emotives.last(felt, "awe"), null);
});
