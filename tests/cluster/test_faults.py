"""Three services on one MongoDB, and all that may happen to them under load."""

from twisted.trial.unittest import SynchronousTestCase

from tests.cluster import mongo_faults


class FaultTests(SynchronousTestCase):
    """In real processes; see L{mongo_faults}, which is also a command."""

    def test_all(self) -> None:
        """After kill -9, SIGSTOP, SIGTERM, join and the loss of MongoDB all answers of 32 clients
        are explained: what was acknowledged is there once, no two services answered in one epoch,
        and requests failed no longer than they may."""
        self.assertEqual(mongo_faults.main([]), 0)
