"""The dashboard in a real browser, with real servers."""

import os
from collections.abc import Sequence
from pathlib import Path

from selenium.webdriver.common.keys import Keys
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.key_file import StoredKey, write_key
from kato.keys import digest
from kato.policy import Key
from tests.browser.chromium import Page, browser
from tests.live.ports import HeldPort
from tests.live.server import Connection, LiveServer

KEY = "sesame"
EVENTS = "#stm [data-event]"
LANES = "#predictions [data-prediction]"
_FITS = "return document.documentElement.scrollWidth === innerWidth"


class BrowserTestCase(SynchronousTestCase):
    """A server, and its page."""

    def start(self, *options: str) -> LiveServer:
        """Start a server, with memory as its storage if nothing else is said."""
        browser()  # which may take long, and a connection that is silent for long is closed
        server = LiveServer(*(options or ("--storage", "memory:"))).start()
        self.addCleanup(server.stop)
        self.rest = server.connect()
        self.addCleanup(self.rest.close)
        return server

    def show(self, server: LiveServer, address: str = "/") -> None:
        """Open the page of a server."""
        self.page = Page(server.port)
        self.addCleanup(self.page.leave)
        self.page.open(address)

    def live(self) -> None:
        """Wait until the page is connected."""
        self.page.until_text("#connection", "Live")

    def watched(self, processor: str) -> None:
        """Wait until a processor is shown, and all is told that happens to it from now on."""
        self.page.until_text("#processor-id", processor)
        self.page.until(lambda: "Reading" not in self.page.text("#note"), "its state is read")

    def observe(self, *strings: str, to: Connection | None = None, **more: object) -> None:
        """Observe over REST."""
        (to or self.rest).post("/p1/observe?brief=true", {"strings": strings, **more})

    def learn(self, *events: Sequence[str], **more: object) -> None:
        """Learn a sequence over REST."""
        observations = [{"strings": list(event), **more} for event in events]
        body = {"observations": observations, "learn_at_end": True, "brief": True}
        self.rest.post("/p1/observe-sequence", body)

    def marks(self, lane: int) -> list[str]:
        """The symbols of a lane with their marks, from past to future."""
        return [
            f"{mark} {symbol}"
            for mark, symbol in zip(
                self.page.attributes(f"{LANES}:nth-child({lane}) .token", "data-mark"),
                self.page.texts(f"{LANES}:nth-child({lane}) .token"),
                strict=True,
            )
        ]

    def quiet(self) -> None:
        """Nothing was complained of in the browser's console."""
        self.assertEqual(self.page.errors(), [])


class LoadingTests(BrowserTestCase):
    """The page itself."""

    def test_loads(self) -> None:
        """The page loads without a complaint, finds its server, and says what it does not find."""
        self.show(self.start())
        self.live()
        self.page.until_text("#welcome", "There is no processor yet.")
        self.page.until_text("#welcome pre", "/p1/observe")
        self.quiet()

    def test_processors(self) -> None:
        """Processors are listed as they come and go, and found by a part of their ids."""
        self.show(self.start())
        for name in ("alpha", "beta", "gamma"):
            self.rest.send("PUT", f"/{name}")
        self.page.until_texts("#processors .id", ["alpha", "beta", "gamma"])
        self.page.type("#filter", "et")
        self.page.until_texts("#processors .id", ["beta"])
        self.page.until_text("#processor-id", "beta")
        self.rest.send("DELETE", "/beta")
        self.page.until_text("#welcome", "There is no processor beta.")
        self.page.until_text("#no-processors", "None has “et” in its id.")
        self.page.click("#create-missing")
        self.page.until_texts("#processors .id", ["beta"])
        self.page.until_text("#processor-id", "beta")
        self.quiet()

    def test_many(self) -> None:
        """Of many processors only those are drawn that can be seen."""
        server = self.start()
        for number in range(150):
            self.rest.send("PUT", f"/p{number:03}")
        self.show(server)
        self.page.until_text("#processors-count", "150")
        self.page.until(lambda: "p003" in self.page.texts("#processors .id"), "listed")
        self.assertLess(len(self.page.texts("#processors .id")), 40)
        self.page.run("document.querySelector('#processors').scrollTop = 1e6")
        self.page.until(lambda: "p149" in self.page.texts("#processors .id"), "scrolled")
        self.quiet()


