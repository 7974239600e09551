"""ZeroMQ for the processors of this process: its ports, and who answers there (SPEC 9 and 10)."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from twisted.internet.interfaces import IReactorTime

from kato import __version__
from kato.binding import bound_port
from kato.gate import Gate
from kato.intake import Intake
from kato.ledger import Ledger
from kato.protocols.zmq.addresses import BoundPort
from kato.protocols.zmq.publisher import EventPublisher, Publishes
from kato.protocols.zmq.server import Control, Sole, ZmqServer
from kato.settings import Settings
from kato.threads import InThread


@dataclass(frozen=True, slots=True)
class ZmqPorts:
    """Ports that are bound: where requests are answered, and where events are published."""

    router: BoundPort
    events: BoundPort


def bound_zmq(settings: Settings) -> ZmqPorts | None:
    """Bind what the settings say; C{None} where they say nothing."""
    if settings.zmq is None or settings.events is None:
        return None
    return ZmqPorts(
        bound_port("--zmq", settings.zmq, settings),
        bound_port("--events", settings.events, settings),
    )


def make_publisher(source: Publishes, *, clock: IReactorTime) -> EventPublisher:
    """Make who publishes the events of the processors of this process."""
    return EventPublisher(source, clock=clock, secret=token_hex(16))


def make_server(
    ports: ZmqPorts,
    gate: Gate,
    sole: Sole,
    *,
    clock: IReactorTime,
    in_thread: InThread,
    intake: Intake | None = None,
    publisher: EventPublisher | None,
    boot: str,
    may_answer: Callable[[], bool] = lambda: True,
    ledger: Ledger | None = None,
) -> ZmqServer:
    """Make who answers clients of ZeroMQ, gateways among them.

    @param intake: counts and reads what comes in, on other transports, too.
    @param sole: the processor that is meant where none is named.
    @param publisher: who publishes events, if anybody does.
    @param boot: names this start of the process, and no other one.
    @param may_answer: whether what was found out may still be said, at the moment when it is.
    @param ledger: is told of each request that was answered; one of its own, where none is given.
    """

    def hello(_: object) -> dict[str, Any]:
        return {
            "status": "okay",
            "service": ports.router.where.name,
            "version": __version__,
            "boot": boot,
            "events": None if publisher is None else ports.events.where.port,
            "secret": None if publisher is None else publisher.secret,
            "time_stamp": clock.seconds(),
        }

    controls: dict[str, Control] = {"hello": hello}
    if publisher is not None:
        controls["events"] = publisher.answer

    return ZmqServer(
        gate,
        clock=clock,
        in_thread=in_thread,
        intake=intake,
        sole=sole,
        controls=controls,
        may_answer=may_answer,
        ledger=ledger,
    )
