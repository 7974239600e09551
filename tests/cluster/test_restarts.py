"""Services on files of their own are killed, frozen, and asked to end under load, and started
again: what clients were told is judged by L{tests.cluster.judging}.

It prints C{KATO_SEED}; set in the environment, it draws the same again.
"""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.deployment import Deployment, Host
from tests.cluster.load import Load
from tests.cluster.trial import CHECKPOINT, Trial, frozen_for

CLIENTS = 12
PROCESSORS = 6


def seeded() -> random.Random:
    """The chance of this run; tells how to have it again."""
    seed = int(os.environ.get("KATO_SEED") or random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"\nKATO_SEED={seed}\n")
    return random.Random(seed)


class RestartTests(SynchronousTestCase):
    """Without a store that is shared, what dies is away until it comes back."""

    def test_all(self) -> None:
        """After each fault requests are answered again at once, and all answers are explained:
        every acknowledged learn is there once, and nothing else was lost than SPEC 11 allows."""
        chance = seeded()
        folder = Path(self.mktemp())
        folder.mkdir()
        deployment = Deployment(
            lambda number: f"sqlite:{folder.absolute()}/{number}.db",
            services=2,
            options=("--checkpoint", f"{CHECKPOINT:g}"),
        )
        self.addCleanup(deployment.stop)
        deployment.start()
        names = [f"p{number}" for number in range(PROCESSORS)]
        load = Load(deployment.gateway, names, chance=chance, clients=CLIENTS, pause=0.1)
        load.start()
        self.addCleanup(load.end)
        trial = Trial(deployment, load, chance, calm=1.0)
        for host in deployment.hosts:
            trial.happen("kill -9", restarted(host, host.kill), most=10.0, loses=host.address)
        host = chance.choice(deployment.hosts)
        trial.happen("SIGTERM", restarted(host, host.end), most=10.0)
        trial.happen("SIGSTOP", frozen_for(host, 1.0), most=10.0)
        load.end()
        self.assertEqual(trial.wrong(folder / "history.jsonl"), [], folder)


def restarted(host: Host, end: Callable[[], None]) -> Callable[[], None]:
    """What ends a service, and starts it again."""

    def do() -> None:
        end()
        host.start()

    return do
