"""Operations over WebSocket, by C{graphql-transport-ws}."""

import json
from typing import Any

from kato import suspicion
from kato.commands import Reply, Scope
from kato.key_file import StoredKey
from kato.keys import digest
from kato.limits import Limits
from kato.policy import Key
from kato.settings import Settings
from tests.doubles import Threads
from tests.rest.talking import logged
from tests.websocket.memory import CLIENT, Client, StreamTestCase, System

PROTOCOL = "graphql-transport-ws"

LEARN = 'mutation { learn(processor: "p1") { modelName shortTermMemory } }'
OBSERVE = """
mutation ($strings: [String!]) {
  observe(processor: "p1", observation: {strings: $strings}) { events }
}
"""
EVENTS = """
subscription ($since: Position, $topics: [Topic!]) {
  events(processor: "p1", topics: $topics, since: $since) {
    __typename offset skipped
    ... on Subscribed { epoch recovered }
    ... on ObservedEvent { observation { strings } shortTermMemory }
    ... on LearningEvent { change modelName }
    ... on MemoryEvent { change memory }
    ... on PredictionsEvent { forecast { event share } }
  }
}
"""


class SocketTestCase(StreamTestCase):
    """Tests on a gateway in memory."""

    def open(self, *, headers: dict[str, str] | None = None) -> Client:
        """A connection on which nothing was said yet."""
        client = self.connect(PROTOCOL, path="/graphql", headers=headers)
        self.assertEqual(client.speaker.websocket_protocol_in_use, PROTOCOL)
        return client

    def begun(self, payload: dict[str, Any] | None = None) -> Client:
        """A connection that was acknowledged."""
        client = self.open()
        told = {} if payload is None else {"payload": payload}
        acknowledged = client.ask(type="connection_init", **told)
        self.assertEqual(acknowledged["type"], "connection_ack")
        return client

    def subscribe(self, client: Client, name: str, query: str, **variables: Any) -> None:
        client.say(id=name, type="subscribe", payload={"query": query, "variables": variables})

    def events(self, client: Client, name: str = "1") -> list[dict[str, Any]]:
        """What an operation was told meanwhile, which is all that came."""
        told = []
        for message in client.told():
            self.assertEqual((message["type"], message["id"]), ("next", name), message)
            [event] = message["payload"]["data"].values()
            told.append(event)
        return told

    def observe(self, *strings: str) -> None:
        client = self.begun()
        self.subscribe(client, "o", OBSERVE, strings=list(strings))
        self.assertEqual([each["type"] for each in client.told()], ["next", "complete"])


class ConversationTests(SocketTestCase):
    """What may be said when."""

    def refused(self, client: Client) -> tuple[int | None, str | None]:
        """How a connection was closed."""
        closed = client.closed
        assert closed is not None
        return closed

    def test_begin(self) -> None:
        """Nothing is asked before C{connection_init}, which is said once."""
        client = self.open()
        self.subscribe(client, "1", LEARN)
        code, reason = self.refused(client)
        self.assertEqual(code, 4401)
        self.assertIn("Unauthorized", reason or "")
        client = self.begun()
        client.say(type="connection_init")
        self.assertEqual(self.refused(client)[0], 4429)

    def test_silent(self) -> None:
        """Who says nothing is not waited for."""
        client, talks = self.open(), self.begun()
        self.system.pass_time(11)
        self.assertEqual(self.refused(client)[0], 4408)
        self.assertIsNone(talks.closed)

    def test_ping(self) -> None:
        """A ping is answered, with what was sent along, at any time."""
        client = self.open()
        self.assertEqual(client.ask(type="ping"), {"type": "pong"})
        told = client.ask(type="ping", payload={"a": [1]})
        self.assertEqual(told, {"type": "pong", "payload": {"a": [1]}})
        client.say(type="pong")
        self.assertEqual(client.told(), [])
        self.assertIsNone(client.closed)

    def test_malformed(self) -> None:
        """What is no message ends the connection, and the reason says what of it."""
        for message, said in (
            (b"{", "body: not JSON"),
            (b"[]", "message: expected an object"),
            (b"{}", "type: expected a string"),
            (b'{"type": "start"}', "type: 'start' is none"),
            (b'{"type": "subscribe", "payload": {}}', "id: expected a string"),
            (b'{"type": "subscribe", "id": "", "payload": {}}', "id: expected 1 to 128"),
            (b'{"type": "subscribe", "id": "1"}', "payload: expected an object"),
            (b'{"type": "ping", "payload": 1}', "payload: expected an object"),
            (b'{"type": "ping", "more": 1}', "more"),
            (json.dumps({"type": "\u20ac" * 200}).encode(), "type: "),
        ):
            client = self.begun()
            client.send(message)
            code, reason = self.refused(client)
            self.assertEqual(code, 4400, message)
            self.assertIn(said, reason or "")

    def test_twice(self) -> None:
        """An id is that of one operation at a time."""
        self.observe("a")
        client = self.begun()
        self.subscribe(client, "1", EVENTS)
        for _ in range(2):
            self.subscribe(client, "2", LEARN)
        self.assertIsNone(client.closed)
        self.subscribe(client, "1", EVENTS)
        code, reason = self.refused(client)
        self.assertEqual((code, reason), (4409, "Subscriber for 1 already exists"))

    def test_other_protocols(self) -> None:
        """What is spoken at C{/ws} is not spoken here, nor the reverse."""
        client = self.system.connect("kato.v1.json", path="/graphql")
        self.assertFalse(client.speaker.opened)
        self.assertIn("400", client.speaker.wasNotCleanReason)
        client = self.system.connect(PROTOCOL)
        self.assertFalse(client.speaker.opened)


