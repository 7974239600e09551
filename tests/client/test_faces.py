"""The three faces of the client, with a server in a process of its own."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from kato.client import (
    FRESH,
    AsyncClient,
    Client,
    KatoError,
    Observation,
    Patience,
    Processor,
    StreamEvent,
)
from kato.client.in_twisted import TwistedClient
from kato.errors import ModelNotFound, ProcessorNotFound, Unauthorized
from tests.live.ports import HeldPort
from tests.live.server import LiveServer

TOPICS = ["learning", "memory"]
EXPECTED = [(FRESH, ""), ("learning", "learned"), ("memory", "genes"), ("memory", "cleared")]


def told(events: list[StreamEvent]) -> list[tuple[str, str]]:
    """What events are about, and which change each tells."""
    return [(each.topic, each.data.get("change", "")) for each in events]


class FaceTests(TestCase):
    """Each face says the same, and hears the same."""

    timeout = 600

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:", "--api-key", "sesame").start()
        self.addCleanup(self.server.stop)
        self.url = f"http://127.0.0.1:{self.server.port}"

    async def test_blocking(self) -> None:
        """A program that waits observes, learns, predicts, and hears of it."""
        await deferToThread(self._wait_for_all)

    def _wait_for_all(self) -> None:
        with Client(self.url, key="sesame") as kato:
            p1 = kato.processor("p1")
            self.assertTrue(p1.create())
            with p1.stream(TOPICS) as stream:
                events = [next(stream)]
                p1.observe_sequence([["a"], Observation(["b"], emotives={"joy": 0.5}), ["c"]])
                name = p1.learn()
                p1.change_genes({"recall_threshold": 0.2})
                p1.observe(["a"])
                self.assertEqual(p1.observe(["b"], brief=True).events, 2)
                [best] = p1.predictions()
                self.assertEqual((best.name, best.future), (name, [["c"]]))
                [expected] = p1.forecast()
                self.assertEqual((expected.event, expected.share), (["c"], 1.0))
                p1.clear_short_term_memory()
                events += [next(stream) for _ in EXPECTED[1:]]
            self.assertEqual(told(events), EXPECTED)
            self.assertEqual(p1.model(name).emotives, [{"joy": 0.5}])
            self.assertRaises(ModelNotFound, p1.model, "nothing")
            self.assertEqual([each.id for each in kato.processors().entries], ["p1"])

    async def test_asyncio(self) -> None:
        """A program on asyncio does the same."""
        await deferToThread(asyncio.run, self._in_asyncio())

    async def _in_asyncio(self) -> None:
        async with AsyncClient(self.url, key="sesame") as kato:
            p1 = kato.processor("p1")
            self.assertTrue(await p1.create())
            events = []
            async with p1.stream(TOPICS) as stream:
                async for event in stream:
                    events.append(event)
                    if event.topic == FRESH:
                        await p1.observe_sequence([["a"], ["b"], ["c"]], learn_at_end=True)
                        await p1.change_genes({"recall_threshold": 0.2})
                        await p1.observe(["a"])
                        await asyncio.gather(p1.observe(["b"]), kato.ping())
                        [best] = await p1.predictions()
                        self.assertEqual(best.future, [["c"]])
                        await p1.clear_short_term_memory()
                    if len(events) == len(EXPECTED):
                        break
            self.assertEqual(told(events), EXPECTED)
            self.assertEqual((await p1.models()).total, 1)

    async def test_twisted(self) -> None:
        """A program on Twisted does the same."""
        from twisted.internet import reactor

        kato = TwistedClient(self.url, key="sesame", reactor=reactor)
        p1 = kato.processor("p1")
        self.assertTrue(await p1.create())
        stream, events = p1.stream(TOPICS), []
        async for event in stream:
            events.append(event)
            if event.topic == FRESH:
                await p1.observe_sequence([["a"], ["b"], ["c"]], learn_at_end=True)
                await p1.change_genes({"recall_threshold": 0.2})
                await p1.observe(["a"])
                await p1.observe(["b"])
                [best] = await p1.predictions()
                self.assertEqual(best.future, [["c"]])
                await p1.clear_short_term_memory()
            if len(events) == len(EXPECTED):
                break
        self.assertEqual(told(events), EXPECTED)
        self.assertEqual((await p1.models()).total, 1)
        await stream.close()
        await kato.close()

    async def test_refused(self) -> None:
        """A wrong key, and a processor that does not exist, end requests and streams."""
        await deferToThread(self._be_refused)
        from twisted.internet import reactor

        for kind, key in ((Unauthorized, "wrong"), (ProcessorNotFound, "sesame")):
            kato = TwistedClient(self.url, key=key, reactor=reactor)
            stream = kato.processor("p2").stream()
            with self.assertRaises(kind):
                await stream.__anext__()
            await stream.close()
            with self.assertRaises(kind):
                await kato.processor("p2").status()
            await kato.close()

    def _be_refused(self) -> None:
        for kind, key in ((Unauthorized, "wrong"), (ProcessorNotFound, "sesame")):
            with Client(self.url, key=key) as kato, kato.processor("p2").stream() as stream:
                self.assertRaises(kind, next, stream)
                self.assertRaises(kind, kato.processor("p2").status)
            asyncio.run(self._be_refused_too(kind, key))

    async def _be_refused_too(self, kind: type[KatoError], key: str) -> None:
        async with AsyncClient(self.url, key=key) as kato:
            async with kato.processor("p2").stream() as stream:
                with self.assertRaises(kind):
                    await stream.__anext__()
            with self.assertRaises(kind):
                await kato.processor("p2").status()


class RestartTests(TestCase):
    """The server is killed, and started again at the same port."""

    timeout = 600

    @contextmanager
    def server(self, path: Path, port: int) -> Iterator[LiveServer]:
        """A server on a store that lasts."""
        server = LiveServer("--storage", f"sqlite:///{path}", "--checkpoint", "0", port=port)
        try:
            yield server.start()
        finally:
            server.stop()

    async def test_killed(self) -> None:
        """What was under way is sent again and done once; a stream goes on, and says that the state
        must be read anew."""
        await deferToThread(self._go_on)

    def _go_on(self) -> None:
        with tempfile.TemporaryDirectory() as folder, closing(HeldPort()) as held:
            path = Path(folder, "kato.db")
            with self.server(path, held.port) as first:
                patience = Patience(again=60)  # the start may take its time
                kato = Client(f"http://127.0.0.1:{held.port}", patience=patience)
                p1 = kato.processor("p1")
                p1.create()
                stream = p1.stream(["learning"])
                self.assertEqual(next(stream).topic, FRESH)
                names: list[str] = []
                learning = Thread(target=lambda: names.extend(learn(p1) for _ in range(200)))
                learning.start()
                self.assertEqual(next(stream).topic, "learning")
                first.kill()
            with self.server(path, held.port):
                learning.join(500)
                self.assertEqual(len(names), 200)
                self.assertEqual(p1.model(names[0]).frequency, 200)
                while next(stream).topic != FRESH:
                    continue
            stream.close()
            kato.close()


def learn(processor: Processor) -> str:
    """Learn one sequence."""
    processor.observe(["a", "b"])
    return processor.learn()
