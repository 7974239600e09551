"""What services compute for each other: every answer is the one without a cache."""

from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.commands import Command
from kato.engine import Processor
from kato.engine.python_matcher import PythonMatcher
from kato.errors import KatoError
from kato.long_turns import LongTurns
from kato.questions import FORESEEN, questions_of
from kato.turn import foresee, take_turn
from tests.caching.memory import MemoryCache
from tests.doubles import Threads, at_once
from tests.engine.providers import law
from tests.engine.worlds import CHANGES, Operation, carry_out, histories

ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_predictions", {}),
    ("get_forecast", {}),
    ("get_forecast", {"limit": 1}),
    ("get_cognition_data", {}),
    *((("get_predictions", {"unique_id": f"u{i}"})) for i in range(4)),
)


def engine(name: str = "p", *, fingerprinted: bool = True) -> Processor:
    return Processor(name, matcher=PythonMatcher, fingerprinted=fingerprinted)


def experienced(name: str = "p") -> Processor:
    """One that has something to predict."""
    made = engine(name)
    for strings in (["a", "b"], ["c"]):
        carry_out(made, ("observe", {"strings": strings, "emotives": {"joy": 0.5}}, None))
    carry_out(made, ("learn", {}, None))
    carry_out(made, ("observe", {"strings": ["a", "b"]}, None))
    return made


def plainly(processor: Processor, command: Command) -> bytes:
    """An answer as it is written, or the error."""
    try:
        outcome = take_turn(processor, command, now=0.0, make_id=lambda: "made")
    except KatoError as error:
        return encode_json({"error": str(error)})
    return encode_json(outcome.reply.as_dict())


def foreseen(processor: Processor) -> bytes:
    return encode_json(foresee(processor).data())


class LawTests(SynchronousTestCase):
    """Services that hold a processor one after the other, and one that lives on alone."""

    @law(120)
    @given(histories(14), st.lists(st.tuples(CHANGES, st.booleans()), max_size=6))
    def test_equal(self, operations: list[Operation], then: list[tuple[Operation, bool]]) -> None:
        """After any history each answer is byte for byte the one without a cache, whether it was
        computed or found, and also where what was kept is damaged."""
        cache = MemoryCache()
        alone = engine(fingerprinted=False)
        services = [(engine(), LongTurns(at_once, cache, worth=0.0)) for _ in range(2)]
        for operation in operations:
            self.everywhere(operation, alone, services)
        self.compare(alone, services)
        for operation, damages in then:
            self.everywhere(operation, alone, services)
            if damages:
                cache.values = {key: value[:-1] + b"?" for key, value in cache.values.items()}
            self.compare(alone, services)

    def everywhere(self, operation: Operation, alone: Processor, services: Any) -> None:
        for each in (alone, *(one for one, _ in services)):
            carry_out(each, operation)

    def compare(self, alone: Processor, services: Any) -> None:
        for operation, params in ASKED:
            command = Command.parse(operation, params, "p", None)
            expected = plainly(alone, command)
            for one, turns in services:
                got = turns.take(one, questions_of(command), partial(plainly, one, command))
                self.assertEqual(self.successResultOf(got), expected)
        expected = foreseen(alone)
        for one, turns in services:
            got = turns.take(one, FORESEEN, partial(foreseen, one))
            self.assertEqual(self.successResultOf(got), expected)


class LongTurnsTests(SynchronousTestCase):
    """Single turns."""

    def setUp(self) -> None:
        self.cache = MemoryCache()
        self.turns = LongTurns(at_once, self.cache, worth=0.0)

    def predictions(self, processor: Processor, turns: LongTurns | None = None) -> Any:
        taken = (turns or self.turns).take(
            processor, FORESEEN[:1], lambda: processor.predictions().json()
        )
        return self.successResultOf(taken)

    def told(self, turns: LongTurns | None = None) -> dict[str, Any]:
        statistics = (turns or self.turns).statistics()
        assert statistics is not None
        return statistics

    def test_found(self) -> None:
        """What one service computed another one finds: it matches nothing."""
        computed = self.predictions(experienced())
        other = experienced()
        other._knowledge.kept = None  # type: ignore[assignment,method-assign]  # nothing matches
        self.assertEqual(self.predictions(other), computed)
        self.assertEqual((self.told()["hits"], self.told()["misses"]), (1, 1))

    def test_known(self) -> None:
        """What is known here is looked for nowhere."""
        processor = experienced()
        self.predictions(processor)
        self.predictions(processor)
        self.assertEqual(len(self.cache.looks), 1)

    def test_processors(self) -> None:
        """Processors with the same models share nothing, and no key tells whose it is."""
        self.predictions(experienced("alice"))
        self.predictions(experienced("bob"))
        self.assertEqual(self.told()["hits"], 0)
        self.assertEqual(len(self.cache.values), 2)
        for key in self.cache.values:
            self.assertRegex(key, "^kato:[0-9a-f]{64}$")

    def test_damaged(self) -> None:
        """What is damaged is computed, counted, and kept anew."""
        computed = self.predictions(experienced())
        [key] = self.cache.values
        whole = self.cache.values[key]
        self.cache.values[key] = whole[:-1]
        self.assertEqual(self.predictions(experienced()), computed)
        self.assertEqual((self.told()["hits"], self.told()["damaged"]), (0, 1))
        self.assertEqual(self.cache.values[key], whole)

    def test_not_worth_it(self) -> None:
        """Where computing is fast it is neither looked nor kept, but for the first look."""
        turns = LongTurns(at_once, self.cache, worth=3600.0)
        processor = experienced()
        for symbol in ("c", "d", "e"):
            self.predictions(processor, turns)
            carry_out(processor, ("observe", {"strings": [symbol]}, None))
        self.assertEqual((len(self.cache.looks), self.cache.values), (1, {}))

    def test_unknown_observation(self) -> None:
        """Of an observation that is not remembered the turn itself tells that."""
        command = Command.parse("get_predictions", {"unique_id": "none"}, "p", None)
        processor = experienced()
        taken = self.turns.take(
            processor,
            questions_of(command),
            lambda: take_turn(processor, command, now=0.0, make_id=str),
        )
        self.failureResultOf(taken, KatoError)
        self.assertEqual(self.cache.looks, [])

    def test_nobody_waits(self) -> None:
        """An answer is given before it is kept."""
        threads = Threads()
        turns = LongTurns(threads, self.cache, worth=0.0)
        processor = experienced()
        taken: Deferred[bytes] = turns.take(
            processor, FORESEEN[:1], lambda: processor.predictions().json()
        )
        threads.run()
        threads.run()
        self.successResultOf(taken)
        self.assertEqual(self.cache.values, {})
        threads.run()
        self.assertEqual(len(self.cache.values), 1)

    def test_without(self) -> None:
        """Without a cache a turn is taken, and there is nothing to tell."""
        turns = LongTurns(at_once)
        self.predictions(experienced(), turns)
        self.assertEqual((turns.statistics(), turns.seconds), (None, None))
