"""What an operator may say to C{twistd kato-processor} (SPEC 10)."""

from typing import Any

from kato.options import CommonOptions
from kato.protocols.zmq.addresses import Address
from kato.settings import ZMQ
from kato.zmq_options import parsed_address


class ServiceOptions(CommonOptions):
    """The options of C{twistd kato-processor}."""

    longdesc = (
        "KATO's processor service: processors, and ZeroMQ to reach them.  Runs until SIGTERM."
    )

    optParameters = [
        ["registry", None, None, "HOST:PORT,…: the gateways to announce this service to"],
        ["metrics", None, None, "a Twisted endpoint description of where /metrics is served"],
        ["advertise", None, None, "tcp://host:port where gateways reach this service"],
    ]

    def _own(self) -> dict[str, Any]:
        """Where it listens, and who is told of it."""
        return {
            "listen": (),
            **self._sockets(ZMQ),
            "gateways": self._gateways(),
            "advertise": self._address("advertise"),
            "metrics": self._given("metrics"),
        }

    def _gateways(self) -> tuple[Address, ...]:
        given = [each.strip() for each in (self._given("registry") or "").split(",")]
        return tuple(parsed_address("registry", each) for each in given if each)
