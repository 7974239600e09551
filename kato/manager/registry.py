"""Which servers were started here, in a file that survives crashes.

The file is only ever replaced as a whole, and only under a lock, so a reader sees one state or the
next, and two managers cannot lose each other's entries.  Whether a server runs is never written
down: that is asked of the system each time.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kato.manager.trouble import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A server that was started.

    C{pid} and C{birth} together name its process: the system may give the number again, but not
    with the same birth.  C{began} is when it was started, in Unix seconds; C{url} where it answers;
    C{options} those it was started with, but for keys; C{folder} where relative paths among them
    are meant from; C{key} by which way it got a key; C{stopped} that its end was meant.

    A gateway with C{services} has so many processor services beside it, which announce themselves
    at the port C{registry}.  Each of them is an instance, too, C{of} that gateway, and publishes at
    the port C{events}.
    """

    id: str
    name: str
    pid: int
    birth: str
    began: float
    url: str
    port: int | None
    storage: str
    log: str
    folder: str
    key: str = "none"
    options: tuple[str, ...] = ()
    stopped: bool = False
    services: int = 0
    registry: int | None = None
    of: str | None = None
    events: int | None = None

    @property
    def ports(self) -> frozenset[int]:
        """Those that were chosen for it; the registry of a service is its gateway's."""
        own = (self.port, self.events if self.of is not None else self.registry)
        return frozenset(port for port in own if port is not None)


class Registry:
    """The instances by id."""

    def __init__(self, folder: Path) -> None:
        """@param folder: where the file lies; it is made where there is none."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / "instances.json"
        self._lock = folder / "instances.lock"

    def read(self) -> dict[str, Instance]:
        """All instances, by id.

        @raise Trouble: where somebody else wrote into the file.
        """
        try:
            listed = json.loads(self._path.read_text(encoding="utf-8"))
            return {each["id"]: _instance(each) for each in listed}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError) as error:
            raise Trouble(
                f"{self._path} is damaged ({error}); mend it, or move it away: "
                "servers that run are then no longer known here"
            ) from None

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes the registry as long as this lasts."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def put(self, instance: Instance) -> None:
        """Write an instance down, in the place of one with its id; within L{changing}."""
        self._write({**self.read(), instance.id: instance})

    def _write(self, instances: Mapping[str, Instance]) -> None:
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump([asdict(instances[each]) for each in sorted(instances)], file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _instance(written: dict[str, Any]) -> Instance:
    return Instance(**{**written, "options": tuple(written["options"])})
