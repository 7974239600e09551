"""Ending servers, in order."""

from collections.abc import Sequence
from dataclasses import replace

from kato.manager.health import Watch
from kato.manager.registry import Instance, Registry
from kato.manager.system import System
from kato.manager.trouble import Trouble

STOP_SECONDS = 15.0
"""How long a server may take to stop."""

_PAUSE = 0.1


class Stopping:
    """Ends processes, and writes down that it was meant."""

    def __init__(self, registry: Registry, watch: Watch, *, system: System) -> None:
        self._registry = registry
        self._watch = watch
        self._system = system

    def end_family(self, gateway: Instance, *, force: bool = False) -> bool:
        """End a server, and then its services: nobody asks them any more.

        @return: whether any of them ran.
        @raise Trouble: where one of them goes on.
        """
        ran = self.end([gateway], force=force)
        return self.end(self._watch.services(gateway), force=force) or ran

    def end(self, instances: Sequence[Instance], *, force: bool = False) -> bool:
        """End some processes at the same time, and wait until all have ended.

        @param force: end those at once that do not stop by themselves.
        @return: whether any of them ran.
        @raise Trouble: which names the first that goes on.
        """
        running = [each for each in instances if self._watch.runs(each)]
        left = self._ask_to_end(running, at_once=False)
        if left and force:
            left = self._ask_to_end(left, at_once=True)
        for each in running:
            if each not in left:
                self._mark_stopped(each)
        if left:
            raise Trouble(
                f"{left[0].id} (process {left[0].pid}) does not stop within "
                f"{STOP_SECONDS:.0f} seconds; stop --force ends it at once, with what was only "
                "observed unsaved"
            )
        return bool(running)

    def _ask_to_end(self, instances: Sequence[Instance], *, at_once: bool) -> list[Instance]:
        """Ask all to end; gives those that have not ended when their time is over."""
        for each in instances:
            self._system.end(each.pid, at_once=at_once)
        deadline = self._system.now() + STOP_SECONDS
        while (left := [each for each in instances if self._watch.runs(each)]) and (
            self._system.now() < deadline
        ):
            self._system.pause(_PAUSE)
        return left

    def _mark_stopped(self, instance: Instance) -> None:
        """Write down that the end was meant, unless somebody started it again meanwhile."""
        with self._registry.changing():
            if self._registry.read().get(instance.id) == instance:
                self._registry.put(replace(instance, stopped=True))
