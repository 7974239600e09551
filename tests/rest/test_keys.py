"""Keys with scopes over REST, and those who guess them (SPEC 9)."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from kato import suspicion
from kato.commands import Scope
from kato.policy import Key
from tests.rest.talking import Server, get, post, request

KEYS = {
    b"reads": Key("dashboards", frozenset({Scope.READ}), ("p1",)),
    b"all": Key("all", frozenset(Scope)),
    b"slow": Key("slow", frozenset(Scope), rate=0.5),
}
WRONG = "X-API-Key: wrong"


class ScopeTests(SynchronousTestCase):
    """Keys with scopes."""

    def setUp(self) -> None:
        self.server = Server(keys=KEYS)

    def test_origin(self) -> None:
        """The name of the key goes with the request, and so into every log of it."""
        self.server.ask(get("/p1/status", "X-API-Key: reads", "X-Request-ID: r1"))
        self.server.ask(get("/kato-api/ping"))
        origins = [each.origin for each in self.server.asked.commands]
        told = [(each.key, each.transport) for each in origins if each is not None]
        self.assertEqual(told, [("dashboards", "rest"), (None, "rest")])

    def test_head(self) -> None:
        """Who may not do something is refused by the head, before the body has come; nothing is
        asked of anybody."""
        for path in ("/p1/observe", "/p2/observe"):
            client = self.server.connect()
            raw = request("POST", path, b"x" * 100_000, "X-API-Key: reads")
            client.send(raw[:300])
            answer = client.answer()
            self.assertEqual((answer.status, answer.json["error_code"]), (403, "FORBIDDEN"))
            self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(self.server.asked.commands, [])

    def test_first_known(self) -> None:
        """Of several keys the first that is known counts, and X-API-Key before Authorization."""
        both = ("Authorization: Bearer all", "X-API-Key: reads")
        self.assertEqual(self.server.ask(post("/p1/learn", {}, *both)).status, 403)
        both = ("Authorization: Bearer all", "X-API-Key: unknown")
        self.assertEqual(self.server.ask(post("/p1/learn", {}, *both)).status, 200)

    def test_pages(self) -> None:
        """Statistics are for administrators of all processors."""
        self.assertEqual(self.server.ask(get("/stats", "X-API-Key: reads")).status, 403)
        self.assertEqual(self.server.ask(get("/stats", "X-API-Key: all")).status, 200)

    def test_nothing_told(self) -> None:
        """Without a key, and with a wrong one, every path is answered the same, byte for byte, be
        there one or not."""
        self.patch(suspicion, "FREE", 10**9)
        paths = [
            *("/p1/status", "/p1/gene/sort", "/p1/nothing", "/p1", "/stats", "/openapi.json"),
            *("/nowhere/at/all", "/connect", "/live/status", "/ready/gene/sort", "//status"),
        ]
        for header in ("X-Other: 1", WRONG):
            told = set()
            for method, path in product(("GET", "POST", "DELETE"), paths):
                raw = request(method, path, None, header, "X-Request-ID: mine")
                answer = self.server.ask(raw)
                self.assertEqual(answer.status, 401)
                told.add((*answer.headers.items(), answer.body))
            self.assertEqual(len(told), 1, told)

    def test_rate(self) -> None:
        """Who asks too often is told when to come again."""
        raw = get("/p1/status", "X-API-Key: slow")
        self.assertEqual(self.server.ask(raw).status, 200)
        answer = self.server.ask(raw)
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "2"))
        self.server.clock.advance(2)
        self.assertEqual(self.server.ask(raw).status, 200)


class GuessingTests(SynchronousTestCase):
    """Who tells wrong keys."""

    def setUp(self) -> None:
        self.server = Server(keys=KEYS)
        for _ in range(suspicion.FREE):
            self.assertEqual(self.server.ask(get("/p1/status", WRONG)).status, 401)

    def test_waits(self) -> None:
        """The answer comes later, and what was sent behind it waits, too; other connections do not,
        even from the same address."""
        client = self.server.connect()
        client.send(get("/p1/status", WRONG))
        client.send(get("/p1/status", "X-API-Key: all"))
        self.assertEqual(client.answers(), [])
        self.assertEqual(self.server.ask(get("/p1/status", "X-API-Key: all")).status, 200)
        self.server.clock.advance(0.125)
        self.assertEqual([each.status for each in client.answers()], [401, 200])

    def test_large(self) -> None:
        """So it does where a large body is announced, of which nothing is read."""
        client = self.server.connect()
        client.send(request("POST", "/p1/observe", b"x" * 100_000, WRONG)[:1000])
        client.send(b"x" * 1000)
        self.assertEqual(client.answers(), [])
        self.server.clock.advance(0.125)
        self.assertEqual(client.answer().status, 401)
        self.assertTrue(client.wire.half_closed)

    def test_gone(self) -> None:
        """Nobody is answered who has gone meanwhile."""
        for body in (None, b"x" * 100_000):
            client = self.server.connect()
            client.send(request("GET", "/p1/status", body, WRONG)[:1000])
            client.leave()
            self.server.clock.advance(10)
            self.assertEqual(client.answers(), [])

    def test_too_many(self) -> None:
        """Where no more answers may wait, it comes at once, and the connection is closed."""
        self.patch(suspicion, "MAX_WAITING", 0)
        client = self.server.connect()
        client.send(get("/p1/status", WRONG))
        answer = client.answer()
        self.assertEqual((answer.status, answer.headers["connection"]), (401, "close"))
        self.assertTrue(client.wire.disconnecting)

    def test_no_key(self) -> None:
        """To tell no key is not to guess."""
        for _ in range(20):
            self.assertEqual(self.server.ask(get("/p1/status")).status, 401)
