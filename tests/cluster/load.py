"""Clients over REST that write down all they asked, and all they were told."""

import http.client
import random
from collections.abc import Callable, Collection, Sequence
from itertools import count
from threading import Event, Lock, Thread
from time import monotonic

from tests.cluster.history import Call, Came
from tests.cluster.simulator import Asked, wanted
from tests.live.server import LiveServer
from tests.live.speaking import Answer, RestSpeaker

ANSWER = 20.0
"""Seconds after which a client waits no longer for an answer."""
_AGAIN = 0.05
"""Seconds until what failed is sent again;"""
_LONGEST = 90.0
"""and after so many it is left."""
_KNOWN = 20


class Records:
    """All calls of all clients."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.calls: list[Call] = []
        self.defects: list[str] = []

    def note(self, call: Call) -> None:
        """Keep it."""
        with self._lock:
            self.calls.append(call)

    def failed_since(self, began: float) -> list[Call]:
        """The calls that were not answered as they should, and ended since."""
        with self._lock:
            return [each for each in self.calls if each.ended >= began and is_failure(each)]

    def answered_since(self, began: float) -> set[str]:
        """The processors of which calls that began since were answered as they should."""
        with self._lock:
            answered = (each for each in self.calls if each.began >= began)
            return {each.processor for each in answered if not is_failure(each)}

    def slowest_since(self, began: float) -> float:
        """Seconds that the slowest call took that ended since."""
        with self._lock:
            took = [each.ended - each.began for each in self.calls if each.ended >= began]
            return max(took, default=0.0)


def is_failure(call: Call) -> bool:
    """Whether a request failed: there is no answer that depends on the processor."""
    return call.came is not Came.TOLD


class Caller:
    """Sends requests, one at a time, and each again until it is answered."""

    def __init__(self, name: str, gateway: LiveServer, records: Records) -> None:
        self._name = name
        self._gateway = gateway
        self._records = records
        self._speaker: RestSpeaker | None = None

    def insist(self, processor: str, asked: Asked) -> Answer | None:
        """Send it until it is answered, where that is safe; gives the answer."""
        until = monotonic() + _LONGEST
        while True:
            answer, call = self._sent(processor, asked)
            safe = asked.named or not asked.changes or call.came is Came.REFUSED
            if not is_failure(call) or not safe or monotonic() > until:
                return answer
            Event().wait(_AGAIN)

    def _sent(self, processor: str, asked: Asked) -> tuple[Answer | None, Call]:
        request_id = asked.request_id if asked.named else None
        began = monotonic()
        answer = self._asked(processor, asked, request_id)
        call = Call(
            self._name,
            processor,
            asked.operation,
            asked.params,
            request_id,
            began,
            monotonic(),
            answer,
        )
        self._records.note(call)
        return answer, call

    def _asked(self, processor: str, asked: Asked, request_id: str | None) -> Answer | None:
        try:
            if self._speaker is None:
                self._speaker = RestSpeaker(self._gateway.connect(ANSWER))
            return self._speaker.ask(asked.operation, asked.params, processor, request_id)
        except (OSError, http.client.HTTPException):
            self.close()
            return None

    def close(self) -> None:
        """Go away."""
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None


class Load:
    """Many clients side by side, all of which speak to all processors."""

    def __init__(
        self,
        gateway: LiveServer,
        processors: Sequence[str],
        *,
        chance: random.Random,
        clients: int,
        pause: float,
    ) -> None:
        """
        @param pause: seconds between two requests of a client, on the average.
        """
        self.records = Records()
        self._gateway = gateway
        self._processors = processors
        self._pause = pause
        self._over = Event()
        self._known: dict[str, list[str]] = {each: [] for each in processors}
        self._threads = [
            Thread(target=self._noted, args=(f"c{number}", random.Random(chance.random())))
            for number in range(clients)
        ]

    def start(self) -> None:
        """Make the processors, then ask and ask."""
        caller = Caller("begin", self._gateway, self.records)
        for each in self._processors:
            caller.insist(each, Asked("create_processor", {}, f"make-{each}", named=True))
        caller.close()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ask no more; wait for what is under way, then look at everything."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        caller = Caller("end", self._gateway, self.records)
        for processor in self._processors:
            for operation, params in _LAST:
                caller.insist(processor, Asked(operation, dict(params), "end", named=False))
        caller.close()

    def _noted(self, name: str, chance: random.Random) -> None:
        try:
            self._run(name, chance)
        except Exception as error:
            self.records.defects.append(f"{name}: {error!r}")
            raise

    def _run(self, name: str, chance: random.Random) -> None:
        caller = Caller(name, self._gateway, self.records)
        for number in count():
            self._over.wait(chance.uniform(0, 2 * self._pause))
            if self._over.is_set():
                break
            processor = chance.choice(self._processors)
            known = self._known[processor]
            wipes = processor == self._processors[0]
            asked = wanted(chance, f"{name}-{number}", known[-_KNOWN:], wipes=wipes)
            answer = caller.insist(processor, asked)
            if answer and answer.get("model_name"):
                known.append(answer["model_name"])
        caller.close()


_LAST: Sequence[tuple[str, dict[str, int]]] = (
    ("list_models", {"limit": 10_000}),
    ("get_short_term_memory", {}),
    ("get_genes", {}),
)


def wait_for_calm(
    records: Records,
    since: float,
    *,
    processors: Collection[str],
    calm: float,
    patience: float,
    whole: Callable[[], bool],
) -> float:
    """Wait until nothing failed for C{calm} seconds, and every processor answers; gives the seconds
    from C{since} to the last failure, 0 where there was none."""
    until = monotonic() + patience
    while True:
        failed = [each.ended for each in records.failed_since(since)]
        last = max(failed, default=since)
        calms = monotonic() - last > calm and whole()
        if calms and records.answered_since(last) >= set(processors):
            return last - since
        if monotonic() > until:
            raise AssertionError(f"{len(failed)} failed, and there is no end of it")
        Event().wait(0.1)
