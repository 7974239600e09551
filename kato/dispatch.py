"""From a command at an edge to the processor it speaks to, and back in time (SPEC 8)."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface

from kato.commands import Command, Reply
from kato.defects import judged
from kato.errors import ProcessorUnavailable, Timeout, TooManyRequests
from kato.events import Listener, Subscribed, Wish
from kato.limits import Limits


class AlreadyBegun(Exception):
    """A command was to be taken back, but had begun: nobody will hear how it ended."""


class IProcessors(Interface):
    """Who has processors: this process, or services elsewhere."""

    def ask(command: Command) -> "Deferred[Reply]":
        """Carry out a command.

        Cancelling the Deferred takes a command back that has not begun: it fails with
        C{CancelledError} and nothing is changed.  One that has begun fails with L{AlreadyBegun}.

        @raise KatoError: (the Deferred fails) what the client shall know.
        """

    def subscribe(wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, from the one after those that the answer tells.

        The listener is called after the Deferred has fired, in the order of the offsets, on the
        reactor; it loses nothing and hears nothing twice.  Where the history is lost it is told a
        C{status} event with the new epoch, whatever its topics, and reads the state anew.

        @raise KatoError: (the Deferred fails) what the client shall know, C{ProcessorNotFound} for
            one.
        """

    def statistics() -> dict[str, Any]:
        """What C{/stats} tells of these processors."""


class Dispatch:
    """Asks, and sees to it that there is an answer: in time, and one that a client may see."""

    log = Logger()

    def __init__(
        self,
        processors: IProcessors,
        *,
        clock: IReactorTime,
        timeout: float,
        max_requests: int = Limits().requests,
    ) -> None:
        """
        @param timeout: seconds after which a request that has no answer is answered C{TIMEOUT}.
        @param max_requests: how many may be under way.
        """
        self._processors = processors
        self._clock = clock
        self._timeout = timeout
        self._max_requests = max_requests
        self._under_way: set[Deferred[Reply]] = set()
        self._stopping = False
        self._answered = 0

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command.

        @raise KatoError: (the Deferred fails) and nothing else.
        """
        if self._stopping:
            return fail(ProcessorUnavailable("the server is stopping", retry_after=1))
        if len(self._under_way) >= self._max_requests:
            return fail(_too_many(self._max_requests))
        asked = self._processors.ask(command)
        if asked.called and isinstance(asked.result, Reply):  # as most are: no time can run out
            self._answered += 1
            return asked
        answer: Deferred[Reply] = Deferred()
        self._under_way.add(answer)
        deadline = self._clock.callLater(self._timeout, self._expire, command, asked, answer)

        def settle(result: Reply | Failure) -> Reply | Failure | None:
            if answer not in self._under_way:
                return result
            self._under_way.discard(answer)
            deadline.cancel()
            self._answered += 1
            if isinstance(result, Failure):
                where = f"{command.operation} on {command.processor}"
                answer.errback(judged(result, self.log, where))
            else:
                answer.callback(result)
            return None

        asked.addBoth(settle)
        return answer

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}: see L{IProcessors.subscribe}.

        @raise KatoError: (the Deferred fails) and nothing else, unless it is cancelled.
        """
        if self._stopping:
            return fail(ProcessorUnavailable("the server is stopping", retry_after=1))
        return self._processors.subscribe(wish, listener).addErrback(self._not_subscribed)

    def _not_subscribed(self, failure: Failure) -> Failure:
        if failure.check(CancelledError):
            return failure
        return Failure(judged(failure, self.log, "subscribe"))

    def _expire(
        self, command: Command, asked: "Deferred[Reply]", answer: "Deferred[Reply]"
    ) -> None:
        """There is no answer in time: a command that has not begun is taken back."""
        self._under_way.discard(answer)
        self._answered += 1
        begun: list[bool] = []

        def taken_back(failure: Failure) -> None:
            begun.append(failure.check(AlreadyBegun) is not None)

        asked.addErrback(taken_back)
        asked.cancel()
        answer.errback(
            Timeout(
                f"no answer to {command.operation} within {self._timeout:g} seconds",
                outcome_unknown=command.row.changes and any(begun),
            )
        )

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of requests and processors."""
        return {
            "requests": self._answered,
            "under_way": len(self._under_way),
            **self._processors.statistics(),
        }

    def stop(self) -> "Deferred[Any]":
        """Take no more commands; fires when all that is under way has been answered."""
        self._stopping = True
        if not self._under_way:
            return succeed(None)
        waiting: list[Deferred[object]] = []
        for answer in self._under_way:
            done: Deferred[object] = Deferred()
            answer.addBoth(_passing_on, done)
            waiting.append(done)
        return DeferredList(waiting, consumeErrors=True)


def _too_many(most: int) -> TooManyRequests:
    return TooManyRequests(f"{most:,} requests are under way", retry_after=1)


def _passing_on(result: object, done: "Deferred[object]") -> object:
    done.callback(None)
    return result
