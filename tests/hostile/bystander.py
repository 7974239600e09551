"""C{python -m tests.hostile.bystander PORT KEY}: a client that behaves, in a process of its own.

It asks one thing after the other, with a pause between, and notes how long each answer took.  A
number on standard input asks for so many more, and what came of them is printed as a line of JSON.

Beside that it computes for some milliseconds now and then, and compares how long that took with the
processor time that it had: C{slowness} is how many times slower this machine lets somebody compute
who wants to, be it because of those who attack, or of anybody else's work.
"""

import http.client
import json
import sys
from dataclasses import asdict, dataclass
from threading import Event
from time import perf_counter, process_time

from tests.live.server import Connection

_PAUSE = 0.003
_EACH = 8
"""After so many requests it computes."""
_COMPUTES = 0.003
"""Seconds of processor time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of some requests; times are in seconds."""

    requests: int
    errors: tuple[str, ...]
    p50: float
    p99: float
    most: float
    slowness: float


class Bystander:
    """Observes, and asks for predictions."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = Connection(port)
        self._headers = {"X-API-Key": key}

    def watch(self, number: int) -> Seen:
        """Ask so often."""
        times: list[float] = []
        slownesses: list[float] = []
        errors: list[str] = []
        pause = Event()
        for each in range(number):
            began = perf_counter()
            error = self._ask(each)
            times.append(perf_counter() - began)
            if error:
                errors.append(error)
            if each % _EACH == 0:
                slownesses.append(slowness())
            pause.wait(_PAUSE)
        times.sort()
        slownesses.sort()
        return Seen(
            number,
            tuple(errors[:3]),
            times[number // 2],
            times[number * 99 // 100],
            times[-1],
            slownesses[len(slownesses) * 9 // 10],
        )

    def _ask(self, number: int) -> str:
        """Ask once; what is wrong with the answer, if anything is."""
        try:
            status, answer = self._connection.send(*_question(number), self._headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return repr(error)
        return "" if status == 200 else json.dumps(answer)


def _question(number: int) -> tuple[str, str, object]:
    if number % 2:
        return "GET", "/friend/predictions", None
    return "POST", "/friend/observe?brief=true", {"strings": [f"s{number % 7}"]}


def slowness() -> float:
    """How many times longer it takes to compute than it would alone."""
    began, had = perf_counter(), process_time()
    until = had + _COMPUTES
    while process_time() < until:
        sum(range(200))
    return (perf_counter() - began) / (process_time() - had)


def main() -> None:
    """Watch, as often as is asked."""
    port, key = sys.argv[1:]
    bystander = Bystander(int(port), key)
    for line in sys.stdin:
        print(json.dumps(asdict(bystander.watch(int(line)))), flush=True)


if __name__ == "__main__":
    main()
