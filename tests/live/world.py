"""A family under load, to which faults happen."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from threading import Condition, Event, Thread
from traceback import format_exc

import zmq

from tests.live.clients import Asker, Client, Tally, Wrong, is_unknown, passes
from tests.live.family import Family
from tests.live.faults import Fault, Kind, begin, joined
from tests.live.metronome import Metronome
from tests.live.mirror import Sent
from tests.live.server import PATIENCE
from tests.live.speaking import Answer, Speaker, ZmqSpeaker

RECOVERY = 2.0
"""Seconds after the end of a fault within which all services answer again."""
_CALM = 5
"""So many answers has each client, on the average, between two faults."""
_WINDOWS = (1, 5)
"""How many requests a client has under way at the most."""
_OKAY = "okay"
_DEFECT = re.compile(r"Traceback|[Dd]efect|Unhandled|INTERNAL_ERROR")


class World:
    """A family, its clients, and what happens to them."""

    def __init__(
        self, name: str, family: Family, *, chance: random.Random, loses: bool, clients: int
    ) -> None:
        """
        @param family: which runs; each service holds a processor C{probe0}, C{probe1} and so on.
        @param loses: whether what a service need not keep may be lost when it is killed.
        @param clients: how many there are; the processors of each are called by its number.
        """
        self.name = name
        self.metronome = Metronome()
        self.over = Event()
        self.upheavals = 0
        self.wrong: list[str] = []
        self.recoveries: dict[Kind, list[float]] = defaultdict(list)
        self.answers: Counter[str] = Counter()
        self._family = family
        self._loses = loses
        self._kills = 0
        self._heard = Condition()
        self._tally = Tally("shared")
        self._clients = [
            Client(
                self,
                processors(number),
                self._tally,
                chance=random.Random(chance.random()),
                name=f"{name}-{number}",
                window=_WINDOWS[number % len(_WINDOWS)],
            )
            for number in range(clients)
        ]
        self._probing = Asker(self)
        self._probes = count(1)

    # What the clients know

    @property
    def kills(self) -> int:
        """Rises before and after a service is killed, where anything is lost by that."""
        return self._kills if self._loses else 0

    def speak(self, gone: Callable[[], bool], *, over_zmq: bool) -> Speaker:
        """Connect to the gateway."""
        if over_zmq:
            return ZmqSpeaker(self._family.zmq_port, kind=zmq.DEALER, gone=gone)
        return self._family.speak()

    def heard(self, answer: Answer | None) -> None:
        """A request came to this."""
        with self._heard:
            self.answers[_word(answer)] += 1
            self._heard.notify_all()

    # What happens

    def go_through(self, faults: Sequence[Fault]) -> None:
        """Let all of it happen under load, and see at the end whether all is as it must be."""
        threads = [Thread(target=self._noted, args=(each.run,)) for each in self._clients]
        for each in threads:
            each.start()
        self._noted(lambda: self._happen(faults))
        self.over.set()
        for each in threads:
            each.join()
        if not self.wrong:
            self._noted(self._look)
        self._probing.hang_up()
        self.metronome.stop()

    def _noted(self, run: Callable[[], None]) -> None:
        """What goes wrong is noted, and all is over."""
        try:
            run()
        except Exception:
            self.wrong.append(f"{self.name}: {format_exc()}")
            self.over.set()

    def _happen(self, faults: Sequence[Fault]) -> None:
        for together in joined(faults):
            self._calm()
            with ExitStack() as ends:
                for fault in together:
                    ends.callback(self._begin(fault))
                    self.metronome.wait(fault.lasts)
            if self.over.is_set():
                return
            took = self._recover()
            for fault in together:
                self.recoveries[fault.kind].append(took)
            if took > RECOVERY:
                raise Wrong(f"{took:.2f} s until all answered again after {together}")

    def _calm(self) -> None:
        """Wait until the clients are at work again."""
        with self._heard:
            enough = self.answers[_OKAY] + _CALM * len(self._clients)
            came = self._heard.wait_for(
                lambda: self.answers[_OKAY] >= enough or self.over.is_set(), PATIENCE
            )
        if not came:
            raise Wrong("the clients do not get on")

    def _begin(self, fault: Fault) -> Callable[[], None]:
        """Let it happen, and the clients know what may be lost by it; gives what ends it."""
        if fault.kind is Kind.KILLED:
            self._kills += 1
        elif fault.kind is Kind.GATEWAY:
            self.upheavals += 1
        end = begin(self._family, fault)
        if fault.kind is Kind.KILLED:
            self._kills += 1
        if fault.kind is not Kind.GATEWAY:
            return end

        def settled() -> None:
            end()
            self.upheavals += 1

        return settled

    def _recover(self) -> float:
        """Have something done by all services until each has done it; gives seconds."""
        began = self.metronome.seconds
        for number in range(len(self._family.members)):
            self._insist(Sent("learn", {}, f"probe-{next(self._probes)}"), f"probe{number}")
        return self.metronome.seconds - began

    def _insist(self, sent: Sent, processor: str) -> Answer:
        until = self.metronome.seconds + PATIENCE
        answer = self._probing.ask(sent, processor)
        while answer is None or passes(sent, answer):
            if self.metronome.seconds > until or self.over.is_set():
                raise Wrong(f"{processor} does not answer again: {answer}")
            self.metronome.wait()
            answer = self._probing.ask(sent, processor)
        return answer

    # How it ends

    def _look(self) -> None:
        """Every processor is as its mirror says, and no process had a defect."""
        for client in self._clients:
            client.check()
        told = self._probing.ask(Sent("list_models", {"limit": 10_000}), self._tally.processor)
        if told is None or told["status"] != "okay":
            raise Wrong(f"nobody tells what was learned: {told}")
        self._tally.check({each["name"]: each["frequency"] for each in told["models"]})
        defects = [line for line in self._family.logs() if _DEFECT.search(line)]
        if defects:
            raise Wrong(f"defects were logged: {defects[:20]}")


def _word(answer: Answer | None) -> str:
    """What a request came to, in a word or two."""
    if answer is None:
        return "no answer"
    word: str = answer.get("error_code", _OKAY)
    return f"{word}, outcome unknown" if is_unknown(answer) else word


def processors(client: int) -> Iterator[str]:
    """The names of the processors that a client speaks to, one after the other."""
    return (f"c{client}-{number}" for number in count())
