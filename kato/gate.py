"""Between every transport and the dispatch: nothing is asked but by a L{Bearer}, which judges first
(SPEC 9)."""

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime

from kato.allowance import Allowance
from kato.commands import Command, ListProcessors, Reply
from kato.errors import Forbidden, KatoError, TooManyRequests, Unauthorized
from kato.events import Listener, Subscribed, Wish
from kato.keeper import Keeper
from kato.keys import FREE, Grant
from kato.policy import GUEST, NO_KEY, SUBSCRIBE, Key, judge, judge_server
from kato.sight import listed, partly_told
from kato.suspicion import network


class Asks(Protocol):
    """Who carries out commands and tells events: L{kato.dispatch.Dispatch}."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command; fails with L{KatoError} alone."""

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events; fails with L{KatoError} alone."""


class Bearer:
    """One who asks, with what is granted to him."""

    __slots__ = ("_asks", "_clock", "_grant", "_judged", "_keeper", "_paid")

    def __init__(self, asks: Asks, grant: Grant, keeper: Keeper, clock: IReactorTime) -> None:
        self._asks = asks
        self._grant = grant
        self._keeper = keeper
        self._clock = clock
        self._judged: tuple[object, object, Key] | None = None
        """What he may do, as was seen last."""
        self._paid = False
        """Whether what he asks first was counted for the rate of his key already."""

    @property
    def key(self) -> Key:
        """What his key may do.

        @raise Unauthorized: where it was taken back.
        """
        key = self._grant.key
        if key is None:
            raise Unauthorized(NO_KEY)
        return key

    @property
    def name(self) -> str | None:
        """The name of his key; C{None}: none is asked for, or he has told none."""
        key = self._grant.key
        return (key.name or None) if key is not None else None

    def whose(self, address: str | None) -> str:
        """For whom counts what he takes of that which all have together: for his key, or, where
        there is none, for his address.

        @param address: where he is, as far as it is known.
        """
        return self.name or network(address)

    @property
    def holds(self) -> bool:
        """Whether his key is still one."""
        return self._grant.holds(self._clock.seconds())

    def sees(self, processor: object) -> bool:
        """Whether his key is for a processor."""
        key = self._grant.key
        return key is not None and key.sees(processor)

    def judge(self, operation: object, processor: object) -> None:
        """See that he may do this: see L{kato.policy.judge}.

        @raise Unauthorized: where his key is none any more.
        @raise Forbidden: where he may not.
        """
        if self._grant is FREE:
            return
        key = self.key
        try:
            judge(key, operation, processor, self._clock.seconds())
        except Forbidden:
            self._keeper.forbidden += 1
            raise
        self._judged = operation, processor, key

    def judge_server(self, what: str) -> None:
        """See that he may do what concerns all of the server: see L{kato.policy.judge_server}.

        @raise Unauthorized: where his key is none any more.
        @raise Forbidden: where he may not.
        """
        if self._grant is FREE:
            return
        try:
            judge_server(self.key, what, self._clock.seconds())
        except Forbidden:
            self._keeper.forbidden += 1
            raise

    def begin(self) -> "Bearer":
        """Begin a request, which counts for the rate of his key whatever comes of it; gives who
        asks in it, of whom no more is counted for the first thing that he asks.

        @raise TooManyRequests: where he makes too many.
        """
        allowance = self._grant.allowance
        if allowance is None:
            return self
        self._take(allowance)
        begun = Bearer(self._asks, self._grant, self._keeper, self._clock)
        begun._judged, begun._paid = self._judged, True
        return begun

    def _take(self, allowance: Allowance) -> None:
        if self._paid:
            self._paid = False
            return
        wait = allowance.take(self._clock.seconds())
        if wait:
            self._keeper.over_rate += 1
            raise TooManyRequests(
                f"rate: more requests than this key may make, {self.key.rate:g} a second",
                retry_after=wait,
            )

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command, if he may; of the list of processors he is told what his key is for.

        @raise KatoError: (the Deferred fails) and nothing else.
        """
        if self._grant is FREE:
            return self._asks.ask(command)
        grant, asked = self._grant, (command.operation, command.processor, self._grant.key)
        try:
            if self._judged != asked or self.key.expires is not None:
                self.judge(command.operation, command.processor)
            if grant.allowance is not None:
                self._take(grant.allowance)
        except KatoError as error:
            return fail(error)
        if isinstance(command.params, ListProcessors) and not self.key.whole:
            return Deferred.fromCoroutine(
                listed(command, command.params, ask=self._asks.ask, sees=self.sees)
            )
        return self._asks.ask(command)

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, if he may hear them; where no processor is named, those of
        the processors that his key is for.

        @raise KatoError: (the Deferred fails) and nothing else, unless it is cancelled.
        """
        if self._grant is FREE:
            return self._asks.subscribe(wish, listener)
        try:
            self.judge(SUBSCRIBE, wish.processor)
            if self._grant.allowance is not None:
                self._take(self._grant.allowance)
        except KatoError as error:
            return fail(error)
        if wish.processor is None and not self.key.whole:
            return partly_told(wish, listener, subscribe=self._asks.subscribe, sees=self.sees)
        return self._asks.subscribe(wish, listener)


class Gate:
    """Makes bearers of those who come."""

    def __init__(self, asks: Asks, keeper: Keeper, *, clock: IReactorTime) -> None:
        """@param keeper: knows who has a key."""
        self._asks = asks
        self.keeper = keeper
        self._clock = clock
        grant = FREE if keeper.is_open else Grant(GUEST)
        self.anybody = self._bearer(grant)
        """One who has told no key: where none is asked for, he may do everything."""
        self.is_open = keeper.is_open

    def is_guest(self, bearer: Bearer) -> bool:
        """Whether one must tell a key yet."""
        return bearer is self.anybody and not self.is_open

    def identify(self, given: Sequence[bytes], *, how: str, peer: str | None) -> Bearer:
        """Who brings these keys: see L{Keeper.identify}.

        @raise Unauthorized: where a key is asked for, and none of these is one.
        """
        grant = self.keeper.identify(given, how=how, peer=peer)
        return self.anybody if grant is FREE else self._bearer(grant)

    def _bearer(self, grant: Grant) -> Bearer:
        return Bearer(self._asks, grant, self.keeper, self._clock)
