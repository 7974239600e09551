"""The providers of L{kato.dispatch.IProcessors} under their contract."""

from tests.contract.processors import ProcessorsContract
from tests.contract.systems import Embedded, InMemory, OverSockets, System


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

    def make(self) -> System:
        return OverSockets()


del ProcessorsContract  # it is no test by itself
