"""The commands that C{docs/deployment.md} shows, run as they stand there, on free ports."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from tests.live.ports import HeldPort
from tests.live.server import ROOT, Connection, LiveProcess
from tests.live.speaking import RestSpeaker, ZmqSpeaker

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")

_TWISTD = ["twistd", "-n", "--pidfile="]
_PORT = re.compile(r"(?<=[:=])(\d{4})(?=[,:]|$)")
_REST = "8000"


def section(heading: str) -> str:
    """A section of the page."""
    return re.split(r"^## ", PAGE.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.M)[0]


def commands(heading: str) -> list[list[str]]:
    """The command lines of a section, without the C{twistd} of each."""
    [block] = re.findall(r"^```\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    return [_service(shlex.split(line)) for line in block.splitlines()]


def _service(words: list[str]) -> list[str]:
    program, *rest = words
    if [Path(program).name, *rest[:2]] != _TWISTD:
        raise AssertionError(f"no command of twistd: {words}")
    return rest[2:]


class Ports(dict[str, int]):
    """A port that is ours in the place of each that the page names, and the one after it, too."""

    def __init__(self) -> None:
        super().__init__()
        named = {port for line in PAGE.splitlines() for port in _PORT.findall(line)}
        self._held = {each: HeldPort(2) for each in named | {_REST}}
        self.update({each: held.port for each, held in self._held.items()})

    def close(self) -> None:
        """Let go of them."""
        for each in self._held.values():
            each.close()

    def put(self, word: str) -> str:
        """A word of a command with these ports in it."""
        return _PORT.sub(lambda found: str(self[found[1]]), word)


class Phase(LiveProcess):
    """A process that the page shows."""

    def __init__(self, command: Sequence[str], ports: Ports, folder: Path) -> None:
        service, *options = command
        if service == "kato-gateway" and "--listen" not in options:
            options += ["--listen", f"tcp:{_REST}:interface=127.0.0.1"]
        self.options = [ports.put(each) for each in options]
        super().__init__(service, *self.options, folder=folder)

    def connect(self) -> Connection:
        """A connection to a gateway."""
        port = self.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1)
        return Connection(int(port))

    def rest(self) -> RestSpeaker:
        """A client of a gateway."""
        return RestSpeaker(self.connect())

    def req(self) -> ZmqSpeaker:
        """A client that speaks ZeroMQ."""
        port = self.wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)").group(1)
        return ZmqSpeaker(int(port))
