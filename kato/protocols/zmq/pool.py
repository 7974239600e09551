"""The connections to one processor service: kept, checked and counted."""

from collections.abc import Callable
from functools import partial
from typing import Any
from zlib import crc32

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.counting import Histogram
from kato.dispatch import AlreadyBegun
from kato.errors import KatoError, TooManyRequests
from kato.messagepack import unpack
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.link import Link, State
from kato.protocols.zmq.measures import Measures
from kato.replies import read_reply

LINKS = 2
"""How many connections there are to a service: a long message holds up one of them only."""

CHECK = 30.0
"""Seconds between two checks of a connection."""

CHECK_PATIENCE = 5.0
"""Seconds that a check may take; without an answer the connection is taken for lost."""

MAX_UNDER_WAY = 10_000
"""How many requests may be under way to one service."""

MAX_BYTES = 256 * 2**20
"""How many bytes they may have together."""


class Pool:
    """Sends requests to a service, those of one processor always on one connection."""

    log = Logger()

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        hello: bytes,
    ) -> None:
        """
        @param random: draws from 0 to 1, for pauses.
        @param hello: the request by which a connection is checked.
        """
        self.address = address
        self.under_way = 0
        self.told: dict[str, Any] = {}
        self._clock = clock
        self._hello = hello
        self._bytes = 0
        self._measures = Measures()
        self._refused: str | None = None
        self._answered_on = [False] * LINKS
        self._links = [
            Link(
                address,
                sockets=sockets,
                clock=clock,
                random=random,
                connected=partial(self._connected, number),
                lost=partial(self._lost, number),
            )
            for number in range(LINKS)
        ]
        self._checks = LoopingCall(self._check_all)
        self._checks.clock = clock
        self._checks.start(CHECK, now=False)

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return any(each.state is State.UP for each in self._links)

    @property
    def healthy(self) -> bool:
        """Whether the service answered the last check on each of its connections, as one that
        knows us: whoever has a processor there is answered."""
        return self._refused is None and all(self._answered_on)

    def ask(
        self, key: str | None, body: "bytes | Deferred[bytes]", *, changes: bool
    ) -> "Deferred[bytes]":
        """Send a request; see L{Link.ask}.

        @param key: whose request it is: one key, one connection.
        @raise TooManyRequests: (the Deferred fails) where too much is under way.
        """
        if self.under_way >= MAX_UNDER_WAY or self._bytes >= MAX_BYTES:
            return fail(
                TooManyRequests(
                    f"{self.under_way} requests are under way to {self.address}", retry_after=1
                )
            )
        asked = _Asked(self._clock.seconds())
        if isinstance(body, Deferred):
            body.addCallback(self._weigh, asked)
        else:
            self._weigh(body, asked)
        self.under_way += 1
        self._measures.requests += 1
        link = self._links[crc32(key.encode()) % LINKS if key else 0]
        answer = link.ask(body, changes=changes)
        answer.addCallbacks(self._answered, self._failed, (asked,), {}, (asked,))
        return answer

    def _weigh(self, body: bytes, asked: "_Asked") -> bytes:
        if not asked.over:
            asked.size = len(body)
            self._bytes += asked.size
        return body

    def _end(self, asked: "_Asked") -> None:
        asked.over = True
        self.under_way -= 1
        self._bytes -= asked.size

    def _answered(self, body: bytes, asked: "_Asked") -> bytes:
        self._end(asked)
        now = self._clock.seconds()
        self._measures.answered(now - asked.began, now=now)
        return body

    def _failed(self, failure: Failure, asked: "_Asked") -> Failure:
        self._end(asked)
        if failure.check(KatoError):
            self._measures.failures += 1
        elif failure.check(AlreadyBegun):
            self._measures.timeouts += 1
        return failure

    # Checking

    def _check_all(self) -> None:
        for number, link in enumerate(self._links):
            if link.state is State.UP:
                self._check(number)

    def _connected(self, number: int) -> None:
        """There is a connection; the others, which are tried with pauses, need wait no longer."""
        self._check(number)
        for link in self._links:
            link.hurry()

    def _check(self, number: int) -> None:
        link = self._links[number]
        checked = link.ask(self._hello, changes=False)
        checked.addTimeout(CHECK_PATIENCE, self._clock, onTimeoutCancel=_no_answer)
        checked.addCallback(self._checked, number).addErrback(self._unchecked, link)

    def _checked(self, body: bytes, number: int) -> None:
        told = unpack(body)
        error = read_reply({"message": "hello", **told}) if isinstance(told, dict) else None
        self._measures.last_seen = self._clock.seconds()
        if isinstance(error, KatoError):
            raise error
        assert isinstance(told, dict)
        if not self.told or self._refused is not None:
            self.log.info("the service at {address} is there", address=self.address)
        self.told, self._refused = told, None
        self._answered_on[number] = True

    def _unchecked(self, failure: Failure, link: Link) -> None:
        if failure.check(_NoAnswer):
            link.drop("no answer to a check")
        elif link.state is State.UP and self._refused != str(failure.value):
            self._refused = str(failure.value)
            self.log.error(
                "the service at {address} cannot be used: {error}",
                address=self.address,
                error=self._refused,
            )

    def _lost(self, number: int, why: str) -> None:
        self._answered_on[number] = False
        self.log.warn("the service at {address}: {why}", address=self.address, why=why)

    @property
    def seconds(self) -> Histogram:
        """How long answers took."""
        return self._measures.seconds

    def counts(self) -> dict[str, int]:
        """What was counted so far."""
        return {
            **self._measures.counts(),
            "retries": sum(each.retries for each in self._links),
            "reconnections": sum(max(each.connections - 1, 0) for each in self._links),
        }

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this service."""
        return {
            "connected": self.connected,
            "healthy": self.healthy,
            **self._measures.as_dict(),
            **self.counts(),
            "under_way": self.under_way,
        }

    def close(self) -> None:
        """Close all connections; what is under way fails."""
        if self._checks.running:
            self._checks.stop()
        for link in self._links:
            link.close()


class _Asked:
    """What is counted of a request under way: when it began, and its bytes, once they are known."""

    __slots__ = ("began", "over", "size")

    def __init__(self, began: float) -> None:
        self.began = began
        self.over = False
        self.size = 0


class _NoAnswer(Exception):
    """A check was not answered in time."""


def _no_answer(result: object, seconds: float) -> None:
    raise _NoAnswer
