"""A gateway that kills itself when its n-th commit is durable, before anybody hears of it, and that
keeps an index of two models already.

Run as C{python -m tests.live.dying_gateway}, with the arguments of C{twistd}; the environment's
C{DIE_AT_COMMIT} tells n; without it, it lives on.
"""

import os
import signal
from collections.abc import Sequence
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.scripts.twistd import run

from kato import engines, hosting, indexing
from kato.changes import Changes, Deletion
from kato.storage import open_store


def open_dying_store(url: str, *, reactor: Any) -> Any:
    store: Any = open_store(url, reactor=reactor)
    commits = count(1)
    commit = store.commit

    def commit_and_die(changes: "Sequence[Changes | Deletion]") -> "Deferred[None]":
        number = next(commits)

        def die(_: None) -> None:
            if number == int(os.environ.get("DIE_AT_COMMIT", "0")):
                os.kill(os.getpid(), signal.SIGKILL)

        committed: Deferred[None] = commit(changes)
        return committed.addCallback(die)

    store.commit = commit_and_die
    return store


if __name__ == "__main__":
    vars(hosting)["open_store"] = open_dying_store
    for module in (engines, indexing):
        vars(module)["MANY_MODELS"] = 2
    run()
