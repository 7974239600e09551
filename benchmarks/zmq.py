"""C{python -m benchmarks zmq}: services over ZeroMQ, from outside, beside bare baselines.

All load comes from processes and threads of its own, goes to loopback, and is bounded in count.
"""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter
from typing import Any

import msgpack
import zmq

from kato.curve_files import read_pair
from kato.curve_keys import create
from kato.protocols.zmq.curve import KeyPair
from tests.live.family import LiveService
from tests.live.server import Connection, LiveServer

REPEATS = 5
PIPELINED = 40_000
WINDOW = 1_000
BATCHES = 400
BATCH = 100
ROUND_TRIPS = 3_000
MODELS = 1_000_000
QUESTIONS = 300

OBSERVATION = {"strings": ["a", "b"]}
OBSERVE = {"method": "observe", "processor": "p1", "params": {**OBSERVATION, "brief": True}}
SEQUENCE = {
    "method": "observe_sequence",
    "processor": "p1",
    "params": {"observations": [OBSERVATION] * BATCH, "brief": True},
}
CLEAR = {"method": "clear_short_term_memory", "processor": "p1"}


def main() -> None:
    """Run all, and print what came of it."""
    with TemporaryDirectory() as folder:
        curve = Path(folder, "kato.curve")
        create(curve)
        options, pair = ("--curve", str(curve)), read_pair(curve)
        with _service() as service, _service(*options) as encrypted, _echo() as echo:
            _throughput(service, echo, encrypted, pair)
            _round_trips(service, echo, encrypted, pair)
            _compression(service)
        _hop(options)
    _two_services()


@contextmanager
def _service(*options: str) -> Iterator[str]:
    service = LiveService("--storage", "memory:", "--max-events", "10000000", *options).start()
    try:
        yield f"tcp://127.0.0.1:{service.port}"
    finally:
        service.stop()


def _echo() -> AbstractContextManager[str]:
    return _spoken("benchmarks.echo")


@contextmanager
def _spoken(module: str, *arguments: str) -> Iterator[str]:
    """A module in a process of its own; gives the first line that it says."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Client:
    """A client, for one thread."""

    def __init__(self, address: str, kind: int = zmq.REQ, pair: KeyPair | None = None) -> None:
        """@param pair: of the cluster, where that encrypts."""
        self._context = zmq.Context()
        self.socket = self._context.socket(kind)
        self.socket.set(zmq.SNDHWM, 0)
        self.socket.set(zmq.RCVHWM, 0)
        if pair is not None:
            self.socket.set(zmq.CURVE_SERVERKEY, pair.public)
            self.socket.set(zmq.CURVE_PUBLICKEY, pair.public)
            self.socket.set(zmq.CURVE_SECRETKEY, pair.secret)
        self.socket.connect(address)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask, and wait for what must be a success."""
        self.socket.send(msgpack.packb(request))
        answer: dict[str, Any] = msgpack.unpackb(self.socket.recv(), ext_hook=_as_it_came)
        if answer["status"] != "okay":
            raise SystemExit(f"{request['method']}: {answer}")
        return answer

    def pipeline(self, request: dict[str, Any], number: int, window: int) -> float:
        """Keep so many of a request under way; gives how many were answered a second."""
        body = msgpack.packb(request)
        sent = answered = 0
        began = perf_counter()
        while answered < number:
            while sent < number and sent - answered < window:
                self.socket.send_multipart([b"%d" % sent, body])
                sent += 1
            last = self.socket.recv_multipart()[-1]
            answered += 1
        elapsed = perf_counter() - began
        if msgpack.unpackb(last).get("status", "echoed") not in ("okay", "echoed"):
            raise SystemExit(f"{request['method']}: {last!r}")
        return number / elapsed

    def close(self) -> None:
        self._context.destroy(0)


def _as_it_came(code: int, data: bytes) -> bytes:
    return data


def _row(name: str, figure: float, goal: str, digits: int = 0) -> None:
    print(f"{name:<58} {figure:>12,.{digits}f}  {goal}")


