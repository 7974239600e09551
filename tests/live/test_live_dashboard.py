"""The weather of Seattle, replayed into a live server."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.network import Network, Wires
from tests.live.server import PATIENCE, ROOT, LiveServer
from tests.live.streaming import Stream

KEY = "sesame"
DAYS = 40


class LiveDashboardTests(SynchronousTestCase):
    """A server with a key."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:", "--api-key", KEY).start()
        self.addCleanup(self.server.stop)
        self.key = Path(self.mktemp()).resolve()
        self.key.write_text(f"{KEY}\n", encoding="utf-8")

    def command(self, port: int, *options: str) -> list[str]:
        return [
            *(sys.executable, "examples/live_dashboard.py", "--url", f"http://127.0.0.1:{port}"),
            *("--api-key-file", str(self.key), *options),
        ]

    def run_it(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(self.server.port, *options),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ask(self, operation: str) -> dict[str, Any]:
        stream = Stream(self.server.port, headers=[f"X-API-Key: {KEY}"])
        self.addCleanup(stream.close)
        return stream.ask(operation, "weather")

    def test_replay(self) -> None:
        """Day by day is observed, with emotives, and every window of three days is learned: all of
        it can be watched."""
        stream = Stream(self.server.port, headers=[f"X-API-Key: {KEY}"])
        self.addCleanup(stream.close)
        self.assertEqual(stream.ask("create_processor", "weather")["status"], "okay")
        self.assertEqual(stream.ask("subscribe", "weather")["status"], "okay")
        done = self.run_it(
            *("--processor", "weather", "--days", f"{DAYS}", "--speed", "0", "--anew")
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        first, *days, last = done.stdout.splitlines()
        self.assertIn(f"http://127.0.0.1:{self.server.port}/#weather", first)
        self.assertEqual(len(days), DAYS)
        self.assertTrue(all(" expected " in day for day in days))
        self.assertRegex(last, rf"^right on \d+ of {DAYS} days$")
        counts: Counter[str] = Counter()
        while counts["observations"] < DAYS or counts["learning"] < DAYS - 2:
            event = stream.event()
            counts[event["event"]] += 1 + event.get("skipped", 0)
            if event["event"] == "observations":
                self.assertEqual(set(event["data"]["observation"]["emotives"]), {"warmth", "gloom"})
        self.assertEqual(self.ask("get_status")["interval"], DAYS)

    def test_away(self) -> None:
        """Where the server is away for a moment the replay goes on, and no day is observed
        twice."""
        wires = Wires()
        self.addCleanup(wires.close)
        network = Network(wires)
        network.lead_to(self.server.port)
        options = ("--processor", "weather", "--days", f"{DAYS}", "--speed", "0")
        pipe = subprocess.PIPE
        command = self.command(network.port, *options)
        with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as replay:
            self.addCleanup(replay.kill)
            assert replay.stdout is not None and replay.stderr is not None
            for number, _ in enumerate(replay.stdout):
                if number in (10, 20):
                    network.lose(replies=number == 20, after=0)
            self.assertEqual(replay.wait(PATIENCE), 0)
            self.assertIn("the server is away", replay.stderr.read())
        self.assertEqual(self.ask("get_status")["interval"], DAYS)

    def test_nobody(self) -> None:
        """Without a server, or with a wrong key, it says what to do."""
        self.key.write_text("wrong", encoding="utf-8")
        done = self.run_it("--days", "3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a key of this server", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.server.kill()
        done = self.run_it("--days", "3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("./kato-manager.sh start", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
