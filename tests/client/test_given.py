"""What a program gives is judged before anything is sent, by every face of the client alike."""

import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kato.client import KatoError, NoAnswer, Observation
from kato.client.calls import ProcessorCalls
from kato.client.given import ID, address
from kato.client.trying import ForeignAnswer
from kato.commands import PROCESSOR_ID
from kato.errors import InvalidRequest
from kato.protocols.rest.target import parse_target
from tests.client.faces import AT_ONCE, FACES, Hearing, Use
from tests.client.test_calls import STRANGE
from tests.live.ports import HeldPort
from tests.live.server import LiveServer

NO_WORDS: tuple[Any, ...] = ("", ".", "..", b"..", None, 7, "\udcff")
"""What would be taken for a part of the way, or cannot be sent."""

NO_URLS: tuple[Any, ...] = (
    "",
    "foo",
    "localhost:8000",
    "ftp://localhost",
    "http://",
    "http://:0",
    "http://localhost:99999",
    "http://localhost:0",
    "http://a b",
    "http://a\nb",
    "http://a..b",
    "http://[:",
    "http://localhost/?a=b",
    "http://localhost#a",
    "http://localhost?",
    "http://localhost/a/../b",
    b"http://localhost",
)

NO_KEYS: tuple[Any, ...] = ("a\nb", "secret é", "a b", " a", b"a", 7)

NO_REQUEST_IDS: tuple[Any, ...] = ("", "a\nb", "a\0", " a", "a ", "a" * 256, "\udcff", 7, b"a")


def of(processor: Any, asks: str, *args: Any, **options: Any) -> Use:
    """Ask a processor."""
    return lambda client: getattr(client.processor(processor), asks)(*args, **options)


def words() -> Iterator[tuple[str, Use, str]]:
    """Names in paths."""
    for each in NO_WORDS:
        for asks in ("model", "explain", "update_model", "delete_model", "gene"):
            yield f"{asks} {each!r}", of("victim", asks, each), "name: "
    for each in (*NO_WORDS, "a/b", "-a", "a b", "a" * 65, "ü", "a\n"):
        yield f"delete of {each!r}", of(each, "delete"), "processor: "
        yield f"stream of {each!r}", of(each, "stream"), "processor: "


def lists() -> Iterator[tuple[str, Use, str]]:
    """What is no list of strings, or of numbers."""
    got = "expected a list of strings, got"
    yield from (
        ("a word", of("p1", "observe", "abc"), f"strings: {got} 'abc'"),
        ("bytes", of("p1", "observe", b"abc"), f"strings: {got} b'abc'"),
        ("nothing", of("p1", "observe", None), f"strings: {got} None"),
        ("an object", of("p1", "observe", {"strings": ["a"]}), f"strings: {got} "),
        ("an array", of("p1", "observe", np.array(1)), f"strings: {got} array(1)"),
        ("words", of("p1", "observe_sequence", ["get", "set"]), "observations[0]: expected a list"),
        ("one word", of("p1", "observe_sequence", "get"), "observations: expected a list"),
        ("objects", of("p1", "observe_sequence", [["a"], {"strings": ["b"]}]), "observations[1]: "),
        (
            "an observation",
            of("p1", "observe_sequence", [Observation("abc")]),
            f"observations[0].strings: {got} 'abc'",
        ),
        ("vectors", of("p1", "observe", vectors=None), "vectors: expected a list of vectors"),
        ("a vector", of("p1", "observe", vectors=[1, 2]), "vectors[0]: expected a list of numbers"),
        ("letters", of("p1", "observe", vectors=["12"]), "vectors[0]: expected a list of numbers"),
        ("emotives", of("p1", "observe", emotives="joy"), "emotives: expected an object"),
        ("metadata", of("p1", "observe", metadata=[1]), "metadata: expected an object"),
        ("genes", of("p1", "create", "abc"), "genes: expected an object"),
        ("other genes", of("p1", "change_genes", []), "genes: expected an object"),
        ("topics", of("p1", "stream", "learning"), "topics: expected a list"),
    )


