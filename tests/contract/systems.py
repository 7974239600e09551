"""Providers of L{kato.dispatch.IProcessors}, each with a worker at its end, whose store and threads
a test holds."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock, deferLater

from kato.changes import Changes, Deletion, Snapshot
from kato.codec import decode_json, encode_json
from kato.commands import Command, Reply
from kato.dispatch import Dispatch, IProcessors
from kato.finding import Colleague, Finder
from kato.holdings import Fence, Member
from kato.members import Members
from kato.ownership import Announcement
from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.interface import Listening, Sockets
from kato.protocols.zmq.remote import RemoteProcessors
from kato.protocols.zmq.server import ZmqServer
from kato.roster import SETTLING, Roster
from kato.routing import Routing
from kato.storage.fenced import FencedStore
from kato.tenancy import Tenancy
from kato.worker import Worker
from tests.doubles import HeldStore, Threads, at_once
from tests.gates import make_gate
from tests.shared_memory import SharedMemory
from tests.zmq.memory import MemoryPort, MemorySockets

T = TypeVar("T")

_LOOK = 0.001
"""Seconds after which is looked again whether what must come over sockets has come."""


class Store(HeldStore):
    """A memory store whose commits wait only while a test holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.holds = False

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        return super().commit(changes) if self.holds else self.inner.commit(changes)


class System:
    """Somebody who has processors, and the worker that truly has them."""

    takes_back = True
    """Whether what waits at the worker can still be taken back."""
    processors: Any

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.store = Store()
        self.threads = Threads()
        self.holds_threads = False
        self.worker: Worker

    async def start(self, **options: Any) -> None:
        """Make the worker, and all that lies before it.

        @param options: of the worker.
        """
        self.worker = Worker(
            self.store,
            clock=self.clock,
            in_thread=self._in_thread,
            **{"make_id": lambda: "made", "checkpoint": 0.0, **options},
        )
        await Deferred.fromCoroutine(self.worker.start())
        self.processors = self.reach(self.worker)

    def _in_thread(self, call: Callable[[], Any]) -> "Deferred[Any]":
        return self.threads(call) if self.holds_threads else at_once(call)

    def reach(self, worker: IProcessors) -> Any:
        """Who asks the worker."""
        raise NotImplementedError

    async def until(self, so: Callable[[], bool]) -> None:
        """Let things happen until it is so."""
        raise NotImplementedError

    async def result(self, deferred: "Deferred[T]") -> T:
        """What comes of it."""
        done: list[object] = []
        deferred.addBoth(_noted, done)
        await self.until(lambda: bool(done))
        return await deferred

    async def stop(self) -> None:
        """Let go of all."""
        await self.result(Deferred.fromCoroutine(self.worker.stop()))


def _noted(result: T, done: list[object]) -> T:
    done.append(result)
    return result


class Embedded(System):
    """The worker itself."""

    def __init__(self) -> None:
        super().__init__(Clock())

    def reach(self, worker: IProcessors) -> Any:
        return worker

    async def until(self, so: Callable[[], bool]) -> None:
        assert so(), "it is not so, and nothing is on its way"


class Remote(System):
    """The worker behind a ROUTER, and who asks it from elsewhere."""

    takes_back = False
    sockets: Sockets

    def reach(self, worker: IProcessors) -> RemoteProcessors:
        self.dispatch = Dispatch(worker, clock=self.clock, timeout=30.0)
        self.server = ZmqServer(
            make_gate(self.dispatch, b"secret", clock=self.clock),
            clock=self.clock,
            in_thread=at_once,
            sole=lambda _: None,
            controls={"hello": lambda _: {"status": "okay", "service": "it", "boot": "b"}},
        )
        listening = self.listen()
        self.address = listening.address
        self.server.open(self.sockets, listening)
        return RemoteProcessors(
            self.address,
            sockets=self.sockets,
            clock=self.clock,
            in_thread=at_once,
            random=lambda: 0.5,
            api_key=b"secret",
        )

    def listen(self) -> Listening:
        """A port for the ROUTER."""
        raise NotImplementedError

    async def stop(self) -> None:
        await self.result(self.processors.close())
        self.server.close()
        await super().stop()


