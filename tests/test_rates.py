"""What counts for the rate of a key, over every transport: whatever is asked with it."""

import json
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.policy import Key
from tests.access_streams import SUB_PROTOCOLS, Answer, Way
from tests.access_world import World

OVER = "TOO_MANY_REQUESTS"
MALFORMED = {"strings": [1]}


class RateTests(SynchronousTestCase):
    """A key that makes one request a second, and so two at once."""

    def setUp(self) -> None:
        self.world = World(
            self,
            {
                "slow": Key("slow", frozenset(Scope), ("p1",), rate=1.0),
                "free": Key("free", frozenset(Scope)),
            },
        )
        self.world.prepare()

    def codes(self, *asks: Callable[[], Answer]) -> list[str | None]:
        """How these are answered, one after the other, as soon as two may be made again."""
        self.world.system.pass_time(2)
        return [ask().get("error_code") for ask in asks]

    def rest(self, method: str, path: str, body: bytes | None = None) -> Callable[[], Answer]:
        return lambda: self.world.get("slow", method, path, body).answer

    def zmq(self, processor: str, method: str, **params: object) -> Callable[[], Answer]:
        asked = {"processor": processor, "method": method, "params": params}
        return lambda: self.world.zmq("slow", asked).answer

    def websocket(self, processor: str, method: str, **params: object) -> Callable[[], Answer]:
        way = Way(SUB_PROTOCOLS[0], "authenticate")
        return lambda: self.world.ask(way, "slow", method, processor, params).answer

    def graphql(self, document: str) -> Callable[[], Answer]:
        def ask() -> Answer:
            answer = self.world.get(
                "slow", "POST", "/graphql", json.dumps({"query": document}).encode()
            ).answer
            errors = answer.get("errors", [])
            return errors[0]["extensions"] if errors else answer

        return ask

    def test_refused(self) -> None:
        """What is refused counts, be it malformed, forbidden, or of a path that is none."""
        status = self.rest("GET", "/p1/status")
        for refused, code in (
            (self.rest("POST", "/p1/observe", b'{"strings": [1]}'), "INVALID_REQUEST"),
            (self.rest("GET", "/p2/status"), "FORBIDDEN"),
            (self.rest("GET", "/p1/nothing"), "UNKNOWN_OPERATION"),
            (self.rest("GET", "/stats"), "FORBIDDEN"),
        ):
            self.assertEqual(self.codes(refused, status, refused, status), [code, None, OVER, OVER])

    def test_connections(self) -> None:
        """So it is where each message brings the key, or the connection has brought it."""
        for transport in (self.zmq, self.websocket):
            status = transport("p1", "get_status")
            transport("p1", "get_status")()  # who comes first is let in first
            for refused, code in (
                (transport("p1", "observe", **MALFORMED), "INVALID_REQUEST"),
                (transport("p2", "get_status"), "FORBIDDEN"),
            ):
                self.assertEqual(
                    self.codes(refused, status, refused, status), [code, None, OVER, OVER]
                )

    def test_documents(self) -> None:
        """A document of GraphQL counts as one with its first operation, and so does one that is
        refused; each other operation counts for itself."""
        one = self.graphql('{ processor(id: "p1") { shortTermMemory } }')
        malformed = self.graphql("{")
        for first in (one, malformed):
            self.assertEqual(self.codes(first, one, first, one)[1:], [None, OVER, OVER])

    def test_not_whole(self) -> None:
        """A body that is refused is not read: the head is enough."""
        self.assertEqual(
            self.codes(*[self.rest("POST", "/p1/observe", b" " * 70_000)] * 3)[2:], [OVER]
        )

    def test_others(self) -> None:
        """Others have their own, and what needs no key counts for nobody."""
        status = self.rest("GET", "/p1/status")
        self.codes(status, status, status)
        self.assertEqual(self.world.get("free", "GET", "/p1/status").outcome, "okay")
        self.assertEqual(self.codes(*[self.rest("GET", "/live")] * 5), [None] * 5)
        self.assertEqual(self.codes(status), [None])
