"""Clients and a service in simulated time: what they ask, and what they are told, by the engine
itself, with answers that get lost, requests that come late, and crashes.

What a L{Deed} does to the service meanwhile is what must be found out by who judges the history.
"""

import heapq
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kato.codec import encode_json
from kato.commands import OPERATIONS, Command
from kato.engine import Processor
from kato.errors import KatoError
from kato.genes import Genes
from kato.turn import take_turn
from tests.cluster.history import Call, Came, Crash, History

PROCESSOR = "p"
_MAKES = ("create_processor", "observe", "observe_sequence", "change_gene", "change_genes")
_RESTART = 0.05
"""Seconds around a crash in which it may have happened."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a client asks for; what is sent again is the same."""

    operation: str
    params: dict[str, Any]
    request_id: str
    named: bool

    @property
    def changes(self) -> bool:
        return OPERATIONS[self.operation].changes


class Service:
    """One processor as its engine makes it, from all that it did."""

    def __init__(self) -> None:
        self.did: list[Asked] = []
        self.durable = 0
        self._engine: Processor | None = None
        self._deleted: dict[str, dict[str, Any]] = {}
        self.lasting: set[Asked] = set()

    def say(self, asked: Asked) -> dict[str, Any]:
        """Do it; what changes something is remembered as done."""
        answer, lasts = self._said(asked)
        if asked.changes and answer["status"] == "okay":
            self.did.append(asked)
            if lasts:
                self.lasting.add(asked)
        return answer

    def _said(self, asked: Asked) -> tuple[dict[str, Any], bool]:
        if asked.request_id in self._deleted:
            return self._deleted[asked.request_id], False
        created = self._engine is None
        if created and asked.operation not in _MAKES:
            return _error("PROCESSOR_NOT_FOUND"), False
        engine = self._engine or Processor(PROCESSOR, genes=Genes())
        if asked.operation == "delete_processor":
            self._engine = None
            self._deleted[asked.request_id] = {"status": "okay"}
            return {"status": "okay"}, True
        command = Command.parse(asked.operation, asked.params, PROCESSOR, asked.request_id)
        try:
            outcome = take_turn(engine, command, now=0.0, make_id=lambda: "made", created=created)
        except KatoError as error:
            return _error(error.error_code), False
        self._engine = engine
        answer: dict[str, Any] = json.loads(encode_json(outcome.reply.as_dict()))
        return answer, outcome.durable

    def answered(self, place: int) -> None:
        """Something was answered that saw the first C{place} deeds: what must last of them does."""
        lasting = [n + 1 for n, each in enumerate(self.did[:place]) if each in self.lasting]
        self.durable = max([self.durable, *lasting])

    def become(self, did: Sequence[Asked]) -> None:
        """Be as if this had been done, and nothing else."""
        self.__init__()  # type: ignore[misc]
        for each in did:
            self.say(each)
        self.durable = len(self.did)

    def crash(self, chance: random.Random) -> None:
        """Lose what need not last, or a part of it."""
        self.become(self.did[: chance.randint(self.durable, len(self.did))])

    def as_of(self, place: int) -> "Service":
        """Another one, which did only so much."""
        other = Service()
        other.become(self.did[:place])
        return other


def _error(code: str) -> dict[str, Any]:
    return {"status": "error", "error_code": code, "message": ""}


Deed = Callable[["Simulation"], bool]
"""Something that must not happen; gives whether it could be done now, or will be, which
C{deed_done} then tells."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How often things go wrong, each from 0 to 1, and how often there is a crash."""

    lost: float = 0.05
    unheard: float = 0.05
    refused: float = 0.05
    late: float = 0.02
    crashes: int = 2
    again: bool = True


CALM = Weather(lost=0.0, unheard=0.0, refused=0.0, late=0.0, crashes=0)


@dataclass(slots=True)
class _Attempt:
    client: str
    asked: Asked
    began: float
    unheard: bool
    over: bool = False
    place: int = field(default=0)