def values() -> Iterator[tuple[str, Use, str]]:
    """What JSON cannot hold."""
    circle: dict[str, Any] = {}
    circle["a"] = circle
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    nan, half = float("nan"), "\udcff"
    yield from (
        ("nan", of("p1", "observe", emotives={"joy": nan}), "emotives.joy: expected a finite"),
        ("inf", of("p1", "observe", vectors=[[0, float("inf")]]), "vectors[0][1]: expected a fin"),
        ("np.nan", of("p1", "observe", vectors=[[np.float32(nan)]]), "vectors[0][0]: expected a f"),
        ("half", of("p1", "observe", [half]), "strings[0]: not valid Unicode, '\\udcff'"),
        ("half a name", of("p1", "observe", emotives={half: 1}), "emotives.'\\udcff': not valid"),
        ("half an id", of("p1", "observe", ["a"], unique_id=half), "unique_id: not valid Unicode"),
        ("half behind", of("p1", "models", after=half), "after: not valid Unicode"),
        ("a thing", of("p1", "observe", [object()]), "strings[0]: <object"),
        ("bytes", of("p1", "observe", [b"12"]), "strings[0]: b'12' is no JSON"),
        ("an array", of("p1", "observe", metadata={"a": np.arange(2)}), "metadata.a: array([0, 1]"),
        ("a circle", of("p1", "observe", metadata=circle), "this is no JSON"),
        ("too deep", of("p1", "observe", metadata={"a": deep}), "this is no JSON"),
        ("too large", of("p1", "observe", metadata={"a": 10**5000}), "metadata.a: too large"),
        ("a tuple", of("p1", "observe", metadata={(1, 2): 1}), "this is no JSON"),
    )
    for each in NO_REQUEST_IDS:
        yield f"request_id {each!r}", of("p1", "learn", request_id=each), "request_id: "


class RefusedTests(TestCase):
    """What cannot be meant is refused by each face in the same words, and nothing is sent."""

    timeout = 600

    def setUp(self) -> None:
        self.server = Hearing()
        self.addCleanup(self.server.close)

    async def refused(self, face: str, use: Use, url: Any = None, **options: Any) -> str:
        """What is said against it."""
        try:
            told = await FACES[face](self.server.url if url is None else url, use, **options)
        except InvalidRequest as error:
            return error.message
        raise self.failureException(f"{face}: not refused, but gave {told!r}")

    async def test_table(self) -> None:
        """Names, ids, lists and values."""
        for face in FACES:
            for name, use, why in (*words(), *lists(), *values()):
                said = await self.refused(face, use)
                self.assertTrue(said.startswith(why), f"{face}, {name}: {said}")
                self.assertTrue(said.isprintable(), f"{face}, {name}: {said!r}")
                self.assertLess(len(said), 200)
        self.assertEqual(self.server.heard, [])

    async def test_addresses(self) -> None:
        """Addresses of no server."""
        for face in FACES:
            for url in NO_URLS:
                said = await self.refused(face, lambda c: c.ping(), url)
                self.assertIn("url: expected http://HOST:PORT", said)
            for url in ("http://me:sesame@localhost", "me:sesame@localhost", "http://me:se same@h"):
                said = await self.refused(face, lambda c: c.ping(), url)
                self.assertIn("url: no name and no password", said)
                self.assertNotIn("same", said)

    async def test_keys(self) -> None:
        """Keys that no server has; none is shown."""
        for face in FACES:
            for key in NO_KEYS:
                said = await self.refused(face, lambda c: c.ping(), key=key)
                self.assertEqual(said, "key: expected printable ASCII without spaces")

    async def test_closed(self) -> None:
        """A client that was closed asks no more."""
        clients: list[Any] = []

        def kept(client: Any) -> Any:
            clients.append(client)
            return client.ping()

        for face in FACES:
            await FACES[face](self.server.url, kept)
            said = await self.refused(face, lambda _: clients[-1].ping())
            self.assertEqual(said, "the client is closed")
        self.assertEqual(len(self.server.heard), len(FACES))


