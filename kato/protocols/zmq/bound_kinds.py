"""The kinds of sockets to which others connect: whoever does is counted, and turned away where that
is too much.

Importing this installs a reactor.
"""

# mypy: allow-untyped-calls, disallow-subclassing-any = False
# (txZMQ is not typed)

from collections import Counter
from collections.abc import Callable, Sequence

import zmq
from txzmq import ZmqFactory

from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.door import ZmqDoor
from kato.protocols.zmq.interface import Listening, Received
from kato.protocols.zmq.socket_kinds import ZmqSocket
from kato.protocols.zmq.visitors import Visitor, Visitors, size_on_wire
from kato.protocols.zmq.waiting import WaitingRoom


class BoundSocket(ZmqSocket):
    """A socket at whose port somebody keeps the door."""

    _door: ZmqDoor | None = None

    def open_to(self, listening: Listening, visitors: Visitors, *, encrypted: bool) -> None:
        """Let in whoever comes to a port that is bound.

        @param visitors: keeps account of them.
        @param encrypted: whether what they send is.
        """
        port = Address.parse(listening.address).port
        self._visitors = visitors
        self._encrypted = encrypted
        self._door = ZmqDoor(self.factory, self.socket, port, visitors)
        self.take_over(listening)

    def _receive_from(self) -> tuple[list[bytes], Visitor | None]:
        """The next message, and who sent it, if that is a guest."""
        first = self.socket.recv(zmq.NOBLOCK, copy=False)
        frames = [first.bytes]
        while self.socket.getsockopt(zmq.RCVMORE):
            frames.append(self.socket.recv(zmq.NOBLOCK))
        return frames, self._guest(first)

    def _guest(self, frame: zmq.Frame) -> Visitor | None:
        """The guest that sent a frame; C{None}: it was no guest, or nobody any more."""
        assert self._door is not None
        try:
            descriptor = int(frame.get(zmq.SRCFD))
        except zmq.ZMQError:  # libzmq tells by itself that somebody has gone
            return None
        if descriptor not in self._visitors:
            self._door.catch_up()
        return self._visitors.guest(descriptor)

    def _size(self, frame: bytes) -> int:
        return size_on_wire(len(frame), encrypted=self._encrypted)

    def visitors(self) -> dict[str, int]:
        """As L{kato.protocols.zmq.interface.Bound.visitors}."""
        return {
            "connections": len(self._visitors),
            "guests": self._visitors.guests,
            "turned_away": self._visitors.turned_away,
        }

    def close(self) -> None:
        """Close, once."""
        door, self._door = self._door, None
        if door is not None:
            self.socket.disable_monitor()
        super().close()
        if door is not None:
            door.close()


class ZmqRouter(BoundSocket):
    """A ROUTER, which is told who of its peers has a key."""

    def __init__(self, factory: ZmqFactory, received: Received, taken: Callable[[], None]) -> None:
        super().__init__(factory, zmq.ROUTER, received, taken)

    def vouch(self, peer: bytes) -> None:
        """The peer of this identity has told a key."""
        self._visitors.vouch(peer)

    def send(self, frames: Sequence[bytes]) -> bool:
        """Hand a message over; C{False}: not now."""
        handed_over = super().send(frames)
        guest = self._visitors.named(frames[0])
        if guest is not None and handed_over:
            guest.sent += sum(map(self._size, frames[1:]))
        return handed_over

    def _receive(self) -> list[bytes]:
        """The next message, whose identity tells also where it came from."""
        frames, guest = self._receive_from()
        if guest is not None:
            guest.read += sum(map(self._size, frames[1:]))
            if guest.name != frames[0]:
                self._visitors.name(guest, frames[0])
        return frames


class ZmqPublisher(BoundSocket):
    """An XPUB socket, which tells every subscription of every peer, and asks whether it holds."""

    def __init__(
        self,
        factory: ZmqFactory,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
        room: WaitingRoom,
    ) -> None:
        """@param room: is told whether something of what came is not read yet."""
        self._room = room
        self._grants = grants
        self._subscribed = subscribed
        self._peers: Counter[bytes] = Counter()
        self._asking: Visitor | None = None
        super().__init__(factory, zmq.XPUB, self._heard)
        self.set(zmq.XPUB_MANUAL, 1)

    def _receive(self) -> list[bytes]:
        """The next message.  libzmq keeps what a guest wants that is not granted until that guest
        goes, so none of it counts as read."""
        frames, self._asking = self._receive_from()
        return frames

    def doRead(self) -> None:
        """Take what has come, and tell whether that was all."""
        super().doRead()
        self._room.told(self, is_behind=self._reads_again)

    def close(self) -> None:
        """Close, once."""
        super().close()
        self._room.told(self, is_behind=False)

    def _heard(self, frames: list[bytes]) -> None:
        """A peer subscribed or unsubscribed, if by no message then by going away."""
        [frame, *_] = frames
        prefix = frame[1:]
        if frame[:1] == b"\1" and self._grants(prefix):
            self.socket.setsockopt(zmq.SUBSCRIBE, prefix)
            if self._asking is not None:
                self._visitors.admit(self._asking)
            self._peers[prefix] += 1
            if self._peers[prefix] == 1:
                self._subscribed(prefix, True)
        elif frame[:1] == b"\0" and prefix in self._peers:
            self.socket.setsockopt(zmq.UNSUBSCRIBE, prefix)
            self._peers[prefix] -= 1
            if not self._peers[prefix]:
                del self._peers[prefix]
                self._subscribed(prefix, False)
