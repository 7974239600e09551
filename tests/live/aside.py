"""What a test does beside the rest."""

from collections.abc import Callable
from threading import Thread
from traceback import format_exc

from tests.live.server import PATIENCE


class Aside:
    """Does something in a thread; what goes wrong there goes wrong where it is joined."""

    def __init__(self, done: Callable[[], object]) -> None:
        self._done = done
        self._wrong = ""
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._done()
        except BaseException:
            self._wrong = format_exc()

    @property
    def runs(self) -> bool:
        """Whether it is not done yet."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until it is done."""
        self._thread.join(PATIENCE)
        if self._wrong or self.runs:
            raise AssertionError(self._wrong or f"not done within {PATIENCE} seconds: {self._done}")
