"""The gateway's parts in order: started, joined and stopped (SPEC 10)."""

import gc
import sys
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

import kato.hosting
from kato import engines, indexing
from kato.commands import Command
from kato.engine.matchers import KINDS, Provider, best_provider
from kato.gateway import Gateway, build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.running import PATIENCE
from kato.settings import Settings
from tests.doubles import HeldStore, Threads
from tests.engine.dumping import DumpingMatcher
from tests.engine.providers import built
from tests.zmq.memory import MemorySockets


class Port:
    """A port that was bound, and tells when it is let go of."""

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def getHost(self) -> str:
        return "somewhere"

    def stopListening(self) -> "Deferred[None]":
        self._told.append("deaf")
        return succeed(None)


class Idle(ThreadPool):
    """A thread pool without threads."""

    def __init__(self, told: list[str]) -> None:
        super().__init__(0, 1)
        self._told = told

    def start(self) -> None:
        self._told.append("threads")

    def stop(self) -> None:
        self._told.append("no threads")


class ToldStore(HeldStore):
    """A store that tells when it is closed."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told
        self.closing: Deferred[None] = succeed(None)
        self.keeping: Deferred[Any] = succeed(None)

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        self._told.append("index")
        return self.keeping

    def close(self) -> "Deferred[None]":
        self._told.append("closed")
        return self.closing


class GatewayTests(SynchronousTestCase):
    """L{Gateway} on parts that the test moves."""

    def setUp(self) -> None:
        self.told: list[str] = []
        self.clock = Clock()
        self.store = ToldStore(self.told)
        self.threads = Threads()
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)

    def start(self, **settings: Any) -> Gateway:
        chosen = Settings(storage="memory:", **settings)
        self.parts = build(
            chosen,
            Host(chosen, self.store, clock=self.clock, in_thread=self.threads),
            keeper=make_keeper(chosen, clock=self.clock),
            clock=self.clock,
            in_thread=self.threads,
        )
        port: Any = Port(self.told)
        gateway = Gateway(
            chosen,
            self.parts,
            [port],
            sockets=MemorySockets(self.clock),
            clock=self.clock,
            threads=(Idle(self.told),),
            stop_reactor=lambda: self.told.append("given up"),
        )
        gateway.startService()
        self.store.release_all()
        return gateway

    def observe(self, count: int = 1) -> "Deferred[Any]":
        params = {"observations": [{"strings": ["a"]}] * count, "brief": True}
        return self.parts.dispatch.ask(Command.parse("observe_sequence", params, "p1"))

    def test_start(self) -> None:
        """The processor that was asked for is made, with its name."""
        self.start(processor_id="p1", processor_name="Weather")
        self.assertTrue(gc.isenabled())
        status = self.successResultOf(
            self.parts.dispatch.ask(Command.parse("get_status", {}, "p1"))
        )
        self.assertEqual(status.fields["name"], "Weather")

    def test_matching_in_python(self) -> None:
        """Where Python matches, the log says so once, with the reason; where the kernel does,
        nothing is to be said.  Either way its processors have what was chosen."""
        for kind in KINDS:
            built(kind)
            with capturedLogs() as events:
                self.start(matcher=kind, processor_id="p1")
            told = [formatEvent(each) for each in events if "matched" in formatEvent(each)]
            status = self.successResultOf(
                self.parts.dispatch.ask(Command.parse("get_status", {}, "p1"))
            )
            self.assertEqual(status.fields["matcher"], kind)
            self.assertEqual(self.parts.dispatch.statistics()["matcher"], kind)
            self.assertEqual(len(told), 1 if kind == "python" else 0)
            if told:
                self.assertIn("KATO_MATCHER", told[0])
            self.store = ToldStore(self.told)

    def test_without_a_kernel(self) -> None:
        """Where nothing was said and no kernel was built, Python matches, and the log says why."""
        best_provider.cache_clear()
        self.addCleanup(best_provider.cache_clear)
        with (
            patch.dict(sys.modules, {"kato.engine.native_matcher": None}),
            capturedLogs() as events,
        ):
            self.start()
        [told] = [formatEvent(each) for each in events if "matched" in formatEvent(each)]
        self.assertIn("not built", told)
        self.assertEqual(self.parts.dispatch.statistics()["matcher"], "python")

    def test_cannot_start(self) -> None:
        """A store that cannot be read ends the process, with a word in the log."""
        self.patch(self.store, "processors", lambda: Deferred.fromCoroutine(self.broken()))
        self.start()
        self.assertIn("given up", self.told)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(gc.isenabled())

    async def broken(self) -> Any:
        raise ZeroDivisionError

    def test_stop(self) -> None:
        """First nobody new is listened to, then what is under way is finished, then all is saved,
        and the store is let go of last."""
        gateway = self.start()
        under_way = self.observe(101)
        stopped = gateway.stopService()
        self.assertEqual(self.told, ["threads", "deaf"])
        self.threads.run()
        self.successResultOf(under_way)
        self.assertEqual(len(self.store.held), 1)
        self.assertNotIn("closed", self.told)
        self.store.release()
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["threads", "deaf", "closed", "no threads"])

    def test_patience(self) -> None:
        """What does not end in time is left behind; all else is saved."""
        gateway = self.start()
        self.observe(101).addErrback(lambda _: None)
        saved = self.parts.dispatch.ask(Command.parse("observe", {"strings": ["a"]}, "p2"))
        self.successResultOf(saved)
        stopped = gateway.stopService()
        self.clock.advance(PATIENCE)
        [(changes, _)] = self.store.held
        self.assertEqual([each.processor for each in changes], ["p2"])
        self.store.release()
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["threads", "deaf", "closed"])

    def test_storage_that_does_not_answer(self) -> None:
        """A storage that neither saves nor closes does not hold up the end for ever."""
        gateway = self.start()
        self.successResultOf(self.observe())
        self.store.closing = Deferred()
        stopped = gateway.stopService()
        self.clock.advance(PATIENCE)
        self.assertNoResult(stopped)
        self.clock.advance(PATIENCE)
        self.successResultOf(stopped)

    def learned(self) -> Gateway:
        """A gateway that has learned more than a start should go over."""
        for module in (engines, indexing):
            self.patch(module, "MANY_MODELS", 1)
        self.patch(
            kato.hosting, "best_provider", lambda: Provider("python", DumpingMatcher, "a test")
        )
        gateway = self.start()
        params = {"observations": [{"strings": ["a", "b"]}], "learn_at_end": True}
        learn = self.parts.dispatch.ask(Command.parse("observe_sequence", params, "p1"))
        self.store.release_all()
        self.successResultOf(learn)
        self.told.clear()
        return gateway

    def test_indexes(self) -> None:
        """Indexes are kept when all is saved, before the store is let go of."""
        stopped = self.learned().stopService()
        self.assertEqual(self.told, ["deaf"])
        self.threads.run()
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["deaf", "index", "closed", "no threads"])

    def test_indexes_that_take_long(self) -> None:
        """An index that is not made or kept in time is left behind."""
        stopped = self.learned().stopService()
        self.clock.advance(PATIENCE)
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["deaf", "closed"])
        self.store = ToldStore(self.told)
        self.store.keeping = Deferred()
        stopped = self.learned().stopService()
        self.threads.waiting.pop(0)
        self.threads.run()
        self.assertNoResult(stopped)
        self.clock.advance(PATIENCE)
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["deaf", "index", "closed"])

    def test_connections(self) -> None:
        """Connections on which nothing is asked are closed, and waited for."""
        gateway = self.start()
        channel: Any = self.parts.site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        stopped = gateway.stopService()
        self.assertTrue(transport.disconnecting)
        self.assertNoResult(stopped)
        channel.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(stopped)
