"""The keys that a service knows, from its settings and a file that is read again (SPEC 10)."""

from collections.abc import Mapping
from pathlib import Path
from stat import S_IROTH, S_IWGRP, S_IWOTH

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.keeper import Keeper
from kato.key_file import BadKeyFile, StoredKey, by_digest, parse_keys
from kato.keys import API_KEY, digest
from kato.policy import Key
from kato.reloading import NotReadable, Reloading
from kato.settings import Settings

_MOST = 16 * 2**20

_log = Logger()


def read_key_file(path: Path) -> tuple[StoredKey, ...]:
    """Read and judge a file of keys.

    It is not to be written by others, who could give themselves a key.  That they read it opens
    nothing to them, but tells names and what may be done.

    @raise BadKeyFile: where it cannot be read, or does not say what keys there are.
    """
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            raw = file.read(_MOST + 1)
        if mode & (S_IWGRP | S_IWOTH):
            raise BadKeyFile(f"{path}: others may write it; chmod go-w {path}")
        if len(raw) > _MOST:
            raise BadKeyFile(f"{path}: over {_MOST} bytes")
        found = parse_keys(raw.decode())
    except OSError as error:
        raise BadKeyFile(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadKeyFile(f"{path}: not UTF-8 at byte {error.start}") from None
    except BadKeyFile as error:
        raise BadKeyFile(_named(path, str(error))) from None
    if mode & S_IROTH:
        _log.warn("{path} may be read by others: chmod go-r {path}", path=str(path))
    return found


def _named(path: Path, why: str) -> str:
    return why if why.startswith(str(path)) else f"{path}: {why}"


def known_keys(
    api_key: bytes | None, stored: tuple[StoredKey, ...] | None
) -> Mapping[bytes, Key] | None:
    """What keys may do, by their digests; C{None}: nobody is asked for one.

    @param api_key: the one for everything, if there is one.
    @param stored: those of a file, if there is one.
    @raise BadKeyFile: where the one is among those of the file, and would be more than that says.
    """
    if api_key is None and stored is None:
        return None
    known = by_digest(stored or ())
    if api_key is not None:
        twice = known.get(digest(api_key))
        if twice is not None:
            raise BadKeyFile(f"keys.{twice.name}: this is the key of --api-key, too; use another")
        known[digest(api_key)] = API_KEY
    return known


def make_keeper(
    settings: Settings, *, clock: IReactorTime, reloading: Reloading | None = None
) -> Keeper:
    """Make who knows the keys of the settings.

    @param reloading: has the file of keys read again when others are.
    """
    keeper = Keeper(known_keys(settings.api_key, settings.keys), clock=clock)
    if reloading is not None:
        _read_again_with(reloading, settings, keeper)
    return keeper


def _read_again_with(reloading: Reloading, settings: Settings, keeper: Keeper) -> None:
    """Have the file of keys read again when others are, if there is one."""
    path = settings.keys_file
    if path is None:
        return

    def read_again() -> None:
        try:
            known = known_keys(settings.api_key, read_key_file(path))
        except BadKeyFile as error:
            raise NotReadable(str(error)) from None
        keeper.replace(known or {})

    reloading.add("--api-keys", read_again)
