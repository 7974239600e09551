"""Whole systems in memory, to which bytes are sent, and which tell of every defect."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.codec import encode_json
from kato.commands import Command, Reply
from kato.dispatch import Dispatch
from kato.engines import Engines
from kato.errors import KatoError
from kato.messagepack import pack
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from tests.doubles import at_once
from tests.fuzz.target import Broken, hold

STATE = (
    "get_status",
    "get_short_term_memory",
    "list_models",
    "get_genes",
    "get_percept_data",
    "get_cognition_data",
)
"""Questions whose answers tell all of a processor."""

HISTORY: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("create_processor", {"genes": {"persistence": 7}}),
    ("observe", {"strings": ["a", "b"], "vectors": [[1.0]], "emotives": {"joy": 1}}),
    ("learn", {}),
    ("observe", {"strings": ["a"], "unique_id": "mine", "metadata": {"k": [1]}}),
)
"""What gives a processor a state."""

_DEFECT = "INTERNAL_ERROR"


@contextmanager
def no_defects() -> Iterator[None]:
    """See that nothing is logged that went wrong in a way that nobody thought of."""
    found: list[str] = []

    @implementer(ILogObserver)
    def hear(event: LogEvent) -> None:
        if "log_failure" in event:
            found.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(hear)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(hear)
    if found:
        raise Broken(f"a defect was logged:\n{found[0]}")


def fired(deferred: "Deferred[Any]") -> Any:
    """What a Deferred has fired with; what it failed with is raised."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    hold(len(results) == 1, "no answer")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


class World:
    """A worker with a processor C{p1} that has a state."""

    def __init__(self, *, processors: int = 10, events: int = 100) -> None:
        """@param processors: how many there may be; C{events} in a short-term memory."""
        self.clock = Clock()
        self.clock.advance(1_000_000)
        store = MemoryStore()
        store.open()
        self.worker = Worker(
            store,
            clock=self.clock,
            in_thread=at_once,
            max_processors=processors,
            engines=Engines(max_events=events),
        )
        self.dispatch = Dispatch(self.worker, clock=self.clock, timeout=30.0)
        fired(Deferred.fromCoroutine(self.worker.start()))
        for operation, params in HISTORY:
            self.ask(Command.parse(operation, params, "p1"))

    def ask(self, command: Command) -> Reply | KatoError:
        """Carry out a command; the answer can be written on every transport."""
        asked = self.dispatch.ask(command)
        self.clock.advance(0)
        try:
            reply: Reply = fired(asked)
        except KatoError as error:
            hold(error.error_code != _DEFECT, "a defect", command, error)
            return error
        pack(reply.as_dict())
        encode_json(reply.as_dict())
        return reply

    def state(self) -> list[Any]:
        """All that can be told of C{p1}, and which processors there are."""
        answers: list[Any] = [self.ask(Command.parse("list_processors"))]
        answers += [self.ask(Command.parse(operation, {}, "p1")) for operation in STATE]
        return [_lasting(each) for each in answers]


def _lasting(answer: Reply | KatoError) -> object:
    """An answer without its time, and without how much memory is taken: to be asked may take some,
    where Python matches."""
    if isinstance(answer, KatoError):
        return answer.error_code
    told = answer.as_dict()
    return encode_json({key: told[key] for key in told if key not in ("time_stamp", "memory")})
