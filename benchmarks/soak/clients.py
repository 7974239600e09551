"""Clients of the soak: each speaks over one transport to a processor of its own, says again what
failed for now, and knows what must have come of all."""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from threading import Event
from time import monotonic
from typing import Any, Protocol

import zmq

from benchmarks.soak.counting import OKAY, Kind, Tally
from tests.graphql.documents import answered, asked
from tests.live.server import Connection, LiveServer
from tests.live.speaking import NOTHING, Answer, Params, RestSpeaker, ZmqSpeaker
from tests.live.streaming import Gone, Stream

PASSING = frozenset({"STORAGE_UNAVAILABLE", "TOO_MANY_REQUESTS", "TIMEOUT"})
"""What a client may be told: not now."""

_PAUSE = 0.05
_PATIENCE = 60.0
_REMEMBERED = 10_000
"""So many request ids does a processor remember: memory grows until there are."""
_BATCH = 250
_WORDS = 2
"""So few, that all sequences there may be are soon learned: then nothing grows for want of them."""
_MOST_MODELS = 100
"""More than can be learned of them: sequences of at most five."""
_MODELS = "query Q($id: ID!) { processor(id: $id) { models { nodes { name frequency } } } }"
"""Asks for as many, and for nothing that each model would be asked for."""

GENES = {"max_sequence_length": 5, "persistence": 2, "max_predictions": 10}


class Asks(Protocol):
    """Says an operation over one connection; raises C{OSError} where that is lost."""

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Say an operation; gives the answer."""

    def close(self) -> None:
        """Go away."""


class StreamSpeaker:
    """Asks over a WebSocket."""

    def __init__(self, port: int) -> None:
        self._stream = Stream(port, "kato.v1.msgpack")

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        named: dict[str, Any] = {"method": operation, "params": {**params}, "id": 1}
        if processor is not None:
            named["processor"] = processor
        if request_id is not None:
            named["request_id"] = request_id
        try:
            self._stream.say(named)
            answer: Answer = self._stream.receive()
        except Gone as gone:
            raise ConnectionResetError(str(gone)) from None
        return answer

    def close(self) -> None:
        self._stream.close()


class GraphqlSpeaker:
    """Asks by documents of GraphQL, over one connection that is kept alive."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        if operation == "list_models":
            data = self._told({"query": _MODELS, "variables": {"id": processor}})["data"]
            return {"status": OKAY, "models": data["processor"]["models"]["nodes"]}
        return answered(operation, self._told(asked(operation, params, processor, request_id)))

    def _told(self, document: Mapping[str, Any]) -> Answer:
        told: Answer = json.loads(self._connection.text("POST", "/graphql", document))
        return told

    def leave(
        self, operation: str, params: Params, processor: str | None, request_id: str | None
    ) -> None:
        """Go away without waiting for the answer."""
        self._connection.request(
            "POST", "/graphql", asked(operation, params, processor, request_id)
        )
        self._connection.close()

    def close(self) -> None:
        self._connection.close()


def speakers(server: LiveServer, zmq_port: int) -> Mapping[str, Callable[[], Asks]]:
    """What connects over each transport, by its name in the metrics."""
    return {
        "rest": lambda: RestSpeaker(server.connect()),
        "graphql": lambda: GraphqlSpeaker(server.connect()),
        "websocket": lambda: StreamSpeaker(server.port),
        "zmq": lambda: ZmqSpeaker(zmq_port),
    }


