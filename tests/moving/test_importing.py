"""From store to store: a processor comes whole or not at all, and goes on as if it had stayed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from kato.changes import Changes, Deletion
from kato.commands import Command, Reply
from kato.engine import Processor
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.moving.importing import Fate
from kato.moving.trouble import Trouble
from kato.moving.writing import Writer
from kato.storage import MemoryStore
from kato.worker import Worker
from tests.doubles import at_once
from tests.engine.worlds import CHANGES, carry_out, histories
from tests.engine.worlds import everything as told
from tests.moving.files import all_of, exported, imported, now, stored, untold
from tests.moving.test_files import FileCase
from tests.storage.samples import answer, changes, everything, model


class FailingStore(MemoryStore):
    """A store that fails once it has taken some commits."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        if self.takes == 0:
            return fail(StorageUnavailable("the disk is full"))
        self.takes -= 1
        return super().commit(changes)


class ForgetfulStore(MemoryStore):
    """A store with a defect: it does not keep what comes beside models."""

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        return super().commit(
            [
                Changes(processor=each.processor, state=each.state)
                for each in changes
                if isinstance(each, Changes)
            ]
        )


class ImportTests(FileCase):
    """What becomes of the processors of a file."""

    def setUp(self) -> None:
        super().setUp()
        self.first = stored([everything()[0]], [changes("p2", models=(model("a"),)), changes("p3")])
        exported(self.first, self.path)

    def test_empty(self) -> None:
        """Into an empty store come all."""
        store = stored()
        moved = imported(store, self.path)
        self.assertEqual(
            [(each.processor, each.fate, each.models) for each in moved],
            [("p1", Fate.IMPORTED, 2), ("p2", Fate.IMPORTED, 1), ("p3", Fate.IMPORTED, 0)],
        )
        self.assertExactly(all_of(store), all_of(self.first))

    def test_others(self) -> None:
        """What else a store holds stays as it is."""
        store = stored([changes("p0", models=(model("b"),))])
        before = all_of(store)
        imported(store, self.path)
        self.assertExactly(all_of(store), {**before, **all_of(self.first)})

    def test_again(self) -> None:
        """What is there already, and equal, is skipped, and not written."""
        store = stored()
        imported(store, self.path)
        commits = store.statistics()["commits"]
        moved = imported(store, self.path)
        self.assertEqual({each.fate for each in moved}, {Fate.SKIPPED})
        self.assertEqual(store.statistics()["commits"], commits)

    def test_differs(self) -> None:
        """Where one is there, and differs, nothing is imported, and all such are named."""
        store = stored([changes("p2"), changes("p3", requests=(answer(0),))])
        before = all_of(store)
        with self.assertRaisesRegex(Trouble, "^p2, p3: the storage holds another.*--replace"):
            imported(store, self.path)
        self.assertExactly(all_of(store), before)

    def test_replaced(self) -> None:
        """It is replaced where that is said, with nothing left of it."""
        store = stored(
            [changes("p2", models=(model("b"),), requests=(answer(9),)), changes("p3")],
        )
        moved = imported(store, self.path, replaces=True)
        self.assertEqual(
            [each.fate for each in moved], [Fate.IMPORTED, Fate.REPLACED, Fate.SKIPPED]
        )
        self.assertExactly(all_of(store), all_of(self.first))

    def test_chosen(self) -> None:
        """Some may be chosen, of a file as of a store; one that is not there is named."""
        store = stored()
        imported(store, self.path, "p2")
        self.assertEqual(list(all_of(store)), ["p2"])
        exported(self.first, self.path, "p3", "p1", "p3")
        self.assertEqual([each.processor for each in imported(store, self.path)], ["p1", "p3"])
        self.assertExactly(all_of(store), all_of(self.first))
        with self.assertRaisesRegex(Trouble, "the file holds no processor p2, p9$"):
            imported(store, self.path, "p1", "p9", "p2")
        with self.assertRaisesRegex(Trouble, "the storage holds no processor p9$"):
            exported(self.first, self.path, "p9")

    def test_lost(self) -> None:
        """A file in which a processor was left in the midst is not gone on with: no file seems
        whole that is not."""

        def lost() -> Iterator[Model]:
            yield model("a")
            raise StorageUnavailable("the connection was lost")

        writer = Writer(BytesIO(), told=untold)
        snapshot = all_of(self.first)["p2"]
        with self.assertRaises(StorageUnavailable):
            writer.processor(replace(snapshot, models=lost()))
        with self.assertRaisesRegex(Trouble, "export it again"):
            writer.processor(snapshot)

    def test_nothing(self) -> None:
        """There is no file of nothing."""
        with self.assertRaisesRegex(Trouble, "the storage holds no processor$"):
            exported(stored(), self.path)

    def test_resumed(self) -> None:
        """Whenever an import fails, each processor is there whole or not at all; the next one does
        what is missing."""
        for takes in range(3):
            store = FailingStore(takes)
            with self.assertRaises(StorageUnavailable):
                imported(store, self.path)
            expected = dict(list(all_of(self.first).items())[:takes])
            self.assertExactly(all_of(store), expected)
            store.takes = 9
            fates = [each.fate for each in imported(store, self.path)]
            self.assertEqual(fates, [Fate.SKIPPED] * takes + [Fate.IMPORTED] * (3 - takes))
            self.assertExactly(all_of(store), all_of(self.first))

    def test_read_back(self) -> None:
        """A store that does not give back what it was given is found out."""
        with self.assertRaisesRegex(Trouble, "^p1: .* does not give it back"):
            imported(ForgetfulStore(), self.path)


