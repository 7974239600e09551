"""The page on which to try GraphQL, in a real browser with real servers."""

from selenium.webdriver.common.keys import Keys

from tests.browser.test_dashboard import KEY, BrowserTestCase

_FITS = "return document.documentElement.scrollWidth === innerWidth"
_GROUND = "return getComputedStyle(document.documentElement).backgroundColor"


class GraphqlPageTests(BrowserTestCase):
    """C{/graphql}, as a browser is shown it."""

    def choose(self, name: str) -> None:
        """Choose an example."""
        self.page.choose("#example", name)

    def run_it(self) -> None:
        """Run the document from the keyboard."""
        self.page.element("#query").send_keys(Keys.CONTROL + Keys.ENTER)

    def test_tries(self) -> None:
        """An example is run by a click and by keys, and its result stands there."""
        self.show(self.start(), "/graphql")
        self.page.until_text("#types", "Query")
        self.page.click("#run")
        self.page.until_text("#status", "200 in ")
        self.page.until_text("#result", '"modelName": "MODEL|')
        self.assertEqual(self.rest.get("/p1/status")["models"], 1)
        self.choose("What comes next?")
        self.run_it()
        self.page.until_text("#result", '"rain"')
        self.choose("Why is it predicted?")
        self.run_it()
        self.page.until_text("#result", "rank 1 of 1 by potential")
        self.choose("All processors, with what they know")
        self.run_it()
        self.page.until_text("#result", '"total": 1')
        self.quiet()

    def test_listens(self) -> None:
        """A subscription tells what happens until it is stopped."""
        self.show(self.start(), "/graphql")
        self.rest.post("/p1/observe", {"strings": ["a"]})
        self.choose("Listen to a processor")
        self.run_it()
        self.page.until_text("#result", '"Subscribed"')
        self.rest.post("/p1/observe", {"strings": ["b"]})
        self.page.until_text("#result", '"ObservedEvent"')
        self.page.click("#stop")
        self.page.until_text("#status", "Stopped")
        self.assertEqual(self.page.texts("#stop"), [])
        self.quiet()

    def test_wrong(self) -> None:
        """Variables that are no JSON are said beside the form; what the server refuses is shown as
        it says it; what was typed is there after the page was loaded again."""
        self.show(self.start(), "/graphql")
        self.page.element("#variables").send_keys("x")
        self.page.click("#run")
        self.page.until_text("#fault", "variables: ")
        self.assertEqual(self.page.attributes("#variables", "aria-invalid"), ["true"])
        self.page.element("#variables").clear()
        self.page.element("#query").clear()
        self.page.element("#query").send_keys("{ nothing }")
        self.page.click("#run")
        self.page.until_text("#result", "Cannot query field 'nothing'")
        self.page.reload()
        self.page.until(lambda: self.page.value("#query") == "{ nothing }", "kept")
        self.choose("Listen to a processor")
        self.run_it()
        self.page.until_text("#result", "PROCESSOR_NOT_FOUND")

    def test_schema(self) -> None:
        """The schema is found by words, and its types lead to each other."""
        self.show(self.start(), "/graphql")
        self.page.until_text("#types", "Query")
        self.page.press("/")
        self.page.element("#filter").send_keys("itfdf")
        self.page.until_texts(
            "#types > details > summary", ["Prediction", "PredictionTold", "Ranking"]
        )
        self.page.click("#types > details:not([hidden]) > summary")
        self.page.until_text("#types > details[open]", "explanation: Explanation")
        self.page.run(
            "[...document.querySelectorAll('#types [open] .link')]"
            ".find((each) => each.textContent === 'Explanation').click()"
        )
        self.page.until(lambda: self.page.focused().text == "Explanation", "at Explanation")
        self.quiet()

    def test_key(self) -> None:
        """A server with keys is asked with the one that is typed, over HTTP and WebSocket."""
        server = self.start("--storage", "memory:", "--api-key", KEY)
        self.show(server, "/static/graphql/index.html")
        self.page.until_text("#key-title", "This server wants a key")
        self.page.type("#key", "wrong")
        self.page.until_text("#key-reason", "not a key of this server")
        self.page.type("#key", KEY)
        self.page.until_text("#types", "Query")
        self.page.click("#run")
        self.page.until_text("#status", "200 in ")
        self.choose("Listen to a processor")
        self.run_it()
        self.page.until_text("#result", '"Subscribed"')

    def test_fits(self) -> None:
        """It fits a phone, where the schema comes and goes; in the dark it is dark."""
        self.show(self.start(), "/graphql")
        self.page.emulate(390, 844, dark=True)
        self.page.open("/graphql")
        self.page.click("#run")
        self.page.until_text("#status", "200 in ")
        self.assertTrue(self.page.run(_FITS))
        self.assertEqual(self.page.run(_GROUND), "rgb(13, 16, 21)")
        self.page.click("#show-schema")
        self.assertEqual(self.page.attributes("#show-schema", "aria-expanded"), ["true"])
        self.page.press(Keys.ESCAPE)
        self.assertEqual(self.page.attributes("#show-schema", "aria-expanded"), ["false"])
        self.quiet()
