"""C{kato-manager.sh}: what a person types, and what is done about it."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_path

from kato.manager import auditing, checks, keys, telling
from kato.manager.curve import add_curve, make_keys
from kato.manager.instances import Instances
from kato.manager.moving import MOVES, ORIGINAL, Moving, add_original, add_words
from kato.manager.system import System
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish

_MOST_SERVICES = 64

_START = "start a server in the background; it takes the options of twistd kato-gateway, too"

_ENDING = (
    "Exit status: 0 done, or so already; 1 it cannot be done, and the reason is told; 2 not to be "
    "typed so; status: 3 where the server is not ready."
)


def parser() -> argparse.ArgumentParser:
    """What may be typed."""
    made = argparse.ArgumentParser(
        prog="kato-manager.sh",
        description="Servers of KATO on this machine.",
        epilog=_ENDING,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument("--id", default="kato", help="which server; kato if left out")
        return added

    for name, text in (("start", _START), ("restart", "stop a server and start it as before")):
        added = command(name, text)
        added.add_argument("--port", type=int, help="8000, or the next that is free, if left out")
        added.add_argument("--name", help="what people call it")
        added.add_argument(
            "--services",
            type=_services,
            help="how many processor services there are to be, with a gateway before them",
        )
    stop = command("stop", "stop a server; everything is saved")
    stop.add_argument("--force", action="store_true", help="end it if it does not stop by itself")
    command("reload", "have a server read its certificates again, while it goes on")
    command("status", "tell how a server is")
    commands.add_parser("list", help="tell of all servers", description="Tell of all servers.")
    logs = command("logs", "show what a server said last")
    logs.add_argument("-n", "--lines", type=_count, default=40, help="how many lines")
    logs.add_argument("--service", type=_services, help="the log of this service of a gateway")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    for name, text in MOVES.items():
        add_words(command(name, text), name)
    add_original(commands)
    add_curve(commands)
    commands.add_parser(
        keys.COMMAND, help="make, list and revoke API keys: key create --help", add_help=False
    )
    auditing.add_words(
        commands.add_parser("audit", help=auditing.AUDIT, description=auditing.AUDIT)
    )
    test = commands.add_parser("test", help="run every check", description="Run every check.")
    test.add_argument("tests", nargs="*", help="names of tests; all if left out")
    commands.add_parser("help", help="show this", description="Show what may be typed.")
    return made


class Manager:
    """Carries out one command; each gives an exit status."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def start(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Start a server; one that runs as it is wanted is left as it is."""
        print(f"Starting {typed.id} …", flush=True)
        report, anew = self._instances.start(typed.id, _wish(typed, options))
        print(telling.started(report, anew))
        return 0

    def restart(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Stop a server and start it again."""
        print(f"Restarting {typed.id} …", flush=True)
        report = self._instances.restart(typed.id, _wish(typed, options))
        print(telling.started(report, True))
        return 0

    def stop(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Stop a server; one that does not run stays as it is."""
        ran = self._instances.stop(typed.id, force=typed.force)
        print(f"{typed.id} {'has stopped' if ran else 'does not run'}")
        return 0

    def reload(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Have a server read again what it reads while it runs; its log tells what came of it."""
        for each in self._instances.reload(typed.id):
            print(f"{each.id} reads again what it was given as files; see {each.log}")
        return 0

    def status(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Tell how a server is: 0 where it is ready, else 3."""
        report = self._instances.report(typed.id)
        details = self._instances.details(report.instance) if report.health.runs else {}
        tails = {
            each.instance.id: self._instances.tail(each.instance.id, 10)
            for each in report.family
            if not each.health.runs
        }
        print(telling.status(report, details, tails))
        return 0 if report.health.value == "ready" else 3

    def list(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Tell of all servers."""
        reports = self._instances.reports()
        print(telling.table(reports) if reports else "no server was started here yet")
        return 0

    def logs(self, typed: argparse.Namespace, options: Sequence[str]) -> int:
        """Show a log, and go on if that is asked for."""
        instance_id = typed.id if typed.service is None else f"{typed.id}.{typed.service}"
        if not typed.follow:
            for line in self._instances.tail(instance_id, typed.lines):
                print(line)
            return 0
        for text in self._instances.follow(instance_id, typed.lines):
            print(text, end="", flush=True)
        return 0


def _wish(typed: argparse.Namespace, options: Sequence[str]) -> Wish:
    return Wish(name=typed.name, port=typed.port, services=typed.services, options=tuple(options))


def _count(typed: str) -> int:
    if not typed.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of lines, got {typed}")
    return int(typed)


def _services(typed: str) -> int:
    if not typed.isdecimal() or not 1 <= int(typed) <= _MOST_SERVICES:
        raise argparse.ArgumentTypeError(
            f"expected a number from 1 to {_MOST_SERVICES}, got {typed}"
        )
    return int(typed)


def _carry_out(typed: argparse.Namespace, options: Sequence[str]) -> int:
    if typed.command == "test":
        return checks.run(typed.tests, strict=bool(os.environ.get("CI")))
    if typed.command == "audit":
        auditing.Auditing(system=System(), folder=Path.cwd()).carry_out(typed)
    home = Path(os.environ.get("KATO_HOME") or user_data_path("kato", appauthor=False))
    if typed.command == "curve":
        make_keys(typed, system=System(), folder=Path.cwd())
    moving = Moving(home, system=System(), environment=os.environ, folder=Path.cwd())
    if typed.command in MOVES:
        moving.carry_out(typed)
    if typed.command == ORIGINAL:
        moving.export_original(typed)
    instances = Instances(home, system=System(), environment=os.environ, folder=Path.cwd())
    manager = Manager(instances)
    status: int = getattr(manager, typed.command)(typed, options)
    return status


def main(arguments: Sequence[str]) -> int:
    """Do what was typed; gives the exit status."""
    if list(arguments[:1]) == [keys.COMMAND]:
        keys.go_on(arguments[1:], system=System(), folder=Path.cwd())
    made = parser()
    typed, options = made.parse_known_args(arguments)
    if typed.command == "help":
        made.print_help()
        return 0
    if options and typed.command not in ("start", "restart"):
        made.error(f"unrecognized arguments: {' '.join(options)}")
    try:
        return _carry_out(typed, options)
    except (Trouble, OSError) as trouble:
        print(f"kato-manager: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    # A reader such as head that has seen enough ends the manager without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
