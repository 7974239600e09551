"""TLS on a live server: its certificates are read again while connections go on (SPEC 10)."""

import http.client
import json
import os
import signal
import socket
import ssl
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from websocket import create_connection

from tests.certificates import Identity
from tests.live.server import PATIENCE, LiveProcess

NOBODY_VERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NOBODY_VERIFIED.check_hostname = False
NOBODY_VERIFIED.verify_mode = ssl.CERT_NONE


class TlsTests(SynchronousTestCase):
    """C{--listen ssl:…} under C{twistd}."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.first = Identity.make("first")
        self.first.write(self.folder)

    def start(self, *options: str) -> None:
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        listen = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        self.server = LiveProcess(
            "kato-gateway", "--storage", "memory:", "--listen", listen, *options
        )
        self.addCleanup(self.server.stop)
        self.server.start()
        self.port = int(self.server.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))

    def hang_up(self, says: str) -> None:
        """Send SIGHUP, and wait until the log says what came of it."""
        self.server.send_signal(signal.SIGHUP)
        self.server.wait_for(says)

    def seen(self) -> bytes:
        """The certificate that a new connection sees."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        with NOBODY_VERIFIED.wrap_socket(plain) as wire:
            return wire.getpeercert(True) or b""

    def trusting(self, identity: Identity) -> http.client.HTTPSConnection:
        """A connection of one who trusts just this certificate, and checks its name."""
        context = ssl.create_default_context(cadata=identity.pem.decode())
        made = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, context=context
        )
        self.addCleanup(made.close)
        return made

    def asked(self, connection: http.client.HTTPSConnection) -> http.client.HTTPResponse:
        """The answer to a request on a connection."""
        connection.request("POST", "/p1/observe", '{"strings": ["a"]}')
        response = connection.getresponse()
        self.assertEqual((response.status, json.load(response)["status"]), (200, "okay"))
        return response

    def test_read_again(self) -> None:
        """A new certificate is shown to new connections, and those that there are go on, be they of
        REST or streams."""
        self.start()
        old = self.trusting(self.first)
        self.asked(old)
        stream = create_connection(
            f"wss://127.0.0.1:{self.port}/ws",
            timeout=PATIENCE,
            subprotocols=["kato.v1.json"],
            sslopt={"cert_reqs": ssl.CERT_NONE, "check_hostname": False},
        )
        self.addCleanup(stream.close)
        self.assertEqual(self.seen(), self.first.der)
        second = Identity.make("second")
        second.write(self.folder)
        self.assertEqual(self.seen(), self.first.der)
        self.hang_up("read again")
        self.assertEqual(self.seen(), second.der)
        self.asked(self.trusting(second))
        self.asked(old)
        stream.send(json.dumps({"id": 1, "method": "get_status", "processor": "p1"}))
        self.assertEqual(json.loads(stream.recv())["id"], 1)

    def test_broken(self) -> None:
        """Files that cannot be used are one line in the log, and what was read before stays in
        use, until they are mended."""
        self.start()
        (self.folder / "cert.pem").write_bytes(b"nonsense")
        self.hang_up(
            r"error.*cert\.pem: it holds no certificate in PEM; what was read before stays"
        )
        self.asked(self.trusting(self.first))
        second = Identity.make("second")
        second.write(self.folder)
        self.hang_up("read again")
        self.asked(self.trusting(second))
        self.assertEqual(self.server.terminate(), -signal.SIGTERM)

    def test_strict(self) -> None:
        """Who came by TLS, and called the server by its name, is told to do so again."""
        self.start("--allow-host", "kato.example")
        connection = self.trusting(self.first)
        for name, strict in (("kato.example", "max-age=31536000"), ("localhost", None)):
            connection.request("GET", "/live", headers={"Host": name})
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.headers["Strict-Transport-Security"], strict)

    def test_plain(self) -> None:
        """Who does not speak TLS is not answered."""
        self.start()
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as plain:
            plain.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertNotIn(b"HTTP", plain.recv(1000))
        self.asked(self.trusting(self.first))


class NothingToReadTests(SynchronousTestCase):
    """Services without certificates."""

    def test_hangup(self) -> None:
        """A SIGHUP ends neither a gateway nor a processor service."""
        for service, *options in (
            ("kato-gateway", "--listen", "tcp:0:interface=127.0.0.1"),
            ("kato-processor", "--zmq", "tcp://127.0.0.1:0"),
        ):
            process = LiveProcess(service, "--storage", "memory:", *options)
            self.addCleanup(process.stop)
            process.start()
            os.kill(process.pid, signal.SIGHUP)
            process.wait_for("there is nothing to read again")
            self.assertEqual(process.terminate(), -signal.SIGTERM)