class WatchingTests(BrowserTestCase):
    """What happens is shown."""

    def setUp(self) -> None:
        self.server = self.start()
        self.learn(["past"], ["a", "b"], ["c"], ["d"])
        self.show(self.server, "/#p1")
        self.live()
        self.watched("p1")

    def test_observing(self) -> None:
        """What is observed over REST makes events, predictions and a forecast appear, on one axis
        and each with its mark."""
        self.observe("x")
        self.observe("a", emotives={"joy": 0.5})
        self.observe("c")
        self.page.until_texts(EVENTS, ["x", "a", "c"])
        self.page.until_text("#forecast .event", "d")
        self.page.until_text("#forecast .share", "100.0 %")
        lane = ["past past", "matched a", "missing b", "matched c", "future d"]
        self.page.until(lambda: self.marks(1) == lane, f"drawn {lane}")
        self.page.until_text("#emotives-table [data-emotive=joy]", "0.5")
        self.assertEqual(self.page.texts("#moments span")[1:], ["−2", "−1", "now", "+1"])
        columns = {
            name: self.page.run(
                f"return getComputedStyle(document.querySelector('{selector}')).gridColumnStart"
            )
            for name, selector in [
                ("observed", f"{EVENTS}:nth-of-type(4)"),
                ("predicted", f"{LANES} .cell:has([data-mark=future])"),
                ("now", "#moments .now"),
            ]
        }
        self.assertEqual(columns["observed"], columns["now"])
        self.assertEqual(int(columns["predicted"]), int(columns["now"]) + 1)
        self.quiet()

    def test_large_event(self) -> None:
        """Of an event with many symbols the first are drawn, and how many more there are."""
        symbols = [f"s{number}" for number in range(8)]
        self.learn(symbols)
        self.observe(*symbols)
        shown = ["s0", "s1", "s2", "s3", "+4"]
        self.page.until_texts(f"{EVENTS} .token", shown)
        self.page.until_texts(f"{LANES} .token", shown)
        self.quiet()

    def test_explained(self) -> None:
        """A number that has the focus, or the pointer, is explained with the prediction's own."""
        self.observe("a", "b")
        self.page.until(lambda: self.page.texts("#metrics td"), "there are numbers")
        self.page.element("#metrics [tabindex='0']").send_keys(Keys.ARROW_RIGHT * 2)
        self.page.until_text("#explanation .sum", "2 / 5 = 0.4")
        self.assertEqual(self.page.focused().get_attribute("aria-describedby"), "explanation")
        self.page.press(Keys.ARROW_RIGHT)
        self.page.until_text("#explanation h3", "confidence of")
        self.page.until_text("#explanation .sum", "2 / 2 = 1")
        self.page.press(Keys.ESCAPE)
        self.page.until_texts("#explanation", [])
        self.quiet()

    def test_sorted(self) -> None:
        """The predictions are sorted by the heading that is chosen, the best first."""
        self.learn(["a"], ["z"])
        self.learn(["a"], ["z"])
        self.observe("a", "b")
        self.page.until_texts("#metrics td[data-metric=frequency]", ["1", "2"])
        frequency = "#metrics [data-sort=frequency]"
        self.page.element(frequency).send_keys(Keys.ENTER)
        self.page.until_texts("#metrics td[data-metric=frequency]", ["2", "1"])
        self.page.until_texts(f"{LANES} .rank", ["2", "1"])
        heading = "#metrics th[data-metric=frequency]"
        self.assertEqual(self.page.attributes(heading, "aria-sort"), ["descending"])
        self.page.element(frequency).send_keys(Keys.ENTER)
        self.page.until_texts("#metrics td[data-metric=frequency]", ["1", "2"])
        self.assertEqual(self.page.attributes(heading, "aria-sort"), ["ascending"])
        self.quiet()

    def test_learned(self) -> None:
        """What is learned is told, the newest first, and shown whole when it is chosen."""
        self.learn(["a"], ["new"])
        self.learn(["past"], ["a", "b"], ["c"], ["d"])
        self.page.until(lambda: len(self.page.texts("#learned li")) == 2, "two are learned")
        newest, oldest = self.page.texts("#learned li .more")
        self.assertEqual(newest, "5 symbols, now 2 times")
        self.assertEqual(oldest, "2 symbols, for the first time")
        self.page.click("#learned li:last-child button")
        self.page.until_texts("#model .token", ["a", "new"])
        self.page.press(Keys.ESCAPE)
        self.quiet()

    def test_very_many(self) -> None:
        """Of a long short-term memory, observed faster than it can be drawn, the newest events are
        shown, and how many there are."""
        for start in range(0, 3_000, 500):
            observations = [{"strings": [f"s{number}"]} for number in range(start, start + 500)]
            self.rest.post("/p1/observe-sequence?brief=true", {"observations": observations})
        self.page.until_text(f"{EVENTS}:nth-last-of-type(1)", "s2999")
        self.page.until_text("#stm-note", "newest 200 of 3,000 events, 2,800 more not drawn")
        self.assertEqual(len(self.page.texts(EVENTS)), 200)
        self.quiet()

    def test_deleted(self) -> None:
        """A processor that is deleted by somebody else is no more shown, and is when it is back."""
        self.rest.send("DELETE", "/p1")
        self.page.until_text("#welcome", "There is no processor p1.")
        self.observe("again")
        self.page.until_texts(EVENTS, ["again"])
        self.quiet()


