"""What every store must do: its tests derive from this."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from kato.changes import (
    Changes,
    Deletion,
    NumberedEvent,
    Percept,
    Snapshot,
    State,
    StoredVector,
    Window,
)
from kato.engine import Processor
from kato.model import Model
from kato.observation import Observation
from kato.storage.interface import IStore
from tests.engine.dumping import DumpingMatcher
from tests.engine.worlds import CHANGES, carry_out
from tests.engine.worlds import everything as told
from tests.storage.samples import answer, changes, everything, model, whole

_T = TypeVar("_T")


def learned(symbol: str) -> StoredVector:
    return StoredVector(symbol, (1.0,), True)


def pending(symbol: str) -> StoredVector:
    return StoredVector(symbol, (1.0,), False)


class ModelsElsewhere(Collection[Model]):
    """Models that are not held, and perhaps cannot be read to their end."""

    def __init__(self, models: Sequence[Model], *, breaks: bool = False) -> None:
        self._models = models
        self._breaks = breaks

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, sought: object) -> bool:
        return sought in self._models

    def __iter__(self) -> Iterator[Model]:
        yield from self._models
        if self._breaks:
            raise EOFError("cut off")


class StoreContract(TestCase):
    """The contract of L{IStore}."""

    timeout = 600

    kept_deletions = 5
    """How many deletions the provider keeps here."""

    def make_store(self) -> IStore:
        """A store that holds nothing, not open, which keeps L{kept_deletions} deletions."""
        raise NotImplementedError

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.store = self.make_store()
        self.store.open()
        self.addCleanup(self.close)

    def close(self) -> "Deferred[None]":
        """Close the present store."""
        return self.store.close()

    async def load(self, processor: str = "p1") -> Snapshot:
        loaded: Snapshot = await self.store.load(processor, whole)
        return loaded

    async def parts(self, part: str, processor: str = "p1") -> list[Any]:
        """What tells the entries of one part of a snapshot apart."""
        key = {"models": "name", "vectors": "symbol", "events": "number"}.get(part, "key")
        return [getattr(each, key) for each in getattr(await self.load(processor), part)]

    def assertExactly(self, given: object, expected: object) -> None:
        """Equal, and printed alike, which tells -0.0 from 0.0, and 1 from 1.0 and true."""
        self.assertEqual(given, expected)
        self.assertEqual(repr(given), repr(expected))

    # What is written is read

    def test_interface(self) -> None:
        """It provides what it says."""
        self.assertTrue(verifyObject(IStore, self.store))

    async def test_nothing(self) -> None:
        """A new store holds no processor and no deletion, and one that it does not hold is
        loaded as nothing."""
        self.assertEqual(list(await self.store.processors()), [])
        self.assertEqual(list(await self.store.deletions()), [])
        self.assertIsNone(await self.load())

    async def test_everything(self) -> None:
        """Every field is read back to the last bit."""
        written, expected = everything()
        await self.store.commit([written])
        self.assertExactly(await self.load(), expected)

    async def test_little(self) -> None:
        """A processor that was only made has nothing but its state."""
        await self.store.commit([changes()])
        expected = Snapshot("p1", State("p1"), Percept(), (), (), (), (), ())
        self.assertExactly(await self.load(), expected)

    async def test_processors(self) -> None:
        """All that are stored are told, sorted."""
        await self.store.commit([changes(each) for each in ("b", "a", "Z", "_1", "a-")])
        self.assertEqual(list(await self.store.processors()), ["Z", "_1", "a", "a-", "b"])

    async def test_nothing_to_do(self) -> None:
        """A commit of nothing succeeds."""
        await self.store.commit([])
        self.assertEqual(list(await self.store.processors()), [])

    async def test_order_of_calls(self) -> None:
        """What is asked later sees what was committed earlier, without waiting for it."""
        first = self.store.commit([changes(models=(model("a"),))])
        second = self.store.commit([changes(models=(model("a", 2),))])
        seen = self.store.load("p1", whole)
        listed = self.store.processors()
        await first
        await second
        self.assertEqual((await seen).models, (model("a", 2),))
        self.assertEqual(list(await listed), ["p1"])

    async def test_models_elsewhere(self) -> None:
        """Models may lie elsewhere, and be read when they are written."""
        written, expected = everything()
        elsewhere = ModelsElsewhere(tuple(written.models))
        await self.store.commit([replace(written, models=elsewhere)])
        self.assertExactly(await self.load(), expected)

    async def test_models_that_cannot_be_read(self) -> None:
        """Where models that lie elsewhere cannot be read, nothing of the commit is kept, and what
        was raised is told."""
        written, expected = everything()
        await self.store.commit([written])
        broken = ModelsElsewhere((model("a"), model("b")), breaks=True)
        again = changes(forgets_memory=True, models=broken)
        commits: list[list[Changes | Deletion]] = [
            [again],
            [changes("p0"), Deletion("p1"), again],
        ]
        for commit in commits:
            with self.assertRaisesRegex(EOFError, "cut off"):
                await self.store.commit(commit)
        self.assertExactly(await self.load(), expected)
        self.assertEqual(list(await self.store.processors()), ["p1"])

    # What one record changes

    async def test_again(self) -> None:
        """What is written again takes the place of what was there."""
        await self.store.commit([everything()[0]])
        again = changes(
            state=State("other", interval=3),
            percept=Percept(None, ("e",)),
            models=(Model("MODEL|1", (("z",),), 9),),
            vectors=(StoredVector("VECTOR|2", (2.0, 3.0), True),),
            events=(NumberedEvent(0, ("new",)),),
            requests=(answer(0, "fresh"),),
        )
        await self.store.commit([again])
        found = await self.load()
        self.assertExactly((found.state, found.percept), (again.state, again.percept))
        self.assertExactly(found.models[0], again.models[0])  # type: ignore[index]
        self.assertExactly(found.vectors[1], again.vectors[0])
        self.assertExactly(found.events[0], again.events[0])
        self.assertExactly(found.requests[0], again.requests[0])
        self.assertEqual(list(map(len, (found.vectors, found.events, found.requests))), [2, 2, 2])

    async def test_percept_as_it_was(self) -> None:
        """Where no percept is given, it stays."""
        percept = Percept(Observation(strings=("a",)), ("a",))
        await self.store.commit([changes(percept=percept)])
        await self.store.commit([changes()])
        self.assertExactly((await self.load()).percept, percept)

    async def test_deleted_models(self) -> None:
        """Models are deleted by name; one that is not there is no harm."""
        await self.store.commit([changes(models=tuple(map(model, "abc")))])
        await self.store.commit([changes(deleted_models=("MODEL|a", "MODEL|none", "MODEL|c"))])
        self.assertEqual(await self.parts("models"), ["MODEL|b"])

    async def test_forgets_memory(self) -> None:
        """All models and vectors are forgotten, and nothing else."""
        await self.store.commit([everything()[0]])
        await self.store.commit([changes(forgets_memory=True)])
        found = await self.load()
        self.assertEqual((found.models, found.vectors), ((), ()))
        _, before = everything()
        self.assertExactly(
            (found.percept, found.events, found.observations, found.requests),
            (before.percept, before.events, before.observations, before.requests),
        )

    async def test_forgets_pending(self) -> None:
        """Vectors that were not learned are forgotten, and no others."""
        await self.store.commit([changes(vectors=(learned("a"), pending("b"), pending("c")))])
        await self.store.commit([changes(forgets_pending=True)])
        self.assertEqual(await self.parts("vectors"), ["a"])

    async def test_dropped_events(self) -> None:
        """Spans of events are dropped, their ends excluded; an empty one drops nothing."""
        events = tuple(NumberedEvent(i, (str(i),)) for i in range(10))
        await self.store.commit([changes(events=events)])
        windows = (Window(0, 3), Window(5, 5), Window(6, 7), Window(8, 99))
        await self.store.commit([changes(dropped_events=windows)])
        self.assertEqual(await self.parts("events"), [3, 4, 5, 7])

    async def test_oldest(self) -> None:
        """Remembered answers of either kind are forgotten below their own ordinal."""
        four = tuple(map(answer, range(4)))
        await self.store.commit([changes(observations=four, requests=four)])
        await self.store.commit([changes(oldest_observation=1, oldest_request=3)])
        self.assertEqual(await self.parts("observations"), ["k1", "k2", "k3"])
        self.assertEqual(await self.parts("requests"), ["k3"])

    async def test_order_in_one_record(self) -> None:
        """What one record forgets, deletes and writes is written in the end."""
        first = changes(
            models=(model("a"), model("b")),
            vectors=(learned("a"), pending("b")),
            events=(NumberedEvent(0, ("a",)), NumberedEvent(1, ("b",))),
            observations=(answer(0), answer(1)),
        )
        await self.store.commit([first])
        second = changes(
            forgets_memory=True,
            forgets_pending=True,
            deleted_models=("MODEL|a",),
            dropped_events=(Window(0, 5),),
            oldest_observation=2,
            models=(model("a", 7), model("c")),
            vectors=(pending("c"), learned("d")),
            events=(NumberedEvent(1, ("again",)),),
            observations=(answer(2),),
        )
        await self.store.commit([second])
        found = await self.load()
        self.assertEqual(found.models, (model("a", 7), model("c")))
        self.assertEqual(found.vectors, (pending("c"), learned("d")))
        self.assertEqual(found.events, (NumberedEvent(1, ("again",)),))
        self.assertEqual(found.observations, (answer(2),))

    async def test_order_in_one_commit(self) -> None:
        """Several records of one commit are applied one after the other."""
        await self.store.commit(
            [
                changes(models=(model("a"), model("b")), state=State("first")),
                changes("p2", models=(model("z"),)),
                changes(deleted_models=("MODEL|a",), models=(model("c"),)),
                changes(models=(model("a", 4),), state=State("last")),
            ]
        )
        found = await self.load()
        self.assertEqual(found.models, (model("a", 4), model("b"), model("c")))
        self.assertEqual(found.state, State("last"))
        self.assertEqual(await self.parts("models", "p2"), ["MODEL|z"])

    # Deleting

    async def test_deletion(self) -> None:
        """All of a processor goes, and nothing of another; sent again it finds nothing."""
        written, _ = everything()
        await self.store.commit([written, changes("p2", models=(model("a"),))])
        await self.store.commit([Deletion("p1")])
        self.assertEqual(list(await self.store.processors()), ["p2"])
        self.assertIsNone(await self.load())
        self.assertEqual(await self.parts("models", "p2"), ["MODEL|a"])
        await self.store.commit([Deletion("p1")])
        self.assertEqual(list(await self.store.deletions()), [])

    async def test_successor(self) -> None:
        """A processor that is made again in the same commit has nothing of its predecessor."""
        await self.store.commit([everything()[0]])
        successor = changes(models=(model("new"),))
        await self.store.commit([changes(models=(model("old"),)), Deletion("p1"), successor])
        found = await self.load()
        expected = Snapshot("p1", State("p1"), Percept(), (), (), (), (), (model("new"),))
        self.assertExactly(found, expected)

    async def test_short_life(self) -> None:
        """A processor that is made and deleted in one commit was never there."""
        await self.store.commit([everything()[0], Deletion("p1")])
        self.assertIsNone(await self.load())
        self.assertEqual(list(await self.store.processors()), [])

    async def test_deletions(self) -> None:
        """Deletions that carried a request id are told, oldest first, with all of the request."""
        awkward = replace(everything()[1].requests[0], ordinal=9)
        first, second = Deletion("p2", answer(1)), Deletion("p1", answer(2, "\0"))
        third = Deletion("p2", awkward)
        await self.store.commit([first, Deletion("p9")])
        await self.store.commit([second, third])
        self.assertExactly(list(await self.store.deletions()), [first, second, third])

    async def test_deletions_are_bounded(self) -> None:
        """The last of them are kept, whatever numbers were passed over."""
        for ordinal in (0, 1, 5, 6, 8, 20, 21):
            await self.store.commit([Deletion("p1", answer(ordinal))])
        found = [each.request.ordinal for each in await self.store.deletions() if each.request]
        self.assertEqual(found, [5, 6, 8, 20, 21])
        self.assertEqual(len(found), self.kept_deletions)

    # Loading

    async def test_streaming(self) -> None:
        """Models come one by one; whoever stops reading them harms nobody."""
        await self.store.commit([changes(models=tuple(model(str(i)) for i in range(2500)))])

        def first(snapshot: Snapshot) -> Model:
            models = snapshot.models
            assert isinstance(models, Iterator)
            found: Model = next(models)
            return found

        self.assertIsInstance(await self.store.load("p1", first), Model)
        await self.store.commit([changes(models=(model("another"),))])
        self.assertEqual(len(await self.parts("models")), 2501)

    async def test_restore_fails(self) -> None:
        """What C{restore} raises is what comes of it, and the store goes on."""
        await self.store.commit([changes()])

        def restore(snapshot: Snapshot) -> None:
            raise LookupError(snapshot.processor)

        with self.assertRaises(LookupError) as caught:
            await self.store.load("p1", restore)
        self.assertEqual(caught.exception.args, ("p1",))
        self.assertEqual((await self.load()).processor, "p1")

    async def test_one_object(self) -> None:
        """Equal symbols of models are one object."""
        await self.store.commit([everything()[0]])
        found = [
            symbol
            for each in (await self.load()).models
            for event in each.sequence
            for symbol in event
        ]
        self.assertEqual(len(set(map(id, found))), len(set(found)))

    async def test_statistics(self) -> None:
        """What is told of it counts commits."""
        await self.store.commit([changes()])
        await self.store.commit([changes()])
        told = self.store.statistics()
        self.assertEqual((told["commits"], told["failures"]), (2, 0))
        self.assertIsInstance(told["kind"], str)
        self.assertGreaterEqual(told["last_commit_seconds"], 0.0)

    # The engine

    def test_engine(self) -> "Deferred[None]":
        """A processor that is stored and restored at any time, from models or from an index, goes
        on like one that never was: it answers the same, and has the same to store next."""
        processors = (f"p{number}" for number in range(10**6))

        @settings(deadline=None, max_examples=100)
        @given(st.lists(CHANGES, max_size=20), st.data())
        def law(operations: list[Any], data: st.DataObject) -> None:
            name = next(processors)
            stored = Processor(name, matcher=DumpingMatcher)
            living = Processor(name, matcher=DumpingMatcher)
            for number, operation in enumerate(operations):
                first = carry_out(stored, operation, float(number))
                self.assertEqual(first, carry_out(living, operation, float(number)))
                if data.draw(st.booleans()):
                    stored = self.through_store(stored, living, data.draw(st.integers(0, 2)))

        return deferToThread(law)

    def through_store(self, stored: Processor, living: Processor, more: int) -> Processor:
        """Commit what changed in both, which is the same, but for the order of vectors, which is
        free; load it again perhaps, with an index or without."""
        drained, expected = stored.drain(), living.drain()
        self.assertExactly(
            replace(drained, vectors=tuple(sorted(drained.vectors))),
            replace(expected, vectors=tuple(sorted(expected.vectors))),
        )
        self.wait(self.store.commit, [drained])
        if not more:
            return stored
        index = stored.index()
        if more == 2 and index is not None:
            self.wait(self.store.keep_index, stored.id, index)
        restore = partial(Processor.restore, matcher=DumpingMatcher)
        restored: Processor = self.wait(self.store.load, stored.id, restore)
        self.assertEqual(told(restored), told(living))
        return restored

    def wait(self, call: "Callable[..., Deferred[_T]]", *args: Any) -> _T:
        """Ask the store, from a thread that may wait for the answer."""
        ask: Callable[[], Any] = partial(call, *args)
        result: _T = blockingCallFromThread(self.reactor, ask)
        return result
