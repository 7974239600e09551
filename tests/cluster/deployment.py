"""A gateway with services in processes of their own, which come, go and die."""

from collections.abc import Callable, Sequence
from signal import SIGCONT, SIGSTOP, SIGTERM
from threading import Event
from time import monotonic
from typing import Any, Self

from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, LiveProcess, LiveServer

_LOOK = 0.05


class Host:
    """Where one service runs, whatever process it is at the moment.

    It has the same port whenever it is started, so that it is the same to whoever is told of it.
    """

    def __init__(self, *options: str, program: Sequence[str] = ()) -> None:
        """@param program: what to run in the place of C{twistd}, as arguments to Python."""
        self._held = HeldPort(2)
        self._program = program
        self._options = ("--zmq", f"tcp://127.0.0.1:{self._held.port}", *options)
        self.processes: list[LiveProcess] = []

    @property
    def address(self) -> str:
        """By which gateways know it."""
        return f"127.0.0.1:{self._held.port}"

    @property
    def port(self) -> int:
        return self._held.port

    @property
    def process(self) -> LiveProcess:
        """The one that runs, or ran last."""
        return self.processes[-1]

    @property
    def runs(self) -> bool:
        return bool(self.processes) and self.process.alive

    def start(self) -> None:
        """Start a process; wait until it is ready."""
        process = LiveProcess("kato-processor", *self._options, program=self._program)
        process.launch()
        self.processes.append(process)
        process.wait_for(r": ready$")

    def kill(self) -> None:
        """End it with C{kill -9}."""
        self.process.kill()

    def end(self) -> None:
        """Ask it to end, and wait until it did.

        @raise AssertionError: where it did not end as it should.
        """
        status = self.process.terminate()
        if status != -SIGTERM:
            raise AssertionError(f"ended with {status}: {self.process.log[-20:]}")

    def freeze(self) -> None:
        """Let it do nothing at all."""
        self.process.send_signal(SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(SIGCONT)

    def stop(self) -> None:
        """End all that is left of it."""
        for each in self.processes:
            each.stop()
        self._held.close()


class Deployment:
    """All of it, on loopback."""

    def __init__(
        self,
        storage: Callable[[int], str],
        *,
        services: int,
        options: Sequence[str] = (),
        program: Sequence[str] = (),
    ) -> None:
        """
        @param storage: names the storage of the service of this number.
        @param options: more options of each service.
        @param program: what services run in the place of C{twistd}.
        """
        self._program = program
        self._storage = storage
        self._options = options
        self._services = services
        self.gateway = LiveServer("--registry", "tcp://127.0.0.1:0", "--timeout", "10")
        self._registry = ""
        self.hosts: list[Host] = []

    def start(self) -> Self:
        """Start all, and wait until the gateway reaches every service."""
        self.gateway.start()
        said = self.gateway.wait_for(r"announce themselves at (tcp://127\.0\.0\.1:\d+)")
        self._registry = said.group(1)
        for _ in range(self._services):
            self.join()
        self.wait_until_whole()
        return self

    def join(self) -> Host:
        """Start one more service."""
        number = len(self.hosts)
        storage = self._storage(number)
        where = ("--storage", storage, "--registry", self._registry)
        host = Host(*where, *self._options, program=self._program)
        self.hosts.append(host)
        host.start()
        return host

    def wait_until_whole(self) -> None:
        """Wait until the gateway reaches every service that runs."""
        running = {host.address for host in self.hosts if host.runs}
        connection = self.gateway.connect()
        until = monotonic() + PATIENCE
        while True:
            told = connection.get("/stats")["services"]
            if all(told.get(each, {}).get("healthy") for each in running):
                break
            if monotonic() > until:
                raise AssertionError(f"not whole: {told}")
            Event().wait(_LOOK)
        connection.close()

    def owners(self) -> dict[str, str]:
        """Which service has which processor, as the gateway tells."""
        connection = self.gateway.connect()
        told: list[dict[str, Any]] = connection.get("/processors?limit=10000")["processors"]
        connection.close()
        return {each["id"]: each["service"] for each in told}

    def logs(self) -> list[str]:
        """What all processes said."""
        processes = [self.gateway, *(each for host in self.hosts for each in host.processes)]
        return [line for process in processes for line in process.log]

    def stop(self) -> None:
        """End all that is left of it."""
        for host in self.hosts:
            host.stop()
        self.gateway.stop()
