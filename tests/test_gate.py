"""Keepers, gates and bearers: who has a key, and what changes while they are there (SPEC 9)."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import MAX_PAGE, Command, ListProcessors, Reply, Scope
from kato.errors import Forbidden, ProcessorUnavailable, TooManyRequests, Unauthorized
from kato.events import PROCESSORS, STATUS, TOPICS_OF_ALL, Event, Listener, Subscribed, Wish
from kato.gate import Bearer, Gate
from kato.keeper import WrongKey
from kato.keys import digest
from kato.policy import NO_KEY, Key
from kato.suspicion import FREE
from tests.gates import make_gate
from tests.rest.talking import logged

ALL = frozenset(Scope)


class Source:
    """Answers what it is asked, and tells what the test says."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.pages: list[dict[str, Any]] = []
        self.listeners: list[Listener] = []

    def ask(self, command: Command) -> "Deferred[Reply]":
        self.commands.append(command)
        fields = self.pages.pop(0) if isinstance(command.params, ListProcessors) else {}
        return succeed(Reply(command.row.message, 1.0, fields, command.processor))

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        self.listeners.append(listener)
        self.wish = wish
        cancel = self.listeners.clear
        return succeed(Subscribed("theirs", 7, True, (), (7, 0, 0), cancel))  # type: ignore[arg-type]


