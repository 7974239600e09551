"""One operation of a document: it is executed, and what it asks for is asked, until all is
there."""

from collections.abc import Hashable, Mapping
from functools import cached_property, partial
from typing import Any

from graphql import ExecutionResult
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.codec import is_small
from kato.commands import Command, Reply
from kato.defects import judged
from kato.events import Event, Subscribed, Wish
from kato.gate import Bearer
from kato.ledger import Answered, Ledger, defect_of, outcome_of
from kato.limits import Limits
from kato.origin import Origin
from kato.protocols.graphql.answers import Answer, Answers
from kato.protocols.graphql.executing import PlainExecutor
from kato.protocols.graphql.room import Holding, Measured, Room, Told, check_length, is_brief
from kato.protocols.graphql.telling import Result, cause_of, told
from kato.protocols.graphql.wishing import Wished, beginning, event_map
from kato.threads import InThread

SIDE_BY_SIDE = 100
"""How many questions of one document are under way at a time."""


class Operation:
    """What is to be done, judged as far as it can be without doing it."""

    log = Logger()

    def __init__(
        self,
        executor: PlainExecutor,
        *,
        limits: Limits,
        room: Room,
        in_thread: InThread,
        ledger: Ledger,
        clock: IReactorTime,
        long: bool,
    ) -> None:
        """
        @param executor: executes it, once for each time that something came.
        @param limits: how much each command may ask for.
        @param room: how much the answers of all documents may hold.
        @param ledger: is told of each command that was answered.
        @param long: whether to execute it takes a while, whatever comes.
        """
        self._executor = executor
        self._limits = limits
        self._room = room
        self.holding: Holding | None = None
        """What the answer holds, once it is begun."""
        self._in_thread = in_thread
        self._ledger = ledger
        self._clock = clock
        self._is_long = long
        self.changes = executor.changes
        self.subscribes = executor.subscribes

    # Queries and mutations

    async def carry_out(self, bearer: Bearer, origin: Origin) -> Result:
        """Ask for all that it asks for, as who brings a key; gives C{data} and C{errors}.

        What is given takes room until it is released.

        @raise TooManyRequests: where this client's answers take too much already; nothing is done.
        """
        answers = Answers(self._limits)
        holding = self.holding = Holding(self._room, bearer.whose(origin.client))
        while True:
            result = await self._run(answers, holding)
            missing = answers.take_missing()
            if not missing:
                return told(result, self.log)
            answers.learn(await self._ask(missing, bearer, origin, holding))

    def release(self) -> None:
        """What was given is not kept any more."""
        if self.holding is not None:
            self.holding.release()

    async def _run(self, answers: Answers, holding: Holding) -> ExecutionResult:
        def run() -> ExecutionResult:
            counts = holding.tell(changes=self.changes)
            result = self._executor.run(None, answers, counts)
            holding.told(counts, len(result.errors or ()))
            return result

        if not self._is_long:
            return run()
        ran: ExecutionResult = await self._in_thread(run)
        return ran

    async def _ask(
        self,
        missing: Mapping[Hashable, Command],
        bearer: Bearer,
        origin: Origin,
        holding: Holding,
    ) -> Mapping[Hashable, Answer]:
        """Ask side by side; what is refused is an answer, too."""
        room = DeferredSemaphore(SIDE_BY_SIDE)
        began = self._clock.seconds()

        def ask(command: Command) -> "Deferred[Answer]":
            if (refusal := holding.refusal()) is not None:
                return succeed(refusal)
            asking: Deferred[Any] = maybeDeferred(bearer.ask, command.asked(origin))
            asking.addBoth(self._answered, command, origin, began)
            return asking.addCallback(self._taken, command, holding)

        asked = [
            (room if is_brief(command) else holding.at_a_time).run(ask, command)
            for command in missing.values()
        ]
        came: list[Answer] = [answer for _, answer in await DeferredList(asked)]
        return dict(zip(missing, came, strict=True))

    def _taken(
        self, answer: Answer, command: Command, holding: Holding
    ) -> "Answer | Deferred[Answer]":
        """What came, as far as there is room for it."""
        if not isinstance(answer, Reply):
            return answer
        if is_small(answer.fields):
            return holding.take(command, answer, Measured.of(answer))
        self._is_long = True
        measuring = self._in_thread(partial(Measured.of, answer))
        return measuring.addCallback(partial(holding.take, command, answer))

    def _answered(
        self, came: Reply | Failure, command: Command, origin: Origin, began: float
    ) -> Answer:
        """Every command is a request of its own to who counts them."""
        answer = judged(came, self.log, "GraphQL") if isinstance(came, Failure) else came
        error = None if isinstance(answer, Reply) else answer
        self._ledger.tell(
            Answered(
                operation=command.operation,
                transport=origin.transport,
                outcome=outcome_of(error),
                processor=command.processor,
                request_id=origin.id,
                key=origin.key,
                began=began,
                ended=self._clock.seconds(),
                defect=defect_of(error),
                client=origin.client,
            )
        )
        return answer

    # Subscriptions

    @cached_property
    def _wished(self) -> Wished:
        wished = Wished()
        result = self._executor.run(None, wished, self._counts())
        if result.errors:
            raise cause_of(result.errors[0])
        return wished

    @property
    def wish(self) -> Wish:
        """What a subscription wants to be told.

        @raise InvalidRequest: which names the argument at fault.
        """
        wish = self._wished.wish
        assert wish is not None, "a valid subscription has one field, which is not left out"
        return wish

    def begin(self, told: Subscribed, now: float) -> Result | None:
        """What is told first, where a beginning is to be told."""
        return self.tell(beginning(told, self.wish.processor, now)) if self._wished.greets else None

    def tells(self, event: Event) -> bool:
        """Whether anything is told of an event: who wants to hear of predictions alone has no place
        for others."""
        return self._wished.greets or event.topic in self.wish.topics

    def tell(self, event: Event) -> Result:
        """What is told of an event."""
        return told(self._executor.run(event_map(event), None, self._counts()), self.log)

    def _counts(self) -> Told:
        """Counts what is told of one event."""
        most = self._limits.values
        return Told(lambda size: check_length(size, most))
