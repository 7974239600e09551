"""From what a person types to what a gateway is started with."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from kato.manager.trouble import Trouble

FIRST_PORT = 8000
FIRST_REGISTRY = 5550
FIRST_SERVICE = 5560
_LAST_PORT = 65535

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Interfaces on which a server answers at every address of its machine, and the one to ask."""

_SCHEMES = {"tcp": "http", "tcp6": "http", "ssl": "https"}

_KEY = "KATO_API_KEY"
_KEY_FILE = "KATO_API_KEY_FILE"
_KEYS = "KATO_API_KEYS"
_STORAGE = "KATO_STORAGE"

_WHO = re.compile(r"(?<=mongodb://).*(?=@)", re.DOTALL)
"""What stands before the host in an address of MongoDB: a user, and a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A gateway to be started: its command, what its environment has besides, where it answers, and
    where it keeps its data."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    port: int | None
    storage: str


def choose_port(
    wanted: int | None,
    before: int | None,
    taken: Iterable[int],
    is_free: Callable[[int], bool],
    *,
    first: int = FIRST_PORT,
) -> int:
    """The port of an instance: the one it is given, else the one it had before, else the next.

    @param taken: the ports of other instances, whether they run or not.
    @param first: from which on the next is looked for.
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
    for port in range(first, _LAST_PORT + 1):
        if port not in others and is_free(port):
            return port
    raise Trouble(f"no port from {first} on is free")


def launch_service(
    options: Sequence[str], *, port: int, events: int, registry: int, data: Path
) -> Launch:
    """What starts a processor service of a gateway.

    @param options: the service's, as they were typed.
    @param port: of loopback, where the gateway reaches it; C{events} where it publishes.
    @param registry: the port where the gateway hears of services.
    @param data: where it keeps its data unless C{options} say otherwise.
    """
    given, environment = handed_over(options)
    arguments = [
        *("--nodaemon", "--pidfile=", "kato-processor"),
        *("--zmq", f"tcp://127.0.0.1:{port}", "--events", f"tcp://127.0.0.1:{events}"),
        *("--registry", f"127.0.0.1:{registry}"),
    ]
    storage = values(options, "--storage")[-1:]
    if not storage:
        storage = [f"sqlite://{quote(str(data))}"]
        arguments += ["--storage", *storage]
    return Launch(
        command=(sys.executable, "-P", "-m", "kato.manager.twistd", *arguments, *given),
        environment=environment,
        url=f"tcp://127.0.0.1:{port}",
        port=port,
        storage=without_password(storage[0]),
    )


def launch(
    options: Sequence[str], *, port: int | None, folder: Path, registry: int | None = None
) -> Launch:
    """What starts a gateway.

    @param options: the gateway's, as they were typed.
    @param port: of loopback, where C{options} do not tell where to listen.
    @param folder: where it keeps its data unless C{options} say otherwise.
    @param registry: the port where services announce themselves, which then keep the data.
    @raise Trouble: where the manager could not tell where it answers.
    """
    given, environment = handed_over(options)
    arguments = ["--nodaemon", "--pidfile=", "kato-gateway"]
    if port is not None:
        arguments += ["--listen", f"tcp:{port}:interface=127.0.0.1"]
        url = f"http://127.0.0.1:{port}"
    else:
        url = answers_at(values(given, "--listen")[0])
    storage = values(options, "--storage")[-1:]
    if registry is not None:
        arguments += ["--registry", f"tcp://127.0.0.1:{registry}"]
        storage = ["each service has its own"]
    elif not storage:
        storage = [f"sqlite://{quote(str(folder / 'kato.db'))}"]
        arguments += ["--storage", *storage]
    return Launch(
        command=(sys.executable, "-P", "-m", "kato.manager.twistd", *arguments, *given),
        environment=environment,
        url=url,
        port=port,
        storage=without_password(storage[0]),
    )


