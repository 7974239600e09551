"""The least that can stand between HTTP and ZeroMQ: C{python -m benchmarks.bare_hop ADDRESS}.

Each GET is sent to the address on a DEALER, and answered with what comes back; without an address
it is answered at once.  Prints the port on which it listens.
"""

import sys
from itertools import count
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory
from zmq import DEALER

from benchmarks.bare import QuietSite


class Dealer(ZmqConnection):  # type: ignore[misc]  # txZMQ is not typed
    """Hands every answer to the request that waits for it."""

    socketType = DEALER

    def __init__(self, factory: ZmqFactory, address: str) -> None:
        super().__init__(factory)
        self.waiting: dict[bytes, Request] = {}
        self.addEndpoints([ZmqEndpoint(ZmqEndpointType.connect, address)])

    def messageReceived(self, message: list[bytes]) -> None:
        request = self.waiting.pop(message[0])
        request.write(message[1])
        request.finish()


class Hop(Resource):
    """Asks elsewhere, or answers."""

    isLeaf = True

    def __init__(self, dealer: Dealer | None) -> None:
        super().__init__()
        self._dealer = dealer
        self._numbers = count()

    def render_GET(self, request: Request) -> bytes | int:
        body = b'{"status": "okay"}'
        if self._dealer is None:
            return body
        number = b"%d" % next(self._numbers)
        self._dealer.waiting[number] = request
        self._dealer.send([number, body])
        return NOT_DONE_YET


def main() -> None:
    """Serve until the process is ended."""
    from twisted.internet import reactor

    running: Any = reactor
    dealer = Dealer(ZmqFactory(), sys.argv[1]) if sys.argv[1:] else None
    port = running.listenTCP(0, QuietSite(Hop(dealer)), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    running.run()


if __name__ == "__main__":
    main()
