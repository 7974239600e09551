"""What happens to one gateway while it is spoken to."""

import random
import resource
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event

from benchmarks.soak.clients import Soaker, dealer
from benchmarks.soak.counting import OKAY, Kind, Tally
from tests.live.server import LiveServer
from tests.live.speaking import NOTHING
from tests.live.streaming import Stream

_BURST = 400
_FULL = 1.0
"""Seconds for which the disk is full."""
_UNREAD = 3.0
_NARROW = 4096


class Faults:
    """Lets things happen, one after the other."""

    def __init__(
        self,
        server: LiveServer,
        zmq_port: int,
        soakers: Sequence[Soaker],
        tally: Tally,
        chance: random.Random,
        over: Event,
    ) -> None:
        self._server = server
        self._zmq_port = zmq_port
        self._soakers = soakers
        self._tally = tally
        self._chance = chance
        self._over = over
        self.happened: Counter[str] = Counter()

    def run(self) -> None:
        """Let something happen every few seconds, until it is over."""
        kinds: tuple[Callable[[], None], ...] = (
            self.cut_connections,
            self.slow_reader,
            self.full_queue,
            self.full_disk,
        )
        while not self._over.wait(self._chance.uniform(0.5, 2.5)):
            kind = self._chance.choice(kinds)
            kind()
            self.happened[kind.__name__] += 1

    def cut_connections(self) -> None:
        """Connections are lost, each with a request under way."""
        for each in self._soakers:
            each.is_cut.set()

    def slow_reader(self) -> None:
        """Somebody subscribes to all, reads nothing for a while, and is gone."""
        stream = Stream(self._server.port, room=_NARROW)
        for each in self._soakers:
            self._asked(stream.ask("subscribe", each.processor), "subscribe", "websocket")
        self._over.wait(_UNREAD)
        stream.abort()

    def full_queue(self) -> None:
        """Many requests for one processor at once."""
        speaker = dealer(self._zmq_port)
        processor = self._chance.choice(self._soakers).processor
        said = [("get_predictions", NOTHING, processor, None)] * _BURST
        for answer in speaker.ask_all(said):
            self._asked(answer, "get_predictions", "zmq")
        speaker.close()

    def full_disk(self) -> None:
        """No file can grow any more."""
        pid, kind = self._server.pid, resource.RLIMIT_FSIZE
        _, most = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (0, most))
        self._over.wait(_FULL)
        resource.prlimit(pid, kind, (most, most))

    def _asked(self, answer: dict[str, object], operation: str, transport: str) -> None:
        code = str(answer.get("error_code", OKAY))
        self._tally.answer(Kind(operation, transport, code))
        if code not in (OKAY, "TOO_MANY_REQUESTS", "STORAGE_UNAVAILABLE"):
            raise AssertionError(f"{operation}: {answer}")
