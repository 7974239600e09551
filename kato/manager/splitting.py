"""Options of a gateway with services: which of them are whose."""

from collections.abc import Iterator, Mapping, Sequence

from kato.manager.trouble import Trouble

_GATEWAY = frozenset(
    {
        "--listen",
        "--allow-host",
        "--origin",
        "--trust-proxy",
        "--graphql-depth",
        "--graphql-cost",
        "--placement",
        "--share-port",
    }
)
"""What only a gateway knows."""

_SERVICES = frozenset(
    {
        "--storage",
        "--cache",
        "--cache-ttl",
        "--max-processors",
        "--max-events",
        "--max-models",
        "--max-vectors",
        "--max-gathered",
        "--checkpoint",
        "--classifier",
        "--max-predictions",
        "--persistence",
        "--recall-threshold",
        "--max-sequence-length",
        "--stm-mode",
        "--rank-by",
        "--audit",
        "--audit-file-size",
        "--audit-reads",
        "--no-sort",
        "--no-predictions",
    }
)
"""What only those know that hold processors."""

_OURS = frozenset(
    {
        "--processors",
        "--registry",
        "--zmq",
        "--events",
        "--advertise",
        "--metrics",
        "--processor-id",
        "--processor-name",
    }
)
"""What the manager says to each of them, or what would have to be said to one of them alone."""

_VARIABLES = (
    "KATO_ZMQ",
    "ZMQ_PORT",
    "KATO_EVENTS",
    "KATO_ADVERTISE",
    "KATO_METRICS",
    "KATO_REGISTRY",
    "KATO_AUDIT",
    "PROCESSORS",
    "PROCESSOR_ID",
    "PROCESSOR_NAME",
)
"""By which the environment would say the same to all of them."""

_FLAGS = frozenset({"--open", "--no-sort", "--no-predictions", "--share-port", "--audit-reads"})

_MEMORY = "memory:"


def judge_environment(environment: Mapping[str, str]) -> None:
    """See that the environment says nothing that the manager chooses.

    @raise Trouble: which names the variable.
    """
    for name in _VARIABLES:
        if environment.get(name):
            raise Trouble(f"{name}: with --services the manager chooses that; unset it")


def split_options(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of the gateway, and those of each service; those of neither alone go to both.

    @raise Trouble: where one is given that the manager chooses.
    """
    gateway: list[str] = []
    services: list[str] = []
    for name, words in _grouped(options):
        if _is_ours(name):
            raise Trouble(f"{name}: with --services the manager chooses that; leave it out")
        if name == "--storage":
            _judge_storage(words)
        if name not in _SERVICES:
            gateway += words
        if name not in _GATEWAY:
            services += words
    return gateway, services


def for_service(options: Sequence[str], number: int) -> list[str]:
    """The options of one service: each has a folder of its own for its audit log, and the first
    one that which a server without services would have."""
    made: list[str] = []
    for name, words in _grouped(options):
        if name == "--audit" and number > 1:
            folder = words[-1].removeprefix("--audit=")
            made += ["--audit", f"{folder}/service-{number}"]
        else:
            made += words
    return made


def _is_ours(name: str) -> bool:
    """Whether it is one of ours, or can only be the beginning of one: C{twistd} takes that for the
    name, where C{--stor} would be the file of all services alike."""
    if name in _GATEWAY | _SERVICES:
        return False
    meant = {each for each in _GATEWAY | _SERVICES | _OURS if each.startswith(name)}
    return bool(meant) and meant <= {*_OURS, "--storage"}


def _judge_storage(words: Sequence[str]) -> None:
    """One file cannot be that of several services, but each has a memory of its own."""
    storage = words[-1].removeprefix("--storage=")
    if storage != _MEMORY:
        raise Trouble(
            f"--storage {storage}: with --services each of them has a file of its own, which the "
            f"manager chooses; leave it out, or say {_MEMORY} (KATO_STORAGE says the same)"
        )


def _grouped(options: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with its value, if it has one."""
    rest = iter(options)
    for word in rest:
        name, equals, _ = word.partition("=")
        alone = equals or name in _FLAGS or not name.startswith("--")
        yield name, [word] if alone else [word, *_next(rest)]


def _next(rest: Iterator[str]) -> list[str]:
    value = next(rest, None)
    return [] if value is None else [value]
