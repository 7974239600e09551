"""The processors of this process, as C{list_processors} tells them (SPEC 8)."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, FirstError, gatherResults

from kato.commands import Command, ListProcessors, Reply
from kato.engine import Processor
from kato.ground import Ground
from kato.slots import beside


class Inventory:
    """Tells which processors there are."""

    def __init__(self, ground: Ground) -> None:
        self._slots = ground.slots
        self._audit = ground.audit
        self._commits = ground.commits
        self._clock = ground.clock

    async def answer(self, command: Command, params: ListProcessors) -> Reply:
        """Tell the processors there are; what is told of them is durable when it is told.

        @raise KatoError: where it cannot be made so.
        """
        existing = await self._existing()
        later = [each for each in existing if params.after is None or each[0] > params.after]
        page = later[: params.limit]
        fields = {
            "processors": [_line(engine) for _, engine in page],
            "total": len(existing),
            "next": page[-1][0] if len(page) < len(later) else None,
        }
        pending = [self._commits.pending(processor) for processor, _ in page]
        if self._audit.listed(command, self._clock.seconds()):
            pending.append(self._audit.pending())
        await _all_durable(filter(None, pending))
        return Reply(command.row.message, self._clock.seconds(), fields)

    async def _existing(self) -> list[tuple[str, Processor]]:
        """All that there are once those that are being loaded are here, by id."""
        await self._slots.opened()
        for slot in self._slots:
            if slot.loading is not None:
                await beside(slot.loading)
        return sorted((slot.id, slot.engine) for slot in self._slots if slot.engine is not None)


async def _all_durable(pending: "Iterable[Deferred[None]]") -> None:
    """Wait for commits.

    @raise KatoError: where one of them fails.
    """
    try:
        await gatherResults(pending, consumeErrors=True)
    except FirstError as first:
        first.subFailure.raiseException()


def _line(engine: Processor) -> dict[str, Any]:
    """A processor as C{list_processors} tells it; C{service} is who holds it: this process."""
    start, end = engine.window
    return {"id": engine.id, "models": engine.models, "events": end - start, "service": "local"}
