"""Documents over HTTP, by the specification GraphQL over HTTP."""

from typing import Any

from twisted.internet.defer import Deferred

from kato.commands import Scope
from kato.intake import Intake
from kato.key_file import StoredKey
from kato.keys import digest
from kato.limits import Limits
from kato.origin import Origin
from kato.policy import Key
from kato.protocols.graphql import Graphql, Weight
from kato.settings import Settings
from tests.doubles import Threads
from tests.gates import make_gate
from tests.graphql.asking import JSON, Asking
from tests.rest.talking import request

GRAPHQL = "application/graphql-response+json; charset=utf-8"
OLD = "application/json; charset=utf-8"

OBSERVE = """
mutation Observe($strings: [String!]) {
  observe(processor: "p1", observation: {strings: $strings}) { events shortTermMemory interval }
}
query Ping { ping { timeStamp } }
"""


class HttpTests(Asking):
    """Requests, statuses and media types."""

    def test_post(self) -> None:
        """A document is answered, with the operation that is named."""
        body = {
            "query": OBSERVE,
            "operationName": "Observe",
            "variables": {"strings": ["b", "a"]},
            "extensions": {},
        }
        answer = self.post(body)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, GRAPHQL))
        self.assertEqual(answer.headers["cache-control"], "no-store")
        told = {"events": 1, "shortTermMemory": [["a", "b"]], "interval": 1}
        self.assertEqual(answer.json, {"data": {"observe": told}})

    def test_get(self) -> None:
        """A query can be asked by an address, its variables as JSON."""
        query = "query Q($id: ID!) { processor(id: $id) { id } }"
        answer = self.get(query=query, variables='{"id": "p1"}', operationName="Q")
        self.assertEqual(answer.json, {"data": {"processor": {"id": "p1"}}})

    def test_get_changes_nothing(self) -> None:
        """A mutation by an address is refused, since others may send it again, or for somebody."""
        answer = self.get(query='mutation { learn(processor: "p1") { modelName } }')
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"))
        [error] = answer.json["errors"]
        self.assertEqual(error["extensions"], {"code": "METHOD_NOT_ALLOWED"})

    def test_media(self) -> None:
        """Who takes only C{application/json} is told 200 also of a document that is none."""
        for accept, kind, status in (
            (None, GRAPHQL, 400),
            ("*/*", GRAPHQL, 400),
            ("application/json, application/graphql-response+json;q=0.9", GRAPHQL, 400),
            ("application/json", OLD, 200),
            ("text/html", GRAPHQL, 400),
        ):
            headers = [JSON] if accept is None else [JSON, f"Accept: {accept}"]
            answer = self.post({"query": "{ nothing }"}, *headers)
            told = answer.status, answer.headers["content-type"]
            self.assertEqual(told, (status, kind), accept)
            self.assertNotIn("data", answer.json)

    def test_no_json(self) -> None:
        """A body that is not declared as JSON is refused: a foreign page can send it unasked."""
        body = b'{"query": "{ ping { timeStamp } }"}'
        for declared in ("text/plain", "application/x-www-form-urlencoded", "application/graphql"):
            answer = self.post(body, f"Content-Type: {declared}")
            self.assertEqual(answer.status, 415)
            self.assertIn("expected application/json", answer.json["errors"][0]["message"])
        self.assertEqual(self.post(body, "X-Nothing: said").status, 415)
        self.assertEqual(self.post(body, f"{JSON}; charset=utf-8").status, 200)

    def test_malformed(self) -> None:
        """What is no request is refused, and the message names what is at fault."""
        ping = "{ ping { timeStamp } }"
        for body, message in (
            (b"{", "body: not JSON"),
            ([{"query": ping}], "body: expected an object"),
            ({}, "query: missing"),
            ({"query": None}, "query: missing"),
            ({"query": 1}, "query: expected a string"),
            ({"query": ping, "id": 1}, "id"),
            ({"query": ping, "variables": []}, "variables: expected an object"),
            ({"query": ping, "operationName": 1}, "operationName: expected a string"),
            ({"query": ping, "extensions": 1}, "extensions: expected an object"),
            (b'{"query": "{ a }", "variables": {"a": {"b": 1, "b": 2}}}', "variables.a"),
        ):
            for accept in ("application/json", "*/*"):
                answer = self.post(body, JSON, f"Accept: {accept}")
                self.assertEqual(answer.status, 400, body)
                [error] = answer.json["errors"]
                self.assertIn(message, error["message"])
                self.assertEqual(error["extensions"]["code"], "INVALID_REQUEST")
        answer = self.get(query=ping, variables="{")
        self.assertEqual(answer.status, 400)
        self.assertIn("variables: not JSON", answer.json["errors"][0]["message"])
        self.assertEqual(self.get(quarry=ping).status, 400)

    def test_not_executable(self) -> None:
        """What cannot be executed is refused whole, with places."""
        for query, message in (
            ("{", "Syntax Error"),
            ("{ nothing }", "Cannot query field 'nothing'"),
            ("query A { ping { timeStamp } } query B { ping { timeStamp } }", "operation name"),
            ("query ($id: ID!) { processor(id: $id) { id } }", "$id"),
            ("fragment F on Pong { timeStamp }", "F"),
        ):
            answer = self.post({"query": query})
            self.assertEqual(answer.status, 400, query)
            self.assertIn(message, answer.json["errors"][0]["message"])
            self.assertEqual(answer.json["errors"][0]["extensions"]["code"], "INVALID_REQUEST")

    def test_subscription(self) -> None:
        """A subscription is told where it is carried out."""
        answer = self.post({"query": "subscription { processors { offset } }"})
        self.assertEqual(answer.status, 400)
        self.assertIn("graphql-transport-ws", answer.json["errors"][0]["message"])

    def test_other_upgrades(self) -> None:
        """Who offers HTTP/2 beside what it asks is answered as anybody."""
        offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA")
        answer = self.get(*offer, query='{ processor(id: "p1") { id } }')
        self.assertEqual(answer.json, {"data": {"processor": {"id": "p1"}}})

    def test_other_methods(self) -> None:
        """The path knows two methods."""
        answer = self.send(request("PUT", "/graphql", b"{}", JSON))
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD, POST"))

    def test_page(self) -> None:
        """A browser that comes by is shown a page, and a program is not."""
        answer = self.get("Accept: text/html,application/xhtml+xml,*/*;q=0.8")
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
        answer = self.get()
        self.assertEqual(
            (answer.status, answer.json["errors"][0]["message"]), (400, "query: missing")
        )

    def test_defect(self) -> None:
        """Of a defect a client is told where it stands in the log, and nothing else."""

        def fail(*_: object) -> None:
            raise ZeroDivisionError("a secret")

        self.patch(self.system.parts.dispatch, "ask", fail)
        result = self.result('{ ping { timeStamp } processor(id: "p1") { id } }')
        self.assertEqual(result["data"], {"ping": None, "processor": {"id": "p1"}})
        [error] = result["errors"]
        self.assertEqual(error["extensions"], {"code": "INTERNAL_ERROR"})
        self.assertRegex(error["message"], "^internal error, logged under [0-9a-f]{12}$")
        self.assertEqual(error["path"], ["ping"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LongTests(Asking):
    """What takes long."""

    def test_long(self) -> None:
        """A long body, long answers and long lists are read and made in threads."""
        strings = [[f"s{number}"] for number in range(5_000)]
        observations = [{"strings": each} for each in strings]
        body = {
            "query": 'mutation ($o: [ObservationInput!]!) { observeSequence(processor: "p1", '
            "observations: $o) { observed shortTermMemory processor { shortTermMemory } } }",
            "variables": {"o": observations},
        }
        told = self.post(body).json["data"]["observeSequence"]
        self.assertEqual(told["observed"], 5_000)
        self.assertEqual(told["shortTermMemory"], strings)
        self.assertEqual(told["processor"]["shortTermMemory"], strings)

    def test_in_threads(self) -> None:
        """A document that is not known is read in a thread, one that is known is not."""
        threads = Threads()
        graphql = Graphql(
            clock=self.system.clock,
            in_thread=threads,
            intake=Intake(threads),
            ledger=self.system.parts.monitoring.ledger,
            most=Weight(10, 10_000),
        )
        gate = make_gate(self.system.parts.dispatch)
        for expected in (1, 0):
            answering = graphql.answer(
                b"GET",
                {"query": "{ ping { timeStamp } }"},
                b"",
                {},
                bearer=gate.anybody,
                origin=Origin("rest", "1"),
                finished=Deferred(),
            )
            self.assertEqual(len(threads.waiting), expected)
            if expected:
                threads.run()
            self.assertEqual(self.successResultOf(answering)[0], 200)


class KeyTests(Asking):
    """Keys."""

    settings = Settings(
        keys=(
            StoredKey(digest(b"one"), Key("one", frozenset(Scope), ("p1",))),
            StoredKey(digest(b"reads"), Key("reads", frozenset({Scope.READ}))),
        ),
        limits=Limits(),
    )

    def asked(self, key: str | None, query: str) -> tuple[int, dict[str, Any]]:
        headers = [JSON] if key is None else [JSON, f"X-API-Key: {key}"]
        answer = self.post({"query": query}, *headers)
        return answer.status, answer.json

    def test_none(self) -> None:
        """Without a key nothing is told, not even the schema; a browser is told of the page among
        the files, which asks for one."""
        for key in (None, "wrong"):
            self.assertEqual(self.asked(key, "{ __schema { types { name } } }")[0], 401)
            self.assertEqual(self.asked(key, "{ ping { timeStamp } }")[0], 401)
        self.assertEqual(self.get(query="{ ping { timeStamp } }").status, 401)
        self.assertEqual(self.get().status, 401)
        answer = self.get("Accept: text/html")
        self.assertEqual(answer.status, 401)
        page = answer.json["message"].rpartition(" ")[2]
        asset = self.send(request("GET", page))
        self.assertEqual(asset.headers["content-type"], "text/html; charset=utf-8")
        known = self.get("Accept: text/html", "X-API-Key: reads")
        self.assertEqual(known.body, asset.body)

    def test_fields(self) -> None:
        """Each field is judged by itself, also below others."""
        make = (
            'mutation {{ observe(processor: "{0}", observation: {{strings: ["a"]}}) {{ events }} }}'
        )
        self.assertEqual(
            self.asked("one", make.format("p1"))[1], {"data": {"observe": {"events": 1}}}
        )
        for key, processor, why in (
            ("one", "p2", "processor: this key is not for 'p2'"),
            ("reads", "p1", "method: this key may not observe, it lacks the scope write"),
        ):
            status, told = self.asked(key, make.format(processor))
            self.assertEqual((status, told["data"]), (200, {"observe": None}))
            [error] = told["errors"]
            self.assertEqual((error["message"], error["extensions"]), (why, {"code": "FORBIDDEN"}))
        _, told = self.asked(
            "one",
            '{ a: processor(id: "p1") { status { events } } '
            'b: processor(id: "p2") { id status { events } } '
            "processors { total nodes { id } } }",
        )
        self.assertEqual(
            told["data"],
            {
                "a": {"status": {"events": 1}},
                "b": {"id": "p2", "status": None},
                "processors": {"total": 1, "nodes": [{"id": "p1"}]},
            },
        )