class OperationTests(SocketTestCase):
    """Queries and mutations."""

    def test_result(self) -> None:
        """A query or mutation has one result, and is complete."""
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        self.assertEqual(
            client.told(),
            [
                {"id": "1", "type": "next", "payload": {"data": {"observe": {"events": 1}}}},
                {"id": "1", "type": "complete"},
            ],
        )

    def test_errors(self) -> None:
        """Errors of fields come with the result; what cannot be executed is an error alone."""
        client = self.begun()
        self.subscribe(client, "1", LEARN)
        result, complete = client.told()
        self.assertEqual(result["payload"]["data"], {"learn": None})
        [error] = result["payload"]["errors"]
        self.assertEqual(error["extensions"], {"code": "PROCESSOR_NOT_FOUND"})
        self.assertEqual(complete["type"], "complete")
        for payload, said in (
            ({"query": "{ nothing }"}, "Cannot query field"),
            ({"variables": {}}, "query: missing"),
            ({"query": 'subscription { predictions(processor: "?") { offset } }'}, "is no id"),
            ({"query": "subscription { processors @skip(if: true) { offset } }"}, "top level"),
        ):
            client.say(id="1", type="subscribe", payload=payload)
            [refused] = client.told()
            self.assertEqual((refused["id"], refused["type"]), ("1", "error"))
            self.assertIn(said, refused["payload"][0]["message"])
            self.assertEqual(refused["payload"][0]["extensions"]["code"], "INVALID_REQUEST")

    def test_complete(self) -> None:
        """Who wants to hear no more of an operation hears nothing; a change is made all the
        same."""
        held = self.later("ask")
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        client.say(id="1", type="complete")
        self.subscribe(client, "1", OBSERVE, strings=["b"])
        self.assertEqual(len(held), 2)
        for events, each in enumerate(held):
            each.callback(Reply("observed", 1.0, {"events": events}, "p1", 1))
        told = [each["payload"] for each in client.told() if each["type"] == "next"]
        self.assertEqual(told, [{"data": {"observe": {"events": 1}}}])

    def test_long(self) -> None:
        """A long message is read in a thread, as is a document that is not known."""
        threads = Threads()
        self.system = System(self, in_thread=threads)
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=[f"{each:0100}" for each in range(1_000)])
        ran = 0
        while threads.waiting:
            threads.run()
            self.system.flush()
            ran += 1
        self.assertGreaterEqual(ran, 3)
        self.assertEqual([each["type"] for each in client.told()], ["next", "complete"])
        self.assertEqual(self.system.statistics["under_way"], 0)

    def test_order(self) -> None:
        """Operations begin in the order in which they came, also where the document of the first
        is to be read yet."""
        threads = Threads()
        self.system = System(self, in_thread=threads)
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        self.subscribe(client, "2", OBSERVE + "# another", strings=["b"])
        self.subscribe(client, "3", OBSERVE, strings=["c"])
        self.assertEqual(len(threads.waiting), 1)
        while threads.waiting:
            threads.run()
            self.system.flush()
        told = [
            each["payload"]["data"]["observe"]["events"]
            for each in client.told()
            if each["type"] == "next"
        ]
        self.assertEqual(told, [1, 2, 3])

    def test_counted(self) -> None:
        """Each command is a request to who counts them."""
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        self.subscribe(client, "2", EVENTS)
        client.told()
        answered = self.system.parts.monitoring.ledger.counts.answered
        self.assertEqual(
            {key: each.count for key, each in answered.items() if key[1] == "graphql"},
            {("observe", "graphql", "okay"): 1, ("subscribe", "graphql", "okay"): 1},
        )

    def test_refused(self) -> None:
        """So is one of which nobody knows what it asks for, as refused."""
        client = self.begun()
        self.subscribe(client, "1", "{ nothing }")
        client.told()
        counts = self.system.parts.monitoring.ledger.counts
        self.assertEqual(counts.refused, {("graphql", "INVALID_REQUEST"): 1})

    def test_client(self) -> None:
        """The line of each in the log has the client's address."""
        events = logged(self)
        client = self.begun()
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        self.subscribe(client, "2", EVENTS)
        self.system.parts.monitoring.ledger.write()
        lines = [line.as_dict() for event in events for line in event.get("lines", ())]
        told = [(each["operation"], each["client"]) for each in lines]
        self.assertEqual(told[-2:], [("observe", CLIENT.host), ("subscribe", CLIENT.host)])


