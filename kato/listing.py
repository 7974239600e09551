"""The processors of many services as one list (SPEC 8, C{list_processors})."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kato.commands import ListProcessors


@dataclass(frozen=True, slots=True)
class Page:
    """What one service answered: its first processors in order.

    @ivar service: its address.
    @ivar next: the last of C{entries}, where there are more; else C{None}.
    @ivar foreign: how many it holds that are another one's.
    """

    service: str
    entries: Sequence[Mapping[str, Any]]
    total: int
    next: str | None
    foreign: int = 0


def merged(
    pages: Collection[Page], params: ListProcessors, *, belongs: Callable[[str, str], bool]
) -> dict[str, Any]:
    """The fields of the answer: C{processors}, C{total} and C{next}.

    Beyond the last processor of a page that goes on, nobody knows what comes next; so a list ends
    there, and may be shorter than its limit.

    @param pages: each asked for with C{params}.
    @param belongs: whether a processor is that of the service at an address; else it is left out.
    """
    horizon = min((page.next for page in pages if page.next is not None), default=None)
    entries = sorted(
        (
            {**entry, "service": host_and_port(page.service)}
            for page in pages
            for entry in page.entries
            if (horizon is None or entry["id"] <= horizon) and belongs(entry["id"], page.service)
        ),
        key=_id,
    )
    goes_on = entries[params.limit - 1]["id"] if len(entries) > params.limit else horizon
    return {
        "processors": entries[: params.limit],
        "total": sum(page.total - page.foreign for page in pages),
        "next": goes_on,
    }


def _id(entry: Mapping[str, Any]) -> str:
    processor: str = entry["id"]
    return processor


def host_and_port(address: str) -> str:
    """A service as people are told of it."""
    return address.removeprefix("tcp://")
