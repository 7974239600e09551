"""C{python -m kato.keying}: does what C{kato-manager.sh key} says: makes keys, and takes them
back."""

import argparse
import fcntl
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes

from kato.errors import InvalidRequest
from kato.key_editing import with_key, without_key
from kato.key_file import (
    BadKeyFile,
    StoredKey,
    parse_keys,
    parse_name,
    parse_patterns,
    parse_rate,
    parse_scopes,
)
from kato.keys import BYTES, digest, written
from kato.policy import Key
from kato.storage.folders import sync_folder

_OURS = 0o600
_NOT_FOR_OTHERS = 0o022
_LASTS = re.compile(r"(\d{1,5})([dh])")
_UNITS = {"d": "days", "h": "hours"}
_FILE = "KATO_API_KEYS"
_TOLD = (
    "kato: {name} is in {file} now. The key is shown this once. A server that runs with the file "
    "takes it when it is told to reload (SIGHUP)."
)


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """What may be typed."""
    made = argparse.ArgumentParser(prog="kato-manager.sh key", allow_abbrev=False)
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument(
            "--file",
            type=Path,
            default=environment.get(_FILE) or None,
            help=f"the file of keys, as --api-keys names it; {_FILE} if left out",
        )
        return added

    create = command("create", "make a key, and print it: it is nowhere else")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--scopes", required=True, help="read, write, admin: commas between")
    create.add_argument(
        "--processors", required=True, help="ids, and patterns like 'weather-*'; '*' for all"
    )
    create.add_argument("--expires", metavar="WHEN", help="90d, 12h, or a date in UTC: 2027-01-31")
    create.add_argument("--rate", type=float, help="requests a second")
    command("list", "tell which keys there are")
    command("revoke", "take a key back").add_argument("name", metavar="NAME")
    return made


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return ""


def _replace(path: Path, text: str) -> None:
    """Write the file anew, whole or not at all; it stays its owner's, and others may not write
    it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            _like(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _like(path: Path, descriptor: int) -> None:
    """Give a file the owner and mode of the one that was there: a server may run as another
    user."""
    with suppress(FileNotFoundError):
        before = path.stat()
        os.fchmod(descriptor, before.st_mode & 0o777 & ~_NOT_FOR_OTHERS)
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, before.st_uid, before.st_gid)


def _create(typed: argparse.Namespace, path: Path) -> None:
    token = written(token_bytes(BYTES))
    key = Key(
        parse_name(typed.name),
        parse_scopes(_words(typed.scopes), "--scopes"),
        parse_patterns(_words(typed.processors), "--processors"),
        None if typed.expires is None else _expiry(typed.expires, time.time()),
        None if typed.rate is None else parse_rate(typed.rate, "--rate"),
    )
    with _locked(path):
        _replace(path, with_key(_read(path), StoredKey(digest(token.encode()), key)))
    print(token, flush=True)
    print(_TOLD.format(name=key.name, file=path), file=sys.stderr)


def _list(typed: argparse.Namespace, path: Path) -> None:
    now = time.time()
    rows = [("NAME", "SCOPES", "PROCESSORS", "EXPIRES", "RATE")]
    rows += [_row(each.key, now) for each in parse_keys(path.read_text(encoding="utf-8"))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _row(key: Key, now: float) -> tuple[str, str, str, str, str]:
    expires = "never"
    if key.expires is not None:
        moment = datetime.fromtimestamp(key.expires, UTC)
        expires = f"{moment:%Y-%m-%d %H:%M}Z{' (expired)' if key.has_expired(now) else ''}"
    told = key.as_map()
    rate = "any" if key.rate is None else f"{key.rate:g}/s"
    return key.name, ",".join(told["scopes"]), ",".join(key.processors), expires, rate


def _revoke(typed: argparse.Namespace, path: Path) -> None:
    with _locked(path):
        _replace(path, without_key(_read(path), typed.name))
    print(f"{typed.name} is no key any more, once a server that has the file is told to reload")


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Path], None]] = {
    "create": _create,
    "list": _list,
    "revoke": _revoke,
}


def _words(typed: str) -> list[str]:
    return [each.strip() for each in typed.split(",") if each.strip()]


def _expiry(typed: str, now: float) -> float:
    """A moment in the future, in whole Unix seconds."""
    lasts = _LASTS.fullmatch(typed)
    try:
        if lasts is not None:
            moment = now + timedelta(**{_UNITS[lasts[2]]: int(lasts[1])}).total_seconds()
        else:
            read = datetime.fromisoformat(typed)
            moment = (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"--expires: expected 90d, 12h, or a date like 2027-01-31, got {typed!r}"
        ) from None
    if moment <= now:
        raise InvalidRequest(f"--expires: {typed} is over")
    return float(int(moment))


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what was typed; gives the exit status."""
    made = parser(environment)
    typed = made.parse_args(arguments)
    if typed.file is None:
        made.error(f"--file: missing, and so is {_FILE}")
    path = Path(os.path.realpath(typed.file))
    try:
        _COMMANDS[typed.command](typed, path)
    except InvalidRequest as error:
        print(f"kato: {error.message}", file=sys.stderr)
    except BadKeyFile as error:
        print(f"kato: {path}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"kato: {path}: {error.strerror or error}", file=sys.stderr)
    except UnicodeDecodeError as error:
        print(f"kato: {path}: not UTF-8 at byte {error.start}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