class ChangingTests(BrowserTestCase):
    """What can be done from the page."""

    def setUp(self) -> None:
        self.server = self.start()
        self.show(self.server)
        self.live()

    def create(self) -> None:
        """Make a processor by hand."""
        self.page.click("#new-processor")
        self.page.type("#create-id", "p1")
        self.watched("p1")

    def by_hand(self, strings: str) -> None:
        """Observe by hand, and wait for the answer: what happened may be shown before it comes."""
        self.page.type("#observe-strings", strings)
        self.page.until(lambda: not self.page.value("#observe-strings"), f"{strings} is observed")

    def announced(self, button: str, text: str) -> None:
        """Click on a button, and wait until those who do not see the page were told this."""
        self.page.click(button)
        self.page.until_text("#live", text)

    def test_by_hand(self) -> None:
        """A processor is made, observes, learns and forgets by hand."""
        self.create()
        self.by_hand("sun, warm day")
        self.page.until_texts(f"{EVENTS} .token", ["sun", "warm day"])
        self.page.element("#observe-emotives").send_keys("joy=0.5")
        self.page.element("#observe-vectors").send_keys("1 2")
        self.by_hand('["rain"]')
        self.page.until(lambda: len(self.page.texts(EVENTS)) == 2, "both are observed")
        percept = self.rest.get("/p1/percept-data")
        self.assertEqual(percept["emotives"], {"joy": 0.5})
        self.assertEqual(percept["vectors"], [[1.0, 2.0]])
        self.announced("#learn", "Learned model")
        self.page.until_texts(EVENTS, [])
        self.page.until(lambda: len(self.page.texts("#learned li")) == 1, "it is learned")
        self.assertEqual(self.rest.get("/p1/status")["models"], 1)
        self.by_hand("sun")
        self.page.until_texts(EVENTS, ["sun"])
        self.announced("#clear-stm", "Short-term memory is empty now")
        self.page.until_texts(EVENTS, [])
        self.quiet()

    def test_confirmed(self) -> None:
        """What cannot be undone is done only when it is confirmed."""
        self.create()
        self.learn(["a"], ["b"])
        self.page.until(lambda: self.page.texts("#learned li"), "it is learned")
        self.page.click("#clear-all")
        self.page.until_text("#confirm-title", "Clear all memory?")
        self.page.press(Keys.ESCAPE)
        self.page.until_texts("#confirm-title", [])
        self.assertEqual(self.rest.get("/p1/status")["models"], 1)
        self.page.click("#clear-all")
        self.page.click("#confirm-yes")
        self.page.until_text("#learned li", "all of memory cleared")
        self.assertEqual(self.rest.get("/p1/status")["models"], 0)
        self.page.click("#delete-processor")
        self.page.click("#confirm-yes")
        self.page.until_text("#welcome", "There is no processor p1.")
        self.assertEqual(self.rest.get("/processors")["total"], 0)
        self.quiet()

    def test_faults(self) -> None:
        """What was typed wrongly is told by its field, in the server's words."""
        self.page.click("#new-processor")
        self.page.type("#create-id", "no id")
        self.page.until_text("#create-error", "processor: 'no id' is no id")
        self.page.click("#create-cancel")
        self.create()
        self.page.type("#observe-strings", '["a", 3]')
        self.page.until_text("#observe-strings-error", "strings[1]: expected a string, got int 3")
        self.page.type("#observe-emotives", "joy")
        self.page.until_text("#observe-emotives-error", '"joy"')
        self.assertEqual(self.page.value("#observe-strings"), '["a", 3]')
        self.assertEqual(self.rest.get("/p1/status")["events"], 0)
        self.quiet()

    def test_genes(self) -> None:
        """A gene is changed in place; an unfit value is told by its field, and changes nothing."""
        self.create()
        threshold = "#genes [name=recall_threshold]"
        self.page.until(lambda: self.page.value(threshold) == "0.1", "the genes are there")
        self.page.type(threshold, "lots", over=True)
        self.page.until_text("#gene-recall_threshold-error", "expected a number, got str 'lots'")
        self.assertEqual(self.page.attributes(threshold, "aria-invalid"), ["true"])
        self.page.type(threshold, "0.7", over=True)
        self.page.until_texts("#gene-recall_threshold-error", [])
        self.page.click("#genes [name=process_predictions]")
        self.page.until_text("#no-predictions", "process_predictions is off")
        genes = self.rest.get("/p1/genes")["genes"]
        self.assertEqual((genes["recall_threshold"], genes["process_predictions"]), (0.7, False))
        self.rest.post("/p1/genes/change", {"genes": {"stm_mode": "ROLLING", "persistence": 9}})
        self.page.until(
            lambda: self.page.value("#genes [name=stm_mode]") == "ROLLING", "changed elsewhere"
        )
        self.assertEqual(self.page.value("#genes [name=persistence]"), "9")
        self.quiet()

    def test_accuracy(self) -> None:
        """How often forecasts came true is shown while it is counted."""
        self.create()
        self.page.until(lambda: self.page.attributes("#accuracy-panel", "hidden"), "hidden")
        self.rest.post("/p1/gene/track_accuracy/change", {"value": True})
        self.learn(["a"], ["b"], ["c"])
        for string in "abc":
            self.observe(string)
        self.page.until_text("#accuracy [data-accuracy=top_1] .recent", "16.7 %")
        self.page.until_text("#accuracy-note", "6 events")
        self.quiet()

    def test_asked(self) -> None:
        """Where predictions are not pushed, they are asked for by hand."""
        self.create()
        self.rest.post("/p1/genes/change", {"genes": {"process_predictions": False}})
        self.learn(["a"], ["b"])
        self.observe("a", "b")
        self.page.until_text("#no-predictions", "None are pushed")
        self.page.click("#ask-predictions")
        self.page.until(lambda: self.page.texts(LANES), "they were asked for")
        self.quiet()

    def test_keys(self) -> None:
        """The page is used by keys alone, which a dialog tells, and which can be switched off."""
        self.create()
        self.page.run("document.activeElement.blur()")
        self.page.press("o")
        self.page.press("sun", Keys.ENTER)
        self.page.until_texts(EVENTS, ["sun"])
        self.page.until(lambda: not self.page.value("#observe-strings"), "it is observed")
        self.page.run("document.activeElement.blur()")
        self.page.press("?")
        self.page.until_text("#shortcuts", "observe")
        self.page.click("#shortcuts-on")
        self.page.press(Keys.ESCAPE)
        self.page.until_texts("#shortcuts", [])
        self.page.run("document.activeElement.blur()")
        self.page.press("?")
        self.assertEqual(self.page.texts("#shortcuts"), [])
        self.page.element("#skip").send_keys(Keys.ENTER)
        self.assertEqual(self.page.focused().get_attribute("id"), "main")
        self.quiet()

    def test_theme(self) -> None:
        """The theme is the system's, or the one that was chosen, also after a reload."""
        ground = "return getComputedStyle(document.documentElement).backgroundColor"
        light = self.page.run(ground)
        self.page.emulate(dark=True)
        self.assertNotEqual(self.page.run(ground), light)
        self.page.click("#theme")
        self.assertEqual(self.page.run(ground), light)
        self.page.reload()
        self.live()
        self.assertEqual(self.page.run(ground), light)
        self.assertIn("light", self.page.element("#theme").get_attribute("aria-label") or "")
        self.quiet()


