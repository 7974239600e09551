"""What a process tells Prometheus over a socket of its own."""

import signal
from http.client import HTTPConnection
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.family import LiveService
from tests.live.server import PATIENCE, LiveProcess, LiveServer
from tests.metrics.world import Samples, samples, summed


def page(port: int, path: str = "/metrics") -> tuple[int, str]:
    """Ask a server of this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class LiveMetricsTests(SynchronousTestCase):
    """A gateway, and a service with a port for its metrics."""

    def test_service(self) -> None:
        """A service tells of what came over ZeroMQ, of its threads and its database, and counts the
        pauses of its garbage collector."""
        folder = Path(self.mktemp())
        folder.mkdir()
        service = LiveService(
            *("--storage", f"sqlite:{folder}/kato.db"),
            *("--metrics", "tcp:0:interface=127.0.0.1", "--processor-id", "p1"),
        )
        self.addCleanup(service.stop)
        service.start()
        port = int(service.wait_for(r"metrics at 127\.0\.0\.1:(\d+)").group(1))
        client = service.speak()
        self.addCleanup(client.close)
        for operation, params in (("observe", {"strings": ["a", "b"]}), ("learn", {})):
            self.assertEqual(client.ask(operation, params, "p1")["status"], "okay")
        status, body = page(port)
        self.assertEqual(status, 200)
        told = samples(body)
        self.assertEqual(summed(told, "kato_requests_total", transport="zmq", operation="learn"), 1)
        self.assertEqual(summed(told, "kato_processor_models", processor="p1"), 1)
        self.assertGreater(summed(told, "kato_store_bytes"), 0)
        self.assertGreater(summed(told, "kato_store_free_bytes"), 0)
        self.assertIn(("kato_threads", frozenset({("pool", "turns")})), told)
        self.assertEqual(page(port, "/ready")[0], 200)
        self.assertEqual(page(port, "/p1/status")[0], 404)
        self.assertEqual(service.terminate(), -signal.SIGTERM)

    def test_gateway(self) -> None:
        """A gateway looks how late its reactor is."""
        server = LiveServer("--storage", "memory:")
        self.addCleanup(server.stop)
        server.start()
        told: Samples = {}
        while not summed(told, "kato_reactor_lag_seconds_count"):
            told = samples(page(server.port)[1])
        self.assertGreater(summed(told, "process_open_fds"), 0)

    def test_refused(self) -> None:
        """Without a key a service does not serve its metrics to other machines."""
        service = LiveProcess(
            *("kato-processor", "--storage", "memory:", "--metrics", "tcp:0"),
            *("--zmq", "tcp://127.0.0.1:0"),
        )
        self.addCleanup(service.stop)
        service.launch()
        service.wait_for("^kato: --metrics tcp:0: other machines could reach this without a key")
        self.assertEqual(service.wait(), 1)
