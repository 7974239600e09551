"""A gateway with two services, to which faults happen: judged by mirrors of every answer."""

import random
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.clients import TIMEOUT
from tests.live.family import Family
from tests.live.faults import Kind, plan
from tests.live.world import World

_SERVICES = 2
_CLIENTS = 3
_PACE = 1.5
"""Seconds that a fault takes, with what it takes to recover and to be at work again."""

_PARTS: Mapping[Kind, int] = {
    Kind.KILLED: 3,
    Kind.RESTARTED: 2,
    Kind.STOPPED: 2,
    Kind.CUT: 2,
    Kind.SILENT: 2,
    Kind.GATEWAY: 1,
}
"""How often each kind of fault comes, in parts of all."""


def family(seconds: float, chance: random.Random) -> list[str]:
    """Let as many faults happen as there is time for; gives what is not as it must be."""
    rounds = max(1, round(seconds / _PACE / sum(_PARTS.values())))
    numbers = {kind: parts * rounds for kind, parts in _PARTS.items()}
    with TemporaryDirectory() as folder:
        options = [
            [
                *("--storage", f"sqlite:{Path(folder) / str(number)}.db"),
                *("--processor-id", f"probe{number}", "--checkpoint", "0"),
            ]
            for number in range(_SERVICES)
        ]
        served = Family(*options, gateway=("--timeout", f"{TIMEOUT:g}"))
        try:
            served.start()
            world = World("soak", served, chance=chance, loses=False, clients=_CLIENTS)
            world.go_through(plan(chance, numbers, places=_SERVICES, long=TIMEOUT + 0.5))
        finally:
            served.stop()
    happened = sum(map(len, world.recoveries.values()))
    print(f"services: {happened} faults, answers {dict(world.answers)}", flush=True)
    return world.wrong
