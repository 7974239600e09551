"""From what a person types to what a gateway is started with."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from kato.manager.trouble import Trouble

FIRST_PORT = 8000
_LAST_PORT = 65535

_EVERYWHERE = ("", "0.0.0.0", "::")
"""Interfaces on which a server answers at every address of its machine, loopback included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A gateway to be started: its command, what its environment has besides, where it answers."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    port: int | None


def choose_port(
    wanted: int | None,
    before: int | None,
    taken: Iterable[int],
    is_free: Callable[[int], bool],
) -> int:
    """The port of an instance: the one it is given, else the one it had before, else the next.

    @param taken: the ports of other instances, whether they run or not.
    @raise Trouble: where the port that was given is none, or in use.
    """
    if wanted is not None:
        if not 1 <= wanted <= _LAST_PORT:
            raise Trouble(f"--port {wanted}: expected a number from 1 to {_LAST_PORT}")
        if not is_free(wanted):
            raise Trouble(f"--port {wanted}: another process uses it")
        return wanted
    if before is not None and is_free(before):
        return before
    others = set(taken)
    for port in range(FIRST_PORT, _LAST_PORT + 1):
        if port not in others and is_free(port):
            return port
    raise Trouble(f"no port from {FIRST_PORT} on is free")


def launch(options: Sequence[str], *, port: int | None, folder: Path) -> Launch:
    """What starts a gateway.

    @param options: the gateway's, as they were typed.
    @param port: of loopback, where C{options} do not tell where to listen.
    @param folder: where it keeps its data unless C{options} say otherwise.
    @raise Trouble: where the manager could not tell where it answers.
    """
    given, environment = without_keys(options)
    arguments = ["--nodaemon", "--pidfile=", "kato-gateway"]
    listens = values(given, "--listen")
    if port is not None:
        arguments += ["--listen", f"tcp:{port}:interface=127.0.0.1"]
        url = f"http://127.0.0.1:{port}"
    else:
        url = answers_at(listens[0])
    if not values(given, "--storage"):
        arguments += ["--storage", f"sqlite://{quote(str(folder / 'kato.db'))}"]
    return Launch(
        command=(sys.executable, "-m", "kato.manager.twistd", *arguments, *given),
        environment=environment,
        url=url,
        port=port,
    )


def without_keys(options: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The options without a key, and the environment that hands it over in their place: a command
    line is there for all to read."""
    kept: list[str] = []
    environment: dict[str, str] = {}
    rest = iter(options)
    for option in rest:
        name, equals, value = option.partition("=")
        if name == "--api-key":
            environment["KATO_API_KEY"] = value if equals else next(rest, "")
        else:
            kept.append(option)
    return kept, environment


def values(options: Sequence[str], name: str) -> list[str]:
    """What was said for an option, each time that it was given."""
    found = [option.partition("=")[2] for option in options if option.startswith(f"{name}=")]
    return found + [value for option, value in pairwise(options) if option == name]


def answers_at(listen: str) -> str:
    """The URL at which a server that listens so answers on this machine.

    @raise Trouble: where it answers at none.
    """
    kind, *rest = listen.split(":")
    if kind not in ("tcp", "ssl") or not rest or not rest[0].isdecimal():
        raise Trouble(f"--listen {listen}: the manager can only watch tcp:PORT and ssl:PORT")
    interface = next((each[10:] for each in rest if each.startswith("interface=")), "")
    host = "127.0.0.1" if interface in _EVERYWHERE else interface
    return f"{'https' if kind == 'ssl' else 'http'}://{host}:{rest[0]}"
