"""C{python -m tests.cluster.mongo_faults}: services that share a MongoDB, under load, to which all
happens that may happen to them, one after the other.

It is judged as L{tests.cluster.test_restarts}, and by how long requests failed.  C{KATO_SEED} draws
the same again; the history of a run that failed is left for C{python -m tests.cluster.judging}.
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGCONT, SIGSTOP, SIGTERM
from threading import Event

from tests.cluster.deployment import Deployment, Host
from tests.cluster.load import Load
from tests.cluster.trial import CHECKPOINT, Trial, frozen_for
from tests.cluster.witness import Witness
from tests.storage.mongod import MongoServer

SERVICES = 3
CLIENTS = 32
PROCESSORS = 12
KILLED = 10.0
"""Seconds for which requests may fail after a service was killed."""
FROZEN = 8.0
"""Seconds in which a lease is lost."""
AWAY = 3.0
"""Seconds without MongoDB."""
_SETTLED = 15.0
"""Seconds after which nothing falls back any more of what a fault began."""


class Faults:
    """All that happens, each by its name."""

    def __init__(self, trial: Trial, mongo: MongoServer) -> None:
        self._trial = trial
        self._deployment = trial.deployment
        self._mongo = mongo

    def _one(self) -> Host:
        return self._trial.chance.choice([host for host in self._deployment.hosts if host.runs])

    def kill(self) -> None:
        """A service is killed; nobody starts it again."""
        host = self._one()
        self._trial.happen("kill -9", host.kill, most=KILLED, loses=host.address, lasting=_SETTLED)

    def revive(self) -> None:
        """A service is killed, and started again at once, where it was."""
        host = self._one()

        def do() -> None:
            host.kill()
            host.start()

        name = "kill -9, started again"
        self._trial.happen(name, do, most=KILLED, loses=host.address, lasting=_SETTLED)

    def freeze(self) -> None:
        """A service does nothing until its lease is lost, and goes on."""
        host = self._one()
        self._trial.happen(
            f"SIGSTOP for {FROZEN:.0f} s, SIGCONT",
            frozen_for(host, FROZEN),
            most=FROZEN + KILLED,
            loses=host.address,
            lasting=_SETTLED,
        )

    def end(self) -> None:
        """A service hands over all that it has, and ends."""
        self._trial.happen("SIGTERM", self._one().end, most=0.0)

    def join(self) -> None:
        """One more service comes, and gets its share."""
        before = {host.address for host in self._deployment.hosts if host.runs}

        def do() -> None:
            self._deployment.join()
            Event().wait(6.0)

        self._trial.happen("join", do, most=0.0)
        owners = self._deployment.owners()
        mine = sum(owner not in before for owner in owners.values())
        sys.stdout.write(f"    {mine} of {len(owners)} processors are the new one's\n")

    def mongo(self) -> None:
        """MongoDB is killed, and started again."""

        def do() -> None:
            self._mongo.kill()
            Event().wait(AWAY)
            self._mongo.start()

        name = f"MongoDB killed for {AWAY:.0f} s"
        self._trial.happen(name, do, most=None, lasting=_SETTLED, everywhere=True)

    def slow(self) -> None:
        """MongoDB does nothing for longer than a lease, and goes on."""

        def do() -> None:
            self._mongo.send_signal(SIGSTOP)
            Event().wait(FROZEN)
            self._mongo.send_signal(SIGCONT)

        name = f"MongoDB stopped for {FROZEN:.0f} s"
        self._trial.happen(name, do, most=None, lasting=_SETTLED, everywhere=True)

    def blink(self) -> None:
        """A service does nothing for about as long as a lease lasts."""
        host, seconds = self._one(), self._trial.chance.uniform(2.5, 5.0)
        self._trial.happen(
            f"SIGSTOP for {seconds:.1f} s, SIGCONT",
            frozen_for(host, seconds),
            most=KILLED,
            loses=host.address,
            lasting=_SETTLED,
        )

    def two(self) -> None:
        """Two services are killed, the second when the first one's processors are being taken over;
        then they are started again."""
        first, second = self._trial.chance.sample(
            [host for host in self._deployment.hosts if host.runs], 2
        )

        def do() -> None:
            first.kill()
            Event().wait(self._trial.chance.uniform(0.0, 5.0))
            second.kill()
            Event().wait(self._trial.chance.uniform(0.0, 3.0))
            first.start()
            second.start()

        name = "two killed, and started again"
        self._trial.happen(name, do, most=2 * KILLED, lasting=_SETTLED, everywhere=True)

    def end_without(self) -> None:
        """A service is asked to end while there is no MongoDB."""
        host = self._one()

        def do() -> None:
            self._mongo.kill()
            host.process.send_signal(SIGTERM)
            Event().wait(AWAY)
            self._mongo.start()
            host.process.wait()

        name = "SIGTERM without MongoDB"
        self._trial.happen(name, do, most=None, lasting=_SETTLED, everywhere=True)

    def turn(self) -> None:
        """A service ends and another comes, at the same time, under load: nothing may fail."""
        host = self._one()

        def do() -> None:
            host.process.send_signal(SIGTERM)
            self._deployment.join()
            host.process.wait()
            Event().wait(3.0)

        self._trial.happen("SIGTERM and join at once", do, most=0.0)


KINDS = (
    *("kill", "revive", "freeze", "end", "join", "mongo"),
    *("slow", "blink", "two", "end_without", "turn"),
)
PLANTS = {
    "lazy-learns": (
        "import dataclasses, kato.turn as t, kato.turns as w\n"
        "def turn(*a, **k): return dataclasses.replace(t.take_turn(*a, **k), durable=False)\n"
        "w.take_turn = turn"
    ),
    "forgetful": (
        "from kato.engine.processor import Processor as P\n"
        "whole = P.restore.__func__\n"
        "def restore(cls, *a, **k):\n"
        "    made = whole(cls, *a, **k); made.clear_short_term_memory(); return made\n"
        "P.restore = classmethod(restore)"
    ),
}
"""Defects that services may be given, to see that they are found: learns that are answered before
they are durable, for C{kill}; processors that move without their memory, for C{end}."""
ALL = ("kill", "join", "freeze", "end", "join", "mongo")


_RUN = "\nfrom twisted.scripts.twistd import run; run()"


def main(arguments: Sequence[str]) -> int:
    """Let it happen; gives 0 where all was as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.mongo_faults")
    parser.add_argument("faults", nargs="*", default=ALL, help=f"of {', '.join(KINDS)}")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--processors", type=int, default=PROCESSORS)
    parser.add_argument("--services", type=int, default=SERVICES)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two requests")
    parser.add_argument("--plant", choices=sorted(PLANTS), help="a defect, to see it found")
    parser.add_argument("--keep", action="store_true", help="write down what all processes said")
    given = parser.parse_args(arguments)
    seed = int(os.environ.get("KATO_SEED") or random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"KATO_SEED={seed}\n")
    mongo = MongoServer("--sync-on-commit")
    try:
        return _run(given, random.Random(seed), mongo)
    finally:
        mongo.remove()


