"""A processor that is watched."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.cli.drawing import draw
from kato.cli.picture import Picture, said
from kato.cli.wording import Wording
from kato.client import FRESH, Client, Cognition, Expected, Prediction, StreamEvent
from tests.cli.running import KEY, ProgramCase, terminal
from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, LiveServer
from tests.source import ROOT

WORD = Wording(short=True)


def event(topic: str, skipped: int = 0, **data: Any) -> StreamEvent:
    return StreamEvent(topic, "p1", 7, 0.0, data, skipped)


def prediction(**fields: Any) -> Mapping[str, Any]:
    names = ["matches", "missing", "extras", "past", "present", "future"]
    numbers = ["frequency", "similarity", "evidence", "confidence", "snr", "fragmentation"]
    numbers += ["entropy", "hamiltonian", "grand_hamiltonian", "confluence", "itfdf_similarity"]
    return {
        **{name: [] for name in names},
        **dict.fromkeys(numbers, 1),
        "potential": 1,
        "emotives": {},
        **fields,
    }


LEARNED = event("learning", change="learned", model_name="MODEL|ab", frequency=2, events=1)


class PictureTests(SynchronousTestCase):
    """What events make of what is known."""

    def after(self, *events: StreamEvent) -> Picture:
        picture = Picture(lost="x").anew(Cognition([], {}, [], [["a"], ["b"]]), [])
        for each in events:
            picture = picture.after(each, said(each, WORD))
        return picture

    def test_memory(self) -> None:
        """Short-term memory is as the last event says."""
        for events, memory in (
            ([], [["a"], ["b"]]),
            ([event("observations", short_term_memory=[["c"]])], [["c"]]),
            ([LEARNED], [["b"]]),
            ([event("learning", change="learned", model_name="m", events=0)], []),
            ([event("learning", change="deleted", model_name="m")], [["a"], ["b"]]),
            ([event("memory", change="cleared", memory="short_term")], []),
            ([event("memory", change="genes", genes={})], [["a"], ["b"]]),
        ):
            self.assertEqual(list(self.after(*events).short_term_memory), memory)

    def test_predictions(self) -> None:
        """Predictions and forecast are those of the last event that has them."""
        told = event("predictions", predictions=[prediction(name="MODEL|ab")], forecast=[])
        picture = self.after(told, LEARNED)
        self.assertEqual([each.name for each in picture.predictions], ["MODEL|ab"])

    def test_lines(self) -> None:
        """What was learned or changed is told, the last of it; observations are not."""
        seen = event("observations", short_term_memory=[])
        lines = self.after(*[LEARNED] * 8, seen, event("memory", change="cleared")).lines
        self.assertEqual(list(lines[-2:]), ["learned ab, frequency = 2, events = 1", "cleared"])
        self.assertEqual(len(lines), 6)

    def test_lost(self) -> None:
        """Being cut off is kept until all is well, with what was known before."""
        self.assertIsNone(self.after().lost)
        picture = self.after().connected("why")
        self.assertEqual((picture.lost, picture.short_term_memory), ("why", [["a"], ["b"]]))
        self.assertIsNone(picture.connected(None).lost)

    def test_said(self) -> None:
        """Every event has its line."""
        best = [prediction(name="MODEL|ab", future=[["a"], ["b"]])] * 2
        for each, line in (
            (
                event("predictions", predictions=best, forecast=[]),
                "a → b next, says ab, the best of 2",
            ),
            (event("predictions", predictions=[], forecast=[]), "nothing is predicted"),
            (
                event("observations", 3, short_term_memory=[["a"]]),
                "a; 3 before it were passed over",
            ),
            (event("memory", change="genes", genes={"sort": True}), "genes genes = {sort: true}"),
            (event("learning", change="deleted", model_name="MODEL|ab"), "deleted ab"),
            (event("status", state="away"), "away"),
            (event(FRESH, epoch="e", offset=1), "listening"),
        ):
            self.assertEqual(said(each, WORD), line)


class DrawingTests(SynchronousTestCase):
    """The picture on a terminal."""

    def shown(self, picture: Picture, width: int, height: int) -> list[str]:
        output, kept = terminal(width)
        output.console.print(draw("p1", picture, WORD, width, height))
        return kept.lines()

    def test_fits(self) -> None:
        """As much as fits is shown: the newest events, the best predictions; and above all whether
        something is heard."""
        best = [Prediction.read(prediction(name=f"MODEL|{i:040}")) for i in range(50)]
        events = [[str(i)] for i in range(50)]
        forecast = [Expected(["a"], 0.5, 1, 1)] * 9
        lines = self.shown(Picture(events, best, forecast, ["learned"] * 6), 80, 40)
        self.assertLessEqual(len(lines), 40)
        self.assertEqual(lines[0], "live; Ctrl-C ends")
        self.assertIn("… → 38 → 39", lines[2])
        self.assertTrue(lines[2].rstrip("│ ").endswith("→ 49"), lines[2])
        self.assertIn("missing", " ".join(lines))

    def test_cut_off(self) -> None:
        """Being cut off is said where it is seen."""
        self.assertEqual(
            self.shown(Picture(lost="gone"), 80, 24)[0], "cut off, and trying again: gone"
        )


class WatchTests(ProgramCase):
    """The command, in a process of its own."""

    def client(self) -> Client:
        return Client(self.env["KATO_URL"], key=KEY)

    def test_json(self) -> None:
        """For a program an event is a line of JSON, and it ends after as many as it wants."""
        with self.client() as client:
            p1 = client.processor("p1")
            p1.create()
            words = ["--topic", "learning", "--topic", "memory", "--count", "2", "--json"]
            with self.process("watch", "p1", *words) as process:
                assert process.stdout is not None
                fresh = json.loads(process.stdout.readline())
                self.assertEqual((fresh["event"], fresh["processor"]), (FRESH, "p1"))
                p1.observe(["a", "b"])
                name = p1.learn()
                p1.clear_short_term_memory()
                learned, cleared = (json.loads(process.stdout.readline()) for _ in range(2))
                self.assertEqual(learned["data"]["model_name"], name)
                self.assertEqual(cleared["data"]["change"], "cleared")
                self.assertEqual((process.wait(PATIENCE), process.stdout.read()), (0, ""))

    def test_lines(self) -> None:
        """Elsewhere it is a line of text; without a processor it is of those that come and go."""
        with self.client() as client, self.process("watch", "--count", "1") as process:
            assert process.stdout is not None
            self.assertIn("\tfresh\tlistening", process.stdout.readline())
            client.processor("p7").create()
            line = process.stdout.readline()
            self.assertEqual(line.split("\t")[1:2], ["processors"])
            self.assertIn("came", line)
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_unknown(self) -> None:
        """Of a processor that does not exist there is nothing to be watched."""
        self.assertIn("PROCESSOR_NOT_FOUND", self.refused(1, "watch", "p9"))

    def test_picture(self) -> None:
        """On a terminal it is a picture, and an interruption ends it."""
        with self.client() as client:
            p1 = client.processor("p1")
            p1.observe_sequence([["get"], ["set"], ["go"]], learn_at_end=True)
            p1.observe(["get"])
            ours, theirs = pty.openpty()
            self.addCleanup(os.close, ours)
            process = subprocess.Popen(
                [sys.executable, "-m", "kato.cli", "watch", "p1"],
                stdin=theirs,
                stdout=theirs,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, **self.env, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            )
            self.addCleanup(process.kill)
            os.close(theirs)
            self.see(ours, r"live; Ctrl-C ends.*p1: short-term memory")
            p1.observe(["set", "steady"])
            self.see(ours, r"get → set steady")
            process.send_signal(signal.SIGINT)
            self.see_the_end(ours)
            assert process.stderr is not None
            with process.stderr as told:
                self.assertEqual(told.read(), b"kato: interrupted\n")
            self.assertEqual(process.wait(PATIENCE), 130)

    def see(self, terminal: int, pattern: str) -> None:
        """Wait until a terminal shows it."""
        shown = b""
        until = time.monotonic() + PATIENCE
        while not re.search(pattern, shown.decode("utf-8", "replace"), re.DOTALL):
            shown += self.more(terminal, until, f"{pattern!r} is not shown: {shown!r}")

    def see_the_end(self, terminal: int) -> None:
        """Read until nobody writes there any more: what is not read holds up who writes it."""
        until = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):  # so Linux tells the end
            while self.more(terminal, until, "it does not end"):
                continue

    def more(self, terminal: int, until: float, why: str) -> bytes:
        """What a terminal shows next."""
        ready, _, _ = select.select([terminal], [], [], max(0.0, until - time.monotonic()))
        self.assertTrue(ready, why)
        return os.read(terminal, 65_536)


class CutOffTests(ProgramCase):
    """The server goes away while a processor is watched."""

    def test_restart(self) -> None:
        """It is said that nothing is heard, and that something is again; what happens then is
        told."""
        self.server.stop()
        held = HeldPort()
        self.addCleanup(held.close)
        self.env["KATO_URL"] = f"http://127.0.0.1:{held.port}"
        options = ("--storage", f"sqlite:///{self.folder / 'kato.db'}", "--api-key", KEY)
        first = LiveServer(*options, port=held.port).start()
        self.addCleanup(first.stop)
        with Client(self.env["KATO_URL"], key=KEY) as client:
            p1 = client.processor("p1")
            p1.create()
            with self.process("watch", "p1", "--topic", "learning", "--count", "2") as process:
                assert process.stdout is not None and process.stderr is not None
                self.assertIn("listening", process.stdout.readline())
                learn = [["a"], ["b"]]
                p1.observe_sequence(learn, learn_at_end=True)
                self.assertIn("learned", process.stdout.readline())
                first.kill()
                self.assertIn("cut off, and trying again", process.stderr.readline())
                second = LiveServer(*options, port=held.port).start()
                self.addCleanup(second.stop)
                self.assertIn("listening", process.stdout.readline())
                p1.observe_sequence(learn, learn_at_end=True)
                self.assertIn("frequency = 2", process.stdout.readline())
                self.assertIn("listening again\n", process.stderr.read())
                self.assertEqual(process.wait(PATIENCE), 0)
