"""What the manager asks of this very machine."""

import os
import socket
import sys
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.system import System, birth
from tests.live.ports import HeldPort


class BirthTests(SynchronousTestCase):
    """L{birth}: what tells a process from another one that has its number."""

    def setUp(self) -> None:
        self.proc = Path(self.mktemp()) / "proc"
        self.write("sys/kernel/random/boot_id", "boot\n")
        self.process("self", "S", 1)

    def write(self, path: str, text: str) -> None:
        (self.proc / path).parent.mkdir(parents=True, exist_ok=True)
        (self.proc / path).write_text(text, encoding="utf-8")

    def process(self, number: str, state: str, ticks: int) -> None:
        between = " ".join(["0"] * 18)
        self.write(f"{number}/stat", f"{number} (a) b) {state} {between} {ticks} 0 0\n")

    def test_count(self) -> None:
        """It is the boot, and the ticks from there, whatever the process calls itself."""
        self.process("7", "R", 123)
        self.assertEqual(birth(7, self.proc), "boot+123")
        self.process("7", "S", 124)
        self.assertEqual(birth(7, self.proc), "boot+124")

    def test_none(self) -> None:
        """A process that is gone, or dead and not buried, has none."""
        self.assertIsNone(birth(7, self.proc))
        for state in "ZX":
            self.process("7", state, 123)
            self.assertIsNone(birth(7, self.proc))

    def test_elsewhere(self) -> None:
        """A system without such a count tells the time of birth."""
        nowhere = Path(self.mktemp())
        first = birth(os.getpid(), nowhere)
        self.assertIsNotNone(first)
        self.assertEqual(birth(os.getpid(), nowhere), first)
        self.assertNotEqual(birth(os.getppid(), nowhere), None)


class SystemTests(SynchronousTestCase):
    """L{System}, with processes that end when they are told."""

    def setUp(self) -> None:
        self.system = System()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.log = self.folder / "log"

    def test_life(self) -> None:
        """A process is known from its start to its end, and its output is in the log."""
        gate = self.folder / "gate"
        os.mkfifo(gate)
        program = "import os; print(os.environ['WORD'], os.getcwd(), os.getsid(0)); open('gate')"
        pid, born = self.system.spawn(
            [sys.executable, "-c", program],
            log=self.log,
            environment={"WORD": "hello"},
            folder=self.folder,
        )
        self.assertTrue(self.system.is_running(pid, born))
        self.assertFalse(self.system.is_running(pid, "another birth"))
        gate.open("wb").close()
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.assertFalse(self.system.is_running(pid, born), "a zombie is dead")
        os.waitpid(pid, 0)
        self.assertFalse(self.system.is_running(pid, born))
        said = self.log.read_text(encoding="utf-8")
        self.assertEqual(said, f"hello {self.folder} {pid}\n")
        self.system.end(pid)

    def test_ports(self) -> None:
        """A port on which somebody listens is not free."""
        with closing(HeldPort()) as held:
            with socket.create_server(("127.0.0.1", held.port)):
                self.assertFalse(self.system.is_free(held.port))
            self.assertTrue(self.system.is_free(held.port))

    def test_nobody_answers(self) -> None:
        """A server that is not there answers nothing."""
        with closing(HeldPort()) as held:
            self.assertIsNone(self.system.ask(f"http://127.0.0.1:{held.port}/ready"))
