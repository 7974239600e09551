"""Threads, which do what would keep the reactor from the next request."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from kato.errors import KatoError, bare

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor; fires with what it returns."""

FEW = 2
"""How many long turns may go on at a time where Python matches: it runs one of them at any moment.
The kernel lets others run, so there may be one for each core."""


class DaemonThreads(ThreadPool):
    """Threads which do not hold up the end of the process."""

    threadFactory = staticmethod(partial(Thread, daemon=True))  # type: ignore[assignment]

    def load(self) -> tuple[int, int, int]:
        """How many threads there are, how many of them are busy, and what waits for one."""
        told = self._team.statistics()
        busy = told.busyWorkerCount
        return told.idleWorkerCount + busy, busy, told.backloggedWorkCount


def make_threads(name: str) -> DaemonThreads:
    """Some threads: C{turns} take long turns, C{messages} read and write long messages, which do
    not wait for the turns of processors that they have nothing to do with."""
    return DaemonThreads(0, FEW, name)


def off_the_reactor(reactor: Any, threads: ThreadPool) -> InThread:
    """What calls functions in these threads.

    A client's error comes back bare.  One that is raised through a pool of Twisted's stays in a
    circle with all frames on its way, and what these hold, a body of a megabyte say, until the
    collector comes by.
    """

    def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
        return deferToThreadPool(reactor, threads, _caught, call).addCallback(_given)

    return in_thread


@dataclass(frozen=True, slots=True)
class _Raised:
    """What was not returned."""

    error: KatoError


def _caught(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except KatoError as error:
        return _Raised(bare(error))


def _given(result: Any) -> Any:
    return Failure(result.error) if isinstance(result, _Raised) else result
