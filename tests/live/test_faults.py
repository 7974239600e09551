"""A gateway with services, when all that can go wrong between them does (SPEC 8 and 11).

Which faults come when is random.  The seed is printed; the environment's C{KATO_SEED} takes one, so
that a run can be repeated as far as clocks allow.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from statistics import median
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.live.clients import TIMEOUT
from tests.live.family import Family
from tests.live.faults import Kind, plan
from tests.live.world import World, processors

NUMBERS: Mapping[Kind, int] = {
    Kind.KILLED: 36,
    Kind.RESTARTED: 30,
    Kind.STOPPED: 34,
    Kind.GATEWAY: 34,
    Kind.CUT: 36,
    Kind.SILENT: 30,
}
"""How many faults of each kind there are, in all worlds together."""
CLIENTS = 3
SERVICES = 2
SCRIPTS = 150
"""So many processors of each client are known to a gateway that is told which there are."""


class FaultTests(SynchronousTestCase):
    """Two worlds side by side: a gateway that is told where its processors are, and whose services
    save every five seconds; and one to which services announce themselves, which save all before
    they answer."""

    def test_all(self) -> None:
        """Through 200 faults every answer comes in time, and is right or a clear error; nothing
        happens twice, nothing that must last is lost, and two seconds after each fault all
        services answer."""
        seed = int(os.environ.get("KATO_SEED") or random.SystemRandom().randrange(10**9))
        sys.stdout.write(f"\nKATO_SEED={seed}\n")
        chance = random.Random(seed)
        worlds = [
            World("told", self.told(), chance=chance, loses=True, clients=CLIENTS),
            World("announced", self.announced(), chance=chance, loses=False, clients=CLIENTS),
        ]
        faults = plan(chance, NUMBERS, places=SERVICES, long=TIMEOUT + 0.5)
        threads = [
            Thread(target=world.go_through, args=(faults[number :: len(worlds)],))
            for number, world in enumerate(worlds)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.tell(worlds)
        self.assertEqual((sum(NUMBERS.values()), min(NUMBERS.values())), (200, 30))
        self.assertEqual([each for world in worlds for each in world.wrong], [], f"seed {seed}")
        for kind, number in NUMBERS.items():
            self.assertEqual(sum(len(world.recoveries[kind]) for world in worlds), number)

    def services(self, *options: str) -> list[list[str]]:
        """Options of services on files of their own, each with its probe."""
        return [
            ["--storage", f"sqlite:{self.mktemp()}", "--processor-id", f"probe{number}", *options]
            for number in range(SERVICES)
        ]

    def told(self) -> Family:
        """A family whose gateway is told which service holds which processor."""
        names = [name for client in range(CLIENTS) for name in islice(processors(client), SCRIPTS)]
        held = [["probe0", "shared", *names[::2]], ["probe1", *names[1::2]]]
        return self.start(Family(*self.services(), held=held, gateway=_GATEWAY))

    def announced(self) -> Family:
        """A family whose services announce what they hold."""
        return self.start(Family(*self.services("--checkpoint", "0"), gateway=_GATEWAY))

    def start(self, family: Family) -> Family:
        self.addCleanup(family.stop)
        return family.start()

    def tell(self, worlds: list[World]) -> None:
        """Print how long each kind of fault took to recover from."""
        answers = sum((world.answers for world in worlds), Counter())
        sys.stdout.write(f"answers: {dict(answers)}; seconds until all answered again:\n")
        for kind in Kind:
            took = [each for world in worlds for each in world.recoveries[kind]]
            if took:
                sys.stdout.write(
                    f"{len(took):4} times {kind.value}: median {median(took):.2f}, "
                    f"longest {max(took):.2f}\n"
                )


_GATEWAY = ("--timeout", f"{TIMEOUT:g}")
