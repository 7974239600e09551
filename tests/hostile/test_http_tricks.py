"""HTTP that two readers may take differently, or that reaches for what is not its own."""

import re
from collections.abc import Iterator
from threading import Event

from tests.fuzz.http import SHAPES
from tests.hostile.siege import KEY, LEAST_KEY, WRONG_KEY, HostileCase, Siege
from tests.hostile.sockets import connect, exchanged

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_LENGTH = re.compile(rb"content-length: (\d+)", re.I)

ABUSED = "GET /victim/short-term-memory HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Stands behind a request whose end two readers may see elsewhere: a proxy would never have handed
it on.  It is refused for want of a key, if it is read at all."""

_PATHS = (
    *("//", "///etc/passwd", "/../../etc/passwd", "/static/../../setup.cfg", "/static/..%2f..%2fx"),
    *("/static/%2e%2e/%2e%2e/setup.cfg", "/static/%2e%2e%2fsetup.cfg", "/static/.%00./x"),
    *(
        "/static//etc/passwd",
        "/static/%5c..%5cx",
        "/victim%00/status",
        "/victim/%2e%2e/friend/status",
    ),
    *(
        "/victim/..;/friend/status",
        "/.git/config",
        "/%c0%ae%c0%ae/x",
        "/victim/status/../../friend",
    ),
    *("http://evil.example/victim/status", "http://localhost@evil.example/x", "ftp://localhost/x"),
    *("*", "/static/" + "a" * 8000, "/" + "%61" * 2500, "/victim/model/" + "../" * 1000),
    *("/kato-api/../victim/status", "/live/../victim/status", "/static/../victim/status"),
    *("/%76ictim/status", "/VICTIM/status", "/victim;x/status", "/ready/%2e%2e/victim/status"),
)

_INJECTED = (
    *(
        "a\nSet-Cookie: x=1",
        "a\r Set-Cookie: x=1",
        "a\rSet-Cookie: x=1",
        "a%0d%0aSet-Cookie:%20x=1",
    ),
    *("a\x00b", "a\x0bb", "é", "a\x7f", "\x1b[31m", "a b", "x" * 5000, "\u560d\u560aSet-Cookie: x"),
)


def answers(said: bytes) -> list[tuple[int, bytes, bytes]]:
    """Status, headers and body of each answer."""
    found: list[tuple[int, bytes, bytes]] = []
    while said:
        head = _HEAD.match(said)
        if head is None:
            raise AssertionError(said[:300])
        length = _LENGTH.search(head[2])
        assert length is not None
        end = head.end() + int(length[1])
        found.append((int(head[1]), head[2], said[head.end() : end]))
        said = said[end:]
    return found


def _keyed(raw: bytes) -> bytes:
    """A request with the key: so it is not refused for want of one."""
    return raw.replace(b"\r\n", f"\r\nX-API-Key: {KEY}\r\n".encode(), 1)


def _shapes() -> Iterator[bytes]:
    for shape in SHAPES:
        start = shape.rpartition(b"GET /p1/status")[0]
        yield _keyed(start.replace(b"/p1/learn", b"/victim/learn")) + ABUSED.encode()


class SmugglingTests(HostileCase):
    """Requests of which two readers may see different ends."""

    def state(self) -> tuple[object, object]:
        status = self.siege.ask("GET", "/victim/status")
        return status["events"], status["models"]

    def test_shapes(self) -> None:
        """Either both readers see the same, or there is one answer, a refusal, and the connection
        is closed: what stands behind is never read as a request of its own."""
        before, after_one = self.state(), None
        for raw in _shapes():
            with self.subTest(raw=raw):
                found = answers(exchanged(self.siege.port, raw))
                statuses = [status for status, _, _ in found]
                if self.state() != before:  # a fair request after all, and the one behind it too
                    self.assertEqual(statuses, [200, 401])
                    self.assertIn(raw.partition(b"\r\n\r\n")[0].rpartition(b"\n")[2], _FAIR)
                    after_one = raw
                    self.siege.ask("POST", "/victim/observe", {"strings": ["a", "b"]})
                    before = self.state()
                else:
                    self.assertEqual(len(found), 1, found)
                    self.assertEqual(statuses, [400])
                    self.assertIn(b"connection: close", found[0][1].lower())
        self.assertIsNotNone(after_one)

    def test_behind_a_refused_head(self) -> None:
        """What is poured behind a head that was refused is not read as requests."""
        body = ABUSED.encode() * 100
        for header in (f"Content-Length: {2**30}", "Transfer-Encoding: chunked"):
            head = f"POST /victim/observe HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"
            found = answers(exchanged(self.siege.port, head.encode() + body))
            self.assertEqual([status for status, _, _ in found], [401])


_FAIR = frozenset({b"Content-Length: 2 ", b"Transfer-Encoding: chunked"})
"""The last header of those that both readers understand alike."""


class PathTests(HostileCase):
    """Paths and headers that reach for more."""

    def test_paths(self) -> None:
        """No trick with a path opens what needs a key, nor a file that is not the dashboard's."""
        for path in _PATHS:
            raw = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            with self.subTest(path=path):
                [(status, _, body)] = answers(exchanged(self.siege.port, raw.encode()))
                self.assertIn(status, (400, 401, 403, 404, 405, 431))
                self.assertTrue(body.startswith(b'{"status":"error"'), body)
                self.assertNotIn(b"root:", body)

    def test_injection(self) -> None:
        """Nothing that a client sends becomes a header of an answer, or a line of the log."""
        for value in _INJECTED:
            for name in ("X-Request-ID", "Idempotency-Key", "X-API-Key", "Origin"):
                start = f"GET /{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                sent = f"{start}{name}: {value}\r\n\r\n".encode()
                with self.subTest(name=name, value=value):
                    for _, head, _ in answers(exchanged(self.siege.port, sent, first=0.5)):
                        self.assertNotIn(b"\nset-cookie", head.lower())
                        self.assertNotRegex(head, rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\xff]")
        for line in self.siege.server.log:
            self.assertRegex(line, r"^(\d{4}-\d\d-\d\dT|\s|$)")
            self.assertTrue(line.isprintable() or "\t" in line, line)


