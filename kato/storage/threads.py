"""Threads of a store's own."""

from functools import partial
from threading import Thread

from twisted.python.threadpool import ThreadPool


class OneThread(ThreadPool):
    """One thread, which does one thing after the other and does not hold up the end of a process:
    what it has not committed by then is as lost as by C{kill -9}."""

    threadFactory = staticmethod(partial(Thread, daemon=True))  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__(1, 1, name)