class Soaker:
    """Observes, learns and asks, over and over: the same few sequences, so that nothing grows."""

    def __init__(
        self,
        transport: str,
        connect: Callable[[], Asks],
        tally: Tally,
        chance: random.Random,
        over: Event,
    ) -> None:
        self.processor = f"soak-{transport}"
        self._transport = transport
        self._connect = connect
        self._tally = tally
        self._chance = chance
        self._over = over
        self._speaker: Asks | None = None
        self._numbers = count(1)
        self._observed = 0
        self.learned: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.requests = 0
        self.is_cut = Event()
        """Set where the connection is to be lost behind the next request."""

    def prepare(self, zmq_port: int) -> None:
        """Make the processor, and fill what it remembers, many requests at a time."""
        self.insist("create_processor", {"genes": GENES})
        speaker = ZmqSpeaker(zmq_port, kind=zmq.DEALER)
        for _ in range(0, _REMEMBERED, _BATCH):
            said = [
                (
                    "observe",
                    {**self._observation(), "brief": True},
                    self.processor,
                    f"r{next(self._numbers)}",
                )
                for _ in range(_BATCH)
            ]
            for answer in speaker.ask_all(said):
                self._tally.answer(Kind("observe", "zmq", answer.get("error_code", OKAY)))
                self._see(answer)
        speaker.close()

    def run(self) -> None:
        """Go on until it is over."""
        while not self._over.is_set():
            self._chance.choice(self._deeds)(self)
        self.insist("get_status", {})

    def _observation(self) -> dict[str, Any]:
        word = self._chance.randrange(_WORDS)
        return {"strings": [f"w{word}", "always"], "emotives": {"joy": 0.5}}

    def _observe(self) -> None:
        self._see(self.insist("observe", {**self._observation(), "brief": True}))

    def _see(self, answer: Answer) -> None:
        """One more was observed, and just one."""
        self._observed += 1
        if answer.get("interval") != self._observed:
            raise AssertionError(f"{self._observed} observations, and {answer}")
        self._count(answer["auto_learned_model"])

    def _learn(self) -> None:
        self._count(self.insist("learn", {})["model_name"])

    def _count(self, model: str | None) -> None:
        if model:
            self.learned[model] += 1

    def _sequence(self) -> None:
        observations = [self._observation() for _ in range(3)]
        params = {"observations": observations, "learn_at_end": True, "brief": True}
        answer = self.insist("observe_sequence", params)
        self._observed += len(observations)
        for each in answer["learned_models"]:
            self._count(each)

    def _ask(self) -> None:
        self.insist(self._chance.choice(("get_predictions", "get_forecast", "get_genes")), {})

    def _ask_wrongly(self) -> None:
        answer = self._answer("get_model", {"model_name": "none"}, None)
        if answer is not None and answer.get("error_code") not in {"MODEL_NOT_FOUND", *PASSING}:
            raise AssertionError(f"no model has this name: {answer}")

    _deeds = (_observe, _observe, _observe, _ask, _ask, _learn, _sequence, _ask_wrongly)

    def insist(self, operation: str, params: Params) -> Answer:
        """Say something until it is done, with one request id."""
        changes = not operation.startswith("get_")
        request_id = f"r{next(self._numbers)}" if changes else None
        until = monotonic() + _PATIENCE
        while monotonic() < until:
            answer = self._answer(operation, params, request_id)
            if answer is not None and answer["status"] == OKAY:
                return answer
            if answer is not None:
                self.refusals[answer["error_code"]] += 1
                if answer["error_code"] not in PASSING:
                    raise AssertionError(f"{operation} {params}: {answer}")
            self._over.wait(_PAUSE)
        raise AssertionError(f"{operation} {params} was never answered")

    def _answer(self, operation: str, params: Params, request_id: str | None) -> Answer | None:
        self.requests += 1
        try:
            if self._speaker is None:
                self._speaker = self._connect()
            if self.is_cut.is_set():
                self.is_cut.clear()
                self._leave(operation, params, request_id)
                return None
            answer = self._speaker.ask(operation, params, self.processor, request_id)
        except OSError:
            self._tally.lose(operation, self._transport)
            self.hang_up()
            return None
        self._tally.answer(Kind(operation, self._transport, answer.get("error_code", OKAY)))
        return answer

    def _leave(self, operation: str, params: Params, request_id: str | None) -> None:
        """Lose the connection with a request under way."""
        self._tally.lose(operation, self._transport)
        leave = getattr(self._speaker, "leave", None)
        if leave is not None:
            leave(operation, params, self.processor, request_id)
        self._speaker = None

    def hang_up(self) -> None:
        """Go away."""
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None

    def check(self) -> None:
        """What was learned is what is known, each as often as it was learned."""
        told = self.insist("list_models", {"limit": _MOST_MODELS})["models"]
        known = {each["name"]: each["frequency"] for each in told}
        if known != dict(self.learned):
            raise AssertionError(f"{self.processor} knows {known}, and learned {self.learned}")


def dealer(port: int) -> ZmqSpeaker:
    """Has many requests under way."""
    return ZmqSpeaker(port, kind=zmq.DEALER)
