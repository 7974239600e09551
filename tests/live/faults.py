"""What may happen to a gateway, its services and the network between them."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from signal import SIGTERM

from tests.live.family import Family, Member
from tests.live.server import LiveProcess

End = Callable[[], None]


class Kind(Enum):
    """What may happen, for a while."""

    KILLED = "a service is killed with -9 and started again"
    RESTARTED = "a service is asked to end and started again"
    STOPPED = "a service stops reading (SIGSTOP) and goes on"
    GATEWAY = "the gateway is killed or asked to end, and started again"
    CUT = "the network loses the connection"
    SILENT = "the network lets nothing through and tells nobody"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens.

    C{place} is the number of the service that it meets; C{lasts} is in seconds; C{chance}, from 0
    to 1, decides what else there is to decide; the next one may come upon it if C{joined}.
    """

    kind: Kind
    place: int
    lasts: float
    chance: float
    joined: bool

    def meets(self, other: "Fault") -> bool:
        """Whether both happen to the same."""
        if Kind.GATEWAY in (self.kind, other.kind):
            return self.kind is other.kind
        return self.place == other.place


def plan(
    chance: random.Random, numbers: Mapping[Kind, int], *, places: int, long: float
) -> list[Fault]:
    """Faults of these kinds, in no order; most last no longer than it takes to notice them, one in
    25 lasts C{long} seconds."""
    kinds = [kind for kind, number in numbers.items() for _ in range(number)]
    chance.shuffle(kinds)
    return [
        Fault(
            kind,
            place=chance.randrange(places),
            lasts=long if chance.random() < 0.04 else chance.uniform(0.0, 0.4),
            chance=chance.random(),
            joined=chance.random() < 0.25,
        )
        for kind in kinds
    ]


def joined(faults: Sequence[Fault]) -> Iterator[list[Fault]]:
    """Faults that come one upon another, no two of them to the same."""
    together: list[Fault] = []
    for fault in faults:
        if together and not (
            together[-1].joined and not any(each.meets(fault) for each in together)
        ):
            yield together
            together = []
        together.append(fault)
    if together:
        yield together


def begin(family: Family, fault: Fault) -> End:
    """Let it happen; gives what ends it."""
    return _BEGIN[fault.kind](family, family.members[fault.place], fault)


def _kill(family: Family, member: Member, fault: Fault) -> End:
    member.kill()
    return member.start


def _restart(family: Family, member: Member, fault: Fault) -> End:
    _ended(member.process, member.end())
    return member.start


def _ended(process: LiveProcess, status: int) -> None:
    if status != -SIGTERM:
        raise AssertionError(f"ended with {status}: {process.log[-20:]}")


def _stop_reading(family: Family, member: Member, fault: Fault) -> End:
    member.stop_reading()
    return member.go_on


def _restart_gateway(family: Family, member: Member, fault: Fault) -> End:
    if fault.chance < 0.5:
        family.gateway.kill()
    else:
        _ended(family.gateway, family.gateway.terminate())
    return family.start_gateway


def _cut(family: Family, member: Member, fault: Fault) -> End:
    """Lose the connection now, or in the middle of what is said next, or of the reply to it, or
    just before that."""
    network = family.networks[_network(family, fault)]
    if fault.chance < 0.25:
        network.cut()
    elif fault.chance < 0.5:
        network.lose(replies=False, after=int(fault.chance * 100))
    elif fault.chance < 0.75:
        network.lose(replies=True, after=int(fault.chance * 100))
    else:
        network.lose(replies=True, after=0)
    return network.cut


def _silence(family: Family, member: Member, fault: Fault) -> End:
    """Afterwards what was held back arrives late, or is lost with the connection."""
    network = family.networks[_network(family, fault)]
    network.fall_silent()

    def end() -> None:
        if fault.chance < 0.5:
            network.cut()
        network.speak()

    return end


def _network(family: Family, fault: Fault) -> int:
    """That before the service, but in one of eight that before the registry, where there is one."""
    return -1 if fault.chance * 100 % 1 < 0.125 else fault.place


_BEGIN: Mapping[Kind, Callable[[Family, Member, Fault], End]] = {
    Kind.KILLED: _kill,
    Kind.RESTARTED: _restart,
    Kind.STOPPED: _stop_reading,
    Kind.GATEWAY: _restart_gateway,
    Kind.CUT: _cut,
    Kind.SILENT: _silence,
}