class SubscriptionTests(SocketTestCase):
    """What is told as it happens."""

    def test_events(self) -> None:
        """First is told how it begins, then what happens, in order, of the topics wished for."""
        self.observe("a")
        client = self.begun()
        self.subscribe(client, "1", EVENTS, topics=["OBSERVATIONS", "LEARNING"])
        [begin] = self.events(client)
        self.assertEqual((begin["__typename"], begin["recovered"]), ("Subscribed", False))
        self.observe("b")
        self.subscribe(client, "2", LEARN)
        observed, learned, *_ = client.told()
        self.assertEqual(
            observed["payload"]["data"]["events"],
            {
                "__typename": "ObservedEvent",
                "offset": 2,
                "skipped": 0,
                "observation": {"strings": ["b"]},
                "shortTermMemory": [["a"], ["b"]],
            },
        )
        self.assertEqual(learned["payload"]["data"]["events"]["change"], "learned")
        self.assertEqual(self.system.statistics["subscriptions"], 1)
        client.say(id="1", type="complete")
        self.assertEqual(self.system.statistics["subscriptions"], 0)
        self.observe("c")
        self.assertEqual(client.told(), [])

    def test_predictions(self) -> None:
        """Who asks for predictions is told nothing else."""
        self.observe("a")
        self.observe("b")
        client = self.begun()
        self.subscribe(client, "l", LEARN)
        client.told()
        query = """subscription { predictions(processor: "p1") {
            offset predictions(limit: 1) { matches } forecast { event share } } }"""
        self.subscribe(client, "1", query)
        self.assertEqual(client.told(), [])
        self.observe("x", "a")
        [told] = self.events(client)
        self.assertEqual(told["predictions"], [{"matches": ["a"]}])
        self.assertEqual(told["forecast"], [{"event": ["b"], "share": 1.0}])

    def test_processors(self) -> None:
        """Processors come and go."""
        client = self.begun()
        query = (
            "subscription { processors { __typename processor ... on ProcessorEvent { change } } }"
        )
        self.subscribe(client, "1", query)
        self.observe("a")
        begin, came = self.events(client)
        self.assertEqual(begin, {"__typename": "Subscribed", "processor": ""})
        self.assertEqual(came["change"], "came")

    def test_two(self) -> None:
        """One connection may listen to one processor twice, each by its own document."""
        self.observe("a")
        client = self.begun()
        self.subscribe(client, "1", EVENTS)
        self.subscribe(client, "2", 'subscription { events(processor: "p1") { timeStamp } }')
        client.told()
        self.observe("b")
        told = [(each["id"], len(each["payload"]["data"]["events"])) for each in client.told()]
        self.assertIn(("1", 5), told)
        self.assertIn(("2", 1), told)

    def test_recovery(self) -> None:
        """Who was cut off is told what it missed."""
        self.observe("a")
        client = self.begun()
        self.subscribe(client, "1", EVENTS)
        [begin] = self.events(client)
        client.cut()
        self.observe("b")
        self.subscribe(self.begun(), "l", LEARN)
        client = self.begun()
        since = {"epoch": begin["epoch"], "offset": begin["offset"]}
        self.subscribe(client, "1", EVENTS, since=since, topics=["OBSERVATIONS", "LEARNING"])
        again, *missed = self.events(client)
        self.assertTrue(again["recovered"])
        self.assertEqual(
            [each["__typename"] for each in missed], ["ObservedEvent", "LearningEvent"]
        )

    def test_slow(self) -> None:
        """A slow reader makes nothing grow: of observations only the newest waits, and says how
        many were passed over."""
        self.observe("a")
        client = self.begun()
        self.subscribe(client, "1", EVENTS, topics=["OBSERVATIONS"])
        client.told()
        client.stall()
        for each in range(20):
            self.observe(f"b{each}")
        client.read_on()
        told = self.events(client)
        self.assertLessEqual(len(told), 2)
        self.assertEqual(told[-1]["observation"]["strings"], ["b19"])
        self.assertEqual(sum(each["skipped"] for each in told) + len(told), 20)

    def test_stopping(self) -> None:
        """A server that stops closes with a code after which clients come again."""
        client = self.begun()
        self.subscribe(client, "1", "subscription { processors { offset } }")
        client.told()
        self.system.parts.streams.drain()
        closed = client.closed
        assert closed is not None
        self.assertEqual(closed[0], 1001)


