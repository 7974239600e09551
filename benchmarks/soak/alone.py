"""One gateway that is spoken to over all transports, and what must hold in the end."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic
from traceback import format_exc

from benchmarks.soak.clients import Soaker, speakers
from benchmarks.soak.counting import Tally
from benchmarks.soak.faults import Faults
from benchmarks.soak.memory import FLAT, SHORT, Memory
from tests.live.family import zmq_port
from tests.live.server import ROOT, LiveServer

_WARM = 120.0
"""Seconds after which memory is to be flat, or a third of a short run."""


def alone(seconds: float, chance: random.Random) -> list[str]:
    """Soak one gateway; gives what is not as it must be."""
    with TemporaryDirectory() as folder:
        audit = Path(folder) / "audit"
        server = LiveServer(
            *("--storage", f"sqlite:{folder}/soak.db", "--checkpoint", "0"),
            *("--zmq", "tcp://127.0.0.1:0", "--audit", str(audit)),
        )
        try:
            server.launch()
            return list(_Soak(server, chance).judged(seconds, audit))
        finally:
            server.stop()


class _Soak:
    """One run."""

    def __init__(self, server: LiveServer, chance: random.Random) -> None:
        self._server = server
        self._over = Event()
        self._wrong: list[str] = []
        self._tally = Tally()
        self._zmq_port = port = zmq_port(server)
        self._soakers = [
            Soaker(name, connect, self._tally, random.Random(chance.random()), self._over)
            for name, connect in speakers(server, port).items()
        ]
        self._faults = Faults(server, port, self._soakers, self._tally, chance, self._over)
        self._memory = Memory(server.pid, self._over)

    def judged(self, seconds: float, audit: Path) -> Iterator[str]:
        """Run, and tell what is wrong."""
        self._together([partial(each.prepare, self._zmq_port) for each in self._soakers])
        self._is_long = seconds > 2 * _WARM
        begins = monotonic() + (_WARM if self._is_long else seconds / 3)
        alarm = Thread(target=self._end_after, args=(seconds,), daemon=True)
        alarm.start()
        runs = [each.run for each in self._soakers]
        self._together([*runs, self._faults.run, self._memory.run])
        yield from self._wrong
        if not self._wrong:
            yield from self._checked(begins)
            yield from self._counted()
            yield from self._audited(audit)
        yield from (line for line in self._server.log if "Traceback" in line)

    def _end_after(self, seconds: float) -> None:
        self._over.wait(seconds)
        self._over.set()

    def _together(self, calls: list[Callable[[], None]]) -> None:
        """Do several things at a time; what goes wrong ends all."""

        def noted(call: Callable[[], None]) -> None:
            try:
                call()
            except Exception:
                self._wrong.append(format_exc())
                self._over.set()

        threads = [Thread(target=noted, args=(call,)) for call in calls]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _checked(self, begins: float) -> Iterator[str]:
        for each in self._soakers:
            each.check()
        grown, before = self._memory.growth(begins)
        requests = sum(each.requests for each in self._soakers)
        refusals = {each.processor: dict(each.refusals) for each in self._soakers}
        print(
            f"gateway: {requests:,} requests, faults {dict(self._faults.happened)}, "
            f"refused for now {refusals}, memory {before / 1e6:.1f} MB, grown by {grown / 1e6:.2f}",
            flush=True,
        )
        if grown > (FLAT if self._is_long else SHORT) * before:
            yield f"memory has grown by {grown / 1e6:.1f} MB from {before / 1e6:.1f}"

    def _counted(self) -> Iterator[str]:
        connection = self._server.connect()
        status, page = connection.page("/metrics")
        connection.close()
        yield from self._tally.compared(status, page)

    def _audited(self, audit: Path) -> Iterator[str]:
        again = f"sqlite:{audit.parent}/again.db"
        url = f"http://127.0.0.1:{self._server.port}"
        for words in (
            ["verify", str(audit)],
            ["replay", str(audit), "--into", again, "--against", url],
        ):
            command = [sys.executable, "-m", "kato.manager", "audit", *words]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            ended = subprocess.run(
                command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
            )
            print(f"audit {words[0]}: {(ended.stdout or ended.stderr).strip()[-300:]}")
            if ended.returncode:
                yield f"audit {words[0]}: {ended.stdout} {ended.stderr}"