class ConnectionTests(BrowserTestCase):
    """A server that is away, or wants a key."""

    def test_restart(self) -> None:
        """A server that is gone is told, with when it is tried again; when it is back the page goes
        on with its state, and says that it was read anew."""
        held = HeldPort()
        self.addCleanup(held.close)
        options = (
            *("--storage", f"sqlite:{self.mktemp()}"),
            *("--listen", f"tcp:{held.port}:interface=127.0.0.1"),
        )
        server = self.start(*options)
        self.learn(["a"], ["b"])
        self.observe("a")
        self.page = Page(held.port)
        self.addCleanup(self.page.leave)
        self.page.open("/#p1")
        self.page.until_texts(EVENTS, ["a"])
        server.terminate()
        self.page.until_text("#banner", "Trying again in")
        self.page.until(
            lambda: self.page.attributes("#connection", "data-state") == ["waiting"], "waiting"
        )
        self.assertEqual(self.page.texts(EVENTS), ["a"])
        self.start(*options)
        self.page.until_text("#connection", "Live")
        self.page.until_texts("#banner", [])
        self.page.until_text("#note", "Read anew at")
        self.observe("b")
        self.page.until_texts(EVENTS, ["a", "b"])
        self.page.until(lambda: self.page.texts(LANES), "there are predictions")

    def test_key(self) -> None:
        """A server's key is asked for; a wrong one is told so; the right one is kept for this tab,
        and stands in no address."""
        key_file = Path(self.mktemp())
        key_file.write_text(KEY, encoding="utf-8")
        self.show(self.start("--storage", "memory:", "--api-key-file", str(key_file)), "/#p1")
        self.page.until_text("#key-title", "This server wants a key")
        self.page.type("#key", "wrong")
        self.page.until_text("#key-title", "The key was refused")
        self.assertIn("key", self.page.text("#key-reason"))
        self.page.type("#key", KEY)
        self.live()
        self.page.until_text("#welcome", "There is no processor p1.")
        self.assertEqual(self.page.texts("#key-title"), [])
        self.page.reload()
        self.live()
        self.assertNotIn(KEY, self.page.run("return location.href"))
        self.page.click("#show-key")
        self.page.until_text("#key-title", "Use another API key")
        self.quiet()

    def test_read_only(self) -> None:
        """A page that is to be read-only says so, shows all, and offers nothing that changes
        anything."""
        server = self.start()
        self.learn(["a"], ["b"])
        self.observe("a", "b")
        self.show(server, "/?read-only#p1")
        self.page.until(lambda: self.page.texts(LANES), "there are predictions")
        self.page.until_text("#read-only", "Read-only")
        self.page.until_text("[data-gene=recall_threshold] .value", "0.1")
        for selector in (".writes", "#observe *", "#genes input", "#genes select"):
            self.assertEqual(self.page.texts(selector), [], selector)
        self.page.press("n")
        self.assertEqual(self.page.texts("#create-title"), [])
        self.quiet()


