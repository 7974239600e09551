"""Options of a gateway with services: which of them are whose."""

from collections.abc import Iterator, Sequence

from kato.manager.trouble import Trouble

_GATEWAY = frozenset({"--listen", "--allow-host", "--placement", "--share-port"})
"""What only a gateway knows."""

_SERVICES = frozenset(
    {
        "--max-processors",
        "--max-events",
        "--checkpoint",
        "--classifier",
        "--max-predictions",
        "--persistence",
        "--recall-threshold",
        "--max-sequence-length",
        "--stm-mode",
        "--rank-by",
        "--no-sort",
        "--no-predictions",
    }
)
"""What only those know that hold processors."""

_OURS = frozenset(
    {
        "--storage",
        "--processors",
        "--registry",
        "--zmq",
        "--events",
        "--advertise",
        "--processor-id",
        "--processor-name",
    }
)
"""What the manager says to each of them, or what would have to be said to one of them alone."""

_FLAGS = frozenset({"--open", "--no-sort", "--no-predictions", "--share-port"})


def split_options(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of the gateway, and those of each service; those of neither alone go to both.

    @raise Trouble: where one is given that the manager chooses.
    """
    gateway: list[str] = []
    services: list[str] = []
    for name, words in _grouped(options):
        if name in _OURS:
            raise Trouble(f"{name}: with --services the manager chooses that; leave it out")
        if name not in _SERVICES:
            gateway += words
        if name not in _GATEWAY:
            services += words
    return gateway, services


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
