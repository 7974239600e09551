"""The least that Autobahn can do to tell many the same: C{python -m benchmarks.streams.bare}.

Prints the port on which it listens.  A client that says a number and a text, with a blank between,
has the text sent so often to all who have said nothing, and is told when that is done.
"""

# mypy: allow-untyped-calls, disable-error-code="misc, assignment"
# (Autobahn's own classes are typed in part)

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol

from benchmarks.streams.wire import SENT


class Bare(WebSocketServerProtocol):
    """One connection."""

    factory: "BareFactory"

    def onOpen(self) -> None:
        self.factory.listening[self] = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.listening.pop(self, None)
        number, _, text = payload.partition(b" ")
        for _ in range(int(number)):
            self.factory.tell(text)
        self.sendMessage(SENT)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.listening.pop(self, None)


class BareFactory(WebSocketServerFactory):
    """All connections."""

    protocol = Bare

    def __init__(self) -> None:
        super().__init__()
        self.listening: dict[Bare, None] = {}

    def tell(self, text: bytes) -> None:
        """Prepare a message once, and send it to all."""
        prepared = self.prepareMessage(text)
        for each in self.listening:
            each.sendPreparedMessage(prepared)


def main() -> None:
    """Serve until the process is ended."""
    from twisted.internet import reactor

    running: Any = reactor
    port = running.listenTCP(0, BareFactory(), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    running.run()


if __name__ == "__main__":
    main()
