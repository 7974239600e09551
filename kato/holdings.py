"""What services that share a store know of each other, and who owns which processor (SPEC 10):
the values of L{kato.storage.shared.IShared}."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A service that may own processors.

    @ivar boot: names this tenure of the service, and no other one ever.
    @ivar address: where gateways reach it, C{tcp://host:port}.
    @ivar name: what people call it.
    """

    boot: str
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Present:
    """A member as it was seen.

    @ivar beat: rises with every renewal of its lease.
    @ivar leaving: it hands over what it has, and is given nothing more.
    """

    member: Member
    beat: int
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a processor is.

    @ivar boot: the owner's; C{None}: nobody's.
    @ivar address: where the owner is reached; empty where nobody knows.
    @ivar epoch: rises whenever the owner changes, also over deletion and creation; 0: nobody has
        ever had it.
    """

    processor: str
    boot: str | None
    address: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be seen at one moment.

    @ivar members: all that were not buried.
    @ivar counts: how many processors each boot owns, which need not be a member's.
    @ivar orphans: processors that belong to no member, the first of them in the order of their ids.
    """

    members: tuple[Present, ...]
    counts: Mapping[str, int]
    orphans: tuple[Owner, ...]

    def find(self, boot: str) -> Present | None:
        """A member; C{None} where it is none."""
        return next((each for each in self.members if each.member.boot == boot), None)

    def staying(self) -> dict[str, int]:
        """How many processors each member has that takes more."""
        return {
            each.member.boot: self.counts.get(each.member.boot, 0)
            for each in self.members
            if not each.leaving
        }


@dataclass(frozen=True, slots=True)
class Fence:
    """Under which epochs a service writes: what it does not own so any more, it cannot write."""

    boot: str
    epochs: Mapping[str, int]
