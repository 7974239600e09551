"""Keeps the door of a port of ZeroMQ: hears who comes and goes, and sends away who is too much.

Importing this installs a reactor.
"""

# mypy: allow-untyped-calls, disallow-subclassing-any = False
# (txZMQ is not typed)

import zmq
from twisted.internet.interfaces import IDelayedCall
from txzmq import ZmqEndpointType, ZmqFactory
from zmq.utils.monitor import parse_monitor_message

from kato.protocols.zmq.socket_kinds import ZmqSocket
from kato.protocols.zmq.visitors import Visitor, Visitors
from kato.protocols.zmq.wires import end, peer_of, traffic

_LOOK = 0.01
"""Seconds after which guests are looked at again: loopback brings 30 MB meanwhile,"""
_SOON = 0.002
"""or after so many where much is held already;"""
_EFFORT = 10
"""but so many times as long as a look took, if that is more."""


class ZmqDoor(ZmqSocket):
    """Hears of the connections of a socket that is bound to a port."""

    def __init__(
        self, factory: ZmqFactory, watched: "zmq.Socket[bytes]", port: int, visitors: Visitors
    ) -> None:
        """@param visitors: keeps account of those who come to C{port}."""
        super().__init__(factory, zmq.PAIR, self._heard)
        self._port = port
        self._visitors = visitors
        self._weighing: IDelayedCall | None = None
        address = f"inproc://door-{id(self):x}"
        watched.monitor(address, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._join(ZmqEndpointType.connect, address)

    def catch_up(self) -> None:
        """Hear now what has happened already."""
        while self.factory is not None:
            try:
                frames = self._receive()
            except zmq.Again:
                return
            self._take(frames)

    def _heard(self, frames: list[bytes]) -> None:
        event = parse_monitor_message(frames)
        descriptor = event["value"]
        if event["event"] == zmq.EVENT_ACCEPTED:
            self._came(descriptor)
        else:
            self._visitors.went(descriptor)

    def _came(self, descriptor: int) -> None:
        peer = peer_of(descriptor, self._port)
        if peer is None:  # it has gone, as will be heard
            return
        leaves = self._visitors.came(descriptor, peer)
        if leaves is not None:
            self._send_away(leaves)
        if self._weighing is None:
            self._weigh_later(_LOOK)

    def _weigh_later(self, seconds: float) -> None:
        self._weighing = self.factory.reactor.callLater(seconds, self._weigh)

    def _weigh(self) -> None:
        self._weighing = None
        began = self.factory.reactor.seconds()
        for visitor in self._visitors.weigh(traffic):
            self._send_away(visitor)
        if self._visitors.guests:
            took = self.factory.reactor.seconds() - began
            pause = _SOON if self._visitors.is_tight else _LOOK
            self._weigh_later(max(pause, _EFFORT * took))

    def _send_away(self, visitor: Visitor) -> None:
        end(visitor)
        if self._seldom.is_due("sent away", now=self.factory.reactor.seconds()):
            self.log.warn(
                "port {port}: a connection from {host} that has told no key was ended, for which "
                "{held:,} bytes were held; {guests:,} of {connections:,} have told none",
                port=self._port,
                host=visitor.peer[0],
                held=visitor.held,
                guests=self._visitors.guests,
                connections=len(self._visitors),
            )

    def close(self) -> None:
        """Close, once."""
        if self._weighing is not None:
            self._weighing.cancel()
            self._weighing = None
        super().close()
