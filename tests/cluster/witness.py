"""Asks every service for every processor, past the gateway, and notes in which epoch it answers."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

import msgpack
import zmq

_PAUSE = 0.25
"""Seconds between two rounds of questions."""


class Answered(NamedTuple):
    """A service answered for a processor; times are in seconds of one clock."""

    processor: str
    epoch: int
    service: str
    asked: float
    heard: float


def two_owners(answers: Iterable[Answered]) -> list[str]:
    """Epochs in which more than one service answered, in words."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for each in answers:
        found[each.processor, each.epoch].add(each.service)
    return [
        f"{processor}, epoch {epoch}: answered by {sorted(services)}"
        for (processor, epoch), services in sorted(found.items())
        if len(services) > 1
    ]


def went_back(answers: Iterable[Answered]) -> list[str]:
    """Answers of an epoch that was over when they were asked for, in words."""
    found: list[str] = []
    latest: dict[str, list[Answered]] = defaultdict(list)
    for each in sorted(answers, key=lambda one: one.asked):
        before = [one for one in latest[each.processor] if one.heard < each.asked]
        newest = max(before, key=lambda one: one.epoch, default=None)
        if newest is not None and newest.epoch > each.epoch:
            found.append(f"{each} after {newest}")
        kept = [one for one in latest[each.processor] if one.heard >= each.asked]
        latest[each.processor] = [*kept, each] if newest is None else [*kept, each, newest]
    return found


class Witness:
    """Asks and asks."""

    def __init__(self, services: Callable[[], Sequence[int]], processors: Collection[str]) -> None:
        """
        @param services: tells the ports of all there are now.
        """
        self._services = services
        self._processors = tuple(processors)
        self._over = Event()
        self._sockets: dict[int, zmq.Socket[bytes]] = {}
        self._asked: dict[bytes, tuple[str, float]] = {}
        self._number = 0
        self.answers: list[Answered] = []
        self._thread = Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> list[str]:
        """Ask no more; gives what must not be, in words."""
        self._over.set()
        self._thread.join()
        return two_owners(self.answers) + went_back(self.answers)

    def _run(self) -> None:
        context = zmq.Context()
        try:
            while not self._over.is_set():
                self._ask(context)
                until = monotonic() + _PAUSE
                while (left := until - monotonic()) > 0:
                    self._hear(left)
        finally:
            context.destroy(linger=0)

    def _ask(self, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        for port in self._services():
            if port not in self._sockets:
                self._sockets[port] = context.socket(zmq.DEALER)
                self._sockets[port].connect(f"tcp://127.0.0.1:{port}")
            for processor in self._processors:
                self._number += 1
                name = b"%d" % self._number
                self._asked[name] = processor, monotonic()
                request = {"method": "ping", "processor": processor, "accept": ["epoch"]}
                body: bytes = msgpack.packb({**request, "params": {}})
                self._send(self._sockets[port], [name, b"", body])

    def _send(self, socket: "zmq.Socket[bytes]", frames: Sequence[bytes]) -> None:
        with suppress(zmq.Again):  # it is away
            socket.send_multipart(frames, zmq.NOBLOCK)

    def _hear(self, seconds: float) -> None:
        poller = zmq.Poller()
        for socket in self._sockets.values():
            poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(int(seconds * 1000) + 1))
        for port, socket in self._sockets.items():
            if socket in ready:
                self._note(port, socket.recv_multipart())

    def _note(self, port: int, frames: Sequence[bytes]) -> None:
        asked = self._asked.pop(frames[0], None)
        answer: Mapping[str, object] = msgpack.unpackb(frames[-1])
        epoch = answer.get("epoch")
        if asked is None or answer["status"] != "okay" or not isinstance(epoch, int):
            return
        processor, began = asked
        self.answers.append(Answered(processor, epoch, str(port), began, monotonic()))
