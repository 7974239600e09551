"""A gateway and its services in processes of their own, with a network before each of them."""

import signal
from collections.abc import Mapping, Sequence
from threading import Event
from time import monotonic
from types import MappingProxyType
from typing import Self

from tests.live.network import Network, Wires
from tests.live.server import PATIENCE, Connection, LiveProcess, LiveServer
from tests.live.speaking import RestSpeaker, ZmqSpeaker

_LOOK = 0.02
"""Seconds after which is looked again whether a gateway has heard of its services."""


class LiveService(LiveProcess):
    """Runs C{twistd kato-processor} on a free port of loopback."""

    def __init__(self, *options: str, env: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__("kato-processor", "--zmq", "tcp://127.0.0.1:0", *options, env=env)
        self.port = 0

    def launch(self) -> None:
        """Start it, and wait until it is known where it listens."""
        super().launch()
        self.port = zmq_port(self)

    def speak(self) -> ZmqSpeaker:
        """A plain client."""
        return ZmqSpeaker(self.port)


def zmq_port(process: LiveProcess) -> int:
    """Where a process answers over ZeroMQ."""
    return int(process.wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)").group(1))


class Member:
    """One service of a family, whatever process it is at the moment; the gateway knows it by the
    network before it."""

    def __init__(self, wires: Wires, *options: str) -> None:
        self._options = options
        self.network = Network(wires)
        self.network.shut()
        self.processes: list[LiveService] = []

    @property
    def address(self) -> str:
        """Where a gateway reaches it, as host:port."""
        return f"127.0.0.1:{self.network.port}"

    @property
    def process(self) -> LiveService:
        """The one that runs, or ran last."""
        return self.processes[-1]

    def start(self) -> None:
        """Start a process; wait until it is ready."""
        process = LiveService(*self._options, "--advertise", f"tcp://{self.address}")
        self.processes.append(process)
        process.start()
        self.network.lead_to(process.port)
        self.network.open()

    def kill(self) -> None:
        """End its process at once."""
        self.process.kill()
        self.network.shut()

    def end(self) -> int:
        """Ask its process to end; gives the exit status."""
        status = self.process.terminate()
        self.network.shut()
        return status

    def stop_reading(self) -> None:
        """Let its process do nothing at all."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let its process go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all that is left of it."""
        for each in self.processes:
            each.stop()


class Family:
    """A gateway, and services to which it routes: the ones it is told of, or those that announce
    themselves to its registry."""

    def __init__(
        self,
        *services: Sequence[str],
        held: Sequence[Sequence[str]] | None = None,
        gateway: Sequence[str] = (),
    ) -> None:
        """
        @param services: the options of each.
        @param held: which processors each holds; where it is not said, there is a registry.
        @param gateway: more options of the gateway.
        """
        self._wires = Wires()
        self._registry: Network | None = None
        self._gateway = [*gateway, "--zmq", "tcp://127.0.0.1:0"]
        announcing: list[str] = []
        if held is None:
            self._registry = Network(self._wires)
            self._gateway += ["--registry", "tcp://127.0.0.1:0"]
            announcing = ["--registry", f"tcp://127.0.0.1:{self._registry.port}"]
        self.members = [Member(self._wires, *options, *announcing) for options in services]
        if held is not None:
            routes = [
                f"{processor}:{member.address}"
                for member, processors in zip(self.members, held, strict=True)
                for processor in processors
            ]
            self._gateway += ["--processors", ",".join(routes)]
        self.gateways: list[LiveServer] = []
        self.zmq_port = 0

    def start(self) -> Self:
        """Start all, the gateway first; wait until it has heard of all services."""
        self.start_gateway()
        for member in self.members:
            member.start()
        connection = self.gateway.connect()
        until = monotonic() + PATIENCE
        while not self._complete(connection):
            if monotonic() > until:
                raise AssertionError(f"not complete: {connection.get('/stats')}")
            Event().wait(_LOOK)
        connection.close()
        return self

    def _complete(self, connection: Connection) -> bool:
        told = connection.get("/stats")["services"]
        return (
            told.keys() == {member.address for member in self.members}
            and all(each["healthy"] for each in told.values())
            and connection.send("GET", "/ready")[0] == 200
        )

    @property
    def gateway(self) -> LiveServer:
        """The one that runs, or ran last."""
        return self.gateways[-1]

    def start_gateway(self) -> None:
        """Start another gateway; wait until it is ready."""
        gateway = LiveServer(*self._gateway)
        self.gateways.append(gateway)
        gateway.start()
        self.zmq_port = zmq_port(gateway)
        if self._registry is not None:
            said = gateway.wait_for(r"announce themselves at tcp://127\.0\.0\.1:(\d+)")
            self._registry.lead_to(int(said.group(1)))

    def speak(self) -> RestSpeaker:
        """A client of the gateway."""
        return RestSpeaker(self.gateway.connect())

    @property
    def networks(self) -> list[Network]:
        """All that lies between its processes."""
        between = [member.network for member in self.members]
        return between if self._registry is None else [*between, self._registry]

    def logs(self) -> list[str]:
        """What all its processes said, the present ones and the former."""
        processes: list[LiveProcess] = [*self.gateways]
        for member in self.members:
            processes += member.processes
        return [line for process in processes for line in process.log]

    def stop(self) -> None:
        """End all that is left of it."""
        for gateway in self.gateways:
            gateway.stop()
        for member in self.members:
            member.stop()
        self._wires.close()
