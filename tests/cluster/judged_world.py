"""Services on one store in one process, real from the worker down to the lease, and clients whose
history is judged.

Time of the history is the order in which things happen: whoever is answered before another asks
comes before him.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.codec import encode_json
from kato.commands import Command, Reply
from kato.errors import KatoError, Moved
from tests.cluster.history import Call, Came, Crash, History
from tests.cluster.simulator import Asked, wanted
from tests.ownership_world import Service, World

PROCESSORS = ("p", "q")
_SERVICES = 3
_CLIENTS = 4
_HOPS = 6


@dataclass(slots=True)
class _Under:
    """A call under way."""

    client: int
    processor: str
    asked: Asked
    began: float
    hops: int = 0


class JudgedWorld:
    """What happens, drawn by chance."""

    def __init__(self, chance: random.Random, *, gentle: bool) -> None:
        """
        @param gentle: nothing happens to services but that they die, are frozen, leave and come.
        """
        self.chance = chance
        self.world = World(_SERVICES)
        self._gentle = gentle
        self._time = count(1)
        self._calls: list[Call] = []
        self._crashes: list[Crash] = []
        self._shaken: float | None = None
        self._stopped: list[tuple[float, frozenset[str]]] = []
        self._under: dict[int, _Under] = {}
        self._again: dict[int, _Under] = {}
        self._ids = count(1)
        self.answered = 0

    def now(self) -> float:
        """The next moment."""
        return float(next(self._time))

    def run(self, steps: int) -> History:
        """Let so much happen, then everything come to rest; gives what was seen."""
        for service in self.world.services[:2]:
            service.start(checkpoint=2.0)
        self.world.advance(2.0)
        for _ in range(steps):
            self.chance.choices((self._ask, self._wait, self._fail, self._mend), (10, 4, 1, 1))[0]()
        self._end()
        return History(tuple(self._calls), tuple(self._crashes))

    def _wait(self) -> None:
        self.world.advance(self.chance.choice((0.25, 0.5, 1.0, 3.0, 7.0)))

    # Clients

    def _ask(self) -> None:
        client = self.chance.randrange(_CLIENTS)
        if client in self._under:
            if self.chance.random() < 0.5:
                self._came(self._under[client], None)
            return
        again = self._again.pop(client, None)
        if again is not None and self.chance.random() < 0.8:
            self._send(_Under(client, again.processor, again.asked, self.now()))
            return
        name = f"c{client}-{next(self._ids)}"
        asked = wanted(self.chance, name, self._known())
        self._send(_Under(client, self.chance.choice(PROCESSORS), asked, self.now()))

    def _known(self) -> list[str]:
        told = (each.answer or {} for each in self._calls[-10:])
        return [each["model_name"] for each in told if each.get("model_name")]

    def _send(self, under: _Under) -> None:
        self._under[under.client] = under
        self._to(self.chance.choice(self.world.services), under)

    def _to(self, service: Service, under: _Under) -> None:
        asked = under.asked
        request_id = asked.request_id if asked.changes else None
        command = Command.parse(asked.operation, asked.params, under.processor, request_id)
        answer: Deferred[Reply] = service.ask(command)
        answer.addBoth(self._heard, under).addErrback(self.world.violations.append)

    def _heard(self, result: Reply | Failure, under: _Under) -> None:
        if self._under.get(under.client) is not under:
            return
        if isinstance(result, Reply):
            self._came(under, json.loads(encode_json(result.as_dict())))
            return
        error = result.value
        if isinstance(error, Moved) and under.hops < _HOPS:
            under.hops += 1
            services = self.world.services
            self._to(next(each for each in services if each.address == error.address), under)
        elif isinstance(error, Moved):
            self._came(under, {"status": "error", "error_code": "PROCESSOR_UNAVAILABLE"})
        elif isinstance(error, KatoError):
            outcome = {"outcome": "unknown"} if error.outcome_unknown else {}
            told = {"status": "error", "error_code": error.error_code, "message": error.message}
            self._came(under, {**told, **outcome})
        else:
            self._came(under, None)

    def _came(self, under: _Under, answer: dict[str, Any] | None) -> None:
        self._under.pop(under.client, None)
        asked = under.asked
        call = Call(
            f"c{under.client}",
            under.processor,
            asked.operation,
            asked.params,
            asked.request_id if asked.changes else None,
            under.began,
            self.now(),
            answer,
        )
        self._calls.append(call)
        if call.came is Came.TOLD:
            self.answered += 1
        elif asked.changes:
            self._again[under.client] = under

    # What happens to services

    def _fail(self) -> None:
        service = self.chance.choice(self.world.services)
        if not service.up:
            return
        rough: tuple[Callable[[Service], None], ...] = (_cut, _lose_answers, _hold)
        faults = (self._crash, self._stop, self._leave, *(() if self._gentle else rough))
        fault = self.chance.choice(faults)
        if fault in rough:
            self._shake()
        fault(service)

    def _shake(self) -> None:
        """From now on anything that need not last may be lost, again and again."""
        if self._shaken is None:
            self._shaken = self.now()

    def _crash(self, service: Service) -> None:
        held = frozenset(service.tenancy.held)
        began = self.now()
        service.crash()
        self._crashes.append(Crash(began, self.now(), held, why=f"crash of {service.number}"))

    def _stop(self, service: Service) -> None:
        """It may be taken for dead, until it is found that it is not."""
        if not service.stopped:
            self._stopped.append((self.now(), frozenset(service.tenancy.held)))
            service.stop()

    def _leave(self, service: Service) -> None:
        if not (service.stopped or service.left):
            service.leave().addErrback(lambda failure: failure.trap(KatoError))

    def _mend(self) -> None:
        service = self.chance.choice(self.world.services)
        if service.left and service.up:
            self._crash(service)
        if not service.up:
            service.start(checkpoint=2.0)
        elif service.stopped:
            service.go_on(at_once=self.chance.random() < 0.5)
        else:
            service.mend()
        if self._stopped and not any(each.stopped for each in self.world.services):
            self.world.advance(10.0)
            self._settled()

    def _settled(self) -> None:
        """All have looked around since one was stopped."""
        for began, held in self._stopped:
            self._crashes.append(Crash(began, self.now(), held, why="stopped"))
        self._stopped.clear()

    # The end

    def _end(self) -> None:
        world = self.world
        for service in world.services:
            if service.up and service.left:
                self._crash(service)
        world.settle()
        for under in list(self._under.values()):
            self._came(under, None)
        self._settled()
        if self._shaken is not None:
            self._crashes.append(Crash(self._shaken, self.now(), often=True, why="shaken"))
        for processor in PROCESSORS:
            for operation in ("list_models", "get_short_term_memory", "get_genes"):
                self._insist(processor, Asked(operation, {}, "end", named=False))

    def _insist(self, processor: str, asked: Asked) -> None:
        before = self.answered
        for _ in range(20):
            self._send(_Under(_CLIENTS, processor, asked, self.now()))
            self.world.advance(1.0)
            if self.answered > before:
                return
        raise AssertionError(f"{asked} is never answered: {self._calls[-1]}")


def _cut(service: Service) -> None:
    service.store.cut = True


def _lose_answers(service: Service) -> None:
    service.store.loses_answers = True


def _hold(service: Service) -> None:
    service.store.holds = True
