"""A gateway as an operator meets it: how it starts, refuses to start, and ends (SPEC 10)."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import Identity
from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, ROOT, LiveServer

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")


class RefusalTests(SynchronousTestCase):
    """What is wrong is one line on standard error, and exit status 1."""

    def refused(self, *options: str, **environment: str) -> str:
        """Start with options, or in an environment, that cannot work; gives the line that says
        so."""
        done = subprocess.run(
            [*TWISTD, "--nodaemon", "--pidfile=", "kato-gateway", *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        [line] = done.stderr.splitlines()
        return line

    def test_wrong_option(self) -> None:
        """A wrong option is named with its value."""
        self.assertIn("--max-events", self.refused("--max-events", "none"))
        self.assertIn("surprise", self.refused("--surprise"))

    def test_wrong_matcher(self) -> None:
        """A variable that nobody can follow is named with its value."""
        line = self.refused("--storage", "memory:", KATO_MATCHER="fast")
        self.assertEqual(line, "kato: KATO_MATCHER: expected native or python, got 'fast'")

    def test_port_in_use(self) -> None:
        """A port that another process has is named."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            line = self.refused("--storage", "memory:", "--listen", listen)
        self.assertIn(listen, line)
        self.assertIn("in use", line)

    def test_shared_port(self) -> None:
        """A port is shared with those who share it, and only a plain one can be."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            listen = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            line = self.refused("--storage", "memory:", "--share-port", "--listen", listen)
        self.assertIn("Address already in use", line)
        for listen in ("ssl:8443", "tcp:0:backlog=5", "tcp:99999"):
            line = self.refused("--storage", "memory:", "--share-port", "--listen", listen)
            self.assertIn(f"--listen {listen}: ", line)
        line = self.refused("--storage", "memory:", "--share-port", "--listen", "tcp:0")
        self.assertIn("--open", line)

    def test_other_addresses(self) -> None:
        """Without a key only this machine is served, unless it is said that more is meant."""
        line = self.refused("--storage", "memory:", "--listen", "tcp:0")
        self.assertIn("--open", line)
        for meant in (["--open"], ["--api-key", "secret"]):
            server = LiveServer("--storage", "memory:", "--listen", "tcp:0", *meant)
            self.addCleanup(server.stop)
            server.start()

    def test_nonsense_to_listen_on(self) -> None:
        """A description that is none is repeated."""
        for listen in (
            "tcp:x",
            "systemd:domain=INET:index=0",
            "nothing:8000",
            "tcp",
            "unix:/no/such/folder/x",
            "ssl:0:privateKey=x",
        ):
            self.assertIn(listen, self.refused("--storage", "memory:", "--listen", listen))

    def test_certificates(self) -> None:
        """A key or certificate that is not there, is none, or does not belong to the other, and a
        word that TLS does not know, are named."""
        folder = Path(self.mktemp()).absolute()
        Identity.make("first").write(folder)
        key, certificate = folder / "key.pem", folder / "cert.pem"
        listen = f"ssl:0:privateKey={key}:certKey={certificate}"
        self.assertIn("sslmethod: unknown", self.tls_refused(f"{listen}:sslmethod=SSLv3_METHOD"))
        certificate.write_bytes(Identity.make("second").pem)
        self.assertIn(f"is not the key of certKey={certificate}", self.tls_refused(listen))
        certificate.write_bytes(b"nonsense")
        self.assertIn(f"certKey={certificate}: it holds no certificate", self.tls_refused(listen))
        key.unlink()
        self.assertIn(f"privateKey={key}: No such file", self.tls_refused(listen))

    def tls_refused(self, listen: str) -> str:
        line = self.refused("--storage", "memory:", "--listen", listen)
        self.assertTrue(line.startswith(f"kato: --listen {listen}: "), line)
        return line

    def test_without_tls(self) -> None:
        """Where TLS is not installed, it is said what to install."""
        without = "import sys; sys.modules['OpenSSL'] = None; "
        self.patch(sys.modules[__name__], "TWISTD", (*TWISTD[:2], without + TWISTD[2]))
        line = self.tls_refused("ssl:8443:privateKey=key.pem")
        self.assertIn("pip install 'kato-twisted[tls]'", line)

    def test_storage(self) -> None:
        """A storage that cannot be used is named with what is wrong."""
        self.assertIn("--storage postgres://x/y", self.refused("--storage", "postgres://x/y"))
        folder = self.mktemp()
        Path(folder).mkdir()
        self.assertIn(folder, self.refused("--storage", f"sqlite:{folder}"))

    def test_second_server(self) -> None:
        """A second server on the same file is refused, by whatever name it calls the file; when the
        first is killed, the next may have it."""
        path = Path(self.mktemp()).resolve()
        first = LiveServer("--storage", f"sqlite:{path}").start()
        self.addCleanup(first.stop)
        link = Path(self.mktemp()).resolve()
        link.symlink_to(path)
        for name in (path, link):
            line = self.refused(
                "--storage", f"sqlite:{name}", "--listen", "tcp:0:interface=127.0.0.1"
            )
            self.assertIn(str(path), line)
            self.assertIn(str(first.pid), line)
        first.kill()
        second = LiveServer("--storage", f"sqlite:{path}").start()
        self.addCleanup(second.stop)


class LifeTests(SynchronousTestCase):
    """From the start to the end."""

    def setUp(self) -> None:
        self.path = self.mktemp()

    def start(self, *options: str) -> LiveServer:
        server = LiveServer("--storage", f"sqlite:{self.path}", *options).start()
        self.addCleanup(server.stop)
        return server

    def test_shared_port(self) -> None:
        """Several gateways listen at one port, and connections go to all of them."""
        first = LiveServer("--storage", "memory:", "--share-port").start()
        self.addCleanup(first.stop)
        shared = ("--listen", f"tcp:{first.port}:interface=127.0.0.1")
        second = LiveServer("--storage", "memory:", "--share-port", *shared).start()
        self.addCleanup(second.stop)
        with closing(second.connect()) as connection:
            connection.send("PUT", "/mine")
        statuses = set()
        for _ in range(100):
            with closing(first.connect()) as connection:
                statuses.add(connection.send("GET", "/mine/ping")[0])
        self.assertEqual(statuses, {200, 404})

    def test_seed(self) -> None:
        """The first observation that anybody sends is answered as the contract says."""
        answer = (
            self.start()
            .connect()
            .post(
                "/p1/observe",
                {"strings": ["hello", "world"], "vectors": [[1.0, 2.0]], "emotives": {"joy": 0.8}},
            )
        )
        self.assertEqual((answer["status"], answer["message"]), ("okay", "observed"))
        self.assertEqual(
            answer["short_term_memory"],
            [["VECTOR|84838cc3f82e61d03b42fea0046c60291fe94b0f", "hello", "world"]],
        )

    def test_planned_stop(self) -> None:
        """SIGTERM saves all, and ends the process by that signal; a restart goes on from there."""
        server = self.start("--processor-id", "p1", "--processor-name", "Weather")
        connection = server.connect()
        connection.post("/p1/observe", {"strings": ["a"], "emotives": {"joy": 1}})
        before = connection.get("/p1/cognition-data")
        self.assertEqual(connection.get("/p1/status")["name"], "Weather")
        self.assertEqual(server.terminate(), -signal.SIGTERM)
        self.assertIn("stopped", "\n".join(server.log))
        after = self.start().connect().get("/p1/cognition-data")
        self.assertEqual({**before, "time_stamp": 0}, {**after, "time_stamp": 0})

    def test_stop_finishes_what_is_under_way(self) -> None:
        """A request that is being carried out when SIGTERM comes is answered."""
        options = ("--max-events", "1000000", "--max-observations", "100000")
        server = self.start(*options)
        body = json.dumps({"observations": [{"strings": ["a", "b"]}] * 100_000})
        request = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        request.request("POST", "/p1/observe-sequence?brief=true", body)
        statistics = server.connect()
        while not (told := statistics.get("/stats"))["under_way"]:
            self.assertEqual(told["requests"], 0, "it was carried out before anybody looked")
        os.kill(server.pid, signal.SIGTERM)
        answer = json.loads(request.getresponse().read())
        self.assertEqual(answer["observed"], 100_000)
        server.wait()
        self.assertEqual(self.start(*options).connect().get("/p1/status")["events"], 100_000)

    def test_request_id_in_the_log(self) -> None:
        """The log tells a request by the id that it came with."""
        server = self.start("--log-format", "json")
        server.connect().send("GET", "/nobody/status", headers={"X-Request-ID": "find-me"})
        line = json.loads(server.wait_for("find-me").string)
        self.assertEqual(line["level"], "info")

    def test_key(self) -> None:
        """With a key, only who has it is served; the open paths need none."""
        server = self.start("--api-key", "secret")
        connection = server.connect()
        self.assertEqual(connection.send("GET", "/stats")[0], 401)
        self.assertEqual(connection.send("GET", "/stats", headers={"X-API-Key": "wrong"})[0], 401)
        for headers in ({"X-API-Key": "secret"}, {"Authorization": "Bearer secret"}):
            self.assertEqual(connection.send("GET", "/stats", headers=headers)[0], 200)
        for path in ("/live", "/ready", "/kato-api/ping"):
            self.assertEqual(connection.send("GET", path)[0], 200)

    def test_daemon(self) -> None:
        """Twistd may fork into the background: the storage works there, too."""
        path, pidfile = Path(self.path).resolve(), Path(self.mktemp()).resolve()
        log = Path(self.mktemp()).resolve()
        held = HeldPort()
        self.addCleanup(held.close)
        listen = f"tcp:{held.port}:interface=127.0.0.1"
        subprocess.run(
            [
                *TWISTD,
                *(f"--pidfile={pidfile}", f"--logfile={log}", "kato-gateway"),
                *("--storage", f"sqlite:{path}", "--listen", listen),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=PATIENCE,
            check=True,
        )
        pid = int(pidfile.read_text(encoding="ascii"))
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        request = http.client.HTTPConnection("127.0.0.1", held.port, timeout=PATIENCE)
        request.request("PUT", "/p1")
        self.assertEqual(request.getresponse().status, 201)
        self.assertIn("listening", log.read_text(encoding="utf-8"))