_ASKED = (
    ("GET", "/{}/status"),
    ("GET", "/{}/predictions"),
    ("GET", "/{}/models?limit=1"),
    ("GET", "/{}/gene/sort"),
    ("POST", "/{}/learn"),
    ("PUT", "/{}"),
    ("DELETE", "/{}"),
    ("GET", "/{}/no-such-path"),
)
_WRONGLY = 3
"""So many of them are asked with a wrong key: more are answered later and later."""


class GuessingTests(HostileCase):
    """Who has no key, or one for another processor, and wants to know what there is."""

    def test_same_answers(self) -> None:
        """Without a key, with a wrong one, and with one that is not for it, the answers for what
        exists and for what does not are the same to the byte, but for time stamps and ids of
        requests."""
        for method, path in _ASKED:
            self.assertAlike(method, path, "", 401)
            self.assertAlike(method, path, f"X-API-Key: {LEAST_KEY}\r\n", 403, 404)
        for method, path in _ASKED[:_WRONGLY]:
            self.assertAlike(method, path, f"X-API-Key: {WRONG_KEY}\r\n", 401)

    def assertAlike(self, method: str, path: str, headers: str, *statuses: int) -> None:
        heard = {
            self.heard(f"{method} {path.format(name)} HTTP/1.1\r\n{headers}")
            for name in ("friend", "ghosts")
        }
        self.assertEqual(len(heard), 1, heard)
        self.assertLessEqual({status for status, _ in heard}, set(statuses))

    def heard(self, start: str) -> tuple[int, bytes]:
        raw = f"{start}Host: localhost\r\nConnection: close\r\n\r\n".encode()
        [(status, head, body)] = answers(exchanged(self.siege.port, raw))
        lasting = re.sub(rb"(?i)(x-request-id|date|content-length): [^\r]*", b"", head)
        return status, lasting + re.sub(rb'"time_stamp":[0-9.]+|friend|ghosts', b"", body)

    def test_flood_of_guesses(self) -> None:
        """Who guesses keys by the thousand does not keep others waiting, though they come from the
        same address."""
        self.withstands(guesses)


def guesses(siege: Siege, over: Event) -> None:
    """Keys, each another one, on a connection that is kept."""
    number = 0
    while not over.is_set():
        with connect(siege.port) as connection:
            connection.settimeout(1.0)
            for _ in range(200):
                number += 1
                head = "GET /victim/status HTTP/1.1\r\nHost: localhost\r\n"
                connection.sendall(f"{head}X-API-Key: {number:032}\r\n\r\n".encode())
                try:
                    if not connection.recv(4096):
                        break
                except TimeoutError:
                    break
                if over.is_set():
                    return
