"""C{python -m benchmarks soak --minutes 20}: a server under mixed load and faults, for long.

Three quarters of the time one gateway on SQLite is spoken to over REST, GraphQL, WebSocket and
ZeroMQ, while readers do not read, connections are cut, queues fill up, and its disk is full for a
moment: its memory is flat after the first two minutes (in a short run after a third), no client
sees an error that it should not see, each operation is done once however often it was sent,
C{/metrics} counts what the clients counted, and the audit log gives all processors back.

The rest of the time a gateway with two services lives through kills, restarts, and a network that
is lost or silent: the world and the judge of C{tests.live.world}.

Faults are random; the seed is printed, C{--seed} takes one.
"""

import argparse
import random

from benchmarks.soak.alone import alone
from benchmarks.soak.family import family

_ALONE = 0.75
"""The part of the time that belongs to one gateway."""


def main(arguments: list[str]) -> None:
    """Soak; ends with status 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak")
    parser.add_argument("--minutes", type=float, default=20.0, help="in all; 20 if left out")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    given = parser.parse_args(arguments)
    print(f"seed {given.seed}", flush=True)
    chance = random.Random(given.seed)
    wrong = alone(given.minutes * 60 * _ALONE, chance)
    wrong += family(given.minutes * 60 * (1 - _ALONE), chance)
    for each in wrong:
        print(f"WRONG: {each}")
    print("wrong" if wrong else "all as it must be")
    raise SystemExit(1 if wrong else 0)
