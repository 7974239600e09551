"""Group commit: what goes with which transaction, and who is told."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Changes, Deletion, State
from kato.commits import GroupCommit
from kato.errors import StorageUnavailable
from tests.doubles import HeldStore


class GroupCommitTests(SynchronousTestCase):
    """L{GroupCommit} over a store whose commits the test ends."""

    def setUp(self) -> None:
        self.store = HeldStore()
        self.drained: list[str] = []
        self.gone: set[str] = set()
        self.rolled_back: list[str] = []
        self.commits = GroupCommit(self.store, drain=self.drain, roll_back=self.rolled_back.append)

    def drain(self, processor: str) -> Changes | None:
        if processor in self.gone:
            return None
        self.drained.append(processor)
        return Changes(processor=processor, state=State(f"{processor} {len(self.drained)}"))

    def names(self, number: int) -> list[str]:
        """What the held commit of this number says, in order."""
        return [
            each.state.name if isinstance(each, Changes) else f"delete {each.processor}"
            for each in self.store.held[number][0]
        ]

    def test_first_goes_at_once(self) -> None:
        """A request with nothing under way is committed without waiting for another."""
        waiter = self.commits.request("a")
        self.assertEqual(self.names(0), ["a 1"])
        self.assertNoResult(waiter)
        self.store.release()
        self.assertIsNone(self.successResultOf(waiter))

    def test_next_gathers(self) -> None:
        """What is requested during a commit goes together with the next, drained as it begins."""
        first = self.commits.request("a")
        later = [self.commits.request(each) for each in ("b", "a", "b")]
        self.assertEqual(self.drained, ["a"])
        self.store.release()
        self.successResultOf(first)
        self.assertEqual(self.names(0), ["b 2", "a 3"])
        for waiter in later:
            self.assertNoResult(waiter)
        self.store.release()
        for waiter in later:
            self.successResultOf(waiter)
        self.assertEqual(self.store.held, [])

    def test_pending(self) -> None:
        """Who saw what is not durable yet waits for the commit that holds it, and for no other."""
        self.assertIsNone(self.commits.pending("a"))
        self.commits.request("a")
        under_way = self.commits.pending("a")
        assert under_way is not None
        self.assertIsNone(self.commits.pending("b"))
        self.commits.request("b")
        gathering = self.commits.pending("b")
        assert gathering is not None
        self.store.release()
        self.successResultOf(under_way)
        self.assertNoResult(gathering)
        self.store.release()
        self.successResultOf(gathering)
        self.assertIsNone(self.commits.pending("a"))

    def test_is_pending(self) -> None:
        """Who only wants to know waits for nothing, and hears of no failure."""
        self.assertFalse(self.commits.is_pending("a"))
        first = self.commits.request("a")
        self.assertTrue(self.commits.is_pending("a"))
        second = self.commits.request("b")
        self.assertTrue(self.commits.is_pending("b"))
        self.store.release()
        self.assertEqual([self.commits.is_pending(each) for each in "ab"], [False, True])
        self.store.fail()
        self.assertFalse(self.commits.is_pending("b"))
        self.successResultOf(first)
        self.failureResultOf(second, StorageUnavailable)

    def test_pending_waits_for_the_latest(self) -> None:
        """A processor that is under way and wanted again is durable with the later commit."""
        self.commits.request("a")
        self.commits.request("a")
        waiter = self.commits.pending("a")
        assert waiter is not None
        self.store.release()
        self.assertNoResult(waiter)
        self.store.release()
        self.successResultOf(waiter)

    def test_failure(self) -> None:
        """A commit that fails rolls back its processors, and fails all who waited for them, those
        of the next commit included; others go on."""
        failing = [self.commits.request("a"), self.commits.pending("a")]
        failing.append(self.commits.request("a"))
        other = self.commits.request("b")
        self.store.fail()
        self.assertEqual(self.rolled_back, ["a"])
        for waiter in failing:
            assert waiter is not None
            self.failureResultOf(waiter, StorageUnavailable)
        self.assertEqual(self.names(0), ["b 2"])
        self.store.release()
        self.successResultOf(other)

    def test_unexpected_failure(self) -> None:
        """A failure that is not the store's own is told as one whose outcome nobody knows."""
        waiter = self.commits.request("a")
        self.store.fail(ZeroDivisionError("x"))
        error = self.failureResultOf(waiter, StorageUnavailable).value
        self.assertTrue(error.outcome_unknown)

    def test_drain_now(self) -> None:
        """What a processor is wanted for can be taken before it changes for a long time."""
        self.commits.request("a")
        waiter = self.commits.request("b")
        self.commits.drain_now("b")
        self.commits.drain_now("c")
        self.assertEqual(self.drained, ["a", "b"])
        self.store.release()
        self.assertEqual(self.names(0), ["b 2"])
        self.store.release()
        self.successResultOf(waiter)

    def test_delete(self) -> None:
        """A deletion goes after what was drained before it, and before what comes after it."""
        self.commits.request("x")
        before = self.commits.request("a")
        self.commits.drain_now("a")
        deleted = self.commits.delete(Deletion("a"))
        after = self.commits.request("a")
        self.store.release()
        self.assertEqual(self.names(0), ["a 2", "delete a", "a 3"])
        self.store.release()
        for waiter in (before, deleted, after):
            self.successResultOf(waiter)

    def test_gone(self) -> None:
        """A processor that is gone when its commit begins is left out of it."""
        self.commits.request("x")
        waiter: Deferred[None] = self.commits.request("a")
        self.gone.add("a")
        self.store.release()
        self.assertEqual(self.names(0), [])
        self.store.release()
        self.successResultOf(waiter)
