"""Who would subscribe waits until what others have asked for is read (docs/decisions/zmq.md).

An XPUB keeps all that came and was not read yet, also of those who have gone.  So while there is
some, nobody else gets in: else whoever comes again and again would have it keep more and more.
"""

from collections.abc import Callable


class WaitingRoom:
    """Lets in at once, or when all has been read."""

    def __init__(self) -> None:
        self._behind: set[object] = set()
        self._waiting: list[Callable[[], object]] = []

    def ask(self, let_in: Callable[[], object]) -> None:
        """Somebody would come in; C{let_in} is called once, now or later."""
        if self._behind:
            self._waiting.append(let_in)
        else:
            let_in()

    def told(self, reader: object, *, is_behind: bool) -> None:
        """Whether something is left that a reader has not read yet."""
        if is_behind:
            self._behind.add(reader)
            return
        self._behind.discard(reader)
        if not self._behind:
            waiting, self._waiting = self._waiting, []
            for let_in in waiting:
                let_in()
