"""Which server uses a database: a document that says so, until a time::

    {_id: "database", token: "5f…", epoch: 7, commit: 4711, until: ISODate(…), holder: {…}}

It is not the time that protects the data.  Every commit changes this document in its own
transaction, where it still has the C{epoch} of the server that commits: so a server whose lease was
taken over can write no more, however late it finds out.  C{commit} counts the commits, so it tells
whether one whose answer was lost was made.  All times are the database's own.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from kato.storage.mongodb.documents import Fields

LEASES = "leases"
"""The collection."""

SECONDS = 15
"""How long a lease lasts that is not renewed."""

RENEWED = 5
"""After how many seconds it is."""

WHICH: Fields = {"_id": "database"}


def until(seconds: float = SECONDS, **more: Any) -> list[Fields]:
    """The change that makes a lease last so long from now, and sets other fields.

    It is a pipeline, in which alone the server's own time can be had; so values go as literals.
    """
    literals = {name: {"$literal": value} for name, value in more.items()}
    return [{"$set": {"until": {"$add": ["$$NOW", round(seconds * 1000)]}, **literals}}]


def holder() -> Fields:
    """What tells this process from all others, for people, and for one on the same machine."""
    return {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "machine": _machine(),
        "started": _started(os.getpid()),
    }


def is_gone(found: Fields) -> bool | None:
    """Whether the process that is told of has ended; C{None} where that cannot be seen from
    here."""
    machine, process = found.get("machine"), found.get("process")
    if not machine or machine != _machine() or not isinstance(process, int):
        return None
    return _started(process) != found.get("started")


def _machine() -> str:
    """The boot of the machine, and the room in which its processes are counted; empty where there
    are no such things."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def _started(process: int) -> str:
    """When a process began, in ticks since the boot; empty where there is none."""
    with suppress(OSError, IndexError):
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[19]
    return ""
