// What the modules of the page that shows the API promise that touch no page: the description read,
// requests made of what was typed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TypedWrong, asked, curl } from "../../kato/dashboard/static/docs/asking.js";
import { Description, kindOf } from "../../kato/dashboard/static/docs/description.js";

const PARAMETERS = [
  { name: "processor", in: "path", required: true },
  { name: "limit", in: "query" },
  { name: "Idempotency-Key", in: "header" },
];
const POST = { method: "POST", path: "/{processor}/observe", parameters: PARAMETERS, body: {} };
const GET = { ...POST, method: "GET", body: null };
const SERVER = { origin: "http://here:8000", keyed: false };

test("a request is made of the fields that are not empty, each in its place", () => {
  const typed = { processor: "a b/c", limit: "5", "Idempotency-Key": "k", body: '{"a": 1}' };
  assert.deepEqual(asked(POST, typed), {
    method: "POST",
    path: "/a%20b%2Fc/observe?limit=5",
    headers: { "Idempotency-Key": "k", "Content-Type": "application/json" },
    body: '{"a": 1}',
  });
  assert.deepEqual(asked(GET, { processor: "p1", limit: "" }), {
    method: "GET",
    path: "/p1/observe",
    headers: {},
    body: null,
  });
});

test("what is missing, a part of the way, or no JSON, is told by its field", () => {
  for (const [field, typed] of [
    ["processor", {}],
    ["processor", { processor: "." }],
    ["processor", { processor: ".." }],
    ["body", { processor: "p1", body: "{" }],
  ])
    assert.throws(
      () => asked(POST, typed),
      (error) => error instanceof TypedWrong && error.field === field,
    );
});

test("a command line asks for the same, whatever stands in it, and does not show the key", () => {
  const post = asked(POST, { processor: "p1", body: `{"a": "it's"}` });
  assert.equal(
    curl(post, SERVER),
    `curl http://here:8000/p1/observe -H 'Content-Type: application/json' ` +
      `-d '{"a": "it'\\''s"}'`,
  );
  const get = asked(GET, { processor: "p1", limit: "5" });
  assert.equal(
    curl(get, { ...SERVER, keyed: true }),
    `curl 'http://here:8000/p1/observe?limit=5' -H "X-API-Key: $KATO_API_KEY"`,
  );
  assert.equal(curl({ ...get, method: "DELETE" }, SERVER).split(" ")[1], "-X");
});

const DOCUMENT = {
  tags: [
    { name: "one", description: "One." },
    { name: "none", description: "None." },
  ],
  paths: {
    "/{id}": {
      put: {
        operationId: "make",
        tags: ["one"],
        summary: "Makes it",
        parameters: [{ $ref: "#/components/parameters/Id" }],
        requestBody: { required: true, content: { "application/json": { schema: {} } } },
        responses: { 404: { $ref: "#/components/responses/GONE" } },
        security: [{ Key: ["write"] }],
      },
    },
  },
  components: {
    parameters: { Id: { name: "id", in: "path" } },
    responses: { GONE: { description: "It is gone." } },
    schemas: { Inner: { type: "object" }, Outer: { $ref: "#/components/schemas/Inner" } },
  },
};

test("a description tells its operations by topic, with all that they refer to", () => {
  const description = new Description(DOCUMENT);
  const [topic, ...others] = description.topics;
  assert.deepEqual(others, []);
  const [operation] = topic.operations;
  assert.equal(operation.method, "PUT");
  assert.deepEqual(operation.parameters, [{ name: "id", in: "path" }]);
  assert.equal(operation.responses[0].says, "It is gone.");
  assert.equal(operation.scope, "write");
});

test("references are followed as far as they go, and one that leads nowhere is an error", () => {
  const description = new Description(DOCUMENT);
  const outer = { $ref: "#/components/schemas/Outer", description: "Both." };
  assert.deepEqual(description.resolved(outer), { type: "object", description: "Both." });
  assert.throws(() => description.resolved({ $ref: "#/components/schemas/None" }), /None/);
});

test("a schema is a word or two", () => {
  for (const [schema, words] of [
    [{}, "any value"],
    [{ type: "string" }, "string"],
    [{ type: "string", minLength: 1, maxLength: 9 }, "string, 1 to 9 characters"],
    [{ type: "string", maxLength: 9 }, "string, at most 9 characters"],
    [{ type: "integer", minimum: 1, maximum: 9 }, "integer from 1 to 9"],
    [{ type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, "integer from 1"],
    [{ type: ["number", "null"], minimum: 0 }, "number from 0 or null"],
    [{ enum: ["a", "b"] }, '"a", "b"'],
    [{ const: true }, "true"],
    [{ type: "array", items: { $ref: "#/components/schemas/Event" } }, "list of Event"],
    [{ type: "object", additionalProperties: { type: "number" } }, "object of number"],
    [{ anyOf: [{ $ref: "#/x/Model" }, { type: "null" }] }, "Model or null"],
  ])
    assert.equal(kindOf(schema), words);
});
