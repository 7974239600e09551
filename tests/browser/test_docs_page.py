"""The page that shows the API, in a real browser with real servers."""

from selenium.webdriver.common.keys import Keys

from tests.browser.test_dashboard import KEY, BrowserTestCase

_FITS = "return document.documentElement.scrollWidth === innerWidth"
_GROUND = "return getComputedStyle(document.documentElement).backgroundColor"
OBSERVE = "#op-observe"


class DocsPageTests(BrowserTestCase):
    """C{/docs}."""

    def shown(self) -> None:
        """Wait until the description is there."""
        self.page.until_text("#about h1", "KATO over REST")

    def test_tries(self) -> None:
        """An operation is found, shown with what it takes and gives, and tried as it is shown: what
        the server answered stands there."""
        self.show(self.start(), "/docs")
        self.shown()
        self.page.press("/")
        self.page.element("#filter").send_keys("observ")
        self.page.until_texts("#list .name", ["observe", "observe_sequence"])
        self.page.click("#list a[href='#observe']")
        self.page.until_text(f"{OBSERVE} .told", "gene max_sequence_length")
        self.assertIn("strings", self.page.texts(f"{OBSERVE} .shape th code"))
        self.page.until_text(f"{OBSERVE} .command", "/p1/observe")
        self.page.click(f"{OBSERVE} .try button")
        self.page.until_text(f"{OBSERVE} .status", "200 in ")
        self.page.until_text(f"{OBSERVE} .answer .body", '"message": "observed"')
        self.assertEqual(self.rest.get("/p1/status")["events"], 1)
        self.quiet()

    def test_wrong(self) -> None:
        """What cannot be sent is said beside the form, with the field; what the server refuses is
        shown as it says it."""
        self.show(self.start(), "/docs#observe")
        self.shown()
        self.page.type(f"{OBSERVE}-try-body", "{", over=True)
        self.page.click(f"{OBSERVE} .try button")
        self.page.until_text(f"{OBSERVE} .fault", "body: ")
        self.assertEqual(self.page.attributes(f"{OBSERVE}-try-body", "aria-invalid"), ["true"])
        self.page.type(f"{OBSERVE}-try-body", '{"strings": [3]}', over=True)
        self.page.click(f"{OBSERVE} .try button")
        self.page.until_text(f"{OBSERVE} .answer .body", "strings[0]: expected a string")
        self.assertEqual(self.page.texts(f"{OBSERVE} .fault"), [])

    def test_forgets_nothing_by_chance(self) -> None:
        """What forgets for good has nothing filled in, so that one click does no harm."""
        self.show(self.start(), "/docs#delete_processor")
        self.shown()
        self.assertEqual(self.page.value("#op-delete_processor-try-processor"), "")
        self.page.click("#op-delete_processor .try button")
        self.page.until_text("#op-delete_processor .fault", "processor: missing")
        self.quiet()

    def test_key(self) -> None:
        """A server with keys is asked with the one that is typed, which the dashboard uses, too;
        the command names it by a variable."""
        server = self.start("--storage", "memory:", "--api-key", KEY)
        self.show(server, "/static/docs/index.html#observe")
        self.page.until_text("#key-title", "This server wants a key")
        self.page.type("#key", "wrong")
        self.page.until_text("#key-reason", "not a key of this server")
        self.page.type("#key", KEY)
        self.shown()
        self.page.until_text(f"{OBSERVE} .command", '"X-API-Key: $KATO_API_KEY"')
        self.page.click(f"{OBSERVE} .try button")
        self.page.until_text(f"{OBSERVE} .status", "200 in ")
        self.assertNotIn(KEY, self.page.text(OBSERVE))
        self.page.click(".places a")
        self.page.until_text("#connection", "Live")

    def test_fits(self) -> None:
        """It fits a phone, where its list comes and goes; in the dark it is dark."""
        self.show(self.start(), "/docs")
        self.page.emulate(390, 844, dark=True)
        self.page.open("/docs#get_predictions")
        self.shown()
        self.page.click("#op-get_predictions .inner summary")
        self.page.until_text("#op-get_predictions .inner .shape", "itfdf_similarity")
        self.assertTrue(self.page.run(_FITS))
        self.assertEqual(self.page.run(_GROUND), "rgb(13, 16, 21)")
        self.page.click("#show-contents")
        self.assertEqual(self.page.attributes("#show-contents", "aria-expanded"), ["true"])
        self.page.press(Keys.ESCAPE)
        self.assertEqual(self.page.attributes("#show-contents", "aria-expanded"), ["false"])
        self.quiet()