class ArrivingTests(TestCase):
    """What is meant arrives."""

    timeout = 600

    def setUp(self) -> None:
        self.server = Hearing()
        self.addCleanup(self.server.close)

    async def test_names(self) -> None:
        """Whatever a name holds, a server reads it as it is, and as a name."""
        names = (
            STRANGE,
            "...",
            ".a",
            "a/../b",
            "../..",
            "%2e%2e",
            "//",
            "a;b",
            "..\\",
            " ",
            "a\nb",
        )
        for face in FACES:
            for name in names:
                await FACES[face](self.server.url + "/", of("p1", "delete_model", name))
                line = self.server.heard[-1][0].split(" ")
                self.assertEqual((len(line), line[0]), (3, "DELETE"))
                self.assertEqual(
                    parse_target(line[1].encode()).segments, ("p1", "model", name), face
                )

    async def test_headers(self) -> None:
        """So do a key, and ids of requests, with letters of any kind."""
        for face in FACES:
            await FACES[face](self.server.url, of("p1", "learn", request_id="é 1"), key="se~same")
            headers = self.server.heard[-1][1]
            self.assertEqual(headers["Authorization"], "Bearer se~same")
            self.assertEqual(headers["Idempotency-Key"].encode("latin-1").decode(), "é 1")
            await FACES[face](self.server.url, lambda c: c.ping(), key="")
            self.assertNotIn("Authorization", self.server.heard[-1][1])

    async def test_numbers(self) -> None:
        """Numbers of other libraries are numbers."""
        row = np.array([0.5, 2], dtype=np.float32)
        emotives = {"joy": np.float32(0.25), "fear": Decimal("0.5")}
        for face in FACES:
            await FACES[face](
                self.server.url,
                lambda c: c.processor("p1").observe(
                    np.array(["a"]),
                    vectors=np.array([row]),
                    emotives=emotives,
                    metadata={"n": np.int64(3), "yes": np.bool_(True)},
                ),
            )
            self.assertEqual(
                self.server.heard[-1][2].decode(),
                '{"strings":["a"],"vectors":[[0.5,2.0]],"emotives":{"joy":0.25,"fear":0.5},'
                '"metadata":{"n":3,"yes":true}}',
            )

    async def test_proxy(self) -> None:
        """No proxy that the environment names comes between."""
        held = HeldPort()
        self.addCleanup(held.close)
        proxies = (f"http://127.0.0.1:{held.port}", f"socks5://127.0.0.1:{held.port}")
        for proxy in proxies:
            named = {f"{each}_PROXY": proxy for each in ("HTTP", "HTTPS", "ALL")}
            self.patch(os, "environ", {**os.environ, **named})
            for face in FACES:
                await FACES[face](self.server.url, lambda c: c.ping(), patience=AT_ONCE)
        self.assertEqual(len(self.server.heard), 6)

    async def test_outcome(self) -> None:
        """Who was not reached did nothing; who closes the connection may have done it."""
        held, silent = HeldPort(), Hearing(told=None)
        self.addCleanup(held.close)
        self.addCleanup(silent.close)
        for face in FACES:
            for url, unknown in ((f"http://127.0.0.1:{held.port}", False), (silent.url, True)):
                error = await self.told(face, url, of("p1", "learn"))
                self.assertIsInstance(error, NoAnswer)
                self.assertEqual(error.error_code, "NO_ANSWER")
                self.assertEqual(error.outcome_unknown, unknown, f"{face}: {url}")

    async def test_cut_off(self) -> None:
        """So may who closes it while a long request is being sent."""
        server = Hearing(told=None, reads=False)
        self.addCleanup(server.close)
        for face in FACES:
            error = await self.told(face, server.url, of("p1", "observe", ["a" * 10_000_000]))
            self.assertIsInstance(error, NoAnswer)
            self.assertTrue(error.outcome_unknown, face)

    async def test_foreign(self) -> None:
        """A server of another kind is not taken for one of KATO's."""
        for status, kind, told in (
            (404, "text/html", b"<!DOCTYPE HTML>"),
            (200, "text/html", b"<!DOCTYPE HTML>"),
            (200, "application/json", {"status": "UP"}),
            (200, "application/json", {"hello": "world"}),
        ):
            server = Hearing(status, kind, told)
            self.addCleanup(server.close)
            for face in FACES:
                error = await self.told(face, server.url, lambda c: c.ping())
                self.assertIsInstance(error, ForeignAnswer)
                self.assertTrue(error.message.endswith(f"HTTP {status} with {kind!r}"))

    async def test_https(self) -> None:
        """A server without TLS that is asked by HTTPS is not waited for."""
        server = LiveServer("--storage", "memory:").start()
        self.addCleanup(server.stop)
        for face in FACES:
            error = await self.told(face, f"https://127.0.0.1:{server.port}", lambda c: c.ping())
            self.assertIsInstance(error, NoAnswer)

    async def told(self, face: str, url: str, use: Use) -> KatoError:
        """The error that is raised."""
        try:
            await FACES[face](url, use, patience=AT_ONCE, timeout=1_000)
        except KatoError as error:
            return error
        raise self.failureException(f"{face}: it did not fail")


class SameTests(SynchronousTestCase):
    """What the client knows by itself is what the server knows."""

    def test_id(self) -> None:
        """Ids are of the same form."""
        self.assertEqual(PROCESSOR_ID["pattern"], f"^{ID.pattern}$")

    def test_addresses(self) -> None:
        """An address is known by how it is written, and ends without a slash."""
        for url, known in (
            ("http://localhost:8000/", "http://localhost:8000"),
            ("HTTPS://kato.example", "https://kato.example"),
            ("http://[::1]:8000/kato/", "http://[::1]:8000/kato"),
        ):
            self.assertEqual(address(url), known)

    def test_paths(self) -> None:
        """A path is never built of what is no word, also by who makes calls alone."""
        calls = ProcessorCalls("p1")
        calls.processor = ".."
        self.assertRaises(InvalidRequest, calls.delete)
