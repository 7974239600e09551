"""What the two faces share whose calls are awaited: that of asyncio, and that of Twisted."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from kato.client.calls import Call, ProcessorCalls, ServerCalls

P = ParamSpec("P")
T = TypeVar("T")


def _of_server(
    make: Callable[Concatenate[ServerCalls, P], Call[T]],
) -> Callable[Concatenate["AwaitedClient", P], Awaitable[T]]:
    """Make a coroutine that gives what a call gives."""

    @wraps(make)
    async def ask(self: "AwaitedClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.carry_out(make(ServerCalls(), *args, **kwargs))

    return ask


def _of_processor(
    make: Callable[Concatenate[ProcessorCalls, P], Call[T]],
) -> Callable[Concatenate["AwaitedProcessor", P], Awaitable[T]]:
    """Make a coroutine that gives what a call to a processor gives."""

    @wraps(make)
    async def ask(self: "AwaitedProcessor", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.asked.carry_out(make(self.calls, *args, **kwargs))

    return ask


class AwaitedClient:
    """Asks one server."""

    ping = _of_server(ServerCalls.ping)
    processors = _of_server(ServerCalls.processors)
    statistics = _of_server(ServerCalls.statistics)

    @abstractmethod
    async def carry_out(self, call: Call[T]) -> T:
        """Ask, and ask again where that is safe and of use.

        @raise KatoError: as L{kato.client.blocking.Client.carry_out}.
        """


class AwaitedProcessor:
    """Asks one processor."""

    def __init__(self, asked: AwaitedClient, processor_id: str) -> None:
        """@param asked: carries out calls."""
        self.asked = asked
        self.calls = ProcessorCalls(processor_id)

    @property
    def id(self) -> str:
        """How it is addressed."""
        return self.calls.processor

    create = _of_processor(ProcessorCalls.create)
    delete = _of_processor(ProcessorCalls.delete)
    ping = _of_processor(ProcessorCalls.ping)
    status = _of_processor(ProcessorCalls.status)
    observe = _of_processor(ProcessorCalls.observe)
    observe_sequence = _of_processor(ProcessorCalls.observe_sequence)
    learn = _of_processor(ProcessorCalls.learn)
    predictions = _of_processor(ProcessorCalls.predictions)
    forecast = _of_processor(ProcessorCalls.forecast)
    explain = _of_processor(ProcessorCalls.explain)
    short_term_memory = _of_processor(ProcessorCalls.short_term_memory)
    clear_short_term_memory = _of_processor(ProcessorCalls.clear_short_term_memory)
    clear_all_memory = _of_processor(ProcessorCalls.clear_all_memory)
    percept = _of_processor(ProcessorCalls.percept)
    cognition = _of_processor(ProcessorCalls.cognition)
    genes = _of_processor(ProcessorCalls.genes)
    gene = _of_processor(ProcessorCalls.gene)
    change_genes = _of_processor(ProcessorCalls.change_genes)
    models = _of_processor(ProcessorCalls.models)
    model = _of_processor(ProcessorCalls.model)
    update_model = _of_processor(ProcessorCalls.update_model)
    delete_model = _of_processor(ProcessorCalls.delete_model)
