"""The game of the examples in a real browser, with a real server."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.chromium import Page
from tests.live.server import ROOT, LiveServer

BEATS = {"rock": "paper", "paper": "scissors", "scissors": "rock"}
HABIT = ("rock", "rock", "paper", "scissors", "paper")


class Files(SimpleHTTPRequestHandler):
    """Serves the files of the game."""

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads this."""


class GameTests(SynchronousTestCase):
    """A player, a page, and a server that lets it in."""

    def setUp(self) -> None:
        handler = partial(Files, directory=str(ROOT / "examples" / "game"))
        files = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        Thread(target=files.serve_forever, daemon=True).start()
        self.addCleanup(files.server_close)
        self.addCleanup(files.shutdown)
        self.port = int(files.server_address[1])
        self.page = Page(self.port)
        self.addCleanup(self.page.leave)

    def start(self, *, allowed: bool = True) -> int:
        """Start the server, and open the page; gives the server's port."""
        origin = ("--origin", f"http://127.0.0.1:{self.port}") if allowed else ()
        server = LiveServer("--storage", "memory:", *origin).start()
        self.addCleanup(server.stop)
        self.page.open(f"/?server=http://127.0.0.1:{server.port}")
        return server.port

    def ready(self) -> None:
        """Wait until a game begins."""
        self.page.until_text("#result", "Show something.")

    def score(self) -> Sequence[int]:
        """How often the player won, nobody, and KATO."""
        return [int(each) for each in self.page.texts("dd")]

    def play(self, move: str, act: Callable[[str], None]) -> None:
        """Play a round."""
        before = sum(self.score())
        act(move)
        self.page.until(lambda: sum(self.score()) == before + 1, f"{move} is played")

    def press(self, move: str) -> None:
        """Press a move's key."""
        self.page.press(move[0])

    def click(self, move: str) -> None:
        """Click on a move's button."""
        self.page.click(f"#{move}")

    def test_habit(self) -> None:
        """Who has a habit loses to KATO, by more than to who beats the most frequent move."""
        self.start()
        self.ready()
        for move in islice(cycle(HABIT), 40):
            self.play(move, self.press)
        you, _, kato = self.score()
        self.assertGreater(kato, 2 * you)
        self.assertGreater(kato - you, 7)
        lead = f"KATO {kato - you} ahead, most frequent 7 ahead"
        self.assertIn(lead, self.page.text("#lead"))
        self.page.until_text("#known", "40 rounds")
        folder = Path(os.environ.get("KATO_SCREENSHOTS") or self.mktemp()).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for dark in (False, True):
            self.page.emulate(width=820, dark=dark)
            self.page.screenshot(folder / f"game-{'dark' if dark else 'light'}.png")
        self.assertEqual(self.page.errors(), [])

    def test_round(self) -> None:
        """A round shows both moves, who won, and what was expected; who peeks is told before, and
        knows what KATO shows."""
        self.start()
        self.ready()
        for move in islice(cycle(HABIT), 15):
            self.play(move, self.click)
        self.page.click("#peek")
        self.page.until_text("#expected-of", "your next move")
        shares = self.page.texts("td:last-child")
        expected = max(zip(shares, ("rock", "paper", "scissors"), strict=True), key=_percent)[1]
        counter = BEATS[BEATS[expected]]
        you, _, _ = self.score()
        self.play(counter, self.click)
        self.assertEqual(self.score()[0], you + 1)
        self.assertEqual(self.page.text("#your-hand span"), counter)
        self.assertEqual(self.page.text("#kato-hand span"), BEATS[expected])
        self.assertEqual(self.page.text("#result"), "You win")

    def test_memory(self) -> None:
        """KATO knows a player again, until it is told to forget."""
        self.start()
        self.ready()
        for move in HABIT:
            self.play(move, self.press)
        self.page.reload()
        self.ready()
        self.page.until_text("#known", "5 rounds")
        self.play("rock", self.press)
        self.page.until_text("#known", "6 rounds")
        self.page.click("#forget")
        self.page.until_text("#known", " 0 rounds")
        self.assertEqual(self.score(), [0, 0, 0])

    def test_not_allowed(self) -> None:
        """To a server that does not know the page, it says how to start one that does."""
        self.start(allowed=False)
        self.page.until_text("#problem", f"--origin http://127.0.0.1:{self.port}")


def _percent(entry: tuple[str, str]) -> int:
    return int(entry[0].removesuffix(" %"))