class Simulation:
    """Clients that ask one after the other, side by side."""

    def __init__(
        self,
        chance: random.Random,
        *,
        clients: int = 4,
        calls: int = 100,
        weather: Weather = CALM,
        deed: Deed | None = None,
    ) -> None:
        """
        @param calls: how many are made by all clients together, those at the end not counted.
        @param deed: is tried after each answer until it could be done.
        """
        self.chance = chance
        self.service = Service()
        self.now = 0.0
        self.calls: list[Call] = []
        self.crashes: list[Crash] = []
        self.deed_done = False
        self.owner: Callable[[str], Service] = lambda client: self.service
        self.read: Callable[[Asked, dict[str, Any]], dict[str, Any]] = lambda asked, said: said
        self._deed = deed
        self._prepared = False
        self._weather = weather
        self._left = calls
        self._ids = count(1)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._lives = 0
        self._clients = [f"c{number}" for number in range(clients)]

    def run(self) -> History:
        """Let it happen; gives what was seen, with a look at everything at the end."""
        for client in self._clients:
            self._after(self.chance.random() * 0.1, lambda client=client: self._ask(client))  # type: ignore[misc]
        for _ in range(self._weather.crashes):
            self._after(self.chance.random() * self._left * 0.01, self._crash)
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now += 1.0
        for operation in ("list_models", "get_short_term_memory", "get_genes"):
            asked = Asked(operation, {}, f"end-{operation}", named=False)
            said = self.owner("end").say(asked)
            self._note(_Attempt("end", asked, self.now, unheard=False), said)
            self.now += 0.01
        return History(tuple(self.calls), tuple(self.crashes))

    def _after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._ids), event))

    def end(self) -> None:
        """Nothing more is asked than what was asked already."""
        self._left = 0

    # What clients do

    def _ask(self, client: str) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        name, wipes = f"{client}-{next(self._ids)}", self._deed is None
        self._send(client, wanted(self.chance, name, self._known(), wipes=wipes))

    def _known(self) -> list[str]:
        """Names of models that somebody was told of."""
        told = (each.answer or {} for each in self.calls[-30:])
        return [each["model_name"] for each in told if each.get("model_name")]

    def _send(self, client: str, asked: Asked) -> None:
        """Send it, whatever becomes of it."""
        weather, fate = self._weather, self.chance.random()
        attempt = _Attempt(client, asked, self.now, self.chance.random() < weather.unheard)
        if fate < weather.refused:
            self._after(0.01, lambda: self._hear(attempt, _error("PROCESSOR_UNAVAILABLE")))
        elif fate < weather.refused + weather.lost:
            self._after(0.05, lambda: self._give_up(attempt))
        elif fate < weather.refused + weather.lost + weather.late:
            self._after(0.05, lambda: self._give_up(attempt))
            self._after(0.05 + self.chance.random(), lambda: self._arrive(attempt))
        else:
            self._after(self.chance.random() * 0.03, lambda: self._arrive(attempt))

    def _arrive(self, attempt: _Attempt) -> None:
        """It is done; its answer is on its way."""
        owner, life = self.owner(attempt.client), self._lives
        said = owner.say(attempt.asked)
        if not attempt.asked.changes:
            said = self.read(attempt.asked, said)
        attempt.place = len(owner.did)
        self._after(self.chance.random() * 0.02, lambda: self._answer(attempt, said, owner, life))

    def _answer(self, attempt: _Attempt, said: dict[str, Any], owner: Service, life: int) -> None:
        if life != self._lives:  # it died before it could answer
            again = self._weather.again and self.chance.random() < 0.5
            (self._arrive if again else self._give_up)(attempt)
            return
        owner.answered(attempt.place)
        if attempt.unheard:
            self._give_up(attempt)
        else:
            self._hear(attempt, said)

    def _give_up(self, attempt: _Attempt) -> None:
        if attempt.over:
            return
        self._note(attempt, None)
        if attempt.asked.named:
            self._after(0.02, lambda: self._send(attempt.client, attempt.asked))
        else:
            self._after(0.02, lambda: self._ask(attempt.client))

    def _hear(self, attempt: _Attempt, said: dict[str, Any]) -> None:
        if attempt.over:
            return
        self._note(attempt, said)
        if self._deed is not None and not self._prepared:
            self._prepared = self._deed(self)
        self._after(self.chance.random() * 0.03, lambda: self._ask(attempt.client))

    def _note(self, attempt: _Attempt, said: dict[str, Any] | None) -> None:
        attempt.over = True
        asked = attempt.asked
        named = asked.request_id if asked.named else None
        self.calls.append(
            Call(
                attempt.client,
                PROCESSOR,
                asked.operation,
                asked.params,
                named,
                attempt.began,
                self.now,
                said,
            )
        )

    def _crash(self) -> None:
        self._lives += 1
        self.service.crash(self.chance)
        self.crashes.append(Crash(self.now - _RESTART, self.now + _RESTART))

    # What deeds need to know

    def told(self, *operations: str) -> list[Asked]:
        """What was done, answered, and not lost, and was one of these operations."""
        heard = {
            each.request_id
            for each in self.calls
            if each.came is Came.TOLD and each.request_id is not None
        }
        return [
            each
            for each in self.service.did
            if each.operation in operations and each.request_id in heard
        ]


