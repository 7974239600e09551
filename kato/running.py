"""A service that starts and stops its parts in order (SPEC 10)."""

import gc
import resource
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any, NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from kato.logs import log_to
from kato.settings import Settings
from kato.tidying import Tidying

PATIENCE = 10.0
"""Seconds that each step has when the service stops: to answer, to save, and to close."""

SWITCH = 0.001
"""Seconds after which a long turn lets the reactor run.  Python's own 5 ms are paid several times
in every answer that is given beside such a turn."""

COLLECTED = (10_000, 5, 400)
"""How many objects that may form circles are made before the collector looks at the youngest, and
how often it goes on to the older ones.  A prediction makes and drops very many, and each look at
all there is would stall the reactor, the more the more is known."""


_OTHER_FILES = 100
"""So many files may be open beside connections."""


class Ending(NamedTuple):
    """A step of the end: what is being done, in a word, and how it is begun."""

    what: str
    begin: "Callable[[], Deferred[Any]]"


class Running(Service):
    """Starts what its kind begins with, and stops step by step, each step bounded in time."""

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        *,
        clock: IReactorTime,
        threads: Sequence[ThreadPool],
        stop_reactor: Callable[[], None],
    ) -> None:
        """@param threads: all in which anything is done off the reactor."""
        self._settings = settings
        self._clock = clock
        self._threads = threads
        self._stop_reactor = stop_reactor
        self._tidying = Tidying(clock=clock, measure=thread_time)

    @abstractmethod
    async def begin(self) -> None:
        """All that is done when the reactor runs, until the service is ready."""

    @abstractmethod
    def endings(self) -> Sequence[Ending]:
        """The steps of the end, in order."""

    def setServiceParent(self, parent: Any) -> None:
        """Become part of an application, and tell it who writes its log."""
        settings = self._settings
        observer = log_to(
            settings.log_file, level=settings.log_level, as_json=settings.log_format == "json"
        )
        parent.setComponent(ILogObserver, observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Begin; what goes wrong now ends the process."""
        super().startService()
        files = _allow_connections()
        if files < self._settings.limits.connections + _OTHER_FILES:
            self.log.warn(
                "this system allows {files} open files, fewer than --max-connections needs",
                files=files,
            )
        sys.setswitchinterval(SWITCH)
        gc.set_threshold(*COLLECTED)
        for threads in self._threads:
            threads.start()
        Deferred.fromCoroutine(self._start()).addErrback(self._give_up)

    async def _start(self) -> None:
        await self.begin()
        self._tidying.start()
        self.log.info("ready")

    def _give_up(self, failure: Failure) -> None:
        self.log.failure("this cannot start", failure=failure)
        self._stop_reactor()

    def stopService(self) -> "Deferred[None]":
        """Take one step of the end after the other."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._tidying.stop()
        self.log.info("stopping")
        in_time = [await self._in_time(what, begin()) for what, begin in self.endings()]
        if all(in_time):  # else a thread goes on with what nobody waits for, until the process ends
            for threads in self._threads:
                threads.stop()
        self.log.info("stopped")

    async def _in_time(self, what: str, ending: "Deferred[Any]") -> bool:
        """Wait for the end of something, but not for ever; tells whether it came."""
        late: list[str] = []
        ending.addTimeout(PATIENCE, self._clock, onTimeoutCancel=lambda *_: late.append(what))
        try:
            await ending
        except Exception:
            self.log.failure("{what} failed", what=what)
        for each in late:
            self.log.warn("{what} takes too long, and is given up", what=each)
        return not late


def _allow_connections() -> int:
    """Have as many open connections as the system allows: the limit that processes begin with is
    often 1,024, and meant for those that cannot count further.  Tells how many files that are."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most
