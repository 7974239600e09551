"""Workers that share a store, one case after the other: who answers, who is fenced, what moves."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command, Reply
from kato.errors import (
    Moved,
    ProcessorNotFound,
    ProcessorUnavailable,
    StorageUnavailable,
)
from kato.events import TOPICS, Wish
from kato.lease import LEASE
from tests.ownership_world import Service, World

LONG = LEASE + 3.0
"""Seconds after which who is silent was buried, and what it had was taken over."""


class SharingTests(SynchronousTestCase):
    """Two services, and a third that may join."""

    def setUp(self) -> None:
        self.world = World(3)
        self.a, self.b, self.c = self.world.services
        self.a.start()
        self.b.start()
        self.world.advance(2.0)

    def tearDown(self) -> None:
        for each in self.world.violations:
            each.raiseException()

    def ask(
        self,
        service: Service,
        operation: str,
        processor: str | None = "p",
        request_id: str | None = None,
        **params: Any,
    ) -> "Deferred[Reply]":
        return service.ask(Command.parse(operation, params, processor, request_id))

    def okay(self, service: Service, operation: str, *args: Any, **params: Any) -> Reply:
        return self.successResultOf(self.ask(service, operation, *args, **params))

    def frequency(self, service: Service) -> int:
        models = self.okay(service, "list_models").fields["models"]
        return sum(each["frequency"] for each in models)

    def learn(self, service: Service) -> "Deferred[Reply]":
        return self.ask(
            service,
            "observe_sequence",
            observations=[{"strings": ["a"]}, {"strings": ["b"]}],
            learn_at_end=True,
        )

    # Who has a processor

    def test_moved(self) -> None:
        """Who does not have a processor says who has it, and under which epoch."""
        reply = self.okay(self.a, "observe")
        error = self.failureResultOf(self.ask(self.b, "observe"), Moved).value
        self.assertEqual((error.address, error.epoch), (self.a.address, reply.epoch))
        self.assertEqual(error.error_code, "PROCESSOR_UNAVAILABLE")

    def test_missing(self) -> None:
        """Asking for what there is not makes no owner; making it does."""
        self.failureResultOf(self.ask(self.a, "get_status"), ProcessorNotFound)
        self.assertEqual(self.world.store.owners, {})
        self.okay(self.b, "create_processor")
        self.assertEqual(list(self.b.tenancy.held), ["p"])

    def test_not_made(self) -> None:
        """A processor that is not made after all has no owner."""
        asked = self.ask(self.a, "change_genes", genes={})
        self.successResultOf(asked)
        self.a.worker._turns._max_processors = 1
        self.failureResultOf(self.ask(self.a, "observe", "q"))
        self.assertEqual(list(self.world.store.owners), ["p"])

    def test_subscribing(self) -> None:
        """Who listens is told who has the processor, too."""
        self.okay(self.a, "observe")
        wish = Wish("p", frozenset(TOPICS), None)
        asked = self.b.worker.subscribe(wish, lambda event: None)
        self.failureResultOf(asked, Moved)
        self.successResultOf(self.a.worker.subscribe(wish, lambda event: None))

    # Fences

    def test_stopped(self) -> None:
        """Who wakes up after its lease answers nothing, whatever it looks at first; what it had is
        another's."""
        self.successResultOf(self.learn(self.a))
        self.a.stop()
        late = self.ask(self.a, "list_models")
        self.world.advance(LONG)
        self.assertEqual(self.frequency(self.b), 1)
        self.a.go_on(at_once=True)
        self.failureResultOf(late, ProcessorUnavailable)
        self.world.advance(1.0)
        self.failureResultOf(self.ask(self.a, "list_models"), Moved)

    def test_late_commit(self) -> None:
        """A commit that reaches the store when another service has the processor changes
        nothing."""
        self.successResultOf(self.learn(self.a))
        self.a.store.holds = True
        late = self.learn(self.a)
        self.world.advance(LONG)
        for _ in range(2):
            self.successResultOf(self.learn(self.b))
        self.a.store.release()
        self.world.advance(LONG)
        self.failureResultOf(late, ProcessorUnavailable)
        self.b.crash()
        self.world.advance(LONG)
        self.assertEqual(self.frequency(self.a), 3)

    def test_unknown_commit(self) -> None:
        """A commit of which nobody knows what became of it can come true no more once the
        processor is asked for again."""
        first = self.okay(self.a, "create_processor").epoch
        self.a.store.holds = True
        late = self.learn(self.a)
        self.a.store.give_up()
        held, self.a.store._waiting = self.a.store._waiting, []
        self.a.store.holds = False
        self.assertTrue(self.failureResultOf(late, StorageUnavailable).value.outcome_unknown)
        self.assertEqual(self.frequency(self.a), 0)
        self.assertGreater(self.okay(self.a, "ping").epoch or 0, first or 0)
        self.a.store._waiting = held
        self.a.store.release()
        self.successResultOf(self.learn(self.a))
        self.b.leave()
        self.a.crash()
        self.c.start()
        self.world.advance(LONG)
        self.assertEqual(self.frequency(self.c), 1)

    def test_cut_off(self) -> None:
        """Who does not reach the store falls silent, and goes on where it was if nobody has taken
        it for dead."""
        self.successResultOf(self.learn(self.a))
        self.b.stop()
        self.a.store.cut = True
        self.world.advance(LEASE)
        self.failureResultOf(self.ask(self.a, "get_short_term_memory"), ProcessorUnavailable)
        self.a.store.cut = False
        self.world.advance(1.0)
        self.assertEqual(self.frequency(self.a), 1)

    # Moving

    def test_leaving(self) -> None:
        """Who leaves hands over all it has, with what was not durable."""
        self.okay(self.a, "observe", strings=["x"])
        left = self.a.leave()
        self.world.advance(1.0)
        self.successResultOf(left)
        memory = self.okay(self.b, "get_short_term_memory").fields["short_term_memory"]
        self.assertEqual(memory, [["x"]])
        self.assertEqual(len(self.world.store.present), 1)

    def test_last(self) -> None:
        """Who leaves last saves, and lets all go; the next one finds it."""
        self.okay(self.a, "observe", strings=["x"])
        self.b.crash()
        self.world.advance(LONG)
        left = self.a.leave()
        self.world.advance(1.0)
        self.successResultOf(left)
        self.c.start()
        self.world.advance(1.0)
        memory = self.okay(self.c, "get_short_term_memory").fields["short_term_memory"]
        self.assertEqual(memory, [["x"]])

    def test_joining(self) -> None:
        """Who joins gets its share, and nobody is refused anything but told where to ask."""
        for number in range(9):
            self.okay(self.a, "observe", f"p{number}")
        self.world.advance(3.0)
        self.c.start()
        self.world.advance(5.0)
        counts = [len(each.tenancy.held) for each in self.world.services]
        self.assertEqual(counts, [3, 3, 3])

    def test_lost_hand_over(self) -> None:
        """Where the answer to a hand-over is lost it is found out whose the processor is."""
        for number in range(4):
            self.okay(self.a, "observe", f"p{number}")
        self.a.store.loses = "hand_over"
        self.world.advance(2.0)
        self.assertEqual(len(self.b.tenancy.held), 2)
        self.a.store.loses = ""
        for processor, owner in list(self.world.store.owners.items()):
            if owner.address != self.a.address:
                self.failureResultOf(self.ask(self.a, "ping", processor), Moved)
        self.world.advance(LONG)
        self.assertEqual([len(self.a.tenancy.held), len(self.b.tenancy.held)], [2, 2])

    # Deleting

    def test_deleted_and_made(self) -> None:
        """What is deleted and made at once is another processor, under another epoch."""
        first = self.okay(self.a, "observe", strings=["x"]).epoch
        deleted = self.ask(self.a, "delete_processor")
        made = self.ask(self.a, "observe", strings=["y"])
        self.successResultOf(deleted)
        reply = self.successResultOf(made)
        self.assertEqual(reply.fields["short_term_memory"], [["y"]])
        self.assertGreater(reply.epoch or 0, first or 0)

    def test_deleted_again(self) -> None:
        """A deletion that comes again to another service is answered as the first time, and
        deletes no successor."""
        self.okay(self.a, "observe")
        first = self.okay(self.a, "delete_processor", "p", "r1")
        again = self.okay(self.b, "delete_processor", "p", "r1")
        self.assertEqual(again.time_stamp, first.time_stamp)
        self.okay(self.b, "observe")
        again = self.okay(self.b, "delete_processor", "p", "r1")
        self.assertEqual(again.time_stamp, first.time_stamp)
        self.okay(self.b, "get_status")
        self.failureResultOf(self.ask(self.a, "delete_processor", "q", "r2"), ProcessorNotFound)

    # Beside

    def test_listing(self) -> None:
        """A listing that waits for a processor which is lost is refused, and no defect."""
        self.okay(self.a, "create_processor")
        self.a.store.holds = True
        late = self.learn(self.a)
        listed = self.ask(self.a, "list_processors", None)
        self.assertNoResult(listed)
        self.a.store.give_up()
        self.failureResultOf(listed, StorageUnavailable)
        self.failureResultOf(late, StorageUnavailable)
