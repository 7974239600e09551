"""C{python -m kato.auditing}: does what C{kato-manager.sh audit} says."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twisted.internet.threads import deferToThread

from kato.audit.history import Life
from kato.audit.reading import Fault
from kato.auditing.comparing import Compared, compare
from kato.auditing.living import Engines, Living, Server
from kato.auditing.replaying import Replay
from kato.auditing.verifying import size_of, verify
from kato.changes import Snapshot
from kato.engine import Processor
from kato.errors import KatoError
from kato.fields import shown
from kato.moving.progress import progress
from kato.moving.stores import opened, with_store
from kato.moving.trouble import Trouble, plainly
from kato.storage import CannotOpen, IStore, without_secrets

_INTERRUPTED = 130
_HASH = re.compile(r"[0-9a-f]{64}")
_STORES = ("sqlite", "mongodb", "memory")


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """What may be typed."""
    made = argparse.ArgumentParser(prog="python -m kato.auditing", allow_abbrev=False)
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    verifies = "see that an audit log is as it was written"
    command = commands.add_parser("verify", help=verifies, description=verifies)
    command.add_argument("folder", type=Path, metavar="DIR")
    command.add_argument("--expect", metavar="HASH")
    command.add_argument("--after", metavar="HASH")
    replays = "build processors again from audit logs, into a store that is empty"
    command = commands.add_parser("replay", help=replays, description=replays)
    command.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    into = environment.get("KATO_INTO")
    command.add_argument("--into", default=into, required=into is None, metavar="STORE")
    command.add_argument("--processor", action="append", default=[], metavar="ID")
    against = environment.get("KATO_AGAINST")
    command.add_argument("--against", default=against, metavar="URL")
    command.add_argument("--api-key-file", type=Path, metavar="FILE")
    return made


# Verifying


def _verify(typed: argparse.Namespace, environment: Mapping[str, str]) -> int:
    for option, typed_hash in (("--expect", typed.expect), ("--after", typed.after)):
        if typed_hash is not None and not _HASH.fullmatch(typed_hash):
            raise Trouble(f"{option}: expected 64 digits of 0-9 and a-f, got {shown(typed_hash)}")
    with progress("verifying", "B", size_of(typed.folder)) as told:
        found = verify(typed.folder, after=typed.after, expected=typed.expect, told=told)
    running = ", a server writes it now" if found.written else ""
    print(
        f"{typed.folder} is as it was written: {_number(found.head.lines, 'line')} in "
        f"{_number(found.files, 'file')}{running}\nhead {found.head.digest}"
    )
    return 0


# Replaying


def _replay(typed: argparse.Namespace, environment: Mapping[str, str]) -> int:
    size = sum(map(size_of, typed.folders))
    if not size:
        raise Trouble(f"{typed.folders[0]}: there is no audit log")
    server = _server(typed, environment)
    if server is not None:
        server.check_key(typed.processor)  # before anything is built
    with progress("replaying", "B", 2 * size) as told:
        replay = Replay(typed.folders, told=told)
        lives = _chosen(replay.survey(), typed.processor)
        reports = with_store(
            typed.into,
            lambda store: _replayed(store, replay, lives, typed, environment),
            must_exist=False,
            option="--into",
        )
    built, operations = len(replay.engines), replay.operations
    print(f"built {_number(built, 'processor')} from {_number(operations, 'operation')}")
    return _report(reports)


def _chosen(lives: dict[str, Life], processors: Sequence[str]) -> dict[str, Life]:
    """Those that are wanted, of which nothing may be missing."""
    for each in processors:
        if each not in lives:
            raise Trouble(f"--processor {each}: no log ends with it")
    chosen = {each: lives[each] for each in processors or lives}
    for processor, life in chosen.items():
        if life.gap is not None:
            _, line, why = life.gap
            raise Trouble(
                f"processor {processor} cannot be traced: {why} (line {line} of the log); "
                "name those that can, by --processor"
            )
    return chosen


async def _replayed(
    store: IStore,
    replay: Replay,
    lives: dict[str, Life],
    typed: argparse.Namespace,
    environment: Mapping[str, str],
) -> list[Compared]:
    await replay.into(store, lives)
    if typed.against is None:
        return []
    living = _server(typed, environment) or await _stored(typed.against)
    chosen = typed.processor or {*lives, *living.processors()}
    reports: list[Compared] = await deferToThread(
        lambda: list(compare(Engines(replay.engines), living, chosen))
    )
    return reports


def _server(typed: argparse.Namespace, environment: Mapping[str, str]) -> Server | None:
    """The server that tells of the processors that are to be equal; C{None}: a store does, or
    nothing."""
    if typed.against is None:
        return None
    scheme = typed.against.partition(":")[0]
    if scheme in ("http", "https"):
        return Server(typed.against, _key(typed.api_key_file, environment))
    if scheme not in _STORES:
        raise Trouble(
            f"--against {without_secrets(typed.against)}: expected http://host:port, "
            "https://host:port, sqlite:///path/kato.db, sqlite:path/kato.db or "
            "mongodb://host/database"
        )
    return None


async def _stored(url: str) -> Living:
    """The processors of a store that no server uses."""
    from twisted.internet import reactor

    store = opened(url, reactor, must_exist=True, option="--against")
    try:
        engines = {each: await store.load(each, _restored) for each in await store.processors()}
    finally:
        await store.close()
    return Engines(engines)


def _restored(snapshot: Snapshot) -> Processor:
    return Processor.restore(snapshot)


def _key(path: Path | None, environment: Mapping[str, str]) -> str | None:
    if path is None:
        return environment.get("KATO_API_KEY")
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise Trouble(f"--api-key-file {path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise Trouble(f"--api-key-file {path}: {error.strerror}") from None


def _report(reports: Sequence[Compared]) -> int:
    """Print what came of each; gives the exit status."""
    for each in reports:
        if each.differences:
            print(f"{each.processor}: differs")
            for difference in each.differences:
                print(f"  {difference}")
        else:
            print(f"{each.processor}: equal ({_number(each.models, 'model')})")
    return 1 if any(each.differences for each in reports) else 0


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Mapping[str, str]], int]] = {
    "verify": _verify,
    "replay": _replay,
}


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what was typed; gives the exit status."""
    typed = parser(environment).parse_args(arguments)
    try:
        return _COMMANDS[typed.command](typed, environment)
    except (Fault, Trouble, CannotOpen, KatoError, OSError) as trouble:
        print(f"kato: {plainly(trouble)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"kato: {typed.command} was broken off", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    status = main(sys.argv[1:], os.environ)
    if status == _INTERRUPTED:
        # A thread may be in the midst of something, and hold what an orderly end needs.
        os._exit(status)
    sys.exit(status)
