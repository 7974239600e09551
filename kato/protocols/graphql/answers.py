"""What was asked for one document so far, and what came: a cache that knows what is missing.

A document is executed several times.  What a field asks for is looked up here; where it is missing,
it is noted, and the field is null for now.  Then all that is missing is asked, and the document is
executed again, until nothing is.  So execution itself waits for nothing, and needs no event loop.
"""

from collections.abc import Callable, Hashable, Mapping

from kato.commands import Command, Reply
from kato.errors import KatoError
from kato.limits import Limits

Answer = Reply | KatoError
"""What came of a command."""


class Answers:
    """The answers of one document.

    Questions are known by their commands, so that the same one is asked once.  Changes are known by
    their names in the answer, and each is asked when all before it are done, with what is asked
    about what they did; what is asked after a change is another question than before it.
    """

    def __init__(self, limits: Limits) -> None:
        """@param limits: how much a command may ask for."""
        self._limits = limits
        self._known: dict[Hashable, Answer] = {}
        self._missing: dict[Hashable, Command] = {}
        self._after: str | None = None

    # While the document is executed

    def ask(self, command: Command) -> Reply | None:
        """The answer to a question; C{None}: it is not there yet.

        @raise KatoError: where it was refused.
        """
        key = (self._after, command)
        if key not in self._known:
            self._limits.check(command)
            self._missing[key] = command
            return None
        return _given(self._known[key])

    def change(self, name: str, command: Callable[[], Command]) -> Reply | None:
        """The answer to a change; C{None}: it is not there yet.

        @param name: which change of the document it is.
        @param command: makes what is asked for, when its turn has come.
        @raise KatoError: where it was refused.
        """
        self._after = name
        if name in self._known:
            return _given(self._known[name])
        if not self._missing:
            made = command()
            self._limits.check(made)
            self._missing[name] = made
        return None

    # Between two executions

    def take_missing(self) -> Mapping[Hashable, Command]:
        """What was missing in the last execution, by what it is known under; the next one may
        begin."""
        missing, self._missing, self._after = self._missing, {}, None
        return missing

    def learn(self, answers: Mapping[Hashable, Answer]) -> None:
        """Take what came."""
        self._known.update(answers)


def _given(answer: Answer) -> Reply:
    if isinstance(answer, KatoError):
        raise answer.with_traceback(None)  # it may be raised again and again
    return answer
