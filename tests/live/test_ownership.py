"""Services that share one MongoDB are killed, stopped, asked to end, and joined by others, while
clients learn: nothing acknowledged is lost or doubled, and hardly a request fails."""

import signal
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.cluster import Cluster, Load

PROCESSORS = [f"p{i}" for i in range(12)]

AT_MOST = 10.0
"""Seconds in which requests may fail after a service was killed."""


class OwnershipTests(SynchronousTestCase):
    """Three services, a gateway and a database, in processes of their own."""

    def setUp(self) -> None:
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start(3)

    def judge(self, load: Load) -> None:
        self.assertEqual(load.wrong(), {}, "\n".join(self.cluster.logs()[-100:]))
        for processor in PROCESSORS:
            self.assertGreater(load.done[processor], 0)

    def answered_anew(self, load: Load) -> None:
        """Wait until every processor has been answered since."""
        before = load.done.copy()
        self.cluster.until(lambda: all(load.done[each] > before[each] for each in PROCESSORS))

    def even(self, services: int) -> Callable[[], bool]:
        """Whether so many services have the same number of processors."""

        def so() -> bool:
            shares = self.cluster.shares().values()
            return sorted(shares) == [len(PROCESSORS) // services] * services

        return so

    def test_planned(self) -> None:
        """While a service joins and another one ends, no request fails."""
        with Load(self.cluster, PROCESSORS, clients=4) as load:
            self.answered_anew(load)
            self.cluster.add()
            self.cluster.until(self.even(4))
            self.answered_anew(load)
            self.cluster.services[0].terminate()
            self.cluster.until(self.even(3))
            self.answered_anew(load)
        self.assertEqual(load.failed, [])
        self.judge(load)

    def test_memory_moves(self) -> None:
        """A service that ends hands over what was not durable, too."""
        connection = self.cluster.gateway.connect()
        for i in range(5):
            for each in PROCESSORS:
                connection.post(f"/{each}/observe", {"strings": [f"{each}-{i}"]})
        for service in self.cluster.services[:2]:
            service.terminate()
        for each in PROCESSORS:
            memory = connection.get(f"/{each}/short-term-memory")["short_term_memory"]
            self.assertEqual(memory, [[f"{each}-{i}"] for i in range(5)])
        connection.close()

    def test_killed(self) -> None:
        """A service that is killed is replaced within ten seconds."""
        with Load(self.cluster, PROCESSORS, clients=4) as load:
            self.answered_anew(load)
            self.cluster.services[0].kill()
            self.cluster.until(self.even(2))
            self.answered_anew(load)
        self.assertLess(load.longest, AT_MOST + 1)
        self.judge(load)

    def test_stopped(self) -> None:
        """A service that was stopped for so long that it lost its lease destroys nothing when it
        goes on, and takes its share again."""
        with Load(self.cluster, PROCESSORS, clients=4) as load:
            self.answered_anew(load)
            self.cluster.services[1].send_signal(signal.SIGSTOP)
            self.cluster.until(lambda: self.taken_for_dead(self.cluster.services[1].port))
            self.answered_anew(load)
            self.cluster.services[1].send_signal(signal.SIGCONT)
            self.cluster.until(self.even(3))
            self.answered_anew(load)
        self.judge(load)

    def taken_for_dead(self, port: int) -> bool:
        said = f"tcp://127.0.0.1:{port} is taken for dead"
        return any(said in line for line in self.cluster.logs())

    def test_database_killed(self) -> None:
        """While the database is away what cannot be stored is an error, and nothing acknowledged
        is lost; when it is back all goes on."""
        with Load(self.cluster, PROCESSORS, clients=4) as load:
            self.answered_anew(load)
            self.cluster.mongo.kill()
            load.go_on(6.0)
            done: Any = load.done.copy()
            load.go_on(1.0)
            self.assertEqual(load.done, done)
            self.cluster.mongo.start()
            self.answered_anew(load)
        self.judge(load)
