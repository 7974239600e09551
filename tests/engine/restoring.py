"""How a processor whose matcher can be dumped is restored: tests of such matchers mix this in."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given

from kato.changes import Snapshot
from kato.engine import Processor
from kato.model import Model
from kato.storage.memory import MemoryStore
from tests.engine.providers import Provided, law
from tests.engine.worlds import Operation, carry_out, everything, histories


def stored(processor: Processor) -> Snapshot:
    """What a store that has seen nothing of it before has of a processor."""
    store = MemoryStore()
    store.commit([processor.drain()])
    found: list[Snapshot] = []
    store.load(processor.id, found.append)
    [snapshot] = found
    return replace(snapshot, models=tuple(snapshot.models))


class Untouched:
    """Models that nobody is to go over."""

    def __iter__(self) -> Iterator[Model]:
        raise AssertionError("the models are gone over")


class RestoringContract(Provided):
    """A processor whose matcher dumps."""

    @law(80)
    @given(histories(20), histories(12))
    def test_restored(self, operations: list[Operation], then: list[Operation]) -> None:
        """A processor that is made of an index alone is like one that lived on, and has the same
        to store when it has gone on."""
        living = Processor("p", matcher=self.make)
        for operation in operations:
            carry_out(living, operation)
        snapshot = replace(stored(living), index=living.index(), models=Untouched())
        restored = Processor.restore(snapshot, matcher=self.make)
        self.assertEqual(everything(restored), everything(living))
        for operation in then:
            self.assertEqual(carry_out(restored, operation), carry_out(living, operation))
        self.assertEqual(everything(restored), everything(living))
        self.assertEqual(restored.drain().models, living.drain().models)