class GoesOnTests(FileCase):
    """A processor that was moved is as good as the one that stayed."""

    def moved(self, processor: Processor) -> Processor:
        """What becomes of it in another store."""
        exported(stored([processor.drain()]), self.path)
        store = stored()
        imported(store, self.path)
        restored: Processor = now(store.load(processor.id, Processor.restore))
        return restored

    def test_law(self) -> None:
        """Whatever it did before, it answers everything afterwards as the other does, and has the
        same to store."""

        @settings(deadline=None, max_examples=60)
        @given(histories(20), st.lists(CHANGES, max_size=12))
        def law(before: list[Any], after: list[Any]) -> None:
            stays = Processor("p1")
            for number, operation in enumerate(before):
                carry_out(stays, operation, float(number))
            moves = self.moved(stays)
            self.assertEqual(told(moves), told(stays))
            for operation in [*before[-3:], *after]:
                self.assertEqual(
                    carry_out(moves, operation, 99.0), carry_out(stays, operation, 99.0)
                )
            self.assertEqual(told(moves), told(stays))
            mine, theirs = moves.drain(), stays.drain()
            self.assertEqual(sorted(mine.vectors), sorted(theirs.vectors))
            self.assertEqual(mine.models, theirs.models)
            self.assertEqual(mine.state, theirs.state)

        law()


class DeletionTests(FileCase):
    """Deletions that may be sent again must not delete a successor, wherever that lives by now."""

    def asking(self, store: MemoryStore) -> Worker:
        worker = Worker(store, clock=Clock(), in_thread=at_once)
        now(Deferred.fromCoroutine(worker.start()))
        return worker

    def ask(self, worker: Worker, name: str, processor: str, request_id: str) -> Reply:
        params: dict[str, Any] = {"genes": {}} if name == "create_processor" else {}
        command = Command.parse(name, params, processor, request_id)
        reply: Reply = now(worker.ask(command))
        return reply

    def test_successor(self) -> None:
        """A deletion that is sent again after the move is answered as the first time, and the
        successor stays."""
        store = MemoryStore()
        worker = self.asking(store)
        self.ask(worker, "create_processor", "p1", "r1")
        first = self.ask(worker, "delete_processor", "p1", "r2")
        self.ask(worker, "create_processor", "p1", "r3")
        exported(store, self.path)
        moved = stored([Deletion("p0", answer(5, "r0"))])
        imported(moved, self.path)
        worker = self.asking(moved)
        again = self.ask(worker, "delete_processor", "p1", "r2")
        self.assertEqual(again.as_dict(), first.as_dict())
        self.assertEqual(list(all_of(moved)), ["p1"])
        ordinals = [each.request.ordinal for each in now(moved.deletions()) if each.request]
        self.assertEqual(ordinals, [5, 6])

    def test_gone(self) -> None:
        """Deletions of processors that are gone come along, but delete none of the other store."""
        commits: list[Changes | Deletion] = [
            changes("p1"),
            *(Deletion(each, answer(n, "r")) for n, each in enumerate(["old", "there", "known"])),
        ]
        exported(stored(commits), self.path)
        store = stored([Deletion("known", answer(0, "r")), changes("there")])
        for _ in range(2):
            imported(store, self.path)
            self.assertEqual(list(all_of(store)), ["p1", "there"])
            deleted = [each.processor for each in now(store.deletions())]
            self.assertEqual(deleted, ["known", "old"])

    def test_chosen(self) -> None:
        """Where processors are chosen, only their deletions go with them."""
        commits: list[Changes | Deletion] = [
            *(Deletion(each, answer(n, "r")) for n, each in enumerate(["p1", "p2", "p3"])),
            *map(changes, ["p1", "p2"]),
        ]
        exported(stored(commits), self.path, "p1")
        store = stored()
        imported(store, self.path)
        self.assertEqual([each.processor for each in now(store.deletions())], ["p1"])
        exported(stored(commits), self.path)
        store = stored()
        imported(store, self.path, "p2")
        self.assertEqual([each.processor for each in now(store.deletions())], ["p2"])
