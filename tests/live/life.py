"""A processor to which something happens all the time, at random, and the events that must be told
of it."""

import random
from collections.abc import Callable, Iterator
from threading import Condition
from time import monotonic
from typing import Any
from urllib.parse import quote

from tests.live.server import PATIENCE, Connection

_LARGE = (50_000, 200_000)
"""So many bytes more has each observation while a reader waits to be passed over."""

LEAD = 400
"""So many events a reader may be behind: far fewer than are kept."""

_UNAVAILABLE = 503

_LOOK = 0.02
"""Seconds after which is looked again for what nobody tells."""


class Life:
    """Lets things happen, one after the other, in one thread."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        processor: str,
        chance: random.Random,
        *,
        lead: int = LEAD,
    ) -> None:
        """
        @param connect: connects to the server, or the gateway, that there is now.
        @param lead: where a reader is so many events behind, nothing more happens.
        """
        self.processor = processor
        self.topics: list[str] = []
        """What is told in this epoch: the topic of each event, the first having the offset 1."""
        self.last: int | None = None
        """The offset of the last thing that happens, once that is about to."""
        self._lead = lead
        self._connect = connect
        self._connection = connect()
        self._chance = chance
        self._models: list[str] = []
        self._requests = 0
        self._moment = Condition()
        self._readers: dict[object, int] = {}
        self._waiting = 0
        self._passed_over: int | None = None
        self._deeds = (
            *(self._observe,) * 4,
            *(self._sequence,) * 2,
            self._learn,
            self._clear,
            self._change,
            self._update,
            self._delete,
        )

    # What happens

    def go_on(self) -> None:
        """Let something happen, once no reader is far behind."""
        with self._moment:
            if not self._moment.wait_for(self._all_follow, PATIENCE):
                raise AssertionError(f"after {len(self.topics)} events: {self._readers.values()}")
        self._chance.choice(self._deeds)()
        if self._waiting:
            self._look()
        with self._moment:
            self._moment.notify_all()

    def end(self) -> None:
        """Let one thing more happen, after which predictions are told, and nothing after that."""
        with self._moment:
            self.last = len(self.topics) + 1
            self._moment.notify_all()
        self._observe()

    def begin_anew(self) -> None:
        """The server has begun another epoch."""
        self.topics = []
        with self._moment:
            self._readers.clear()
            self.last = None

    def move(self) -> None:
        """Speak to the server that there is now."""
        self._connection.close()
        self._connection = self._connect()

    def _all_follow(self) -> bool:
        return (
            bool(self._waiting)
            or len(self.topics) - min(self._readers.values(), default=len(self.topics)) < self._lead
        )

    def _observation(self) -> dict[str, Any]:
        padding = self._chance.randrange(*_LARGE) if self._waiting else 0
        return {
            "strings": [f"s{self._chance.randrange(20)}" for _ in range(2)],
            "emotives": {"joy": self._chance.random()},
            "metadata": {"padding": "x" * padding},
        }

    def _observe(self) -> None:
        self._post("observe?brief=true", self._observation())
        self.topics.append("observations")

    def _sequence(self) -> None:
        number = self._chance.randrange(1, 6)
        learns = self._chance.choice(("learn_after_each", "learn_at_end"))
        observations = [self._observation() for _ in range(number)]
        body = {"observations": observations, learns: True}
        told = self._post("observe-sequence?brief=true", body)
        self._models += told["learned_models"]
        if learns == "learn_after_each":
            self.topics += ["observations", "learning"] * number
        else:
            self.topics += [*["observations"] * number, "learning"]

    def _learn(self) -> None:
        self._observe()
        self._models.append(self._post("learn")["model_name"])
        self.topics.append("learning")

    def _clear(self) -> None:
        self._post("clear-short-term-memory")
        self.topics.append("memory")

    def _change(self) -> None:
        self._post("gene/recall_threshold/change", {"value": self._chance.random()})
        self.topics.append("memory")

    def _update(self) -> None:
        if self._models:
            name = self._chance.choice(self._models)
            self._post(f"model/{quote(name)}", {"frequency": self._chance.randrange(1, 9)}, "PUT")
            self.topics.append("learning")

    def _delete(self) -> None:
        if self._models:
            name = self._chance.choice(self._models)
            self._models = [each for each in self._models if each != name]
            self._post(f"model/{quote(name)}", method="DELETE")
            self.topics.append("learning")

    def _post(self, path: str, body: object = None, method: str = "POST") -> dict[str, Any]:
        """Have it done, once, as soon as somebody can do it."""
        self._requests += 1
        headers = {"Idempotency-Key": f"life-{self._requests}"}
        target = f"/{self.processor}/{path}"
        for _ in trying(self):
            status, answer = self._connection.send(method, target, body, headers)
            if answer["status"] == "okay":
                return answer
            if status != _UNAVAILABLE:
                break
        raise AssertionError(f"{method} {target}: {status} {answer}")

    def _look(self) -> None:
        with self._moment:
            self._passed_over = self._connection.get("/stats")["streams"]["skipped"]

    # Those who read

    def follow(self, reader: object, offset: int) -> None:
        """A reader has come so far."""
        with self._moment:
            self._readers[reader] = offset
            self._moment.notify_all()

    def until_passed_over(self) -> None:
        """Wait until the server has passed over events, because somebody does not read."""
        with self._moment:
            self._waiting += 1
            self._passed_over = None
            self._moment.wait_for(lambda: self._passed_over is not None, PATIENCE)
            before = self._passed_over or 0
            came = self._moment.wait_for(lambda: (self._passed_over or 0) > before, PATIENCE)
            self._waiting -= 1
        if not came:
            raise AssertionError("nothing is passed over for a reader that does not read")

    def wait(self) -> None:
        """Wait for something to happen, or a moment."""
        with self._moment:
            self._moment.wait(_LOOK)


def trying(life: Life) -> Iterator[None]:
    """Try again and again, for as long as anybody has patience."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        yield
        life.wait()
    raise AssertionError("this does not succeed")
