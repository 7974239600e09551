"""Who owns which processor, case by case; the laws are in L{tests.test_roster_laws}."""

from collections.abc import Iterable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato import roster as module
from kato.claims import Claims
from kato.errors import Conflict, ProcessorUnavailable, TooManyRequests
from kato.placement import Candidate, Least
from kato.roster import AWAITED, RESERVED, SETTLING, Announcement, First, Roster, Standing, Verdict

LEASE = 10.0
A = "tcp://a:5555"
B = "tcp://b:5555"
GATEWAYS = ("tcp://g0:5550", "tcp://g1:5550")


class RosterTests(SynchronousTestCase):
    """L{Roster}, told of services."""

    def setUp(self) -> None:
        self.now = 1000.0
        self.roster = Roster(now=0.0)

    def tell(self, address: str, *processors: str, **more: Any) -> Verdict:
        """A service tells of itself."""
        told: dict[str, Any] = {
            "service": address.removeprefix("tcp://"),
            "boot": "1",
            "gateways": GATEWAYS,
            "lease": LEASE,
            **more,
        }
        return self.roster.announce(
            Announcement(address=address, processors=frozenset(processors), **told), now=self.now
        )

    def owner(self, processor: str) -> str | None:
        claim = self.roster.claim(processor)
        return None if claim is None else claim.service.address

    def place(self, processor: str, **loads: int) -> str:
        claim = self.roster.place(
            processor,
            now=self.now,
            loads={f"tcp://{name}:5555": load for name, load in loads.items()},
        )
        self.assertIs(self.roster.claim(processor), claim)
        return claim.service.address

    # Holding

    def test_holds(self) -> None:
        """What a service announces first is its own."""
        self.assertEqual(self.tell(A, "p", "q").refused, {})
        self.assertEqual((self.owner("p"), self.owner("q"), self.owner("r")), (A, A, None))

    def test_second_is_refused(self) -> None:
        """A claim on what another service has is refused, with the reason, and is news once; it
        is granted when the first service has given the processor up for good."""
        self.tell(A, "p")
        why = {"p": f"the service at {A} has it"}
        verdict = self.tell(B, "p", "q")
        self.assertEqual((verdict.refused, verdict.news), (why, ("p",)))
        self.assertEqual((self.owner("p"), self.owner("q")), (A, B))
        again = self.tell(B, "p", "q")
        self.assertEqual((again.refused, again.news), (why, ()))
        self.assertEqual(self.roster.services[B].refused, why)
        self.tell(A)
        self.now += RESERVED + LEASE
        self.tell(A)
        self.assertEqual(self.tell(B, "p", "q").refused, {})
        self.assertEqual(self.owner("p"), B)

    def test_stays_while_away(self) -> None:
        """A service whose lease has ended keeps its processors, and gets no new ones."""
        self.tell(A, "p")
        self.now += LEASE / 2
        self.tell(B, "q", "r")
        self.now += LEASE / 2
        [ended] = self.roster.expire(self.now)
        self.assertEqual((ended.address, ended.there), (A, False))
        self.assertEqual(self.roster.expire(self.now), [])
        self.assertEqual(self.owner("p"), A)
        self.assertIn("p", self.tell(B, "p", "q", "r").refused)
        self.assertEqual(self.place("new"), B)
        self.assertTrue(self.tell(A, "p").joined)

    def test_leaves(self) -> None:
        """A service that ends is not there any more; a word of an earlier start says nothing."""
        self.tell(A, "p", boot="2")
        self.assertIsNone(self.roster.leave(A, "1"))
        self.assertIsNone(self.roster.leave(B, "1"))
        self.assertIs(self.roster.leave(A, "2"), self.roster.services[A])
        self.assertFalse(self.roster.services[A].there)
        self.assertEqual(self.owner("p"), A)
        self.assertIsNone(self.roster.leave(A, "2"))

    def test_one_address(self) -> None:
        """A service that was started again goes on under its address; one whose address another
        has taken is refused."""
        self.tell(A, "p", boot="1")
        self.tell(A, "p", boot="2")
        error = self.assertRaises(Conflict, self.tell, A, "q", boot="1")
        self.assertEqual(
            error.message, f"address: another service has announced itself at {A} since"
        )
        self.assertIsNone(self.owner("q"))

    # Fixed services

    def test_fixed(self) -> None:
        """Fixed processors are never forgotten, and nobody else gets them."""
        self.roster = Roster(fixed={"p": A}, now=0.0)
        self.assertEqual(self.owner("p"), A)
        self.assertTrue(self.roster.services[A].there)
        refused = self.tell(B, "p").refused
        self.assertEqual(refused, {"p": f"it is fixed to the service at {A}"})
        self.roster.deleted("p", now=self.now)
        self.assertEqual(self.owner("p"), A)
        self.assertEqual(self.tell(A, "p", "q").refused, {})
        self.now += LEASE
        self.roster.expire(self.now)
        self.assertTrue(self.roster.services[A].there)
        self.assertEqual((self.owner("p"), self.owner("q")), (A, A))
        self.assertEqual(set(self.roster.processors()), {"p", "q"})

    def test_fixed_services_get_nothing_new(self) -> None:
        """A service that does not announce itself gets no new processors."""
        self.roster = Roster(fixed={"p": A}, now=0.0)
        self.assertRaises(ProcessorUnavailable, self.place, "new")

    # New processors

    def test_least(self) -> None:
        """Processors that were placed and are not announced yet are counted, those that were
        deleted are not."""
        self.tell(A, "p")
        self.tell(B)
        self.assertEqual([self.place(each) for each in ("r", "s", "t")], [B, A, B])
        self.assertEqual(self.roster.counts, {"placed": 3, "freed": 0})
        self.roster.deleted("r", now=self.now)
        self.assertEqual(self.place("u"), B)
        self.assertEqual(self.roster.counts, {"placed": 3, "freed": 1})

    def test_who_answers(self) -> None:
        """A service that does not answer gets nothing, unless none does."""
        self.tell(A)
        self.tell(B, "p")
        self.assertEqual(self.place("q", b=0), B)
        self.assertEqual(self.place("r"), A)

    def test_announced_load(self) -> None:
        """A service is as busy as it says, or as this gateway makes it."""
        loads: list[int] = []

        class Watching(Least):
            def choose(self, candidates: Iterable[Candidate]) -> str:
                given = list(candidates)
                loads.extend(each.under_way for each in given)
                return super().choose(given)

        self.roster = Roster(placement=Watching(), now=0.0)
        self.tell(A, under_way=5)
        self.tell(B, under_way=1)
        self.place("p", a=2, b=3)
        self.assertEqual(loads, [5, 3])

    def test_placed_is_kept(self) -> None:
        """A placed processor keeps its place until it is announced, or its service has had the
        time to make it and says that it has not."""
        self.tell(A)
        self.place("p")
        self.now += RESERVED - 1
        self.tell(A)
        self.assertEqual(self.owner("p"), A)
        self.roster.renew("p", now=self.now, known=False)
        self.now += RESERVED - 1
        self.tell(A)
        self.assertEqual(self.owner("p"), A)
        self.now += 1
        self.assertEqual(self.owner("p"), A)
        self.tell(A)
        self.assertIsNone(self.owner("p"))
        self.assertEqual(self.roster.counts, {"placed": 0, "freed": 0})

    def test_placed_and_announced(self) -> None:
        """A placed processor that is announced is held."""
        self.tell(A)
        self.place("p")
        self.tell(A, "p")
        claim = self.roster.claim("p")
        assert claim is not None
        self.assertIs(claim.standing, Standing.HELD)
        self.assertEqual(self.roster.counts["placed"], 0)

    def test_released(self) -> None:
        """A placement of which nothing came is undone, unless others have heard of it."""
        self.tell(A)
        self.place("p")
        self.roster.release("p")
        self.assertIsNone(self.owner("p"))
        self.place("p")
        self.roster.renew("p", now=self.now, known=True)
        self.roster.release("p")
        self.assertEqual(self.owner("p"), A)
        self.place("q")
        self.roster.confirm("q")
        self.roster.release("q")
        self.assertEqual(self.owner("q"), A)
        self.roster.confirm("unknown")
        self.roster.release("unknown")

    def test_deleted(self) -> None:
        """A deleted processor is as good as gone; until that is certain everywhere, it would be
        made where it was."""
        self.tell(A, "p")
        self.roster.deleted("p", now=self.now)
        self.assertEqual(self.owner("p"), A)
        self.assertEqual(list(self.roster.processors()), [])
        self.now += RESERVED + LEASE
        self.tell(A)
        self.assertIsNone(self.owner("p"))
        self.roster.deleted("p", now=self.now)

    def test_made_again(self) -> None:
        """A deleted processor that is made again is held again."""
        self.tell(A, "p")
        self.roster.deleted("p", now=self.now)
        self.tell(A, "p")
        self.now += RESERVED + LEASE
        self.tell(A, "p")
        self.assertEqual(self.owner("p"), A)
        self.assertEqual(self.roster.counts["freed"], 0)

    def test_nobody(self) -> None:
        """Without a service nothing is placed."""
        error = self.assertRaises(ProcessorUnavailable, self.place, "p")
        self.assertEqual(error.retry_after, 1)

    def test_too_many(self) -> None:
        """What is placed and does not come about is bounded."""
        self.patch(module, "MAX_PLACED", 2)
        self.tell(A)
        self.place("p")
        self.place("q")
        self.assertRaises(TooManyRequests, self.place, "r")
        self.tell(A, "p")
        self.place("r")

    # Several gateways

    def test_first(self) -> None:
        """The first gateway is the one that all services that are there name."""
        self.assertIsNone(self.roster.first())
        self.tell(A)
        self.assertEqual(self.roster.first(), First(True, GATEWAYS[0]))
        self.tell(B, gateways=GATEWAYS[::-1], rank=1)
        error = self.assertRaises(ProcessorUnavailable, self.roster.first)
        self.assertIn(", ".join(GATEWAYS), error.message)
        self.roster.leave(A, "1")
        self.assertEqual(self.roster.first(), First(False, GATEWAYS[1]))

    def test_word_of_the_first(self) -> None:
        """Where two services were confirmed, the later word of the first gateway counts."""
        self.tell(A, "p", rank=1, as_of=5)
        self.assertIn("p", self.tell(B, "p", rank=1, as_of=4).refused)
        self.assertEqual(self.tell(B, "p", rank=1, as_of=6).refused, {})
        self.assertEqual(self.owner("p"), B)
        self.assertEqual(self.roster.services[A].held, set())
        self.assertIn("p", self.tell(A, "p", rank=1, as_of=5).refused)

    def test_unconfirmed(self) -> None:
        """What was not confirmed is believed where nobody else claims it, and given up for what
        was."""
        self.tell(A, unconfirmed=frozenset({"p", "q"}), rank=1)
        self.assertEqual((self.owner("p"), self.owner("q")), (A, A))
        self.assertIn("q", self.tell(B, unconfirmed=frozenset({"q"}), rank=1).refused)
        self.assertEqual(self.tell(B, "p", rank=1, as_of=1).refused, {})
        self.assertEqual((self.owner("p"), self.owner("q")), (B, A))

    def test_undecided(self) -> None:
        """As long as services are awaited, what would be given up is not granted."""
        self.now = SETTLING - 0.1
        self.assertFalse(self.roster.settled(self.now))
        verdict = self.tell(A, unconfirmed=frozenset({"p"}))
        self.assertEqual((verdict.undecided, verdict.refused), ({"p"}, {}))
        self.assertIsNone(self.owner("p"))
        self.tell(B, "p")
        self.now = SETTLING
        self.assertTrue(self.roster.settled(self.now))
        self.assertIn("p", self.tell(A, unconfirmed=frozenset({"p"})).refused)
        self.assertEqual(self.owner("p"), B)

    def test_awaited(self) -> None:
        """A first gateway that was started again waits for the services that others remember to
        have held something, but not for ever."""
        self.tell(A, "p")
        self.tell(B)
        self.assertEqual(self.roster.members(), [A])
        self.place("q")
        self.assertEqual(self.roster.members(), [A, B])
        self.roster = Roster(now=self.now)
        members = frozenset({A, B})
        self.tell(B, rank=1, members=members)
        self.assertEqual(self.roster.awaited(self.now), [])
        self.tell(B, members=members)
        self.assertEqual(self.roster.awaited(self.now), [A])
        self.assertEqual(self.roster.awaited(self.now + AWAITED), [])
        self.tell(A, "p", members=members)
        self.tell(B, members=members)
        self.assertEqual(self.roster.awaited(self.now), [])

    def test_others_free_at_once(self) -> None:
        """Who does not decide keeps nothing of what is gone: it asks."""
        self.tell(A, "p", "q", rank=1)
        self.tell(A, "q", rank=1)
        self.roster.deleted("q", now=self.now)
        self.assertEqual((self.owner("p"), self.owner("q")), (None, None))

    def test_as_of(self) -> None:
        """The first gateway numbers what it decides, upwards, also after it was started again; the
        others number nothing."""
        first, second = self.tell(A).as_of, self.tell(A).as_of
        self.assertGreater(second, first)
        self.roster = Roster(now=self.now)
        self.now += 1
        self.assertGreater(self.tell(A).as_of, second)
        self.assertEqual(self.tell(B, rank=1).as_of, 0)


