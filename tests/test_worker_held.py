"""Which processors a worker tells others that it has."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command, Reply
from kato.errors import ProcessorNotFound, StorageUnavailable
from kato.worker import Worker
from tests.doubles import HeldStore, Threads, at_once

LONG: dict[str, Any] = {"observations": [{"strings": ["a"]}] * 101}


class HeldTests(SynchronousTestCase):
    """L{Worker.held}, and who is told that it may have changed."""

    def setUp(self) -> None:
        self.store = HeldStore()
        self.clock = Clock()
        self.threads = Threads()
        self.told: list[frozenset[str] | None] = []
        self.worker = self.make()

    def make(self) -> Worker:
        made = Worker(
            self.store,
            clock=self.clock,
            in_thread=self.threads,
        )
        made.held_changed = lambda: self.told.append(self.worker.held())
        self.worker = made
        return made

    def start(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.worker.start()))

    def ask(self, operation: str, processor: str = "p", **params: Any) -> "Deferred[Reply]":
        asked = self.worker.ask(Command.parse(operation, params, processor))
        self.store.release_all()
        return asked

    def test_not_known(self) -> None:
        """Before it is known which are stored, nothing is told; then all are, loaded or not."""
        self.start()
        self.ask("create_processor")
        self.store.holds_loads = True
        self.make()
        self.assertIsNone(self.worker.held())
        asked = self.ask("observe", "q")
        self.told.clear()
        started = Deferred.fromCoroutine(self.worker.start())
        self.assertNoResult(started)
        self.assertEqual(self.worker.held(), {"p", "q"})
        self.assertIn({"p"}, self.told)
        self.store.release_loads()
        self.successResultOf(started)
        self.successResultOf(asked)

    def test_made_and_deleted(self) -> None:
        """A processor that is made or deleted is told; one that is there is told once."""
        self.start()
        self.told.clear()
        self.successResultOf(self.ask("create_processor"))
        self.assertEqual(self.worker.held(), {"p"})
        self.assertEqual(len(self.told), 1)
        self.ask("observe")
        self.ask("get_status")
        self.assertEqual(len(self.told), 1)
        self.ask("delete_processor")
        self.assertEqual(self.told[1:], [set()])

    def test_being_made(self) -> None:
        """A processor that is being made is told already, and taken back if it is not."""
        self.start()
        asked = self.ask("observe_sequence", **LONG)
        self.assertNoResult(asked)
        self.assertEqual(self.worker.held(), {"p"})
        self.threads.run()
        self.successResultOf(asked)
        self.assertEqual(self.worker.held(), {"p"})

    def test_not_made(self) -> None:
        """What was not made, since it could not be stored, is not told any more."""
        self.start()
        asked = self.worker.ask(Command.parse("create_processor", {}, "p"))
        self.assertEqual(self.worker.held(), {"p"})
        self.store.fail()
        self.failureResultOf(asked, StorageUnavailable)
        self.assertEqual(self.worker.held(), set())
        self.assertEqual(self.told[-1], set())

    def test_not_found(self) -> None:
        """A processor that is only asked for is none."""
        self.start()
        self.failureResultOf(self.ask("get_status"), ProcessorNotFound)
        self.assertEqual(self.worker.held(), set())

    def test_nobody_is_told(self) -> None:
        """A worker may have nobody to tell."""
        worker = Worker(self.store, clock=self.clock, in_thread=at_once)
        self.successResultOf(Deferred.fromCoroutine(worker.start()))
        self.successResultOf(worker.ask(Command.parse("observe", {}, "p")))
        self.assertEqual(worker.held(), {"p"})
