"""Random operations: nothing that is cached, stored or restored makes a difference."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Snapshot
from kato.engine import Processor, recollection
from kato.storage.memory import MemoryStore
from tests.engine.worlds import CHANGES, Operation, carry_out, everything, histories

OPERATIONS = histories(25)


class OperationTests(SynchronousTestCase):
    """Whatever is done, in whatever order."""

    @settings(deadline=None, max_examples=120)
    @given(OPERATIONS)
    def test_caches(self, operations: list[Operation]) -> None:
        """A processor that is asked everything after each operation, so that all its caches are
        full, ends like one that was asked nothing."""
        asked, fresh = Processor("p"), Processor("p")
        for number, operation in enumerate(operations):
            first = carry_out(asked, operation, float(number))
            everything(asked)
            self.assertEqual(first, carry_out(fresh, operation, float(number)))
        self.assertEqual(everything(asked), everything(fresh))

    @settings(deadline=None, max_examples=120)
    @given(OPERATIONS, st.sampled_from([1, 2, 3, 10_000]), st.data())
    def test_store(self, operations: list[Operation], remembers: int, data: st.DataObject) -> None:
        """A processor that is stored and restored at any time goes on like one that never was;
        what its operations were answered is answered again, as long as it is remembered."""
        self.patch(recollection, "CAPACITY", remembers)
        store = MemoryStore()
        stored, living = Processor("p"), Processor("p")
        for number, operation in enumerate(operations):
            first = carry_out(stored, operation, float(number))
            self.assertEqual(first, carry_out(living, operation, float(number)))
            if data.draw(st.booleans()):
                self.successResultOf(store.commit([stored.drain()]))
            if data.draw(st.integers(0, 4)) == 0:
                self.successResultOf(store.commit([stored.drain()]))
                stored = self.successResultOf(store.load("p", self.restore))
                self.assertEqual(everything(stored), everything(living))
        self.assertEqual(everything(stored), everything(living))

    def restore(self, snapshot: Snapshot) -> Processor:
        """A processor again; nothing is stored that is older than what can be asked for."""
        answers = [*snapshot.observations, *snapshot.requests]
        windows = [answer.window for answer in answers if answer.window is not None]
        oldest = min(window.start for window in [*windows, snapshot.state.window])
        self.assertEqual([event for event in snapshot.events if event.number < oldest], [])
        self.assertLessEqual(len(snapshot.observations), recollection.CAPACITY)
        self.assertLessEqual(len(snapshot.requests), recollection.CAPACITY)
        return Processor.restore(snapshot)

    @settings(deadline=None, max_examples=80)
    @given(histories(20), CHANGES)
    def test_refused(self, operations: list[Operation], last: Operation) -> None:
        """An operation that is refused changes nothing."""
        processor = Processor("p", max_events=3, max_models=2)
        for operation in operations:
            before = everything(processor)
            if "error_code" in carry_out(processor, operation):
                self.assertEqual(everything(processor), before)
        before = everything(processor)
        if "error_code" in carry_out(processor, last):
            self.assertEqual(everything(processor), before)

    @settings(deadline=None, max_examples=80)
    @given(OPERATIONS, st.data())
    def test_sequences(self, operations: list[Operation], data: st.DataObject) -> None:
        """A sequence does exactly what its observations and learnings do one by one, but as one
        change."""
        whole, parts = Processor("p"), Processor("p")
        for name, params, _ in operations:
            operation = (name, params, None)
            answer = carry_out(whole, operation)
            if name != "observe_sequence":
                carry_out(parts, operation)
            elif "error_code" not in answer:
                self.one_by_one(parts, params)
            parts.revision = whole.revision
            self.assertEqual(everything(whole), everything(parts))

    def one_by_one(self, processor: Processor, params: dict[str, Any]) -> None:
        for observation in params["observations"]:
            carry_out(processor, ("observe", observation, None))
            if params.get("learn_after_each"):
                carry_out(processor, ("learn", {}, None))
        if params.get("learn_at_end"):
            carry_out(processor, ("learn", {}, None))