class ClaimsTests(SynchronousTestCase):
    """L{Claims}: what a service tells to whom."""

    HELD = frozenset({"p", "q"})

    def test_before_the_first_has_spoken(self) -> None:
        """The first gateway is told all; the others nothing for certain."""
        claims = Claims()
        self.assertFalse(claims.answered)
        told = claims.to_first(self.HELD)
        self.assertEqual((told.processors, told.unconfirmed, told.as_of), (self.HELD, set(), 0))
        told = claims.to_others(self.HELD, first_is_away=False)
        self.assertEqual((told.processors, told.unconfirmed), (set(), set()))
        told = claims.to_others(self.HELD, first_is_away=True)
        self.assertEqual((told.processors, told.unconfirmed), (set(), self.HELD))

    def test_confirmed(self) -> None:
        """The others are told what was confirmed, and never what was refused."""
        claims = Claims()
        claims.judged(claims.to_first(self.HELD), {"q": "no"}, frozenset(), 7)
        self.assertTrue(claims.answered)
        for away in (False, True):
            told = claims.to_others(self.HELD, first_is_away=away)
            self.assertEqual((told.processors, told.unconfirmed, told.as_of), ({"p"}, set(), 7))

    def test_new(self) -> None:
        """What is new is told to the others when it is confirmed, or when the first gateway is
        away."""
        claims = Claims()
        claims.judged(claims.to_first(frozenset({"p"})), {}, frozenset(), 7)
        told = claims.to_others(self.HELD, first_is_away=False)
        self.assertEqual((told.processors, told.unconfirmed), ({"p"}, set()))
        told = claims.to_others(self.HELD, first_is_away=True)
        self.assertEqual((told.processors, told.unconfirmed), ({"p"}, {"q"}))

    def test_not_insisted_on(self) -> None:
        """What was refused is claimed for what it is, until that is decided otherwise."""
        claims = Claims()
        claims.judged(claims.to_first(self.HELD), {"q": "no"}, frozenset(), 7)
        told = claims.to_first(self.HELD)
        self.assertEqual((told.processors, told.unconfirmed), ({"p"}, {"q"}))
        claims.judged(told, {}, frozenset({"q"}), 8)
        self.assertEqual(claims.to_first(self.HELD).unconfirmed, {"q"})
        claims.judged(told, {}, frozenset(), 9)
        self.assertEqual(claims.to_first(self.HELD).processors, self.HELD)
