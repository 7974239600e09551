"""Files that are served as they are."""

import gzip

from twisted.trial.unittest import SynchronousTestCase

from kato.dashboard_files import dashboard
from kato.limits import Limits
from kato.protocols.rest import Access, Asset
from kato.protocols.rest.compression import FROM
from tests.rest.talking import Answer, Server, get, request

ASSETS = {
    ("",): Asset.make("index.html", b"<!doctype html>"),
    ("static", "a.js"): Asset.make("a.js", b"export const a = 1;\n" * FROM),
    ("static", "vendor", "b.css"): Asset.make("b.css", b"body {}"),
}


class AssetTests(SynchronousTestCase):
    """Files over HTTP."""

    def setUp(self) -> None:
        self.server = Server(
            assets=ASSETS, access=Access(origins=frozenset({ORIGIN})), api_key=b"s3cret"
        )

    def ask(self, path: str, *headers: str) -> Answer:
        return self.server.ask(get(path, *headers))

    def test_types(self) -> None:
        """Each is of its type, whether one has a key or not."""
        for path, content_type, body in [
            ("/", "text/html; charset=utf-8", b"<!doctype html>"),
            ("/static/vendor/b.css", "text/css; charset=utf-8", b"body {}"),
            ("/static/a.js", "text/javascript; charset=utf-8", ASSETS["static", "a.js"].body),
        ]:
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.body), (200, body))
            self.assertEqual(answer.headers["content-type"], content_type)
            self.assertEqual(answer.headers["cache-control"], "no-cache")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertIn("script-src 'self'", answer.headers["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", answer.headers["content-security-policy"])
            self.assertEqual(answer.headers["x-frame-options"], "DENY")
            self.assertIn("camera=()", answer.headers["permissions-policy"])
            self.assertNotIn("unsafe", answer.headers["content-security-policy"])
            self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_query(self) -> None:
        """The page may be asked to be read-only, which it reads itself."""
        for path in ("/?read-only", "/?read-only=1"):
            self.assertEqual(self.ask(path).status, 200)

    def test_compressed(self) -> None:
        """A large one goes compressed to who takes that."""
        answer = self.ask("/static/a.js", "Accept-Encoding: gzip")
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(answer.body), ASSETS["static", "a.js"].body)
        self.assertNotIn("content-encoding", self.ask("/static/a.js").headers)
        self.assertNotIn("content-encoding", self.ask("/", "Accept-Encoding: gzip").headers)

    def test_known(self) -> None:
        """Who has it already is told so; another tag is another file."""
        tag = self.ask("/static/a.js").headers["etag"]
        client = self.server.connect()
        client.send(get("/static/a.js", f"If-None-Match: {tag}"))
        start = client.wire.value()
        self.assertTrue(start.startswith(b"HTTP/1.1 304 "))
        self.assertTrue(start.endswith(b"\r\n\r\n"))
        self.assertEqual(self.ask("/static/a.js", 'If-None-Match: "x"').status, 200)
        self.assertEqual(self.ask("/", f"If-None-Match: {tag}").status, 200)

    def test_head(self) -> None:
        """C{HEAD} tells the same without the file."""
        answer = self.server.ask(request("HEAD", "/"))
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["content-length"], "15")

    def test_unknown(self) -> None:
        """What there is not is unknown, however one tries."""
        for path in (
            "/static/b.js",
            "/static/../a.js",
            "/static/..%2Fa.js",
            "/static/vendor/",
            "/static/",
            "/static/vendor",
        ):
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.json["error_code"]), (404, "UNKNOWN_OPERATION"))

    def test_other_pages(self) -> None:
        """A page of an origin that was allowed may load it as a module; another one may not."""
        answer = self.ask("/static/a.js", f"Origin: {ORIGIN.decode()}")
        self.assertEqual(answer.headers["access-control-allow-origin"], ORIGIN.decode())
        self.assertEqual(self.ask("/static/a.js", "Origin: https://evil.example").status, 403)

    def test_changes_nothing(self) -> None:
        """They take no other method, and no query."""
        self.assertEqual(self.server.ask(request("DELETE", "/static/a.js")).status, 405)
        self.assertEqual(self.ask("/?key=secret").status, 400)


ORIGIN = b"https://page.example"


class DashboardTests(SynchronousTestCase):
    """The files in the package."""

    def test_all(self) -> None:
        """The page, the client and the licence of what others wrote are there."""
        files = dashboard(Limits())
        for path in [
            ("",),
            ("static", "kato.js"),
            ("static", "vendor", "uPlot.esm.js"),
            ("static", "vendor", "uPlot.LICENSE"),
        ]:
            self.assertIn(path, files)

    def test_loads_from_here(self) -> None:
        """Nothing names another place to load from, and the page has no script or style of its own
        in it, which its policy would refuse."""
        files = dashboard(Limits())
        page = files["",].body.decode()
        for forbidden in ("<style", "style=", "onclick", "javascript:", "//cdn"):
            self.assertNotIn(forbidden, page)
        self.assertNotRegex(page, r"<script(?![^>]*\bsrc=)")
        for path, file in files.items():
            if path[-1].endswith((".js", ".css", ".html")):
                self.assertNotRegex(
                    file.body.decode(), r"""(?:src|href|from|import|url)\s*[=(]?\s*['"]https?://"""
                )
