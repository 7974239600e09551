"""What an operator may say to C{twistd kato-gateway} (SPEC 10)."""

from collections.abc import Mapping
from re import compile as pattern
from typing import Any

from twisted.python import usage

from kato.option_values import whole
from kato.options import CommonOptions, parsed_processor_id
from kato.protocols.rest.proxies import Network, parse_networks
from kato.protocols.zmq.addresses import Address
from kato.settings import GRAPHQL_COST, GRAPHQL_DEPTH, LISTEN, PLACEMENTS
from kato.zmq_options import parsed_address


class GatewayOptions(CommonOptions):
    """The options of C{twistd kato-gateway}."""

    longdesc = "KATO's gateway: processors, and REST to speak to them.  Runs until SIGTERM."

    optParameters = [
        ["processors", None, None, "ID:HOST:PORT,…: processors that live in services elsewhere"],
        ["registry", None, None, "tcp://host:port where processor services announce themselves"],
        ["trust-proxy", None, None, "ADDRESS,NETWORK,…: proxies that say for whom they ask"],
        ["graphql-depth", None, None, f"how deep a document may go; {GRAPHQL_DEPTH} if left out"],
        ["graphql-cost", None, None, f"what a document may cost; {GRAPHQL_COST:,} if left out"],
        ["placement", None, None, f"where new processors go: {', '.join(PLACEMENTS)}"],
    ]

    optFlags = [
        ["share-port", None, "let several gateways listen at one tcp: port, each on its own core"],
    ]

    def __init__(self, environment: Mapping[str, str]) -> None:
        """@param environment: where variables are looked up."""
        super().__init__(environment)
        self._listen: list[str] = []
        self._hosts: list[str] = []
        self._origins: list[str] = []

    def opt_listen(self, description: str) -> None:
        """a Twisted endpoint description, as often as you like"""
        self._listen.append(description)

    def opt_allow_host(self, name: str) -> None:
        """a host name by which this server is called, as often as you like"""
        self._hosts.append(name)

    def opt_origin(self, origin: str) -> None:
        """a foreign origin whose pages may speak to this server, as often as you like"""
        self._origins.append(origin)

    def _own(self) -> dict[str, Any]:
        """Where it listens, and whose processors it serves."""
        services, registry = self._services(), self._address("registry")
        if services or registry is not None:
            self._refuse_processors()
        return {
            "listen": tuple(self._listen or (self._given("listen") or LISTEN).split()),
            "hosts": frozenset(
                host.lower() for host in self._hosts or (self._given("allow-host") or "").split()
            ),
            "origins": frozenset(
                _parsed_origin(origin)
                for origin in self._origins or (self._given("origin") or "").split()
            ),
            "proxies": self._proxies(),
            "graphql_depth": self._count("graphql-depth", GRAPHQL_DEPTH),
            "graphql_cost": self._count("graphql-cost", GRAPHQL_COST),
            "share_port": bool(self["share-port"]),
            **self._sockets(),
            "services": services,
            "registry": registry,
            "placement": self._placement(registry),
        }

    def _proxies(self) -> tuple[Network, ...]:
        try:
            return parse_networks(self._given("trust-proxy") or "")
        except ValueError as error:
            raise usage.UsageError(f"--trust-proxy: {error}") from None

    def _count(self, option: str, default: int) -> int:
        value = self._given(option)
        return default if value is None else whole(option, value, least=1)

    def _refuse_processors(self) -> None:
        """A gateway to services has no processors of its own to make."""
        if self["processor-id"]:
            raise usage.UsageError(
                "--processor-id: with --processors or --registry a gateway has no processors of "
                "its own; give it to a service"
            )
        if self._given("audit"):
            raise usage.UsageError(
                "--audit: with --processors or --registry a gateway has no processors of its own; "
                "give it to every service"
            )
        if self["cache"]:
            raise usage.UsageError(
                "--cache: with --processors or --registry a gateway has no processors of its own; "
                "give it to every service"
            )

    def _services(self) -> dict[str, Address]:
        services: dict[str, Address] = {}
        for each in filter(None, (self._given("processors") or "").split(",")):
            name, colon, address = each.strip().partition(":")
            if not colon:
                raise usage.UsageError(f"--processors: expected ID:HOST:PORT, got {each!r}")
            processor = parsed_processor_id(name, "processors")
            if processor in services:
                raise usage.UsageError(f"--processors: {processor} is given twice")
            services[processor] = parsed_address("processors", address)
        return services

    def _placement(self, registry: Address | None) -> str:
        given = self._given("placement")
        if given is None:
            return PLACEMENTS[0]
        if given not in PLACEMENTS:
            raise usage.UsageError(f"--placement: expected {', '.join(PLACEMENTS)}, got {given!r}")
        if registry is None:
            raise usage.UsageError("--placement: there is no --registry to go with it")
        return given


_ORIGIN = pattern(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def _parsed_origin(given: str) -> bytes:
    """Take an origin as browsers write it, without a port that goes without saying."""
    origin = given.lower()
    if not _ORIGIN.fullmatch(origin):
        raise usage.UsageError(
            f"--origin: expected one like https://example.org:8443, got {given!r}"
        )
    return origin.removesuffix(_DEFAULT_PORTS[origin.partition(":")[0]]).encode()