def with_environment(
    options: Sequence[str], environment: Mapping[str, str], *, port: int | None
) -> list[str]:
    """The options, with what the environment says of those that the manager else sets itself."""
    found = list(options)
    if port is None and not values(options, "--listen"):
        for listen in environment.get("KATO_LISTEN", "").split():
            found += ["--listen", listen]
    if not values(options, "--storage") and (storage := environment.get("KATO_STORAGE")):
        found += ["--storage", storage]
    return found


def without_keys(options: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The options without a key, and the environment that hands it over in their place: a command
    line is there for all to read."""
    kept: list[str] = []
    environment: dict[str, str] = {}
    rest = iter(options)
    for option in rest:
        name, equals, value = option.partition("=")
        if name == "--api-key":
            environment[_KEY] = value if equals else next(rest, "")
        else:
            kept.append(option)
    return kept, environment


def handed_over(options: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The options without a key and without a storage that names a password, and the environment
    that hands them over."""
    kept, environment = without_keys(options)
    storage = values(kept, "--storage")[-1:]
    if storage and storage[0] != without_password(storage[0]):
        environment[_STORAGE] = storage[0]
        rest = iter(kept)
        kept = []
        for option in rest:
            if option == "--storage":
                next(rest, "")
            elif not option.startswith("--storage="):
                kept.append(option)
    return kept, environment


def without_password(text: str) -> str:
    """C{text} with nothing in place of a user and a password in an address of MongoDB."""
    return _WHO.sub("…", text)


def way_of_key(options: Sequence[str], environment: Mapping[str, str]) -> str:
    """How a server gets its key: C{handed} over by who starts it, from a C{file} that its options
    name; as one of the C{keys} that it knows and others have; or C{none}."""
    handed = without_keys(options)[1]
    if values(options, "--api-key-file"):
        return "file"
    if any({**environment, **handed}.get(each) for each in (_KEY, _KEY_FILE)):
        return "handed"
    return "keys" if values(options, "--api-keys") or environment.get(_KEYS) else "none"


def judge_keys(options: Sequence[str], environment: Mapping[str, str]) -> None:
    """See that a gateway has a key to show to its services, where these know keys.

    @raise Trouble: where it has none.
    """
    if way_of_key(options, environment) == "keys":
        raise Trouble(
            "--api-keys: with --services give --api-key-file, too: the key with which the gateway "
            "and its services speak to each other"
        )


def known_key(
    options: Sequence[str], environment: Mapping[str, str], folder: str | Path
) -> str | None:
    """The key of a server, as far as it can be known: told by its options, by a file that these
    name, or by the environment.

    @param folder: where a relative path among the options is meant from.
    """
    handed = without_keys(options)[1].get(_KEY) or environment.get(_KEY)
    file = (values(options, "--api-key-file") or [environment.get(_KEY_FILE, "")])[-1]
    if handed or not file:
        return handed or None
    try:
        return Path(folder, file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeError):
        return None


def values(options: Sequence[str], name: str) -> list[str]:
    """What was said for an option, each time that it was given, in that order."""
    return [
        option.partition("=")[2] if option.startswith(f"{name}=") else value
        for option, value in pairwise([*options, ""])
        if option == name or option.startswith(f"{name}=")
    ]


def answers_at(listen: str) -> str:
    """The URL at which a server that listens so answers on this machine.

    @param listen: a Twisted endpoint description: colons between its parts, and a backslash before
        one that is meant as itself.
    @raise Trouble: where it answers at none, or nobody knows at which.
    """
    kind, *rest = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", listen)]
    port = next((each.removeprefix("port=") for each in rest), "")
    if kind not in _SCHEMES or not port.isdecimal() or int(port) == 0:
        raise Trouble(
            f"--listen {listen}: the manager watches tcp:PORT, tcp6:PORT and ssl:PORT, "
            "with a port that is told"
        )
    everywhere = "::" if kind == "tcp6" else ""
    interface = next((each[10:] for each in rest if each.startswith("interface=")), everywhere)
    host = _EVERYWHERE.get(interface, interface)
    return f"{_SCHEMES[kind]}://{f'[{host}]' if ':' in host else host}:{port}"
