"""What is read again on SIGHUP, while the service goes on (SPEC 10).

Whoever has files that an operator may change tells how each is read again, by a name for the log.
What cannot be used is told in one line, and what was read before stays in use.
"""

import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.logger import Logger


class NotReadable(Exception):
    """What was to be read cannot be used; the message says why, in one line."""


class Reloadable(NamedTuple):
    """Something that is read again: what it is, and the function that does it or raises
    L{NotReadable}, having changed nothing."""

    what: str
    read: Callable[[], object]


class Reloading:
    """Knows all that is read again."""

    log = Logger()

    def __init__(self) -> None:
        self._known: list[Reloadable] = []

    def add(self, what: str, read: Callable[[], object]) -> None:
        """Have something read again from now on, behind what was added before."""
        self._known.append(Reloadable(what, read))

    def read_again(self) -> None:
        """Read all of it; what fails hinders nothing else."""
        if not self._known:
            self.log.info("SIGHUP: there is nothing to read again")
        for each in self._known:
            try:
                each.read()
            except NotReadable as error:
                self.log.error(
                    "{what}: {why}; what was read before stays in use",
                    what=each.what,
                    why=str(error),
                )
            except Exception:
                self.log.failure("{what} cannot be read again", what=each.what)
            else:
                self.log.info("{what}: read again", what=each.what)

    def heed_hangups(self, reactor: Any) -> None:
        """Read all of it whenever this process gets a SIGHUP, which would else end it: neither
        C{twistd} nor its reactors take that signal."""
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(self.read_again))