def _run(given: argparse.Namespace, chance: random.Random, mongo: MongoServer) -> int:
    mongo.start()
    url = mongo.url("kato")
    deployment = Deployment(
        lambda _: url,
        services=given.services,
        options=("--checkpoint", f"{CHECKPOINT:g}"),
        program=() if given.plant is None else ("-c", PLANTS[given.plant] + _RUN),
    )
    try:
        deployment.start()
        names = [f"p{number}" for number in range(given.processors)]
        load = Load(
            deployment.gateway, names, chance=chance, clients=given.clients, pause=given.pause
        )
        witness = Witness(lambda: [host.port for host in deployment.hosts if host.runs], names)
        load.start()
        witness.start()
        trial = Trial(deployment, load, chance)
        try:
            for fault in given.faults:
                _fault(Faults(trial, mongo), fault)()
        finally:
            load.end()
            owners = witness.end()
        epochs = {(each.processor, each.epoch) for each in witness.answers}
        sys.stdout.write(
            f"  {len(witness.answers)} answers of services were seen in {len(epochs)} epochs of"
            f" {len(names)} processors\n"
        )
        return _told(trial, owners, keep=given.keep)
    finally:
        deployment.stop()


def _fault(faults: Faults, name: str) -> Callable[[], None]:
    found: Callable[[], None] = getattr(faults, name)
    return found


def _told(trial: Trial, owners: Sequence[str], *, keep: bool) -> int:
    folder = Path(tempfile.mkdtemp(prefix="kato-faults-"))
    wrong = [*owners, *trial.wrong(folder / "history.jsonl")]
    if keep or wrong:
        log = "\n".join(trial.deployment.logs())
        (folder / "log").write_text(log, encoding="utf-8")
        sys.stdout.write(f"history and log: {folder}\n")
    for each in wrong:
        sys.stdout.write(f"WRONG: {each}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
