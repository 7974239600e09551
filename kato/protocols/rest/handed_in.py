"""What others do of what REST serves: no protocol knows another, so it is handed in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from kato.gate import Bearer
from kato.origin import Origin
from kato.protocols.rest.access import Headers

if TYPE_CHECKING:
    from kato.protocols.rest.channel import Stream


class AcceptsStreams(Protocol):
    """Who makes connections WebSockets: L{kato.protocols.websocket.Streams}."""

    def accept(
        self,
        headers: Headers,
        *,
        bearer: Bearer,
        client_address: str | None,
        graphql: bool,
    ) -> "Stream":
        """Judge the head of a request, and give what its connection becomes.

        @param bearer: who asks, by what the head says.
        @param client_address: of who asks, be it through proxies.
        @param graphql: whether documents of GraphQL are to be spoken.
        @raise KatoError: where it cannot be.
        """


class AnswersDocuments(Protocol):
    """Who knows GraphQL: L{kato.protocols.graphql.Graphql}."""

    def answer(
        self,
        method: bytes,
        query: Mapping[str, str],
        body: bytes,
        headers: Headers,
        *,
        bearer: Bearer,
        origin: Origin,
        finished: "Deferred[Any]",
    ) -> "Deferred[tuple[int, dict[str, Any], bytes]]":
        """Answer a request, whatever it says: the status, what the body says, and the headers that
        say what it is, each with its line end.

        @param query: what its address says.
        @param bearer: who asks.
        @param origin: where it came in.
        @param finished: fires when the answer was sent, or nobody waits for it any more.
        """


class TellsMetrics(Protocol):
    """Who writes C{/metrics}: L{kato.metrics.Exposition}."""

    def write(self, accept: bytes) -> "Deferred[tuple[bytes, bytes]]":
        """The type of what is told, and all of it.

        @param accept: which types the client takes.
        """
