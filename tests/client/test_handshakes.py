"""What a server says in the place of a WebSocket, to the face for Twisted."""

from typing import Any

import txaio
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport
from twisted.trial.unittest import SynchronousTestCase

from kato.client.in_twisted import _connections
from kato.client.streams import Closed
from kato.errors import Forbidden, KatoError, Unauthorized

BODY = b'{"status": "error", "error_code": "FORBIDDEN", "message": "no"}'
HEAD = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REFUSAL = HEAD % len(BODY) + BODY


class RefusalTests(SynchronousTestCase):
    """Answers that are no 101."""

    def setUp(self) -> None:
        clock = Clock()
        self.patch(txaio.config, "loop", clock)  # type: ignore[attr-defined]  # made at import
        factory = _connections("ws://127.0.0.1:8000/ws", None, clock)
        connection: Any = factory.buildProtocol(None)
        connection.makeConnection(FakeTransport(connection, False))
        self.connection = connection

    def refusal(self, *pieces: bytes) -> KatoError | Closed:
        """Why there is no connection, where these came, and then the end."""
        for each in pieces:
            self.connection.dataReceived(each)
        self.connection.connectionLost(Failure(Exception("it is over")))
        failure = self.failureResultOf(self.connection.opened, KatoError, Closed)
        error: KatoError | Closed = failure.value
        return error

    def test_at_once(self) -> None:
        """It is told by the code in the body."""
        self.assertIsInstance(self.refusal(REFUSAL), Forbidden)

    def test_in_pieces(self) -> None:
        """So it is however the bytes come: the body may be later than the head."""
        self.assertIsInstance(self.refusal(*(bytes([each]) for each in REFUSAL)), Forbidden)

    def test_cut_off(self) -> None:
        """Where the body does not come whole it is told by the status."""
        refusal = REFUSAL.replace(b"403", b"401")[:-1]
        self.assertIsInstance(self.refusal(refusal), Unauthorized)

    def test_nothing(self) -> None:
        """Without an answer the connection was lost."""
        self.assertIsInstance(self.refusal(b"HTTP/1.1 40"), Closed)
