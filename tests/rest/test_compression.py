"""Large answers, compressed for who asks for it (SPEC 9)."""

import gzip

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import PART, encode_json
from kato.messagepack import WrittenList
from kato.protocols.rest.compression import FROM, accepts_gzip, gzipped
from tests.doubles import Threads
from tests.rest.talking import Answer, Server, get

LARGE = ["again"] * FROM


class AcceptTests(SynchronousTestCase):
    """C{Accept-Encoding}."""

    def test_asked_for(self) -> None:
        """It is asked for by name or by star, with any weight but none."""
        for values in (
            [b"gzip"],
            [b"GZIP"],
            [b"deflate, gzip;q=0.5"],
            [b"deflate", b"gzip"],
            [b"*"],
            [b"gzip; q=0.001"],
            [b"identity;q=0, *;q=1"],
        ):
            self.assertTrue(accepts_gzip(values), values)

    def test_not_asked_for(self) -> None:
        """Weight nought is a no, and so is what cannot be read."""
        for values in (
            [],
            [b""],
            [b"deflate, br"],
            [b"gzip;q=0"],
            [b"gzip;q=0, *"],
            [b"gzip;q=much"],
            [b"gzip;q=2"],
            [b"gzip;q=nan"],
            [b"gzip;level=1"],
            [b"gzipped"],
        ):
            self.assertFalse(accepts_gzip(values), values)

    @given(st.lists(st.binary(max_size=20), max_size=3))
    @settings(deadline=None)
    def test_anything(self, values: list[bytes]) -> None:
        """Whatever is sent means yes or no."""
        self.assertIn(accepts_gzip(values), (True, False))


class AnswerTests(SynchronousTestCase):
    """Answers over a connection."""

    def ask(self, fields: dict[str, object], *headers: str, method: str = "GET") -> Answer:
        server = Server()
        server.asked.fields = fields
        raw = get("/p1/models", *headers).replace(b"GET", method.encode(), 1)
        client = server.connect()
        client.send(raw)
        while not client.wire.value():
            server.clock.advance(0.1)
        [answer] = client.answers([method])
        return answer

    def test_compressed(self) -> None:
        """A large answer is compressed for who asks for it, and says so."""
        answer = self.ask({"models": LARGE}, "Accept-Encoding: gzip")
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertEqual(answer.headers["vary"], "Accept-Encoding, Origin")
        self.assertLess(len(answer.body), FROM)
        plain = self.ask({"models": LARGE})
        self.assertEqual(gzip.decompress(answer.body), plain.body)
        self.assertNotIn("content-encoding", plain.headers)
        self.assertEqual(plain.headers["vary"], "Accept-Encoding, Origin")

    def test_head(self) -> None:
        """HEAD tells what GET would bring."""
        answer = self.ask({"models": LARGE}, "Accept-Encoding: gzip")
        head = self.ask({"models": LARGE}, "Accept-Encoding: gzip", method="HEAD")
        self.assertEqual(head.headers["content-length"], str(len(answer.body)))
        self.assertEqual(head.headers["content-encoding"], "gzip")

    def test_small(self) -> None:
        """A small answer goes as it is, and is the same for all."""
        answer = self.ask({"models": ["a"]}, "Accept-Encoding: gzip")
        self.assertNotIn("content-encoding", answer.headers)
        self.assertNotIn("vary", answer.headers)

    def test_very_large(self) -> None:
        """One that is made in many parts is compressed as a whole."""
        models = [f"{i} of many" for i in range(PART // 2)]
        answer = self.ask({"models": models}, "Accept-Encoding: gzip")
        self.assertEqual(gzip.decompress(answer.body), self.ask({"models": models}).body)

    def test_list_that_is_written(self) -> None:
        """A list that came as JSON is handed on unread, in parts where it is long."""
        for entries in ([1, 2], ["again"] * PART):
            written = WrittenList(encode_json(entries))
            self.assertEqual(self.ask({"models": written}).json["models"], entries)
        broken = self.ask({"models": WrittenList(b"[unread]")})
        self.assertIn(b'"models":[unread]', broken.body)

    def test_in_a_thread(self) -> None:
        """It is done in a thread; a client that leaves meanwhile is missed by nobody."""
        threads = Threads()
        server = Server(in_thread=threads)
        server.asked.fields = {"models": [*LARGE[:16], "x" * FROM]}
        for leaves in (False, True):
            client = server.connect()
            client.send(get("/p1/status", "Accept-Encoding: gzip"))
            self.assertEqual(client.answers(), [])
            if leaves:
                client.leave()
            threads.run()
            self.assertEqual(len(client.answers()), 0 if leaves else 1)

    @given(st.lists(st.binary(max_size=PART * 2), max_size=3))
    @settings(deadline=None, max_examples=30)
    def test_same_bytes(self, parts: list[bytes]) -> None:
        """What is unpacked is what was packed, and no part is longer than a part."""
        made = gzipped(parts)
        self.assertEqual(gzip.decompress(b"".join(made)), b"".join(parts))
        self.assertTrue(all(len(each) <= PART for each in made))
