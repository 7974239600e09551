"""Services as a gateway asks them, played by a test."""

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from kato.commands import Command, ListProcessors, Reply
from kato.counting import Histogram
from kato.dispatch import AlreadyBegun
from kato.errors import ProcessorUnavailable
from kato.events import Listener, Numbers, Subscribed, Wish


class FakeService:
    """What asks one service: it answers when the test says so.

    C{held} are its processors, which it lists at once, unless it is C{away} or C{silent}.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.held: dict[str, int] = {}
        self.asked: list[tuple[Command, Deferred[Reply]]] = []
        self.wishes: list[Wish] = []
        self.away = False
        self.silent = False
        self.under_way = 0
        self.seconds = Histogram()
        self.closed = False

    @property
    def healthy(self) -> bool:
        return not self.away

    def counts(self) -> dict[str, int]:
        return {"requests": 7, "failures": 1, "timeouts": 2, "retries": 3, "reconnections": 4}

    def ask(self, command: Command) -> "Deferred[Reply]":
        if self.away:
            return fail(ProcessorUnavailable(f"{self.address} is not there: not done"))
        if isinstance(command.params, ListProcessors) and not self.silent:
            return succeed(self._list(command.params))
        answer: Deferred[Reply] = Deferred(lambda answer: answer.errback(AlreadyBegun()))
        self.asked.append((command, answer))
        return answer

    def _list(self, params: ListProcessors) -> Reply:
        later = sorted(each for each in self.held if params.after is None or each > params.after)
        page = later[: params.limit]
        return Reply(
            "processors",
            1.0,
            {
                "processors": [
                    {"id": each, "models": self.held[each], "events": 0, "service": "local"}
                    for each in page
                ],
                "total": len(self.held),
                "next": page[-1] if len(page) < len(later) else None,
            },
        )

    def answer(self, **fields: Any) -> Command:
        """Answer the oldest command, which is given back."""
        command, answer = self.asked.pop(0)
        answer.callback(Reply(command.row.message, 1.0, fields, processor=command.processor))
        return command

    def refuse(self, error: Exception) -> None:
        """Let the oldest command fail."""
        self.asked.pop(0)[1].errback(error)

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Begin with the epoch that its address names."""
        self.wishes.append(wish)
        return succeed(Subscribed(self.address, 0, False, (), Numbers(), lambda: None))

    def statistics(self) -> dict[str, Any]:
        return {"connected": not self.away, "healthy": self.healthy, "under_way": self.under_way}

    def close(self) -> "Deferred[None]":
        self.closed = True
        return succeed(None)