def wanted(chance: random.Random, name: str, known: Sequence[str], *, wipes: bool = True) -> Asked:
    """Something that a client may want.

    @param name: differs from that of all else that is wanted.
    @param known: names of models.
    @param wipes: whether it may be that all is forgotten.
    """
    draw = chance.random()
    named = chance.random() < 0.9
    if draw < 0.35:
        return Asked("observe", _observation(chance, name), name, named)
    if draw < 0.45:
        observations = [_observation(chance, f"{name}-{n}") for n in range(3)]
        flag = chance.choice(("learn_at_end", "learn_after_each"))
        params = {"observations": observations, flag: True}
        return Asked("observe_sequence", params, name, named)
    if draw < 0.58:
        return Asked("learn", {}, name, named)
    if draw < 0.70 and known:
        return _of_model(chance, name, chance.choice(known), named=named)
    if draw < 0.78:
        return Asked(*chance.choice(_RARE if wipes else _RARE[:-1]), name, named)
    return Asked(chance.choice(_QUESTIONS), {}, name, named=False)


def _of_model(chance: random.Random, name: str, model: str, *, named: bool) -> Asked:
    operation = chance.choice(("get_model", "get_model", "update_model", "delete_model"))
    params: dict[str, Any] = {"model_name": model}
    if operation == "update_model":
        params["frequency"] = chance.randint(1, 9)
    return Asked(operation, params, name, named and operation != "get_model")


def _observation(chance: random.Random, name: str) -> dict[str, Any]:
    observation: dict[str, Any] = {"strings": [chance.choice("abc"), name]}
    if chance.random() < 0.2:
        observation["strings"] = [chance.choice("abc")]
    if chance.random() < 0.2:
        observation["emotives"] = {chance.choice("xy"): chance.randint(-3, 3)}
    if chance.random() < 0.2:
        observation["unique_id"] = f"u-{name}"
    return observation


_QUESTIONS = ("get_short_term_memory", "list_models", "get_genes", "ping")
_RARE: Sequence[tuple[str, dict[str, Any]]] = (
    ("clear_short_term_memory", {}),
    ("clear_short_term_memory", {}),
    ("change_genes", {"genes": {"max_sequence_length": 3, "stm_mode": "ROLLING"}}),
    ("change_genes", {"genes": {"max_sequence_length": 0, "persistence": 2}}),
    ("change_gene", {"gene": "stm_mode", "value": "CLEAR"}),
    ("clear_all_memory", {}),
)
