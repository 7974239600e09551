"""How much the answer to a document may hold, and the answers to all."""

import gc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command, Reply
from kato.errors import KatoError, PayloadTooLarge, TooManyRequests
from kato.limits import Limits
from kato.protocols.graphql.answers import Answers
from kato.protocols.graphql.executing import PlainExecutor
from kato.protocols.graphql.room import BRIEF, ERROR, FEW, SHORT, Holding, Measured, Room, Told
from kato.protocols.graphql.sizes import NOTABLE, SHIFT, Known, size_of
from kato.settings import Settings
from tests.graphql.asking import Asking
from tests.graphql.test_sockets import SocketTestCase

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda each: st.lists(each, max_size=9) | st.dictionaries(st.text(max_size=20), each),
)
EVENTS = st.lists(st.lists(st.text(max_size=20), max_size=4), max_size=30)

OBSERVE = 'observe(processor: "p1", observation: {strings: ["a", "b"]}) { interval %s }'
OBSERVE_SEQUENCE = """
mutation ($observations: [ObservationInput!]!) {
  observeSequence(processor: "p1", observations: $observations) { events }
}
"""
MEMORY = '{ processor(id: "p1") { shortTermMemory } }'


def counted(value: object) -> tuple[int, int]:
    """How many values and keys there are, one by one, and how many characters."""
    if isinstance(value, str):
        return 1, len(value)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        counts, characters = zip(*map(counted, value), strict=True) if value else ((), ())
        return 1 + sum(counts), sum(characters)
    return 1, 0


def many(field: str, number: int = 80) -> str:
    """The same field under so many names."""
    return " ".join(f"a{each}: {field}" for each in range(number))