class GateCase(SynchronousTestCase):
    """A gate with keys."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.source = Source()

    def gate(self, **keys: Key) -> Gate:
        known = {token.encode(): key for token, key in keys.items()}
        return make_gate(self.source, clock=self.clock, keys=known)

    def bearer(self, gate: Gate, *tokens: str, peer: str | None = "192.0.2.9") -> Bearer:
        return gate.identify([each.encode() for each in tokens], how="say it", peer=peer)


class KeeperTests(GateCase):
    """Who has a key."""

    def test_open(self) -> None:
        """Where there is no key, all may everything, whatever they tell."""
        gate = make_gate(self.source)
        bearer = self.bearer(gate, "any")
        self.assertIs(bearer, gate.anybody)
        self.assertIsNone(bearer.name)
        bearer.judge("observe", "p1")
        bearer.judge_server("stats")
        self.successResultOf(bearer.ask(Command.parse("learn", processor="p1")))
        self.assertFalse(gate.is_guest(bearer))

    def test_wrong(self) -> None:
        """A wrong key, one that has expired and one that was taken back are refused in the same
        words."""
        gate = self.gate(a=Key("a", ALL, expires=5.0), b=Key("b", ALL))
        self.clock.advance(5)
        gate.keeper.replace({digest(b"a"): Key("a", ALL, expires=5.0)})
        for token in ("a", "b", "c"):
            with self.assertRaises(WrongKey) as caught:
                self.bearer(gate, token)
            self.assertEqual(caught.exception.message, NO_KEY)
        with self.assertRaisesRegex(Unauthorized, "^no key: say it$"):
            self.bearer(gate)
        self.assertEqual(gate.keeper.statistics()["refused_keys"], 3)

    def test_slowed(self) -> None:
        """Who guesses waits longer each time; who has a key never does, wherever it comes from."""
        gate = self.gate(a=Key("a", ALL))
        delays = []
        for _ in range(FREE + 2):
            with self.assertRaises(WrongKey) as caught:
                self.bearer(gate, "x")
            delays.append(caught.exception.delay)
            self.assertEqual(self.bearer(gate, "a").name, "a")
        self.assertEqual(delays, [0.0] * FREE + [0.125, 0.25])
        with self.assertRaises(WrongKey) as caught:
            self.bearer(gate, "x", peer="192.0.2.10")
        self.assertEqual(caught.exception.delay, 0.0)
        told = gate.keeper.statistics()
        self.assertEqual((told["suspects"], told["delayed"]), (2, 2))

    def test_logged(self) -> None:
        """The log is told where wrong keys come from, once a second of each address, and never
        which."""
        gate = self.gate(a=Key("a", ALL))
        events = logged(self)
        for _ in range(3):
            with self.assertRaises(WrongKey):
                self.bearer(gate, "my-secret", peer="2001:db8::1")
        [event] = events
        self.assertEqual((event["address"], event["failures"]), ("2001:db8::/64", 1))
        self.assertNotIn("my-secret", str(event))

    def test_watching(self) -> None:
        """Who watches is told when keys are read again, and at the moment when one expires, also
        one that does so long after."""
        told: list[float] = []
        gate = self.gate(a=Key("a", ALL, expires=10_000.0), b=Key("b", ALL, expires=2.5))
        gate.keeper.watch(lambda: told.append(self.clock.seconds()))
        self.clock.advance(2.4)
        self.assertEqual(told, [])
        self.clock.advance(0.1)
        self.assertEqual(told, [2.5])
        gate.keeper.replace({digest(b"a"): Key("a", ALL, expires=10_000.0)})
        self.assertEqual(len(told), 2)
        self.clock.pump([1000.0] * 10)
        self.assertIn(10_002.5, told)
        gate.keeper.replace({})
        self.assertEqual(self.clock.getDelayedCalls(), [])


class BearerTests(GateCase):
    """What a bearer may."""

    def test_judged(self) -> None:
        """Nothing is asked that may not be, and all of it is counted."""
        gate = self.gate(a=Key("a", frozenset({Scope.READ}), ("p1",)))
        bearer = self.bearer(gate, "a")
        self.successResultOf(bearer.ask(Command.parse("get_status", processor="p1")))
        for operation, processor in (("learn", "p1"), ("get_status", "p2")):
            self.failureResultOf(
                bearer.ask(Command.parse(operation, processor=processor)), Forbidden
            )
        self.failureResultOf(bearer.subscribe(Wish("p2"), lambda _: None), Forbidden)
        with self.assertRaises(Forbidden):
            bearer.judge_server("stats")
        self.assertEqual([each.processor for each in self.source.commands], ["p1"])
        self.assertEqual(gate.keeper.statistics()["forbidden"], 4)

    def test_rate(self) -> None:
        """A key makes so many requests a second, of all who have it together; when the next one
        may be made is told."""
        gate = self.gate(a=Key("a", ALL, rate=1.0), b=Key("b", ALL))
        ask = Command.parse("get_status", processor="p1")
        one, other = self.bearer(gate, "a"), self.bearer(gate, "a")
        self.successResultOf(one.ask(ask))
        self.successResultOf(other.subscribe(Wish("p1"), lambda _: None))
        for bearer in (one, other):
            error = self.failureResultOf(bearer.ask(ask), TooManyRequests).value
            self.assertEqual(
                error.message, "rate: more requests than this key may make, 1 a second"
            )
            self.assertEqual(error.retry_after, 1)
        self.successResultOf(self.bearer(gate, "b").ask(ask))
        self.clock.advance(1)
        self.successResultOf(one.ask(ask))
        self.assertEqual(gate.keeper.statistics()["over_rate"], 2)

    def test_begun(self) -> None:
        """A request counts once with what is asked first in it, whatever comes of it; what else is
        asked in it counts for itself."""
        gate = self.gate(a=Key("a", ALL, rate=2.0))
        ask = Command.parse("get_status", processor="p1")
        bearer = self.bearer(gate, "a")
        bearer.begin()
        begun = bearer.begin()
        for _ in range(3):
            self.successResultOf(begun.ask(ask))
        self.failureResultOf(begun.ask(ask), TooManyRequests)
        with self.assertRaises(TooManyRequests):
            bearer.begin()

    def test_changed(self) -> None:
        """Who is there already has what his key grants now, and nothing once it is gone."""
        gate = self.gate(a=Key("a", frozenset({Scope.READ})))
        bearer, learn = self.bearer(gate, "a"), Command.parse("learn", processor="p1")
        self.failureResultOf(bearer.ask(learn), Forbidden)
        gate.keeper.replace({digest(b"a"): Key("a", ALL)})
        self.successResultOf(bearer.ask(learn))
        gate.keeper.replace({})
        self.failureResultOf(bearer.ask(learn), Unauthorized)
        self.failureResultOf(bearer.subscribe(Wish("p1"), lambda _: None), Unauthorized)
        self.assertFalse(bearer.holds or bearer.sees("p1") or bearer.name)

    def test_guest(self) -> None:
        """Who has told no key may ping the server."""
        gate = self.gate(a=Key("a", ALL))
        self.assertTrue(gate.is_guest(gate.anybody))
        self.successResultOf(gate.anybody.ask(Command.parse("ping")))
        self.failureResultOf(gate.anybody.ask(Command.parse("list_processors")), Forbidden)


class SightTests(GateCase):
    """What is told of all processors to one who sees some."""

    def setUp(self) -> None:
        super().setUp()
        self.me = self.bearer(self.gate(a=Key("a", ALL, ("a*",))), "a")

    def test_pages(self) -> None:
        """All pages are gone through, and one is made of what is seen."""
        asked = [("a1", 2, None), ("", 2, "a2"), ("a2", 9, None), ("a9", 2, None)]
        seen = ["a1", "a2", "a3"]
        for after, limit, going_on in asked:
            self.source.pages = [
                page(["a1", "b1"], next="b1", away=["a8", "b8"]),
                page(["a2", "a3", "b2"], away=["a9", "b9"]),
            ]
            params = {"limit": limit, **({"after": after} if after else {})}
            fields = self.successResultOf(
                self.me.ask(Command.parse("list_processors", params))
            ).fields
            later = [each for each in seen if each > after][:limit]
            self.assertEqual([each["id"] for each in fields["processors"]], later)
            self.assertEqual((fields["total"], fields["next"]), (3, going_on))
            away = [each for each in ("a8", "a9") if each > after]
            self.assertEqual([each["id"] for each in fields.get("unavailable", ())], away)
        first, second = (each.params for each in self.source.commands[:2])
        self.assertEqual(
            (first, second), (ListProcessors(MAX_PAGE), ListProcessors(MAX_PAGE, "b1"))
        )

    def test_failure(self) -> None:
        """Where a page cannot be had, there is no list."""

        def fails(command: Command) -> "Deferred[Reply]":
            raise ProcessorUnavailable("gone")

        self.patch(self.source, "ask", fails)
        self.failureResultOf(self.me.ask(Command.parse("list_processors")), ProcessorUnavailable)

    def test_comings(self) -> None:
        """Events are numbered by those that are seen, in an epoch of one's own; of services nothing
        is told, but that all must be read anew."""
        told: list[Event] = []
        wish = Wish.parse(None, {"since": 3, "epoch": "theirs"})
        begun = self.successResultOf(self.me.subscribe(wish, told.append))
        self.assertEqual((begun.offset, begun.recovered, begun.events), (0, False, ()))
        self.assertNotEqual(begun.epoch, "theirs")
        self.assertEqual(self.source.wish, Wish(None, TOPICS_OF_ALL))
        [listener] = self.source.listeners
        for offset, processor in enumerate(("b1", "a1", "b1", "a2"), 8):
            listener(Event(PROCESSORS, processor, offset, 1.0, {"change": "came"}, epoch="theirs"))
        listener(Event(STATUS, "", 11, 1.0, {"state": "away", "service": "x"}, epoch="theirs"))
        listener(Event(STATUS, "", 0, 1.0, {"epoch": "new", "recovered": False}, epoch="new"))
        listener(Event(PROCESSORS, "a1", 1, 1.0, {"change": "went"}, epoch="new"))
        self.assertEqual(
            [(each.topic, each.processor, each.offset) for each in told],
            [(PROCESSORS, "a1", 1), (PROCESSORS, "a2", 2), (STATUS, "", 0), (PROCESSORS, "a1", 1)],
        )
        self.assertEqual(told[2].data["epoch"], told[2].epoch)
        self.assertEqual(len({begun.epoch, told[2].epoch, "new", "theirs"}), 4)
        begun.cancel()
        self.assertEqual(self.source.listeners, [])


def page(ids: list[str], *, next: str | None = None, away: list[str]) -> dict[str, Any]:
    """What a source answers."""
    return {
        "processors": [{"id": each} for each in ids],
        "total": 99,
        "next": next,
        "unavailable": [{"id": each, "service": "x"} for each in away],
    }
