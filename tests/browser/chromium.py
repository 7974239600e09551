"""A browser without a screen, and the dashboard in it."""

import atexit
import os
import shutil
import tempfile
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait
from twisted.trial.unittest import SkipTest

from tests.live.server import PATIENCE

T = TypeVar("T")

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
_OFTEN = 0.05
"""Seconds after which it is looked again whether something has come."""

_TRIES = 3
"""The driver waits no longer than a minute for the browser, and listens on a port that was free
a moment before: on a busy machine either may go wrong."""


def _program() -> tuple[str, str]:
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    if "CI" in os.environ:
        raise AssertionError("a browser is required here: apt-get install chromium-driver")
    raise SkipTest("there is no browser here: install chromium and chromedriver")


@cache
def browser() -> Chrome:
    """The browser of this process, which is started once and ends with it.

    @raise SkipTest: where there is none, except in CI.
    """
    program, driver = _program()
    for left in reversed(range(_TRIES)):
        try:
            return _started(program, driver)
        except WebDriverException:
            if not left:
                raise
    raise AssertionError("it is tried at least once")


def _started(program: str, driver: str) -> Chrome:
    options = ChromeOptions()
    options.binary_location = program
    profile = tempfile.TemporaryDirectory(prefix="kato-browser-", ignore_cleanup_errors=True)
    atexit.register(profile.cleanup)
    for each in (*_OPTIONS, f"--user-data-dir={profile.name}"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = Chrome(options=options, service=Service(driver))
    atexit.register(started.quit)
    started.set_script_timeout(PATIENCE)
    return started


class Page:
    """The dashboard of one server.  What it keeps in the browser is forgotten when it is left: the
    port may become that of another test's server."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._browser = browser()
        self._browser.get_log("browser")
        self.emulate()

    def open(self, address: str = "/") -> None:
        """Go there, from nowhere."""
        self.leave()
        self._browser.get(self._origin + address)

    def leave(self) -> None:
        """Close the page, and forget what it has kept."""
        if self.run("return location.origin") == self._origin:
            self.run("localStorage.clear(); sessionStorage.clear()")
        self._browser.get("about:blank")

    def reload(self) -> None:
        """Load the page again."""
        self._browser.refresh()

    def emulate(self, width: int = 1440, height: int = 900, *, dark: bool = False) -> None:
        """Have a screen of this size, and a system with this taste."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._do("Emulation.setDeviceMetricsOverride", size)
        taste = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._do("Emulation.setEmulatedMedia", {"features": [taste, calm]})

    def _do(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = self._browser.execute_cdp_cmd(command, params)
        return done

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        width, height = self.run(
            "const page = document.documentElement; return [page.scrollWidth, page.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        params = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        path.write_bytes(b64decode(self._do("Page.captureScreenshot", params)["data"]))

    # What is there

    def run(self, script: str, *arguments: object) -> Any:
        """Run a function's body in the page; gives what it returns."""
        return self._browser.execute_script(script, *arguments)

    def wait_for(self, script: str, *arguments: object) -> Any:
        """Run the body of an asynchronous function in the page; gives what comes of it."""
        return self._browser.execute_async_script(
            "const told = arguments[arguments.length - 1];"
            f"(async () => {{{script}}})().then(told, (error) => told(String(error)))",
            *arguments,
        )

    def texts(self, selector: str) -> list[str]:
        """The texts of all such elements that are shown."""
        found: list[str] = self.run(
            """return [...document.querySelectorAll(arguments[0])]
                .filter((each) => each.checkVisibility()).map((each) => each.textContent.trim())""",
            selector,
        )
        return found

    def text(self, selector: str) -> str:
        """The text of the first such element that is shown; empty where there is none."""
        return next(iter(self.texts(selector)), "")

    def attributes(self, selector: str, name: str) -> list[str]:
        """An attribute of all such elements."""
        found: list[str] = self.run(
            """return [...document.querySelectorAll(arguments[0])]
                .map((each) => each.getAttribute(arguments[1]))""",
            selector,
            name,
        )
        return found

    def value(self, selector: str) -> str:
        """What stands in a field."""
        return str(self.element(selector).get_property("value"))

    def element(self, selector: str) -> WebElement:
        """The first such element."""
        return self._browser.find_element(By.CSS_SELECTOR, selector)

    def focused(self) -> WebElement:
        """What has the focus."""
        return self._browser.switch_to.active_element

    def errors(self) -> list[str]:
        """What the browser complained of since this was asked last."""
        return [
            str(each["message"])
            for each in self._browser.get_log("browser")
            if each["level"] in ("SEVERE", "WARNING")
        ]

    # What happens

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Wait until a condition gives something that is true, and give that."""
        waiting = WebDriverWait(
            self._browser,
            PATIENCE,
            poll_frequency=_OFTEN,
            ignored_exceptions=[NoSuchElementException, StaleElementReferenceException],
        )
        found: T = waiting.until(lambda _: condition(), f"never {what}")
        return found

    def until_text(self, selector: str, text: str) -> None:
        """Wait until an element that is shown says this, perhaps among other things."""
        self.until(lambda: text in self.text(selector), f"{selector} says {text!r}")

    def until_texts(self, selector: str, texts: list[str]) -> None:
        """Wait until the elements that are shown say just this."""
        self.until(lambda: self.texts(selector) == texts, f"{selector} are {texts}")

    def click(self, selector: str) -> None:
        """Click on an element when it can be seen."""

        def clicked() -> bool:
            element = self.element(selector)
            if not element.is_displayed():
                return False
            element.click()
            return True

        self.until(clicked, f"{selector} is shown")

    def choose(self, selector: str, option: str) -> None:
        """Choose an option by its words."""
        Select(self.element(selector)).select_by_visible_text(option)

    def type(self, selector: str, text: str, *, over: bool = False) -> None:
        """Type into a field when it can be seen, and enter it.

        @param over: in the place of what stands there.
        """
        self.until(lambda: self.element(selector).is_displayed(), f"{selector} is shown")
        field = self.element(selector)
        if over:
            field.send_keys(Keys.CONTROL + "a")
        field.send_keys(text + Keys.ENTER)

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        self.focused().send_keys(*keys)
