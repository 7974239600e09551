"""The providers of L{kato.dispatch.IProcessors} under their contract."""

from kato.protocols.zmq import link
from tests.contract.processors import ProcessorsContract
from tests.contract.systems import Embedded, InMemory, OverSockets, Routed, Sharing, System


class EmbeddedTests(ProcessorsContract):
    """The worker of this process."""

    def make(self) -> System:
        return Embedded()


class InMemoryTests(ProcessorsContract):
    """A service elsewhere, over sockets in memory."""

    def make(self) -> System:
        return InMemory()


class OverSocketsTests(ProcessorsContract):
    """A service elsewhere, over ZeroMQ."""

    timeout = 300

    def make(self) -> System:
        self.patch(link, "HOPE", 60.0)  # a machine that is busy connects when it has time
        return OverSockets()


class RoutedTests(ProcessorsContract):
    """A gateway that places new processors, and one service that has announced itself to it."""

    def make(self) -> System:
        return Routed()


class SharingTests(ProcessorsContract):
    """A gateway that follows processors, and a service that shares its store with others."""

    def make(self) -> System:
        return Sharing()


del ProcessorsContract  # it is no test by itself
