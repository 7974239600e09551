"""The least that txZMQ can serve, to hold a service against: C{python -m benchmarks.echo}.

It prints the address at which it sends back whatever comes.
"""

from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory
from zmq import ROUTER


class Echo(ZmqConnection):  # type: ignore[misc]  # txZMQ is not typed
    """Sends every message back."""

    socketType = ROUTER

    def messageReceived(self, message: list[bytes]) -> None:
        self.send(message)


def main() -> None:
    """Serve until the process is ended."""
    from twisted.internet import reactor

    echo = Echo(ZmqFactory())
    echo.addEndpoints([ZmqEndpoint(ZmqEndpointType.bind, "tcp://127.0.0.1:*")])
    print(echo.socket.last_endpoint.decode(), flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
