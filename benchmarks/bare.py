"""The least that twisted.web can serve, to hold a server against: C{python -m benchmarks.bare}.

It prints the port on which it listens.
"""

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class Bare(Resource):
    """Answers every GET with a few bytes of JSON."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"application/json")
        return b'{"status": "okay"}'


class QuietSite(Site):
    """Writes no log: what is measured is HTTP alone."""

    def log(self, request: Any) -> None:
        """A request was answered."""


def main() -> None:
    """Serve until the process is ended."""
    from twisted.internet import reactor

    running: Any = reactor
    port = running.listenTCP(0, QuietSite(Bare()), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    running.run()


if __name__ == "__main__":
    main()
