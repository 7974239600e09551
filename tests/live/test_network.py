"""The network of the fault test: it loses what it is told to lose, and nothing else."""

import socket
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.live.network import Network, Wires
from tests.live.server import PATIENCE


class NetworkTests(SynchronousTestCase):
    """A client and a server on either side."""

    def setUp(self) -> None:
        self.wires = Wires()
        self.addCleanup(self.wires.close)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listening.close)
        self.listening.settimeout(PATIENCE)
        self.network = Network(self.wires)
        self.network.lead_to(self.listening.getsockname()[1])

    def client(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.network.port), PATIENCE)
        self.addCleanup(made.close)
        return made

    def accepted(self) -> socket.socket:
        made, _ = self.listening.accept()
        made.settimeout(PATIENCE)
        self.addCleanup(made.close)
        return made

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a way."""
        near = self.client()
        return near, self.accepted()

    def assert_lost(self, end: socket.socket) -> None:
        """There is nothing more to come."""
        try:
            self.assertEqual(end.recv(100), b"")
        except ConnectionResetError:
            return

    def assert_silent(self, end: socket.socket) -> None:
        """Nothing has come, though the connection stands."""
        end.setblocking(False)
        self.assertRaises(BlockingIOError, end.recv, 100)
        end.settimeout(PATIENCE)

    def test_carries(self) -> None:
        """All bytes come through both ways, however many, and so does the end."""
        near, far = self.pair()
        data = bytes(range(256)) * 4_000
        for sender, receiver in ((near, far), (far, near)):
            sender.sendall(data)
            came = b""
            while len(came) < len(data):
                came += receiver.recv(2**16)
            self.assertEqual(came, data)
        near.close()
        self.assert_lost(far)

    def test_cut(self) -> None:
        """A cut is heard at both ends; a new connection may be made."""
        near, far = self.pair()
        self.network.cut()
        self.assert_lost(near)
        self.assert_lost(far)
        near, far = self.pair()
        near.sendall(b"again")
        self.assertEqual(far.recv(100), b"again")

    def test_silent(self) -> None:
        """What is said to a silent network arrives once it speaks, in order; connections that are
        made meanwhile come about then."""
        near, far = self.pair()
        self.network.fall_silent()
        near.sendall(b"1")
        far.sendall(b"2")
        late = self.client()
        late.sendall(b"3")
        self.network.open()  # all that came until now was heeded
        self.assert_silent(near)
        self.assert_silent(far)
        self.network.speak()
        self.assertEqual((far.recv(100), near.recv(100)), (b"1", b"2"))
        self.assertEqual(self.accepted().recv(100), b"3")

    def test_lost_while_silent(self) -> None:
        """What a silent network holds back is lost with the connection."""
        near, far = self.pair()
        self.network.fall_silent()
        near.sendall(b"lost")
        self.network.cut()
        self.network.speak()
        self.assert_lost(far)
        self.assert_lost(near)

    def test_lose(self) -> None:
        """A message is broken off where it was said, one way or the other; what goes the other way
        is none of it."""
        ends: list[tuple[bool, Callable[[socket.socket, socket.socket], list[socket.socket]]]] = [
            (False, lambda near, far: [near, far]),
            (True, lambda near, far: [far, near]),
        ]
        for replies, order in ends:
            near, far = self.pair()
            sender, receiver = order(near, far)
            self.network.lose(replies=replies, after=3)
            receiver.sendall(b"other way")
            self.assertEqual(sender.recv(100), b"other way")
            sender.sendall(b"message")
            self.assertEqual(receiver.recv(100), b"mes")
            self.assert_lost(receiver)
            self.assert_lost(sender)

    def test_shut(self) -> None:
        """Where the network is shut nobody comes in, at the same port as before and after."""
        port = self.network.port
        near, _ = self.pair()
        self.network.shut()
        self.assert_lost(near)
        self.assertRaises(ConnectionRefusedError, self.client)
        self.network.open()
        self.assertEqual(self.network.port, port)
        near, far = self.pair()
        near.sendall(b"back")
        self.assertEqual(far.recv(100), b"back")

    def test_nobody_there(self) -> None:
        """A connection that leads nowhere ends."""
        self.listening.close()
        self.assert_lost(self.client())
