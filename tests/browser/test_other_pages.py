"""Pages of other origins in a real browser, with a real server."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.chromium import Page
from tests.live.server import LiveServer

KEY = "sesame"

ASK = """
    const [port, path, given] = arguments;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, given);
    return [answer.status, answer.headers.get("X-Request-ID"), await answer.json()];
"""
"""A page asks, and tells the status, the request's id and what it was told."""

ASK_BLINDLY = """
    const [port, path, given] = arguments;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {...given, mode: "no-cors"});
    return answer.status;
"""
"""A page asks as any may, without being told the answer."""

IMPORT = """
    const [port] = arguments;
    const module = await import(`http://127.0.0.1:${port}/static/kato.js`);
    return Object.keys(module).length > 0;
"""


class Blank(BaseHTTPRequestHandler):
    """Serves an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another page</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads this."""


class OtherPagesTests(SynchronousTestCase):
    """Two pages of other origins, one of which may speak to the server."""

    def setUp(self) -> None:
        self.allowed, self.foreign = self.serve(), self.serve()

    def start(self, *options: str) -> int:
        """Start the server; gives its port."""
        origin = ("--origin", f"http://127.0.0.1:{self.allowed}")
        self.server = LiveServer("--storage", "memory:", *origin, *options).start()
        self.addCleanup(self.server.stop)
        return self.server.port

    def serve(self) -> int:
        """Serve pages; gives the port."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return int(server.server_address[1])

    def show(self, port: int) -> Page:
        page = Page(port)
        self.addCleanup(page.leave)
        page.open()
        return page

    def observation(self, *, key: str | None = KEY) -> dict[str, Any]:
        """What a page gives C{fetch} to observe."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
        if key is not None:
            headers["X-API-Key"] = key
        return {"method": "POST", "headers": headers, "body": '{"strings": ["a"]}'}

    def events(self) -> int:
        """How many events the processor has been told, as an operator sees it."""
        connection = self.server.connect()
        self.addCleanup(connection.close)
        status, told = connection.send("GET", "/p1/status", headers={"X-API-Key": KEY})
        self.assertIn(status, (200, 404), told)
        return int(told["interval"]) if status == 200 else 0

    def test_allowed(self) -> None:
        """A page that may can do all that a program can, and reads answers and errors."""
        port = self.start("--api-key", KEY)
        page = self.show(self.allowed)
        status, request_id, told = page.wait_for(ASK, port, "/p1/observe", self.observation())
        self.assertEqual((status, told["short_term_memory"]), (200, [["a"]]), told)
        self.assertTrue(request_id)
        self.assertEqual(self.events(), 1)
        for given, expected in (
            (self.observation(key=None), "UNAUTHORIZED"),
            ({**self.observation(), "body": '{"strings": [1]}'}, "INVALID_REQUEST"),
        ):
            status, request_id, told = page.wait_for(ASK, port, "/p1/observe", given)
            self.assertEqual(told["error_code"], expected)
            self.assertTrue(request_id)
        status, _, told = page.wait_for(
            ASK, port, "/p1", {"method": "DELETE", "headers": {"Authorization": f"Bearer {KEY}"}}
        )
        self.assertEqual((status, told["message"]), (200, "deleted"))
        self.assertIs(page.wait_for(IMPORT, port), True)

    def test_foreign(self) -> None:
        """Any other page can do nothing, and is told nothing, be it by a request of which it may
        not read the answer, to a server that asks for no key."""
        port = self.start()
        page = self.show(self.foreign)
        refused = page.wait_for(ASK, port, "/p1/observe", self.observation())
        self.assertIn("TypeError", str(refused))
        self.assertIn("TypeError", str(page.wait_for(ASK, port, "/live", {})))
        blind = {"method": "POST", "body": '{"strings": ["a"]}'}
        page.wait_for(ASK_BLINDLY, port, "/p1/observe", blind)
        self.assertIn("TypeError", str(page.wait_for(IMPORT, port)))
        self.assertEqual(self.events(), 0)
