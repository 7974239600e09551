"""In which order a store in MongoDB does what it is asked."""

import random
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.storage.mongodb.turns import Turns

_ASKED = st.lists(
    st.tuples(st.booleans(), st.none() | st.frozensets(st.sampled_from("abc"), max_size=2)),
    max_size=12,
)


class TurnsTests(SynchronousTestCase):
    """L{Turns}."""

    def setUp(self) -> None:
        self.turns = Turns()
        self.running: dict[int, Deferred[None]] = {}

    def call(self, number: int) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.running[number] = Deferred()
            await self.running[number]
            del self.running[number]

        return run

    def ask(self, number: int, writes: bool, processors: frozenset[str] | None) -> "Deferred[None]":
        return self.turns.take(self.call(number), writes=writes, processors=processors)

    def test_beside(self) -> None:
        """A load does not hold up what concerns other processors, nor other loads."""
        self.ask(0, False, frozenset("a"))
        self.ask(1, False, frozenset("a"))
        self.ask(2, True, frozenset("b"))
        self.assertEqual(sorted(self.running), [0, 1, 2])
        self.ask(3, True, frozenset("a"))
        self.ask(4, False, None)
        self.assertEqual(sorted(self.running), [0, 1, 2])

    def test_failure(self) -> None:
        """What fails holds up nobody."""
        failing = self.ask(0, True, None)
        self.ask(1, True, None)
        at_rest = self.turns.at_rest()
        self.running[0].errback(LookupError())
        self.failureResultOf(failing, LookupError)
        self.assertNoResult(at_rest)
        self.running[1].callback(None)
        self.successResultOf(at_rest)

    def test_law(self) -> None:
        """Two that hang together never run at the same time, and run as they were asked; all run in
        the end."""

        @settings(deadline=None, max_examples=200)
        @given(_ASKED, st.integers(0, 2**32))
        def law(asked: list[tuple[bool, frozenset[str] | None]], seed: int) -> None:
            self.setUp()
            chance = random.Random(seed)
            done = [self.ask(number, *each) for number, each in enumerate(asked)]
            ended: list[int] = []
            while self.running:
                for one in self.running:
                    for other in range(one):
                        if _hang_together(asked[one], asked[other]):
                            self.assertIn(other, ended)
                chosen = chance.choice(sorted(self.running))
                ended.append(chosen)
                self.running[chosen].callback(None)
            for each in done:
                self.successResultOf(each)

        law()


def _hang_together(
    one: tuple[bool, frozenset[str] | None], other: tuple[bool, frozenset[str] | None]
) -> bool:
    if one[0] and other[0]:
        return True
    if not one[0] and not other[0]:
        return False
    return one[1] is None or other[1] is None or bool(one[1] & other[1])
