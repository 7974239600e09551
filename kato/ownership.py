"""What is known of services and of the processors that are theirs: the values of
L{kato.roster.Roster}."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Standing(Enum):
    """Why a processor is its service's."""

    FIXED = "fixed"
    HELD = "held"
    PLACED = "placed"
    """It was placed there; the service has not announced it yet."""
    FREED = "freed"
    """The service had it, and has deleted it.  It stays there until no gateway can believe any more
    that the service holds it, and the service tells that it does not: else it could be made in two
    places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a service tells a gateway of itself, judged.

    @ivar service: how people call it.
    @ivar address: where it is reached, C{tcp://host:port}.
    @ivar boot: which start of the service this is.
    @ivar processors: what it holds: to the first gateway all that it takes for its own, to others
        what the first one confirmed.
    @ivar unconfirmed: what it holds beside that, and gives up to whoever claims it.
    @ivar as_of: when the first gateway confirmed C{processors}; 0: never.
    @ivar events: the port where it publishes events, if it does.
    @ivar members: the addresses of services that hold something, as the first gateway told.
    @ivar rank: the place of the gateway that is told this among C{gateways}, from 0.
    @ivar lease: seconds for which this holds.
    @ivar epochs: what it owns in a store that others share, and since which epoch; C{None}: its
        store is its own.
    """

    service: str
    address: str
    boot: str
    processors: frozenset[str]
    unconfirmed: frozenset[str] = frozenset()
    as_of: int = 0
    under_way: int = 0
    events: int | None = None
    members: frozenset[str] = frozenset()
    rank: int = 0
    gateways: tuple[str, ...]
    lease: float
    epochs: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an announcement.

    @ivar refused: claims that are not granted, each with the reason.
    @ivar undecided: claims of which that is not known yet.
    @ivar news: those of C{refused} that were not refused the last time.
    @ivar joined: whether the service was not known, or forgotten.
    @ivar as_of: when this was decided; 0 where another gateway decides.
    @ivar moved: processors of which the service says that it has them now.
    """

    refused: Mapping[str, str]
    undecided: frozenset[str]
    news: tuple[str, ...]
    joined: bool
    as_of: int
    moved: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Service:
    """A service that is known.

    @ivar leased: whether it has announced itself and its lease has not ended.
    @ivar held: what was granted to it; C{unconfirmed} is the part that it would give up.
    @ivar placed: what was placed there and is not announced.
    @ivar freed: what it does not hold any more, and would get again.
    @ivar shares: whether others use its store, too, which says who has what.
    @ivar announced: when it announced itself last; C{None}: it is known from C{--processors} alone.
    """

    address: str
    leased: bool = False
    fixed: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    unconfirmed: set[str] = field(default_factory=set)
    placed: set[str] = field(default_factory=set)
    freed: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    name: str = ""
    boot: str = ""
    earlier_boot: str = ""
    as_of: int = 0
    under_way: int = 0
    events: int | None = None
    rank: int = 0
    gateways: tuple[str, ...] = ()
    lease: float = 0.0
    announced: float | None = None
    shares: bool = False

    @property
    def there(self) -> bool:
        """Whether it may be asked."""
        return self.leased or bool(self.fixed)

    def has_ended(self, now: float) -> bool:
        """Whether it is to be forgotten."""
        return self.leased and self.announced is not None and now >= self.announced + self.lease

    def holds(self) -> set[str]:
        """The processors that are known to be there."""
        return self.fixed | self.held


@dataclass(slots=True, eq=False)
class Claim:
    """A processor's owner, and why it is that.

    @ivar until: from when on the service's word that it does not hold the processor is taken.
    @ivar known: others than who placed it may have heard of it.
    """

    service: Service
    standing: Standing
    until: float = 0.0
    known: bool = False


@dataclass(frozen=True, slots=True)
class First:
    """The first gateway: this one, or the one at C{address}."""

    is_here: bool
    address: str
