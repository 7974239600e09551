"""How a service is to run, every value judged (SPEC 10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from kato.caching.address import Address as CacheAddress
from kato.engine.limits import MAX_EVENTS, MAX_GATHERED, MAX_MODELS, MAX_VECTORS
from kato.genes import Genes
from kato.key_file import StoredKey
from kato.limits import Limits
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.curve import KeyPair

LISTEN = "tcp:8000:interface=127.0.0.1"
"""Where REST listens, if nothing else is said."""

ZMQ = Address("127.0.0.1", 5555)
"""Where a processor service listens, if nothing else is said."""

CACHE_TTL = 3600.0
"""Seconds for which answers are kept in a cache, if nothing else is said."""

GRAPHQL_DEPTH = 10
"""How many fields of a document may lie in each other, if nothing else is said,"""
GRAPHQL_COST = 10_000
"""and what all of them may cost."""

PLACEMENTS = ("least", "least-busy", "round-robin")
"""How new processors are placed on services; the first is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that an operator may say to a gateway or a processor service.

    C{cache} is where services keep answers for each other, C{None}: nowhere; C{cache_ttl},
    C{checkpoint} and C{timeout} are in seconds; C{log_file} is C{-} for standard output; C{matcher}
    is C{native} or C{python}, C{None} for the best there is, and C{vectors} C{numpy} or C{cupy}.

    C{keys} are those of C{keys_file} as it was read at the start, C{api_key} is one for everything,
    which a gateway also shows to its services.

    C{metrics} is an endpoint description of where a processor service tells Prometheus of itself,
    C{None}: nowhere; C{metrics_processors} how many processors are told of there by name.

    C{hosts} are other names of this server, C{origins} foreign ones whose pages may speak to it,
    C{proxies} those that are believed when they say for whom they ask.

    C{audit} is the folder of the audit log, C{None}: there is none; C{audit_reads} says that what
    only reads is kept there, too, and C{audit_file_size} is in MiB.

    C{graphql_depth} and C{graphql_cost} bound what one document of GraphQL may ask for.

    C{share_port} lets other gateways listen at the same ports of REST.  C{zmq} and C{events} are
    where the ROUTER and the PUB socket listen, C{None}: nowhere.  C{services} says where processors
    live that are not this gateway's own, C{registry} where services announce themselves to it; a
    service announces itself to C{gateways}, as one that is reached at C{advertise}, C{None}: where
    it listens.

    C{curve} is the key pair of the cluster, C{None}: ZeroMQ in the clear; C{curve_clients} the file
    that names who else may connect.
    """

    listen: tuple[str, ...] = (LISTEN,)
    share_port: bool = False
    zmq: Address | None = None
    events: Address | None = None
    services: Mapping[str, Address] = field(default_factory=dict)
    registry: Address | None = None
    placement: str = PLACEMENTS[0]
    gateways: tuple[Address, ...] = ()
    advertise: Address | None = None
    curve: KeyPair | None = None
    curve_clients: Path | None = None
    storage: str = "sqlite:"
    processor_id: str | None = None
    processor_name: str | None = None
    max_processors: int = 1000
    max_events: int = MAX_EVENTS
    max_models: int = MAX_MODELS
    max_vectors: int = MAX_VECTORS
    max_gathered: int = MAX_GATHERED
    limits: Limits = Limits()
    cache: CacheAddress | None = None
    cache_ttl: float = CACHE_TTL
    checkpoint: float = 5.0
    timeout: float = 30.0
    open: bool = False
    api_key: bytes | None = None
    keys: tuple[StoredKey, ...] | None = None
    keys_file: Path | None = None
    hosts: frozenset[str] = frozenset()
    origins: frozenset[bytes] = frozenset()
    graphql_depth: int = GRAPHQL_DEPTH
    graphql_cost: int = GRAPHQL_COST
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    genes: Genes = Genes()
    matcher: str | None = None
    vectors: str = "numpy"
    metrics: str | None = None
    metrics_processors: int = 100
    log_level: str = "info"
    log_format: str = "text"
    log_file: str = "twistd.log"
    audit: Path | None = None
    audit_reads: bool = False
    audit_file_size: int = 64

    @property
    def asks_for_keys(self) -> bool:
        """Whether nothing is done for one who has no key."""
        return self.api_key is not None or self.keys is not None

    @property
    def routes(self) -> bool:
        """Whether the processors are those of services elsewhere, and none are this process's."""
        return bool(self.services) or self.registry is not None
