"""The least that twisted.web can serve, to hold a server against: C{python -m benchmarks.bare}.

It prints the port on which it listens.
"""

from typing import Any

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class Bare(Resource):
    """Answers every GET with a few bytes of JSON."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"application/json")
        return b'{"status": "okay"}'


def main(running: Any) -> None:
    """Serve until the process is ended."""
    site = Site(Bare())
    site.log = lambda request: None  # what is measured is HTTP, not the writing of a log
    port = running.listenTCP(0, site, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    running.run()


if __name__ == "__main__":
    main(reactor)