class SizeTests(SynchronousTestCase):
    """What values count."""

    @given(VALUES)
    def test_law(self, value: object) -> None:
        """All values count, the keys of objects, too, and eight characters as one more."""
        values, characters = counted(value)
        self.assertEqual(size_of(value), values + characters // 2**SHIFT)

    @given(EVENTS)
    def test_events(self, events: list[list[str]]) -> None:
        """So do those of a list of events, which is remembered where it is long."""
        known: Known = {}
        values, characters = counted(events)
        size = size_of({"events": events, "": None}, known)
        alone = values + characters // 2**SHIFT
        self.assertEqual(size, 4 + values + (characters + len("events")) // 2**SHIFT)
        self.assertEqual(known.get(id(events)), alone if values > NOTABLE + 1 else None)

    def test_long(self) -> None:
        """A list that is longer than what is counted at a time is counted whole, whatever its last
        entry is."""
        plain = [["", ""]] * 10_000
        self.assertEqual(size_of(plain), 1 + 3 * 10_000)
        self.assertEqual(size_of([*plain, {"a": 1}]), 1 + 3 * 10_000 + 3)
        self.assertEqual(size_of([*[""] * 10_000, None]), 10_002)


def reply(number: int) -> Reply:
    """An answer of so many values."""
    return Reply("m", 1.0, {"interval": 1, "short_term_memory": [""] * (number - 2)})


QUESTION = Command.parse("get_short_term_memory", {}, "p1")
CHANGE = Command.parse("observe", {"strings": ["a"]}, "p1")


class HoldingTests(SynchronousTestCase):
    """What one document holds, among others."""

    def setUp(self) -> None:
        self.room = Room(100_000)
        self.holdings: list[Holding] = []

    def holding(self, whose: str) -> Holding:
        self.holdings.append(Holding(self.room, whose))
        return self.holdings[-1]

    def take(self, holding: Holding, number: int, command: Command = QUESTION) -> Any:
        return holding.take(command, reply(number), Measured.of(reply(number)))

    def test_limit(self) -> None:
        """A document has as much as it may, and of what is over that nothing is kept."""
        holding = self.holding("a")
        self.assertIsInstance(self.take(holding, 60_000), Reply)
        refused = self.take(holding, 60_000)
        self.assertIsInstance(refused, PayloadTooLarge)
        self.assertEqual(
            refused.message, "answer: 120,000 values or more are over the limit of 100,000"
        )
        self.assertEqual(self.room.held, 60_000)
        self.assertIsInstance(self.take(holding, 40_000), Reply)
        holding.release()
        self.assertEqual(self.room.held, 0)

    def test_changes(self) -> None:
        """What was changed is told as far as it is brief, and why the rest is not."""
        holding = self.holding("a")
        told = self.take(holding, 200_000, CHANGE)
        self.assertEqual(told.fields["interval"], 1)
        self.assertIsInstance(told.fields["short_term_memory"], PayloadTooLarge)
        self.assertEqual(self.room.held, 1)

    def test_shares(self) -> None:
        """A client has half of what others leave, in all of his documents; with every further
        client all together have less than twice what one document may have."""
        self.assertIsInstance(self.take(self.holding("a"), 99_000), Reply)
        refused = self.take(self.holding("a"), FEW)
        self.assertIsInstance(refused, Reply)
        refused = self.take(self.holding("a"), FEW + 1)
        self.assertIsInstance(refused, TooManyRequests)
        others = [self.holding(str(each)) for each in range(5)]
        for each in others:
            room = self.room.share(self.room.client("another"))
            self.assertIsInstance(self.take(each, room + 1), TooManyRequests)
            self.assertIsInstance(self.take(each, room), Reply)
        self.assertLess(self.room.held, 200_000)

    def test_brief(self) -> None:
        """What is brief is taken however much there is."""
        self.take(self.holding("a"), 100_000)
        holding = self.holding("a")
        for _ in range(FEW // BRIEF):
            self.assertIsInstance(self.take(holding, BRIEF), Reply)
        self.assertIsNone(holding.refusal())
        self.take(holding, BRIEF)
        self.assertIsInstance(holding.refusal(), TooManyRequests)

    def test_told(self) -> None:
        """What is told under several names counts each time."""
        holding = self.holding("a")
        self.take(holding, 40_000)
        for _ in range(2):
            told = holding.tell(changes=False)
            told.add(40_000)
            told.add(40_000)
            self.assertRaises(PayloadTooLarge, told.add, 40_000)
            told.add(20_000)
            told.add(SHORT)
            self.assertRaises(PayloadTooLarge, told.add, FEW)
            told.add(FEW - SHORT)
            told.add(SHORT)
            self.assertRaises(PayloadTooLarge, told.add, SHORT + 1)
            self.assertRaises(PayloadTooLarge, told.add, 1, brief=0)
            holding.told(told, errors=2)
            self.assertEqual(self.room.held, 100_000 + FEW + SHORT + 2 * ERROR)
        holding.release()
        self.assertEqual(self.room.held, 0)

    def test_overdrawn(self) -> None:
        """Who has much more than his share is told nothing, but what he has done already."""
        errors = self.holding("a")
        begun = self.holding("a")
        self.take(begun, 10, CHANGE)
        errors.told(begun.tell(changes=True), 124_000 // ERROR)
        self.assertIsInstance(self.holding("a").tell(changes=True), Told)
        errors.told(begun.tell(changes=True), 126_000 // ERROR)
        self.assertRaises(TooManyRequests, self.holding("a").tell, changes=True)
        self.assertRaises(TooManyRequests, begun.tell, changes=False)
        self.assertIsInstance(begun.tell(changes=True), Told)
        self.assertIsInstance(self.holding("b").tell(changes=False), Told)

    def test_nothing_left(self) -> None:
        """Who has nothing is answered in brief where others have all, and more."""
        for each in "abc":
            holding = self.holding(each)
            holding.told(holding.tell(changes=True), 120_000 // ERROR)
        other = self.holding("d")
        self.assertEqual(self.room.share(self.room.client("d")), 0)
        self.assertIsInstance(other.tell(changes=False), Told)
        self.assertIsInstance(self.take(other, FEW), Reply)
        self.assertIsInstance(self.take(other, FEW + 1), TooManyRequests)


class AnswerTests(Asking):
    """Documents whose answers are long."""

    settings = Settings(limits=Limits(values=5_000))

    def told(self, query: str) -> tuple[Any, list[Any]]:
        """What a document tells, and which errors."""
        result = self.result(query)
        for error in result.get("errors", ()):
            self.assertEqual(error["extensions"]["code"], PayloadTooLarge.error_code)
            self.assertRegex(error["message"], r"^answer: [5-9],\d+ values .* limit of 5,000$")
        return result["data"], [each["path"] for each in result.get("errors", ())]

    def observe(self, events: int) -> None:
        for _ in range(0, events, 100):
            self.data(OBSERVE_SEQUENCE, observations=[{"strings": ["a", "b"]}] * 100)

    def test_changes(self) -> None:
        """Every change is done and told, with its list as long as there is room for it."""
        self.observe(100)
        data, paths = self.told(f"mutation {{ {many(OBSERVE % 'shortTermMemory')} }}")
        self.assertEqual([each["interval"] for each in data.values()], list(range(101, 181)))
        lists = [each["shortTermMemory"] for each in data.values()]
        fit = lists.index(None)
        self.assertEqual([len(each) for each in lists[:fit]], list(range(101, 101 + fit)))
        self.assertEqual(lists[fit:], [None] * (80 - fit))
        self.assertEqual(paths, [[f"a{each}", "shortTermMemory"] for each in range(fit, 80)])
        self.assertGreater(fit, 10)

    def test_left_out(self) -> None:
        """A list that a directive leaves out takes room as well: it came."""
        self.observe(100)
        left_out = OBSERVE % "shortTermMemory @skip(if: true)"
        data, paths = self.told(f"mutation {{ {many(left_out, 60)} last: {OBSERVE % 'events'} }}")
        self.assertEqual((data["last"]["events"], paths), (161, []))

    def test_names(self) -> None:
        """What is asked once and told under many names counts under each; what is brief is told
        behind it."""
        self.observe(100)
        asked = f'{{ processor(id: "p1") {{ {many("shortTermMemory")} status {{ events }} }} }}'
        data, paths = self.told(asked)
        lists = list(data["processor"].values())
        self.assertEqual(lists.pop(), {"events": 100})
        fit = lists.index(None)
        self.assertEqual(lists, [lists[0]] * fit + [None] * (80 - fit))
        self.assertEqual(paths, [["processor", f"a{each}"] for each in range(fit, 80)])
        self.assertGreater(fit, 10)

    def test_leaves(self) -> None:
        """So do long strings and free JSON."""
        self.data(
            """mutation ($observation: ObservationInput!) {
                observe(processor: "p1", observation: $observation) { events } }""",
            observation={
                "strings": ["a"],
                "uniqueId": "x" * 8_000,
                "metadata": {"a": [0.5] * 996},
            },
        )
        asked = f'{{ processor(id: "p1") {{ percept {{ {many("uniqueId")} }} }} }}'
        data, paths = self.told(asked)
        self.assertEqual(list(data["processor"]["percept"].values()).index(None), 4)
        self.assertEqual(len(paths), 76)
        data, paths = self.told(asked.replace("uniqueId", "metadata"))
        self.assertEqual(data, {"processor": {"percept": None}})
        self.assertEqual(paths, [["processor", "percept", "a4"]])

    def test_entries(self) -> None:
        """So do objects in lists."""
        for each in range(30):
            self.ask(
                "observe_sequence", observations=[{"strings": ["a", str(each)]}], learn_at_end=True
            )
        models = many("models(limit: 30) { nodes { name length frequency } }", 40)
        data, paths = self.told(f'{{ processor(id: "p1") {{ {models} }} }}')
        lists = list(data["processor"].values())
        fit = lists.index(None)
        self.assertEqual([len(each["nodes"]) for each in lists[:fit]], [30] * fit)
        self.assertEqual(len(paths), 40 - fit)
        self.assertGreater(fit, 10)

    def test_too_long(self) -> None:
        """An answer that is too long by itself is not told."""
        self.observe(3_000)
        self.assertEqual(
            self.told(MEMORY),
            ({"processor": {"shortTermMemory": None}}, [["processor", "shortTermMemory"]]),
        )

    def test_again(self) -> None:
        """Documents hold nothing any more when they were answered: the next one has as much
        room."""
        self.observe(1_500)
        for _ in range(5):
            self.assertEqual(self.told(MEMORY)[1], [])

    def test_circles(self) -> None:
        """Nor do they leave anything behind that only the collector frees, be they answered or
        refused."""
        self.observe(100)
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        changes = f"mutation {{ {many(OBSERVE % 'shortTermMemory')} }}"
        for query in (
            changes,
            MEMORY,
            MEMORY.replace("p1", "p2"),
            "{ __schema { types { name } } }",
        ):
            self.result(query)
        left = [each for each in gc.get_objects() if isinstance(each, LEFT)]
        self.assertEqual(left, [])


LEFT = (Answers, PlainExecutor, Holding, Reply, KatoError)


class WaitingTests(SocketTestCase):
    """Answers that wait for who reads them."""

    settings = Settings(limits=Limits(values=10_000))

    def test_unread(self) -> None:
        """An answer takes room until it was read; who is gone has none any more."""
        slow, other = self.begun(), self.begun()
        observations = [{"strings": ["a", "b"]}] * 2_000
        self.subscribe(other, "1", OBSERVE_SEQUENCE, observations=observations)
        self.assertEqual([each["type"] for each in other.told()], ["next", "complete"])
        for leave in (slow.read_on, slow.cut):
            slow.stall()
            self.subscribe(slow, "1", MEMORY)
            self.assertEqual(self.code(other), TooManyRequests.error_code)
            leave()
            self.assertIsNone(self.code(other))

    def code(self, client: Any) -> str | None:
        """Why a client's question is refused, if it is."""
        self.subscribe(client, "1", MEMORY)
        answer, _ = client.told()
        errors = answer["payload"].get("errors")
        return errors[0]["extensions"]["code"] if errors else None
