"""Explanations that tell when a model was learned, from the audit log (docs/explain.md)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.audit.provenance import learned
from kato.audit.writer import InThread
from kato.commands import Command, Reply
from kato.dispatch import IProcessors
from kato.events import Listener, Subscribed, Wish


@implementer(IProcessors)
class Explaining:
    """Provides L{IProcessors}: asks others, and adds to what they explain."""

    log = Logger()

    def __init__(self, processors: IProcessors, folder: Path, *, in_thread: InThread) -> None:
        """
        @param folder: that of the log.
        @param in_thread: calls a function off the reactor.
        """
        self._processors = processors
        self._folder = folder
        self._in_thread = in_thread

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command."""
        asked: Deferred[Reply] = self._processors.ask(command)
        return asked.addCallback(self._explained) if command.operation == "explain" else asked

    def _explained(self, reply: Reply) -> "Deferred[Reply]":
        model: dict[str, Any] = reply.fields["model"]
        search: Callable[[], dict[str, Any]] = partial(
            learned, self._folder, reply.processor or "", model["name"], model["sequence"]
        )
        found = self._in_thread(search)
        return found.addCallbacks(
            lambda known: replace(reply, fields={**reply.fields, "learned": known}),
            lambda failure: self._not_found(failure, reply),
        )

    def _not_found(self, failure: Failure, reply: Reply) -> Reply:
        failure.trap(OSError, ValueError)
        self.log.warn("the audit log cannot be searched: {error}", error=failure.value)
        return reply

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}."""
        subscribed: Deferred[Subscribed] = self._processors.subscribe(wish, listener)
        return subscribed

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the processors."""
        told: dict[str, Any] = self._processors.statistics()
        return told