class ScopedKeyTests(BrowserTestCase):
    """Keys that may not do everything."""

    def setUp(self) -> None:
        self.keys = Path(self.mktemp()).absolute()
        keys = {
            "all": Key("all", frozenset(Scope)),
            "reads": Key("reads", frozenset({Scope.READ}), ("p1",)),
        }
        stored = [StoredKey(digest(token.encode()), key) for token, key in keys.items()]
        self.keys.write_text("\n".join(map(write_key, stored)), encoding="utf-8")
        self.keys.chmod(0o600)
        server = self.start("--storage", "memory:", "--api-keys", str(self.keys))
        for processor in ("p1", "p2"):
            for strings in (["a"], ["b"]):
                path = f"/{processor}/observe"
                sent = self.rest.send("POST", path, {"strings": strings}, {"X-API-Key": "all"})
                self.assertEqual(sent[0], 200)
        self.show(server, "/#p1")
        self.page.until_text("#key-title", "This server wants a key")
        self.page.type("#key", "reads")

    def test_read_only(self) -> None:
        """With a key that may not write, the page shows all that the key is for, says that it is
        read-only, and offers nothing that changes anything; of other processors it knows
        nothing."""
        self.live()
        self.page.until_texts(EVENTS, ["a", "b"])
        self.page.until_text("#read-only", "Read-only")
        self.page.until_text("[data-gene=recall_threshold] .value", "0.1")
        for selector in (".writes", "#observe *", "#genes input", "#genes select"):
            self.assertEqual(self.page.texts(selector), [], selector)
        self.page.press("n")
        self.assertEqual(self.page.texts("#create-title"), [])
        self.page.until_text("#processors-count", "1")
        self.assertEqual(self.page.texts("#processors .id"), ["p1"])
        self.rest.send("PUT", "/p3", None, {"X-API-Key": "all"})
        self.rest.send("POST", "/p1/observe", {"strings": ["c"]}, {"X-API-Key": "all"})
        self.page.until_texts(EVENTS, ["a", "b", "c"])
        self.assertEqual(self.page.texts("#processors .id"), ["p1"])
        self.quiet()

    def test_other_key(self) -> None:
        """A key that may write, told in its place, offers what it may do."""
        self.live()
        self.page.until_text("#read-only", "Read-only")
        self.page.click("#show-key")
        self.page.until_text("#key-title", "Use another API key")
        self.page.type("#key", "all")
        self.page.until_texts("#processors .id", ["p1", "p2"])
        self.page.until_texts("#read-only", [])
        self.quiet()