class InMemory(Remote):
    """Over sockets in memory, on a clock."""

    def __init__(self) -> None:
        self.moved = Clock()
        super().__init__(self.moved)
        self.network = self.sockets = MemorySockets(self.moved)

    def listen(self) -> Listening:
        return MemoryPort("tcp://127.0.0.1:5555")

    async def until(self, so: Callable[[], bool]) -> None:
        self.network.pump()
        assert so(), "it is not so, and nothing is on its way"


class OverSockets(Remote):
    """Over ZeroMQ's own sockets, on the reactor."""

    def __init__(self) -> None:
        from twisted.internet import reactor
        from twisted.internet.threads import deferToThread

        from kato.protocols.zmq.sockets import ZmqSockets

        self.reactor: Any = reactor
        super().__init__(self.reactor)
        self.opened = ZmqSockets(reactor=reactor, in_thread=deferToThread)
        self.sockets = self.opened

    def listen(self) -> Listening:
        return bind(Address("127.0.0.1", 0))

    async def until(self, so: Callable[[], bool]) -> None:
        while not so():
            await deferLater(self.reactor, _LOOK, lambda: None)

    async def stop(self) -> None:
        await super().stop()
        await self.opened.close()


class Routed(InMemory):
    """A service that announced itself to a gateway, where every processor is new."""

    epochs: Mapping[str, int] | None = None

    def reach(self, worker: IProcessors) -> Any:
        self.remote = super().reach(worker)
        roster = Roster(now=self.clock.seconds() - SETTLING)
        self.members = Members(roster, connect=lambda _: self.remote, clock=self.clock)
        self.finder = Finder(
            roster, self.members, clock=self.clock, registry=True, colleague=_nobody
        )
        self.members.start()
        self.members.announce(
            Announcement(
                service="it",
                address=self.address,
                boot="b",
                processors=frozenset(),
                gateways=("tcp://gateway:5550",),
                lease=10.0,
                epochs=self.epochs,
            )
        )
        return Routing(roster, self.members, self.finder, clock=self.clock)

    async def stop(self) -> None:
        self.finder.stop()
        self.processors.close()
        await self.result(self.members.stop())
        self.processors = self.remote
        await super().stop()


class HeldShared(SharedMemory):
    """A store that is shared, whose commits and loads a test holds."""

    def __init__(self, held: Store) -> None:
        super().__init__()
        self.held = held
        self.inner = held.inner

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        return self.held.load(processor, restore)

    def commit_under(self, changes: Sequence[Changes | Deletion], fence: Fence) -> "Deferred[None]":
        judged = execute(self.judge, changes, fence)
        judged.addCallback(lambda _: self.held.commit(changes))
        return judged.addCallback(lambda _: self.end_tenures(changes))


class Sharing(Routed):
    """A service that shares its store with others, behind a gateway that follows processors."""

    epochs: Mapping[str, int] | None = MappingProxyType({})

    async def start(self, **options: Any) -> None:
        member = Member("b", "tcp://127.0.0.1:5555", "it")
        shared = HeldShared(self.store)
        self.tenancy = Tenancy(shared, member, monotonic=lambda: 0.0)
        self.tenancy.lease.renewed(0.0)
        await shared.join(member)
        store: Any = self.store
        self.store = cast(Any, FencedStore(shared, self.tenancy))
        await super().start(tenure=self.tenancy, **options)
        self.store = store


def _nobody(address: str) -> Colleague:
    raise AssertionError(f"nobody is to be asked at {address}")


def answer_of(reply: Reply) -> dict[str, Any]:
    """An answer as a client reads it."""
    answer: Any = decode_json(encode_json(reply.as_dict()))
    return dict(answer)


def command(
    operation: str,
    params: dict[str, Any] | None = None,
    processor: str | None = "p1",
    request_id: str | None = None,
) -> Command:
    """A command as an edge makes it."""
    return Command.parse(operation, params or {}, processor, request_id)