def _throughput(service: str, echo: str, encrypted: str, pair: KeyPair) -> None:
    """Many requests under way over one DEALER; a window of the same size on the bare echo."""
    print(f"\n{'a second':<58} {'median':>12}  goal")
    with (
        closing(Client(service, zmq.DEALER)) as client,
        closing(Client(encrypted, zmq.DEALER, pair)) as hidden,
        closing(Client(echo, zmq.DEALER)) as bare,
    ):
        runs = [
            (bare.pipeline(OBSERVE, PIPELINED, WINDOW), *_run(client), *_run(hidden))
            for _ in range(REPEATS)
        ]
    columns = [median(column) for column in zip(*runs, strict=True)]
    echoed, observed, batched, observed_hidden, batched_hidden = columns
    _row("bare txZMQ echo, pipelined", echoed, "")
    _row("brief observes, pipelined, one processor", observed, "15,000")
    _row("the same with CURVE", observed_hidden, "")
    _row(f"observations in sequences of {BATCH}", batched * BATCH, "100,000")
    _row("the same with CURVE", batched_hidden * BATCH, "")


def _run(client: Client) -> tuple[float, float]:
    observed = client.pipeline(OBSERVE, PIPELINED, WINDOW)
    client.pipeline(CLEAR, 1, 1)
    batched = client.pipeline(SEQUENCE, BATCHES, 10)
    client.pipeline(CLEAR, 1, 1)
    return observed, batched


def _timed(act: Callable[[], object], number: int = ROUND_TRIPS) -> float:
    """The median of the milliseconds that it takes."""
    taken = []
    for _ in range(number):
        began = perf_counter()
        act()
        taken.append(perf_counter() - began)
    return median(taken) * 1e3


def _round_trips(service: str, echo: str, encrypted: str, pair: KeyPair) -> None:
    print(f"\n{'milliseconds, one at a time':<58} {'p50':>12}  goal")
    body = msgpack.packb(OBSERVE)
    with (
        closing(Client(service)) as client,
        closing(Client(encrypted, pair=pair)) as hidden,
        closing(Client(echo)) as bare,
    ):

        def echoed() -> None:
            bare.socket.send(body)
            bare.socket.recv()

        _row("bare txZMQ echo", _timed(echoed), "", 3)
        _row("observe, brief", _timed(lambda: client.ask(OBSERVE)), "0.25", 3)
        _row("the same with CURVE", _timed(lambda: hidden.ask(OBSERVE)), "", 3)
        client.ask(CLEAR)


def _hop(curve: Sequence[str]) -> None:
    """REST to a server that holds the processor, and to gateways whose services do.

    @param curve: the options by which one of them speaks to its service encrypted.
    """
    with ExitStack() as stack:
        options = ("--storage", "memory:", "--max-events", "10000000")
        single = LiveServer(*options).start()
        stack.callback(single.stop)

        def through(*more: str) -> Connection:
            service = LiveService(*options, *more).start()
            stack.callback(service.stop)
            gateway = LiveServer("--processors", f"p1:127.0.0.1:{service.port}", *more).start()
            stack.callback(gateway.stop)
            return gateway.connect()

        echo = stack.enter_context(_echo())
        bare = stack.enter_context(_spoken("benchmarks.bare_hop"))
        hop = stack.enter_context(_spoken("benchmarks.bare_hop", echo))
        direct, routed, hidden = single.connect(), through(), through(*curve)
        nothing, hopping = Connection(int(bare)), Connection(int(hop))
        times = [
            (_bare(nothing), _bare(hopping), _rest(direct), _rest(routed), _rest(hidden))
            for _ in range(REPEATS)
        ]
    at_once, hopped, alone, there, secretly = (
        median(column) for column in zip(*times, strict=True)
    )
    _row("bare GET", at_once, "", 3)
    _row("bare GET through a bare hop to a bare echo", hopped, "", 3)
    _row("what the bare hop adds", hopped - at_once, "", 3)
    _row("POST observe, brief, to one process", alone, "", 3)
    _row("the same through a gateway to a service", there, "", 3)
    _row("what the gateway's hop adds", there - alone, "0.5", 3)
    _row("what CURVE adds to that", secretly - there, "", 3)