ALL, SOME, READS = "sesame", "one", "reads"


class KeyTests(SocketTestCase):
    """Keys."""

    settings = Settings(
        keys=tuple(
            StoredKey(digest(token.encode()), key)
            for token, key in {
                ALL: Key("all", frozenset(Scope)),
                SOME: Key("one", frozenset(Scope), ("p1",)),
                READS: Key("reads", frozenset({Scope.READ})),
            }.items()
        ),
        limits=Limits(message=200_000),
    )

    def setUp(self) -> None:
        super().setUp()
        self.patch(suspicion, "FREE", 10**9)  # wrong keys are answered at once here

    def keyed(self, key: str) -> Client:
        return self.begun({"apiKey": key})

    def test_told(self) -> None:
        """A key is told when the conversation begins, or in a header; what it may do is told
        back."""
        told = self.open().ask(type="connection_init", payload={"apiKey": READS})
        self.assertEqual(told["payload"], {"scopes": ["read"], "processors": ["*"]})
        told = self.open(headers={"X-API-Key": SOME}).ask(type="connection_init")
        self.assertEqual(told["payload"]["processors"], ["p1"])

    def test_not_told(self) -> None:
        """Without a key, or with one that is none, the conversation ends."""
        for payload in (None, {}, {"apiKey": "wrong"}):
            client = self.open()
            client.say(type="connection_init", payload=payload)
            closed = client.closed
            assert closed is not None
            self.assertEqual(closed[0], 4403, payload)
            self.assertIn("Forbidden", closed[1] or "")
        client = self.open()
        client.say(type="connection_init", payload={"apiKey": 1})
        self.assertEqual((client.closed or (0,))[0], 4400)

    def test_guests(self) -> None:
        """Who has told no key may send short messages alone."""
        client = self.open()
        client.send(b" " * 70_000)
        self.assertEqual((client.closed or (0,))[0], 1009)
        client = self.keyed(ALL)
        self.subscribe(client, "1", "{ ping { timeStamp } }" + " " * 60_000)
        self.assertIsNone(client.closed)

    def test_judged(self) -> None:
        """A key may do here what it may do elsewhere."""
        client = self.keyed(READS)
        self.subscribe(client, "1", OBSERVE, strings=["a"])
        result, _ = client.told()
        self.assertEqual(result["payload"]["errors"][0]["extensions"]["code"], "FORBIDDEN")
        client = self.keyed(SOME)
        self.subscribe(client, "1", EVENTS.replace("p1", "p2"))
        [refused] = client.told()
        self.assertEqual(refused["type"], "error")
        self.assertEqual(refused["payload"][0]["extensions"]["code"], "FORBIDDEN")
        self.assertEqual(self.system.statistics["subscriptions"], 0)

    def test_taken_back(self) -> None:
        """A key that is taken back ends the conversation; one that grants less ends what it does
        not grant."""
        lasting, leaving = self.keyed(ALL), self.keyed(SOME)
        self.subscribe(lasting, "o", OBSERVE, strings=["a"])
        for client in (lasting, leaving):
            self.subscribe(client, "1", EVENTS)
            client.told()
        keys = {digest(ALL.encode()): Key("all", frozenset(Scope), ("p2",))}
        self.system.keeper.replace(keys)
        [refused] = lasting.told()
        self.assertEqual((refused["id"], refused["type"]), ("1", "error"))
        self.assertEqual(refused["payload"][0]["extensions"]["code"], "FORBIDDEN")
        self.assertEqual((leaving.closed or (0,))[0], 4403)