class PictureTests(BrowserTestCase):
    """How it looks.  The pictures are kept for people to look at."""

    def test_pictures(self) -> None:
        """The page fits a large screen and a phone's, in light and in dark."""
        folder = Path(os.environ.get("KATO_SCREENSHOTS") or self.mktemp()).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        server = self.start()
        self.weather()
        self.show(server, "/#p1")
        self.live()
        self.watched("p1")
        self.week()
        for name, width, height, dark in [
            ("light", 1440, 900, False),
            ("dark", 1440, 900, True),
            ("phone", 360, 780, False),
        ]:
            self.page.emulate(width, height, dark=dark)
            self.page.until(lambda: self.page.run(_FITS), f"fits {width} pixels")
            self.page.screenshot(folder / f"dashboard-{name}.png")
            start = (folder / f"dashboard-{name}.png").read_bytes()[:24]
            self.assertEqual(start[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(int.from_bytes(start[16:20], "big"), width)
        self.quiet()

    def weather(self) -> None:
        """Learn some weeks of weather, and make a few more processors."""
        for name in ("line-3", "melodies", "turbine-7"):
            self.rest.send("PUT", f"/{name}")
        weeks = ["sun sun rain fog sun", "rain rain sun sun fog", "sun rain rain fog sun"]
        for number, week in enumerate(weeks * 2):
            warmth = ("cold", "mild", "warm")[number % 3]
            days = [[weather, warmth] for weather in week.split()]
            self.learn(*days, emotives={"comfort": number / 5, "gloom": 1 - number / 4})

    def week(self) -> None:
        """Observe a few days, and wait until all of them is shown."""
        for number, day in enumerate(["sun mild", "rain mild", "snow mild", "rain warm"]):
            felt = {"comfort": 0.8 - number / 5, "gloom": number / 4}
            self.observe(*day.split(), emotives=felt)
        self.learn(["sun", "cold"], ["snow", "cold"])
        for number, day in enumerate(["sun mild", "rain mild", "rain mild"]):
            felt = {"comfort": 0.7 - number / 6, "gloom": number / 5}
            self.observe(*day.split(), emotives=felt)
        self.page.until(lambda: len(self.page.texts(EVENTS)) == 3, "observed")
        self.page.until(lambda: self.page.texts("#forecast .event"), "expected")
        self.page.until(lambda: self.page.texts("#learned li"), "learned")
        self.page.until(lambda: self.page.run("return !!document.querySelector('canvas')"), "felt")