def _bare(connection: Connection) -> float:
    return _timed(lambda: connection.get("/"), 500)


def _rest(connection: Connection) -> float:
    taken = _timed(lambda: connection.post("/p1/observe?brief=true", OBSERVATION), 500)
    connection.post("/p1/clear-short-term-memory")
    return taken


def _compression(service: str) -> None:
    """What C{"accept": ["zlib"]} saves and costs."""
    print(f"\n{'100 predictions, by what is accepted':<44} {'bytes':>12} {'p50 ms':>12}")
    with closing(Client(service)) as client:
        for number in range(100):
            events = [{"strings": [f"{each}", f"{number}"]} for each in range(6)]
            params = {"observations": events, "learn_at_end": True}
            client.ask({"method": "observe_sequence", "processor": "zip", "params": params})
        params = {"observations": events[:3]}
        client.ask({"method": "observe_sequence", "processor": "zip", "params": params})
        for accept in ([], ["zlib"], ["json"], ["json", "zlib"]):
            body = msgpack.packb(
                {"method": "get_predictions", "processor": "zip", "accept": accept}
            )
            sizes: list[int] = []

            def ask(body: bytes = body, sizes: list[int] = sizes) -> None:
                client.socket.send(body)
                sizes.append(len(client.socket.recv()))

            taken = _timed(ask, 300)
            print(f"{' and '.join(accept) or 'nothing':<44} {sizes[-1]:>12,} {taken:>12.2f}")


def _two_services() -> None:
    """Predictions from a million models: one service with one processor, and two with one each."""
    with ExitStack() as stack:
        addresses = [stack.enter_context(_service()) for _ in range(2)]
        _side_by_side([(address, _learn) for address in addresses])
        alone, both = [], []
        for seed in range(REPEATS):
            began = perf_counter()
            _questions(addresses[0], seed=seed)
            alone.append(QUESTIONS / (perf_counter() - began))
            began = perf_counter()
            _side_by_side([(each, partial(_questions, seed=seed)) for each in addresses])
            both.append(2 * QUESTIONS / (perf_counter() - began))
    print(f"\n{f'predictions a second, {MODELS:,} models':<58} {'median':>12}  goal")
    _row("one service", median(alone), "")
    _row("two services, a processor each", median(both), "")
    _row("times as many", median(both) / median(alone), "1.5", 2)


def _side_by_side(jobs: Sequence[tuple[str, Callable[[str], None]]]) -> None:
    threads = [Thread(target=job, args=(address,)) for address, job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _event(chance: random.Random) -> dict[str, list[str]]:
    return {"strings": [f"s{chance.randrange(5_000)}" for _ in range(4)]}


def _learn(address: str) -> None:
    """Have a processor learn its models, each of two events with four symbols."""
    chance = random.Random(7)
    genes = {"max_sequence_length": 2, "stm_mode": "CLEAR"}
    with closing(Client(address)) as client:
        asked = {"method": "create_processor", "processor": "p1", "params": {"genes": genes}}
        client.ask(asked)
        for _ in range(MODELS // 1_000):
            observations = [_event(chance) for _ in range(2_000)]
            params = {"observations": observations, "brief": True}
            client.ask({"method": "observe_sequence", "processor": "p1", "params": params})
        genes = {"max_sequence_length": 0}
        client.ask({"method": "change_genes", "processor": "p1", "params": {"genes": genes}})


def _questions(address: str, *, seed: int) -> None:
    """Ask for predictions of one state after the other, none of them asked for before."""
    chance = random.Random(seed)
    with closing(Client(address)) as client:
        for _ in range(QUESTIONS):
            client.ask(CLEAR)
            params = {**_event(chance), "brief": True}
            client.ask({"method": "observe", "processor": "p1", "params": params})
            client.ask({"method": "get_predictions", "processor": "p1", "accept": ["json"]})
